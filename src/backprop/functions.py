"""The table of activations and losses: one class each, and the rules for pairing them.

A row holds a function's name, its formula, its plain-Python arithmetic (the reference engine calls these very
methods) and where it may be used. The compiled engine knows each row by name and has one kernel case for it;
everything else in the package, the tests included, walks the table.

To add a row: write its class here, list it in `ACTIVATIONS` or `LOSSES`, add its case to `_kernels.pxi`.
"""

from math import sqrt

from ._elementary import exp, log1p, logistic

__all__ = ["ACTIVATIONS", "LOSSES", "SHORTCUTS", "Activation", "Loss", "pair_is_possible"]

Floats = list[float]


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
    """

    name: str
    formula: str
    derivative_formula: str
    hidden = True
    output = True

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
        """Initial weights are uniform within +- this bound: Glorot and Bengio (2010), equation 16."""
        return sqrt(6.0 / (fan_in + fan_out))


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

    def value(self, net: float) -> float:
        return net if net > 0.0 else 0.0

    def derivative(self, net: float, out: float) -> float:
        return 1.0 if net > 0.0 else 0.0

    def deltas(self, gradients: Floats, nets: Floats, outs: Floats) -> Floats:
        # A selection, not a product with 0: an inactive unit's delta is +0.0 whatever its gradient.
        return [g if net > 0.0 else 0.0 for g, net in zip(gradients, nets)]

    def initial_bound(self, fan_in: int, fan_out: int) -> float:
        """He et al. (2015), equation 10, as a uniform distribution of the same variance."""
        return sqrt(6.0 / fan_in)


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
    """

    name: str
    formula: str
    gradient_formula: str
    output_activations: frozenset[str] | None = None
    target_range: tuple[float, float] | None = None

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


class LogLoss(Loss):
    """Cross-entropy, computed from net so that it is stable: -t*log(out) - (1-t)*log(1-out) in other words.

    It has no `gradient` of its own: with the output activations it allows, delta is out - target.
    """

    name = "log_loss"
    formula = "max(net, 0) - net*target + log(1 + exp(-|net|))"
    gradient_formula = "(out - target) / (out * (1 - out))"
    output_activations = frozenset({"logistic"})
    target_range = (0.0, 1.0)

    def value(self, net: float, out: float, target: float) -> float:
        return (net if net > 0.0 else 0.0) - net * target + log1p(exp(-abs(net)))


ACTIVATIONS: dict[str, Activation] = {row.name: row for row in (Identity(), Logistic(), Relu())}
LOSSES: dict[str, Loss] = {row.name: row for row in (SquaredError(), LogLoss())}

# (output activation, loss) for which delta = out - target, exactly as a formula; no other pair takes it.
SHORTCUTS = frozenset({("identity", "squared_error"), ("logistic", "log_loss")})


def pair_is_possible(output_activation: str, loss: str) -> bool:
    """Whether the loss is defined for every value that the output activation can give."""
    needed = LOSSES[loss].output_activations
    return ACTIVATIONS[output_activation].output and (needed is None or output_activation in needed)
