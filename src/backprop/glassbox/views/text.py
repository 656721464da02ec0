"""A trace as text: the network drawn, and every number with its formula, aligned, in 80 columns."""

from textwrap import wrap
from typing import TYPE_CHECKING

from ..formulas import Formula, laid_out, shown
from ..record import Record
from ..records import Records
from .drawing import drawing
from .outline import Block, Limits, facts, left_out, outline, shortened, title

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["text"]

INDENT = "  "


def text(trace: "Trace", *, full: bool = False, records: Records | None = None, width: int = 80) -> str:
    """What ``print(trace)`` shows; see `Trace.text`. Some records stand alone."""
    limits = Limits.of(full)
    if records is not None:
        shown_blocks = outline(trace, limits, records.sections)
        parts = ["\n".join([*_headed(block.title, "-"), *_block(block, limits, width)]) for block in shown_blocks]
        return "\n\n".join(parts) + "\n"
    lines = _headed(title(trace), "=")
    for fact in facts(trace):
        lines += wrap(fact, width)
    note = left_out(trace, limits)
    if note:
        lines += ["", *wrap(note, width)]
    lines += ["", *(INDENT + line for line in drawing(trace, width - len(INDENT)))]
    for block in outline(trace, limits):
        lines += ["", *_headed(block.title, "-"), *_block(block, limits, width)]
    return "\n".join(lines) + "\n"


def _headed(words: str, line: str) -> list[str]:
    return [words, line * len(words), ""]


def _block(block: Block, limits: Limits, width: int) -> list[str]:
    lines: list[str] = []
    for group in block.groups:
        if block.given:
            lines += _given(group, width)
        else:
            lines += ["", *_computed(group, limits, width)] if lines else _computed(group, limits, width)
    return [
        *lines,
        *(line for note in block.left_out for line in wrap(f"... {note}", width, initial_indent=INDENT)),
    ]


def _given(group: list[Record], width: int) -> list[str]:
    """Names and values in columns."""
    cells = [f"{record.name} = {shown(record.value)}" for record in group]
    wide = max(map(len, cells)) + 3
    per_line = max(1, (width - len(INDENT) + 3) // wide)
    rows = [cells[k : k + per_line] for k in range(0, len(cells), per_line)]
    return [INDENT + "".join(f"{cell:<{wide}}" for cell in row).rstrip() for row in rows]


def _computed(group: list[Record], limits: Limits, width: int) -> list[str]:
    """A line of calculation for each record, the names padded to one width."""
    wide = max(len(record.name) for record in group)
    lines = [record.line for record in group]
    formulas = [
        Formula(f"{name:<{wide}}", shortened(symbols, limits.terms), shortened(numbers, limits.terms), value)
        for name, symbols, numbers, value in lines
    ]
    return [INDENT + line for of_one in laid_out(formulas, width - len(INDENT)) for line in of_one]
