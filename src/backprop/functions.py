"""The table of activations and losses: one class each, and the rules for pairing them.

A row holds a function's name, its formula, its plain-Python arithmetic (the reference engine calls these very
methods) and where it may be used. The compiled engine knows each row by name and has one kernel case for it;
everything else in the package, the tests included, walks the table.

To add a row: write its class here, list it in `ACTIVATIONS` or `LOSSES`, add its case to `_functions.pxi`.
"""

import sys
from math import copysign, inf, nan, sqrt

from ._elementary import exp, expm1, log, log1p, logistic, softplus, tanh

__all__ = ["ACTIVATIONS", "LOSSES", "SHORTCUTS", "Activation", "Loss", "pair_is_possible"]

Floats = list[float]
LARGEST = sys.float_info.max


class Activation:
    """What a unit does with its net input: ``out = f(net)``.

    Attributes
    ----------
    name : str
        The name that arguments use.
    formula, derivative_formula : str
        f(net), and f'(net) in terms of ``net`` and ``out``.
    hidden, output : bool
        Whether hidden layers and output layers may use it.
    per_unit : bool
        Whether a unit's output depends on its own net input alone. If not, `outs` and `deltas` do the work.
    relu_like : bool
        Whether it passes positive numbers about as they are and negative ones hardly: larger initial weights.
    kinks : tuple of float
        The nets at which its slope, or its slope's slope, jumps: there a difference measures neither side.
    """

    name: str
    formula: str
    derivative_formula: str
    hidden = True
    output = True
    per_unit = True
    relu_like = False
    kinks: tuple[float, ...] = ()

    def value(self, net: float) -> float:
        """f(net) of one unit."""
        raise NotImplementedError

    def derivative(self, net: float, out: float) -> float:
        """f'(net) of one unit, from its net input and its output."""
        raise NotImplementedError

    def outs(self, nets: Floats) -> Floats:
        """The outputs of a whole layer."""
        return [self.value(net) for net in nets]

    def deltas(self, gradients: Floats, nets: Floats, outs: Floats) -> Floats:
        """dE/dnet of a whole layer from its dE/dout: the derivative is computed first, then multiplied."""
        derivative = self.derivative
        return [g * derivative(net, out) for g, net, out in zip(gradients, nets, outs)]

    def initial_bound(self, fan_in: int, fan_out: int) -> float:
        """Initial weights are uniform within +- this bound.

        Glorot and Bengio (2010), equation 16; for the relu family He et al. (2015), equation 10, as a uniform
        distribution of the same variance.
        """
        return sqrt(6.0 / fan_in) if self.relu_like else sqrt(6.0 / (fan_in + fan_out))


class Identity(Activation):
    name = "identity"
    formula = "net"
    derivative_formula = "1"

    def value(self, net: float) -> float:
        return net

    def derivative(self, net: float, out: float) -> float:
        return 1.0


class Logistic(Activation):
    name = "logistic"
    formula = "1 / (1 + exp(-net))"
    derivative_formula = "out * (1 - out)"

    def value(self, net: float) -> float:
        return logistic(net)

    def derivative(self, net: float, out: float) -> float:
        return out * (1.0 - out)


class Relu(Activation):
    name = "relu"
    formula = "net if net > 0 else 0"
    derivative_formula = "1 if net > 0 else 0"
    relu_like = True
    kinks = (0.0,)

    def value(self, net: float) -> float:
        return net if net > 0.0 else 0.0

    def derivative(self, net: float, out: float) -> float:
        return 1.0 if net > 0.0 else 0.0

    def deltas(self, gradients: Floats, nets: Floats, outs: Floats) -> Floats:
        # A selection, not a product with 0: an inactive unit's delta is +0.0 whatever its gradient.
        return [g if net > 0.0 else 0.0 for g, net in zip(gradients, nets)]


class Tanh(Activation):
    name = "tanh"
    formula = "tanh(net)"
    derivative_formula = "1 - out^2"

    def value(self, net: float) -> float:
        return tanh(net)

    def derivative(self, net: float, out: float) -> float:
        return 1.0 - out * out


class LeakyRelu(Activation):
    name = "leaky_relu"
    formula = "net if net > 0 else 0.01*net"
    derivative_formula = "1 if net > 0 else 0.01"
    relu_like = True
    kinks = (0.0,)

    def value(self, net: float) -> float:
        return net if net > 0.0 else 0.01 * net

    def derivative(self, net: float, out: float) -> float:
        return 1.0 if net > 0.0 else 0.01


