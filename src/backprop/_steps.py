"""The arithmetic of the pure-Python engine, on lists of numbers: one sample, one batch, one update.

Read this file to learn what backpropagation computes, and in which order; docs/arithmetic.md says the same in
words, and `_kernels.pxi` does the same in compiled loops, with the same bits. `_reference.py` has the doors to it.

Words: `net` is a unit's weighted sum plus bias, `out` its output, `delta` dE/dnet. The weights of a layer are a
list of rows, one for each unit of the layer below: w[i][j] leads from unit i to unit j. A sum starts at 0.0
and takes its terms in ascending order, one rounding each.

A number is a float, or in a float32 network a `Single`, whose every operation rounds to float32. Where a number
comes in, from a buffer or a constant, `Plan.number` or `Plan.numbers` makes it one.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import Any

from ._elementary import log
from ._elementary import sqrt as root
from ._single import Single
from .functions import Activation, Loss

Floats = list[float]
Rows = list[Floats]


@dataclass(frozen=True)
class Plan:
    """What `make_plan` was told, with names replaced by rows of the table."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss
    shortcut: bool
    bias: str
    train_bias: bool
    sequential: bool
    single: bool  # float32
    strides: tuple[int, ...]
    weight_offsets: tuple[int, ...]
    bias_offsets: tuple[int, ...]
    size: int

    @property
    def layers(self) -> range:
        """The layers of weights."""
        return range(len(self.activations))

    def number(self, value: float) -> float:
        """A value as a number of the network's dtype."""
        return Single(value) if self.single else value

    def numbers(self, values: Floats) -> Floats:
        """Values as numbers of the network's dtype."""
        return [Single(value) for value in values] if self.single else values

    def weight_of(self, sample_weight: Any, row: int) -> float:
        """A sample's weight, 1 if there are none, rounded to the dtype; a float, as weights are added as such."""
        return 1.0 if sample_weight is None else float(self.number(sample_weight[row]))

    def row_of(self, values: Any, row: int, width: int) -> Floats:
        """One row of a flat buffer of either dtype."""
        return self.numbers(values[row * width : (row + 1) * width].tolist())


class Parameters:
    """The weights and biases of a network as lists, read from a block and written back to it."""

    def __init__(self, plan: Plan, block: Any) -> None:
        self.plan = plan
        self.block = flat(block)
        values = plan.numbers(self.block.tolist())
        self.weights: list[Rows] = []
        self.biases: Rows = []  # per unit: one number each; shared: one in all; none: empty
        for layer in plan.layers:
            fan_in, fan_out = plan.sizes[layer], plan.sizes[layer + 1]
            starts = [plan.weight_offsets[layer] + i * plan.strides[layer] for i in range(fan_in)]
            self.weights.append([values[start : start + fan_out] for start in starts])
            start = plan.bias_offsets[layer]
            self.biases.append(values[start : start + bias_length(plan, layer)])

    def write_back(self) -> None:
        """Copy every weight and bias into the block; what lies between rows stays as it is."""
        plan = self.plan
        for layer in plan.layers:
            for i, row in enumerate(self.weights[layer]):
                start = plan.weight_offsets[layer] + i * plan.strides[layer]
                put(self.block, start, row)
            put(self.block, plan.bias_offsets[layer], self.biases[layer])

    def first_bad_layer(self) -> int:
        """The first layer of weights that holds a number which is not finite, or -1."""
        for layer in self.plan.layers:
            rows = [*self.weights[layer], self.biases[layer]]
            if not all(isfinite(value) for row in rows for value in row):
                return layer
        return -1


def bias_length(plan: Plan, layer: int) -> int:
    """How many numbers the bias of a layer has."""
    return {"per_unit": plan.sizes[layer + 1], "shared": 1, "none": 0}[plan.bias]


# ---- one sample --------------------------------------------------------------------------------------------


def layer_nets(plan: Plan, weights: Rows, bias: Floats, below: Floats) -> Floats:
    """net[j] = sum over i of below[i]*w[i][j], then + bias[j]: every unit of one layer."""
    nets = [0.0] * len(weights[0])
    for x, row in zip(below, weights):
        nets = [net + x * w for net, w in zip(nets, row)]
    if plan.bias == "per_unit":
        return [net + b for net, b in zip(nets, bias)]
    if plan.bias == "shared":
        b = bias[0]
        return [net + b for net in nets]
    return nets


def sample_forward(plan: Plan, parameters: Parameters, x: Floats) -> tuple[Rows, Rows]:
    """The net inputs and the outputs of every layer, for one sample."""
    nets: Rows = []
    outs: Rows = []
    below = x
    for activation, weights, bias in zip(plan.activations, parameters.weights, parameters.biases):
        nets.append(layer_nets(plan, weights, bias, below))
        below = plan.numbers(activation.outs(nets[-1]))
        outs.append(below)
    return nets, outs


