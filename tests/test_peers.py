"""Comparison with PyTorch, JAX and scikit-learn: ``python -m pytest -m peers``, with all three installed.

Every activation, every pair, biases, weights, optimizers with and without state, random
networks; and each convention: that it is named, that its translation agrees, that its size is what was said.
"""

import importlib

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from strategies import HIDDEN, OPTIMIZERS, PAIRS, cases, sample_weights
from test_compare import BIASES, falsified, small

import backprop as bp
from backprop.glassbox.peers.sklearn_peer import HIDDEN as SKLEARN_HIDDEN
from backprop.glassbox.peers.sklearn_peer import PAIRS as SKLEARN_PAIRS

pytestmark = pytest.mark.peers
autodiff = pytest.mark.parametrize("to", ["torch", "jax"])


def named(comparison, name):
    """The convention of that name, its difference checked against its rows."""
    [convention] = [each for each in comparison.conventions if each.name == name]
    rows = [row for row in comparison if name in row.convention and row.verdict == "convention"]
    assert convention.difference == max((row.absolute for row in rows), default=0.0)
    return convention, rows


def undiverged(call, *args, **options):
    """What the call returns; an example that leaves the finite numbers is no example."""
    try:
        return call(*args, **options)
    except bp.DivergenceError:
        reject()


def one_hot(rows: int, classes: int, seed: int = 0):
    return np.eye(classes)[np.random.RandomState(seed).randint(classes, size=rows)]


# ---- automatic differentiation -----------------------------------------------------------------------------


@autodiff
@pytest.mark.parametrize("n_samples", [1, 4])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_every_pair(engine, to, pair, n_samples):
    options = {"activation": "tanh", "output_activation": pair[0], "loss": pair[1], "huber_delta": 0.37}
    net, X, T = small(options, n_samples=n_samples, engine=engine)
    comparison = bp.compare(net, X, T, to=to, l2=0.1, learning_rate=0.3)
    assert comparison.ok, str(comparison)
    assert {"loss", "dE/dx", "new b[2]"} <= {row.name for row in comparison if row.verdict != "convention"}
    assert bp.compare(net, X[0], T[0], to=to).ok


@autodiff
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation(to, hidden, bias):
    net, X, T = small({"activation": hidden, "loss": "squared_error", "bias": bias}, sizes=(3, 4, 3, 2))
    for counts in (None, [0.5, 2.0, 0.0]):
        comparison = bp.compare(net, X, T, counts, to=to)
        assert comparison.ok, str(comparison)
        assert len({row.name for row in comparison}) == (8 if bias == "none" else 14)


@given(cases(max_samples=8), st.sampled_from(OPTIMIZERS), st.booleans(), st.booleans(), st.data())
def test_random_networks_beside_torch(case, of_optimizer, weighted, continued, data):
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    counts = sample_weights(len(X), case.seed) if weighted else None
    kind, options = of_optimizer
    optimizer = getattr(bp, kind)(**options)
    if continued:
        run = {"epochs": 3, "batch_size": 3, "learning_rate": 0.01}
        undiverged(net.train, X, T, optimizer=optimizer, sample_weight=counts, **run)
    l2, rate = data.draw(st.sampled_from([0.0, 0.37])), data.draw(st.sampled_from([0.1, 0.001]))
    step = {"optimizer": optimizer, "l2": l2, "learning_rate": rate}
    comparison = undiverged(bp.compare, net, X, T, counts, to="torch", **step)
    assert comparison.ok, str(comparison)


