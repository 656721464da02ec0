"""The peer that needs no library: the loss by plain NumPy in extended precision, its gradient by differences.

The gradient and its tolerances are those of `gradcheck`. NumPy's longdouble has 64 bits of mantissa on x86 and 53,
the same as float64, on some other machines.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..._config import NetworkConfig
from ..gradcheck import gradcheck
from ..rounding import Bounds
from ..update import Update
from . import KINKS, TARGET_SUMS, Array, Arrays, Case, Variant, gradient_arrays, parameter_arrays
from . import Peer as AnyPeer


class Peer(AnyPeer):
    """Central differences of the loss."""

    name = "numeric"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.label = "central differences (gradcheck) and NumPy's longdouble"
        self.only(ACTIVATIONS, LOSSES)
        samples = case.samples[0] if case.single else case.samples
        targets = case.targets[0] if case.single else case.targets
        self.check = gradcheck(case.net, samples, targets, case.sample_weight, inputs=True)
        kinked = self.check.kinks
        if kinked:
            self.conventions[KINKS] = (
                f"a difference across a kink measures neither side; so it is for {len(kinked)} derivatives, first"
                f" for {kinked[0].name}: {kinked[0].kink}"
            )

    def figures(self) -> Arrays:
        """The loss, and the differences of it."""
        return gradient_arrays(self._loss(), *self._arranged([row.numeric for row in self.check]))

    def steps(self, update: Update) -> Iterator[Variant]:
        """Plain SGD's, of the numeric gradient."""
        self.plain_sgd_only(update)
        weights, biases, _ = self._arranged([row.numeric for row in self.check])
        new = [w - update.rate * (g + update.l2 * w) for w, g in zip(self.case.weights, weights, strict=True)]
        kept = self.case.biases
        if self.case.config.train_bias:
            kept = [b - update.rate * g for b, g in zip(kept, biases, strict=True)]
        yield Variant(update.title, parameter_arrays(new, kept))

    def bounds(self) -> tuple[Bounds, Bounds]:
        """Of the loss as for any peer, of the gradient `gradcheck`'s; at a kink everything is allowed."""
        narrow, wide = super().bounds()
        one = Bounds(narrow.loss, *self._arranged([row.tolerance for row in self.check]))
        weights, biases, inputs = self._arranged([np.inf if row.kink else row.tolerance for row in self.check])
        if TARGET_SUMS in self.conventions:
            weights = [a + b - c for a, b, c in zip(weights, wide.weights, narrow.weights, strict=True)]
            biases = [a + b - c for a, b, c in zip(biases, wide.biases, narrow.biases, strict=True)]
            inputs = inputs + wide.inputs - narrow.inputs
        return one, replace(one, weights=weights, biases=biases, inputs=inputs)

    def _arranged(self, values: list[float]) -> tuple[list[Array], list[Array], Array]:
        """One value per row of the check, as arrays shaped like the gradient."""
        case, packed = self.case, np.array(values)
        weights, biases = [], []
        for w, b in zip(case.weights, case.biases, strict=True):
            of_weights, of_biases, packed = np.split(packed, [w.size, w.size + b.size])
            weights.append(of_weights.reshape(w.shape))
            biases.append(of_biases)
        return weights, biases, packed.reshape(case.samples.shape)

    def _loss(self) -> Any:
        """The mean loss, by the formulas as they are written, in extended precision."""
        case, wide = self.case, np.longdouble
        config = case.config
        with np.errstate(all="ignore"):
            out = case.samples.astype(wide)
            for w, b, name in zip(case.weights, case.biases, case.activations, strict=True):
                net = out @ w.astype(wide) + (b.astype(wide) if b.size else wide(0.0))
                out = ACTIVATIONS[name](net)
            losses = LOSSES[case.loss](net, out, case.targets.astype(wide), config)
            return np.average(losses.sum(axis=1), weights=case.sample_weight)


def _softmax(net: Array) -> Array:
    power = np.exp(net - net.max(axis=1, keepdims=True))
    return np.asarray(power / power.sum(axis=1, keepdims=True))


def _log_loss(net: Array, out: Array, t: Array, config: NetworkConfig) -> Array:
    if config.output_activation == "softmax":
        return np.asarray(-t * (net - np.logaddexp.reduce(net, axis=1, keepdims=True)))
    return np.asarray(t * np.logaddexp(0, -net) + (1 - t) * np.logaddexp(0, net))


def _huber(net: Array, out: Array, t: Array, config: NetworkConfig) -> Array:
    error, cut = np.abs(out - t), np.longdouble(config.huber_delta)
    return np.asarray(np.where(error <= cut, error * error / 2, cut * (error - cut / 2)))


def _poisson(net: Array, out: Array, t: Array, config: NetworkConfig) -> Array:
    logs = np.where(t > 0, t * np.log(np.where(t > 0, t / out, 1)), 0)
    return np.asarray(logs - t + out)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda net: net,
    "logistic": lambda net: 1 / (1 + np.exp(-net)),
    "tanh": np.tanh,
    "relu": lambda net: np.maximum(net, 0),
    "leaky_relu": lambda net: np.where(net > 0, net, net / 100),
    "elu": lambda net: np.where(net > 0, net, np.expm1(np.minimum(net, 0))),
    "softplus": lambda net: np.logaddexp(0, net),
    "silu": lambda net: net / (1 + np.exp(-net)),
    "exp": np.exp,
    "softmax": _softmax,
}
LOSSES: dict[str, Callable[[Array, Array, Array, NetworkConfig], Array]] = {
    "squared_error": lambda net, out, t, config: (t - out) ** 2 / 2,
    "absolute_error": lambda net, out, t, config: np.abs(t - out),
    "huber": _huber,
    "log_loss": _log_loss,
    "poisson": _poisson,
}
