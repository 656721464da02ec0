"""How far apart two right computations of a loss and its gradient may be: bounds of their rounding errors.

The bounds go through the network with the numbers: forward, a bound for each net and out; backward, one for each
delta; then one for each gradient. (Running error analysis: Higham, "Accuracy and Stability of Numerical
Algorithms", 2002, sections 3.1 and 3.3; through functions to first order.) They hold for any order of summation,
fused or not, and for functions that are off by `FUNCTION_ULPS`. So what exceeds them is no rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network import Network
from .recording import deltas as deltas_of

__all__ = ["FUNCTION_ULPS", "Bounds", "bounds"]

Array = NDArray[Any]

# Of exp and its family, both sides together: the package's own is at most 3 ulp off, and the worst that was
# measured among the peers is 7 (XLA's float64 tanh).
FUNCTION_ULPS = 12.0


@dataclass(frozen=True)
class Bounds:
    """One bound for each number of a loss and its gradient; shapes as in `Gradients`."""

    loss: float
    weights: list[Array]
    biases: list[Array]
    inputs: Array


def bounds(
    net: Network,
    samples: Array,
    targets: Array,
    sample_weight: Array | None,
    *,
    conventions: bool = False,
    loss_of_outs: bool = False,
) -> Bounds:
    """Bounds for the difference of two computations of a loss and its gradient.

    Parameters
    ----------
    net : Network
    samples, targets, sample_weight : ndarray
        Checked; two-dimensional, and (n_samples,) or None.
    conventions : bool
        Whether the two may also take either side of a kink that is within rounding of a unit's net (of an
        output's error, for absolute_error), and may either use or leave out that a softmax row of targets sums
        to 1.
    loss_of_outs : bool
        Whether one of the two takes the logarithm of the rounded output, and not of the net, for log_loss.
    """
    with np.errstate(all="ignore"):  # a bound that overflows allows nothing
        return _Pass(net, samples, targets, sample_weight, conventions, loss_of_outs).bounds()


class _Pass:
    """One forward and one backward pass of magnitudes (below, slope, ...) and of bounds (names with `off_`)."""

    def __init__(
        self,
        net: Network,
        samples: Array,
        targets: Array,
        sample_weight: Array | None,
        conventions: bool,
        loss_of_outs: bool,
    ) -> None:
        machine, config = net._machine, net.config
        self.config, self.conventions, self.loss_of_outs = config, conventions, loss_of_outs
        of_dtype = np.finfo(net.parameters.dtype)
        # Each side rounds by half an eps: together one for each operation.
        self.eps, self.tiny = float(of_dtype.eps), float(of_dtype.tiny)
        nets, outs = machine.forward(samples, nets=True), machine.forward(samples)
        deltas, gradients = deltas_of(machine, machine.block, nets, outs, targets)
        self.nets, self.outs = [_double(net) for net in nets], [_double(out) for out in outs]
        self.deltas = [np.abs(_double(delta)) for delta in deltas]
        self.gradients = [np.abs(_double(gradient)) for gradient in gradients]  # dE/dout of the hidden layers
        self.below = [np.abs(_double(layer)) for layer in (samples, *outs[:-1])]
        self.weights = [np.abs(_double(weights)) for weights in net.weights]
        self.biases = [np.abs(_double(biases)) for biases in net.biases]
        self.targets = _double(targets)
        counts = np.ones(len(samples)) if sample_weight is None else _double(sample_weight)
        self.share = (counts / counts.sum())[:, None]

    def bounds(self) -> Bounds:
        self._forward()
        loss, off = self._output()
        off = np.where(self.share > 0.0, off, 0.0)  # what does not count may overflow
        n_samples, eps = len(self.targets), self.eps
        off_weights, off_biases = [], []
        for layer in reversed(range(len(self.weights))):
            delta, below, share = self.deltas[layer], self.below[layer], self.share
            terms = n_samples + 4  # the products, their sum, the sample's weight and the division
            off_weight = below.T @ (off * share) + self.off_below[layer].T @ ((delta + off) * share)
            off_weights.append(off_weight + terms * (eps * (below.T @ (delta * share)) + self.tiny))
            off_bias = (off * share).sum(axis=0) + terms * (eps * (delta * share).sum(axis=0) + self.tiny)
            if self.config.bias == "shared":
                size = self.config.sizes[layer + 1]
                off_bias = off_bias.sum(keepdims=True) + size * eps * (delta * share).sum()
            off_biases.append(off_bias[: len(self.biases[layer])])
            back = self.weights[layer].T
            off_gradient = off @ back + len(back) * (eps * (delta @ back) + self.tiny)
            if layer:
                gradient, slope = self.gradients[layer - 1], self.slopes[layer - 1]
                off = off_gradient * slope + (gradient + off_gradient) * self.off_slopes[layer - 1]
                off = off + 2.0 * eps * gradient * slope + self.tiny
        inputs = (off_gradient + 4.0 * eps * (self.deltas[0] @ self.weights[0].T)) * self.share
        return Bounds(loss, off_weights[::-1], off_biases[::-1], inputs)

    def _forward(self) -> None:
        self.slopes, self.off_slopes, self.off_nets, self.off_outs = [], [], [], []
        self.off_below = [np.zeros_like(self.below[0])]
        for layer, row in enumerate(self.config.rows):
            net, out, weights = self.nets[layer], self.outs[layer], self.weights[layer]
            terms = self.below[layer] @ weights
            if self.config.bias != "none":
                terms = terms + self.biases[layer]
            off_net = self.off_below[-1] @ weights + (len(weights) + 1) * (self.eps * terms + self.tiny)
            if row.per_unit:
                slope, bend, rough_out, rough_slope = _SHAPES[row.name](net, np.abs(out))
                # The package's logistic does not fall below 1.5*tiny, others become 0; silu multiplies that.
                floor = 4.0 * self.tiny * (1.0 + np.abs(net))
                off_out = slope * off_net + self.eps * rough_out + floor
                off_slope = bend * off_net + self.eps * rough_slope + floor
                if self.conventions and row.name in _JUMPS:
                    off_slope = off_slope + _JUMPS[row.name] * (np.abs(net) <= off_net)
            else:  # softmax: exp of (net - max), whose rounding counts, and a sum over the layer
                spread = net.max(axis=1, keepdims=True) - net
                mean = (out * off_net).sum(axis=1, keepdims=True)
                rough = FUNCTION_ULPS + net.shape[1] + spread + (out * spread).sum(axis=1, keepdims=True)
                slope = off_slope = np.zeros_like(net)  # its Jacobian is in `_through_softmax`
                off_out = out * (off_net + mean) + self.eps * rough * out
            off_out = off_out + self.tiny
            self.slopes.append(slope)
            self.off_slopes.append(off_slope)
            self.off_nets.append(off_net)
            self.off_outs.append(off_out)
            self.off_below.append(off_out)

    def _output(self) -> tuple[float, Array]:
        """The bounds for the loss and for the output deltas."""
        config, eps = self.config, self.eps
        net, out, target = self.nets[-1], self.outs[-1], self.targets
        off_net, off_out = self.off_nets[-1], self.off_outs[-1]
        if config.loss == "log_loss":
            off_loss = self._log_loss(net, out, target, off_net, off_out)
            gradient = off_gradient = np.zeros_like(out)
        else:
            error = out - target
            if config.loss == "poisson":
                gradient, off_gradient, rough = self._poisson(out, target, off_out)
            else:
                cut = config.huber_delta if config.loss == "huber" else np.inf
                gradient = np.clip(error, -cut, cut)
                off_gradient = off_out + eps * np.abs(error)
                rough = 2.0 * np.abs(gradient * error)
            if config.loss == "absolute_error":
                either = self.conventions & (np.abs(error) <= off_gradient)
                gradient, off_gradient, rough = np.sign(error), 2.0 * either, 2.0 * np.abs(error)
                off_loss = off_out + eps * rough
            else:
                # The slope of a squared error itself changes within the bound, which counts where it is about 0.
                off_loss = (np.abs(gradient) + off_gradient) * off_out + eps * rough
        per_sample = off_loss.sum(axis=1, keepdims=True)
        sizes = np.abs(self._loss_sizes(net, out, target)).sum(axis=1, keepdims=True)
        sums = (out.shape[1] + len(out) + 4) * (eps * sizes + self.tiny)
        total = float((np.where(self.share > 0.0, per_sample + sums, 0.0) * self.share).sum())
        if config.shortcut:
            sides = np.abs(out - target) if config.loss == "squared_error" else out + np.abs(target)
            off = off_out + 2.0 * eps * sides
            if config.output_activation == "softmax":
                defect = np.abs(target.sum(axis=1, keepdims=True) - 1.0)
                if not self.conventions:
                    defect = np.minimum(defect, eps * out.shape[1])
                off = off + (out + target) * defect  # out*sum(t) - t, or out - t/sum(t)
            return total, off
        if config.output_activation == "softmax":
            return total, self._through_softmax(np.abs(gradient), off_gradient)
        slope, off_slope = self.slopes[-1], self.off_slopes[-1]
        gradient = np.abs(gradient)
        off = off_gradient * slope + (gradient + off_gradient) * off_slope
        return total, off + 2.0 * eps * gradient * slope + self.tiny

    def _through_softmax(self, gradient: Array, off_gradient: Array) -> Array:
        """delta_j = out_j*(g_j - sum over k of g_k*out_k), each product off by its two factors."""
        out, off_out, n = self.outs[-1], self.off_outs[-1], self.outs[-1].shape[1]
        mean = (gradient * out).sum(axis=1, keepdims=True)
        off_mean = (off_gradient * out + (gradient + off_gradient) * off_out).sum(axis=1, keepdims=True)
        inner = gradient + mean
        of_out = off_out * (inner + off_gradient + off_mean)
        return np.asarray(of_out + out * (off_gradient + off_mean + (n + 3) * self.eps * inner))

    def _log_loss(self, net: Array, out: Array, target: Array, off_net: Array, off_out: Array) -> Array:
        softmax = self.config.output_activation == "softmax"
        if self.loss_of_outs:
            out = np.clip(out, self.eps, 1.0 - self.eps)  # as scikit-learn does, for which this is
            off = target * (off_out / out + self.eps * FUNCTION_ULPS * (1.0 - np.log(out)))
            if not softmax:
                rest = 1.0 - out
                off = off + (1.0 - target) * (off_out / rest + self.eps * FUNCTION_ULPS * (1.0 - np.log(rest)))
            return np.asarray(off)
        if softmax:
            spread = net.max(axis=1, keepdims=True) - net
            rough = target * (2.0 * spread + FUNCTION_ULPS * (1.0 + np.log(net.shape[1])))
        else:
            rough = 2.0 * np.abs(net) * (1.0 + target) + FUNCTION_ULPS * np.log1p(np.exp(-np.abs(net)))
        return np.asarray(np.abs(out - target) * off_net + self.eps * rough)

    def _poisson(self, out: Array, target: Array, off_out: Array) -> tuple[Array, Array, Array]:
        quotient = np.where(target > 0.0, target / out, 0.0)
        logs = np.abs(_times_log(target, target)) + np.abs(_times_log(target, out))
        rough = FUNCTION_ULPS * (logs + target + out)
        off = np.where(target > 0.0, quotient * (off_out / out), 0.0) + 2.0 * self.eps * (1.0 + quotient)
        return 1.0 - quotient, off, rough

    def _loss_sizes(self, net: Array, out: Array, target: Array) -> Array:
        """At least each output's loss: what the sums over outputs and samples add up, and round."""
        if self.config.loss == "poisson":
            return np.asarray(np.abs(_times_log(target, target)) + np.abs(_times_log(target, out)) + target + out)
        if self.config.loss == "log_loss":
            return np.asarray(np.abs(net) + np.log(net.shape[1] + 1.0))
        error = np.abs(out - target)
        if self.config.loss == "absolute_error":
            return np.asarray(error)
        cut = self.config.huber_delta if self.config.loss == "huber" else np.inf
        return np.asarray(np.minimum(error, cut) * error)


