"""An estimator's weights: from numbers, changed by hand, refused if they do not fit; divergence and Ctrl-C."""

import signal
import subprocess
import sys
import textwrap
import time
import warnings

import numpy as np
import pytest
from bits import assert_same_bits
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

import backprop as bp

X, y = load_iris(return_X_y=True)
X = scale(X)
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")


def of(kind: str, **parameters):
    return getattr(bp, kind)(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **parameters})


def copies(model):
    return [w.copy() for w in model.coefs_], [b.copy() for b in model.intercepts_]


# ---- from numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "more"),
    [
        (y, {"classes": [0, 1, 2]}),
        (np.array(["a", "b", "c"])[y], {"classes": ["a", "b", "c"]}),
        (np.array(["no", "yes"])[y % 2], {"classes": ["no", "yes"]}),
        (y % 2, {}),
        (np.c_[y == 0, y == 1].astype(int), {"multilabel": True}),
    ],
)
def test_a_classifier_from_weights_is_the_fitted_one(labels, more):
    model = of("MLPClassifier", activation="tanh").fit(X, labels)
    made = bp.MLPClassifier.from_weights(*copies(model), activation="tanh", **more)
    np.testing.assert_array_equal(made.predict(X), model.predict(X))
    assert_same_bits(made.predict_proba(X), model.predict_proba(X))
    assert made.score(X, labels) == model.score(X, labels)
    assert made.n_features_in_ == 4
    assert made.network_ == model.network_
    made.partial_fit(X, labels)
    assert made.t_ == 150


def test_a_regressor_from_weights_is_the_fitted_one():
    model = of("MLPRegressor", loss="poisson").fit(X, y)
    made = bp.MLPRegressor.from_weights(*copies(model), loss="poisson")
    assert_same_bits(made.predict(X), model.predict(X))
    assert made.get_params()["hidden_layer_sizes"] == (6,)


@pytest.mark.parametrize(
    ("coefs", "intercepts", "more", "error", "words"),
    [
        (
            [np.zeros((4, 3)), np.zeros((2, 3))],
            [np.zeros(3), np.zeros(3)],
            {},
            ValueError,
            r"coefs\[1\].*\(3, fan_out\)",
        ),
        ([np.zeros((4, 3))], [np.zeros(2)], {}, ValueError, r"intercepts\[0\].*\(3,\)"),
        ([np.zeros((4, 3))], [], {}, ValueError, "one for each layer"),
        ([], [], {}, ValueError, "one for each layer"),
        ([np.full((4, 3), np.nan)], [np.zeros(3)], {}, ValueError, r"coefs\[0\].*NaN"),
        ([np.array([["a"] * 3] * 4)], [np.zeros(3)], {}, TypeError, r"coefs\[0\]"),
        ("abc", [np.zeros(3)], {}, TypeError, "coefs"),
        ([np.zeros((4, 3))], [np.zeros(3)], {"classes": [0, 1]}, ValueError, "classes"),
        ([np.zeros((4, 3))], [np.zeros(3)], {"classes": [0, 1, 1]}, ValueError, "classes"),
        ([np.zeros((4, 3))], [np.zeros(3)], {"classes": [2, 1, 0]}, ValueError, "ascending"),
        ([np.zeros((4, 2))], [np.zeros(2)], {}, ValueError, "one output"),
        ([np.zeros((4, 3))], [np.zeros(3)], {"alpha": -1.0}, ValueError, "alpha"),
    ],
)
def test_weights_that_do_not_fit(coefs, intercepts, more, error, words):
    with pytest.raises(error, match=words):
        bp.MLPClassifier.from_weights(coefs, intercepts, **more)


def test_set_weights_before_a_fit_starts_from_them_once():
    drawn = of("MLPClassifier", solver="sgd", learning_rate_init=1e-300, max_iter=1).fit(X, y)
    start = [w + 0.1 for w in drawn.coefs_], [b - 0.1 for b in drawn.intercepts_]
    model = of("MLPClassifier", solver="sgd", learning_rate_init=1e-300, max_iter=1).set_weights(*start)
    model.fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], start[0][0], rtol=1e-12)
    model.fit(X, y)
    assert_same_bits(model.coefs_[0], drawn.coefs_[0])
    assert not hasattr(clone(model.set_weights(*start)), "_start")
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        of("MLPClassifier", hidden_layer_sizes=(7,)).set_weights(*start).fit(X, y)
    with pytest.raises(ValueError, match="expected"):
        model.set_weights([np.zeros((4, 3))], [np.zeros(3)])


# ---- changed by hand ----------------------------------------------------------------------------


def test_writing_has_effect_on_every_call():
    model = of("MLPClassifier").fit(X, y)
    for change in ("inside", "item", "list"):
        coefs, intercepts = copies(model)
        coefs[0] = coefs[0] + 0.5
        if change == "inside":
            model.coefs_[0][...] = coefs[0]
        elif change == "item":
            model.coefs_[0] = coefs[0]
        else:
            model.coefs_ = coefs
        expected = bp.MLPClassifier.from_weights(coefs, intercepts)
        assert_same_bits(model.predict_proba(X), expected.predict_proba(X))
        assert_same_bits(model.network_.weights[0], coefs[0])
        assert_same_bits(model.coefs_[0], coefs[0])
        model.network_.weights[0][0, 0] = 7.0
        assert model.coefs_[0][0, 0] == 7.0