@settings(max_examples=max(10, settings().max_examples // 10))  # each compiles a program
@given(cases(max_samples=8), st.booleans())
def test_random_networks_beside_jax(case, weighted):
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    counts = sample_weights(len(X), case.seed) if weighted else None
    comparison = undiverged(bp.compare, net, X, T, counts, to="jax")
    assert comparison.ok, str(comparison)


@autodiff
def test_a_gradient_that_is_slightly_wrong_is_found(to):
    net, X, T = small({"activation": "tanh", "loss": "squared_error"})
    comparison = bp.compare(falsified(net, 0, lambda g: g * (1 + 1e-12)), X, T, to=to)
    assert [row.full_name for row in comparison.differing] == ["dE/dw[1][3,1]"]


@pytest.mark.parametrize("to", ["torch", "jax", "numeric"])
def test_targets_that_miss_a_sum_of_1(to):
    net, X, T = small({"output_activation": "softmax", "loss": "log_loss"})
    assert not [each for each in bp.compare(net, X, T, to=to).conventions if each.name == "targets' sums"]
    T[1] *= 1 + 1.9e-8
    comparison = bp.compare(net, X, T, to=to)
    assert comparison.ok, str(comparison)
    convention, rows = named(comparison, "targets' sums")
    # Differences are too coarse for most of it.
    expected = {"dE/db[2]"} if to == "numeric" else {"dE/dw[1]", "dE/dw[2]", "dE/dx"}
    assert expected <= {row.name for row in rows}
    assert 1e-10 < convention.difference < 1e-8


# ---- kinks -------------------------------------------------------------------------------------------------


def at_a_kink(activation: str):
    """A network whose second hidden unit has a net of exactly 0."""
    net = bp.Network([2, 3, 1], activation=activation, random_state=0)
    net.weights[0] = [[0.5, 1.0, 0.25], [0.5, -1.0, 0.25]]
    return net, [[0.75, 0.75]], [[1.0]]


def test_jax_takes_the_other_slope_of_leaky_relu_at_0():
    comparison = bp.compare(*at_a_kink("leaky_relu"), to="jax")
    assert comparison.ok, str(comparison)
    convention, rows = named(comparison, "kinks")
    assert "slope 1 at a net of exactly 0" in convention.text
    assert {row.name for row in rows} == {"dE/dw[1]", "dE/db[1]", "dE/dx", "new w[1]", "new b[1]"}
    for row in rows[:2]:
        assert row.place[-1] == 1, "the second unit"
        assert row.peer_value == pytest.approx(100 * row.our_value, rel=1e-14)
    assert not bp.compare(*at_a_kink("relu"), to="jax").differing
    assert not named(bp.compare(*at_a_kink("relu"), to="jax"), "kinks")[1]


def test_jax_takes_another_slope_of_the_absolute_error_at_0():
    net = bp.Network([2, 2], output_activation="identity", loss="absolute_error", random_state=3)
    x = [0.5, 0.25]
    out = net.forward(x)
    comparison = bp.compare(net, x, [out[0] - 5.0, out[1]], to="jax")
    assert comparison.ok, str(comparison)
    _, rows = named(comparison, "kinks")
    assert [abs(row.peer_value) for row in rows if row.name == "dE/db[1]"] == [1.0]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu"])
def test_torch_takes_the_same_slope_at_0(activation):
    comparison = bp.compare(*at_a_kink(activation), to="torch")
    assert comparison.ok
    assert not [row for row in comparison if row.verdict == "convention" and row.convention != "reduction"]


# ---- torch's conventions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [1e-8, 0.013])
@pytest.mark.parametrize("steps", [0, 1, 2000])
def test_adam_s_epsilon(steps, epsilon):
    net, X, T = small({"activation": "tanh", "loss": "squared_error"})
    adam = bp.Adam(0.01, epsilon=epsilon)
    for _ in range(steps):
        net.train(X, T, batch_size=3, optimizer=adam)
    comparison = bp.compare(net, X, T, to="torch", optimizer=adam)
    assert comparison.ok, str(comparison)
    convention, rows = named(comparison, "Adam's epsilon")
    correction = (1.0 - 0.999 ** (steps + 1)) ** 0.5
    assert f"torch's epsilon={epsilon / correction:.3g} would be backprop's {epsilon:g} in this" in convention.text
    # The size that the two formulas predict, for each number.
    state = [net._machine.layout.weights(moment) for moment in adam._moments] or [[0.0, 0.0], [0.0, 0.0]]
    for layer, g in enumerate(net.gradients(X, T).weights):
        m, v = state[0][layer], state[1][layer]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        rate = 0.01 * correction / (1.0 - 0.9 ** (steps + 1))
        predicted = rate * m / (np.sqrt(v) + epsilon) - rate * m / (np.sqrt(v) + epsilon * correction)
        name = f"new w[{layer + 1}]"
        [row] = [row for row in comparison if row.name == name and row.convention]
        np.testing.assert_allclose(row.peer - row.ours, predicted, rtol=1e-5, atol=1e-15)
    assert rows or steps == 2000  # the two have come together


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"momentum": 0.37, "nesterov": True}])
def test_a_velocity_at_another_rate(options):
    net, X, T = small({"activation": "tanh", "loss": "squared_error", "bias": "shared"})
    sgd = bp.SGD(0.1, **options)
    net.train(X, T, epochs=5, batch_size=2, optimizer=sgd)
    comparison = bp.compare(net, X, T, to="torch", optimizer=sgd, learning_rate=0.013, l2=0.1)
    assert comparison.ok, str(comparison)
    assert "-1/rate times backprop's" in named(comparison, "momentum")[0].text
    with pytest.raises(ValueError, match=r"learning_rate=0\.0 cannot be compared with torch's momentum"):
        bp.compare(net, X, T, to="torch", optimizer=sgd, learning_rate=0.0)


