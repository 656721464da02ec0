"""The package's own functions: bits equal in both engines, accuracy against mpmath, ends; both dtypes.

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
from backprop import _elementary, _elementary32, _engine
from backprop._single import Single

ROOT = Path(__file__).parent.parent
LIMITS = {"exp": 1.0, "expm1": 1.0, "log": 1.0, "log1p": 1.0, "logistic": 2.5, "tanh": 3.0, "softplus": 3.0}  # ulp
DTYPES = {"float64": np.float64, "float32": np.float32}


def load_tool(name: str):
    specification = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


accuracy = load_tool("measure_accuracy")


@pytest.mark.parametrize(
    ("dtype", "name", "low", "high"),
    [
        (dtype, name, *interval)
        for dtype, functions in accuracy.INTERVALS.items()
        for name, spans in functions.items()
        for interval in spans
    ],
)
def test_accuracy(dtype, name, low, high):
    draw = random.Random(1)
    worst, place = accuracy.largest_error(name, (draw.uniform(low, high) for _ in range(3000)), dtype)
    assert worst <= LIMITS[name], f"{name}({place!r}) is {worst} ulp off"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LIMITS)
def test_accuracy_at_every_exponent(name, dtype):
    points = accuracy.tiny_and_huge(name, 6000 if dtype == "float64" else 3000, random.Random(2), dtype)
    worst, place = accuracy.largest_error(name, points, dtype)
    assert worst <= LIMITS[name], f"{name}({place!r}) is {worst} ulp off"


@pytest.mark.parametrize("name", LIMITS)
def test_the_measure_itself_sees_an_error(name):
    """A function that is off by a relative 1e-15, or for float32 6e-7, does not pass."""
    function, truth = _elementary.FUNCTIONS[name], accuracy.TRUE_VALUE[name]
    for x, dtype, error in ((0.731, "float64", 1e-15), (Single(0.731), "float32", 6e-7)):
        true = truth(accuracy.mpf(float(x)))
        assert accuracy.error_in_ulp(function(x), true, dtype) <= LIMITS[name]
        assert accuracy.error_in_ulp(float(function(x)) * (1 + error), true, dtype) > LIMITS[name]


def test_the_table_has_every_function():
    assert set(_elementary.FUNCTIONS) == set(LIMITS)
    assert all(name == function.__name__ for name, function in _elementary.FUNCTIONS.items())


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


@pytest.mark.parametrize("number", [float, Single])
def test_special_values(number):
    """For both dtypes; what comes back is of the argument's type."""
    nan, inf, zero = number(math.nan), number(math.inf), number(0.0)
    expected = {
        "exp": {nan: math.nan, inf: math.inf, -inf: 0.0, zero: 1.0, -zero: 1.0},
        "expm1": {
            nan: math.nan,
            inf: math.inf,
            -inf: -1.0,
            zero: 0.0,
            number(-50.0): -1.0,
            number(800.0): math.inf,
        },
        "log": {
            nan: math.nan,
            inf: math.inf,
            -inf: math.nan,
            zero: -math.inf,
            number(-1): math.nan,
            number(1): 0.0,
        },
        "log1p": {nan: math.nan, inf: math.inf, -inf: math.nan, zero: 0.0, number(-1): -math.inf},
        "logistic": {nan: math.nan, inf: 1.0, zero: 0.5},
        "tanh": {nan: math.nan, inf: 1.0, -inf: -1.0, zero: 0.0, number(30.0): 1.0, number(-30.0): -1.0},
        "softplus": {nan: math.nan, inf: math.inf, -inf: 0.0, number(-800.0): 0.0, number(800.0): 800.0},
    }
    for name, cases in expected.items():
        for x, value in cases.items():
            result = _elementary.FUNCTIONS[name](x)
            assert type(result) is number, (name, x)
            assert_same_bits(float(result), value, f"{name}({x})")


