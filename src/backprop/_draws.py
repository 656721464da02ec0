"""Random numbers that are the same on every machine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def uniform(rng: np.random.RandomState, bound: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Uniform within +-bound, the bits of ``rng.uniform(-bound, bound, shape)`` where that fuses no operations.

    A compiler may make one fused operation of its product and sum, as it does by default for arm64. Here each is
    rounded; `random_sample` is exact, and its stream is frozen.
    """
    drawn: NDArray[np.float64] = -bound + (bound - -bound) * rng.random_sample(shape)
    return drawn
