"""A run that leaves the finite numbers says where, and leaves the network as it was."""

import pickle

import numpy as np
import pytest
from bits import assert_same_bits

import backprop as bp
from backprop import DivergenceError


def linear(engine, **options) -> bp.Network:
    """One weight, out = w*x: with x = 1 and t = 0 a step is w = w*(1 - rate)."""
    net = bp.Network([1, 1], output_activation="identity", bias="none", engine=engine, **options)
    net.weights[0] = [[1.0]]
    return net


def test_a_loss_that_overflows(engine):
    """w is -1e10^k after k steps at rate 1e10; its square is first infinite when k is 16, in epoch 16."""
    net = linear(engine)
    with pytest.raises(DivergenceError) as caught:
        net.train([[1.0]], [[0.0]], epochs=100, learning_rate=1e10)
    error = caught.value
    assert (error.epoch, error.sample, error.layer) == (16, 0, 0)  # the net itself is finite: the last layer
    assert net.parameters.tolist() == [1.0]
    for word in ("epoch 16", "X[0]", "learning_rate"):
        assert word in str(error)


def test_the_sample_is_the_row_of_x_first_in_the_batch(engine):
    """Only row 3 has an input; shuffled, it stands elsewhere in the order but is named all the same."""
    net = linear(engine)
    X = np.array([[0.0], [0.0], [0.0], [1.0], [0.0]])
    with pytest.raises(DivergenceError) as caught:
        net.train(X, np.zeros((5, 1)), epochs=100, learning_rate=1e10, shuffle=True, random_state=3)
    assert (caught.value.epoch, caught.value.sample) == (16, 3)
    with pytest.raises(DivergenceError) as caught:
        net.train(X, np.zeros((5, 1)), epochs=100, learning_rate=2e10, batch_size=2)
    assert caught.value.sample == 2  # the batch of rows 2 and 3
    with pytest.raises(DivergenceError) as caught:
        net.train(X, np.zeros((5, 1)), epochs=100, learning_rate=2e10, batch_size=2, shuffle=True, random_state=3)
    epoch, rng, order = caught.value.epoch, np.random.RandomState(3), np.arange(5)
    for _ in range(epoch + 1):
        order = order[rng.permutation(5)]
    place = int(np.argwhere(order == 3)[0, 0])
    assert caught.value.sample == order[place - place % 2]  # first in the batch, not the smallest row


def test_the_layer_is_the_first_with_a_net_that_is_not_finite(engine):
    net = bp.Network([1, 1, 1, 1], activation="identity", output_activation="identity", bias="none", engine=engine)
    net.weights = [[[1e200]], [[1e200]], [[1.0]]]
    before = net.parameters
    with pytest.raises(DivergenceError) as caught:
        net.train([[1.0]], [[0.0]])
    assert (caught.value.epoch, caught.value.sample, caught.value.layer) == (0, 0, 1)
    assert_same_bits(net.parameters, before)


def test_parameters_are_scanned_when_losses_are_not_recorded(engine):
    """Every 1,024th batch of the call, wherever epochs end; there is no sample to name then."""
    net = linear(engine)
    with pytest.raises(DivergenceError) as caught:
        net.train([[1.0]] * 3, [[0.0]] * 3, epochs=1000, learning_rate=1e10, record_loss=False)
    assert (caught.value.epoch, caught.value.sample, caught.value.layer) == (341, None, 0)  # batch 1,024 of 3 each
    assert net.parameters.tolist() == [1.0]


def test_parameters_are_scanned_at_the_end(engine):
    net = linear(engine)
    with pytest.raises(DivergenceError) as caught:
        net.train([[1.0]], [[0.0]], epochs=40, learning_rate=1e10, record_loss=False)
    assert (caught.value.epoch, caught.value.sample, caught.value.layer) == (39, None, 0)
    assert net.parameters.tolist() == [1.0]


def test_a_finite_loss_with_an_infinite_update(engine):
    net = linear(engine)
    with pytest.raises(DivergenceError) as caught:
        net.step([1e150], [0.0], learning_rate=1e300)
    assert (caught.value.epoch, caught.value.sample, caught.value.layer) == (0, None, 0)
    assert net.parameters.tolist() == [1.0]


def test_the_network_goes_on_after_a_divergence(engine):
    net = linear(engine)
    other = net.copy()
    with pytest.raises(DivergenceError):
        net.train([[1.0]], [[0.0]], epochs=100, learning_rate=1e10)
    assert_same_bits(net.train([[1.0]], [[0.5]], epochs=5), other.train([[1.0]], [[0.5]], epochs=5))
    assert net == other


def test_the_scan_does_not_depend_on_slices(engine, monkeypatch):
    monkeypatch.setattr("backprop._pacing.SLICE_SECONDS", 1e-9)
    test_parameters_are_scanned_when_losses_are_not_recorded(engine)
    test_a_loss_that_overflows(engine)


def test_it_is_an_arithmetic_error_and_can_be_pickled():
    error = pickle.loads(pickle.dumps(DivergenceError(3, None, 1)))
    assert isinstance(error, ArithmeticError)
    assert (error.epoch, error.sample, error.layer) == (3, None, 1)
    assert "parameters are not finite" in str(error)
