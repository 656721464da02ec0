"""Layers of every width: how wide one is decides in which pieces its columns are taken, never what they become."""

import numpy as np
import pytest
from bits import padding

import backprop as bp
from backprop import _engine
from backprop._layout import ALIGNMENT, VECTOR, WIDE, Layout

pytestmark = pytest.mark.skipif(
    isinstance(_engine.compiled_engine(), ImportError), reason="the compiled engine is not installed"
)

OF_THREE = {"activation": "tanh"}
OF_TWO = {"output_activation": "softmax", "loss": "log_loss"}
# Less than a line of 256 bytes, one, one and something, several; the last vector full or not.
VECTORS = (1, 3, 5, 7, 8, 9, 10, 11, 13, 26)
RUNS = {
    "one by one": dict,
    "momentum": lambda: {"optimizer": bp.SGD(momentum=0.9)},
    "Nesterov": lambda: {"optimizer": bp.SGD(momentum=0.9, nesterov=True), "l2": 0.1},
    "Adam": lambda: {"optimizer": bp.Adam()},
    "L2": lambda: {"l2": 0.1},
    "at once": lambda: {"batch_size": 9},
    "in 5s, Adam": lambda: {"batch_size": 5, "optimizer": bp.Adam()},
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("run", RUNS)
def test_the_same_bits(run, dtype):
    rng = np.random.RandomState(0)
    for vectors in VECTORS:
        width = vectors * VECTOR // np.dtype(dtype).itemsize - vectors % 3 % 2
        for sizes, functions in (([3, width, 2], OF_THREE), ([2, width], OF_TWO)):
            X, T = rng.normal(size=(9, sizes[0])), rng.uniform(0.01, 0.99, size=(9, sizes[-1]))
            T /= T.sum(axis=1, keepdims=True)
            results = []
            for engine in ("compiled", "python"):
                net = bp.Network(sizes, **functions, engine=engine, dtype=dtype, random_state=vectors)
                losses = net.train(X, T, epochs=1, **RUNS[run]())
                results.append((np.asarray(losses).tobytes(), net.parameters.tobytes()))
                assert not padding(net).any()
            assert results[0] == results[1], sizes


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("units", [1, 2, 3, 4, 5, 10, 12])
def test_few_units_over_more_samples_than_are_summed_at_once(units, dtype):
    rng = np.random.RandomState(units)
    X, T = rng.normal(size=(70, 2)), rng.uniform(size=(70, units))
    results = []
    for engine in ("compiled", "python"):
        net = bp.Network([2, 37, units], engine=engine, dtype=dtype, random_state=1)
        losses = net.train(X, T, epochs=2, batch_size=70)
        results.append((np.asarray(losses).tobytes(), net.parameters.tobytes()))
        assert not padding(net).any()
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_long_rows_are_whole_cache_lines(dtype):
    item = np.dtype(dtype).itemsize
    for width in range(1, 150):
        layout = Layout((3, width), "per_unit", dtype)
        assert 0 <= layout.strides[0] - width < (VECTOR if width * item <= WIDE else ALIGNMENT) // item
        if width * item > WIDE:
            assert layout.strides[0] * item % ALIGNMENT == 0
