"""The gradient check: right gradients pass, a wrong one is found in its row, kinks are named."""

import math

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from strategies import DTYPES, HIDDEN, PAIRS, Case, cases, sample_weights

import backprop as bp
from backprop.glassbox import differences, gradient_table

BIASES = ["per_unit", "shared", "none"]


def small(options: dict, seed: int = 1, n_samples: int = 3, engine: str = "auto"):
    """A small network with biases that are not 0, and data."""
    case = Case([3, 4, 2], options, n_samples, seed)
    net = bp.Network(case.sizes, **options, random_state=seed, engine=engine)
    for bias in net.biases:
        bias[...] = np.random.RandomState(seed).uniform(-0.5, 0.5, size=bias.shape)
    return net, *case.draw()


def falsified(net: bp.Network, row: int, change):
    """The network with one entry of its gradient changed, by its place among the packed parameters."""
    right = net.gradients

    def wrong(X, T, sample_weight=None):
        gradients = right(X, T, sample_weight)
        entries = [array for pair in zip(gradients.weights, gradients.biases, strict=True) for array in pair]
        start = 0
        for array in entries:
            if start <= row < start + array.size:
                array[np.unravel_index(row - start, array.shape)] = change(array.flat[row - start])
            start += array.size
        return gradients

    net.gradients = wrong
    return net


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_every_pair_passes(engine, pair, bias, dtype):
    options = {"output_activation": pair[0], "loss": pair[1], "bias": bias, "dtype": dtype}
    net, X, T = small(options, engine=engine)
    check = bp.gradcheck(net, X, T, inputs=True)
    assert check.ok, str(check)
    assert not check.kinks, str(check)
    assert len(check) == net.n_parameters + X.size


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation_passes(engine, hidden, bias):
    net, X, T = small({"activation": hidden, "loss": "squared_error", "bias": bias}, engine=engine)
    check = bp.gradcheck(net, X, T)
    assert check.ok, str(check)
    assert not check.kinks, str(check)


@given(cases(max_samples=3, max_hidden=2, width=st.integers(1, 5)), st.booleans())
def test_random_networks_pass(case, weighted):
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    check = bp.gradcheck(net, X, T, sample_weights(len(X), case.seed) if weighted else None)
    assert check.ok, str(check)
    assert all(len(line) <= 80 for line in str(check).splitlines())
    # The tolerance is a bound with a margin, not a fit: a rounding that got out of hand would show here first.
    assert all(row.excess < 0.5 for row in check if row.verdict == "agrees"), str(check)


def test_targets_that_sum_to_one_only_as_float32(engine):
    net = bp.Network([1, 4], output_activation="softmax", loss="log_loss", random_state=0, engine=engine)
    t = (np.array([1.0, 3.0, 5.0, 7.0]) / 16.7).astype(np.float32)
    t[0] += np.float32(1.0) - t.sum()
    t[3] += np.float32(6e-8)
    check = bp.gradcheck(net, [1.7], t)
    assert abs(t.sum(dtype=np.float64) - 1.0) > 1e-8, "else this shows nothing"
    assert check.ok, str(check)


@pytest.mark.parametrize(
    "change", [lambda g: g * (1 + 1e-6), lambda g: -g, lambda g: math.nan, lambda g: math.inf]
)
@pytest.mark.parametrize("row", [0, 5, 13, 16, 22, 25])
def test_a_wrong_entry_is_found_in_its_row(engine, row, change):
    net, X, T = small({"activation": "tanh", "loss": "squared_error"}, engine=engine)
    check = bp.gradcheck(falsified(net, row, change), X, T)
    assert [k for k, each in enumerate(check.rows) if each.verdict == "differs"] == [row]
    assert not check.ok
    assert check.differing == (check.rows[row],)
    assert str(check).splitlines()[1].startswith(check.rows[row].name), "the worst row comes first"


def test_every_error_of_a_sign_is_found():
    net, X, T = small({"loss": "squared_error", "bias": "shared", "train_bias": False})
    for row in range(net.n_parameters):
        check = bp.gradcheck(falsified(net.copy(), row, lambda g: -g), X, T)
        assert [k for k, each in enumerate(check.rows) if each.verdict == "differs"] == [row]


@pytest.mark.parametrize(("dtype", "limit"), [("float64", 1e-7), ("float32", 0.02)])
def test_a_tolerance_is_small_beside_the_gradient(dtype, limit):
    """Agreement would mean nothing if everything were tolerated."""
    for pair in PAIRS:
        net, X, T = small({"output_activation": pair[0], "loss": pair[1], "dtype": dtype})
        check = bp.gradcheck(net, X, T)
        largest = max(abs(row.analytic) for row in check)
        assert max(row.tolerance for row in check) < limit * largest, pair


