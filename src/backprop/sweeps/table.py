"""A CSV file as columns of texts, and texts as the float64 nearest to them; bad cells with line and column."""

import csv
import io
import re
from hashlib import sha256
from math import isinf
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._input_errors import InputError

__all__ = ["Table", "read"]

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
NAMES = "the first line must hold the names of the columns"


class Table(NamedTuple):
    """A CSV file.

    Attributes
    ----------
    source : str
        The file, as the user named it.
    columns : dict of list of str
        The cells of each column, without surrounding blanks.
    lines : list of int
        In which line of the file each row begins.
    sha256 : str
        Of the file's bytes.
    """

    source: str
    columns: dict[str, list[str]]
    lines: list[int]
    sha256: str

    def cell(self, row: int, column: str) -> str:
        """Where a cell stands, for messages."""
        return f"{self.source}, line {self.lines[row]}, column {column!r}"

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of decimal numbers. Python's `float` finds the nearest float64 on every machine.

        Raises
        ------
        InputError
            At the first cell that is empty, no number, or too large for a float64.
        """
        found = []
        for row, cell in enumerate(self.columns[column]):
            if not NUMBER.fullmatch(cell):
                if not cell:
                    what = "the cell is empty, expected a number"
                elif cell.lower() in ("nan", "na", "n/a", "null", "none", "?"):
                    what = f"{cell!r} stands for a missing number; every cell needs one"
                else:
                    what = (
                        f"{cell!r} is not a number. If the column is none of numbers: data.exclude = [{column!r}]"
                    )
                raise InputError(self.cell(row, column), what)
            number = float(cell)
            if isinf(number):
                raise InputError(self.cell(row, column), f"{cell} is too large for a float64")
            found.append(number)
        return np.array(found, np.float64)

    def labels(self, column: str) -> list[str]:
        """A column of labels, whatever they look like.

        Raises
        ------
        InputError
            At the first cell that is empty.
        """
        for row, cell in enumerate(self.columns[column]):
            if not cell:
                raise InputError(self.cell(row, column), "the cell is empty, expected a label")
        return self.columns[column]


def read(path: Path, source: str, delimiter: str) -> Table:
    """Read a CSV file in UTF-8 whose first line names the columns.

    Raises
    ------
    InputError
        If it is not there, not UTF-8, not regular, or has no rows.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(source, f"cannot be read ({error.strerror or error})") from None
    except ValueError as error:  # a NUL in the name
        raise InputError(repr(source), f"is no name of a file ({error})") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{source}, line {line}", f"byte {data[error.start]:#x} is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    cells: list[list[str]] = []
    lines: list[int] = []
    begins = 1
    try:
        for row in reader:
            stripped = [cell.strip() for cell in row]
            if any(stripped) or len(stripped) > 1:  # else an empty line
                if not names:
                    names = checked_names(stripped, f"{source}, line {begins}")
                elif len(stripped) != len(names):
                    expected = f"expected {len(names)}, as the first line has"
                    raise InputError(f"{source}, line {begins}", f"has {len(stripped)} cells, {expected}")
                else:
                    cells.append(stripped)
                    lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{source}, line {begins}", f"is not CSV: {error}") from None
    if not cells:
        raise InputError(source, "has no rows" if names else f"is empty; {NAMES}")
    columns = {name: [row[k] for row in cells] for k, name in enumerate(names)}
    return Table(source, columns, lines, sha256(data).hexdigest())


def checked_names(names: list[str], place: str) -> list[str]:
    """Names of columns: there, printable, each once, and not a row of data."""
    if all(NUMBER.fullmatch(name) for name in names):
        raise InputError(place, f"holds numbers; {NAMES}")
    for k, name in enumerate(names, start=1):
        if not name:
            raise InputError(place, f"column {k} has no name; {NAMES}")
        if not name.isprintable():
            raise InputError(place, f"the name of column {k} is not printable: {name!r}")
        if name in names[: k - 1]:
            raise InputError(
                place, f"the name {name!r} is there twice, as columns {names.index(name) + 1} and {k}; {NAMES}"
            )
    return names
