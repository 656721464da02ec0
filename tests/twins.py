"""The same fit by scikit-learn's estimators and by ours, and how equal the results are.

    python tests/twins.py 300 --seed 0

walks over random points of all parameters and says what it found. The measure: scikit-learn against itself, its
initial weights changed by one ulp. Where it agrees with itself within 1e-11, ours must agree within 1e-9, epochs
and predictions exactly; elsewhere within 100 times what it differs from itself. "lbfgs": ten iterations.
"""

import argparse
import copy
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn import datasets, neural_network
from sklearn.preprocessing import scale

import backprop as bp

CALM, EQUAL, FACTOR = 1e-11, 1e-9, 100.0
FLOAT32 = 1e-3
OWN_WARNING = "Training diverged"  # with early stopping theirs says nothing


@dataclass
class Point:
    """One fit, or several calls in a row."""

    data: str
    parameters: dict[str, Any]
    standardised: bool = True
    x_form: str = "ndarray"  # of FORMS_X
    y_form: str = "ndarray"  # of FORMS_LABELS or FORMS_TARGETS
    weighted: bool = False
    dtype: str = "float64"
    calls: tuple[str, ...] = ("fit",)
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)  # parameters set before a call
    seed: int = 0


def thinned(X: Any) -> Any:
    return np.where(np.abs(X) < 0.5, 0.0, X)


def with_wide_indices(X: Any) -> Any:
    X = scipy.sparse.csr_matrix(thinned(X))
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def frame(X: Any) -> Any:
    return pd.DataFrame(X, columns=[f"feature {k}" for k in range(X.shape[1])])


FORMS_X = {
    "ndarray": lambda X: X,
    "columns first": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "list": lambda X: X.tolist(),
    "DataFrame": frame,
    "integers": lambda X: np.round(3.0 * X).astype(int),
    "booleans": lambda X: X > 0,
    "float16": lambda X: X.astype(np.float16),
    "big-endian": lambda X: X.astype(">f8"),
    "objects": lambda X: X.astype(object),
    "csr": lambda X: scipy.sparse.csr_matrix(thinned(X)),
    "csc": lambda X: scipy.sparse.csc_matrix(thinned(X)),
    "csr_array": lambda X: scipy.sparse.csr_array(thinned(X)),
    "csr, 64-bit": with_wide_indices,
}
FORMS_LABELS = {
    "ndarray": lambda y: y,
    "list": lambda y: y.tolist(),
    "strings": lambda y: np.array([f"class {label}" for label in y]),
    "objects": lambda y: np.array([f"class {label}" for label in y], dtype=object),
    "Series": pd.Series,
    "categories": lambda y: pd.Series(pd.Categorical([f"class {label}" for label in y])),
    "column": lambda y: y.reshape(-1, 1),
    "floats": lambda y: y.astype(float),
    "uint8, with gaps": lambda y: (10 * y + 7).astype(np.uint8),
    "booleans": lambda y: y > 0,
    "of either sign": lambda y: np.where(y > 0, 1, -1),
    "all the same": lambda y: np.ones(len(y), int),
    "indicator": lambda y: np.c_[y == 0, y > 1].astype(int),
    "indicator, booleans": lambda y: np.c_[y == 0, y > 1],
    "indicator, csr": lambda y: scipy.sparse.csr_matrix(np.c_[y == 0, y > 1].astype(int)),
}
FORMS_TARGETS = {
    "ndarray": lambda y: y,
    "list": lambda y: y.tolist(),
    "Series": pd.Series,
    "column": lambda y: y.reshape(-1, 1),
    "DataFrame": lambda y: pd.DataFrame({"a": y, "b": 2.0 * y}),
    "integers": lambda y: np.round(y).astype(int),
    "booleans": lambda y: y > 0,
    "columns first": lambda y: np.asfortranarray(np.c_[y, y, -y]),
    "all the same": lambda y: np.ones(len(y)),
}
OF_ONE_LABEL, OF_ONE_TARGET = ("iris", "wine", "digits"), ("diabetes",)
CLASSIFICATION = ("iris", "wine", "breast_cancer", "digits", "multilabel", "strings")
REGRESSION = ("diabetes", "linnerud", "counts", "target_float32")


