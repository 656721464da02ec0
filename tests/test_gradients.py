"""The mathematics: gradients against central differences, shortcuts against what they shorten."""

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import HIDDEN, PAIRS, Case, cases

import backprop as bp
from backprop.functions import ACTIVATIONS, LOSSES, SHORTCUTS

# A central difference of step h is off by h^2/6 times the third derivative, and by about 1e-16/h times the value
# from rounding. Losses here go up to the order of 100 and third derivatives, with exp outputs, to that of 1,000:
# both errors are then near 1e-8.
STEP, TOLERANCE = 1e-5, 1e-7
KINKED = {"relu", "leaky_relu", "elu"}  # of elu, as of huber, the second derivative jumps


def near_a_kink(net: bp.Network, X: np.ndarray, T: np.ndarray) -> bool:
    """Whether a central difference would straddle the kink of a unit or of an absolute error."""
    names = (*net.config.activation, net.config.output_activation)
    units = any(
        name in KINKED and (np.abs(nets) < 1e-3).any() for name, nets in zip(names, net.nets(X), strict=True)
    )
    kink = {"absolute_error": 0.0, "huber": net.config.huber_delta}.get(net.config.loss)
    return units or (kink is not None and bool((np.abs(np.abs(net.forward(X) - T) - kink) < 1e-3).any()))


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
    for seed in range(50):
        case = Case([3, 4, 3, 2], options, 3, seed)
        net = bp.Network(case.sizes, **options, random_state=seed, engine=engine)
        X, T = case.draw()
        analytic = packed(net, net.gradients(X, T))
        # One near 0 would say nothing: softmax with absolute_error, where all outputs err to one side.
        if not near_a_kink(net, X, T) and np.abs(analytic).max() > 1e-3:
            break
    else:
        raise AssertionError("no seed will do")
    assert analytic == pytest.approx(central_differences(net, X, T), rel=TOLERANCE, abs=TOLERANCE)


@given(cases(max_samples=3, max_hidden=2, width=st.integers(1, 5), dtype=st.just("float64")))
def test_random_networks_against_central_differences(case):
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    assume(not near_a_kink(net, X, T))
    assume(net.loss(X, T) < 100 and np.abs(net.parameters).max() < 10)
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


NETS = ([-1.3, 0.4, 2.1], [0.7, 0.6, -0.2], [-4.0, -0.5, 0.3])


def rows(pair: tuple[str, str]):
    return ACTIVATIONS[pair[0]], LOSSES[pair[1]].configured(pair[0], 1.0)


def targets_of(pair: tuple[str, str]) -> list[float]:
    if pair[1] == "poisson":  # with a sum of 1, softmax would shorten here too
        return [0.2, 1.5, 0.3]
    return [0.2, 0.5, 0.3] if pair[1] == "log_loss" else [0.25, -0.7, 3.0]


def numeric_deltas(pair: tuple[str, str], nets: list[float], targets: list[float]) -> list[float]:
    """dE/dnet of an output layer by central differences of its loss."""
    activation, loss = rows(pair)
    found = []
    for k in range(len(nets)):
        errors = []
        for sign in (1, -1):
            moved = [*nets]
            moved[k] += sign * STEP
            errors.append(sum(loss.values(moved, activation.outs(moved), targets)))
        found.append((errors[0] - errors[1]) / (2 * STEP))
    return found


@pytest.mark.parametrize("pair", sorted(SHORTCUTS), ids="-".join)
@pytest.mark.parametrize("nets", NETS, ids=str)
def test_a_shortcut_is_the_derivative_of_its_loss(pair, nets):
    activation, _ = rows(pair)
    targets = targets_of(pair)
    shortcut = [out - t for out, t in zip(activation.outs(nets), targets, strict=True)]
    assert shortcut == pytest.approx(numeric_deltas(pair, nets, targets), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in SHORTCUTS], ids="-".join)
@pytest.mark.parametrize("nets", NETS, ids=str)
def test_every_other_pair_goes_through_its_derivatives(pair, nets):
    activation, loss = rows(pair)
    targets = targets_of(pair)
    outs = activation.outs(nets)
    deltas = activation.deltas(loss.gradients(outs, targets), nets, outs)
    assert deltas == pytest.approx(numeric_deltas(pair, nets, targets), rel=1e-8, abs=1e-8)
    shortcut = [out - t for out, t in zip(outs, targets, strict=True)]
    assert deltas != pytest.approx(shortcut, rel=1e-3) or pair == ("relu", "squared_error")


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.per_unit])
def test_an_activation_s_derivative_is_its_derivative(name):
    row = ACTIVATIONS[name]
    for net in (-3.0, -0.4, 0.3, 2.0):
        numeric = (row.value(net + STEP) - row.value(net - STEP)) / (2 * STEP)
        assert row.derivative(net, row.value(net)) == pytest.approx(numeric, rel=1e-8, abs=1e-10)
        assert row.deltas([0.7], [net], [row.value(net)]) == pytest.approx([0.7 * numeric], rel=1e-8, abs=1e-10)


@pytest.mark.parametrize(
    ("name", "derivative"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("softplus", 0.5), ("silu", 0.5)]
)
def test_derivatives_at_zero(name, derivative):
    row = ACTIVATIONS[name]
    assert row.derivative(0.0, row.value(0.0)) == derivative


def test_losses_at_their_corners():
    huber = LOSSES["huber"].configured("identity", 0.5)
    assert huber.value(0.0, 0.0, 0.5) == 0.125
    assert huber.value(0.0, 0.0, 1.0) == 0.5 * (1.0 - 0.25)
    assert [huber.gradient(out, 0.0) for out in (0.5, 2.0, -2.0)] == [0.5, 0.5, -0.5]
    absolute = LOSSES["absolute_error"]
    assert [absolute.gradient(out, 1.0) for out in (0.0, 1.0, 2.0)] == [-1.0, 0.0, 1.0]
    poisson = LOSSES["poisson"]
    assert poisson.value(0.0, 0.7, 0.0) == 0.7
    assert poisson.gradient(0.7, 0.0) == 1.0
    assert poisson.value(0.0, 2.0, 2.0) == 0.0


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
