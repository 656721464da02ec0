"""Epochs of few samples: many of them go to the kernel of small networks at once, and nothing shows it."""

import numpy as np
import pytest

import backprop as bp
from backprop import _engine

pytestmark = pytest.mark.skipif(
    isinstance(_engine.compiled_engine(), ImportError), reason="the compiled engine is not installed"
)

X = np.array([[0.05, 0.10], [0.3, -0.2], [-1.0, 0.5], [0.7, 0.9], [0.0, 0.4]])
T = np.array([[0.01, 0.99], [0.8, 0.2], [0.3, 0.6], [0.5, 0.1], [0.9, 0.9]])


def both(run, sizes=(2, 2, 2), **options):
    """What a run returns or raises, and the parameters after it, from each engine."""
    results = []
    for engine in ("compiled", "python"):
        net = bp.Network(sizes, engine=engine, random_state=3, **options)
        try:
            outcome = run(net)
            outcome = None if outcome is None else np.asarray(outcome).tobytes()
        except bp.DivergenceError as error:
            outcome = str(error)
        results.append((outcome, net.parameters.tobytes()))
    return results


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_same_bits(n, dtype):
    """More epochs than the parameters are looked at after, with and without losses."""
    for record_loss in (True, False):
        compiled, python = both(
            lambda net, record=record_loss: net.train(X[:n], T[:n], epochs=2200 // n, record_loss=record),
            dtype=dtype,
        )
        assert compiled == python


def test_a_rate_for_each_epoch():
    rates = np.linspace(0.9, 0.1, 300)
    for wanted in (rates, rates[::-1], np.repeat(rates, 3)[::3]):
        compiled, python = both(lambda net, rates=wanted: net.train(X[:2], T[:2], epochs=300, learning_rate=rates))
        assert compiled == python
    assert compiled != both(lambda net: net.train(X[:2], T[:2], epochs=300, learning_rate=0.5))[0]


@pytest.mark.parametrize("sizes", [(2, 2, 2), (2, 4, 2), (2, 7, 2)])
def test_a_run_that_stops_early_has_the_same_length(sizes):
    for below in (0.06, 0.02, 0.01):
        compiled, python = both(
            lambda net, below=below: net.train(X[:2], T[:2], epochs=3000, stop_below=below), sizes=sizes
        )
        assert compiled == python
        assert 0 < len(compiled[0]) // 8 < 3000


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("rate", [1e3, 1e300])
def test_a_run_that_diverges_does_so_at_the_same_sample(rate, n):
    compiled, python = both(
        lambda net: net.train(X[:n], T[:n], epochs=500, learning_rate=rate),
        activation="identity",
        output_activation="identity",
    )
    assert compiled == python
    assert isinstance(compiled[0], str)


def test_a_callback_sees_each_epoch():
    seen = []
    compiled, python = both(
        lambda net: net.train(
            X[:1],
            T[:1],
            epochs=40,
            callback=lambda epoch, net, loss: seen.append((epoch, loss, net.parameters.tobytes())),
        )
    )
    assert compiled == python
    assert len(seen) == 80
    assert seen[:40] == seen[40:]


@pytest.mark.parametrize("bias", ["per_unit", "shared", "none"])
def test_every_kind_of_bias(bias):
    for train_bias in (True, False):
        compiled, python = both(
            lambda net: net.train(X[:1], T[:1], epochs=50), bias=bias, train_bias=train_bias, activation="tanh"
        )
        assert compiled == python
