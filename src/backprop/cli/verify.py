"""``backprop verify``: a sweep's rows trained again."""

from pathlib import Path
from typing import Annotated

import typer

from .app import app
from .progress import JOBS, QUIET, progress_bar


@app.command(short_help="Train the rows of a sweep again and compare.")
def verify(
    results: Annotated[Path, typer.Argument(help="A results file of backprop sweep.", show_default=False)],
    row: Annotated[
        list[int] | None, typer.Option("--row", "-r", help="Only this row; may be repeated.", show_default=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="The CSV file, if it is elsewhere.", show_default=False)
    ] = None,
    jobs: Annotated[int, JOBS] = -1,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Train a sweep's rows again, and confirm them or say what differs.

    Exit code: 0 confirmed; 1 something differs; 2 file or data cannot be used.
    """
    from ..sweeps import verification

    with progress_bar(quiet) as show:
        report = verification.verify(results, rows=row or None, data=data, jobs=jobs, watch=show)
    print(report)
    if not report.ok:
        raise typer.Exit(1)
