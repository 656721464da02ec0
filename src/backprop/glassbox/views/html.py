"""A trace as a piece of HTML, for notebooks: the diagram, and tables that open. No script, no outside source."""

from html import escape
from typing import TYPE_CHECKING

from ..formulas import shown
from ..record import Record
from ..records import Records
from .diagram import svg
from .outline import Block, Limits, facts, left_out, outline, shortened, title

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["html"]

TEXT = "text-align:left;padding:1px 12px 1px 0;vertical-align:top"
NUMBER = "text-align:right;padding:1px 24px 1px 0;vertical-align:top"
PAIRS = 4  # of a name and a given number, in a row


def html(trace: "Trace", *, full: bool = False, records: Records | None = None) -> str:
    """What a notebook shows; see `Trace.html`. Some records stand alone."""
    limits = Limits.of(full)
    if records is not None:
        blocks = (_details(block, limits) for block in outline(trace, limits, records.sections))
        return "\n".join(['<div class="backprop-trace">', *blocks, "</div>"])
    parts = [
        '<div class="backprop-trace">',
        f"<h3>{escape(title(trace))}</h3>",
        f"<p>{'<br>'.join(map(escape, facts(trace)))}</p>",
        svg(trace),
    ]
    note = left_out(trace, limits)
    if note:
        parts.append(f"<p><em>{escape(note)}</em></p>")
    parts += [_details(block, limits) for block in outline(trace, limits)]
    return "\n".join([*parts, "</div>"])


def _details(block: Block, limits: Limits) -> str:
    rows = []
    for group in block.groups:
        if block.given:
            pairs = [f"{_name(record)}{_cell(shown(record.value), NUMBER)}" for record in group]
            rows += ["".join(pairs[k : k + PAIRS]) for k in range(0, len(pairs), PAIRS)]
            continue
        for record in group:
            formulas = (shortened(formula, limits.terms) for formula in (record.formula, record.numbers))
            cells = "".join(_cell(formula, TEXT) for formula in formulas)
            rows.append(f"{_name(record)}{cells}{_cell(shown(record.value), NUMBER)}")
    columns = () if block.given else ("name", "formula", "with numbers", "value")
    head = "".join(f'<th scope="col" style="{TEXT}">{column}</th>' for column in columns)
    notes = "".join(f"<p><em>… {escape(line)}</em></p>" for line in block.left_out)
    return (
        f"<details open><summary><strong>{escape(block.title)}</strong></summary>"
        f'<table style="font-family:monospace;border-collapse:collapse;margin:4px 0 12px">'
        f"{f'<thead><tr>{head}</tr></thead>' if head else ''}"
        f"<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>{notes}</details>"
    )


def _name(record: Record) -> str:
    return f'<th scope="row" style="{TEXT};font-weight:600">{escape(record.name)}</th>'


def _cell(words: str, style: str) -> str:
    return f'<td style="{style}">{escape(words)}</td>'
