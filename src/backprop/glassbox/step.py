"""One training step of a network as arrays: what the engine computed, and the factors behind it.

The step is run on copies, by the network's own engine. Nets, outs, deltas, losses and new parameters are read
from the engine's doors. What the engine keeps to itself (the error of each output, derivatives, gradients) is
computed from those operands, by the rows of `functions` and in the order of docs/arithmetic.md, so that every
number is the one that the step used.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._machine import Machine
from ..functions import ACTIVATIONS, LOSSES, SHORTCUTS, Activation, Loss
from ..network import Network, NetworkConfig

__all__ = ["Step", "record_step"]

Array = NDArray[np.floating[Any]]
Arrays = tuple[Array, ...]


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
    learning_rate : float
    inputs, targets : ndarray of shape (n_samples, n_inputs) and (n_samples, n_outputs)
    weights, biases : tuple of ndarray
        Before the step.
    nets, outs : tuple of ndarray of shape (n_samples, fan_out)
    errors : ndarray of shape (n_samples, n_outputs)
        The error of each output unit.
    losses : ndarray of shape (n_samples,)
        Each sample's loss, the sum of its errors.
    loss : float
        Their mean, before the step.
    out_gradients : tuple of ndarray of shape (n_samples, fan_out), or None
        dE/dout. None for an output layer whose loss has no such number: cross-entropy goes straight to delta.
    derivatives : tuple of ndarray of shape (n_samples, fan_out), or None
        dout/dnet; None for a layer (softmax) whose outputs depend on every net. No factor of the output layer's
        delta where `shortcut` is true.
    deltas : tuple of ndarray of shape (n_samples, fan_out)
        dE/dnet of each sample's own loss.
    weight_gradients : tuple of ndarray of shape (fan_in, fan_out)
        dE/dw of the mean loss.
    bias_gradients : tuple of ndarray of shape (fan_out,), (1,) or (0,)
        dE/db of the mean loss, for frozen biases too.
    new_weights, new_biases : tuple of ndarray
        After the step.
    """

    config: NetworkConfig
    engine: str
    learning_rate: float
    inputs: Array
    targets: Array
    weights: Arrays
    biases: Arrays
    nets: Arrays
    outs: Arrays
    errors: Array
    losses: Array
    loss: float
    out_gradients: tuple[Array | None, ...]
    derivatives: tuple[Array | None, ...]
    deltas: Arrays
    weight_gradients: Arrays
    bias_gradients: Arrays
    new_weights: Arrays
    new_biases: Arrays

    @property
    def shortcut(self) -> bool:
        """Whether the output deltas are out - target, without the factors."""
        return (self.config.output_activation, self.config.loss) in SHORTCUTS

    @property
    def back_weights(self) -> Arrays:
        """The weights through which deltas went back: the new ones if each layer is updated first."""
        return self.new_weights if self.config.update_order == "sequential" else self.weights

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The row of the table for each layer."""
        return tuple(ACTIVATIONS[name] for name in (*self.config.activation, self.config.output_activation))

    def below(self, layer: int) -> Array:
        """The numbers that the weights of a layer multiply: the outs of the layer below, or the inputs."""
        return self.outs[layer - 1] if layer > 0 else self.inputs

    def sample_gradients(self, sample: int, layer: int) -> tuple[Array, Array]:
        """dE/dw and dE/db of one sample's own loss; the step's gradients are their mean over the samples."""
        delta = self.deltas[layer][sample]
        return _weight_gradient(self.below(layer)[sample], delta), _bias_gradient(self.config.bias, delta)


def record_step(net: Network, X: ArrayLike, T: ArrayLike, learning_rate: float = 0.5) -> Step:
    """Record the step of plain SGD that takes all given samples as one batch. The network stays as it is.

    Parameters
    ----------
    net : Network
    X : array-like of shape (n_samples, n_inputs) or (n_inputs,)
    T : array-like of shape (n_samples, n_outputs) or (n_outputs,)
    learning_rate : float, default=0.5

    Returns
    -------
    Step

    Raises
    ------
    TypeError, ValueError, DivergenceError
        As `Network.train` does.

    Examples
    --------
    >>> import backprop as bp
    >>> from backprop.glassbox.step import record_step
    >>> step = record_step(*bp.examples.worked_example())
    >>> step.deltas[1]
    array([[ 0.13849856, -0.03809824]])
    """
    samples, targets, _ = net._samples_and_targets(X, T)
    before, after = net.copy(), net.copy()
    history = after.train(samples, targets, learning_rate=learning_rate, batch_size=len(samples))
    assert history is not None
    machine, config = before._machine, before.config
    block = machine.block
    block += 0.0  # as every step begins: no parameter is -0.0
    # Sequential: after the whole step, a layer's weights are what its own update made of them.
    back = after._machine.block if config.update_order == "sequential" else block

    nets, outs = machine.forward(samples, nets=True), machine.forward(samples)
    deltas, hidden_gradients = _deltas(machine, back, nets, outs, targets)
    layers = range(len(nets))
    rows = [ACTIVATIONS[name] for name in (*config.activation, config.output_activation)]
    loss = LOSSES[config.loss].configured(config.output_activation, config.huber_delta)
    below = [samples, *outs[:-1]]
    return Step(
        config=config,
        engine=net.engine,
        learning_rate=float(learning_rate),
        inputs=_frozen(samples),
        targets=_frozen(targets),
        weights=_all_frozen(before.weights),
        biases=_all_frozen(before.biases),
        nets=_all_frozen(nets),
        outs=_all_frozen(outs),
        errors=_frozen(_per_sample(loss.values, nets[-1], outs[-1], targets)),
        losses=_frozen(_losses(machine, samples, targets)),
        loss=float(history[0]),
        out_gradients=(*_all_frozen(hidden_gradients), _output_gradients(loss, outs[-1], targets)),
        derivatives=tuple(_derivatives(rows[layer], nets[layer], outs[layer]) for layer in layers),
        deltas=_all_frozen(deltas),
        weight_gradients=_all_frozen(
            _mean([_weight_gradient(out, delta) for out, delta in zip(below[layer], deltas[layer], strict=True)])
            for layer in layers
        ),
        bias_gradients=_all_frozen(
            _mean([_bias_gradient(config.bias, delta) for delta in deltas[layer]]) for layer in layers
        ),
        new_weights=_all_frozen(after.weights),
        new_biases=_all_frozen(after.biases),
    )


# ---- from the engine ---------------------------------------------------------------------------------------


def _losses(machine: Machine, samples: Array, targets: Array) -> list[float]:
    """Each sample's loss."""
    engine, plan, block = machine.engine, machine.plan, machine.block
    return [engine.loss(plan, block, samples, targets, None, row, row + 1, 0.0) for row in range(len(samples))]


