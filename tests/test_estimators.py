"""The estimators as scikit-learn sees them: signature, attributes, checks, searches, copies, sparse data."""

import copy
import inspect
import io
import os
import pickle
import subprocess
import sys
import tracemalloc
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from bits import assert_same_bits
from sklearn import config_context, neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import backprop as bp

IRIS = load_iris(return_X_y=True)
X, y = scale(IRIS[0]), IRIS[1]
KINDS = ["MLPClassifier", "MLPRegressor"]
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")


def of(kind: str, **parameters):
    """A small model that is fitted soon, one for each class."""
    return getattr(bp, kind)(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0, **parameters})


@pytest.mark.parametrize("kind", KINDS)
def test_the_signature_is_theirs_and_then_ours(kind):
    theirs = list(inspect.signature(getattr(neural_network, kind)).parameters.values())
    mine = list(inspect.signature(getattr(bp, kind)).parameters.values())
    assert [(p.name, p.default, p.kind) for p in mine[: len(theirs)]] == [
        (p.name, p.default, p.kind) for p in theirs
    ]
    assert all(p.kind is p.KEYWORD_ONLY for p in mine[len(theirs) :])


@pytest.mark.parametrize("kind", KINDS)
def test_every_method_and_attribute_of_theirs_is_there(kind):
    for solver in ("adam", "lbfgs"):
        theirs = getattr(neural_network, kind)(max_iter=200, solver=solver, random_state=0, hidden_layer_sizes=3)
        mine = getattr(bp, kind)(max_iter=200, solver=solver, random_state=0, hidden_layer_sizes=3)
        assert repr(theirs) == repr(mine)
        frame = pd.DataFrame(X, columns=list("abcd"))
        theirs.fit(frame, y)
        mine.fit(frame, y)
        public = {name for name in dir(theirs) if not name.startswith("_")}
        assert public <= set(dir(mine)) | {"set_partial_fit_request"}
        for name in (name for name in vars(theirs) if name.endswith("_")):
            assert type(getattr(mine, name)) is type(getattr(theirs, name))
        assert list(mine.feature_names_in_) == list("abcd")


