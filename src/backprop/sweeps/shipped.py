"""The data sets that ship with scikit-learn, as columns of numbers and labels.

`diabetes` is read as measured: scikit-learn's own scaling is over all samples, and goes through sums of NumPy's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

__all__ = ["load"]

LOADERS: dict[str, Any] = {
    "iris": datasets.load_iris,
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": lambda: datasets.load_diabetes(scaled=False),
}


def load(name: str) -> tuple[dict[str, NDArray[np.float64]], str, list[str] | NDArray[np.float64]]:
    """The features by name, and the target by name: labels, or numbers.

    Parameters
    ----------
    name : {"iris", "digits", "wine", "breast_cancer", "diabetes"}
    """
    bunch = LOADERS[name]()
    X = np.asarray(bunch.data, np.float64)
    columns = {str(feature): X[:, k] for k, feature in enumerate(bunch.feature_names)}
    if "target_names" not in bunch:
        return columns, "progression", np.asarray(bunch.target, np.float64)
    return columns, "class", [str(bunch.target_names[code]) for code in bunch.target]