def test_adam_s_steps_are_counted():
    net, X, T = small({"activation": "tanh", "loss": "squared_error"})
    for betas in ((0.9, 0.999), (0.0, 0.83), (0.37, 0.0), (0.0, 0.0)):
        adam = bp.Adam(0.01, *betas)
        net.train(X, T, epochs=20, batch_size=3, optimizer=adam)
        assert bp.compare(net, X, T, to="torch", optimizer=adam).ok, betas
        net.train(X, T, epochs=2000, batch_size=3, optimizer=adam)  # 0.37^2000 is 0
        assert bp.compare(net, X, T, to="torch", optimizer=adam).ok, betas
    adam = bp.Adam(0.01)
    net.train(X, T, epochs=20, batch_size=3, optimizer=adam)
    adam.beta_2 = 0.99
    with pytest.raises(ValueError, match="its state comes from other betas"):
        bp.compare(net, X, T, to="torch", optimizer=adam)


@pytest.mark.parametrize(
    ("pair", "factor"),
    [
        (("identity", "squared_error"), 2 / 3),
        (("identity", "absolute_error"), 1 / 3),
        (("identity", "huber"), 1 / 3),
        (("logistic", "log_loss"), 1 / 3),
        (("exp", "poisson"), None),
        (("softplus", "poisson"), None),
        (("softmax", "log_loss"), 1.0),
    ],
)
def test_torch_s_reductions(pair, factor):
    net, X, T = small({"output_activation": pair[0], "loss": pair[1]}, sizes=(3, 4, 3))
    comparison = bp.compare(net, X, T, to="torch")
    assert comparison.ok
    if factor == 1.0:
        assert not comparison.conventions
        return
    convention, [row] = named(comparison, "reduction")
    if factor is None:
        assert "leaves out t*log(t) - t" in convention.text
    else:
        assert row.peer_value == pytest.approx(factor * row.our_value, rel=1e-13)
    assert named(bp.compare(net, X, T, [1, 2, 3], to="torch"), "sample weights")[0].difference == 0.0


def test_softplus_beyond_its_threshold():
    net, X, T = small({"activation": "softplus", "output_activation": "identity", "loss": "squared_error"})
    net.biases[0] = [20.5, 25.0, -30.0, 0.0]
    comparison = bp.compare(net, X, T, to="torch")
    assert comparison.ok, str(comparison)
    convention, rows = named(comparison, "softplus's threshold")
    assert {"loss", "dE/dw[1]", "dE/dw[2]", "dE/dx"} <= {row.name for row in rows}
    assert 1e-12 < convention.difference < 1e-7


def test_the_poisson_loss_s_epsilon():
    net, X, T = small({"output_activation": "softplus", "loss": "poisson"})
    convention, rows = named(bp.compare(net, X, T, to="torch"), "epsilon of the Poisson loss")
    assert "dE/dw[1]" in {row.name for row in rows}
    assert 1e-10 < convention.difference < 1e-6
    # Where a logistic output has become 0, 0*log(0) is 0.
    net = bp.Network([1, 1], loss="poisson", random_state=0)
    net.weights[0] = [[-800.0]]
    net.biases[0] = [0.0]
    assert bp.compare(net, [[1.0], [0.001]], [[0.0], [0.0]], to="torch").ok


def test_a_sequential_step_beside_torch():
    net, X, T = small({"activation": "tanh", "loss": "squared_error", "update_order": "sequential"})
    comparison = bp.compare(net, X, T, to="torch", optimizer="adam")
    assert comparison.ok
    assert {row.name for row in named(comparison, "update order")[1]} == {"new w[1]", "new b[1]"}