def test_the_checks_of_scikit_learn():
    """All of them; the one that is skipped asks for a decision_function, which theirs has not either."""
    code = """
import warnings; warnings.simplefilter("ignore")
import backprop as bp
from sklearn.utils.estimator_checks import check_estimator
for kind in (bp.MLPClassifier, bp.MLPRegressor):
    for result in check_estimator(kind(), on_fail=None, on_skip=None):
        if result["status"] != "passed":
            print(kind.__name__, result["check_name"], result["status"], result["exception"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "SCIPY_ARRAY_API": "1"}
    )
    assert done.returncode == 0, done.stderr
    [only] = done.stdout.splitlines()
    assert "check_classifiers_multilabel_output_format_decision_function skipped" in only


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_give_the_same_bits(both, kind):
    for parameters in ({}, {"solver": "sgd", "early_stopping": True}, {"clip_norm": 0.1, "batch_size": 7}):
        models = [of(kind, engine=engine, **parameters).fit(X, y) for engine in both]
        for a, b in zip(*((*m.coefs_, *m.intercepts_, np.array(m.loss_curve_)) for m in models), strict=True):
            assert_same_bits(a, b)
        assert_same_bits(models[0].predict(X), models[1].predict(X))
        assert [model.network_.engine for model in models] == list(both)


def test_in_the_company_of_scikit_learns_tools():
    pipeline = make_pipeline(StandardScaler(), of("MLPClassifier", max_iter=60, learning_rate_init=0.05))
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [0.0, 0.1]}, cv=3).fit(*IRIS)
    assert search.score(*IRIS) > 0.9
    assert CalibratedClassifierCV(pipeline, cv=2).fit(*IRIS).predict_proba(IRIS[0]).shape == (150, 3)
    assert cross_validate(of("MLPRegressor"), *load_diabetes(return_X_y=True), cv=2)["test_score"].shape == (2,)


def test_metadata_is_routed():
    weights = np.linspace(0.1, 2.0, len(y))
    with config_context(enable_metadata_routing=True):
        model = of("MLPClassifier").set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model).fit(X, y, sample_weight=weights, X_val=X, y_val=y)
    alone = of("MLPClassifier").fit(StandardScaler().fit_transform(X), y, weights, X_val=X, y_val=y)
    assert_same_bits(pipeline[-1].coefs_[0], alone.coefs_[0])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_parallel(backend):
    models = [of("MLPClassifier", random_state=seed) for seed in range(4)]
    expected = [_fitted(clone(model)).coefs_[0] for model in models]
    with joblib.parallel_config(backend, n_jobs=2):
        found = joblib.Parallel()(joblib.delayed(_fitted)(model) for model in models)
    for model, coefs in zip(found, expected, strict=True):
        assert_same_bits(model.coefs_[0], coefs)


def _fitted(model):
    return model.set_params(n_iter_no_change=1, tol=10.0).fit(X, y)  # it stops early, without a warning


@pytest.mark.parametrize("kind", KINDS)
def test_copies_go_on_as_the_original_does(kind):
    model = of(kind, solver="sgd").fit(X, y)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model), joblib.load(buffer)]
    model.partial_fit(X, y)
    for other in copies:
        other.partial_fit(X, y)
        assert_same_bits(other.coefs_[0], model.coefs_[0])
        assert_same_bits(other.network_.weights[0], other.coefs_[0])
        other.coefs_[0][0, 0] += 1.0
        assert other.network_.weights[0][0, 0] == model.coefs_[0][0, 0] + 1.0


def test_the_html_page_names_the_parameters():
    assert "learning_rate_init" in of("MLPClassifier").fit(X, y)._repr_html_()


@pytest.mark.parametrize("call", ["predict", "predict_proba", "score"])
def test_nothing_without_a_fit(call):
    with pytest.raises(NotFittedError):
        getattr(of("MLPClassifier"), call)(*((X, y) if call == "score" else (X,)))
    assert not hasattr(of("MLPClassifier"), "network_")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_fast_path_of_predict_gives_the_same(kind, dtype):
    model = of(kind).fit(X.astype(dtype), y)
    rows = X.astype(dtype)
    slow = model.predict(np.asfortranarray(rows))
    assert_same_bits(model.predict(rows), slow)
    assert model.predict(rows).dtype == slow.dtype
    for row, expected in zip(rows, slow, strict=True):
        assert model.predict(row.reshape(1, -1)) == expected
    assert model.predict(X.astype(np.float64)).dtype == (np.float64 if kind == "MLPRegressor" else slow.dtype)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.full((1, 4), np.nan), "NaN"),
        (np.array([[0.0, np.inf, 0.0, 0.0]]), "infinity"),
        (np.zeros((1, 3)), "3 features"),
        (np.zeros((0, 4)), "0 sample"),
        (np.zeros(4), "1D array"),
    ],
)
def test_the_fast_path_lets_nothing_pass(bad, words):
    with pytest.raises(ValueError, match=words):
        of("MLPClassifier").fit(X, y).predict(bad)


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, scipy.sparse.csr_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_samples_are_as_dense_ones(make, solver):
    thin = np.where(np.abs(X) < 0.5, 0.0, X)
    for kind in KINDS:
        parameters = {"solver": solver, "max_iter": 5, "batch_size": 7}
        with pytest.warns(ConvergenceWarning) if solver == "lbfgs" else warnings.catch_warnings():
            dense, sparse = of(kind, **parameters).fit(thin, y), of(kind, **parameters).fit(make(thin), y)
        np.testing.assert_allclose(dense.coefs_[0], sparse.coefs_[0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(sparse.predict(make(thin)), sparse.predict(thin), rtol=1e-12)


def test_sparse_samples_are_never_all_dense():
    wide = scipy.sparse.random(600, 20_000, density=1e-3, format="csr", random_state=0)  # 96 MB as floats
    labels = np.arange(600) % 2
    model = of("MLPClassifier", hidden_layer_sizes=2, max_iter=1, batch_size=20)
    tracemalloc.start()
    model.fit(wide, labels)
    model.predict(wide)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_several_labels():
    labels = np.c_[y == 0, y == 1, X[:, 0] > 0].astype(int)
    model = of("MLPClassifier", max_iter=100, learning_rate_init=0.05).fit(X, labels)
    assert model.predict(X).shape == (150, 3)
    assert model.score(X, labels) > 0.5
    assert model.predict_proba(X).max() <= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_weight_is_refused_as_theirs_is(kind):
    weights = np.ones(len(y))
    weights[:10] = 0.0
    for module in (neural_network, bp):
        model = getattr(module, kind)(batch_size=10, shuffle=False, max_iter=2)
        with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
            model.fit(X, y, sample_weight=weights)


def test_poisson_needs_counts():
    with pytest.raises(ValueError, match="poisson"):
        of("MLPRegressor", loss="poisson").fit(X, y - 1.0)


@pytest.mark.parametrize("parameters", [
    {"solver": "sgd"}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0},
    {"early_stopping": True, "tol": 1.0, "n_iter_no_change": 2},
])  # fmt: skip
def test_what_is_printed(capsys, parameters):
    printed = []
    for module in (neural_network, bp):
        module.MLPClassifier(verbose=True, random_state=0, max_iter=30, **parameters).fit(X, y)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", -1),
        ("hidden_layer_sizes", (5, 0)),
        ("activation", "sigmoid"),
        ("solver", "hadoken"),
        ("alpha", -1),
        ("batch_size", 0),
        ("learning_rate", "fast"),
        ("learning_rate_init", 0.0),
        ("max_iter", 0),
        ("shuffle", "yes"),
        ("tol", -1),
        ("momentum", 2),
        ("early_stopping", 1.5),
        ("validation_fraction", 1),
        ("beta_1", 1),
        ("beta_2", -0.5),
        ("epsilon", 0),
        ("n_iter_no_change", -1),
        ("max_fun", 0),
        ("verbose", "loud"),
        ("huber_delta", 0.0),
        ("clip_norm", 0.0),
        ("callback", 3),
        ("scoring", 3),
        ("engine", "gpu"),
        ("output_activation", "sigmoid"),
        ("loss", "mse"),
        ("activation", ["relu", "relu"]),
        ("activation", ["tan"]),
        ("activation", np.array(3)),
        ("output_activation", "relu"),
    ],
)
def test_bad_parameters(name, value):
    theirs = neural_network.MLPClassifier()
    with pytest.raises(ValueError, match=name) as mine:
        of("MLPClassifier", **{name: value}).fit(X, y)
    if name in theirs.get_params() and name != "activation":
        with pytest.raises(ValueError, match=name) as other:
            theirs.set_params(**{name: value}).fit(X, y)
        assert str(mine.value).startswith(str(other.value)[:60])
