"""NumPy by hand, as well as it can be done: no temporary arrays, all parameters in one block for the optimizer."""

from itertools import pairwise

import numpy as np
import scipy
from cases import BETA_1, BETA_2, EPSILON, MOMENTUM, Array, Case, Data
from scipy.special import expit

from . import Peer


class NumPy(Peer):
    """One batch after another through `np.dot` and ufuncs; many networks through `np.matmul`."""

    title = "NumPy"
    what = "written by hand without temporary arrays, with SciPy's `expit`"
    slow = True

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        self.multiply = np.dot if case.networks == 1 else np.matmul
        many = (case.networks,) if case.networks > 1 else ()
        shapes = [(*many, a, b) for a, b in pairwise(case.sizes)] + [(*many, 1, b) for b in case.sizes[1:]]
        count, first_bias = sum(map(np.prod, shapes)), sum(map(np.prod, shapes[: len(case.sizes) - 1]))
        self.block, self.gradient, *self.state = (np.zeros(count, case.dtype) for _ in range(5))
        # Frozen biases are not in what the optimizer sees; L2 is for the weights alone.
        self.trained = slice(0, None if case.train_bias else first_bias)
        self.l2 = slice(0, first_bias)
        self.weights, self.biases = split(self.block, shapes)
        self.to_weights, self.to_biases = split(self.gradient, shapes)
        rows = (*many, case.batch)
        self.outs = [np.empty((*rows, n), case.dtype) for n in case.sizes[1:]]
        self.deltas = [np.empty((*rows, n), case.dtype) for n in case.sizes[1:]]
        self.slopes = [np.empty((*rows, n), case.dtype) for n in case.sizes[1:]]
        self.batches = [
            (data.X[start : start + case.batch], data.T[start : start + case.batch])
            for start in range(0, case.n_samples, case.batch)
        ]
        self.reset()

    @classmethod
    def version(cls) -> str:
        return f"{np.__version__}, SciPy {scipy.__version__}"

    def reset(self) -> None:
        for mine, given in zip(self.weights + self.biases, self.data.weights + self.data.biases, strict=True):
            mine[...] = given.reshape(mine.shape)

    def run(self, epochs: int) -> None:
        update = {"sgd": self.sgd, "nesterov": self.nesterov, "adam": self.adam}[self.case.optimizer]
        self.powers = [1.0, 1.0]
        for array in self.state:
            array.fill(0)
        for _ in range(epochs):
            for X, T in self.batches:
                self.differentiate(X, T)
                update(self.block[self.trained], self.gradient[self.trained])

    def differentiate(self, X: Array, T: Array) -> None:
        case, last, multiply = self.case, len(self.outs) - 1, self.multiply
        x = X
        for layer, (w, b, out) in enumerate(zip(self.weights, self.biases, self.outs, strict=True)):
            multiply(x, w, out=out)
            out += b
            activate(case.output if layer == last else case.hidden, out)
            x = out
        delta = self.deltas[last]
        np.subtract(x, T, out=delta)
        if case.batch > 1:
            delta /= case.batch
        if case.loss == "squared_error":
            times_slope(case.output, x, delta, self.slopes[last])
        for layer in range(last, -1, -1):
            delta = self.deltas[layer]
            x = self.outs[layer - 1] if layer else X
            multiply(np.swapaxes(x, -1, -2), delta, out=self.to_weights[layer])
            np.sum(delta, axis=-2, keepdims=True, out=self.to_biases[layer])
            if layer:
                multiply(delta, np.swapaxes(self.weights[layer], -1, -2), out=self.deltas[layer - 1])
                times_slope(case.hidden, x, self.deltas[layer - 1], self.slopes[layer - 1])
        if case.l2:
            self.gradient[self.l2] += case.l2 * self.block[self.l2]

    def sgd(self, w: Array, gradient: Array) -> None:
        gradient *= self.case.rate
        w -= gradient

    def nesterov(self, w: Array, gradient: Array) -> None:
        v, step = self.state[0][: len(w)], self.state[1][: len(w)]
        gradient *= self.case.rate
        v *= MOMENTUM
        v -= gradient
        np.multiply(v, MOMENTUM, out=step)
        step -= gradient
        w += step

    def adam(self, w: Array, gradient: Array) -> None:
        m, v, step = (array[: len(w)] for array in self.state)
        self.powers = [self.powers[0] * BETA_1, self.powers[1] * BETA_2]
        m *= BETA_1
        np.multiply(gradient, 1 - BETA_1, out=step)
        m += step
        v *= BETA_2
        gradient *= gradient
        gradient *= 1 - BETA_2
        v += gradient
        np.sqrt(v, out=step)
        step += EPSILON
        np.divide(m, step, out=step)
        step *= self.case.rate * np.sqrt(1 - self.powers[1]) / (1 - self.powers[0])
        w -= step

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return [w.copy() for w in self.weights], [b[..., 0, :].copy() for b in self.biases]


def split(block: Array, shapes: list[tuple[int, ...]]) -> tuple[list[Array], list[Array]]:
    """Views of a block: all weights, then all biases."""
    views, start = [], 0
    for shape in shapes:
        stop = start + int(np.prod(shape))
        views.append(block[start:stop].reshape(shape))
        start = stop
    return views[: len(views) // 2], views[len(views) // 2 :]


def activate(name: str, net: Array) -> None:
    if name == "logistic":
        expit(net, out=net)
    elif name == "tanh":
        np.tanh(net, out=net)
    elif name == "relu":
        np.maximum(net, 0, out=net)
    elif name == "softmax":
        net -= net.max(axis=-1, keepdims=True)
        np.exp(net, out=net)
        net /= net.sum(axis=-1, keepdims=True)


def times_slope(name: str, out: Array, delta: Array, slope: Array) -> None:
    if name == "logistic":
        np.subtract(1, out, out=slope)
        delta *= out
        delta *= slope
    elif name == "tanh":
        np.multiply(out, out, out=slope)
        np.subtract(1, slope, out=slope)
        delta *= slope
    elif name == "relu":
        delta *= out > 0
