"""One training step of a network as arrays: what the engine computed, and the factors behind it.

`recording` makes it. What the engine keeps to itself (the error of each output, derivatives, gradients) is
computed from its arrays when it is asked for, by the rows of `functions` and in the order of docs/arithmetic.md,
so that every number is the one that the step used.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._config import NetworkConfig
from .._machine import total_weight
from .._single import Single
from ..functions import Activation, Loss

__all__ = ["Moment", "Step", "all_frozen", "frozen"]

Array = NDArray[np.floating[Any]]
Arrays = tuple[Array, ...]
Moment = tuple[Arrays, Arrays]  # an optimizer's state, shaped as weights and biases


@dataclass(frozen=True, eq=False)
class Step:
    """Every array of one training step. All of them are read-only.

    A tuple has an item for each layer of weights; item `l` of what belongs to units belongs to the units that
    ``weights[l]`` lead to. Samples come first in an array's shape, also when there is only one.

    Attributes
    ----------
    config : NetworkConfig
        The network's specification.
    engine : str
        The engine that computed.
    method : {"sgd", "momentum", "nesterov", "adam"}
    constants : tuple of float
        Of the method: none; the momentum; beta_1, beta_2 and epsilon.
    learning_rate, l2 : float
    inputs, targets : ndarray of shape (n_samples, n_inputs) and (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    weights, biases : tuple of ndarray
        Before the step.
    moments : tuple of (tuple of ndarray, tuple of ndarray)
        The optimizer's state before the step, shaped as weights and biases: none for plain SGD, the velocity, or
        Adam's two.
    powers : tuple of float
        Adam's ``beta_1^t`` and ``beta_2^t`` before the step.
    nets, outs : tuple of ndarray of shape (n_samples, fan_out)
    losses : ndarray of shape (n_samples,)
        Each sample's loss, the sum of its errors.
    loss : float
        Their mean, weighted if samples are, before the step.
    hidden_gradients : tuple of ndarray of shape (n_samples, fan_out)
        dE/dout of the hidden layers.
    deltas : tuple of ndarray of shape (n_samples, fan_out)
        dE/dnet of each sample's own loss. With sample weights those of hidden layers are of the weighted loss.
    new_weights, new_biases, new_moments, new_powers
        After the step.
    update : int
        Which update it is, counted from 1.
    rows : tuple of int
        The row of X, from 0, that each sample was.
    diverged : bool
        Whether a loss or a new parameter of this step is not finite.
    """

    config: NetworkConfig
    engine: str
    method: str
    constants: tuple[float, ...]
    learning_rate: float
    l2: float
    inputs: Array
    targets: Array
    sample_weight: Array | None
    weights: Arrays
    biases: Arrays
    moments: tuple[Moment, ...]
    powers: tuple[float, float]
    nets: Arrays
    outs: Arrays
    losses: Array
    loss: float
    hidden_gradients: Arrays
    deltas: Arrays
    new_weights: Arrays
    new_biases: Arrays
    new_moments: tuple[Moment, ...]
    new_powers: tuple[float, float]
    update: int = 1
    rows: tuple[int, ...] = (0,)
    diverged: bool = False

    @property
    def number(self) -> Callable[[Any], float]:
        """The kind of number that arithmetic with the arrays' items needs, to round as the engine does."""
        return Single if self.config.dtype == "float32" else float

    @property
    def shortcut(self) -> bool:
        """Whether the output deltas are out - target, without the factors."""
        return self.config.shortcut

    @property
    def back_weights(self) -> Arrays:
        """The weights through which deltas went back: the new ones if each layer is updated first."""
        return self.new_weights if self.config.update_order == "sequential" else self.weights

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The row of the table for each layer."""
        return self.config.rows

    @cached_property
    def loss_row(self) -> Loss:
        """The row of the table for the loss."""
        return self.config.loss_row

    @property
    def batch_weight(self) -> float:
        """B: the number of samples, or their weights added in order."""
        return total_weight(len(self.inputs), self.sample_weight, self.inputs.dtype)

    def below(self, layer: int) -> Array:
        """The numbers that the weights of a layer multiply: the outs of the layer below, or the inputs."""
        return self.outs[layer - 1] if layer > 0 else self.inputs

    # ---- from operands, as docs/arithmetic.md orders them --------------------------------------------------

    @cached_property
    def errors(self) -> Array:
        """The error of each output unit, (n_samples, n_outputs)."""
        return self._per_sample(self.loss_row.values, self.nets[-1], self.outs[-1], self.targets)

    @cached_property
    def out_gradients(self) -> tuple[Array | None, ...]:
        """dE/dout; None for outputs whose loss has no such number: cross-entropy goes straight to delta."""
        row = self.loss_row
        of_outputs = self._per_sample(row.gradients, self.outs[-1], self.targets) if row.has_gradient else None
        return (*self.hidden_gradients, of_outputs)

    @cached_property
    def derivatives(self) -> tuple[Array | None, ...]:
        """dout/dnet; None for a layer (softmax) whose outputs depend on every net.

        No factor of the output layer's delta where `shortcut` is true.
        """
        found: list[Array | None] = []
        for row, nets, outs in zip(self.activations, self.nets, self.outs, strict=True):

            def of_layer(nets: list[float], outs: list[float], row: Activation = row) -> list[float]:
                return [row.derivative(net, out) for net, out in zip(nets, outs, strict=True)]

            found.append(self._per_sample(of_layer, nets, outs) if row.per_unit else None)
        return tuple(found)

    @cached_property
    def used_deltas(self) -> Arrays:
        """The deltas that went on: those of the outputs times the sample's weight, if samples have weights."""
        if self.sample_weight is None:
            return self.deltas
        with np.errstate(all="ignore"):  # a step that diverges
            return (*self.deltas[:-1], frozen(self.sample_weight[:, None] * self.deltas[-1]))

    @cached_property
    def weight_gradients(self) -> Arrays:
        """dE/dw of the mean loss, (fan_in, fan_out); L2's part is in it."""
        found = []
        with np.errstate(all="ignore"):
            for layer, weights in enumerate(self.weights):
                total = np.zeros_like(weights)
                for out, delta in zip(self.below(layer), self.used_deltas[layer], strict=True):
                    total += np.multiply.outer(out, delta)
                if self.l2 != 0.0:
                    total += weights.dtype.type(self.l2 * self.batch_weight) * weights
                found.append(frozen(total * weights.dtype.type(1.0 / self.batch_weight)))
        return tuple(found)

    @cached_property
    def bias_gradients(self) -> Arrays:
        """dE/db of the mean loss, (fan_out,), (1,) or (0,), for frozen biases too."""
        found = []
        with np.errstate(all="ignore"):
            for bias, deltas in zip(self.biases, self.used_deltas, strict=True):
                total = np.zeros_like(bias)
                for delta in deltas:
                    total += self._bias_gradient(delta)
                found.append(frozen(total * bias.dtype.type(1.0 / self.batch_weight)))
        return tuple(found)

    def sample_gradients(self, sample: int, layer: int) -> tuple[Array, Array]:
        """dE/dw and dE/db of one sample's (weighted) loss; the step's are their mean over the samples."""
        delta = self.used_deltas[layer][sample]
        return 0.0 + np.multiply.outer(self.below(layer)[sample], delta), self._bias_gradient(delta)

    def _bias_gradient(self, delta: Array) -> Array:
        """One sample's dE/db of one layer; for a shared bias the sum of the deltas, in order."""
        if self.config.bias == "none":
            return np.empty(0, delta.dtype)
        return 0.0 + delta if self.config.bias == "per_unit" else np.add.accumulate(0.0 + delta)[-1:]

    def _per_sample(self, formula: Callable[..., list[float]], *operands: Array) -> Array:
        """A formula for a whole layer of one sample, applied to each sample in turn."""
        number, sheets = self.number, [array.tolist() for array in operands]
        rows = [formula(*([number(v) for v in row] for row in rows)) for rows in zip(*sheets, strict=True)]
        return frozen(np.array(rows, dtype=self.inputs.dtype))


def frozen(values: ArrayLike) -> Array:
    """A read-only copy."""
    array = np.array(values)
    array.flags.writeable = False
    return array


def all_frozen(arrays: Iterable[ArrayLike]) -> Arrays:
    """Read-only copies."""
    return tuple(frozen(array) for array in arrays)
