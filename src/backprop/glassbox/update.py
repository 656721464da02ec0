"""One step as numbers: what an optimizer does with a gradient, and the bound of its rounding errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Update", "new_parameter_bound"]

Array = NDArray[Any]

# The operations by which two ways to write one update differ are fewer than this.
UPDATE_OPERATIONS = 12.0


@dataclass(frozen=True)
class Update:
    """What one step does with a gradient: an optimizer's method, constants and state before the step.

    Attributes
    ----------
    optimizer, title : str
        What takes the step, as it prints itself, and a heading.
    method : {"sgd", "momentum", "nesterov", "adam"}
    constants : tuple of float
        (momentum,), or (beta_1, beta_2, epsilon).
    rate, l2 : float
    moments : list of (list of ndarray, list of ndarray)
        The velocity, or m and v, for the weights and for the biases.
    powers : tuple of float
        beta_1^t and beta_2^t, t steps having been taken.
    """

    optimizer: str
    title: str
    method: str
    constants: tuple[float, ...]
    rate: float
    l2: float
    moments: list[tuple[list[Array], list[Array]]]
    powers: tuple[float, float]

    @property
    def fresh(self) -> bool:
        """Whether no step has left a trace."""
        arrays = [array for moment in self.moments for kind in moment for array in kind]
        return self.powers == (1.0, 1.0) and not any(np.any(array) for array in arrays)


def new_parameter_bound(
    update: Update, l2: float, old: Array, gradient: Array, off: Array, moments: list[Array], dtype: Any
) -> Array:
    """The bound for parameters after a step, from their gradient's.

    Parameters
    ----------
    update : Update
    l2 : float
        0 for biases.
    old, gradient, off : ndarray
        The parameters, the gradient without L2, and its bound.
    moments : list of ndarray
        The state that belongs to them.
    dtype : dtype
        Of the two computations.
    """
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    with np.errstate(all="ignore"):  # a bound that overflows allows nothing
        off = off + 3.0 * eps * (np.abs(gradient) + l2 * np.abs(old))
        gradient = np.abs(gradient + l2 * old)
        state = [np.abs(moment) for moment in moments]
        if update.method == "adam":
            moved, off_moved = _adam(update, gradient, off, state, tiny)
        else:
            momentum = update.constants[0] if update.constants else 0.0
            ahead = momentum if update.method == "nesterov" else 0.0  # w += momentum*v - rate*g with the new v
            velocity = momentum * state[0] if state else 0.0
            moved = (1.0 + ahead) * (velocity + update.rate * gradient)
            off_moved = (1.0 + ahead) * update.rate * off
        return np.asarray(off_moved + eps * (UPDATE_OPERATIONS * moved + np.abs(old) + moved))


def _adam(update: Update, gradient: Array, off: Array, moments: list[Array], tiny: float) -> tuple[Array, Array]:
    """|rate_t*m/(sqrt(v) + epsilon)| and its bound, with the smallest denominator within the gradient's."""
    beta_1, beta_2, epsilon = update.constants
    power_1, power_2 = update.powers[0] * beta_1, update.powers[1] * beta_2
    rate = update.rate * np.sqrt(1.0 - power_2) / (1.0 - power_1)
    m, v = moments
    largest = beta_1 * m + (1.0 - beta_1) * (gradient + off)
    smallest = np.maximum(gradient - off, 0.0)
    denominator = np.sqrt(beta_2 * v + (1.0 - beta_2) * smallest * smallest) + epsilon
    # |d sqrt(v)/dg| is (1 - beta_2)*g/sqrt(v), at most sqrt(1 - beta_2).
    slope = (1.0 - beta_1) / denominator + np.sqrt(1.0 - beta_2) * largest / denominator**2
    moved = rate * largest / denominator
    # beta^t as a running product or as a power, in float64: t*beta^t/(1 - beta^t) is at most 1/(1 - beta).
    powers = float(np.finfo(np.float64).eps) * (1.0 / (1.0 - beta_1) + 1.0 / (1.0 - beta_2))
    underflow = np.sqrt(tiny)  # of g*g
    return moved, rate * slope * off + (powers + underflow / denominator) * moved
