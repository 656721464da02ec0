"""The command line's root: ``backprop`` with ``--version``, to which each command adds itself.

A command imports what it needs when it runs, so that ``--help`` and ``--version`` do not wait for NumPy.
"""

import inspect
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

__all__ = ["EXIT_CODES", "app", "examples"]

# Plain help: rich's boxes would leave half of 80 columns, and read brackets in names as markup.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 80, "help_option_names": ["--help", "-h"]},
)

EXIT_CODES = "Exit code: 0 right, 1 wrong, 2 input that cannot be used."


Command = TypeVar("Command", bound=Callable[..., None])


def examples(*lines: str) -> Callable[[Command], Command]:
    """Put examples below a command's help."""

    def with_examples(command: Command) -> Command:
        text = "\n".join(f"  {line}" for line in lines)
        command.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n\b\nExamples:\n{text}\n"
        return command

    return with_examples


def print_version(wanted: bool) -> None:
    """Print the version and end, if ``--version`` was given."""
    if wanted:
        from .. import __version__

        typer.echo(f"backprop {__version__}")
        raise typer.Exit


@app.callback()
def backprop(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train small neural networks by backpropagation, and see every number.

    New here? "backprop demo" goes through a whole example, "backprop sheet" gives you its numbers to calculate
    yourself, and "backprop check" says which of yours are right. Every command has a --help with examples.
    """
