"""Print how far scores of lbfgs move when the initial weights change by one unit in the last place.

docs/sweep.md quotes it, as what another processor's BLAS may do to a row of a sweep. It takes about a minute.
"""

import warnings
from typing import Any

import numpy as np

from backprop.sweeps.data import load
from backprop.sweeps.folds import prepare
from backprop.sweeps.grid import estimator_class
from backprop.sweeps.plan import SETS, Plan
from backprop.sweeps.scores import score


def trained(estimator: Any, fold: Any, start: Any) -> Any:
    """The estimator, fitted from given weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.set_weights(*start).fit(fold.X_train, fold.y_train)


def initial_weights(make: Any, fold: Any) -> tuple[Any, Any]:
    """The weights that an estimator draws."""
    kept: list[Any] = []

    class Keeper(make):  # type: ignore[misc]
        def _take_start(self, network: Any) -> None:
            kept.extend(([w.copy() for w in network.weights], [b.copy() for b in network.biases]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Keeper(hidden_layer_sizes=(16,), random_state=0, max_iter=1).fit(fold.X_train, fold.y_train)
    return kept[0], kept[1]


def main() -> None:
    """Measure every data set with relu and tanh, on five folds."""
    print("set             activation  largest change of a fold's score  iterations")
    for name, task in SETS.items():
        tables = {"data": {"set": name}, "preprocessing": {"constant_columns": "keep"}}
        plan = Plan.read(tables, name)
        folds = prepare(plan, load(plan, None))
        make = estimator_class(task)
        for activation in ("relu", "tanh"):
            changes, iterations = [], []
            for fold in folds:
                start = initial_weights(make, fold)
                moved = tuple([np.nextafter(array, np.inf) for array in arrays] for arrays in start)
                scores = []
                for weights in (start, moved):
                    estimator = make(hidden_layer_sizes=(16,), activation=activation, solver="lbfgs")
                    trained(estimator, fold, weights)
                    scores.append(score(plan.score, fold.y_test, estimator.predict(fold.X_test)))
                    iterations.append(estimator.n_iter_)
                changes.append(abs(scores[0] - scores[1]))
            print(f"{name:<15} {activation:<11} {max(changes):<33.2g} {min(iterations)} to {max(iterations)}")


if __name__ == "__main__":
    main()
