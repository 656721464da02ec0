"""What rounding can make of a calculation: intervals that hold every number which careful work may give.

Someone who calculates by hand rounds as they go. From the digits that they write follows how (`Precision`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import floor, inf, isfinite, isnan, log10
from typing import Any

__all__ = ["MACHINE", "Interval", "Precision", "ends", "point"]

LEAST = 2  # digits that are kept of a number that is small among the others
MACHINE = 2.0**-49  # a few roundings of float64


@dataclass(frozen=True)
class Precision:
    """How finely someone works.

    Attributes
    ----------
    digits : int
        Significant digits.
    decimals : int
        Digits after the point. The coarser of the two is what a number may be rounded to, but for small numbers,
        of which `LEAST` digits are kept: no one goes on with 0.000 for 0.00044.
    chopped : bool
        Whether digits are cut off, not rounded.
    noise : float
        The relative error that no one can avoid: a few roundings of the machine's numbers.
    """

    digits: int
    decimals: int
    chopped: bool = False
    noise: float = MACHINE

    def with_chopping(self) -> "Precision":
        """The same, where digits are cut off."""
        return replace(self, chopped=True)

    def error(self, x: float) -> float:
        """How far a rounded number may be from the unrounded."""
        if not isfinite(x) or x == 0.0:
            return 0.0
        first = floor(log10(abs(x)))
        place = max(first - self.digits + 1, min(-self.decimals, first - LEAST + 1))
        return 10.0**place * (1.0 if self.chopped else 0.5) + self.noise * abs(x)


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, with the arithmetic of such sets.

    With a `precision`, what an operation gave is rounded to it when it is used again: so every intermediate result
    may have been written down, but the last one is still as it came.
    """

    low: float
    high: float
    precision: Precision | None = None
    is_result: bool = False

    @property
    def centre(self) -> float:
        """The number in the middle."""
        return 0.5 * (self.low + self.high)

    @property
    def radius(self) -> float:
        """From the middle to an end."""
        return 0.5 * (self.high - self.low)

    @property
    def size(self) -> float:
        """The largest absolute value in it."""
        return max(abs(self.low), abs(self.high))

    def widened(self, by: float) -> "Interval":
        """Larger by so much at both ends."""
        return replace(self, low=self.low - by, high=self.high + by)

    def meets(self, other: "Interval") -> bool:
        """Whether they have a number in common."""
        return self.low <= other.high and other.low <= self.high

    def common(self, other: "Interval") -> "Interval | None":
        """The numbers that they have in common."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return replace(self, low=low, high=high) if low <= high else None

    def hull(self, *others: "Interval") -> "Interval":
        """The smallest interval that holds all of them."""
        everything = (self, *others)
        return replace(self, low=min(one.low for one in everything), high=max(one.high for one in everything))

    # ---- arithmetic --------------------------------------------------------------------------------------

    def _used(self) -> tuple[float, float]:
        """The ends, after a rounding of what an operation gave."""
        if self.precision is None or not self.is_result:
            return self.low, self.high
        error = self.precision.error(self.size)
        return self.low - error, self.high + error

    def _from(self, *values: float) -> "Interval":
        """The result that has these extremes."""
        if any(isnan(value) for value in values):
            return Interval(-inf, inf, self.precision, True)
        return Interval(min(values), max(values), self.precision, True)

    def __add__(self, other: Any) -> "Interval":
        if isinstance(other, float | int) and other == 0.0:
            return self
        (a, b), (low, high) = self._used(), _used(other)
        return self._from(a + low, b + high)

    __radd__ = __add__

    def __neg__(self) -> "Interval":
        return replace(self, low=-self.high, high=-self.low)

    def __sub__(self, other: Any) -> "Interval":
        (a, b), (low, high) = self._used(), _used(other)
        return self._from(a - high, b - low)

    def __rsub__(self, other: Any) -> "Interval":
        return -self if isinstance(other, float | int) and other == 0.0 else (-self) + other

    def __mul__(self, other: Any) -> "Interval":
        if isinstance(other, float | int) and abs(other) in (0.0, 1.0):
            return replace(self, low=min(self.low * other, self.high * other),
                           high=max(self.low * other, self.high * other))  # fmt: skip
        return self._from(*[a * b for a in self._used() for b in _used(other)])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Interval":
        low, high = _used(other)
        if low <= 0.0 <= high:
            return self._from(-inf, inf)
        return self._from(*[a / b for a in self._used() for b in (low, high)])

    def __rtruediv__(self, other: Any) -> "Interval":
        return Interval(*ends(other), self.precision) / self

    def squared(self) -> "Interval":
        """The squares."""
        low, high = self._used()
        return self._from(low * low, high * high, *([0.0] if low <= 0.0 <= high else []))

    def mapped(self, function: Callable[[float], float]) -> "Interval":
        """The values of a function that grows with its argument."""
        low, high = self._used()
        try:
            return self._from(function(low), function(high))
        except (ArithmeticError, ValueError):  # a logarithm of what may be 0
            return self._from(-inf, inf)

    def __eq__(self, other: object) -> bool:
        low, high = ends(other)
        return self.low == low and self.high == high

    __hash__ = None  # type: ignore[assignment]


def _used(x: Any) -> tuple[float, float]:
    return x._used() if isinstance(x, Interval) else (float(x), float(x))


def ends(x: Any) -> tuple[float, float]:
    """The ends of an interval, or of the interval that is one number."""
    return (x.low, x.high) if isinstance(x, Interval) else (float(x), float(x))


def point(x: float) -> Interval:
    """The interval that is one number."""
    return Interval(x, x)