def test_a_strongly_bent_loss_gets_a_smaller_step(monkeypatch):
    net = bp.Network([2, 1], bias="none", random_state=0)
    net.weights[0] = [[1e5], [-1e5]]  # the step, in proportion to the weights, is 0.6, and the net is 0
    x, t = [1.0, 1.0], [0.0]
    assert bp.gradcheck(net, x, t)
    shrunk = bp.gradcheck(net, x, t).rows[0].tolerance
    monkeypatch.setattr(differences, "ATTEMPTS", 1)
    assert shrunk < 0.1 * bp.gradcheck(net, x, t).rows[0].tolerance


# ---- kinks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu"])
@pytest.mark.parametrize("net_input", [0.0, 1e-7, -1e-7])
def test_a_kink_of_a_unit_is_named(engine, activation, net_input):
    net = bp.Network([2, 3, 1], activation=activation, random_state=0, engine=engine)
    net.weights[0] = [[0.5, 1.0, 0.25], [0.5, -1.0, 0.25]]
    net.biases[0] = [0.1, net_input, 0.1]
    X, T = [[0.5, 0.25], [0.75, 0.75]], [[1.0], [0.0]]  # the second sample's net of h2 is the bias
    check = bp.gradcheck(net, X, T)
    assert [row.name for row in check.kinks] == ["w[1][1,2]", "w[1][2,2]", "b[1][2]"]
    for row in check.kinks:
        assert row.kink == f"the net of h2 ({activation}) crosses a kink in row 1 of X"
    assert check.ok
    assert repr(check) == "<GradientCheck: 10 agree, 0 differ, 3 at a kink>"
    assert str(check).count("the net of h2") == 3
    # The sample does not count: neither does its kink.
    assert not bp.gradcheck(net, X, T, sample_weight=[1.0, 0.0]).kinks
    assert len(bp.gradcheck(net, X, T, sample_weight=[0.0, 1.0]).kinks) == 3


def test_a_kink_hides_no_other_error():
    net = bp.Network([1, 2, 1], activation="relu", bias="none", random_state=0)
    net.weights[0] = [[0.0, 0.5]]
    net.weights[1] = [[1.0], [1.0]]
    check = bp.gradcheck(falsified(net, 3, lambda g: -g), [1.0], [0.0])
    assert [row.verdict for row in check] == ["kink", "agrees", "agrees", "differs"]
    assert not check.ok


@pytest.mark.parametrize(("loss", "off"), [("absolute_error", 0.0), ("huber", 0.37), ("huber", -0.37)])
def test_a_kink_of_a_loss_is_named(engine, loss, off):
    net = bp.Network(
        [2, 2], output_activation="identity", loss=loss, huber_delta=0.37, random_state=3, engine=engine
    )
    x = [0.5, 0.25]
    out = net.forward(x)
    check = bp.gradcheck(net, x, [out[0] - 5.0, out[1] - off], inputs=True)
    assert [row.name for row in check.kinks] == ["w[1][1,2]", "w[1][2,2]", "b[1][2]", "x[1]", "x[2]"]
    assert {row.kink for row in check.kinks} == {f"out - t of o2 ({loss}) crosses a kink in row 0 of X"}
    assert check.ok


# ---- the result --------------------------------------------------------------------------------------------


def test_rows_are_those_of_the_parameters():
    net, X, T = small({"activation": "tanh", "loss": "squared_error"})
    gradients = net.gradients(X, T)
    packed = np.concatenate(
        [array.ravel() for pair in zip(gradients.weights, gradients.biases, strict=True) for array in pair]
    )
    check = bp.gradcheck(net, X, T)
    assert_same_bits([row.analytic for row in check], packed)
    names = [row.name for row in check]
    assert names[0] == "w[1][1,1]"
    assert names[6] == "w[1][2,3]"
    assert check.rows[6].analytic == gradients.weights[0][1, 2]
    assert names[12] == "b[1][1]"
    assert names[-1] == "b[2][2]"
    assert list(check) == list(check.rows)
    for row in check:
        assert row.numeric == pytest.approx(row.analytic, rel=1e-6, abs=row.tolerance)
        assert row.difference <= row.tolerance / abs(row.analytic)


def test_the_worked_example_has_the_tutorial_s_names():
    check = bp.gradcheck(*bp.examples.worked_example(), inputs=True)
    names = {row.tutorial_name: row for row in check}
    assert list(names) == ["w1", "w3", "w2", "w4", "b1", "w5", "w7", "w6", "w8", "b2", "i1", "i2"]
    assert names["w5"].name == "w[2][1,1]"
    assert names["w5"].numeric == pytest.approx(0.082167041, abs=5e-10)
    assert names["b1"].numeric == pytest.approx(0.018725609, abs=1e-9)  # frozen, and checked all the same
    assert bool(check) is check.ok is True
    assert repr(check) == "<GradientCheck: 12 agree, 0 differ>"