@cache
def loaded(name: str) -> tuple[Any, Any]:
    """Real data, thinned to at most 240 samples."""
    if name == "strings":
        X, y = datasets.load_iris(return_X_y=True)
        return X[:100], np.array(["no", "yes"])[y[:100]]
    if name in ("counts", "target_float32"):
        X, y = datasets.load_diabetes(return_X_y=True)
        y = np.floor(y / 30.0) if name == "counts" else scale(y).astype(np.float32)
        return X[:240], y[:240]
    if name == "linnerud":
        X, y = datasets.load_linnerud(return_X_y=True)
        return X, scale(y)
    if name == "multilabel":
        X, y = datasets.load_wine(return_X_y=True)
        return X, np.c_[y == 0, X[:, 0] > 13.0, X[:, 3] > 20.0].astype(int)
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    step = max(1, len(X) // 240)
    return X[::step], (scale(y[::step]) if name == "diabetes" else y[::step])


def data_of(point: Point) -> tuple[Any, Any, Any]:
    X, y = loaded(point.data)
    X = (scale(X) if point.standardised else X).astype(point.dtype)
    weights = np.random.RandomState(point.seed).uniform(0.2, 3.0, size=len(X)) if point.weighted else None
    forms_y = FORMS_LABELS if point.data in CLASSIFICATION else FORMS_TARGETS
    return FORMS_X[point.x_form](X), forms_y[point.y_form](y), weights


def dense(values: Any) -> Any:
    return values.toarray() if scipy.sparse.issparse(values) else np.asarray(values)


def nudged(kind: type) -> type:
    """scikit-learn's class with every initial weight one ulp off, up or down."""

    class Nudged(kind):  # type: ignore[misc]
        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> Any:
            rng = np.random.RandomState(fan_in * 1000 + fan_out)
            arrays = super()._init_coef(fan_in, fan_out, dtype)
            return tuple(
                np.nextafter(a, np.where(rng.uniform(size=a.shape) < 0.5, -9, 9).astype(a.dtype)) for a in arrays
            )

    Nudged.__name__ = kind.__name__
    return Nudged


@dataclass
class Outcome:
    """What the calls left behind."""

    model: Any
    error: str = ""
    warned: tuple[str, ...] = ()
    predictions: Any = None


def run(kind: type, point: Point) -> Outcome:
    X, y, weights = data_of(point)
    parameters = {
        name: np.random.RandomState(int(value[4:]))
        if isinstance(value, str) and value.startswith("rng ")
        else value
        for name, value in point.parameters.items()
    }
    model = kind(**parameters)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            for k, call in enumerate(point.calls):
                model.set_params(**point.changes.get(k, {}))
                first = call == "partial_fit" and point.data in CLASSIFICATION and not hasattr(model, "classes_")
                more = {"classes": np.unique(dense(y))} if first else {}
                getattr(model, call)(X, y, sample_weight=weights, **more)
        except (ValueError, ZeroDivisionError, AttributeError) as error:
            return Outcome(model, f"{type(error).__name__}: {error}")
        predictions = model.predict(X)
    kept = (w for w in caught if issubclass(w.category, UserWarning) and OWN_WARNING not in str(w.message))
    return Outcome(model, "", tuple(f"{w.category.__name__}: {w.message}" for w in kept), predictions)


def difference(mine: Outcome, theirs: Outcome) -> float:
    """The largest difference of any array, as a part of that array's largest entry."""
    found = [0.0]
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(mine.model, name), getattr(theirs.model, name), strict=True):
            largest = np.abs(b).max()
            found.append(float(np.abs(np.float64(a) - b).max() / largest) if largest else float(np.abs(a).max()))
    return max(np.inf if np.isnan(value) else value for value in found)


