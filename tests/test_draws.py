"""Random numbers and rates that are the same on every machine."""

import numpy as np
import pytest
from bits import assert_same_bits

from backprop._draws import uniform
from backprop._epochs import power


@pytest.mark.parametrize("bound", [1.0, np.sqrt(6 / 7), 0.1])
def test_uniform_is_numpys_with_each_operation_rounded(bound):
    """NumPy's own may be fused; exact products by fractions say what it must be."""
    from fractions import Fraction

    drawn = uniform(np.random.RandomState(3), bound, (40, 5))
    u = np.random.RandomState(3).random_sample(200)
    expected = [float(Fraction(float(2 * Fraction(bound) * Fraction(v))) - Fraction(bound)) for v in map(float, u)]
    assert_same_bits(drawn.ravel(), np.array(expected))
    np.testing.assert_allclose(drawn, np.random.RandomState(3).uniform(-bound, bound, (40, 5)), rtol=0, atol=3e-16)


def test_uniform_leaves_the_generator_where_numpys_does():
    one, other = np.random.RandomState(3), np.random.RandomState(3)
    uniform(one, 0.5, (3, 2)), other.uniform(-0.5, 0.5, (3, 2))
    assert one.random_sample() == other.random_sample()


def test_a_power_is_the_nearest_number():
    from mpmath import mp, mpf

    with mp.workdps(60):
        for base in [1, 2, 3, 150, 12_345, 10**9 + 7]:
            for exponent in [0.0, 0.25, 0.5, 1.0, 1.7, 3.0]:
                assert power(base, exponent) == float(mpf(base) ** mpf(exponent))
    assert power(151, 1e9) == np.inf
    assert power(151, np.inf) == np.inf
