"""Our estimators compute what scikit-learn's do. `twins.py` has the measure, and walks as far as one likes."""

import copy
import os
import warnings

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_wine
from twins import CLASSIFICATION, FORMS_LABELS, FORMS_TARGETS, FORMS_X, Point, compare, random_point

import backprop as bp

N_POINTS = 40 if os.environ.get("HYPOTHESIS_PROFILE") != "long" else 600


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("data", [*CLASSIFICATION, "diabetes", "linnerud", "counts"])
def test_the_grid(data, activation, solver):
    parameters = {"activation": activation, "solver": solver, "max_iter": 6, "random_state": 3}
    verdict = compare(Point(data, {**parameters, "hidden_layer_sizes": (9, 5), "learning_rate_init": 0.01}))
    assert not verdict.problems


GRID = {
    "batch_size": [1, 7, 10**6],
    "learning_rate": ["invscaling", "adaptive"],
    "power_t": [0.1],
    "momentum": [0.0, 1.0],
    "nesterovs_momentum": [False],
    "early_stopping": [True],
    "validation_fraction": [0.3],
    "beta_1": [0.0],
    "beta_2": [0.5],
    "epsilon": [0.01],
    "alpha": [0.0, 3.0],
    "shuffle": [False],
    "n_iter_no_change": [1, np.inf],
    "tol": [0.0, 0.5],
    "hidden_layer_sizes": [(), 4, [3, 3, 3]],
    "loss": ["poisson"],
    "random_state": ["rng 5"],
    "max_fun": [4],
}


OF_LBFGS = ("alpha", "hidden_layer_sizes", "loss", "max_fun", "random_state", "tol")


@pytest.mark.parametrize(
    ("solver", "name", "value"),
    [
        (solver, name, value)
        for solver in ("sgd", "adam", "lbfgs")
        for name in (OF_LBFGS if solver == "lbfgs" else GRID)
        for value in GRID[name]
    ],
)
def test_each_parameter(solver, name, value):
    more = {"early_stopping": True} if name == "validation_fraction" else {}
    parameters = {
        "solver": solver,
        "max_iter": 8,
        "random_state": 1,
        "learning_rate_init": 0.02,
        **more,
        name: value,
    }
    for data in ("counts",) if name == "loss" else ("iris", "diabetes"):
        assert not compare(Point(data, parameters)).problems


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("calls", [("fit",), ("fit", "partial_fit"), ("partial_fit",) * 3, ("fit", "fit")])
@pytest.mark.parametrize("data", ["iris", "diabetes"])
def test_kinds_of_input_and_of_calls(data, calls, dtype, sparse, weighted):
    parameters = {"max_iter": 5, "random_state": 2, "warm_start": calls == ("fit", "fit"), "hidden_layer_sizes": 6}
    x_form = "csr" if sparse else "ndarray"
    verdict = compare(Point(data, parameters, x_form=x_form, weighted=weighted, dtype=dtype, calls=calls))
    assert not verdict.problems


FORMS = [
    *(("iris", form, "ndarray") for form in FORMS_X),
    *(("iris", "ndarray", form) for form in FORMS_LABELS),
    *(("diabetes", "ndarray", form) for form in FORMS_TARGETS),
]


@pytest.mark.parametrize(("data", "x_form", "y_form"), FORMS)
def test_every_form_of_data(data, x_form, y_form):
    for solver, early_stopping, calls in (
        ("adam", False, ("fit", "partial_fit")),
        ("sgd", True, ("fit",)),
        ("lbfgs", False, ("fit",)),
    ):
        parameters = {
            "solver": solver,
            "max_iter": 6,
            "random_state": 4,
            "hidden_layer_sizes": 5,
            "batch_size": 9,
            "early_stopping": early_stopping,
        }
        verdict = compare(Point(data, parameters, x_form=x_form, y_form=y_form, weighted=True, calls=calls))
        assert not verdict.problems


def test_lbfgs_computes_in_float32_where_the_data_are():
    """Losses are clipped by the precision; wrong classes that are certain show it."""
    parameters = {"solver": "lbfgs", "max_iter": 2, "random_state": np.random.RandomState(619), "alpha": 0.0}
    kinds = [module.MLPClassifier for module in (neural_network, bp)]
    X, y = load_wine(return_X_y=True)
    models = [_quietly(kind(**copy.deepcopy(parameters)), X.astype(np.float32), y) for kind in kinds]
    assert models[1].loss_ == pytest.approx(models[0].loss_, rel=1e-3)
    assert {w.dtype for model in models for w in model.coefs_} == {np.dtype("float64")}


def _quietly(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def test_the_whole_run_to_convergence():
    for data in ("iris", "wine"):
        parameters = {"max_iter": 400, "random_state": 0, "learning_rate_init": 0.05, "hidden_layer_sizes": 8}
        verdict = compare(Point(data, parameters))
        assert not verdict.problems
        assert verdict.own < 1e-11


def test_data_that_is_not_standardised():
    """Saturated units and losses that are clipped."""
    for data in ("wine", "breast_cancer", "diabetes"):
        assert not compare(Point(data, {"max_iter": 5, "random_state": 0}, standardised=False)).problems


@pytest.mark.parametrize("seed", range(N_POINTS))
def test_a_random_point(seed):
    assert not compare(random_point(10_000 + seed)).problems
