"""The padding of the parameter block is 0 and stays 0, whatever is trained."""

import numpy as np
import pytest
from bits import padding

import backprop as bp
from backprop.functions import ACTIVATIONS, LOSSES, pair_is_possible

PAIRS = [(a, loss) for a in ACTIVATIONS for loss in LOSSES if pair_is_possible(a, loss)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_it_stays_zero(output, loss, dtype):
    rng = np.random.RandomState(0)
    for sizes, hidden in (([3, 3, 3], "logistic"), ([5, 6, 2], "tanh"), ([4, 9, 7, 5], "relu")):
        X, T = rng.uniform(0.1, 0.9, size=(20, sizes[0])), rng.uniform(0.1, 0.9, size=(20, sizes[-1]))
        T /= T.sum(axis=1, keepdims=True)
        net = bp.Network(
            sizes, activation=hidden, output_activation=output, loss=loss, dtype=dtype, random_state=0
        )
        for options in ({}, {"batch_size": 6}, {"optimizer": "adam"}, {"l2": 0.1}):
            net.train(X, T, epochs=2, learning_rate=0.01, **options)
            net.step(X[0], T[0], 0.01)
            assert padding(net).size > 0
            assert not padding(net).any()


@pytest.mark.parametrize("engine", ["compiled", "python"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_shared_bias_whose_exp_overflows_does_not_reach_it(batch_size, engine):
    rng = np.random.RandomState(0)
    net = bp.Network([3, 3, 3], output_activation="exp", bias="shared", engine=engine, random_state=0)
    net.biases[0][:], net.biases[1][:] = 5.0, 800.0  # alone exp(800) would be infinite
    net.weights[1][:] = -1000.0
    X, T = rng.uniform(size=(4, 3)), rng.uniform(size=(4, 3))
    net.train(X, T, epochs=2, learning_rate=1e-3, batch_size=batch_size)
    net.step(X[0], T[0], 1e-3)
    assert np.isfinite(net.parameters).all()
    assert not padding(net).any()