def sample_loss(plan: Plan, nets: Floats, outs: Floats, targets: Floats) -> float:
    """The loss of one sample: the errors of its output units, added in order. Over samples floats are added."""
    total = 0.0
    for error in plan.loss.values(nets, outs, targets):
        total = total + error
    return float(total)


def reported_loss(plan: Plan, nets: Floats, outs: Floats, targets: Floats) -> float:
    """The same as scikit-learn reports it: log_loss from outputs kept off 0 and 1 by the dtype's epsilon.

    Its poisson loss is NaN where target and output are 0.
    """
    if plan.loss.name == "poisson" and any(target == out == 0.0 for out, target in zip(outs, targets)):
        return nan
    if plan.loss.has_gradient:
        return sample_loss(plan, nets, outs, targets)
    epsilon = plan.number(2.0**-23 if plan.single else 2.0**-52)
    total = plan.number(0.0)
    for out, target in zip(outs, targets):
        p = epsilon if out < epsilon else out
        p = 1.0 - epsilon if p > 1.0 - epsilon else p
        error = target * log(p) if target > 0.0 else plan.number(0.0)
        if plan.activations[-1].per_unit and target < 1.0:
            error = error + (1.0 - target) * log(1.0 - p)
        total = total - error
    return float(total)


def squares(plan: Plan, parameters: "Parameters") -> float:
    """The sum of all weights' squares: down each column of a layer, then over its columns, then over layers."""
    total = 0.0
    for weights in parameters.weights:
        for of_column in column_squares(weights):
            total = total + float(of_column)
    return total


def column_squares(rows: Rows) -> Floats:
    """Sums of squares down the columns of a layer, in the network's dtype."""
    sums = [w * w for w in rows[0]]
    for row in rows[1:]:
        sums = [s + w * w for s, w in zip(sums, row)]
    return sums


def output_deltas(plan: Plan, nets: Floats, outs: Floats, targets: Floats) -> Floats:
    """dE/dnet of the output layer: dE/dout * f', or out - target for the pairs that shorten to it."""
    if plan.shortcut:
        return [out - target for out, target in zip(outs, targets)]
    gradients = plan.numbers(plan.loss.gradients(outs, targets))
    return plan.activations[-1].deltas(gradients, nets, outs)


def back_through(weights: Rows, delta: Floats) -> Floats:
    """dE/dout of the layer below: g[i] = sum over j of delta[j]*w[i][j]."""
    gradients = []
    for row in weights:
        g = 0.0
        for d, w in zip(delta, row):
            g = g + d * w
        gradients.append(g)
    return gradients


# ---- one batch ---------------------------------------------------------------------------------------------


def weight_sums(below: Rows, deltas: Rows) -> Rows:
    """S[i][j] = sum over the samples of delta[j]*below[i]."""
    sums = [[0.0 + d * out for d in deltas[0]] for out in below[0]]
    for outs, delta in zip(below[1:], deltas[1:]):
        sums = [[s + d * out for s, d in zip(row, delta)] for row, out in zip(sums, outs)]
    return sums


def bias_sums(plan: Plan, deltas: Rows) -> Floats:
    """The same for the bias, whose input is 1: per unit the deltas, shared the sum of a layer's deltas."""
    if plan.bias == "none":
        return []
    if plan.bias == "per_unit":
        sums = [0.0 + d for d in deltas[0]]
        for delta in deltas[1:]:
            sums = [s + d for s, d in zip(sums, delta)]
        return sums
    total = 0.0
    for delta in deltas:
        of_sample = 0.0
        for d in delta:
            of_sample = of_sample + d
        total = total + of_sample
    return [total]


class Optimizer:
    """How a gradient becomes an update: the method, its constants, and its state between batches.

    `moments` are like parameters: the velocity of momentum and Nesterov, or Adam's means of the gradients and of
    their squares. `powers` are beta_1^t and beta_2^t, as running products.
    """

    def __init__(self, plan: Plan, description: tuple[str, Sequence[float], Sequence[Any], Any]) -> None:
        self.plan = plan
        self.method, self.constants, blocks, powers = description
        self.moments = [Parameters(plan, block) for block in blocks]
        self.powers: Any = memoryview(powers)
        self.rate = 0.0

    def begin(self, learning_rate: float) -> None:
        """What happens once per batch, before any layer is updated; the rate is rounded once, at the end."""
        rate = learning_rate
        if self.method == "adam":
            beta_1, beta_2, _ = self.constants
            self.powers[0] = self.powers[0] * beta_1
            self.powers[1] = self.powers[1] * beta_2
            rate = learning_rate * sqrt(1.0 - self.powers[1]) / (1.0 - self.powers[0])
        self.rate = self.plan.number(rate)

    def updated(self, row: Floats, gradients: Floats, states: Rows) -> tuple[Floats, Rows]:
        """A row of parameters after its update, and its rows of state."""
        rate, number = self.rate, self.plan.number
        if self.method == "sgd":
            return [w - rate * g for w, g in zip(row, gradients)], []
        if self.method == "adam":
            beta_1, beta_2, epsilon = (number(constant) for constant in self.constants)
            rest_1, rest_2 = number(1.0 - self.constants[0]), number(1.0 - self.constants[1])
            m = [beta_1 * m + rest_1 * g for m, g in zip(states[0], gradients)]
            v = [beta_2 * v + rest_2 * (g * g) for v, g in zip(states[1], gradients)]
            return [w - (rate * a) / (root(b) + epsilon) for w, a, b in zip(row, m, v)], [m, v]
        momentum = number(self.constants[0])
        v = [momentum * v - rate * g for v, g in zip(states[0], gradients)]
        if self.method == "momentum":
            return [w + a for w, a in zip(row, v)], [v]
        return [w + (momentum * a - rate * g) for w, a, g in zip(row, v, gradients)], [v]  # Nesterov


