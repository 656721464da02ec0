"""Measure the compiled float32 functions on all 2^32 bit patterns, in ulp, against the float64 ones.

The float64 functions are within 3 of their own ulp of the true values (tools/measure_accuracy.py), which is
nothing in float32 ulp. Two minutes for each function; docs/arithmetic.md quotes the output.

    python tools/measure_float32.py [function ...]
"""

import sys

import numpy as np
from numpy.typing import NDArray

from backprop import _elementary, _elementary32, _engine

AT_ONCE = 1 << 20
OVERFLOW = 3.4028235677973366e38  # from here on float32 rounds to infinity
REACH = np.float32(_elementary32.LOGISTIC_REACH)

CORE = _engine.pick("compiled")


def errors_in_ulp(name: str, values: NDArray[np.float32]) -> tuple[NDArray[np.float64], int]:
    """The error at each value, and how many results are infinite or NaN where the true value is not, or not so.

    The logistic is not measured where it saturates.
    """
    if name == "logistic":
        values = np.clip(values, -REACH, REACH)
    with np.errstate(invalid="ignore", over="ignore"):
        wide = values.astype(np.float64)
        found, truth = np.empty_like(values), np.empty_like(wide)
        CORE.elementary(name, values, found)
        CORE.elementary(name, wide, truth)
        exponent = (truth.view(np.int64) >> 52) & 0x7FF
        ulp = (np.maximum(exponent - 23, 1023 - 149) << 52).view(np.float64)
        errors = np.abs(found - truth) / ulp
    infinite = np.abs(truth) >= OVERFLOW
    wrong = int(((np.isnan(found) != np.isnan(truth)) | (np.isinf(found) != infinite)).sum())
    errors[infinite | np.isnan(errors)] = 0.0
    return errors, wrong


def main() -> None:
    for name in sys.argv[1:] or _elementary.FUNCTIONS:
        worst, place, wrong = 0.0, 0.0, 0
        for start in range(0, 1 << 32, AT_ONCE):
            values = np.arange(start, start + AT_ONCE, dtype=np.int64).astype(np.uint32).view(np.float32)
            errors, wrong_here = errors_in_ulp(name, values)
            wrong += wrong_here
            k = int(errors.argmax())
            if errors[k] > worst:
                worst, place = float(errors[k]), float(values[k])
        print(f"{name:9} {worst:.3f} ulp at {place!r}; {wrong} wrongly infinite or NaN", flush=True)


if __name__ == "__main__":
    main()