def test_inputs_of_several_samples():
    net, X, T = small({"loss": "squared_error"})
    check = bp.gradcheck(net, X, T, inputs=True)
    inputs = check.rows[net.n_parameters :]
    assert [row.name for row in inputs[:4]] == ["x[1,1]", "x[1,2]", "x[1,3]", "x[2,1]"]
    assert_same_bits([row.analytic for row in inputs], net.gradients(X, T).inputs.ravel())


def test_a_sequential_network_is_checked_like_another():
    options = {"loss": "squared_error"}
    net, X, T = small(options)
    other, _, _ = small({**options, "update_order": "sequential"})
    assert bp.gradcheck(net, X, T) == bp.gradcheck(other, X, T)


def test_both_engines_say_the_same(both):
    first, second = (bp.gradcheck(*small({"loss": "squared_error"}, engine=engine)) for engine in both)
    assert first == second


def test_the_network_and_the_data_stay_as_they_are():
    net, X, T = small({"activation": "relu", "loss": "huber"})
    net.weights[0][0, 0] = -0.0
    parameters, data, targets = net.parameters, X.copy(), T.copy()
    bp.gradcheck(net, X, T, inputs=True)
    assert_same_bits(net.parameters, parameters)
    assert_same_bits(X, data)
    assert_same_bits(T, targets)
    bp.gradcheck(net, X[:, [0, 1]] @ np.ones((2, 3)), net.weights[1][:3], inputs=True)  # targets that are weights
    assert_same_bits(net.parameters, parameters)


def test_large_weights_inputs_and_biases():
    net, X, T = small({"activation": "tanh", "output_activation": "identity", "loss": "squared_error"})
    for weights in net.weights:
        weights *= 1e6
    net.biases[1][...] = 1e9
    assert bp.gradcheck(net, X * 1e-6, T)
    assert bp.gradcheck(net, X * 1e6, T)


def test_a_loss_that_overflows_differs():
    net = bp.Network([1, 1], output_activation="exp", random_state=0)
    net.weights[0][...] = 800.0
    check = bp.gradcheck(net, [1.0], [1.0])
    assert [row.verdict for row in check] == ["differs", "differs"]
    assert "nan" in str(check)


def test_a_large_network_shows_what_matters():
    net = bp.Network([6, 8, 3], activation="relu", random_state=0)
    X, T = np.random.RandomState(0).normal(size=(2, 6)), np.zeros((2, 3))
    text = str(bp.gradcheck(net, X, T)).splitlines()
    assert text[-1] == "83 derivatives: 83 agree, 0 differ"
    assert text[-2] == "78 more agree"
    net.weights[0][:, 2] = 0.0
    check = bp.gradcheck(falsified(net, 60, lambda g: g + 0.5), X, T)
    text = str(check).splitlines()
    assert text[1].startswith(check.rows[60].name)
    assert text[1].endswith("differs")
    assert "the net of h3 (relu) crosses a kink in row 0 of X" in text[3]
    assert text[-1] == f"83 derivatives: 75 agree, 1 differ, {len(check.kinks)} at a kink"
    assert len(text) < 25


def test_a_table_is_at_most_80_columns_wide():
    widest = gradient_table.GradientRow(
        "w[2][110,120]", "w13200", -1.23456789e-300, -1.23456789e-301, 0.9, 1.2e-306, "differs"
    )
    kink = "the net of h120 (leaky_relu) crosses a kink in row 1000000 of X"
    at_kink = gradient_table.GradientRow("b[1][120]", "b_h120", -1.23456789e-300, 0.0, 1.0, 1e-300, "kink", kink)
    lines = str(gradient_table.GradientCheck((widest,) * 100 + (at_kink,) * 100)).splitlines()
    assert len(lines) < 70
    assert max(map(len, lines)) <= 80
    assert lines[-3:-1] == ["80 more differ", "80 more are at a kink"]


def test_errors():
    net, X, T = small({"loss": "log_loss"})
    with pytest.raises(TypeError, match="net must be a Network, not an object of type list"):
        bp.gradcheck([2, 2], X, T)
    with pytest.raises(TypeError, match="inputs must be True or False"):
        bp.gradcheck(net, X, T, inputs=1)
    for X_bad, T_bad, weight in [(X[:, :2], T, None), (X, T + 2.0, None), (X, T[:1], None), (X, T, [0, 0, 0])]:
        with pytest.raises(ValueError, match=r"^(X|T|sample_weight)\b") as of_check:
            bp.gradcheck(net, X_bad, T_bad, weight)
        with pytest.raises(ValueError, match=r"^(X|T|sample_weight)\b") as of_loss:
            net.loss(X_bad, T_bad, weight)
        assert str(of_check.value) == str(of_loss.value)