def _double(array: Any) -> Array:
    return np.array(array, dtype=np.float64)


def _times_log(factor: Array, of: Array) -> Array:
    """factor*log(of), 0 where factor is."""
    return np.asarray(np.where(factor > 0.0, factor * np.log(np.where(factor > 0.0, of, 1.0)), 0.0))


# ---- activations -------------------------------------------------------------------------------------------

# How far a slope jumps at a net of 0.
_JUMPS = {"relu": 1.0, "leaky_relu": 0.99}

Shape = tuple[Array, Array, Array, Array]


def _logistic(net: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -net)))


def _shape_identity(net: Array, size: Array) -> Shape:
    none = np.zeros_like(net)
    return np.ones_like(net), none, none, none


def _shape_logistic(net: Array, size: Array) -> Shape:
    slope = size * (1.0 - size)
    rough = FUNCTION_ULPS * size
    return slope, slope * np.abs(1.0 - 2.0 * size), rough, np.abs(1.0 - 2.0 * size) * rough + size * size + slope


def _shape_tanh(net: Array, size: Array) -> Shape:
    slope = 1.0 - size * size
    return slope, 2.0 * size * slope, FUNCTION_ULPS * size, 2.0 * size * size * FUNCTION_ULPS + size * size + 1.0


def _shape_relu(net: Array, size: Array) -> Shape:
    none = np.zeros_like(net)
    return (net > 0.0).astype(np.float64), none, none, none