def curve_of(outcome: Outcome) -> Any:
    curve = getattr(outcome.model, "loss_curve_", None)
    return np.array([outcome.model.loss_] if curve is None else curve, dtype=float)


@dataclass
class Verdict:
    """How a point came out; `problems` is empty where all demands are met."""

    own: float = 0.0  # scikit-learn's difference from itself
    ours: float = 0.0
    problems: list[str] = field(default_factory=list)


def compare(point: Point) -> Verdict:
    kind = "MLPClassifier" if point.data in CLASSIFICATION else "MLPRegressor"
    theirs = run(getattr(neural_network, kind), copy.deepcopy(point))
    mine = run(getattr(bp, kind), copy.deepcopy(point))
    verdict = Verdict()
    say = verdict.problems.append
    nudge = run(nudged(getattr(neural_network, kind)), copy.deepcopy(point))
    if nudge.error != theirs.error:  # it depends on an ulp
        verdict.own = np.inf
        return verdict
    if theirs.error or mine.error:
        if not theirs.error or not mine.error.startswith(theirs.error):
            say(f"errors: theirs {theirs.error!r}, ours {mine.error!r}")
        return verdict
    verdict.own, verdict.ours = difference(nudge, theirs), difference(mine, theirs)
    if point.dtype == "float32":
        if mine.model.coefs_[0].dtype != theirs.model.coefs_[0].dtype:
            say(f"dtypes: theirs {theirs.model.coefs_[0].dtype}, ours {mine.model.coefs_[0].dtype}")
        if mine.predictions.dtype != theirs.predictions.dtype:
            say(f"dtypes of predictions: theirs {theirs.predictions.dtype}, ours {mine.predictions.dtype}")
        if mine.model.n_iter_ == theirs.model.n_iter_ and not verdict.ours <= max(FLOAT32, FACTOR * verdict.own):
            say(f"arrays: {verdict.ours:.1e}, own {verdict.own:.1e}")
        return verdict
    calm = verdict.own <= CALM and nudge.model.n_iter_ == theirs.model.n_iter_
    allowed = EQUAL if calm else FACTOR * verdict.own
    same_length = mine.model.n_iter_ == theirs.model.n_iter_
    if (calm or same_length) and not verdict.ours <= allowed:
        say(f"arrays: {verdict.ours:.1e}, allowed {allowed:.1e}")
    if not calm:
        return verdict
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        a, b = getattr(mine.model, name), getattr(theirs.model, name)
        if a != b:
            say(f"{name}: theirs {b}, ours {a}")
    a, b = curve_of(mine), curve_of(theirs)
    if len(a) != len(b) or not np.allclose(a, b, rtol=EQUAL, atol=0.0, equal_nan=True):
        say(f"loss_curve_: {np.abs(a - b).max() if len(a) == len(b) else (len(a), len(b))}")
    for name in ("validation_scores_", "best_validation_score_", "best_loss_"):
        a, b = getattr(mine.model, name, None), getattr(theirs.model, name, None)
        if (a is None) != (b is None) or (
            a is not None and not np.allclose(a, b, rtol=EQUAL, atol=1e-9, equal_nan=True)
        ):
            say(f"{name}: theirs {b}, ours {a}")
    a, b = mine.predictions, theirs.predictions
    if type(a) is not type(b) or a.dtype != b.dtype or a.shape != b.shape:
        say(f"predictions: theirs {type(b).__name__} of {b.dtype}, ours {type(a).__name__} of {a.dtype}")
    elif point.data in CLASSIFICATION:
        if not (dense(a) == dense(b)).all():
            say("predictions differ")
    elif not np.abs(a - b).max() <= EQUAL * np.abs(b).max():
        say(f"predictions: {np.abs(a - b).max():.1e}")
    if mine.warned != theirs.warned:
        say(f"warnings: theirs {theirs.warned}, ours {mine.warned}")
    return verdict