def _deltas(
    machine: Machine, block: Array, nets: list[Array], outs: list[Array], targets: Array
) -> tuple[list[Array], list[Array]]:
    """The deltas of every layer, sent back through the weights of `block`, and dE/dout of the hidden layers."""
    engine, plan = machine.engine, machine.plan
    deltas = [np.empty_like(net) for net in nets]
    gradients = [np.empty_like(net) for net in nets[:-1]]
    for s in range(len(targets)):
        engine.output_delta(plan, nets[-1][s], outs[-1][s], targets[s].astype(outs[-1].dtype), deltas[-1][s])
        for layer in reversed(range(1, len(nets))):
            units = layer - 1  # those below the weights `layer`
            engine.hidden_delta(
                plan, block, layer, deltas[layer][s], nets[units][s], outs[units][s],
                gradients[units][s], deltas[units][s],
            )  # fmt: skip
    return deltas, gradients


# ---- from operands, as docs/arithmetic.md orders them ------------------------------------------------------


def _per_sample(formula: Callable[..., list[float]], *operands: Array) -> Array:
    """A formula for a whole layer of one sample, applied to each sample in turn."""
    return np.array(
        [formula(*of_sample) for of_sample in zip(*(array.tolist() for array in operands), strict=True)]
    )


def _output_gradients(loss: Loss, outs: Array, targets: Array) -> Array | None:
    """dE/dout of the output layer, if the loss has it."""
    return _frozen(_per_sample(loss.gradients, outs, targets)) if loss.has_gradient else None


def _derivatives(activation: Activation, nets: Array, outs: Array) -> Array | None:
    """dout/dnet of one layer, if it is a number for each unit."""
    if not activation.per_unit:
        return None

    def of_layer(nets: list[float], outs: list[float]) -> list[float]:
        return [activation.derivative(net, out) for net, out in zip(nets, outs, strict=True)]

    return _frozen(_per_sample(of_layer, nets, outs))


def _weight_gradient(below: Array, delta: Array) -> Array:
    """One sample's dE/dw of one layer; a sum of one term, so never -0.0."""
    return 0.0 + np.multiply.outer(below, delta)


def _bias_gradient(bias: str, delta: Array) -> Array:
    """One sample's dE/db of one layer; for a shared bias the sum of the deltas, in order."""
    if bias == "none":
        return np.empty(0)
    if bias == "per_unit":
        return 0.0 + delta
    total = 0.0
    for d in delta.tolist():
        total = total + d
    return np.array([total])


def _mean(gradients: list[Array]) -> Array:
    """The samples' sum, in order, times 1/n rounded once."""
    total = gradients[0]
    for gradient in gradients[1:]:
        total = total + gradient
    return total * (1.0 / len(gradients))


def _frozen(values: ArrayLike) -> Array:
    """A read-only copy."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def _all_frozen(arrays: Iterable[ArrayLike]) -> Arrays:
    """Read-only copies."""
    return tuple(_frozen(array) for array in arrays)
