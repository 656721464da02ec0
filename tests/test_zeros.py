"""Data with many zeros: rows of weights that are passed over leave the bits, and the failures, as they are."""

import numpy as np
import pytest

import backprop as bp
from backprop import _engine, _pacing

pytestmark = pytest.mark.skipif(
    isinstance(_engine.compiled_engine(), ImportError), reason="the compiled engine is not installed"
)


def data(rng, n, n_inputs, n_outputs, zeros):
    X = rng.normal(size=(n, n_inputs))
    X[rng.uniform(size=X.shape) < zeros] = 0.0
    X[rng.uniform(size=X.shape) < 0.05] = -0.0
    return X, rng.uniform(0.01, 0.99, size=(n, n_outputs))


def both(sizes, X, T, run, **options):
    """What a run returns or raises, and the parameters after it, from each engine."""
    results = []
    for engine in ("compiled", "python"):
        net = bp.Network(sizes, engine=engine, random_state=3, **options)
        try:
            outcome = np.asarray(run(net)).tobytes()
        except bp.DivergenceError as error:
            outcome = str(error)
        results.append((outcome, net.parameters.tobytes()))
    return results


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ["logistic", "relu"])
@pytest.mark.parametrize("zeros", [0.3, 0.6, 0.9, 1.0])
def test_the_same_bits(zeros, activation, dtype):
    rng = np.random.RandomState(round(10 * zeros))
    for sizes in ([33, 10, 2], [40, 37, 5, 3], [70, 9]):
        X, T = data(rng, 40, sizes[0], sizes[-1], zeros)
        X[:3] = rng.normal(size=(3, sizes[0]))  # dense ones between
        compiled, python = both(
            sizes,
            X,
            T,
            lambda net, X=X, T=T: net.train(X, T, epochs=2, learning_rate=0.13, shuffle=True, random_state=1),
            activation=activation,
            dtype=dtype,
        )
        assert compiled == python


def test_zeros_that_come_after_lists_have_been_given_up():
    rng = np.random.RandomState(0)
    X, T = data(rng, 60, 40, 3, 0.9)
    X[:45] = rng.normal(size=(45, 40))
    compiled, python = both([40, 9, 3], X, T, lambda net: net.train(X, T, epochs=2, learning_rate=0.13))
    assert compiled == python


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("zeros", [0.7, 0.97])
def test_more_samples_than_updates_are_put_off_for(zeros, dtype):
    """Rows whose inputs come again soon, late and never; a dense sample, after which no row may owe anything.

    (Networks of two narrow layers have loops of their own, without lists: hence nine units.)
    """
    rng = np.random.RandomState(7)
    X, T = data(rng, 600, 34, 2, zeros)
    X[:, 5] = 0.0
    X[:, 6] = 0.0
    X[[3, 590], 6] = 0.75
    X[430] = rng.normal(size=34)
    for sizes in ([34, 9, 2], [34, 2]):  # columns that fill whole vectors, and not
        compiled, python = both(
            sizes,
            X,
            T,
            lambda net: net.train(X, T, epochs=2, learning_rate=0.13, shuffle=True, random_state=2),
            dtype=dtype,
        )
        assert compiled == python


NOT_CALM = [("float64", 1e95), ("float32", 1e12)]


@pytest.mark.parametrize(("dtype", "much"), NOT_CALM)
def test_a_sample_that_is_not_calm_has_no_list(dtype, much):
    rng = np.random.RandomState(8)
    X, T = data(rng, 50, 40, 2, 0.9)
    X[20, 3] = much
    compiled, python = both(
        [40, 9, 2], X, T, lambda net: net.train(X, T, epochs=2, learning_rate=0.13), activation="relu", dtype=dtype
    )
    assert compiled == python


def with_one_large_target(sizes, where, much, dtype):
    """50 samples that are mostly 0, one of them far from its target, from each engine."""
    X, T = data(np.random.RandomState(9), 50, 40, 2, 0.9)
    T[where, 1] = much
    return both(
        sizes,
        X,
        T,
        lambda net: net.train(X, T, epochs=1, learning_rate=1e-3),
        activation="relu",
        output_activation="identity",
        dtype=dtype,
    )


