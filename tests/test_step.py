"""A recorded step holds the numbers that training computes and that its own operands give, bit for bit."""

from dataclasses import fields
from itertools import product

import numpy as np
import pytest
from bits import assert_same_bits

import backprop as bp
from backprop.functions import ACTIVATIONS, LOSSES
from backprop.glassbox.recording import record_step
from backprop.glassbox.step import Step

NETWORKS = {
    "2-2-2": ([2, 2, 2], {}),
    "no hidden layer": ([3, 2], {"output_activation": "identity"}),
    "cross-entropy": ([3, 5, 2], {"activation": "relu", "loss": "log_loss"}),
    "two hidden layers": ([4, 5, 3, 2], {"activation": ["relu", "logistic"], "output_activation": "relu"}),
    "identity below": ([2, 9, 1], {"activation": "identity"}),
}
RATE = 0.37  # at .5 many wrong orders agree


@pytest.fixture(params=product(NETWORKS, ("per_unit", "shared", "none"), (True, False), (1, 4)), ids=str)
def case(request):
    """The arguments of a network, and a batch of samples."""
    name, bias, train_bias, n_samples = request.param
    sizes, options = NETWORKS[name]
    rng = np.random.RandomState(len(name) + n_samples)
    X = rng.normal(size=(n_samples, sizes[0]))
    X[0, 0] = 0.0
    T = rng.uniform(size=(n_samples, sizes[-1]))
    return sizes, options | {"bias": bias, "train_bias": train_bias}, X, T


def network(sizes, options, engine: str, update_order: str = "simultaneous") -> bp.Network:
    net = bp.Network(sizes, **options, update_order=update_order, random_state=3, engine=engine)
    rng = np.random.RandomState(4)
    for bias in net.biases:
        bias[:] = rng.normal(size=bias.shape)
    return net


@pytest.fixture(params=["simultaneous", "sequential"])
def recorded(request, case, engine):
    """A network, its batch, and the recorded step."""
    sizes, options, X, T = case
    net = network(sizes, options, engine, request.param)
    return net, X, T, record_step(net, X, T, RATE)


def in_order(terms) -> float:
    total = 0.0
    for term in terms:
        total = total + term
    return total


def test_the_new_parameters_are_those_of_training(recorded):
    net, X, T, step = recorded
    before = net.parameters
    trained = net.copy()
    history = trained.train(X, T, learning_rate=RATE, batch_size=len(X))
    for layer in range(len(net.weights)):
        assert_same_bits(step.weights[layer], net.weights[layer])
        assert_same_bits(step.biases[layer], net.biases[layer])
        assert_same_bits(step.new_weights[layer], trained.weights[layer], f"weights[{layer}]")
        assert_same_bits(step.new_biases[layer], trained.biases[layer], f"biases[{layer}]")
    assert step.loss == history[0]
    assert_same_bits(net.parameters, before)


def test_the_new_parameters_follow_from_the_gradients(recorded):
    net, _, _, step = recorded
    for layer, gradient in enumerate(step.weight_gradients):
        assert_same_bits(step.new_weights[layer], step.weights[layer] - RATE * gradient, f"weights[{layer}]")
        moved = (
            step.biases[layer] - RATE * step.bias_gradients[layer] if net.config.train_bias else step.biases[layer]
        )
        assert_same_bits(step.new_biases[layer], moved, f"biases[{layer}]")


def test_nets_and_outs_follow_from_the_parameters(recorded):
    net, X, _, step = recorded
    for layer, row in enumerate(step.activations):
        weights, biases = step.weights[layer], step.biases[layer]
        for s in range(len(X)):
            nets = [in_order(step.below(layer)[s] * weights[:, j]) for j in range(weights.shape[1])]
            if net.config.bias != "none":
                nets = [z + b for z, b in zip(nets, np.broadcast_to(biases, len(nets)), strict=True)]
            assert_same_bits(step.nets[layer][s], nets, f"nets[{layer}][{s}]")
            assert_same_bits(step.outs[layer][s], row.outs(step.nets[layer][s].tolist()), f"outs[{layer}][{s}]")


def test_the_errors_add_up_to_the_losses(recorded):
    net, X, T, step = recorded
    row = LOSSES[net.config.loss]
    for s in range(len(X)):
        errors = row.values(step.nets[-1][s].tolist(), step.outs[-1][s].tolist(), T[s].tolist())
        assert_same_bits(step.errors[s], errors, f"errors[{s}]")
        assert step.losses[s] == in_order(step.errors[s]) == net.loss(X[s], T[s])
    assert step.loss == in_order(step.losses) / len(X) == net.loss(X, T)