def layer_gradient(
    plan: Plan, parameters: Parameters, layer: int, below: Rows, deltas: Rows, inverse: float, alpha: float
) -> tuple[Rows, Floats]:
    """The gradient, (S + alpha*w)*(1/B), of one layer's weights; of its bias, without alpha."""
    gradients = []
    for sums, row in zip(weight_sums(below, deltas), parameters.weights[layer]):
        if alpha != 0.0:
            gradients.append([(s + alpha * w) * inverse for s, w in zip(sums, row)])
        else:
            gradients.append([s * inverse for s in sums])
    return gradients, [s * inverse for s in bias_sums(plan, deltas)]


def update_layer(
    plan: Plan, parameters: Parameters, optimizer: Optimizer, layer: int, gradient: tuple[Rows, Floats]
) -> None:
    """Update one layer's weights, and its bias if it is trained, from their gradients."""
    moments = optimizer.moments
    for i, of_row in enumerate(gradient[0]):
        row = parameters.weights[layer][i]
        new, states = optimizer.updated(row, of_row, [moment.weights[layer][i] for moment in moments])
        parameters.weights[layer][i] = new
        for moment, state in zip(moments, states):
            moment.weights[layer][i] = state
    if plan.train_bias:
        states = [moment.biases[layer] for moment in moments]
        parameters.biases[layer], states = optimizer.updated(parameters.biases[layer], gradient[1], states)
        for moment, state in zip(moments, states):
            moment.biases[layer] = state


def clipped(plan: Plan, gradients: list[tuple[Rows, Floats]], clip_norm: float) -> list[tuple[Rows, Floats]]:
    """The gradients of all layers, scaled down together if their norm is above `clip_norm`."""
    total = 0.0
    for of_weights, of_bias in gradients:
        for of_column in column_squares(of_weights):
            total = total + float(of_column)
        if plan.train_bias:
            for g in of_bias:
                total = total + float(g * g)
    norm = sqrt(total)
    if not norm > clip_norm:
        return gradients
    scale = plan.number(clip_norm / norm)
    return [([[g * scale for g in row] for row in rows], [g * scale for g in bias]) for rows, bias in gradients]


def train_batch(
    plan: Plan, parameters: Parameters, optimizer: Optimizer, nets: list[Rows], outs: list[Rows], xs: Rows,
    deltas: Rows, inverse: float, alpha: float, clip_norm: float,
) -> None:  # fmt: skip
    """Update every layer, from the last to the first. `nets` and `outs` hold the samples' forward passes.

    "simultaneous": a delta goes back through the weights from before the step, then they are updated.
    "sequential": they are updated first.
    """
    gradients = []
    for layer in reversed(plan.layers):
        below = [out[layer - 1] for out in outs] if layer > 0 else xs
        gradients.append(layer_gradient(plan, parameters, layer, below, deltas, inverse, alpha))
        if plan.sequential:
            update_layer(plan, parameters, optimizer, layer, gradients[-1])
        if layer > 0:
            activation = plan.activations[layer - 1]
            deltas = [
                activation.deltas(back_through(parameters.weights[layer], delta), net[layer - 1], out)
                for delta, net, out in zip(deltas, nets, below)
            ]
    if not plan.sequential:
        gradients.reverse()
        if clip_norm > 0.0:
            gradients = clipped(plan, gradients, clip_norm)
        for layer in plan.layers:
            update_layer(plan, parameters, optimizer, layer, gradients[layer])


# ---- buffers ----------------------------------------------------------------------------------------------------


def flat(buffer: Any) -> Any:
    """A C-contiguous buffer of any number of dimensions as one of a single dimension."""
    view = memoryview(buffer)
    return view.cast("B").cast(view.format)  # type: ignore[call-overload]


def put(values: Any, start: int, numbers: Floats) -> None:
    """Write numbers of a flat buffer's dtype into it."""
    values[start : start + len(numbers)] = array(values.format, numbers)
