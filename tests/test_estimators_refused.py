"""What an estimator refuses: it says why, and is as it was before."""

import copy

import numpy as np
import pytest
from bits import assert_same_bits
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import scale

import backprop as bp

X, y = load_iris(return_X_y=True)
X = scale(X)
SHARES = np.eye(3)[y]
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")


def of(kind="MLPClassifier", **parameters):
    return getattr(bp, kind)(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **parameters})


@pytest.mark.parametrize(
    ("parameters", "arguments", "words"),
    [
        ({}, {"X": X[:, :2], "y": y, "X_val": X, "y_val": y}, "4 features"),
        ({}, {"X_val": X, "y_val": y + 7}, r"y_val has classes that y has not: \[7 8 9\]"),
        ({"output_activation": "softmax"}, {"y": y > 0}, "softmax"),
        ({"clip_norm": 1.0, "solver": "lbfgs"}, {"y": y % 2}, "clip_norm"),
        ({"early_stopping": True, "validation_fraction": 0.005}, {"y": y % 2}, "test_size"),
        ({"hidden_layer_sizes": (5, 0)}, {"y": y % 2}, "hidden_layer_sizes"),
        ({"class_weight": {9: 1.0}}, {"y": y % 2, "sample_weight": np.ones(3)}, "sample_weight"),
        ({"activation": ["relu", "relu"]}, {"y": y % 2}, "activation"),
        ({"loss": "poisson", "output_activation": "tanh"}, {"y": y % 2}, "poisson"),
    ],
)
def test_a_fit_that_is_refused_changes_nothing(parameters, arguments, words):
    model = of().fit(X, y)
    before = copy.deepcopy(model)
    model.set_params(**parameters)
    with pytest.raises(ValueError, match=words):
        model.fit(**{"X": X, "y": y, **arguments})
    model.set_params(**{name: before.get_params()[name] for name in parameters})
    assert vars(model).keys() - {"_views"} == vars(before).keys() - {"_views"}  # a copy has none yet
    assert model.classes_.tolist() == [0, 1, 2]
    assert_same_bits(model.predict_proba(X), before.predict_proba(X))


def test_a_first_fit_that_is_refused_leaves_no_fitted_model():
    model = of(output_activation="softmax")
    with pytest.raises(ValueError, match="softmax"):
        model.fit(X, y > 0)
    for call in (model.predict, model.predict_proba, lambda _: model.network_):
        with pytest.raises(NotFittedError):
            call(X)


@pytest.mark.parametrize("size", [2.5, 3.0, "4", True])
def test_a_layer_has_a_whole_number_of_units(size):
    with pytest.raises(TypeError):
        of(hidden_layer_sizes=(size,)).fit(X, y)


# ---- held-out samples ---------------------------------------------------------------------------------------


def test_held_out_labels_may_stand_in_a_column():
    columns = of().fit(X, y, X_val=X, y_val=y.reshape(-1, 1))
    assert columns.validation_scores_ == of().fit(X, y, X_val=X, y_val=y).validation_scores_
    numbers = of("MLPRegressor").fit(X, y, X_val=X, y_val=y.reshape(-1, 1).tolist())
    assert numbers.validation_scores_ == of("MLPRegressor").fit(X, y, X_val=X, y_val=y).validation_scores_


@pytest.mark.parametrize(
    ("kind", "targets", "y_val", "words"),
    [
        ("MLPClassifier", SHARES.astype(int), y, r"y_val has shape \(150,\), expected \(n_samples, 3\)"),
        ("MLPRegressor", y, SHARES, "y_val has 3 outputs, expected 1"),
        ("MLPRegressor", y, np.full(150, np.nan), "y_val contains NaN"),
    ],
)
def test_held_out_targets_that_do_not_fit(kind, targets, y_val, words):
    with pytest.raises(ValueError, match=words):
        of(kind).fit(X, targets, X_val=X, y_val=y_val)


# ---- targets ------------------------------------------------------------------------------------------------


def test_a_regressor_wants_numbers():
    with pytest.raises(TypeError, match="y must hold numbers"):
        of("MLPRegressor").fit(X, y.astype(str))


