"""exp, logistic and log1p: bits equal in both engines, accuracy against mpmath, ends of the range.

docs/arithmetic.md states the accuracy; tools/measure_accuracy.py measures it on more points.
"""

import importlib.util
import math
import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from bits import assert_same_bits

import backprop as bp
from backprop import _elementary

ROOT = Path(__file__).parent.parent
LIMITS = {"exp": 1.0, "logistic": 2.5, "log1p": 1.0}  # ulp


def load_tool(name: str):
    specification = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


accuracy = load_tool("measure_accuracy")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [(name, *interval) for name, spans in accuracy.INTERVALS.items() for interval in spans],
)
def test_accuracy(name, low, high):
    draw = random.Random(1)
    worst, place = accuracy.largest_error(name, (draw.uniform(low, high) for _ in range(3000)))
    assert worst <= LIMITS[name], f"{name}({place!r}) is {worst} ulp off"


@pytest.mark.parametrize("name", LIMITS)
def test_accuracy_at_every_exponent(name):
    worst, place = accuracy.largest_error(name, accuracy.tiny_and_huge(name, 6000, random.Random(2)))
    assert worst <= LIMITS[name], f"{name}({place!r}) is {worst} ulp off"


@pytest.mark.parametrize("name", LIMITS)
def test_the_measure_itself_sees_an_error(name):
    """A function that is off by a relative 1e-15 does not pass."""
    function, truth = getattr(_elementary, name), accuracy.TRUE_VALUE[name]
    x = 0.731
    assert accuracy.error_in_ulp(function(x), truth(accuracy.mpf(x))) <= LIMITS[name]
    assert accuracy.error_in_ulp(function(x) * (1 + 1e-15), truth(accuracy.mpf(x))) > LIMITS[name]


def test_ends_of_exp():
    exp = _elementary.exp
    assert exp(0.0) == exp(-0.0) == 1.0
    assert exp(math.inf) == exp(1e300) == exp(709.79) == math.inf
    assert exp(-math.inf) == exp(-1e300) == exp(-746.0) == 0.0
    assert math.copysign(1.0, exp(-math.inf)) == 1.0
    assert exp(-745.0) == 5e-324
    assert exp(709.782712893384) == pytest.approx(1.797693134862273e308, rel=1e-12)
    assert math.isnan(exp(math.nan))
    assert exp(5e-324) == exp(-5e-324) == 1.0


def test_ends_of_logistic():
    logistic = _elementary.logistic
    assert logistic(0.0) == logistic(-0.0) == 0.5
    assert logistic(math.inf) == logistic(1e308) == logistic(708.0) == logistic(40.0) == 1.0
    assert logistic(-math.inf) == logistic(-1e308) == logistic(-708.0) > 3.3e-308
    assert math.isnan(logistic(math.nan))


def test_ends_of_log1p():
    log1p = _elementary.log1p
    assert log1p(0.0) == log1p(-0.0) == 0.0
    assert log1p(-1.0) == -math.inf
    assert log1p(math.inf) == math.inf
    assert math.isnan(log1p(-1.0000000000000002))
    assert math.isnan(log1p(-math.inf))
    assert math.isnan(log1p(math.nan))
    assert log1p(5e-324) == 5e-324
    assert log1p(-(2.0**-53)) == -(2.0**-53)
    assert log1p(1.7976931348623157e308) == pytest.approx(709.782712893384, rel=1e-15)


def test_monotonic_where_the_reduction_changes():
    """k steps at odd multiples of ln(2)/2; the function must not step back there by more than its error."""
    for function in (_elementary.exp, _elementary.logistic):
        for n in range(-40, 40):
            x = (n + 0.5) * math.log(2.0)
            values = [function(x + k * 1e-9) for k in range(-3, 4)]
            assert values == sorted(values)


def patterns(count: int) -> list[float]:
    """Random bit patterns, NaN left out: every exponent and both signs."""
    draw = random.Random(3)
    numbers = (struct.unpack("<d", struct.pack("<Q", draw.getrandbits(64)))[0] for _ in range(count))
    return [x for x in numbers if not math.isnan(x)]


SPECIAL = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.0, -1.0, 1e308, -1e308, 707.999, -708.0, 708.0]
SPECIAL += [-708.0000001, 708.4, 745.13, -745.14, -746.1, 709.78, 709.79, 36.7, -36.7, 37.0, -37.0]
SPECIAL += [math.nextafter(x, y) for x in (0.34657359027997264, -0.34657359027997264) for y in (-1.0, 0.0, 1.0)]


def test_both_engines_compute_the_same_functions(both):
    """Through one weight of 1 and no bias out is logistic(x), and log_loss has log1p and exp in it."""
    draw = random.Random(4)
    numbers = [*SPECIAL, *patterns(20_000), *(draw.uniform(-750, 750) for _ in range(40_000))]
    numbers += [draw.gauss(0.0, 3.0) for _ in range(40_000)]
    X = np.array([x for x in numbers if math.isfinite(x)]).reshape(-1, 1)
    results = []
    for engine in both:
        net = bp.Network([1, 1], loss="log_loss", bias="none", engine=engine)
        net.weights[0] = [[1.0]]
        results.append(net)
    fast, slow = (net.forward(X) for net in results)
    assert_same_bits(fast, slow, "logistic")
    assert_same_bits(slow[:, 0], [_elementary.logistic(0.0 + x) for x in X[:, 0]], "logistic itself")
    for x in X[:: len(X) // 4000]:
        assert_same_bits(results[0].loss(x, [0.25]), results[1].loss(x, [0.25]), f"log_loss at {x[0]!r}")


CONSTANT = re.compile(r"^\| `([A-Z]\w*)` \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


def test_the_documented_constants_are_the_ones_in_use():
    """In both engines' sources, and in docs/arithmetic.md, decimal and hexadecimal."""
    documented = {
        name: (float(decimal), float.fromhex(hexadecimal))
        for name, decimal, hexadecimal in CONSTANT.findall(
            (ROOT / "docs/arithmetic.md").read_text(encoding="utf-8")
        )
    }
    in_python = {
        name: value for name, value in vars(_elementary).items() if isinstance(value, float) and name.isupper()
    }
    assert documented == {name: (value, value) for name, value in in_python.items()}
    source = (ROOT / "src/backprop/_elementary.pxi").read_text(encoding="utf-8")
    in_kernels = {name: float(value) for name, value in re.findall(r"#define (\w+) \(?(-?[\d.e-]+)\)?\n", source)}
    in_kernels |= {name: float(value) for name, value in re.findall(r"cdef double (\w+) = (-?[\d.]+)\n", source)}
    assert in_kernels.pop("MINUS_LOGISTIC_REACH") == -in_python["LOGISTIC_REACH"]
    pattern = int(re.search(r"HALF_SQRT_PATTERN (0x\w+)ULL", source).group(1), 16)
    in_kernels["HALF_SQRT"] = struct.unpack("<d", struct.pack("<Q", pattern))[0]
    assert in_kernels == in_python
