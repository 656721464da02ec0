"""Time the estimators against scikit-learn's and print a table.

    python bench/estimators.py [--toy]

Both fit the same data with the same parameters and random_state, in turns, each on one thread; a ratio is the
median of the ratios within each turn. Processor time is measured: a busy machine leaves it comparable. Before
anything is timed, the two must have computed the same weights, to 1e-9 of the largest, in as many epochs.
"""

import argparse
import warnings
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import backprop as bp

REPEATS = 9
SGD = {"solver": "sgd", "batch_size": 1}


def standardised(load: Callable[..., Any]) -> tuple[Any, Any]:
    X, y = load(return_X_y=True)
    return scale(X), scale(y) if load is load_diabetes else y


def twins(kind: str, parameters: dict[str, Any]) -> tuple[Any, Any]:
    """scikit-learn's estimator and ours."""
    theirs, mine = (getattr(module, kind)(random_state=1, **parameters) for module in (neural_network, bp))
    return theirs, mine


def check_same(theirs: Any, mine: Any) -> None:
    """Raise if the two did not compute the same."""
    arrays = zip(theirs.coefs_ + theirs.intercepts_, mine.coefs_ + mine.intercepts_, strict=True)
    worst = max(np.abs(a - b).max() / np.abs(a).max() for a, b in arrays)
    if theirs.n_iter_ != mine.n_iter_ or not worst <= 1e-9:
        raise SystemExit(f"not the same: {theirs.n_iter_} and {mine.n_iter_} epochs, arrays differ by {worst:.1e}")


def seconds(run: Callable[[], Any], clock: Callable[[], float] = process_time) -> float:
    begin = clock()
    run()
    return clock() - begin


def timed(theirs: Callable[[], Any], mine: Callable[[], Any], repeats: int) -> tuple[float, float, float]:
    """Median seconds of each, and the median of the ratios within a turn."""
    turns = [(seconds(theirs), seconds(mine)) for _ in range(repeats)]
    return median(a for a, _ in turns), median(b for _, b in turns), median(a / b for a, b in turns)


def predict(model: Any, x: Any, calls: int) -> None:
    for _ in range(calls):
        model.predict(x)


def fits(toy: bool) -> list[tuple[str, str, Any, dict[str, Any]]]:
    """A name, a class, its data and its parameters."""
    few = {"max_iter": 3} if toy else {}
    iris, digits, cancer = map(standardised, (load_iris, load_digits, load_breast_cancer))
    ten = {"max_iter": 3 if toy else 10}
    wide = [
        (f"digits, {sizes}, 10 epochs", "MLPClassifier", digits, {"hidden_layer_sizes": sizes, **ten})
        for sizes in ((16,), (256,), (256, 256), (64, 128, 256))
    ]
    return [
        ("iris, defaults", "MLPClassifier", iris, few),
        ("digits, defaults", "MLPClassifier", digits, few),
        ("iris, sgd, one by one", "MLPClassifier", iris, {**SGD, **few}),
        ("iris, early stopping", "MLPClassifier", iris, {"early_stopping": True, "n_iter_no_change": 200, **few}),
        ("breast cancer, defaults", "MLPClassifier", cancer, few),
        ("breast cancer, (32, 16), batches of 32", "MLPClassifier", cancer,
         {"hidden_layer_sizes": (32, 16), "batch_size": 32, **few}),
        ("diabetes, defaults", "MLPRegressor", standardised(load_diabetes), few),
        ("iris, lbfgs, 10 iterations", "MLPClassifier", iris, {"solver": "lbfgs", "max_iter": 10}),
        ("digits, lbfgs, 10 iterations", "MLPClassifier", digits, {"solver": "lbfgs", "max_iter": 10}),
        *wide,
        ("diabetes, (256, 256), 10 epochs", "MLPRegressor", standardised(load_diabetes),
         {"hidden_layer_sizes": (256, 256), **ten}),
    ]  # fmt: skip


def two_threads(toy: bool) -> float:
    """How much sooner a search over seeds ends with two threads than with one."""
    X, y = standardised(load_digits)
    grid = {"random_state": list(range(2 if toy else 8))}
    model = bp.MLPClassifier(max_iter=2 if toy else 20)
    found = []
    for _ in range(1 if toy else 5):
        times = []
        for n_jobs in (1, 2):
            search = GridSearchCV(model, grid, cv=2, n_jobs=n_jobs, refit=False)
            with parallel_threads():
                times.append(seconds(partial(search.fit, X, y), perf_counter))
        found.append(times[0] / times[1])
    return median(found)


def parallel_threads() -> Any:
    from joblib import parallel_config

    return parallel_config(backend="threading")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time our estimators against scikit-learn's; print a table.")
    parser.add_argument("--toy", action="store_true", help="a few seconds, to see that it runs")
    toy = parser.parse_args().toy
    repeats = 1 if toy else REPEATS
    warnings.simplefilter("ignore")
    print("| fit | scikit-learn, ms | ours, ms | times faster |")
    print("|---|--:|--:|--:|")
    with threadpool_limits(1):
        for name, kind, (X, y), parameters in fits(toy):
            theirs, mine = twins(kind, parameters)
            check_same(theirs.fit(X, y), mine.fit(X, y))
            a, b, ratio = timed(partial(theirs.fit, X, y), partial(mine.fit, X, y), repeats)
            print(f"| {name} | {1e3 * a:,.1f} | {1e3 * b:,.1f} | {ratio:.1f} |", flush=True)
        calls = 10 if toy else 500
        for kind, load in (("MLPClassifier", load_iris), ("MLPRegressor", load_diabetes)):
            X, y = standardised(load)
            theirs, mine = (model.fit(X, y) for model in twins(kind, {"max_iter": 10}))
            x = X[:1].copy()
            a, b, ratio = timed(partial(predict, theirs, x, calls), partial(predict, mine, x, calls), repeats)
            name = f"{kind}.predict of one row"
            print(f"| {name} | {1e3 * a / calls:.4f} | {1e3 * b / calls:.4f} | {ratio:.1f} |", flush=True)
        print(
            f"\nGridSearchCV over seeds on digits, two threads against one: {two_threads(toy):.2f} times sooner."
        )
    size = "TOY SIZE, for no conclusions" if toy else f"medians of {repeats} turns"
    print(f"One thread, standardised data, {size}: `python bench/estimators.py`.")


if __name__ == "__main__":
    main()