def test_shares_are_learned_by_their_cross_entropy():
    """As by a network: a logistic output for each, or softmax outputs that sum to 1."""
    start = of("MLPRegressor", loss="log_loss", learning_rate_init=0.02, max_iter=150)
    for output, name in ((None, "logistic"), ("softmax", "softmax")):
        model = copy.deepcopy(start).set_params(output_activation=output).fit(X, 0.9 * SHARES + 1 / 30)
        assert model.out_activation_ == model.network_.config.output_activation == name
        assert (model.predict(X).argmax(axis=1) == y).mean() > 0.9
        bare = copy.deepcopy(model).set_params(alpha=0.0, max_iter=1, solver="sgd", learning_rate_init=1e-300)
        reported = bare.set_params(warm_start=True).fit(X, SHARES).loss_
        assert reported == pytest.approx(model.network_.loss(X, SHARES), rel=1e-9)


@pytest.mark.parametrize(
    ("parameters", "targets", "words"),
    [
        ({}, y, "valid range of the loss 'log_loss', 0 to 1: 0 to 2"),
        ({"output_activation": "softmax"}, 0.5 * SHARES, "sum to 1"),
        ({"output_activation": "softmax"}, SHARES[:, 0], "two outputs or more"),
        ({"output_activation": "identity"}, SHARES, "not defined"),
    ],
)
def test_what_is_no_share(parameters, targets, words):
    with pytest.raises(ValueError, match=words):
        of("MLPRegressor", loss="log_loss", **parameters).fit(X, targets)


# ---- changed between calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda m: m.set_params(activation="foo"), ValueError, "'activation' parameter"),
        (lambda m: m.set_params(activation=5), ValueError, "'activation' parameter"),
        (lambda m: m.set_params(loss="foo"), ValueError, "'loss' parameter"),
        (lambda m: m.set_params(huber_delta=None), ValueError, "'huber_delta' parameter"),
        (lambda m: setattr(m, "out_activation_", "foo"), ValueError, "out_activation_"),
        (lambda m: delattr(m, "intercepts_"), TypeError, "intercepts_"),
    ],
)
def test_what_a_model_cannot_be_is_said_at_the_next_call(change, error, words):
    model = of().fit(X, y)
    change(model)
    with pytest.raises(error, match=words):
        model.predict(X)


def test_a_layer_more_is_taken_over():
    model = of().fit(X, y)
    model.coefs_.insert(1, np.eye(6))
    model.intercepts_.insert(1, np.zeros(6))
    before = of().fit(X, y)
    assert_same_bits(model.predict_proba(X), before.predict_proba(X))  # relu of what is not below 0 already
    assert model.n_layers_ == 4


def test_arrays_may_change_places():
    model = of(hidden_layer_sizes=(4, 4)).fit(X, y)
    first, second = model.coefs_[0].copy(), model.coefs_[1].copy()
    model.coefs_[0], model.coefs_[1] = model.coefs_[1], model.coefs_[0]
    model.predict(X)
    assert_same_bits(model.coefs_[0], second)
    assert_same_bits(model.coefs_[1], first)


def test_a_callback_may_write_weights_and_nothing_else():
    def limit(model):
        model.coefs_[0] = np.clip(model.coefs_[0], -0.1, 0.1)

    assert np.abs(of(callback=limit).fit(X, y).coefs_[0]).max() == 0.1
    with pytest.raises(ValueError, match="callback must not change"):
        of(callback=lambda model: model.set_params(activation="tanh") and None).fit(X, y)


def test_weights_to_start_from_serve_one_fit():
    model = of(warm_start=True).fit(X, y)
    start = [2.0 * w for w in model.coefs_], model.intercepts_
    model.set_weights(*start).fit(X, y)
    model.set_params(warm_start=False).fit(X, y)
    assert_same_bits(model.coefs_[0], of().fit(X, y).coefs_[0])


# ---- divergence ---------------------------------------------------------------------------------------------

WILD = {"solver": "sgd", "activation": "identity", "learning_rate_init": 1e6}


def test_divergence_is_seen_also_where_the_loss_is_finite():
    """A clipped loss is finite, whatever became of the weights."""
    model = of(solver="sgd", learning_rate_init=1e308, max_iter=50)
    with pytest.raises(ValueError, match=r"Training diverged in epoch \d+ \(counted from 1\); layer \d") as error:
        model.fit(X, y > 0)
    assert "clip_norm=1.0" in str(error.value)


def test_the_best_weights_survive_a_divergence_in_partial_fit():
    model = of("MLPRegressor", **WILD, early_stopping=True)
    with np.errstate(over="ignore"):
        for _ in range(4):
            model.partial_fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match=r"in epoch 1 .*restore_best\(\)"):
        model.partial_fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(X)
    assert model.restore_best() is model
    assert model.score(X, y) == model.best_validation_score_
