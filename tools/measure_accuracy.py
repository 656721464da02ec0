"""Measure how far the package's own functions are from the true values, in ulp, for both dtypes.

The true value comes from mpmath with 120 bits; one ulp is the gap between the dtype's numbers around it (2^-1074
or 2^-149 for subnormal results). docs/arithmetic.md quotes the output.

    python tools/measure_accuracy.py [points per interval, default 200000]
"""

import random
import sys
from collections.abc import Callable, Iterator
from math import frexp, isinf, ldexp

from mpmath import mp, mpf

from backprop import _elementary, _elementary32
from backprop._single import Single

mp.prec = 120

DTYPES: dict[str, type[float]] = {"float64": float, "float32": Single}
MANTISSA_BITS = {"float64": 53, "float32": 24}
EXPONENTS = {"float64": (-1074, 1023), "float32": (-149, 127)}
LOGISTIC_REACH = {"float64": _elementary.LOGISTIC_REACH, "float32": float(_elementary32.LOGISTIC_REACH)}

# Where each function is measured: the whole range, and the stretches in which its error is largest.
Intervals = dict[str, list[tuple[float, float]]]
COMMON: Intervals = {
    "log": [(0.0, 0.7), (0.7, 1.42), (1.42, 100.0)],
    "log1p": [(-1.0, -0.4), (-0.4, 0.5), (0.0, 1.0), (1.0, 100.0)],
    "tanh": [(-0.35, 0.35), (-3.0, 3.0), (-20.0, 20.0)],
}
INTERVALS: dict[str, Intervals] = {
    "float64": {
        "exp": [(-745.0, -708.0), (-708.0, 709.78), (-40.0, 40.0), (-0.35, 0.35)],
        "expm1": [(-40.0, -1.0), (-1.0, 0.34), (0.34, 0.47), (0.47, 3.0), (3.0, 709.78)],
        "logistic": [(-708.0, -37.2), (-37.2, -36.3), (-36.3, 40.0), (-1.0, 1.0)],
        "softplus": [(-740.0, -37.0), (-37.0, 0.0), (0.0, 40.0)],
        **COMMON,
    },
    "float32": {
        "exp": [(-103.0, -87.0), (-87.0, 88.7), (-20.0, 20.0), (-0.35, 0.35)],
        "expm1": [(-20.0, -1.0), (-1.0, 0.34), (0.34, 0.47), (0.47, 3.0), (3.0, 88.7)],
        "logistic": [(-87.0, -17.2), (-17.2, -16.2), (-16.2, 20.0), (-1.0, 1.0)],
        "softplus": [(-103.0, -17.0), (-17.0, 0.0), (0.0, 20.0)],
        **COMMON,
    },
}
TRUE_VALUE: dict[str, Callable[[mpf], mpf]] = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "logistic": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": mp.tanh,
    "softplus": lambda z: (z if z > 0 else mpf(0)) + mp.log1p(mp.exp(-abs(z))),
}
ONE_SIGN = {"log": 0.0, "log1p": -1.0}  # these are not defined below


def error_in_ulp(value: float, truth: mpf, dtype: str = "float64") -> float:
    """|value - truth| over the gap between the dtype's numbers at the truth."""
    exponent = frexp(float(truth))[1]
    ulp = ldexp(1.0, max(exponent - MANTISSA_BITS[dtype], EXPONENTS[dtype][0]))
    return float(abs(mpf(float(value)) - truth) / mpf(ulp))


def tiny_and_huge(name: str, count: int, draw: random.Random, dtype: str = "float64") -> Iterator[float]:
    """Arguments spread evenly over the exponents, of both signs where the function takes both."""
    lowest, highest = EXPONENTS[dtype]
    if name not in ONE_SIGN:
        highest = 9 if dtype == "float64" else 6
    for _ in range(count):
        x = ldexp(draw.uniform(0.5, 1.0), draw.randint(lowest, highest))
        if draw.random() < 0.5 and -x > ONE_SIGN.get(name, -2048.0):
            x = -x
        if name != "logistic" or abs(x) <= LOGISTIC_REACH[dtype]:
            yield x


def largest_error(name: str, points: Iterator[float], dtype: str = "float64") -> tuple[float, float]:
    """The largest error among the points, rounded to the dtype, in ulp, and where it stands."""
    function, truth, number = _elementary.FUNCTIONS[name], TRUE_VALUE[name], DTYPES[dtype]
    worst, place = 0.0, 0.0
    for point in points:
        x = number(point)
        value = function(x)
        if isinf(value):
            continue
        error = error_in_ulp(value, truth(mpf(float(x))), dtype)
        if error > worst:
            worst, place = error, float(x)
    return worst, place


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    draw = random.Random(20)
    for dtype, functions in INTERVALS.items():
        for name, intervals in functions.items():
            for low, high in intervals:
                worst, place = largest_error(name, (draw.uniform(low, high) for _ in range(count)), dtype)
                print(f"{dtype} {name:9} [{low:g}, {high:g}]: {worst:.3f} ulp at {place!r}", flush=True)
            worst, place = largest_error(name, tiny_and_huge(name, count, draw, dtype), dtype)
            print(f"{dtype} {name:9} all exponents: {worst:.3f} ulp at {place!r}", flush=True)


if __name__ == "__main__":
    main()
