"""Comparison of bits: signs of zeros count, NaNs are alike. float32 numbers are float64 numbers too. Padding."""

import numpy as np


def same_bits(a, b) -> bool:
    """Whether two arrays hold the same float64 patterns, any NaN counting as any other."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        return False
    equal = a.view(np.uint64) == b.view(np.uint64) if a.ndim else np.array(a.tobytes() == b.tobytes())
    return bool((equal | (np.isnan(a) & np.isnan(b))).all())


def assert_same_bits(a, b, what="") -> None:
    """Fail with the first difference, in hexadecimal, or if one is of float32 and the other not."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        assert a.dtype == b.dtype, f"{what}: dtypes {a.dtype} and {b.dtype}"
    a, b = np.atleast_1d(np.asarray(a, dtype=np.float64)), np.atleast_1d(np.asarray(b, dtype=np.float64))
    assert a.shape == b.shape, f"{what}: shapes {a.shape} and {b.shape}"
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    wrong = (a.view(np.uint64) != b.view(np.uint64)) & ~(np.isnan(a) & np.isnan(b))
    if wrong.any():
        place = tuple(int(k) for k in np.argwhere(wrong)[0])
        first, second = float(a[place]), float(b[place])
        raise AssertionError(
            f"{what}: {wrong.sum()} of {wrong.size} differ, first at {place}: {first.hex()} and {second.hex()}"
        )


def padding(net) -> np.ndarray:
    """What of a network's block is no parameter."""
    probe = net.copy()
    probe.parameters = np.ones(probe.parameters.size)
    real = probe._machine.block != 0
    assert real.sum() == net.parameters.size
    return net._machine.block[~real]