@pytest.mark.parametrize("number", [float, Single])
def test_signs_of_zeros(number):
    zero = number(-0.0)
    for name, sign in (("expm1", 1.0), ("log1p", 1.0), ("tanh", -1.0)):
        assert math.copysign(1.0, _elementary.FUNCTIONS[name](zero)) == sign
    assert _elementary.log(zero) == -math.inf


@pytest.mark.parametrize(("number", "dtype"), [(float, "float64"), (Single, "float32")])
def test_tiny_arguments_come_back(number, dtype):
    smallest = number(math.ldexp(1.0, accuracy.EXPONENTS[dtype][0]))
    for name in ("expm1", "log1p", "tanh"):
        for x in (smallest, -smallest, smallest * 3.0):
            assert _elementary.FUNCTIONS[name](x) == x


def test_monotonic_where_the_reduction_changes():
    """k steps at odd multiples of ln(2)/2; the function must not step back there by more than its error."""
    for function in (_elementary.exp, _elementary.logistic):
        for n in range(-40, 40):
            x = (n + 0.5) * math.log(2.0)
            values = [function(x + k * 1e-9) for k in range(-3, 4)]
            assert values == sorted(values)


def patterns(count: int, dtype: str = "float64") -> np.ndarray:
    """Random bit patterns: every exponent, both signs, infinities and NaN."""
    bits = np.random.RandomState(3).randint(0, 256, size=count * DTYPES[dtype]().itemsize).astype(np.uint8)
    return bits.view(DTYPES[dtype])


SPECIAL = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.0, -1.0, 1e308, -1e308, 707.999, -708.0, 708.0]
SPECIAL += [-708.0000001, 708.4, 745.13, -745.14, -746.1, 709.78, 709.79, 36.7, -36.7, 37.0, -37.0]
SPECIAL += [math.nextafter(x, y) for x in (0.34657359027997264, -0.34657359027997264) for y in (-1.0, 0.0, 1.0)]


def test_both_engines_compute_the_same_functions(both):
    """Through one weight of 1 and no bias out is logistic(x), and log_loss has log1p and exp in it."""
    draw = random.Random(4)
    numbers = [*SPECIAL, *patterns(20_000).tolist(), *(draw.uniform(-750, 750) for _ in range(40_000))]
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


