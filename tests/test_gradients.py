"""The mathematics: gradients against central differences, shortcuts against what they shorten."""

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import HIDDEN, PAIRS, Case, cases

import backprop as bp
from backprop.functions import ACTIVATIONS, LOSSES, SHORTCUTS

# A central difference of step h is off by h^2/6 f''' and by about 1e-16 f/h from rounding: 1e-5 balances them
# near 1e-10 for values of the order of 1; losses and derivatives here go up to the order of 100.
STEP, TOLERANCE = 1e-5, 1e-8


def near_a_kink(net: bp.Network, X: np.ndarray) -> bool:
    """Whether a relu unit is so near to 0 that a central difference would straddle its kink."""
    names = (*net.config.activation, net.config.output_activation)
    return any(
        name == "relu" and (np.abs(nets) < 1e-3).any() for name, nets in zip(names, net.nets(X), strict=True)
    )


def central_differences(net: bp.Network, X: np.ndarray, T: np.ndarray) -> np.ndarray:
    """The mean loss's derivative with respect to each packed parameter."""
    parameters = net.parameters
    found = np.empty_like(parameters)
    for k in range(parameters.size):
        losses = []
        for sign in (1, -1):
            moved = parameters.copy()
            moved[k] += sign * STEP
            net.parameters = moved
            losses.append(net.loss(X, T))
        found[k] = (losses[0] - losses[1]) / (2 * STEP)
    net.parameters = parameters
    return found


def packed(net: bp.Network, gradients: bp.Gradients) -> np.ndarray:
    return np.concatenate(
        [array.ravel() for pair in zip(gradients.weights, gradients.biases, strict=True) for array in pair]
    )


@pytest.mark.parametrize("bias", ["per_unit", "shared", "none"])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_against_central_differences(engine, hidden, pair, bias):
    options = {"activation": hidden, "output_activation": pair[0], "loss": pair[1], "bias": bias}
    for seed in range(20):
        case = Case([3, 4, 3, 2], options, 3, seed)
        net = bp.Network(case.sizes, **options, random_state=seed, engine=engine)
        X, T = case.draw()
        if not near_a_kink(net, X):
            break
    else:
        raise AssertionError("every seed is near a kink")
    analytic, numeric = packed(net, net.gradients(X, T)), central_differences(net, X, T)
    assert analytic == pytest.approx(numeric, rel=TOLERANCE, abs=TOLERANCE)
    assert np.abs(analytic).max() > 1e-3  # or the comparison would say nothing


@given(cases(max_samples=3, max_hidden=2, width=st.integers(1, 5)))
def test_random_networks_against_central_differences(case):
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    assume(not near_a_kink(net, X))
    analytic, numeric = packed(net, net.gradients(X, T)), central_differences(net, X, T)
    assert analytic == pytest.approx(numeric, rel=TOLERANCE, abs=TOLERANCE)


def test_gradient_with_respect_to_the_inputs(engine):
    net = bp.Network([3, 4, 2], random_state=5, engine=engine)
    X, T = Case([3, 4, 2], {"loss": "squared_error"}, 3, 1).draw()
    inputs = net.gradients(X, T).inputs
    assert inputs.shape == X.shape
    for place in np.ndindex(*X.shape):
        losses = []
        for sign in (1, -1):
            moved = X.copy()
            moved[place] += sign * STEP
            losses.append(net.loss(moved, T))
        assert inputs[place] == pytest.approx((losses[0] - losses[1]) / (2 * STEP), rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("pair", sorted(SHORTCUTS), ids="-".join)
def test_a_shortcut_is_the_derivative_of_its_loss(pair):
    """d value/d net by central differences, over targets and nets of both signs, is out - target."""
    activation, loss = ACTIVATIONS[pair[0]], LOSSES[pair[1]]
    for target in (0.0, 0.3, 1.0):
        for net in (-4.0, -0.5, 0.0, 0.7, 3.0):
            up, down = (loss.value(z, activation.value(z), target) for z in (net + STEP, net - STEP))
            assert activation.value(net) - target == pytest.approx((up - down) / (2 * STEP), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in SHORTCUTS], ids="-".join)
def test_no_other_pair_may_take_the_shortcut(pair):
    activation, loss = ACTIVATIONS[pair[0]], LOSSES[pair[1]]
    net, target = -0.7, 0.3
    out = activation.value(net)
    delta = activation.deltas(loss.gradients([out], [target]), [net], [out])[0]
    assert delta != pytest.approx(out - target, rel=1e-3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_s_derivative_is_its_derivative(name):
    row = ACTIVATIONS[name]
    for net in (-3.0, -0.4, 0.3, 2.0):
        numeric = (row.value(net + STEP) - row.value(net - STEP)) / (2 * STEP)
        assert row.derivative(net, row.value(net)) == pytest.approx(numeric, rel=1e-8, abs=1e-10)
        assert row.deltas([0.7], [net], [row.value(net)]) == pytest.approx([0.7 * numeric], rel=1e-8, abs=1e-10)


@given(cases(max_samples=1), st.sampled_from([0.1, 0.37]))
def test_a_step_is_the_users_own_update(case, rate):
    """w -= rate*gradient, written by hand, has the same bits: gradient first, then the rate."""
    case.options["update_order"] = "simultaneous"
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    by_hand = net.copy()
    gradients = by_hand.gradients(X[0], T[0])
    for layer in range(len(case.sizes) - 1):
        by_hand.weights[layer][...] -= rate * gradients.weights[layer]
        if net.config.train_bias:
            by_hand.biases[layer][...] -= rate * gradients.biases[layer]
    net.step(X[0], T[0], rate)
    assert_same_bits(net.parameters, by_hand.parameters)


@given(cases(), st.sampled_from([0.1, 0.37]))
def test_a_whole_batch_is_the_users_own_update(case, rate):
    case.options["update_order"] = "simultaneous"
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    by_hand = net.copy()
    gradients = by_hand.gradients(X, T)
    for layer in range(len(case.sizes) - 1):
        by_hand.weights[layer][...] -= rate * gradients.weights[layer]
        if net.config.train_bias:
            by_hand.biases[layer][...] -= rate * gradients.biases[layer]
    net.train(X, T, batch_size=len(X), learning_rate=rate)
    assert_same_bits(net.parameters, by_hand.parameters)


def test_a_bias_is_the_weight_of_a_constant_input(engine):
    """Moved into the weights of an input that is 1, the bias learns the same numbers."""
    _, x, t = bp.examples.worked_example()
    single = bp.Network([2, 2], random_state=3, engine=engine)
    single.biases[0][:] = [0.35, 0.6]
    widened = bp.Network([3, 2], bias="none", random_state=0, engine=engine)
    widened.weights[0] = np.vstack([single.weights[0], single.biases[0]])
    single.train(x, t, epochs=100, learning_rate=0.37)
    widened.train(np.append(x, 1.0), t, epochs=100, learning_rate=0.37)
    assert_same_bits(widened.weights[0], np.vstack([single.weights[0], single.biases[0]]))
