"""Comparison without another library: differences, bounds of the rounding, verdicts, text. See test_peers, too."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import HIDDEN, PAIRS, Case, cases, sample_weights

import backprop as bp
from backprop.glassbox.comparison import Comparison, ComparisonRow, Convention
from backprop.glassbox.peers import gradient_arrays
from backprop.glassbox.rounding import bounds

BIASES = ["per_unit", "shared", "none"]


def small(options: dict, seed: int = 1, n_samples: int = 3, engine: str = "auto", sizes=(3, 4, 2)):
    """A small network with biases that are not 0, and data."""
    case = Case(list(sizes), options, n_samples, seed)
    net = bp.Network(case.sizes, **options, random_state=seed, engine=engine)
    for bias in net.biases:
        bias[...] = np.random.RandomState(seed).uniform(-0.5, 0.5, size=bias.shape)
    return net, *case.draw()


def falsified(net: bp.Network, layer: int, change):
    """The network with one entry of one layer's weight gradient changed."""
    right = net.gradients

    def wrong(X, T, sample_weight=None):
        gradients = right(X, T, sample_weight)
        gradients.weights[layer][-1, 0] = change(gradients.weights[layer][-1, 0])
        return gradients

    net.gradients = wrong
    return net


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_every_pair_agrees_with_differences(engine, pair):
    net, X, T = small({"output_activation": pair[0], "loss": pair[1], "bias": "shared"}, engine=engine)
    comparison = bp.compare(net, X, T, l2=0.37, learning_rate=0.1)
    assert comparison.ok, str(comparison)
    assert not comparison.conventions
    gradient = ["loss", "dE/dw[1]", "dE/db[1]", "dE/dw[2]", "dE/db[2]", "dE/dx"]
    step = ["new w[1]", "new b[1]", "new w[2]", "new b[2]"]
    assert [row.name for row in comparison] == gradient + step


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_every_hidden_activation_agrees_with_differences(hidden, bias):
    net, X, T = small({"activation": hidden, "loss": "squared_error", "bias": bias})
    comparison = bp.compare(net, X, T, [0.5, 2.0, 0.0])
    assert comparison.ok, str(comparison)
    assert len(comparison) == (6 if bias == "none" else 10)


@settings(max_examples=40)
@given(cases(max_samples=3, max_hidden=2, width=st.integers(1, 5)), st.booleans())
def test_random_networks_agree_with_differences(case, weighted):
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    comparison = bp.compare(net, X, T, sample_weights(len(X), case.seed) if weighted else None)
    assert comparison.ok, str(comparison)
    assert all(len(line) <= 100 for line in str(comparison).splitlines())


# ---- bounds ------------------------------------------------------------------------------------------------


