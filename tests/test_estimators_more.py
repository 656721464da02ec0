"""What the estimators do beyond scikit-learn's: layers, losses, class weights, held-out samples, callbacks."""

import numpy as np
import pytest
from bits import assert_same_bits
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, f1_score, r2_score
from sklearn.preprocessing import scale
from sklearn.utils import compute_sample_weight
from twins import Point, data_of

import backprop as bp

X, y = load_iris(return_X_y=True)
X = scale(X)
TRAIN, VALID = np.arange(150) % 3 > 0, np.arange(150) % 3 == 0
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")


def of(kind: str, **parameters):
    return getattr(bp, kind)(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **parameters})


# ---- layers and losses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "parameters", "options"),
    [
        (
            "MLPClassifier",
            {"hidden_layer_sizes": (4, 3), "activation": ["tanh", "silu"]},
            {"activation": ["tanh", "silu"], "output_activation": "softmax", "loss": "log_loss"},
        ),
        (
            "MLPClassifier",
            {"loss": "squared_error", "output_activation": "logistic", "activation": "elu"},
            {"activation": "elu", "loss": "squared_error", "output_activation": "logistic"},
        ),
        (
            "MLPClassifier",
            {"loss": "huber", "huber_delta": 0.3, "output_activation": "tanh"},
            {"activation": "relu", "loss": "huber", "huber_delta": 0.3, "output_activation": "tanh"},
        ),
        (
            "MLPRegressor",
            {"loss": "huber"},
            {"activation": "relu", "output_activation": "identity", "loss": "huber"},
        ),
        (
            "MLPRegressor",
            {"loss": "absolute_error", "activation": "softplus"},
            {"activation": "softplus", "output_activation": "identity", "loss": "absolute_error"},
        ),
        (
            "MLPRegressor",
            {"loss": "poisson", "output_activation": "softplus", "activation": "leaky_relu"},
            {"activation": "leaky_relu", "output_activation": "softplus", "loss": "poisson"},
        ),
    ],
)
def test_every_network_is_trained_as_the_network_itself(kind, parameters, options):
    """From the same weights, the same bits as `Network.train`."""
    start = of(kind, **parameters, alpha=0.0, solver="sgd", momentum=0.0, shuffle=False, max_iter=1)
    model = start.fit(X, y)
    again = of(kind, **parameters, random_state=0)
    again.set_params(max_iter=1, alpha=0.0, solver="sgd", momentum=0.0, shuffle=False, learning_rate_init=1e-300)
    again.fit(X, y)  # the initial weights, as good as untouched
    net = bp.Network([4, *again.network_.config.sizes[1:-1], again.n_outputs_], **options)
    net.weights, net.biases = again.coefs_, again.intercepts_
    T = np.eye(3)[y] if kind == "MLPClassifier" else y.astype(float).reshape(-1, 1)
    net.train(X, T, batch_size=150, learning_rate=0.001)
    assert model.network_.config == net.config
    assert_same_bits(model.network_.parameters, net.parameters)


@pytest.mark.parametrize("loss", ["huber", "absolute_error"])
def test_lbfgs_follows_every_loss(loss):
    points, targets, _ = data_of(Point("diabetes", {}))
    model = of("MLPRegressor", loss=loss, solver="lbfgs", max_iter=3, alpha=0.0, activation="tanh")
    with pytest.warns(UserWarning, match="lbfgs"):
        model.fit(points, targets)
    assert model.loss_ == pytest.approx(model.network_.loss(points, targets), rel=1e-12)


@pytest.mark.parametrize(
    ("parameters", "labels", "offered"),
    [
        ({}, y, True),
        ({"loss": "squared_error"}, y, True),
        ({"output_activation": "logistic"}, y, False),
        ({"output_activation": "logistic"}, y > 0, True),
        ({"output_activation": "identity", "loss": "squared_error"}, y, False),
        ({"output_activation": "tanh", "loss": "huber"}, y > 0, False),
    ],
)
def test_probabilities_are_offered_only_where_outputs_are(parameters, labels, offered):
    model = of("MLPClassifier", **parameters, learning_rate_init=0.05, max_iter=60).fit(X, labels)
    assert hasattr(model, "predict_proba") == hasattr(model, "predict_log_proba") == offered
    assert model.score(X, labels) > 0.8
    if offered:
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)


def test_softmax_needs_several_classes():
    for labels in (y > 0, np.c_[y > 0, y > 1]):
        with pytest.raises(ValueError, match="softmax"):
            of("MLPClassifier", output_activation="softmax").fit(X, labels)


# ---- weights of classes, clipping, callbacks -------------------------------------------------------------------


@pytest.mark.parametrize("class_weight", ["balanced", {0: 2.0, 1: 0.5, 2: 1.0}])
def test_class_weights_are_sample_weights(class_weight):
    some = np.arange(150) < 120
    weights = np.linspace(0.5, 1.5, 120)
    by_class = of("MLPClassifier", class_weight=class_weight).fit(X[some], y[some], weights)
    by_sample = of("MLPClassifier").fit(X[some], y[some], weights * compute_sample_weight(class_weight, y[some]))
    assert_same_bits(by_class.coefs_[0], by_sample.coefs_[0])