SIZES = [[40, 2], [40, 9, 2], [40, 36, 2]]  # the last has lists of outs too


@pytest.mark.parametrize("where", [0, 20, 49])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "much"), NOT_CALM)
def test_a_delta_that_is_not_calm_of_a_sample_with_a_list(dtype, much, sizes, where):
    """Its update is that of all rows, after those that rows still owe."""
    compiled, python = with_one_large_target(sizes, where, much, dtype)
    assert compiled == python


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "much"), [("float64", 1e200), ("float32", 1e25)])
def test_a_loss_that_is_not_finite_while_rows_still_owe_their_updates(dtype, much, sizes):
    compiled, python = with_one_large_target(sizes, 30, much, dtype)
    assert compiled == python
    assert "X[30]" in compiled[0]


@pytest.mark.parametrize("n_inputs", range(32, 49))
def test_every_leftover_of_what_is_listed_at_once(n_inputs):
    rng = np.random.RandomState(n_inputs)
    X, T = data(rng, 30, n_inputs, 2, 0.75)
    X[:, -1] = rng.normal(size=30)
    compiled, python = both([n_inputs, 9, 2], X, T, lambda net: net.train(X, T, epochs=1, learning_rate=0.3))
    assert compiled == python


@pytest.mark.parametrize("bias", ["per_unit", "shared", "none"])
def test_every_kind_of_bias(bias):
    rng = np.random.RandomState(0)
    X, T = data(rng, 30, 50, 3, 0.8)
    compiled, python = both([50, 9, 3], X, T, lambda net: net.train(X, T, epochs=2, learning_rate=0.3), bias=bias)
    assert compiled == python


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rate", [3.0, 1e3, 1e20, 1e30])
def test_a_run_that_diverges_does_so_at_the_same_sample(rate, dtype):
    """Weights that have become infinite count for an input of 0 too: infinity times 0 is not a number."""
    rng = np.random.RandomState(1)
    X, T = data(rng, 60, 64, 2, 0.9)
    compiled, python = both(
        [64, 9, 2],
        X,
        T,
        lambda net: net.train(X, T, epochs=20, learning_rate=rate),
        activation="relu",
        output_activation="identity",
        dtype=dtype,
    )
    assert compiled == python
    assert compiled[0].startswith("the loss") or "finite" in str(compiled[0])


@pytest.mark.parametrize(("dtype", "rate"), [("float64", 1.5e308), ("float32", 3e38)])
def test_a_weight_that_overflows_is_seen_by_the_next_sample_though_its_input_is_0(dtype, rate):
    X = np.zeros((40, 64))
    X[0, 0] = 30.0  # rate*(delta*30) is infinite, and with it this weight
    X[range(1, 40), range(1, 40)] = 1e-300 if dtype == "float64" else 1e-30
    T = np.full((40, 1), 0.25)
    compiled, python = both(
        [64, 1],
        X,
        T,
        lambda net: net.train(X, T, epochs=1, learning_rate=rate),
        loss="log_loss",
        bias="none",
        dtype=dtype,
    )
    assert compiled == python
    assert "starts with X[1]" in compiled[0]


@pytest.mark.parametrize(("dtype", "rate", "least"), [("float64", 1.5e308, 1e-300), ("float32", 3e38, 1e-30)])
@pytest.mark.parametrize("where", ["after a dense sample", "in the next epoch", "in the next slice"])
def test_so_is_one_that_overflows_in_an_update_without_a_list_or_in_an_earlier_call(
    where, dtype, rate, least, monkeypatch
):
    X = np.zeros((40, 64))
    X[range(39), range(1, 40)] = least
    if where == "after a dense sample":
        X[4, :30] = least
    if where == "in the next slice":
        monkeypatch.setattr(_pacing, "SLICE_SECONDS", 1e-9)
    X[39 if where == "in the next epoch" else 4, 0] = 30.0
    T = np.full((40, 1), 0.25)
    compiled, python = both(
        [64, 1],
        X,
        T,
        lambda net: net.train(X, T, epochs=3, learning_rate=rate),
        loss="log_loss",
        bias="none",
        dtype=dtype,
    )
    assert compiled == python
    assert f"starts with X[{0 if where == 'in the next epoch' else 5}]" in compiled[0]
