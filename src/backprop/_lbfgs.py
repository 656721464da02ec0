"""L-BFGS by SciPy on an estimator's whole data: each evaluation is one sweep through the engine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from ._epochs import Passes
from ._layout import Array

Packed = NDArray[np.float64]


class Objective:
    """Loss and gradient as functions of all weights, then all intercepts, layer by layer: scikit-learn's order."""

    def __init__(self, passes: Passes) -> None:
        self.passes = passes

    def _views(self, block: Array) -> list[Array]:
        layout = self.passes.machine.layout
        return [*layout.weights(block), *layout.biases(block)]

    @property
    def parameters(self) -> Packed:
        """A packed copy of the network's."""
        return self._packed(self.passes.machine.block)

    @parameters.setter
    def parameters(self, packed: Packed) -> None:
        start = 0
        for view in self._views(self.passes.machine.block):
            view[...] = packed[start : start + view.size].reshape(view.shape)
            start += view.size

    def _packed(self, block: Array) -> Packed:
        return np.concatenate([view.ravel() for view in self._views(block)]).astype(np.float64, copy=False)

    def __call__(self, packed: Packed) -> tuple[float, Packed]:
        self.parameters = packed
        loss, gradient = self.passes.loss_and_gradient()
        return loss, self._packed(gradient)


def fit(passes: Passes, *, max_iter: int, max_fun: int, tol: float) -> tuple[OptimizeResult, bool]:
    """Minimise; the network has the result. Also whether Ctrl-C ended it, after the last complete iteration."""
    objective = Objective(passes)
    reached = OptimizeResult(x=objective.parameters, fun=np.nan, nit=0)

    def iteration_ends(intermediate_result: OptimizeResult) -> None:
        reached.x, reached.fun = intermediate_result.x.copy(), float(intermediate_result.fun)
        reached.nit += 1

    interrupted = False
    try:
        options: dict[str, Any] = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
        with np.errstate(invalid="ignore", over="ignore"):
            reached = minimize(
                objective, reached.x, method="L-BFGS-B", jac=True, options=options, callback=iteration_ends
            )
    except KeyboardInterrupt:
        interrupted = True
    objective.parameters = reached.x
    return reached, interrupted
