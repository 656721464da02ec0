"""Plain arrays, checked in microseconds: what scikit-learn's general checks take hundreds of them for.

An ndarray of floats for X and one of numbers for y need no conversion, and labels that are whole numbers in an
ndarray no detour. Whatever is not surely in order goes the long way, which has the words for what is wrong.
"""

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import validate_data

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def validated(estimator: Any, X: Any, y: Any, *, reset: bool, **checks: Any) -> tuple[Any, Any]:
    """Samples and targets as `validate_data` returns them, and `n_features_in_` set or compared."""
    if _in_order(X, y) and (reset or _as_before(estimator, X)):
        estimator.n_features_in_ = X.shape[1]
        estimator.__dict__.pop("feature_names_in_", None)
        return X, y
    checked: tuple[Any, Any] = validate_data(
        estimator,
        X,
        y,
        accept_sparse=["csr", "csc"],
        multi_output=True,
        dtype=(np.float64, np.float32),
        reset=reset,
        **checks,
    )
    return checked


def _in_order(X: Any, y: Any) -> bool:
    return (
        type(X) is np.ndarray
        and type(y) is np.ndarray
        and X.ndim == 2
        and X.dtype in FLOATS
        and y.ndim in (1, 2)
        and y.dtype.kind in "iubf"
        and len(X) == len(y)
        and X.size > 0
        and y.size > 0
        and _surely_finite(X)
        and (y.dtype.kind != "f" or _surely_finite(y))
    )


def _as_before(estimator: Any, X: Any) -> bool:
    return (
        X.shape[1] == getattr(estimator, "n_features_in_", None) and "feature_names_in_" not in estimator.__dict__
    )


def _surely_finite(values: Any) -> bool:
    """Whether the sum is finite, and so every number; large ones may fail."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.add.reduce(values, axis=None)))


def _whole_numbers(y: Any) -> bool:
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "iub" and y.size > 0


def labels(y: Any) -> Any:
    """`unique_labels` of one array."""
    return np.unique(y) if _whole_numbers(y) else unique_labels(y)


def binarizer_of(y: Any) -> Any:
    """A `LabelBinarizer` that has been fitted to y."""
    binarizer = LabelBinarizer()
    if not _whole_numbers(y):
        return binarizer.fit(y)
    binarizer.classes_ = np.unique(y)
    binarizer.y_type_ = "multiclass" if len(binarizer.classes_) > 2 else "binary"
    binarizer.sparse_input_ = False
    return binarizer