ENDS = [0.34375, 0.46875, 0.34657359, 1.0397208, 5.8916, 0.70710677, 1.41421354, 2.0, 16.9, 17.3, 20.0, 37.0, 40.0]
ENDS += [87.0, 88.7, 88.73, 89.0, 103.9, 104.0, 708.0, 709.78, 710.0, 745.1, 746.0, math.inf, math.nan]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LIMITS)
def test_the_door_gives_the_same_bits_in_both_engines(both, name, dtype):
    compiled, reference = (_engine.pick(engine) for engine in both)
    count = 60_000 if dtype == "float64" else 8_000
    random_state = np.random.RandomState(5)
    with np.errstate(over="ignore"):
        special = np.array([*SPECIAL, *ENDS, *(-np.array(ENDS))]).astype(DTYPES[dtype])
    near = [np.nextafter(special, DTYPES[dtype](end)) for end in (-np.inf, np.inf)]
    spread = np.concatenate([random_state.uniform(-w, w, count // 4) for w in (1.5, 20.0, 110.0, 750.0)])
    values = np.concatenate([special, *near, patterns(count, dtype), spread.astype(DTYPES[dtype])])
    fast, slow = np.empty_like(values), np.empty_like(values)
    compiled.elementary(name, values, fast)
    reference.elementary(name, values, slow)
    assert_same_bits(fast, slow, name)
    compiled.elementary(name, values, values)  # in place
    assert_same_bits(values, fast, name)


@pytest.mark.parametrize("name", LIMITS)
def test_float32_accuracy_of_the_compiled_engine(both, name):
    """Millions of patterns, against the float64 functions, whose own error is nothing in float32 ulp."""
    values = patterns(2_000_000, "float32")
    values = np.concatenate([values, np.random.RandomState(6).uniform(-105, 90, 1_000_000).astype(np.float32)])
    errors, wrong = load_tool("measure_float32").errors_in_ulp(name, values)
    worst = errors.argmax()
    assert errors[worst] <= LIMITS[name], f"{name}({values[worst]!r}) is {errors[worst]} ulp off"
    assert not wrong


def test_a_door_refuses_what_it_cannot_compute(engine):
    door = _engine.pick(engine).elementary
    with pytest.raises(KeyError):
        door("sine", np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match="expected 2"):
        door("exp", np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match=r"another dtype|different structures"):
        door("exp", np.zeros(2), np.zeros(2, dtype=np.float32))
    door("exp", np.zeros(0), np.zeros(0))


TABLE = re.compile(r"^\| (float\d\d) \| decimal \| hexadecimal \|\n\|[-|]+\|\n((?:\|.*\|\n)+)", re.MULTILINE)
CONSTANT = re.compile(r"^\| `([A-Z]\w*)` \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


def documented_constants() -> dict[str, dict[str, tuple[float, float]]]:
    """For each dtype the table of docs/arithmetic.md whose head names it: name, decimal and hexadecimal."""
    text = (ROOT / "docs/arithmetic.md").read_text(encoding="utf-8")
    rounded = {"float64": float, "float32": Single}
    return {
        dtype: {name: (rounded[dtype](float(a)), float.fromhex(b)) for name, a, b in CONSTANT.findall(table)}
        for dtype, table in TABLE.findall(text)
    }


@pytest.mark.parametrize(
    ("dtype", "module", "suffix", "layout"),
    [("float64", _elementary, "", "<d <Q"), ("float32", _elementary32, "_32", "<f <I")],
)
def test_the_documented_constants_are_the_ones_in_use(dtype, module, suffix, layout):
    """In both engines' sources, and in docs/arithmetic.md, decimal and hexadecimal."""
    in_python = {
        name: value for name, value in vars(module).items() if isinstance(value, float) and name.isupper()
    }
    assert documented_constants()[dtype] == {name: (value, value) for name, value in in_python.items()}
    source = (ROOT / f"src/backprop/{module.__name__.split('.')[1]}.pxi").read_text(encoding="utf-8")
    number = type(in_python["LOG2_E"])
    found = re.findall(r"#define (\w+) \(?(-?\d[\d.e-]*?)f?\)?(?: /\*.*\*/)?\n", source)
    found += re.findall(r"cdef (?:double|float) (\w+) = (-?[\d.]+)\n", source)
    assert all(name.endswith(suffix) for name, _ in found)
    in_kernels = {name.removesuffix(suffix): number(float(value)) for name, value in found}
    assert in_kernels.pop("MINUS_LOGISTIC_REACH") == -in_python["LOGISTIC_REACH"]
    assert in_kernels.pop("SMALLEST_NORMAL") == np.finfo(dtype).smallest_normal
    digits = np.finfo(dtype).nmant + 2
    assert in_kernels.pop("UP_FROM_SUBNORMAL") == 2.0**digits
    if dtype == "float64":
        assert in_kernels.pop("INTEGER_BIAS") == 2.0**52 + 1023
    else:
        literals = {"ZERO": 0.0, "HALF": 0.5, "ONE": 1.0, "TWO": 2.0, "MINUS_25": -25.0}
        assert {name: in_kernels.pop(name) for name in literals} == literals
    pattern = int(re.search(r"HALF_SQRT_PATTERN(?:_32)? (0x[0-9a-f]+)U", source).group(1), 16)
    to_number, to_pattern = layout.split()
    in_kernels["HALF_SQRT"] = struct.unpack(to_number, struct.pack(to_pattern, pattern))[0]
    assert in_kernels == in_python
