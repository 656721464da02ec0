"""A custom function's derivative against central differences of its value, point by point.

The gradient of a network shows a function only where the network's own nets are. Here the function is asked by
itself: at those nets, and at a grid that reaches further, so that a derivative that is wrong in one region only is
found as well.
"""

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .._custom import CustomActivationRow, CustomLossRow
from ..functions import Activation
from .differences import Measured, best, extrapolated

__all__ = ["FunctionCheck", "check_activation", "check_loss"]

Floats = list[float]
Function = Callable[[float], float]

EPS = sys.float_info.epsilon
STEP: float = EPS ** (1.0 / 3.0)

GRID = [0.25 * k for k in range(-40, 41)] + [
    sign * size for sign in (-1.0, 1.0) for size in (12.0, 15.0, 20.0, 30.0)
]
NEAR = [sign * size for sign in (-1.0, 1.0) for size in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)]  # out - target
MOST = 200  # of the points where the network is
MOST_TARGETS = 9


@dataclass(frozen=True)
class FunctionCheck:
    """What a gradient check says of one custom function.

    Attributes
    ----------
    function : str
        As "activation 'softsign'".
    points : int
        At how many points its derivative was compared with differences of its value.
    left_out : int
        At how many it could not be: at a kink, or where the value is not defined on both sides.
    verdict : {"agrees", "differs", "unreached"}
        "unreached": nothing differs, but no gradient of the network shows the function well enough, so that the
        check does not count as passed.
    detail : str
        What differs, or why the function was not reached.
    """

    function: str
    points: int
    left_out: int
    verdict: str
    detail: str = ""

    def __str__(self) -> str:
        at = f"at {self.points} points" + (f" ({self.left_out} left out)" if self.left_out else "")
        if self.verdict == "agrees":
            return f"{self.function}: the derivative agrees with differences of the value {at}"
        return f"{self.function} {self.verdict}: {self.detail}"


def check_activation(row: CustomActivationRow, nets: Iterable[float]) -> FunctionCheck:
    """Compare the derivative of an activation at the given nets and on a grid."""
    tally = _Tally(row.what)
    for net in sorted({*_some(nets, MOST), *GRID}):
        tally.add(f"net={net!r}", net, row.value, lambda net: row.derivative(net, row.value(net)), row.kinks)
    return tally.check()


def check_loss(row: CustomLossRow, output: Activation, outs: Floats, targets: Floats) -> FunctionCheck:
    """Compare the derivative of a loss at the given pairs, and at outputs that the output activation can give."""
    tally = _Tally(row.what)
    reachable = sorted({*_outputs(output), *outs})
    low, high = reachable[0], reachable[-1]
    pairs = {*_some(zip(outs, targets, strict=True), MOST)}
    for target in _some(targets, MOST_TARGETS):
        near = (target + off for off in NEAR)
        pairs |= {(out, target) for out in (*_some(reachable, MOST), *near)}
    for out, target in sorted(pairs):
        if not low <= out - STEP * max(abs(out), 1.0) < out + STEP * max(abs(out), 1.0) <= high:
            continue  # a loss need not be defined for outputs that cannot be

        def value(out: float, target: float = target) -> float:
            return row.value(math.nan, out, target)

        def derivative(out: float, target: float = target) -> float:
            return row.gradient(out, target)

        kinks = tuple(target + kink for kink in row.kinks)
        tally.add(f"out={out!r}, target={target!r}", out, value, derivative, kinks)
    return tally.check()


class _Tally:
    """The comparisons of one function so far."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.points = self.left_out = 0
        self.worst = (0.0, "")  # how far off, in tolerances, and in words

    def add(self, where: str, at: float, value: Function, derivative: Function, kinks: tuple[float, ...]) -> None:
        """Compare at one point."""
        step = STEP * max(abs(at), 1.0)
        if any(abs(at - kink) <= step for kink in kinks):
            self.left_out += 1
            return
        try:
            home = value(at)
            numeric, tolerance, _ = best(lambda size: _measured(value, at, home, size), step)
        except (ArithmeticError, ValueError):  # not defined here, or not on both sides
            tolerance = math.inf
        if tolerance == math.inf:
            self.left_out += 1
            return
        self.points += 1
        hint = "; if its slope jumps there, say so in `kinks`"
        try:
            analytic = derivative(at)
        except (ArithmeticError, ValueError) as error:
            self._off(math.inf, f"at {where} the derivative raises {type(error).__name__}: {error}{hint}")
            return
        off = abs(analytic - numeric)
        if not off <= tolerance:
            words = f"at {where} the derivative is {analytic!r}, and differences of the value say {numeric:.7g}"
            self._off(off / tolerance if math.isfinite(off) else math.inf, words + hint)

    def _off(self, excess: float, words: str) -> None:
        if excess > self.worst[0]:
            self.worst = excess, words

    def check(self) -> FunctionCheck:
        """What they amount to."""
        detail = self.worst[1]
        verdict = "differs" if detail else "agrees"
        if not self.points:
            verdict, detail = "unreached", "its value could be measured nowhere, as it has kinks or is not defined"
        return FunctionCheck(self.what, self.points, self.left_out, verdict, detail)


def _measured(value: Function, at: float, home: float, step: float) -> Measured:
    """The derivative at a point from two central differences.

    A user's function is taken to round to eps relative to its value, or to 1, as most go through numbers of about
    that size; and its argument times a constant likewise.
    """
    found: Floats = []
    for size in (step, 0.5 * step):
        above, below = at + size, at - size
        found.append((value(above) - value(below)) / (above - below))
    numeric, truncation = extrapolated(*found)
    noise = EPS * max(abs(home), abs(at * numeric), 1.0)
    return Measured(numeric, truncation, 3.0 * noise / step)


def _outputs(output: Activation) -> Floats:
    """Numbers that an output activation can give."""
    found = []
    for net in GRID:
        try:
            out = output.value(net) if output.per_unit else 1.0 / (1.0 + math.exp(-net))
        except (ArithmeticError, ValueError):
            continue
        if math.isfinite(out):
            found.append(out)
    return found


def _some(values: Iterable, most: int) -> list:  # type: ignore[type-arg]
    """The different ones among some values, in order; if they are many, evenly spaced ones with both ends."""
    each = sorted(set(values))
    if len(each) <= most:
        return each
    return [each[k * (len(each) - 1) // (most - 1)] for k in range(most)]
