"""``backprop sweep``: every combination of parameters, cross-validated, into a file that anyone can check."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import app
from .progress import JOBS, QUIET, progress_bar

if TYPE_CHECKING:
    from ..sweeps.results import Results

MOST = 10  # rows on the terminal


@app.command(short_help="Cross-validate every combination of parameters.")
def sweep(
    spec: Annotated[Path, typer.Argument(help="A TOML file; docs/sweep.md describes it.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The results file; SPEC.results.json if not given.", show_default=False
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table", "-t", help="A table, .md or .csv; SPEC.results.md if not given.", show_default=False
        ),
    ] = None,
    jobs: Annotated[int, JOBS] = -1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that holds another sweep.")
    ] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> None:
    """Train every combination of parameters, for results that anyone can check.

    Each row is cross-validated, and written down with all that it takes to train it again. After Ctrl-C the
    results file has the finished rows, and the same command goes on from there.

    Exit code: 0; 2 if spec, data or output cannot be used; 130 after Ctrl-C.
    """
    from .._input_errors import InputError
    from ..sweeps import run

    output = output or spec.with_suffix(".results.json")
    table = table or spec.with_suffix(".results.md")
    if table.suffix.lower() not in (".md", ".csv"):
        raise InputError(table, "a table's name ends in .md or .csv")
    found: list[Results] = []
    try:
        with progress_bar(quiet) as show:

            def watch(results: "Results") -> None:
                if not found:
                    begin(results, quiet)
                    found.append(results)
                best = results.ranked()[:1]
                words = "" if not best or best[0]["mean"] is None else f"best {best[0]['mean']:.4f}"
                show(len(results.rows), results.document["planned_rows"], words)

            results = run.sweep(spec, jobs=jobs, output=output, overwrite=overwrite, watch=watch)
    except KeyboardInterrupt:
        if found:
            n_rows, planned = len(found[0].rows), found[0].document["planned_rows"]
            print(
                f"Interrupted: {output} has {n_rows} of {planned} rows; the same command goes on.",
                file=sys.stderr,
            )
        raise typer.Exit(130) from None
    write_table(results, table)
    end(results, output, table)


def begin(results: "Results", quiet: bool) -> None:
    """What is swept, and what is there already."""
    from ..sweeps.show import summary

    if not quiet:
        print(summary(results), flush=True)
    if results.rows:
        print(f"{len(results.rows)} of {results.document['planned_rows']} rows were finished before.", flush=True)


def write_table(results: "Results", path: Path) -> None:
    """The table in the form that the name asks for."""
    text = results.to_csv() if path.suffix.lower() == ".csv" else results.to_markdown()
    path.write_text(text, encoding="utf-8", newline="\n")


def end(results: "Results", output: Path, table: Path) -> None:
    """The best rows, failures, and how to check."""
    from rich.console import Console

    from ..sweeps.show import console_table, failures, inexact

    console = Console(highlight=False)
    console.print(console_table(results, MOST, console))
    if len(results.rows) > MOST:
        print(f"The best {MOST} of {len(results.rows)} rows; all are in {table}.")
    for line in [*inexact(results), *failures(results)[:MOST]]:
        print(line)
    print(f"Written: {output}, {table}\nTo check: backprop verify {output}")
