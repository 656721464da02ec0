"""What `sweep` and `verify` share: their options, and a progress bar on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

__all__ = ["JOBS", "QUIET", "progress_bar"]

JOBS = typer.Option("--jobs", "-j", min=-1, help="Processes; -1: one on each processor. Changes no result.")
QUIET = typer.Option("--quiet", "-q", help="No progress bar.")


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Any]:
    """A bar on standard error, if that is a terminal; yields a function of rows done, all rows, and words."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:  # a hidden bar of rich 13 writes an empty line
        yield lambda done, total, words="": None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("rows"),
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TextColumn("{task.description}", markup=False),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False)
    task = bar.add_task("", total=None)

    def show(done: int, total: int, words: str = "") -> None:
        bar.update(task, completed=done, total=total, description=words)
        bar.start()

    try:
        yield show
    finally:
        bar.stop()
