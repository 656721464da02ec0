"""Scores whose every operation is defined. Sums are `math.fsum`: the true sum, rounded once.

========================  ======================================================
accuracy                  right/n
mean_squared_error        fsum((t - p)*(t - p))/n
mean_absolute_error       fsum(abs(t - p))/n
r2                        1 - fsum((t - p)*(t - p))/fsum((t - m)*(t - m)), with m = fsum(t)/n; where the latter
                          sum is 0: 1 if the former is, else 0
========================  ======================================================

Of several targets, and of several folds, the mean: fsum(scores)/count.
"""

from collections.abc import Callable, Sequence
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["higher_is_better", "mean", "score"]

Column = NDArray[Any]


def higher_is_better(name: str) -> bool:
    """Whether a higher score is the better one."""
    return not name.endswith("_error")


def mean(scores: Sequence[float]) -> float:
    """The mean of several scores."""
    return fsum(scores) / len(scores)


def accuracy(t: Column, p: Column) -> float:
    """The share of right predictions."""
    return int(np.count_nonzero(t == p)) / len(t)


def squares(d: Column) -> float:
    """The sum of squares."""
    return fsum((d * d).tolist())


def mean_squared_error(t: Column, p: Column) -> float:
    """The mean of the squared differences."""
    return squares(t - p) / len(t)


def mean_absolute_error(t: Column, p: Column) -> float:
    """The mean of the differences' sizes."""
    return fsum(np.abs(t - p).tolist()) / len(t)


def r2(t: Column, p: Column) -> float:
    """The share of the variance that is explained."""
    unexplained, total = squares(t - p), squares(t - fsum(t.tolist()) / len(t))
    if total == 0.0:
        return 1.0 if unexplained == 0.0 else 0.0
    return 1.0 - unexplained / total


FORMULAS: dict[str, Callable[[Column, Column], float]] = {
    "accuracy": accuracy,
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "r2": r2,
}


def score(name: str, true: Column, predicted: Column) -> float:
    """The score of predictions, (n_samples,) or (n_samples, n_targets); infinite or nan where numbers overflow."""
    t, p = true.reshape(len(true), -1), predicted.reshape(len(true), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            return mean([FORMULAS[name](t[:, k], p[:, k]) for k in range(t.shape[1])])
        except (OverflowError, ValueError):  # of fsum
            return float("nan")
