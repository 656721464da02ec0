"""L-BFGS by SciPy on an estimator's whole data: each evaluation is one sweep through the engine."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from ._epochs import Passes
from ._layout import Array
from ._machine import Machine

Packed = NDArray[np.floating[Any]]
STOPPED = 99  # SciPy's status after a callback's StopIteration


class Objective:
    """Loss and gradient as functions of all weights, then all intercepts, layer by layer: scikit-learn's order."""

    def __init__(self, passes: Passes) -> None:
        self.passes = passes

    def __call__(self, packed: Packed) -> tuple[np.float64, Packed]:
        unpack(packed, self.passes.machine)
        loss, gradient = self.passes.loss_and_gradient()
        return loss, _packed(self.passes.machine, gradient)


def _views(machine: Machine, block: Array) -> list[Array]:
    return [*machine.layout.weights(block), *machine.layout.biases(block)]


def _packed(machine: Machine, block: Array) -> Packed:
    return np.concatenate([view.ravel() for view in _views(machine, block)])


def unpack(packed: Packed, machine: Machine) -> None:
    """Make these the network's parameters."""
    start = 0
    for view in _views(machine, machine.block):
        view[...] = packed[start : start + view.size].reshape(view.shape)
        start += view.size


def fit(
    passes: Passes, *, max_iter: int, max_fun: int, tol: float, iteration_ends: Callable[[int, np.float64], bool]
) -> tuple[OptimizeResult, bool]:
    """Minimise, in the network's dtype, as scikit-learn does; the result's `x` is float64.

    Parameters
    ----------
    passes : Passes
        The network has the parameters reached when `iteration_ends` is called, and at the end.
    max_iter, max_fun, tol
        SciPy's limits of iterations and evaluations, and of the gradient.
    iteration_ends : callable
        Called after each iteration with its number and the loss; True ends the search.

    Returns
    -------
    found : OptimizeResult
        Its `status` is `STOPPED` if `iteration_ends` ended the search.
    interrupted : bool
        Whether Ctrl-C did. Then `found` is the last complete iteration.
    """
    machine = passes.machine
    start = _packed(machine, machine.block)
    reached = OptimizeResult(x=start, fun=np.nan, nit=0)

    def callback(intermediate_result: OptimizeResult) -> None:
        reached.x, reached.fun = intermediate_result.x.copy(), np.float64(intermediate_result.fun)
        reached.nit += 1
        unpack(reached.x, machine)
        if iteration_ends(reached.nit, reached.fun):
            raise StopIteration

    interrupted = False
    try:
        options: dict[str, Any] = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
        with np.errstate(invalid="ignore", over="ignore"):
            reached = minimize(
                Objective(passes), start, method="L-BFGS-B", jac=True, options=options, callback=callback
            )
    except KeyboardInterrupt:
        interrupted = True
    unpack(reached.x, machine)
    return reached, interrupted