def _shape_leaky_relu(net: Array, size: Array) -> Shape:
    slope = np.where(net > 0.0, 1.0, 0.01)
    return slope, np.zeros_like(net), size, slope  # a peer's 0.01 is rounded, too


def _shape_elu(net: Array, size: Array) -> Shape:
    below = net <= 0.0
    power = np.exp(np.minimum(net, 0.0))
    return power, below * power, below * FUNCTION_ULPS * size, below * (FUNCTION_ULPS * size + 1.0)


def _shape_softplus(net: Array, size: Array) -> Shape:
    slope = _logistic(net)
    return slope, slope * (1.0 - slope), FUNCTION_ULPS * size, FUNCTION_ULPS * slope


def _shape_silu(net: Array, size: Array) -> Shape:
    s = _logistic(net)
    slope = np.abs(s * (1.0 + net * (1.0 - s)))
    bend = np.abs(s * (1.0 - s) * (2.0 + net * (1.0 - 2.0 * s)))
    return slope, bend, FUNCTION_ULPS * size, FUNCTION_ULPS * s * (1.0 + np.abs(net))


def _shape_exp(net: Array, size: Array) -> Shape:
    return size, size, FUNCTION_ULPS * size, FUNCTION_ULPS * size


# From the net and |out|: |f'|, |f''|, and the errors of out and of f' themselves, in eps.
_SHAPES: dict[str, Callable[[Array, Array], Shape]] = {
    "identity": _shape_identity,
    "logistic": _shape_logistic,
    "tanh": _shape_tanh,
    "relu": _shape_relu,
    "leaky_relu": _shape_leaky_relu,
    "elu": _shape_elu,
    "softplus": _shape_softplus,
    "silu": _shape_silu,
    "exp": _shape_exp,
}