def test_torch_is_left_as_it_was():
    torch = importlib.import_module("torch")
    net, X, T = small({"loss": "squared_error"})
    before = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    state, legacy = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    expected = str(bp.compare(net, X, T, to="torch", optimizer="adam"))
    assert (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()) == before
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (np.random.get_state()[1] == legacy).all()
    for context in (torch.no_grad(), torch.inference_mode(), torch.device("meta")):
        with context:
            assert str(bp.compare(net, X, T, to="torch", optimizer="adam")) == expected
    torch.set_default_dtype(torch.float16)
    try:
        assert str(bp.compare(net, X, T, to="torch", optimizer="adam")) == expected
    finally:
        torch.set_default_dtype(before[0])


def test_jax_is_left_as_it_was():
    jax = importlib.import_module("jax")
    net, X, T = small({"loss": "squared_error"})
    assert jax.numpy.ones(1).dtype == "float32"
    assert {row.ours.dtype.name for row in bp.compare(net, X, T, to="jax")} == {"float64"}
    assert jax.numpy.ones(1).dtype == "float32"
    assert not jax.config.jax_enable_x64


def test_jax_has_no_optimizers():
    net, X, T = small({"loss": "squared_error"})
    with pytest.raises(ValueError, match=r"Adam\(.* is not plain SGD, and to='jax' has no optimizer"):
        bp.compare(net, X, T, to="jax", optimizer=bp.Adam())


# ---- scikit-learn ------------------------------------------------------------------------------------------


def for_sklearn(pair, hidden, n_samples=5, outputs=3, seed=1, **options):
    """A network that scikit-learn has too, and data; targets of classes are 0 and 1."""
    options = {"activation": hidden, "output_activation": pair[0], "loss": pair[1], **options}
    net, X, T = small(options, seed, n_samples, sizes=(3, 4, 2, outputs))
    if pair[0] == "softmax":
        T = one_hot(n_samples, outputs, seed)
    elif pair[1] == "log_loss":
        T = (T > 0.5).astype(float)
    return net, X, T


@pytest.mark.parametrize("n_samples", [1, 5])
@pytest.mark.parametrize("hidden", SKLEARN_HIDDEN)
@pytest.mark.parametrize("pair", sorted(SKLEARN_PAIRS), ids="-".join)
def test_what_scikit_learn_has(pair, hidden, n_samples):
    for outputs in (3, 4) if pair[0] == "softmax" else (1, 2):
        net, X, T = for_sklearn(pair, hidden, n_samples, outputs)
        counts = sample_weights(n_samples, 3)
        for weights in (None, counts):
            for of_optimizer in OPTIMIZERS:
                optimizer = getattr(bp, of_optimizer[0])(**of_optimizer[1])
                comparison = bp.compare(net, X, T, weights, to="sklearn", optimizer=optimizer, learning_rate=0.01)
                assert comparison.ok, str(comparison)
                assert "dE/dx" not in {row.name for row in comparison}