class Elu(Activation):
    """Clevert, Unterthiner and Hochreiter (2016), with alpha = 1."""

    name = "elu"
    formula = "net if net > 0 else exp(net) - 1"
    derivative_formula = "1 if net > 0 else out + 1"
    relu_like = True
    kinks = (0.0,)

    def value(self, net: float) -> float:
        return net if net > 0.0 else expm1(net)

    def derivative(self, net: float, out: float) -> float:
        return 1.0 if net > 0.0 else out + 1.0


class Softplus(Activation):
    name = "softplus"
    formula = "log(1 + exp(net))"
    derivative_formula = "1 / (1 + exp(-net))"

    def value(self, net: float) -> float:
        return softplus(net)

    def derivative(self, net: float, out: float) -> float:
        return logistic(net)


class Silu(Activation):
    """Elfwing, Uchibe and Doya (2018); also called swish."""

    name = "silu"
    formula = "net / (1 + exp(-net))"
    derivative_formula = "s * (1 + net*(1 - s)) with s = 1 / (1 + exp(-net))"
    relu_like = True

    def value(self, net: float) -> float:
        return net * logistic(net)

    def derivative(self, net: float, out: float) -> float:
        s = logistic(net)
        return s * (1.0 + net * (1.0 - s))


class Exp(Activation):
    name = "exp"
    formula = "exp(net)"
    derivative_formula = "out"
    hidden = False

    def value(self, net: float) -> float:
        return exp(net)

    def derivative(self, net: float, out: float) -> float:
        return out


class Softmax(Activation):
    """Outputs that are a probability for each of several exclusive classes."""

    name = "softmax"
    formula = "exp(net - max) / (sum of exp(net - max) over the layer)"
    derivative_formula = "out_j * ((1 if j = k else 0) - out_k), of out_j with respect to net_k"
    hidden = False
    per_unit = False

    def outs(self, nets: Floats) -> Floats:
        powers, total = shifted_powers(nets)
        return [power / total for power in powers]

    def deltas(self, gradients: Floats, nets: Floats, outs: Floats) -> Floats:
        """The product with the whole Jacobian: out_j * (g_j - sum over k of g_k*out_k)."""
        mean = 0.0
        for g, out in zip(gradients, outs):
            mean = mean + g * out
        return [out * (g - mean) for g, out in zip(gradients, outs)]


def quotient(a: float, b: float) -> float:
    """The quotient as IEEE-754 has it, where Python would raise: x/0 is an infinity, 0/0 is NaN."""
    if b != 0.0:
        return a / b
    return nan if a == 0.0 or a != a else copysign(inf, a) * copysign(1.0, b)


def shifted_powers(nets: Floats) -> tuple[Floats, float]:
    """exp(net - max) of a layer, so that nothing overflows, and their sum in order."""
    largest = greatest(nets)
    powers = [exp(net - largest) for net in nets]
    total = 0.0
    for power in powers:
        total = total + power
    return powers, total


def greatest(nets: Floats) -> float:
    """The largest net input of a layer."""
    largest = nets[0]
    for net in nets:
        largest = net if net > largest else largest
    return largest


class Loss:
    """The error of one output unit, and its derivative with respect to that output.

    Attributes
    ----------
    name : str
        The name that arguments use.
    formula, gradient_formula : str
        The error of one unit, and dE/dout.
    output_activations : frozenset of str or None
        The output activations it needs; None: any.
    target_range : tuple of float or None
        The targets it allows, both ends included; None: any finite number.
    has_gradient : bool
        Whether it has a dE/dout of its own; if not, its output deltas always take the shortcut.
    kinks : tuple of float
        The values of ``out - target`` at which its slope, or its slope's slope, jumps.
    """

    name: str
    formula: str
    gradient_formula: str
    output_activations: frozenset[str] | None = None
    target_range: tuple[float, float] | None = None
    has_gradient = True
    kinks: tuple[float, ...] = ()

    def configured(self, output_activation: str, huber_delta: float) -> "Loss":
        """The row for a network with this output activation and this threshold."""
        return self

    def goes_with(self, output_activation: str) -> bool:
        """Whether it is defined for every value that this output activation, by its name, can give."""
        return self.output_activations is None or output_activation in self.output_activations

    def value(self, net: float, out: float, target: float) -> float:
        """The error of one output unit."""
        raise NotImplementedError

    def gradient(self, out: float, target: float) -> float:
        """dE/dout of one output unit."""
        raise NotImplementedError

    def values(self, nets: Floats, outs: Floats, targets: Floats) -> Floats:
        """The errors of a whole output layer; their sum, in order, is the sample's loss."""
        value = self.value
        return [value(net, out, t) for net, out, t in zip(nets, outs, targets)]

    def gradients(self, outs: Floats, targets: Floats) -> Floats:
        """dE/dout of a whole output layer."""
        return [self.gradient(out, t) for out, t in zip(outs, targets)]


