"""A trace as Markdown, with its formulas in LaTeX, for notebooks and pages."""

import re
from typing import TYPE_CHECKING

from ..formulas import shown
from ..latex import number
from ..record import Record
from ..records import Records
from .outline import Limits, facts, left_out, outline, shortened, title

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["markdown"]


def markdown(trace: "Trace", *, full: bool = False, records: Records | None = None) -> str:
    """What a notebook and a page take; see `Trace.markdown`. Some records stand alone."""
    limits = Limits.of(full)
    parts = []
    if records is None:
        parts += [f"## {title(trace)}", "  \n".join(escaped(fact) for fact in facts(trace))]
        note = left_out(trace, limits)
        parts += [f"*{note}*"] if note else []
    for block in outline(trace, limits, None if records is None else records.sections):
        parts.append(f"### {block.title}")
        found = [record for group in block.groups for record in group]
        parts += [_table(found)] if block.given else [_equation(record, limits) for record in found]
        parts += [f"*… {escaped(line)}*" for line in block.left_out]
    return "\n\n".join(parts) + "\n"


def _table(records: list[Record]) -> str:
    rows = [f"| {escaped(record.name)} | ${record.symbol}$ | {shown(record.value)} |" for record in records]
    return "\n".join(["| name | symbol | value |", "|---|---|--:|", *rows])


def _equation(record: Record, limits: Limits) -> str:
    lines = [rf"{record.symbol} &= {shortened(record.latex, limits.terms)}"]
    numbers, value = shortened(record.latex_numbers, limits.terms), number(record.value)
    lines += [f"&= {line}" for line in ([value] if numbers == value else [numbers, value])]
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n$$"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is; HTML in it, too."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, entity)
    return re.sub(r"([\\`*_{}\[\]#|$~!])", r"\\\1", text)