def test_every_call_of_a_network_works_on_an_estimator():
    model = of("MLPRegressor", alpha=0.0).fit(X, y)
    net, T = model.network_, y.reshape(-1, 1).astype(float)
    assert_same_bits(net.forward(X).ravel(), model.predict(X))
    assert bp.gradcheck(net, X[:5], T[:5]).ok
    assert len(net.activations(X)) == 2
    before = model.predict(X)
    net.train(X, T, epochs=3, learning_rate=0.01)
    assert (model.predict(X) != before).any()


@pytest.mark.parametrize(
    ("tamper", "error", "words"),
    [
        (lambda m: m.coefs_.__setitem__(0, np.zeros((4, 5))), ValueError, r"intercepts_\[0\]"),
        (lambda m: m.coefs_.__setitem__(1, np.zeros((6, 2))), ValueError, r"intercepts_\[1\]"),
        (lambda m: m.coefs_.__setitem__(0, np.zeros((3, 6))), ValueError, "3 features"),
        (lambda m: m.coefs_.__setitem__(0, np.zeros((4, 6), complex)), TypeError, r"coefs_\[0\]"),
        (lambda m: m.coefs_.__setitem__(0, None), TypeError, r"coefs_\[0\]"),
        (lambda m: m.coefs_.__setitem__(0, np.full((4, 6), np.inf)), ValueError, r"coefs_\[0\].*infinity"),
        (lambda m: m.coefs_[0].__setitem__((0, 0), np.nan), ValueError, r"coefs_\[0\].*NaN"),
        (lambda m: m.intercepts_[1].__setitem__(0, np.nan), ValueError, r"intercepts_\[1\].*NaN"),
        (lambda m: m.coefs_.pop(), ValueError, "one for each layer"),
        (lambda m: setattr(m, "intercepts_", 3), TypeError, "intercepts_"),
    ],
)
@pytest.mark.parametrize("call", ["predict", "partial_fit", "score"])
def test_what_does_not_fit_is_refused_at_the_next_call(tamper, error, words, call):
    model = of("MLPClassifier").fit(X, y)
    tamper(model)
    with pytest.raises(error, match=words):
        getattr(model, call)(*((X,) if call == "predict" else (X, y)))


def test_another_activation_after_the_fit_is_used_as_scikit_learn_does():
    from sklearn.neural_network import MLPClassifier

    for model in (of("MLPClassifier"), MLPClassifier((6,), max_iter=8, random_state=0)):
        model.fit(X, y).set_params(activation="tanh")
    probabilities = [
        m.predict_proba(X) for m in (model, of("MLPClassifier").fit(X, y).set_params(activation="tanh"))
    ]
    np.testing.assert_allclose(*probabilities, rtol=1e-9)


# ---- runs that end badly ----------------------------------------------------------------------------

WILD = {"solver": "sgd", "activation": "identity", "learning_rate_init": 1.0, "max_iter": 20}


def test_a_diverged_fit_says_where_and_what_helps():
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights") as error:
        of("MLPRegressor", **WILD).fit(load_iris().data, y)
    for words in ("in epoch ", "layer 0", "learning_rate_init", "StandardScaler"):
        assert words in str(error.value)


def test_a_diverged_fit_with_early_stopping_keeps_the_best():
    model = of("MLPRegressor", **WILD, early_stopping=True)
    with np.errstate(over="ignore"), pytest.warns(ConvergenceWarning, match="Training diverged in epoch"):
        model.fit(load_iris().data, y)
    assert np.isnan(model.validation_scores_[-1])
    assert len(model.validation_scores_) == model.n_iter_ == 20
    assert np.isfinite(model.predict(X)).all()


SCRIPT = textwrap.dedent("""
    import signal, sys, time, warnings
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.preprocessing import scale
    import backprop as bp

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children ignore it

    X, y = load_digits(return_X_y=True)
    X = scale(np.tile(X, (6, 1)))
    y = np.tile(y, 6)
    model = bp.MLPClassifier(random_state=0, max_iter=10**6, tol=0.0, n_iter_no_change=10**6, engine=sys.argv[1],
                             solver=sys.argv[2], hidden_layer_sizes=(40,))
    print("ready", flush=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
        stopped = time.time()
    assert [str(w.message) for w in caught] == ["Training interrupted by user."], [str(w.message) for w in caught]
    assert np.isfinite(model.predict_proba(X[:100])).all()
    model.set_params(max_iter=1, solver="adam").partial_fit(X[:100], y[:100])
    print(stopped)
""")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_ctrl_c(engine, solver):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, engine, solver], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    # 50 ms is promised, or one batch; a busy machine may not even schedule the process for longer than that. The
    # Python engine needs longer for a batch of 200.
    assert float(output) - sent < (0.25 if engine == "compiled" else 1.5)


def test_an_exception_of_a_callback_leaves_a_usable_model():
    def fail(model):
        if model.n_iter_ == 3:
            raise RuntimeError("mine")

    model = of("MLPClassifier", callback=fail)
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, y)
    assert model.predict(X).shape == (150,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same_bits(model.coefs_[0], of("MLPClassifier", max_iter=3).fit(X, y).coefs_[0])
