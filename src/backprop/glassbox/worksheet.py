"""Worksheets: the quantities of a step in the order of calculation, to be filled in, or filled in as a key.

As CSV, Markdown or JSON, which the command line's ``check`` reads again when they are filled in.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from .formulas import shown
from .record import Record
from .sections import Section
from .trace import Trace
from .views.drawing import drawing
from .views.markdown import escaped
from .views.outline import Block, Limits, facts, outline, title

__all__ = ["FORMATS", "worksheet"]

FORMATS = ("csv", "markdown", "json")

BIASES_LEARN = ("contribution", "sum", "gradient", "new_parameter")  # not asked for where they stay as they are
PLAIN = re.compile(r"[\w /+@\[\],.()^-]+", re.ASCII)
UNSAFE = ("=", "+", "-", "@", "'", "\t")  # a spreadsheet would take a cell that begins so for a formula


def worksheet(
    trace: Trace,
    form: str = "csv",
    *,
    filled: bool = False,
    formulas: bool = False,
    heading: str = "",
    **selection: Any,
) -> str:
    """The quantities of a step, to be calculated by hand.

    Parameters
    ----------
    trace : Trace
    form : {"csv", "markdown", "json"}, default="csv"
        CSV has the columns step, name, given and value, JSON the names alone. Markdown has a drawing too.
    filled : bool, default=False
        Whether the values are there, to nine decimals.
    formulas : bool, default=False
        Whether each quantity's formula is there; not in JSON.
    heading : str, optional
        Of Markdown; by default it says which network it is.
    **selection
        As in `Trace.select`; by default all that is calculated. What is given is always there.

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        If the selection is none, or finds nothing to calculate.
    """
    given = trace.select(phase="given").sections
    chosen = [section for section in trace.select(**selection).sections if section.phase != "given"]
    chosen = [section for section in chosen if not _stays(trace, section)]
    if not chosen:
        raise ValueError("nothing to calculate is left by this choice of phase and layer")
    blocks = [*outline(trace, Limits.of(full=True), [*given, *chosen])]
    if form == "markdown":
        return _markdown(trace, blocks, filled, formulas, heading or title(trace))
    return _csv(trace, blocks, filled, formulas) if form == "csv" else _json(blocks, filled)


def _stays(trace: Trace, section: Section) -> bool:
    """Whether it is about biases that are not trained."""
    of_weights = len(section.shape) == 2
    return section.kind in BIASES_LEARN and not of_weights and not trace.config.train_bias


def _records(block: Block) -> Iterator[Record]:
    for group in block.groups:
        yield from group


def _csv(trace: Trace, blocks: Sequence[Block], filled: bool, formulas: bool) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["step", "name", *(["formula"] if formulas else []), "given", "value"])
    for block in blocks:
        for record in _records(block):
            formula = [f"{record.name} = {record.formula}" if record.formula else ""] if formulas else []
            given = shown(record.value) if block.given else ""
            value = shown(record.value) if filled and not block.given else ""
            leads = _leads(trace, record)
            cells = [f"{block.title}, {leads}" if block.given and leads else block.title, record.name, *formula]
            writer.writerow([*(f"'{cell}" if cell.startswith(UNSAFE) else cell for cell in cells), given, value])
    return out.getvalue()


def _markdown(trace: Trace, blocks: Sequence[Block], filled: bool, formulas: bool, heading: str) -> str:
    parts = [f"# {heading}", " ".join(escaped(fact) for fact in facts(trace))]
    parts.append("\n".join(["```text", *drawing(trace, 78, values=False), "```"]))
    for block in blocks:
        columns = (
            ["name", "leads", "given"] if block.given else ["name", *(["formula"] if formulas else []), "value"]
        )
        rows = [f"| {' | '.join(columns)} |", f"|{'---|' * (len(columns) - 1)}--:|"]
        for record in _records(block):
            cells = [_name(record.name)]
            if block.given:
                cells.append(escaped(_leads(trace, record)))
            elif formulas:
                cells.append(f"${record.latex.replace('|', chr(92) + 'vert ')}$" if record.latex else "")
            cells.append(shown(record.value) if block.given or filled else "")
            rows.append(f"| {' | '.join(cells)} |")
        parts += [f"## {block.title}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _leads(trace: Trace, record: Record) -> str:
    """Where a given weight or bias leads."""
    if record.kind != "parameter" or record.layer is None:
        return ""
    layer, names = record.layer, trace.names
    if len(record.indices) == 2:
        i, j = record.indices
        return f"from {names.tail(layer - 1, i)} to {names.tail(layer, j)}"
    units = record.indices or range(1, trace.config.sizes[layer] + 1)
    first, *_, last = (names.tail(layer, k) for k in (units[0], units[-1]))
    return f"to {first}" if first == last else f"to {first} ... {last}"


def _name(name: str) -> str:
    """A name in a cell of a table."""
    return f"`{name}`" if PLAIN.fullmatch(name) else escaped(name)


def _json(blocks: Sequence[Block], filled: bool) -> str:
    records = [record for block in blocks if not block.given for record in _records(block)]
    numbers = {
        record.name: float(shown(record.value)) if filled and isfinite(record.value) else None
        for record in records
    }
    return json.dumps(numbers, indent=2, ensure_ascii=False) + "\n"
