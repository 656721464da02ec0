"""Measure how far the package's exp, logistic and log1p are from the true values, in ulp.

The true value comes from mpmath with 120 bits; one ulp is the gap between the float64 numbers around it
(2^-1074 for subnormal results). docs/arithmetic.md quotes the output.

    python tools/measure_accuracy.py [points per interval, default 200000]
"""

import random
import sys
from collections.abc import Callable, Iterator
from math import frexp, ldexp

from mpmath import mp, mpf

from backprop import _elementary

mp.prec = 120

# Where each function is measured: the whole range, and the stretches in which its error is largest.
INTERVALS: dict[str, list[tuple[float, float]]] = {
    "exp": [(-745.0, -708.0), (-708.0, 709.78), (-40.0, 40.0), (-0.35, 0.35)],
    "logistic": [(-708.0, -37.2), (-37.2, -36.3), (-36.3, 40.0), (-1.0, 1.0)],
    "log1p": [(-1.0, -0.4), (-0.4, 0.5), (0.0, 1.0), (1.0, 100.0)],
}
TRUE_VALUE: dict[str, Callable[[mpf], mpf]] = {
    "exp": mp.exp,
    "logistic": lambda z: 1 / (1 + mp.exp(-z)),
    "log1p": mp.log1p,
}


def error_in_ulp(value: float, truth: mpf) -> float:
    """|value - truth| over the gap between float64 numbers at the truth."""
    exponent = frexp(float(truth))[1]
    ulp = ldexp(1.0, max(exponent - 53, -1074))
    return float(abs(mpf(value) - truth) / mpf(ulp))


def tiny_and_huge(name: str, count: int, draw: random.Random) -> Iterator[float]:
    """Arguments spread evenly over the exponents, of both signs where the function takes both."""
    lowest, highest = (-1074, 1023) if name == "log1p" else (-1074, 9)
    for _ in range(count):
        x = ldexp(draw.uniform(0.5, 1.0), draw.randint(lowest, highest))
        if draw.random() < 0.5 and (name != "log1p" or x < 1.0):
            x = -x
        if name != "logistic" or abs(x) <= _elementary.LOGISTIC_REACH:
            yield x


def largest_error(name: str, points: Iterator[float]) -> tuple[float, float]:
    """The largest error among the points, in ulp, and where it stands."""
    function, truth = getattr(_elementary, name), TRUE_VALUE[name]
    worst, place = 0.0, 0.0
    for x in points:
        value = function(x)
        if value in (float("inf"), float("-inf")):
            continue
        error = error_in_ulp(value, truth(mpf(x)))
        if error > worst:
            worst, place = error, x
    return worst, place


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    draw = random.Random(20)
    for name, intervals in INTERVALS.items():
        for low, high in intervals:
            worst, place = largest_error(name, (draw.uniform(low, high) for _ in range(count)))
            print(f"{name:9} [{low:g}, {high:g}]: {worst:.3f} ulp at {place!r}")
        worst, place = largest_error(name, tiny_and_huge(name, count, draw))
        print(f"{name:9} all exponents: {worst:.3f} ulp at {place!r}")


if __name__ == "__main__":
    main()
