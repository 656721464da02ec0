"""Random numbers that are the same on every machine."""

from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray


class _Zeros(ISeedSequence):
    """What a generator starts from that is to be seeded at once."""

    def generate_state(self, n_words: int, dtype: Any = None) -> Any:
        return [0] * n_words


def seeded(seed: int) -> np.random.RandomState:
    """``RandomState(seed)``, which first makes a state out of the system's entropy, number by number, for nothing.

    Raises
    ------
    ValueError
        As NumPy's, if the seed is not from 0 to 4294967295.
    """
    zeros: Any = _Zeros()
    rng = np.random.RandomState(np.random.MT19937(zeros))
    rng.seed(seed)
    return rng


def uniform(rng: np.random.RandomState, bound: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Uniform within +-bound, the bits of ``rng.uniform(-bound, bound, shape)`` where that fuses no operations.

    A compiler may make one fused operation of its product and sum, as it does by default for arm64. Here each is
    rounded; `random_sample` is exact, and its stream is frozen.
    """
    drawn: NDArray[np.float64] = -bound + (bound - -bound) * rng.random_sample(shape)
    return drawn
