"""Headings, prose, formulas and tables on a terminal, at most 80 columns wide, in plain ASCII.

A narrower terminal gets shorter lines: formulas are broken at their operators, and a table that does not fit
becomes a list. Styles appear only where the terminal has them, and never if NO_COLOR is set.
"""

import os
from collections.abc import Sequence
from textwrap import wrap
from typing import Literal

from rich.box import Box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .formulas import Formula, laid_out, shown

__all__ = ["Page"]

COLUMNS = 80
INDENT = "  "
RULED = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)  # one line, under the header
NAME, VALUE, HEADING = "cyan", "bold", "bold"


class Page:
    """A terminal, or what stands in its place."""

    def __init__(self) -> None:
        # Rich would keep bold and underlined text with NO_COLOR.
        colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
        self.console = Console(color_system=colours, highlight=False, markup=False, emoji=False)
        self.width = min(self.console.width, COLUMNS)
        self.console.width = self.width

    def heading(self, text: str) -> None:
        """A title, underlined, with an empty line on either side."""
        line = "-" * min(len(text), self.width)
        self.console.print()
        self.console.print(Text(text, style=HEADING))
        self.console.print(Text(line))
        self.console.print()

    def prose(self, *paragraphs: str) -> None:
        """Paragraphs, wrapped, each followed by an empty line."""
        for paragraph in paragraphs:
            self.console.print(Text("\n".join(wrap(paragraph, self.width, break_on_hyphens=False))))
            self.console.print()

    def lines(self, *lines: str) -> None:
        """Indented lines, wrapped only where they do not fit, and an empty one."""
        for line in lines:
            fits = len(INDENT + line) <= self.width
            wrapped = wrap(line, self.width, initial_indent=INDENT, subsequent_indent=2 * INDENT)
            self.console.print(Text(INDENT + line if fits else "\n".join(wrapped)))
        self.console.print()

    def formulas(self, *groups: Sequence[Formula]) -> None:
        """Groups of formulas, laid out alike within a group, each group followed by an empty line."""
        for group in groups:
            for formula, lines in zip(group, laid_out(group, self.width - len(INDENT)), strict=True):
                text = Text("\n".join(INDENT + line for line in lines))
                text.stylize(NAME, len(INDENT), len(INDENT) + len(formula.name))
                text.stylize(VALUE, len(text) - len(shown(formula.value)))
                self.console.print(text)
            self.console.print()

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table: the first column to the left, the others to the right. A cell may have several lines."""
        tall = any("\n" in cell for row in rows for cell in row)
        table = Table(box=RULED, show_edge=False, pad_edge=False, header_style="", leading=int(tall))
        for k, title in enumerate(header):
            table.add_column(title, justify="right" if k else "left", vertical="bottom", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        if (
            self.console.measure(table, options=self.console.options.update(width=10**4)).maximum + len(INDENT)
            <= self.width
        ):
            self.console.print(Padding(table, (0, 0, 0, len(INDENT)), expand=False))
            self.console.print()
            return
        for row in rows:
            first, *others = (" ".join(cell.split()) for cell in row)
            titles = (" ".join(title.split()) for title in header[1:])
            self.prose(first)
            self.lines(*(f"{title}: {cell}" for title, cell in zip(titles, others, strict=True)))