def permuted(net: bp.Network, X, T, sample_weight, rng):
    """The same network with inputs, hidden units and samples in another order, its data, and how to undo that."""
    sizes, config = net.config.sizes, net.config
    orders = [rng.permutation(size) for size in sizes[:-1]] + [np.arange(sizes[-1])]
    other = net.copy()
    for layer, (weights, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        other.weights[layer] = weights[np.ix_(orders[layer], orders[layer + 1])]
        other.biases[layer] = bias[orders[layer + 1]] if config.bias == "per_unit" else bias.copy()
    rows = rng.permutation(len(X))
    counts = None if sample_weight is None else sample_weight[rows]

    def undo(gradients):
        back = [np.argsort(order) for order in orders]
        weights = [w[np.ix_(back[k], back[k + 1])] for k, w in enumerate(gradients.weights)]
        per_unit = config.bias == "per_unit"
        biases = [b[back[k + 1]] if per_unit else b for k, b in enumerate(gradients.biases)]
        return weights, biases, gradients.inputs[np.ix_(np.argsort(rows), back[0])]

    return other, X[rows][:, orders[0]], T[rows], counts, undo


@given(cases(max_samples=6), st.booleans())
def test_another_order_of_every_sum_stays_within_the_bounds(case, weighted):
    """With units and samples permuted, a network is the same function, and all its sums are rounded otherwise."""
    net = bp.Network(case.sizes, **case.options, random_state=case.seed)
    X, T = case.draw()
    counts = sample_weights(len(X), case.seed) if weighted else None
    other, X_other, T_other, counts_other, undo = permuted(net, X, T, counts, np.random.RandomState(case.seed))
    ours = gradient_arrays(net.loss(X, T, counts), *net.gradients(X, T, counts))
    loss = other.loss(X_other, T_other, counts_other)
    theirs = gradient_arrays(loss, *undo(other.gradients(X_other, T_other, counts_other)))
    # The other order may fall on the other side of a kink.
    of_case = bounds(net, X, T, counts, conventions=True)
    bound = gradient_arrays(of_case.loss, of_case.weights, of_case.biases, of_case.inputs)
    for name, array in ours.items():
        assert (np.abs(array - theirs[name]) <= bound[name]).all(), name


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_bounds_are_small_beside_what_they_are_for(pair, hidden):
    """Agreement would mean nothing if everything were tolerated."""
    net, X, T = small({"activation": hidden, "output_activation": pair[0], "loss": pair[1]})
    ours = gradient_arrays(net.loss(X, T), *net.gradients(X, T))
    found = bounds(net, X, T, None)
    bound = gradient_arrays(found.loss, found.weights, found.biases, found.inputs)
    for name, array in ours.items():
        assert bound[name].max() < 1000 * 2**-52 * max(np.abs(array).max(), 1.0), name


# ---- what is found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [lambda g: g * (1 + 1e-6), lambda g: -g, lambda g: np.nan, lambda g: np.inf])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_wrong_gradient_is_found_where_it_is(layer, change):
    net, X, T = small({"activation": "tanh", "loss": "squared_error"})
    comparison = bp.compare(falsified(net, layer, change), X, T)
    assert not comparison.ok
    found = {row.name: row for row in comparison.differing}
    # A gradient that is no number leaves no bound for the step.
    assert set(found) - {f"new w[{layer + 1}]"} == {f"dE/dw[{layer + 1}]"}
    assert found[f"dE/dw[{layer + 1}]"].place == (net.config.sizes[layer] - 1, 0)
    assert comparison.largest in comparison.differing
    assert "differs" in str(comparison)


def test_a_wrong_loss_is_found():
    net, X, T = small({"loss": "log_loss"})
    loss = net.loss(X, T)
    net.loss = lambda X, T, sample_weight=None: loss * (1 + 1e-13)
    [row] = bp.compare(net, X, T).differing
    assert row.name == "loss"
    assert row.excess > 2.0


def test_a_wrong_step_is_found(monkeypatch):
    net, X, T = small({"loss": "log_loss"})
    train = bp.Network.train

    def wrong(self, *args, **options):
        train(self, *args, **options | {"learning_rate": options["learning_rate"] * (1 + 1e-6)})

    monkeypatch.setattr(bp.Network, "train", wrong)
    found = [row.name for row in bp.compare(net, X, T).differing]
    assert set(found) == {"new w[1]", "new b[1]", "new w[2]", "new b[2]"}


def test_a_kink_is_a_convention():
    net = bp.Network([2, 3, 1], activation="relu", random_state=0)
    net.weights[0] = [[0.5, 1.0, 0.25], [0.5, -1.0, 0.25]]
    comparison = bp.compare(net, [0.75, 0.75], [1.0])
    assert comparison.ok
    [convention] = comparison.conventions
    assert convention.name == "kinks"
    assert "first for w[1][1,2]: the net of h2 (relu) crosses a kink in row 0 of X" in convention.text
    found = {row.name: row.verdict for row in comparison}
    assert found["dE/dw[1]"] == found["new w[1]"] == "convention"
    assert found["dE/dw[2]"] == "agrees"
    assert convention.difference == max(row.absolute for row in comparison if row.convention)


def test_a_sequential_step_is_a_convention():
    net, X, T = small({"activation": "tanh", "loss": "squared_error", "update_order": "sequential"})
    comparison = bp.compare(net, X, T)
    assert comparison.ok
    assert [convention.name for convention in comparison.conventions] == ["update order"]
    by_section = {(row.section, row.name): row.verdict for row in comparison}
    step = "one step of plain SGD, learning_rate=0.5"
    assert by_section[step, "new w[1]"] == "agrees"
    assert by_section[f"{step}, as the network takes it", "new w[1]"] == "convention"
    assert by_section[f"{step}, as the network takes it", "new w[2]"] == "agrees"


def test_the_worked_example():
    net, x, t = bp.examples.worked_example()
    comparison = bp.compare(net, x, t)
    assert comparison
    assert len(comparison) == len(comparison.rows) == 10
    assert list(comparison) == list(comparison.rows)
    rows = {row.name: row for row in comparison}
    assert rows["loss"].our_value == net.loss(x, t)
    assert rows["dE/dw[2]"].ours[0, 0] == pytest.approx(0.082167041, abs=5e-10)
    assert rows["new w[2]"].peer[0, 0] == pytest.approx(0.358916480, abs=5e-10)
    assert rows["new b[1]"].verdict == "equal"  # frozen
    assert rows["dE/dx"].full_name in ("dE/dx[1]", "dE/dx[2]")  # one sample: no row of X to be named
    with pytest.raises(ValueError, match="read-only"):
        rows["loss"].ours[...] = 0.0
    assert str(comparison).splitlines()[-1].startswith("10 arrays: ")


def test_both_engines_say_the_same(both):
    texts = [str(bp.compare(*small({"loss": "squared_error"}, engine=engine))) for engine in both]
    assert texts[0].replace("compiled engine", "python engine") == texts[1]


def test_everything_stays_as_it_is():
    net, X, T = small({"activation": "relu", "loss": "huber"})
    adam = bp.Adam()
    net.train(X, T, optimizer=adam)
    net.weights[0][0, 0] = -0.0
    kept = net.parameters, X.copy(), T.copy(), [moment.copy() for moment in adam._moments], adam._powers.copy()
    bp.compare(net, X, T)
    with pytest.raises(ValueError, match="is not plain SGD"):
        bp.compare(net, X, T, optimizer=adam)
    now = net.parameters, X, T, adam._moments, adam._powers
    for before, after in zip(kept, now, strict=True):
        assert_same_bits(np.asarray(before), np.asarray(after))


# ---- rows and text -----------------------------------------------------------------------------------------


def row_of(ours, peer, bound=1e-15, wide=None, dtype="float64") -> ComparisonRow:
    ours, peer = np.asarray(ours, dtype=float), np.asarray(peer, dtype=float)
    bound = np.broadcast_to(np.asarray(bound, dtype=float), ours.shape)
    wide = bound if wide is None else np.broadcast_to(np.asarray(wide, dtype=float), ours.shape)
    return ComparisonRow.of("section", "dE/dw[1]", ours, peer, bound, wide, dtype)


def test_verdicts():
    assert row_of([1.0, 2.0], [1.0, 2.0]).verdict == "equal"
    assert row_of([1.0, 2.0], [1.0, 2.0], bound=np.nan).verdict == "equal"
    signs = row_of([0.0], [-0.0])
    assert (signs.verdict, signs.absolute, signs.ulps, signs.excess) == ("agrees", 0.0, 0.0, 0.0)
    assert row_of([1.0], [1.0 + 2**-52]).verdict == "agrees"
    assert row_of([1.0], [1.0 + 2**-49]).verdict == "differs"
    assert row_of([1.0], [1.0 + 2**-49], wide=1.0).verdict == "convention"
    assert row_of([1.0, 1.0], [1.0 + 2**-49, 3.0], wide=1.0).verdict == "differs"
    for wrong in (np.nan, np.inf, -np.inf):
        assert row_of([1.0], [wrong]).verdict == "differs"
        assert row_of([wrong], [1.0]).verdict == "differs"
    assert row_of([1.0], [1.0 + 2**-52], bound=np.inf).verdict == "differs", (
        "a bound that overflows allows nothing"
    )
    assert row_of([np.inf], [-np.inf]).verdict == "differs"


def test_the_farthest_numbers_are_shown():
    row = row_of([[1.0, 2.0], [4.0, 8.0]], [[1.0, 2.0], [4.0 + 2**-50, 8.0]])
    assert (row.place, row.our_value, row.peer_value) == ((1, 0), 4.0, 4.0 + 2**-50)
    assert (row.absolute, row.relative, row.ulps) == (2**-50, 2**-50 / (4.0 + 2**-50), 1.0)
    assert row.full_name == "dE/dw[1][2,1]"
    # Of what exceeds its bound the farthest, even if something that does not is farther apart.
    row = row_of([1.0, 1.0, 1.0], [1.5, 1.25, 1.125], bound=[1.0, 0.2, 0.1])
    assert (row.place, row.excess, row.verdict) == ((1,), 1.25, "differs")
    assert row_of([1.0, np.nan], [1.5, 1.0]).place == (1,)
    assert row_of([1.0], [1.0 + 2**-23], dtype="float32").ulps == 1.0


def test_shapes_must_be_the_same():
    with pytest.raises(RuntimeError, match=r"dE/dw\[1\] has shape \(1,\), and the peer's has \(2,\)"):
        row_of([1.0], [1.0, 2.0])


def test_a_table_is_at_most_100_columns_wide():
    row = row_of(np.full((120, 130), -1.23456789e-300), np.full((120, 130), -1.23456789e-301))
    rows = tuple(
        replace(row, name=f"dE/dw[{k}]", place=(119, 129), section="one step of " * 20) for k in range(12)
    )
    conventions = (Convention("a name", "a text " * 40, 1e-7), Convention("another", "text", 0.0))
    comparison = Comparison("title " * 40, "peer 1.0", rows, conventions)
    lines = str(comparison).splitlines()
    assert max(map(len, lines)) <= 100
    assert "(here up to 1e-07)" in " ".join(lines)
    assert lines[-3] == "  another: text (makes no difference here)"
    assert repr(comparison) == "<Comparison to peer 1.0: 12 agree>"


# ---- errors ------------------------------------------------------------------------------------------------


def test_errors():
    net, X, T = small({"loss": "log_loss"})
    with pytest.raises(TypeError, match="net must be a Network, not an object of type list"):
        bp.compare([2, 2], X, T)
    with pytest.raises(ValueError, match="to must be one of 'numeric', 'torch', 'jax', 'sklearn', not 'keras'"):
        bp.compare(net, X, T, to="keras")
    with pytest.raises(TypeError, match="to must be one of"):
        bp.compare(net, X, T, to=None)
    with pytest.raises(ValueError, match="l2 must be a finite number of at least 0, not -1"):
        bp.compare(net, X, T, l2=-1)
    with pytest.raises(ValueError, match="learning_rate must be a finite number"):
        bp.compare(net, X, T, learning_rate=-0.5)
    with pytest.raises(TypeError, match="learning_rate must be a finite number of at least 0, not"):
        bp.compare(net, X, T, learning_rate=[0.5])
    with pytest.raises(ValueError, match="optimizer must be one of 'sgd', 'adam', not 'lbfgs'"):
        bp.compare(net, X, T, optimizer="lbfgs")
    with pytest.raises(ValueError, match=r"optimizer=Adam\(.* is not plain SGD, and to='numeric' has"):
        bp.compare(net, X, T, optimizer="adam")
    own = bp.CustomActivation(
        name="cube", formula="net^3", value=lambda net: net**3, derivative=lambda net, out: 3 * net**2
    )
    with pytest.raises(ValueError, match=r"net has the custom function <cube>, which no other library has"):
        bp.compare(bp.Network([3, 2, 2], activation=own), X, T)
    adam = bp.Adam()
    net.copy().train(X, T, optimizer=adam)
    with pytest.raises(ValueError, match="this Adam holds the state of another network"):
        bp.compare(net, X, T, optimizer=adam)
    for X_bad, T_bad, weight in [(X[:, :2], T, None), (X, T + 2.0, None), (X, T[:1], None), (X, T, [0, 0, 0])]:
        with pytest.raises(ValueError, match=r"^(X|T|sample_weight)\b"):
            bp.compare(net, X_bad, T_bad, weight)


@pytest.mark.parametrize(
    ("to", "library", "distribution"),
    [("torch", "torch", "torch"), ("jax", "jax", "jax"), ("sklearn", "sklearn", "scikit-learn")],
)
def test_a_missing_library_is_named(monkeypatch, to, library, distribution):
    monkeypatch.setitem(sys.modules, library, None)
    net, X, T = small({"loss": "squared_error", "output_activation": "identity"})
    with pytest.raises(ImportError, match=rf"to='{to}' needs {library}.*: python -m pip install {distribution}$"):
        bp.compare(net, X, T, to=to)


def test_plain_sgd_by_name_or_instance_is_the_same():
    net, X, T = small({"loss": "log_loss"})
    plain = str(bp.compare(net, X, T, learning_rate=0.1))
    assert str(bp.compare(net, X, T, learning_rate=0.1, optimizer="sgd")) == plain
    assert str(bp.compare(net, X, T, optimizer=bp.SGD(0.1))) == plain
