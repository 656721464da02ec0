"""A progress bar for an estimator's epochs: verbose="bar"."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(epochs: int) -> Any:
    """Show a bar on the terminal; yields a function to call after each epoch with its loss and score."""
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("", total=epochs)

        def advance(loss: float, score: float | None) -> None:
            what = f"loss {loss:.6g}" + ("" if score is None else f", score {score:.4f}")
            progress.update(task, advance=1, description=what)

        yield advance


Advance = Callable[[float, float | None], None]