def random_point(seed: int) -> Point:
    """A point of all parameters; every one is left out now and then."""
    rng = np.random.RandomState(seed)

    def one_of(*values: Any) -> Any:
        return values[rng.randint(len(values))]

    data = one_of(*CLASSIFICATION, *REGRESSION)
    solver = one_of("sgd", "sgd", "adam", "adam", "lbfgs")
    drawn = {
        "hidden_layer_sizes": one_of((100,), (7,), 5, (6, 4), (3, 5, 4), [8], ()),
        "activation": one_of("identity", "logistic", "tanh", "relu"),
        "alpha": one_of(0.0, 1e-4, 0.1, 1.0),
        "batch_size": one_of("auto", 1, 7, 32, 64, 1000),
        "learning_rate": one_of("constant", "invscaling", "adaptive"),
        "learning_rate_init": one_of(1e-3, 1e-2, 0.05, 0.3),
        "power_t": one_of(0.5, 0.1, 1.0),
        "shuffle": one_of(True, False),
        "tol": one_of(1e-4, 1e-2, 0.0, 0.3),
        "momentum": one_of(0.0, 0.5, 0.9, 1.0),
        "nesterovs_momentum": one_of(True, False),
        "early_stopping": one_of(False, False, True),
        "validation_fraction": one_of(0.1, 0.3),
        "beta_1": one_of(0.9, 0.5, 0.0),
        "beta_2": one_of(0.999, 0.9, 0.0),
        "epsilon": one_of(1e-8, 1e-3),
        "n_iter_no_change": one_of(1, 2, 10, np.inf),
        "max_fun": one_of(15000, 5),
    }
    parameters = {name: value for name, value in drawn.items() if rng.uniform() < 0.55}
    parameters |= {
        "solver": solver,
        "max_iter": int(rng.randint(1, 11 if solver == "lbfgs" else 25)),
        "random_state": one_of(int(rng.randint(1000)), f"rng {rng.randint(1000)}"),
        "warm_start": one_of(True, False, False),
    }
    if data == "counts" and rng.uniform() < 0.8:
        parameters["loss"] = "poisson"
    forms_y = (
        FORMS_LABELS if data in OF_ONE_LABEL
        else FORMS_TARGETS if data in OF_ONE_TARGET and "loss" not in parameters
        else {"ndarray": None}
    )  # fmt: skip
    calls = one_of(("fit",), ("fit",), ("fit", "fit"), ("fit", "partial_fit"), ("partial_fit",) * 3)
    if parameters["warm_start"] and parameters.get("early_stopping"):
        calls = ("fit",)  # a second call is a known difference: docs/estimators.md
    return Point(
        data=data,
        parameters=parameters,
        standardised=bool(rng.uniform() < 0.85),
        x_form=one_of(*FORMS_X) if rng.uniform() < 0.4 else "ndarray",
        y_form=one_of(*forms_y) if rng.uniform() < 0.4 else "ndarray",
        weighted=bool(rng.uniform() < 0.3),
        dtype="float32" if rng.uniform() < 0.1 else "float64",
        calls=calls,
        changes={1: {"max_iter": 5}} if len(calls) == 2 and rng.uniform() < 0.3 else {},
        seed=seed,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare ours with scikit-learn's at random points.")
    parser.add_argument("points", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    calm = failed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.points):
        point = random_point(seed)
        verdict = compare(point)
        calm += verdict.own <= CALM
        if verdict.problems:
            failed += 1
            print(seed, f"own {verdict.own:.1e} ours {verdict.ours:.1e}", point, *verdict.problems, sep="\n    ")
    print(f"{arguments.points} points from seed {arguments.seed}: {calm} calm, {failed} with problems")


if __name__ == "__main__":
    main()
