"""Answers files: a learner's numbers as CSV, Markdown or JSON, each with its place.

A worksheet that was filled in is such a file. Numbers stay strings, so that the digits that were written count.
"""

import csv
import html
import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from .._input_errors import InputError, Place
from ..glassbox.conventions import Graph
from ..glassbox.formulas import shown
from ..glassbox.names import Key
from ..glassbox.numerals import numeral
from ..glassbox.records import unknown_name
from ..glassbox.trace import Trace
from .documents import json_document, kind_of
from .files import Text, read_text

__all__ = ["Cell", "check_given", "checked_answers", "read_answers"]

MOST = 100_000  # answers
CELL = re.compile(r"((?:[^|\\]|\\.?)*)(?:\||$)")
EXPECTED = "expected a name and a number in each row, or a first row with the columns name and value"


class Cell(NamedTuple):
    """One answer as it stands in a file: a name, what was written for it, and where both are."""

    name: str
    given: Any
    name_place: Callable[[], Place]
    place: Callable[[], Place]
    is_given: bool = False


def read_answers(path: str) -> tuple[list[Cell], list[Cell]]:
    """The answers in a file, without those that are left empty, and what it says is given.

    Raises
    ------
    InputError
        If it cannot be read, or holds no answers.
    """
    text = read_text(path)
    cells: list[Cell] = []
    given: list[Cell] = []
    for cell in _cells(text):
        if cell.given is not None and str(cell.given).strip():
            (given if cell.is_given else cells).append(cell)
        if len(cells) > MOST:
            raise InputError(text.source, f"has more than {MOST:,} answers, the most that are read")
    if not cells:
        raise InputError(text.source, "has no answers: no number is filled in")
    return cells, given


def check_given(given: list[Cell], trace: Trace) -> None:
    """Refuse a sheet of another network, as the numbers that it gives show.

    Raises
    ------
    InputError
        If one of them is not the trace's.
    """
    for cell in given:
        try:
            number = numeral(cell.name, cell.given).value
        except (TypeError, ValueError):
            continue  # a learner's note
        value = trace[cell.name].value if cell.name in trace else None
        if value is None or abs(number - value) > 1e-9 + 1e-4 * abs(value):  # as it was printed
            here = "does not have it" if value is None else f"has {shown(value)}"
            said = f"this sheet is of another network: {cell.name!r} is {number:g}, and the network {here}"
            raise InputError(cell.place(), f"{said} (--network says which)")


def checked_answers(cells: list[Cell], trace: Trace) -> list[tuple[str, Any]]:
    """The answers as `check` takes them.

    Raises
    ------
    InputError
        If a name is unknown or there twice, or what was written is no number.
    """
    graph = Graph(trace)
    places: dict[Key, Callable[[], Place]] = {}
    for cell in cells:
        key = graph.key(cell.name)
        if key is None:
            said = unknown_name(trace, cell.name).replace("see trace.records.names", "'backprop sheet' lists them")
            raise InputError(cell.name_place(), said)
        if key in places:
            line = places[key]().line
            raise InputError(cell.name_place(), f"{cell.name!r} is here twice, first in line {line}")
        places[key] = cell.name_place
        try:
            numeral(graph.name(key), cell.given)
        except (TypeError, ValueError) as error:
            raise InputError(cell.place(), error) from None
    return [(cell.name, cell.given) for cell in cells]


def _cells(text: Text) -> Iterator[Cell]:
    known = text.suffix in (".json", ".csv", ".tsv", ".md")
    if text.suffix == ".json" or (not known and text.text.lstrip()[:1] in ("{", "[")):
        return _of_json(text)
    if text.suffix == ".md" or (not known and re.search(r"^[ \t]*\|", text.text, re.MULTILINE)):
        return _of_rows(text.source, _markdown_rows(text), tables=True)
    return _of_rows(text.source, _csv_rows(text))


def _of_json(text: Text) -> Iterator[Cell]:
    document = json_document(text, literals=True)
    for name, given in document.data.items():
        if isinstance(given, dict | list | bool):
            raise InputError(document.place((name,)), f"expected a number, such as 0.3775, not {kind_of(given)}")
        at_name, at_number = partial(document.place, (name,), key=True), partial(document.place, (name,))
        yield Cell(name.strip(), given, at_name, at_number)


# ---- rows ----------------------------------------------------------------------------------------------------

Rows = Iterator[tuple[int, list[str]]]  # the line that a row begins in, and its cells


def _csv_rows(text: Text) -> Rows:
    first = text.text.lstrip().partition("\n")[0]
    separator = re.fullmatch(r"sep=(.)\s*", first)  # a spreadsheet's own note
    delimiter = separator[1] if separator else next((d for d in "\t;" if d in first), ",")
    reader = csv.reader(io.StringIO(text.text, newline=None), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if not (separator and cells and cells[0].startswith("sep=")):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(Place(text.source, line), f"this is not CSV: {error}") from None


def _markdown_rows(text: Text) -> Rows:
    for line, words in enumerate(text.text.splitlines(), start=1):
        row = words.strip()
        if row.startswith("|") and not re.fullmatch(r"[|:\s-]+", row):
            *cells, _ = CELL.findall(row.removeprefix("|"))
            yield line, [_unescaped(cell.strip()) for cell in cells]


def _unescaped(cell: str) -> str:
    """What a cell of a table shows."""
    if len(cell) > 1 and cell.startswith("`") and cell.endswith("`"):
        return cell.strip("`").replace("\\|", "|")
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell))


def _of_rows(source: str, rows: Rows, *, tables: bool = False) -> Iterator[Cell]:
    """The cells under the headers name and value. Without headers CSV has these two columns alone."""
    columns: dict[str, int] | None = None  # of name, value and given
    width = 0
    for line, cells in rows:
        words = [cell.strip() for cell in cells]
        if not any(words):
            continue
        titles = [word.lower() for word in words]
        if "name" in titles:
            width = len(words)
            columns = {what: titles.index(what) for what in ("name", "value", "given") if what in titles}
            if "value" not in titles and not tables:
                raise InputError(Place(source, line), "the first row has no column called value")
            continue
        if words[0].startswith("#") or (tables and columns is None):
            continue
        if columns is None:
            if len(words) < 2:
                raise InputError(Place(source, line), EXPECTED)
            columns, width = {"name": 0, "value": 1}, 2
        if any(words[width:]):
            said = "there is a cell too many; a number with a decimal comma needs quotes here"
            raise InputError(Place(source, line, width + 1), said)
        at = {what: partial(Place, source, line, k + 1) for what, k in columns.items()}
        found = {what: words[k] if k < len(words) else "" for what, k in columns.items()}
        name = found["name"].removeprefix("'")
        for what in ("given", "value"):
            if found.get(what):
                if not name:
                    raise InputError(at["name"](), "a number without a name")
                yield Cell(name, found[what], at["name"], at[what], what == "given")
