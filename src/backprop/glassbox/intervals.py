"""What rounding can make of a calculation: intervals that hold every number which careful work may give.

Someone who calculates by hand rounds as they go. From the digits that they write follows how (`Precision`); an
operation on intervals gives the interval of what it may come out as (`image`), wide enough for a rounding of each
product inside, and for the last bits in which two programs may differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import floor, inf, isfinite, isnan, log10
from typing import Any

from .ops import (
    AdamMean,
    BatchGradient,
    Delta,
    Difference,
    MeanLoss,
    MomentumUpdate,
    NesterovUpdate,
    Op,
    PlainUpdate,
    Product,
    Sum,
    Unchanged,
    Velocity,
    WeightedSum,
)  # fmt: skip
from .row_ops import Activate, Derivative, Error, ErrorOfLayer, OutGradient

__all__ = ["Interval", "Precision", "image", "point", "wide_sum"]

# operations whose operands occur once each: interval arithmetic gives their image exactly
ARITHMETIC = (
    AdamMean, BatchGradient, Delta, Difference, MeanLoss, MomentumUpdate, NesterovUpdate, PlainUpdate, Product,
    Sum, Unchanged, Velocity, WeightedSum,
)  # fmt: skip
CORNERS = 4  # of a box of so many sides, all are looked at
SAFETY = 1.25  # how far beyond the sampled deviation from a straight line a function is taken to go
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

    Where `precision` is given, a product or a quotient may have been rounded to it.
    """

    low: float
    high: float
    precision: Precision | None = None

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

    def _rounded(self, low: float, high: float) -> "Interval":
        if isnan(low) or isnan(high):
            low, high = -inf, inf
        precision = self.precision
        extra = precision.error(max(abs(low), abs(high))) if precision else 0.0
        return Interval(low - extra, high + extra, precision)

    def __add__(self, other: Any) -> "Interval":
        low, high = ends(other)
        return replace(self, low=self.low + low, high=self.high + high)

    __radd__ = __add__

    def __neg__(self) -> "Interval":
        return replace(self, low=-self.high, high=-self.low)

    def __sub__(self, other: Any) -> "Interval":
        low, high = ends(other)
        return replace(self, low=self.low - high, high=self.high - low)

    def __rsub__(self, other: Any) -> "Interval":
        low, high = ends(other)
        return replace(self, low=low - self.high, high=high - self.low)

    def __mul__(self, other: Any) -> "Interval":
        corners = [a * b for a in (self.low, self.high) for b in ends(other)]
        exact = isinstance(other, float | int) and abs(other) in (0.0, 1.0)
        if exact:
            return replace(self, low=min(corners), high=max(corners))
        return self._rounded(min(corners), max(corners))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Interval":
        low, high = ends(other)
        if low <= 0.0 <= high:
            return replace(self, low=-inf, high=inf)
        return self * Interval(1.0 / high, 1.0 / low)

    def __rtruediv__(self, other: Any) -> "Interval":
        low, high = ends(other)
        return Interval(low, high, self.precision) / self

    def __eq__(self, other: object) -> bool:
        low, high = ends(other)
        return self.low == low and self.high == high

    __hash__ = None  # type: ignore[assignment]


def ends(x: Any) -> tuple[float, float]:
    """The ends of an interval, or of the interval that is one number."""
    return (x.low, x.high) if isinstance(x, Interval) else (float(x), float(x))


def point(x: float) -> Interval:
    """The interval that is one number."""
    return Interval(x, x)


def image(op: Op, operands: Sequence[Interval], precision: Precision) -> Interval:
    """What an operation may give, its own last rounding not counted.

    Parameters
    ----------
    op : Op
    operands : sequence of Interval
    precision : Precision
        That of the roundings inside the operation, where one would write an intermediate result down.

    Returns
    -------
    Interval
    """
    if isinstance(op, ARITHMETIC):
        # A product alone is not rounded but at its end.
        single = isinstance(op, Product | Delta) or (isinstance(op, WeightedSum) and len(operands) == 2)
        inner = None if single else precision
        found = op([Interval(x.low, x.high, inner) for x in operands])
        low, high = ends(found)
        size = max([abs(low), abs(high), *(x.size for x in operands if not single)])
        return Interval(low, high).widened(precision.noise * size)
    return _sampled(op, operands, precision, _inner_roundings(op))


