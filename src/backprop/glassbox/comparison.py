"""What `compare` finds, as rows and as text: an array of the network beside the other library's, and a verdict."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Comparison", "ComparisonRow", "Convention"]

Array = NDArray[Any]

COLUMNS = 100
VERDICTS = {"equal": "equal", "agrees": "agree", "convention": "by convention", "differs": "differ"}


@dataclass(frozen=True, eq=False)
class ComparisonRow:
    """One array on both sides, with the numbers that are farthest apart.

    Attributes
    ----------
    section : str
        What was computed, and how.
    name : str
        ``loss``, ``dE/dw[l]``, ``dE/db[l]``, ``dE/dx``, ``new w[l]`` or ``new b[l]``; layers count from 1.
    ours, peer : ndarray
        The two arrays, read-only.
    place : tuple of int
        Where they are farthest apart, counted from 0; if some numbers are farther apart than is allowed, the
        farthest of those. Empty for the loss.
    our_value, peer_value : float
        The two numbers there.
    absolute, relative, ulps : float
        Their difference: as it is, as a part of the larger magnitude, and in units of that one's last place.
    tolerance : float
        What rounding alone may make of the difference there.
    excess : float
        The largest difference of the array in units of its tolerance: above 1 is too much.
    verdict : {"equal", "agrees", "convention", "differs"}
        See `compare`.
    convention : str
        The name of the convention that the section shows, or that explains this row; empty if there is none.
    """

    section: str
    name: str
    ours: Array
    peer: Array
    place: tuple[int, ...]
    our_value: float
    peer_value: float
    absolute: float
    relative: float
    ulps: float
    tolerance: float
    excess: float
    verdict: str
    convention: str = ""

    @classmethod
    def of(
        cls, section: str, name: str, ours: Array, peer: Array, bound: Array, wide: Array, dtype: Any
    ) -> "ComparisonRow":
        """Judge two arrays, item by item: "convention" is what exceeds `bound` but not `wide`."""
        ours, peer = _frozen(ours), _frozen(peer)
        if ours.shape != peer.shape:
            raise RuntimeError(f"{section}: {name} has shape {ours.shape}, and the peer's has {peer.shape}")
        with np.errstate(all="ignore"):
            off = np.where(ours == peer, 0.0, np.abs(ours - peer))
            used = np.where(off == 0.0, 0.0, np.where(np.isfinite(bound), off / bound, np.inf))
            used = np.where(np.isnan(used), np.inf, used)
            beyond = ~((off <= wide) & np.isfinite(bound) | (off == 0.0))
        both_nan = np.isnan(ours) & np.isnan(peer)
        used, beyond = np.where(both_nan, 0.0, used), np.where(both_nan, False, beyond)
        excess = float(used.max())
        ranked = np.where(np.isnan(off), np.inf, off)
        candidates = np.where(used > 1.0, ranked, -1.0) if excess > 1.0 else ranked
        place = tuple(int(k) for k in np.unravel_index(int(np.argmax(candidates)), ours.shape))
        a, b = float(ours[place]), float(peer[place])
        difference, larger = float(off[place]), float(np.maximum(abs(a), abs(b)))  # NaN if one is
        with np.errstate(all="ignore"):
            spacing = float(np.spacing(np.dtype(dtype).type(larger)))
        same = ours.tobytes() == peer.tobytes()
        verdict = "equal" if same else "agrees" if excess <= 1.0 else "differs" if beyond.any() else "convention"
        return cls(
            section, name, ours, peer, place, a, b,
            absolute=difference,
            relative=difference / larger if difference else 0.0,
            ulps=difference / spacing if difference else 0.0,
            tolerance=float(np.asarray(bound)[place]),
            excess=excess,
            verdict=verdict,
        )  # fmt: skip

    @property
    def full_name(self) -> str:
        """The name with the place, counted from 1: ``dE/dw[2][1,3]``."""
        return self.name + (f"[{','.join(str(k + 1) for k in self.place)}]" if self.place else "")


@dataclass(frozen=True)
class Convention:
    """In what the two sides differ by choice.

    Attributes
    ----------
    name, text : str
    difference : float
        The largest absolute difference among the rows that it explains; 0 if it explains none here.
    """

    name: str
    text: str
    difference: float

    def __str__(self) -> str:
        made = f"here up to {self.difference:.2g}" if self.difference else "makes no difference here"
        return f"{self.name}: {self.text} ({made})"


@dataclass(frozen=True, eq=False)
class Comparison:
    """The outcome of `compare`. It is true if it is ok, yields its rows, and prints as a table.

    Attributes
    ----------
    title : str
        What was compared with what.
    peer : str
        The other side, with its version.
    rows : tuple of ComparisonRow
    conventions : tuple of Convention
        Whatever the two define differently and may concern this network.
    """

    title: str
    peer: str
    rows: tuple[ComparisonRow, ...]
    conventions: tuple[Convention, ...]

    @property
    def ok(self) -> bool:
        """Whether no row differs for other reasons than a convention."""
        return not self.differing

    @property
    def differing(self) -> tuple[ComparisonRow, ...]:
        """The rows whose verdict is "differs", the worst first."""
        found = (row for row in self.rows if row.verdict == "differs")
        return tuple(sorted(found, key=lambda row: row.excess, reverse=True))

    @property
    def largest(self) -> ComparisonRow:
        """The row that uses up most of its tolerance, if possible one that no convention explains."""
        unexplained = [row for row in self.rows if row.verdict != "convention"]
        return max(unexplained or self.rows, key=lambda row: row.excess)

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[ComparisonRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Comparison to {self.peer}: {self._counts()}>"

    def _counts(self) -> str:
        """How many rows have which verdict."""
        counts = {verdict: sum(row.verdict == verdict for row in self.rows) for verdict in VERDICTS}
        return ", ".join(f"{count} {VERDICTS[verdict]}" for verdict, count in counts.items() if count)

    def __str__(self) -> str:
        lines = [part for line in self.title.splitlines() for part in textwrap.wrap(line, COLUMNS)]
        table = _table(self.rows)
        section = None
        for row, line in zip((None, *self.rows), table, strict=True):
            if row is not None and row.section != section:
                section = row.section
                lines += ["", *textwrap.wrap(f"{section}:", COLUMNS), table[0]]
            if row is not None:
                lines.append(line)
        if self.conventions:
            lines += ["", "conventions:"]
            for convention in self.conventions:
                lines += textwrap.wrap(str(convention), COLUMNS, initial_indent="  ", subsequent_indent="    ")
        return "\n".join([*lines, "", f"{len(self.rows)} arrays: {self._counts()}"])


def _frozen(values: Any) -> Array:
    """A read-only copy in double precision."""
    with np.errstate(over="ignore"):
        array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


# ---- as text -----------------------------------------------------------------------------------------------

HEADINGS = ("", "backprop", "peer", "absolute", "relative", "ulps", "allowed", "verdict")
ALLOWED, NUMBERS = 6, range(1, 7)


def _table(rows: tuple[ComparisonRow, ...]) -> list[str]:
    """The headings and the rows, aligned, at most `COLUMNS` wide."""
    cells = [HEADINGS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    columns = list(range(len(HEADINGS)))
    if sum(widths) + 2 * (len(widths) - 1) > COLUMNS:
        columns.remove(ALLOWED)
    return [
        "  ".join(cell[k].rjust(widths[k]) if k in NUMBERS else cell[k].ljust(widths[k]) for k in columns).rstrip()
        for cell in cells
    ]


def _cells(row: ComparisonRow) -> tuple[str, ...]:
    """The texts of one row."""
    return (
        row.full_name,
        f"{row.our_value:.7g}",
        f"{row.peer_value:.7g}",
        f"{row.absolute:.1e}" if row.absolute else "0",
        f"{row.relative:.1e}" if row.relative else "0",
        f"{row.ulps:.3g}",
        f"{row.tolerance:.1e}",
        row.verdict,
    )
