"""The command line: ``backprop demo``.

A command imports what it needs when it runs, so that ``--help`` and ``--version`` do not wait for NumPy.
"""

import io
import sys
from time import perf_counter
from typing import Annotated

import typer

__all__ = ["main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def print_version(wanted: bool) -> None:
    """Print the version and end, if ``--version`` was given."""
    if wanted:
        from . import __version__

        typer.echo(f"backprop {__version__}")
        raise typer.Exit


@app.callback()
def backprop(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train small neural networks by backpropagation, and see every number."""


@app.command()
def demo() -> None:
    """Go through the tutorial's worked example, every number of it."""
    begin = perf_counter()
    from . import examples  # noqa: F401  (it brings the network and NumPy)

    import_seconds = perf_counter() - begin
    from .glassbox.demo import run

    run(import_seconds)


def main() -> None:
    """Run the command line; errors of use are told in a sentence, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 shows what it can
    try:
        app(prog_name="backprop")
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImportError, MemoryError, OSError, ValueError, ArithmeticError) as error:
        sys.exit(f"backprop: {error}")
