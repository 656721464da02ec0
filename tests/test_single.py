"""`Single` against NumPy's float32: the same bits after every operation, whatever stands beside it."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest
from bits import assert_same_bits

from backprop._single import Single

OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e-45, -1e-45, 1.1754942e-38, 1.1754944e-38]
SPECIAL += [3.4028235e38, -3.4028235e38, 16777216.0, 0.1, 1.0000001, 0.99999994]


def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Special values beside each other, random patterns, and numbers of similar size."""
    random_state = np.random.RandomState(7)
    a, b = (x.ravel() for x in np.meshgrid(np.float32(SPECIAL), np.float32(SPECIAL)))
    bits = random_state.randint(0, 256, size=160_000).astype(np.uint8).view(np.float32)
    near = random_state.uniform(-2, 2, 20_000).astype(np.float32)
    return np.concatenate([a, bits[:20_000], near[::2]]), np.concatenate([b, bits[20_000:], near[1::2]])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_are_those_of_float32(operation):
    a, b = pairs()
    with np.errstate(all="ignore"):
        expected = operation(a, b)
    left, right = a.tolist(), b.tolist()
    found = [operation(Single(x), Single(y)) for x, y in zip(left, right, strict=True)]
    assert {type(value) for value in found} == {Single}
    assert_same_bits(found, expected, operation.__name__)
    mixed = [operation(Single(x), y) for x, y in zip(left, right, strict=True)]
    mixed_too = [operation(x, Single(y)) for x, y in zip(left, right, strict=True)]
    assert_same_bits(mixed, expected, "a float on the right")
    assert_same_bits(mixed_too, expected, "a float on the left")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_other_operand_is_rounded_first(operation):
    x = 1.0 + 2.0**-24 + 2.0**-40  # beside a float64 sum it would count
    for left, right in ((Single(3.0), x), (x, Single(3.0)), (Single(3.0), 7), (7, Single(3.0))):
        result = operation(left, right)
        assert type(result) is Single
        assert result == float(operation(np.float32(left), np.float32(right)))


def test_rounding():
    values = np.concatenate(
        [np.ldexp(np.random.RandomState(8).uniform(-1, 1, 20_000), k) for k in (-148, -126, 0, 128)]
    )
    with np.errstate(over="ignore"):
        assert_same_bits([Single(x) for x in values.tolist()], values.astype(np.float32))
    assert Single(3.4028235677973366e38) == math.inf  # the tie goes to even, which is infinity
    assert Single(-1e300) == -math.inf
    assert Single(2.0**-150) == 0.0
    assert math.copysign(1.0, Single(-(2.0**-150))) == -1.0
    assert math.isnan(Single(math.nan))
    assert Single() == 0.0
    assert Single(16777217) == 16777216.0


def test_signs_and_comparisons():
    x = Single(0.1)
    assert {type(y) for y in (-x, +x, abs(x), abs(-x))} == {Single}
    assert -x == -float(x) == -abs(-x)
    assert math.copysign(1.0, -Single(0.0)) == -1.0
    assert x != 0.1
    assert x > 0.1
    assert x == np.float32(0.1)


def test_division_by_zero():
    assert Single(1.0) / 0 == 1.0 / Single(0.0) == math.inf
    assert -1.0 / Single(0.0) == Single(1.0) / -0.0 == -math.inf
    assert math.isnan(Single(0.0) / 0.0)
    assert math.isnan(Single(math.nan) / 0.0)


def test_what_is_no_number_is_refused():
    for other in ("1", None, [1.0]):
        with pytest.raises(TypeError):
            Single(1.0) + other


def test_it_survives_a_copy_and_a_pickle():
    x = Single(0.1)
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(twin) is Single
        assert twin == x