def wide_sum(
    terms: Sequence[tuple[float, float]], bias: Interval | None, radii: Sequence[float], precision: Precision
) -> Interval:
    """The image of a sum of many products, by their centres and radii; a `WeightedSum` with less ado.

    Parameters
    ----------
    terms : sequence of (float, float)
        The factors' centres.
    bias : Interval, optional
    radii : sequence of float
        How far each product may be from that of the centres.
    precision : Precision
    """
    low, high = ends(bias) if bias else (0.0, 0.0)
    total = size = spread = 0.0
    for (a, b), radius in zip(terms, radii, strict=True):
        product_ = a * b
        total += product_
        size += abs(product_)
        if product_ or radius:
            spread += radius + precision.error(abs(product_) + radius)
    spread += precision.noise * (size + max(abs(low), abs(high)))
    return Interval(total + low - spread, total + high + spread)


def _inner_roundings(op: Op) -> float:
    """How many roundings of about the result's size one makes inside of a function.

    exp(-net) in a logistic unit, 1 - out in its derivative, the square in an error. dE/dout of squared errors, a
    difference, has none.
    """
    if isinstance(op, OutGradient):
        return 1.0 if "/" in op.row.gradient_formula else 0.0
    if isinstance(op, Activate):
        return 0.0 if op.row.name in ("identity", "relu") else 1.0
    return 1.0 if isinstance(op, Derivative) else 2.0


def _sampled(
    function: Callable[[Sequence[float]], float],
    operands: Sequence[Interval],
    precision: Precision,
    roundings: float,
) -> Interval:
    """A function's image by its slope along each operand, and by how far it bends where it is looked at."""
    middle = [x.centre for x in operands]
    moving = [k for k, x in enumerate(operands) if x.radius > 0.0]
    if not all(isfinite(x.low) and isfinite(x.high) for x in operands):
        return Interval(-inf, inf)

    def at(signs: Sequence[float]) -> float:
        point = list(middle)
        for k, sign in zip(moving, signs, strict=True):
            point[k] = min(max(middle[k] + sign * operands[k].radius, operands[k].low), operands[k].high)
        return _value(function, point)

    centre = _value(function, middle)
    if isnan(centre):
        return Interval(-inf, inf)
    seen, steps, bent = [centre], [], 0.0
    for k in range(len(moving)):
        unit = [0.0] * len(moving)
        for half in (0.5, 1.0):
            unit[k] = half
            above = at(unit)
            unit[k] = -half
            below = at(unit)
            seen += [above, below]
        steps.append(0.5 * (above - below))
        bent += 0.5 * abs(above + below - 2.0 * centre)
    along = sum(abs(step) for step in steps)
    if len(moving) > 1:
        seen += [at(signs) for signs in _corners(steps)]
    if any(isnan(value) for value in seen):
        return Interval(-inf, inf)
    if len(moving) <= 1:
        spread = max(abs(value - centre) for value in seen)
        low, high = min(seen), max(seen)
        # A bend between the points that were looked at: at most what the points themselves are bent.
        extra = (SAFETY - 1.0) * min(bent, spread)
    else:
        low, high = min(*seen, centre - along), max(*seen, centre + along)
        extra = (SAFETY - 1.0) * bent
    size = max(abs(low), abs(high))
    extra += roundings * precision.error(size)
    if isinstance(function, Error | ErrorOfLayer):  # target - out, or the logarithms, are rounded too
        for step, k in zip(steps, moving, strict=True):
            extra += abs(step) / operands[k].radius * precision.error(operands[k].size)
    sensitivity = sum(abs(s) / operands[k].radius * operands[k].size for s, k in zip(steps, moving, strict=True))
    extra += precision.noise * (size + sensitivity)
    return Interval(low - extra, high + extra)


def _corners(steps: Sequence[float]) -> list[tuple[float, ...]]:
    """Corners of the box: all of them, or of a large one those where the function should be extreme."""
    if len(steps) <= CORNERS:
        return list(product((-1.0, 1.0), repeat=len(steps)))
    uphill = tuple(1.0 if step >= 0.0 else -1.0 for step in steps)
    return [uphill, tuple(-sign for sign in uphill), (1.0,) * len(steps), (-1.0,) * len(steps)]


def _value(function: Callable[[Sequence[float]], float], point: Sequence[float]) -> float:
    try:
        return float(function(point))
    except (ArithmeticError, ValueError):  # a logarithm of 0, say
        return inf
