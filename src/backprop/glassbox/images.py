"""The image of an operation: what it may give, if its operands are rounded and so is what comes up inside.

An operation of arithmetic is done on the intervals themselves. Any other is a function, looked at along each
operand; what is rounded inside follows from its formula.
"""

from collections.abc import Callable, Sequence
from itertools import product
from math import inf, isfinite

from .altered import Function
from .byhand import steps
from .intervals import Interval, Precision, ends
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
from .row_ops import OutGradient

__all__ = ["image", "wide_sum"]

# operations whose operands occur once each: interval arithmetic gives their image exactly
ARITHMETIC = (
    AdamMean, BatchGradient, Delta, Difference, MeanLoss, MomentumUpdate, NesterovUpdate, PlainUpdate, Product,
    Sum, Unchanged, Velocity, WeightedSum,
)  # fmt: skip
CORNERS = 4  # of a box of so many sides, all are looked at
SAFETY = 1.25  # how far beyond the sampled deviation from a straight line a function is taken to go
UNREADABLE = 2.0  # roundings of about the result's size inside a function without a formula


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
        found = op([Interval(x.low, x.high, precision) for x in operands])
        low, high = ends(found)
        single = isinstance(op, Product | Delta)
        size = max([abs(low), abs(high), *([] if single else [x.size for x in operands])])
        return Interval(low, high).widened(precision.noise * size)
    return _sampled(op, operands, precision)


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


def _rounded_inside(op: Op, middle: Sequence[float], precision: Precision) -> float:
    """How far the roundings inside an operation may move its result."""
    function = steps(op, len(middle)) or (op if isinstance(op, Function) else None)
    try:
        found = function([Interval(x, x, precision) for x in middle]) if function else None
    except (ArithmeticError, TypeError, ValueError):  # a function of numbers alone
        found = None
    if isinstance(found, Interval) and isfinite(found.radius):
        return found.radius
    if isinstance(op, OutGradient) and "/" not in op.row.gradient_formula:
        return 0.0  # a difference, or what it is cut to
    return UNREADABLE * precision.error(_value(op, middle))


def _sampled(function: Op, operands: Sequence[Interval], precision: Precision) -> Interval:
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
    if not isfinite(centre):
        return Interval(-inf, inf)
    seen, slopes, bent = [centre], [], 0.0
    for k in range(len(moving)):
        unit = [0.0] * len(moving)
        for half in (0.5, 1.0):
            unit[k] = half
            above = at(unit)
            unit[k] = -half
            below = at(unit)
            seen += [above, below]
        slopes.append(0.5 * (above - below))
        bent += 0.5 * abs(above + below - 2.0 * centre)
    along = sum(abs(slope) for slope in slopes)
    if len(moving) > 1:
        seen += [at(signs) for signs in _corners(slopes)]
    if not all(isfinite(value) for value in seen):
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
    extra += _rounded_inside(function, middle, precision)
    sensitivity = sum(abs(s) / operands[k].radius * operands[k].size for s, k in zip(slopes, moving, strict=True))
    extra += precision.noise * (size + sensitivity)
    return Interval(low - extra, high + extra)


def _corners(slopes: Sequence[float]) -> list[tuple[float, ...]]:
    """Corners of the box: all of them, or of a large one those where the function should be extreme."""
    if len(slopes) <= CORNERS:
        return list(product((-1.0, 1.0), repeat=len(slopes)))
    uphill = tuple(1.0 if slope >= 0.0 else -1.0 for slope in slopes)
    return [uphill, tuple(-sign for sign in uphill), (1.0,) * len(slopes), (-1.0,) * len(slopes)]


def _value(function: Callable[[Sequence[float]], float], point: Sequence[float]) -> float:
    try:
        return float(function(point))
    except (ArithmeticError, ValueError):  # a logarithm of 0, say
        return inf