@settings(max_examples=max(10, settings().max_examples // 3))
@given(
    st.sampled_from(sorted(SKLEARN_PAIRS)), st.sampled_from(list(SKLEARN_HIDDEN)), st.integers(1, 8),
    st.integers(3, 6), st.integers(0, 2**32 - 1), st.sampled_from(OPTIMIZERS), st.booleans(), st.booleans(),
)  # fmt: skip
def test_random_networks_beside_scikit_learn(
    pair, hidden, n_samples, outputs, seed, of_optimizer, weighted, frozen
):
    net, X, T = for_sklearn(pair, hidden, n_samples, outputs, seed, train_bias=not frozen)
    optimizer = getattr(bp, of_optimizer[0])(**of_optimizer[1])
    counts = sample_weights(n_samples, seed) if weighted else None
    step = {"optimizer": optimizer, "l2": 0.1, "learning_rate": 0.01}
    comparison = undiverged(bp.compare, net, X, T, counts, to="sklearn", **step)
    assert comparison.ok, str(comparison)


def test_scikit_learn_s_conventions():
    net, X, T = for_sklearn(("identity", "squared_error"), "relu", train_bias=False)
    comparison = bp.compare(net, X, T, to="sklearn", l2=0.1)
    assert comparison.ok, str(comparison)
    convention, [row] = named(comparison, "mean over outputs")
    assert "8349" in convention.text
    assert row.peer_value == pytest.approx(row.our_value / 3, rel=1e-14)
    convention, rows = named(comparison, "alpha")
    assert "l2=0.1 is alpha=0.5 in a batch of this weight" in convention.text
    for row in rows:  # 0.5*(0.1 - 0.1/5)*w
        layer = int(row.name[-2]) - 1
        np.testing.assert_allclose(row.peer - row.ours, 0.04 * net.weights[layer], rtol=1e-12)
    _, rows = named(comparison, "trained biases")
    assert {row.name for row in rows} == {"new b[1]", "new b[2]", "new b[3]"}
    assert named(comparison, "L2 in the loss")[0].difference == 0.0


def test_clipped_probabilities():
    net, X, T = for_sklearn(("logistic", "log_loss"), "tanh", outputs=2)
    net.biases[2] = [50.0, 0.0]
    T[:, 0] = [0, 1, 1, 0, 1]
    comparison = bp.compare(net, X, T, to="sklearn")
    assert comparison.ok, str(comparison)
    convention, [row] = named(comparison, "clipped probabilities")
    assert row.name == "loss"
    assert 1.0 < convention.difference < 10.0, "two fifths of a net of 50 instead of -log(eps), about 36"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": "huber"},
            "cannot compute 'logistic' outputs with loss='huber'; scikit-learn pairs exp/poisson, ",
        ),
        ({"loss": "squared_error"}, "cannot compute 'logistic' outputs with loss='squared_error'"),
        ({"loss": "log_loss", "activation": "silu"}, "the hidden activation 'silu'; scikit-learn has identity, "),
        (
            {"loss": "log_loss", "activation": ["tanh", "relu"]},
            r"several activations \(tanh, relu\); scikit-learn has",
        ),
        ({"loss": "log_loss", "bias": "shared"}, "bias='shared'; scikit-learn has one trained bias per unit"),
        ({"loss": "log_loss", "bias": "none"}, "bias='none'"),
        ({"loss": "log_loss"}, "targets between 0 and 1; MLPClassifier takes classes"),
        ({"loss": "log_loss", "output_activation": "softmax"}, "targets between 0 and 1"),
    ],
)
def test_what_scikit_learn_has_not(options, message):
    net, X, T = small(options, sizes=(3, 4, 2, 3))
    with pytest.raises(ValueError, match=f"to='sklearn' cannot compute .*{message}|{message}"):
        bp.compare(net, X, T, to="sklearn")


def test_two_softmax_outputs_a_rate_of_0_and_a_state():
    net = bp.Network([2, 2], output_activation="softmax", loss="log_loss", random_state=0)
    with pytest.raises(ValueError, match="2 softmax outputs; MLPClassifier has a logistic output for two classes"):
        bp.compare(net, [[0.5, 0.25]], [[0, 1]], to="sklearn")
    net, X, T = for_sklearn(("identity", "squared_error"), "tanh")
    with pytest.raises(ValueError, match=r"learning_rate is 0\.0, and scikit-learn's must be above 0"):
        bp.compare(net, X, T, to="sklearn", learning_rate=0.0)
    adam = bp.Adam()
    net.train(X, T, optimizer=adam)
    with pytest.raises(ValueError, match=r"Adam\(.*\) has a state, and scikit-learn's optimizers start afresh"):
        bp.compare(net, X, T, to="sklearn", optimizer=adam)
    adam.reset()
    assert bp.compare(net, X, T, to="sklearn", optimizer=adam).ok


@pytest.mark.parametrize("to", ["torch", "jax", "sklearn"])
def test_names_and_versions(to):
    net, X, T = for_sklearn(("identity", "squared_error"), "tanh")
    comparison = bp.compare(net, X, T, to=to)
    version = importlib.import_module(to).__version__
    assert comparison.peer == f"{'scikit-learn' if to == 'sklearn' else to} {version}"
    assert comparison.peer in repr(comparison)
    assert comparison.largest.excess <= 1.0
    assert comparison.largest.verdict in ("equal", "agrees")
    lines = str(comparison).splitlines()
    assert max(map(len, lines)) <= 100
