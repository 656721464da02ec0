"""Central differences with a known error: Richardson's extrapolation, and smaller steps where they are needed.

`gradcheck` measures the loss of a network with it, `derivatives` a function of one number.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Measured", "best", "extrapolated"]

# A second and a third step, each smaller by this, where the loss bends so strongly that the first says little.
SHRINK, ATTEMPTS = 16.0, 3
BENDS = 1e-6  # relative: that strongly


class Measured(NamedTuple):
    """A derivative from the differences of one step.

    Attributes
    ----------
    numeric : float
        The derivative.
    truncation, rounding : float
        The error that it may have from the step's width, and from the roundings of what is measured.
    kink : str
        What changes its rule within the step; empty if nothing does.
    """

    numeric: float
    truncation: float
    rounding: float
    kink: str = ""


def extrapolated(wide: float, narrow: float) -> tuple[float, float]:
    """The derivative from the central differences D(h) and D(h/2), without the term in h^2, and its truncation."""
    return (4.0 * narrow - wide) / 3.0, abs(wide - narrow)


def best(measure: Callable[[float], Measured], step: float) -> tuple[float, float, str]:
    """The derivative with the smallest tolerance among up to three steps, that tolerance, and the kink crossed.

    NaN and an infinite tolerance if nothing finite was measured.
    """
    found = (math.nan, math.inf)
    kink = ""
    for _ in range(ATTEMPTS):
        numeric, truncation, rounding, kink = measure(step)
        if truncation + rounding < found[1]:  # never so if something measured is not finite
            found = numeric, truncation + rounding
        if kink or truncation <= max(rounding, BENDS * abs(numeric)):
            break
        step /= SHRINK
    return *found, kink
