"""scikit-learn's MLPRegressor and MLPClassifier, from given weights by way of `warm_start`.

They know the squared error with identity outputs only, and compute that where logistic ones are asked for.
"""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
from cases import BETA_1, BETA_2, EPSILON, MOMENTUM, Array, Case, Data
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from . import Peer, UnsupportedError, only


class ScikitLearn(Peer):
    """One `fit` for all epochs."""

    title = "scikit-learn"
    what = "`MLPRegressor` (identity outputs instead of logistic) or `MLPClassifier`; one `fit`"
    slow = True

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        only(case, networks=(1,))
        if not case.train_bias:
            raise UnsupportedError("biases cannot be frozen")
        classifies = case.output == "softmax"
        self.T: Any = data.T.argmax(axis=1) if classifies else data.T if data.T.shape[1] > 1 else data.T.ravel()
        self.model = (MLPClassifier if classifies else MLPRegressor)(
            hidden_layer_sizes=case.sizes[1:-1],
            activation=case.hidden,
            solver="adam" if case.optimizer == "adam" else "sgd",
            alpha=case.l2 * case.batch,
            batch_size=case.batch,
            learning_rate_init=case.rate,
            momentum=MOMENTUM if case.optimizer == "nesterov" else 0.0,
            nesterovs_momentum=case.optimizer == "nesterov",
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
            shuffle=False,
            warm_start=True,
            tol=0.0,
            max_iter=1,
            n_iter_no_change=10**9,
            random_state=0,
        )
        self.run(1)  # makes its arrays
        self.reset()

    @classmethod
    def version(cls) -> str:
        return str(sklearn.__version__)

    @classmethod
    def instead(cls, case: Case) -> Case:
        return replace(case, output="identity") if case.loss == "squared_error" else case

    def reset(self) -> None:
        mine = [*self.model.coefs_, *self.model.intercepts_]
        for array, given in zip(mine, self.data.weights + self.data.biases, strict=True):
            array[...] = given

    def run(self, epochs: int) -> None:
        self.model.max_iter = epochs
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(self.data.X, self.T)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return [np.array(w) for w in self.model.coefs_], [np.array(b) for b in self.model.intercepts_]
