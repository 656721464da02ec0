"""What is wrong with a user's input, and where: one line, in which nothing can move a terminal's cursor."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from ._text import clean

__all__ = ["InputError", "Place", "nearest", "one_line"]

LONGEST = 400  # characters of a message


class Place(NamedTuple):
    """A file, or what else was read, and where in it, counted from 1.

    Attributes
    ----------
    source : str
        As the user gave it.
    line, column : int or None
        In CSV and Markdown a column is that of the table.
    """

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """``net.json, line 3, column 15``."""
        parts = [self.source]
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.column is not None:
            parts.append(f"column {self.column}")
        return ", ".join(parts)


class InputError(ValueError):
    """Input that cannot be used; the message begins with the place: a `Place`, a file, a line, a key."""

    def __init__(self, place: object, message: object) -> None:
        super().__init__(f"{place}: {message}")


def one_line(error: BaseException) -> str:
    """An error's message as one printable line."""
    if isinstance(error, MemoryError) and not str(error):
        return "there is not enough memory"
    text = clean(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'sizes'?``, or nothing."""
    found = get_close_matches(name[:100], [*known], n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""