def test_balanced_weights_need_all_labels():
    with pytest.raises(ValueError, match="balanced"):
        of("MLPClassifier", class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    of("MLPClassifier", class_weight={0: 3.0}).partial_fit(X, y, classes=[0, 1, 2])


def test_a_clipped_gradient_saves_a_run_that_would_diverge():
    wild = {"solver": "sgd", "learning_rate_init": 0.5, "max_iter": 20, "activation": "identity"}
    points, targets = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="non-finite"):
        of("MLPRegressor", **wild).fit(points, targets)
    assert np.isfinite(of("MLPRegressor", **wild, clip_norm=0.1).fit(points, targets).loss_)
    with pytest.raises(ValueError, match="clip_norm"):
        of("MLPRegressor", solver="lbfgs", clip_norm=1.0).fit(points, targets)


def test_a_callback_sees_every_epoch_and_can_stop():
    seen = []

    def stop_at_four(model):
        seen.append((model.n_iter_, model.loss_, model.score(X, y)))
        return model.n_iter_ == 4

    model = of("MLPClassifier", callback=stop_at_four).fit(X, y)
    assert [n for n, _, _ in seen] == [1, 2, 3, 4]
    assert [loss for _, loss, _ in seen] == model.loss_curve_
    assert seen[-1][2] == model.score(X, y)


# ---- held-out samples -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("scoring", [None, "f1_macro", "neg_log_loss"])
def test_held_out_samples_of_ones_own(early_stopping, scoring):
    """The curve is what the callback sees, and the weights of the best score come back."""
    scores, parameters = [], []

    def note(model):
        predicted = model.predict(X[VALID])
        if scoring is None:
            scores.append(accuracy_score(y[VALID], predicted))
        elif scoring == "f1_macro":
            scores.append(f1_score(y[VALID], predicted, average="macro"))
        else:
            scores.append(np.log(model.predict_proba(X[VALID])[np.arange(50), y[VALID]]).mean())
        parameters.append(model.network_.parameters)

    model = of(
        "MLPClassifier", early_stopping=early_stopping, scoring=scoring, callback=note, max_iter=30,
        learning_rate_init=0.1, n_iter_no_change=3, tol=1e-3,
    )  # fmt: skip
    model.fit(X[TRAIN], y[TRAIN], X_val=X[VALID], y_val=y[VALID])
    np.testing.assert_allclose(model.validation_scores_, scores, rtol=1e-12)
    best = int(np.argmax(scores))
    assert model.best_validation_score_ == model.validation_scores_[best]
    assert_same_bits(model.network_.parameters, parameters[best])
    without = of("MLPClassifier", max_iter=30, learning_rate_init=0.1, n_iter_no_change=3, tol=1e-3)
    without.fit(X[TRAIN], y[TRAIN])
    shorter = min(len(model.loss_curve_), len(without.loss_curve_))
    assert model.loss_curve_[:shorter] == without.loss_curve_[:shorter]  # scoring draws nothing, all is trained on


def test_held_out_samples_of_a_regressor_with_weights():
    weights = np.linspace(1.0, 2.0, 50)
    model = of("MLPRegressor", max_iter=3).fit(
        X[TRAIN], y[TRAIN], X_val=X[VALID], y_val=y[VALID], sample_weight_val=weights
    )
    best = r2_score(y[VALID], model.predict(X[VALID]), sample_weight=weights)
    assert model.best_validation_score_ == pytest.approx(best, rel=1e-12)


def test_a_scorer_for_the_part_that_fit_holds_out():
    import pandas as pd

    frame = pd.DataFrame(X, columns=list("abcd"))
    model = of("MLPClassifier", early_stopping=True, scoring="f1_macro", max_iter=5).fit(frame, y)
    assert len(model.validation_scores_) == 5
    assert list(model.feature_names_in_) == list("abcd")


def test_partial_fit_with_held_out_samples():
    model = of("MLPClassifier", early_stopping=True, n_iter_no_change=2, tol=0.0, learning_rate_init=0.3)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    for _ in range(12):
        model.partial_fit(X[TRAIN], y[TRAIN], classes=[0, 1, 2], X_val=X[VALID], y_val=y[VALID])
    assert len(model.validation_scores_) == len(model.loss_curve_) == 12
    model.restore_best()
    assert model.score(X[VALID], y[VALID]) == model.best_validation_score_ == max(model.validation_scores_)


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        ({"X_val": X}, "y_val is missing"),
        ({"y_val": y}, "X_val is missing"),
        ({"sample_weight_val": y}, "sample_weight_val"),
        ({"X_val": X[:, :2], "y_val": y}, "2 features"),
        ({"X_val": X, "y_val": y[:9]}, "inconsistent"),
        ({"X_val": np.full_like(X, np.nan), "y_val": y}, "NaN"),
    ],
)
def test_bad_held_out_samples(held_out, words):
    with pytest.raises(ValueError, match=words):
        of("MLPClassifier").fit(X, y, **held_out)


def test_a_warm_start_keeps_the_best_apart():
    """scikit-learn trains its best weights in place in a second fit, and then leaves the last ones."""
    model = of("MLPClassifier", early_stopping=True, warm_start=True, max_iter=40, learning_rate_init=0.1)
    model.fit(X, y)
    best = model.best_validation_score_
    kept = model.network_.parameters
    model.set_params(max_iter=2, learning_rate_init=5.0, solver="sgd").fit(X, y)
    assert len(model.validation_scores_) > 2
    if model.best_validation_score_ == best:
        assert_same_bits(model.network_.parameters, kept)


def test_a_progress_bar(capsys):
    of("MLPClassifier", verbose="bar", early_stopping=True).fit(X, y)
    printed = capsys.readouterr().out
    for words in ("8/8", "loss", "score", "0:00:00"):
        assert words in printed
    assert "Iteration" not in printed
