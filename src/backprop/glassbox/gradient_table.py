"""The outcome of a gradient check: a row for each derivative, what they amount to, and the whole as text."""

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from .derivatives import FunctionCheck

__all__ = ["GradientCheck", "GradientRow"]

COLUMNS = 80
SHOWN_WHOLE = 40  # a network with more parameters is shown by its conspicuous rows
SHOWN_MOST = 20  # of those that agree or of one kind of conspicuous row


@dataclass(frozen=True)
class GradientRow:
    """One parameter, or one input, of a gradient check.

    Attributes
    ----------
    name : str
        ``w[l][i,j]``, ``b[l][j]``, ``x[i]`` or ``x[s,i]``, all counted from 1: ``w[l][i,j]`` is
        ``net.weights[l-1][i-1, j-1]``.
    tutorial_name : str
        As Mazur's tutorial counts: ``w5``, ``b2``, ``b_h1``, ``i1``.
    analytic : float
        What `Network.gradients` says.
    numeric : float
        What differences of the loss say. It means nothing at a kink.
    difference : float
        Relative: ``abs(analytic - numeric)/max(abs(analytic), abs(numeric))``, and 0 if both are 0.
    tolerance : float
        Absolute: the error that `numeric` may have from truncation and rounding.
    verdict : {"agrees", "differs", "kink"}
        Whether the two are within the tolerance; "kink" where the loss changes its rule within the step.
    kink : str
        What changes its rule: the unit, and the sample as a row of X, counted from 0; empty if nothing does.
    """

    name: str
    tutorial_name: str
    analytic: float
    numeric: float
    difference: float
    tolerance: float
    verdict: str
    kink: str = ""

    @property
    def excess(self) -> float:
        """The absolute difference in units of the tolerance: above 1 is too much; infinite if it is no number."""
        off = abs(self.analytic - self.numeric)
        if off <= self.tolerance:
            return off / self.tolerance if off else 0.0
        return off / self.tolerance if self.tolerance > 0.0 and math.isfinite(off) else math.inf


@dataclass(frozen=True)
class GradientCheck:
    """The outcome of `gradcheck`. It is true if it is ok, yields its rows, and prints as a table.

    Attributes
    ----------
    rows : tuple of GradientRow
        In the order of ``net.parameters``, then the inputs if they were asked for.
    functions : tuple of FunctionCheck
        One for each custom function of the network.
    """

    rows: tuple[GradientRow, ...]
    functions: tuple[FunctionCheck, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no row differs, and every custom function agrees.

        Rows at a kink are not held against the gradient; see `kinks`.
        """
        return not self.differing and all(function.verdict == "agrees" for function in self.functions)

    @property
    def differing(self) -> tuple[GradientRow, ...]:
        """The rows whose verdict is "differs", the worst first."""
        return self._of("differs")

    @property
    def kinks(self) -> tuple[GradientRow, ...]:
        """The rows whose verdict is "kink", in order: nothing is known about them."""
        return tuple(row for row in self.rows if row.verdict == "kink")

    def _of(self, verdict: str) -> tuple[GradientRow, ...]:
        """The rows of a verdict, those that use up most of their tolerance first."""
        return tuple(
            sorted((row for row in self.rows if row.verdict == verdict), key=lambda row: row.excess, reverse=True)
        )

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[GradientRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<GradientCheck: {self._counts()}>"

    def _counts(self) -> str:
        """How many rows have which verdict."""
        counts = [f"{sum(row.verdict == 'agrees' for row in self.rows)} agree"]
        counts.append(f"{len(self.differing)} differ")
        if self.kinks:
            counts.append(f"{len(self.kinks)} at a kink")
        counts += [f"{each.function} {each.verdict}" for each in self.functions if each.verdict != "agrees"]
        return ", ".join(counts)

    def __str__(self) -> str:
        agreeing = self._of("agrees")
        groups = [("differ", self.differing), ("are at a kink", self.kinks), ("agree", agreeing)]
        if len(self.rows) <= SHOWN_WHOLE:
            most = {name: SHOWN_WHOLE for name, _ in groups}
        else:  # the worst of those that agree are of interest only where nothing else is
            most = {name: SHOWN_MOST for name, _ in groups}
            most["agree"] = 0 if len(agreeing) < len(self.rows) else 5
        shown = [row for name, rows in groups for row in rows[: most[name]]]
        lines = [*_table(shown), ""] if shown else []
        for name, rows in groups:
            if len(rows) > most[name]:
                lines.append(f"{len(rows) - most[name]} more {name}")
        lines += [line for each in self.functions for line in textwrap.wrap(str(each), COLUMNS)]
        lines += textwrap.wrap(f"{len(self.rows)} derivatives: {self._counts()}", COLUMNS)
        return "\n".join(lines)


# ---- as text -----------------------------------------------------------------------------------------------

HEADINGS = ("parameter", "", "analytic", "numeric", "rel.diff", "tolerance", "verdict")
TUTORIAL, NUMBERS = 1, range(2, 6)


def _table(rows: list[GradientRow]) -> list[str]:
    """The rows, aligned, at most 80 columns wide; a kink is named on a line of its own."""
    cells = [list(HEADINGS), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    columns = list(range(len(HEADINGS)))
    if sum(widths) + 2 * (len(widths) - 1) > COLUMNS:
        columns.remove(TUTORIAL)  # those names are for networks of the tutorial's size
    lines = []
    for cell, row in zip(cells, [None, *rows], strict=True):
        aligned = [cell[k].rjust(widths[k]) if k in NUMBERS else cell[k].ljust(widths[k]) for k in columns]
        lines.append("  ".join(aligned).rstrip())
        if row is not None and row.kink:
            lines.append(f"    {row.kink}")
    return lines


def _cells(row: GradientRow) -> list[str]:
    """The texts of one row; at a kink there is nothing to compare."""
    compared = ["-", "-"] if row.kink else [f"{row.difference:.1e}", f"{row.tolerance:.1e}"]
    return [row.name, row.tutorial_name, f"{row.analytic:.7g}", f"{row.numeric:.7g}", *compared, row.verdict]