class SquaredError(Loss):
    name = "squared_error"
    formula = "0.5 * (target - out)^2"
    gradient_formula = "out - target"

    def value(self, net: float, out: float, target: float) -> float:
        d = target - out
        return 0.5 * (d * d)

    def gradient(self, out: float, target: float) -> float:
        return out - target


class AbsoluteError(Loss):
    name = "absolute_error"
    formula = "|target - out|"
    gradient_formula = "1 if out > target, -1 if out < target, else 0"
    kinks = (0.0,)

    def value(self, net: float, out: float, target: float) -> float:
        return abs(target - out)

    def gradient(self, out: float, target: float) -> float:
        return float(out > target) - float(out < target)


class Huber(Loss):
    """Huber (1964): squared for small errors, absolute for large ones.

    Parameters
    ----------
    threshold : float, default=1.0
        Where one becomes the other.
    """

    name = "huber"
    formula = "0.5 * d^2 if |d| <= h else h * (|d| - 0.5*h), with d = target - out"
    gradient_formula = "out - target, but not below -h or above h"

    def __init__(self, threshold: float = 1.0) -> None:
        self.threshold = threshold
        self.kinks = (-threshold, threshold)

    def configured(self, output_activation: str, huber_delta: float) -> Loss:
        return Huber(huber_delta)

    def value(self, net: float, out: float, target: float) -> float:
        d, h = target - out, self.threshold
        return 0.5 * (d * d) if abs(d) <= h else h * (abs(d) - 0.5 * h)

    def gradient(self, out: float, target: float) -> float:
        difference, h = out - target, self.threshold
        if abs(difference) <= h:
            return difference
        return h if difference > 0.0 else -h


class Poisson(Loss):
    """Half the deviance of a Poisson distribution with mean `out`."""

    name = "poisson"
    formula = "target * log(target / out) - target + out"
    gradient_formula = "1 - target / out"
    output_activations = frozenset({"exp", "softplus", "logistic", "softmax"})
    target_range = (0.0, LARGEST)

    def value(self, net: float, out: float, target: float) -> float:
        term = target * log(quotient(target, out)) if target > 0.0 else 0.0
        return term - target + out

    def gradient(self, out: float, target: float) -> float:
        return 1.0 - quotient(target, out) if target > 0.0 else 1.0


class LogLoss(Loss):
    """Cross-entropy, computed from net so that it is stable: -t*log(out) - (1-t)*log(1-out) in other words.

    It has no `gradient` of its own: with the output activations it allows, delta is out - target.
    """

    name = "log_loss"
    formula = "max(net, 0) - net*target + log(1 + exp(-|net|))"
    gradient_formula = "(out - target) / (out * (1 - out))"
    output_activations = frozenset({"logistic", "softmax"})
    target_range = (0.0, 1.0)
    has_gradient = False

    def configured(self, output_activation: str, huber_delta: float) -> Loss:
        return SoftmaxLogLoss() if output_activation == "softmax" else self

    def value(self, net: float, out: float, target: float) -> float:
        return (net if net > 0.0 else 0.0) - net * target + log1p(exp(-abs(net)))


class SoftmaxLogLoss(LogLoss):
    """Cross-entropy of a softmax layer: -sum of t*log(out), again from net."""

    formula = "target * (log(sum of exp(net - max) over the layer) - (net - max))"
    gradient_formula = "-target / out"

    def values(self, nets: Floats, outs: Floats, targets: Floats) -> Floats:
        largest = greatest(nets)
        _, total = shifted_powers(nets)
        log_total = log(total)
        return [t * (log_total - (net - largest)) for net, t in zip(nets, targets)]


_ACTIVATION_ROWS = (
    Identity(), Logistic(), Tanh(), Relu(), LeakyRelu(), Elu(), Softplus(), Silu(), Exp(), Softmax(),
)  # fmt: skip
ACTIVATIONS: dict[str, Activation] = {row.name: row for row in _ACTIVATION_ROWS}
_LOSS_ROWS = (SquaredError(), AbsoluteError(), Huber(), LogLoss(), Poisson())
LOSSES: dict[str, Loss] = {row.name: row for row in _LOSS_ROWS}

# (output activation, loss) for which delta = out - target, exactly as a formula; no other pair takes it.
SHORTCUTS = frozenset(
    {("identity", "squared_error"), ("logistic", "log_loss"), ("softmax", "log_loss"), ("exp", "poisson")}
)


def pair_is_possible(output_activation: str, loss: str) -> bool:
    """Whether the loss is defined for every value that the output activation can give."""
    return ACTIVATIONS[output_activation].output and LOSSES[loss].goes_with(output_activation)