def test_the_deltas_follow_from_their_factors(recorded):
    _, _, T, step = recorded
    last = len(step.deltas) - 1
    for layer, row in enumerate(step.activations):
        for s in range(len(T)):
            if layer < last:
                above, weights = step.deltas[layer + 1][s], step.back_weights[layer + 1]
                gradients = [in_order(above * weights[i]) for i in range(weights.shape[0])]
                assert_same_bits(step.out_gradients[layer][s], gradients, f"out_gradients[{layer}][{s}]")
            if layer == last and step.shortcut:
                expected = step.outs[-1][s] - T[s]
            else:
                operands = (step.out_gradients[layer][s], step.nets[layer][s], step.outs[layer][s])
                expected = row.deltas(*(values.tolist() for values in operands))
            assert_same_bits(step.deltas[layer][s], expected, f"deltas[{layer}][{s}]")
            derivatives = [
                row.derivative(*pair) for pair in zip(step.nets[layer][s], step.outs[layer][s], strict=True)
            ]
            assert_same_bits(step.derivatives[layer][s], derivatives, f"derivatives[{layer}][{s}]")


def test_the_gradients_are_means_of_the_samples_own(recorded):
    net, X, T, step = recorded
    for layer, delta in enumerate(step.deltas):
        own = [step.sample_gradients(s, layer) for s in range(len(X))]
        for s, (weights, biases) in enumerate(own):
            assert_same_bits(weights, 0.0 + step.below(layer)[s][:, None] * delta[s])
            expected = {"per_unit": 0.0 + delta[s], "shared": [in_order(delta[s])], "none": []}[net.config.bias]
            assert_same_bits(biases, expected)
        for k, mean in ((0, step.weight_gradients[layer]), (1, step.bias_gradients[layer])):
            total = np.zeros_like(mean)
            for one in own:
                total = total + one[k]
            assert_same_bits(mean, total * (1.0 / len(X)))
    if net.config.update_order == "simultaneous":
        gradients = net.gradients(X, T)
        for layer in range(len(step.deltas)):
            assert_same_bits(step.weight_gradients[layer], gradients.weights[layer])
            assert_same_bits(step.bias_gradients[layer], gradients.biases[layer])


COMPUTED = "errors", "out_gradients", "derivatives", "weight_gradients", "bias_gradients"


def arrays(step: Step) -> list[np.ndarray]:
    """Every array of a step."""
    found = []
    for field in fields(step):
        found.append(getattr(step, field.name))
    found += [getattr(step, name) for name in COMPUTED]
    while not all(isinstance(value, np.ndarray) for value in found):
        found = [one for value in found for one in (value if isinstance(value, tuple) else [value])]
        found = [value for value in found if isinstance(value, tuple | np.ndarray)]
    return found


@pytest.mark.parametrize("update_order", ["simultaneous", "sequential"])
def test_both_engines_record_the_same_bits(case, both, update_order):
    sizes, options, X, T = case
    fast, slow = (record_step(network(sizes, options, engine, update_order), X, T, RATE) for engine in both)
    assert (fast.engine, slow.engine) == both
    assert len(arrays(fast)) > 13
    for a, b in zip(arrays(fast), arrays(slow), strict=True):
        assert_same_bits(a, b)
    assert fast.loss == slow.loss


def test_sequential_sends_deltas_through_the_new_weights(engine):
    net, x, t = bp.examples.worked_example(engine=engine, update_order="sequential")
    textbook, _, _ = bp.examples.worked_example(engine=engine)
    a, b = record_step(net, x, t, RATE), record_step(textbook, x, t, RATE)
    assert_same_bits(a.deltas[1], b.deltas[1])
    assert (a.deltas[0] != b.deltas[0]).all()
    assert a.back_weights is a.new_weights
    assert b.back_weights is b.weights


def test_what_a_loss_does_not_have_is_none():
    for loss in LOSSES:
        net, x, t = bp.examples.worked_example(loss=loss, engine="python")
        gradient = record_step(net, x, t).out_gradients[-1]
        assert (gradient is None) == (loss == "log_loss")


def test_every_activation_of_the_table_can_be_recorded(engine):
    for name, row in ACTIVATIONS.items():
        if row.hidden:
            step = record_step(
                bp.Network([2, 3, 1], activation=name, random_state=0, engine=engine), [1, 2], [0.5]
            )
            assert step.activations[0] is row


def test_a_negative_zero_is_recorded_as_the_step_takes_it(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    net.weights[0][0, 0] = -0.0
    net.biases[1][0] = -0.0
    step = record_step(net, x, t)
    assert_same_bits(step.weights[0][0, 0], 0.0)
    assert_same_bits(step.biases[1][0], 0.0)
    assert np.signbit(net.weights[0][0, 0])  # the network itself is left alone


def test_a_record_cannot_be_changed(engine):
    step = record_step(*bp.examples.worked_example(engine=engine))
    for array in arrays(step):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
    with pytest.raises(AttributeError):
        step.loss = 0.0


def test_what_training_refuses_is_refused(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    before = net.parameters
    with pytest.raises(ValueError, match="x has shape"):
        record_step(net, [1.0, 2.0, 3.0], t)
    with pytest.raises(ValueError, match="learning_rate"):
        record_step(net, x, t, -1.0)
    with pytest.raises(ValueError, match="after"):
        record_step(net, x, t, after=-1)
    with pytest.raises(ValueError, match="batch_size"):
        record_step(net, x, t, batch_size=0)
    net.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"weights\[0\] .* not finite"):
        record_step(net, x, t)
    net.weights[0][0, 0] = before[0]
    assert_same_bits(net.parameters, before)
