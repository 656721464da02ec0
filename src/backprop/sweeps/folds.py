"""Folds and standardising, with every operation defined: the same bits on every machine and in every version.

Samples are shuffled by sorting them by the SHA-256 of the text "SEED ROW" (row from 0): nobody's random numbers,
and easily done in another language. In that order they are dealt to folds 0, 1, 2, ... and over again; where there
are classes, class by class, so that the folds' sizes, and their counts of each class, differ by one at most.

Mean: fsum(x)/n. Standard deviation: sqrt(fsum(d*d)/n), with d = x - mean. Standardised: d/deviation, or d where
the deviation is 0. `math.fsum` is the true sum, rounded once. Both are of the training part alone.
"""

from hashlib import sha256
from math import fsum, isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._input_errors import InputError
from .data import Data, Numbers, bytes_of
from .plan import Plan

__all__ = ["SCHEME", "Fold", "deal", "prepare", "spread"]

SCHEME = "sha256-deal-1"


class Fold(NamedTuple):
    """A split of the samples, standardised.

    Attributes
    ----------
    X_train, X_test : ndarray of shape (n, n_features), float64
    y_train : ndarray
        As the estimator is given it.
    y_test : ndarray
        As it is in the data.
    center, scale : ndarray of shape (n_targets,)
        What takes predictions back to the data's own numbers: ``prediction*scale + center``.
    rows_sha256 : str
        Of the test part's row numbers, from 0, ascending: decimal, one a line.
    prepared_sha256 : str
        Of X_train, y_train and X_test as little-endian float64.
    """

    X_train: Numbers
    y_train: NDArray[Any]
    X_test: Numbers
    y_test: NDArray[Any]
    center: Numbers
    scale: Numbers
    rows_sha256: str
    prepared_sha256: str

    def as_document(self) -> dict[str, Any]:
        """What a results file says of the fold."""
        return {
            "train": len(self.X_train),
            "test": len(self.X_test),
            "rows_sha256": self.rows_sha256,
            "prepared_sha256": self.prepared_sha256,
        }


def deal(data: Data, n_folds: int, seed: int) -> NDArray[np.intp]:
    """The fold of each sample."""
    order = sorted(range(len(data.X)), key=lambda row: sha256(f"{seed} {row}".encode()).digest())
    if data.classes:
        order.sort(key=lambda row: int(data.y[row]))  # stable: shuffled within each class
    fold_of = np.empty(len(order), np.intp)
    for place, row in enumerate(order):
        fold_of[row] = place % n_folds
    return fold_of


def spread(column: Numbers) -> tuple[float, float]:
    """Mean and standard deviation (not finite if the numbers are too large)."""
    try:
        mean = fsum(column.tolist()) / len(column)
        with np.errstate(over="ignore", invalid="ignore"):
            d = column - mean
            squares = (d * d).tolist()
        return mean, sqrt(fsum(squares) / len(column))
    except OverflowError:
        return np.inf, np.inf


def standardize(train: Numbers, others: list[Numbers], place: str, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Means, deviations (1 for 0), and each of the arrays standardised by them."""
    means, deviations = np.empty(train.shape[1]), np.empty(train.shape[1])
    for k, name in enumerate(names):
        mean, deviation = spread(train[:, k])
        if not isfinite(deviation):
            raise InputError(f"{place}, column {name!r}", "its numbers are too large to be standardised")
        means[k], deviations[k] = mean, deviation or 1.0
    with np.errstate(over="ignore"):
        scaled = [(array - means) / deviations for array in (train, *others)]
    for array in scaled:
        if not np.isfinite(array).all():
            name = names[int(np.argwhere(~np.isfinite(array))[0][1])]
            raise InputError(f"{place}, column {name!r}", "its numbers lie too far apart to be standardised")
    return means, deviations, *scaled


def prepare(plan: Plan, data: Data) -> list[Fold]:
    """The folds of a plan.

    Raises
    ------
    InputError
        If numbers are too large to be standardised.
    """
    fold_of = deal(data, plan.folds, plan.seed)
    folds = []
    for number in range(plan.folds):
        test, train = fold_of == number, fold_of != number
        X_train, X_test, y_train = data.X[train], data.X[test], data.y[train]
        if plan.standardize:
            _, _, X_train, X_test = standardize(X_train, [X_test], data.source, data.features)
        center, scale = np.zeros(len(data.targets)), np.ones(len(data.targets))
        if plan.standardize_target:
            columns = y_train.reshape(len(y_train), -1)
            center, scale, columns = standardize(columns, [], data.source, data.targets)
            y_train = columns.reshape(y_train.shape)
        rows = "".join(f"{row}\n" for row in np.flatnonzero(test))
        prepared = sha256(bytes_of(X_train) + bytes_of(y_train) + bytes_of(X_test))
        folds.append(
            Fold(
                np.ascontiguousarray(X_train),
                y_train,
                np.ascontiguousarray(X_test),
                data.y[test],
                center,
                scale,
                sha256(rows.encode()).hexdigest(),
                prepared.hexdigest(),
            )
        )
    return folds
