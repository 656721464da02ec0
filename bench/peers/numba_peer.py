"""Numba: the loops over samples, layers, inputs and outputs as one compiled function on flat arrays.

One sample at a time in plain loops, with weights (fan_in, fan_out) so that LLVM can vectorise them; batches
through `np.dot`, which is BLAS. Activations and optimizers are chosen by number.
"""

from itertools import pairwise

import numba
import numpy as np
from cases import BETA_1, BETA_2, EPSILON, MOMENTUM, Array, Case, Data
from numba import njit
from numpy.typing import NDArray

from . import Peer

ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "softmax")
OPTIMIZERS = ("sgd", "nesterov", "adam")


class Numba(Peer):
    """One call for all epochs."""

    title = "Numba"
    what = "one `njit` function; plain loops for single samples, `np.dot` for batches"

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        self.sizes = np.array(case.sizes)
        counts = [a * b for a, b in pairwise(case.sizes)], list(case.sizes[1:])
        self.starts = np.cumsum([0, *counts[0], *counts[1]])  # all weights, then all biases
        self.n_weights = sum(counts[0])
        self.n_trained = int(self.starts[-1]) if case.train_bias else self.n_weights
        self.blocks = [np.empty(self.starts[-1], case.dtype) for _ in range(case.networks)]
        self.functions = np.array([ACTIVATIONS.index(name) for name in (case.hidden, case.output)])
        self.shortcut = case.loss == "log_loss"
        self.reset()
        self.run(1)  # compiles, once for each dtype
        self.reset()

    @classmethod
    def version(cls) -> str:
        return str(numba.__version__)

    def reset(self) -> None:
        arrays = self.data.weights + self.data.biases
        for k, block in enumerate(self.blocks):
            mine = arrays if self.case.networks == 1 else [array[k] for array in arrays]
            block[:] = np.concatenate([array.ravel() for array in mine])

    def run(self, epochs: int) -> None:
        case, real = self.case, np.dtype(self.case.dtype).type
        method = OPTIMIZERS.index(case.optimizer)
        train = one_by_one if case.batch == 1 else in_batches
        for block in self.blocks:
            train(
                block, self.sizes, self.starts, self.n_weights, self.n_trained, self.data.X, self.data.T,
                case.batch, epochs, self.functions, self.shortcut, method, real(case.rate), real(case.l2),
            )  # fmt: skip

    def parameters(self) -> tuple[list[Array], list[Array]]:
        layers = list(enumerate(pairwise(self.case.sizes)))
        weights, biases = [], []
        for i, shape in layers:
            of_layer = [block[self.starts[i] : self.starts[i + 1]].reshape(shape) for block in self.blocks]
            weights.append(np.stack(of_layer) if len(of_layer) > 1 else of_layer[0].copy())
            j = i + len(layers)
            of_units = [block[self.starts[j] : self.starts[j + 1]] for block in self.blocks]
            biases.append(np.stack(of_units) if len(of_units) > 1 else of_units[0].copy())
        return weights, biases


@njit(inline="always")
def activate(function: int, net: Array) -> None:
    one = net.dtype.type(1)
    if function == 1:
        for j in range(net.size):
            net[j] = one / (one + np.exp(-net[j]))
    elif function == 2:
        for j in range(net.size):
            net[j] = np.tanh(net[j])
    elif function == 3:
        for j in range(net.size):
            net[j] = max(net[j], net.dtype.type(0))
    elif function == 4:
        top = net.max()
        total = net.dtype.type(0)
        for j in range(net.size):
            net[j] = np.exp(net[j] - top)
            total += net[j]
        for j in range(net.size):
            net[j] /= total


@njit(inline="always")
def times_slope(function: int, out: Array, delta: Array) -> None:
    one = out.dtype.type(1)
    if function == 1:
        for j in range(out.size):
            delta[j] *= out[j] * (one - out[j])
    elif function == 2:
        for j in range(out.size):
            delta[j] *= one - out[j] * out[j]
    elif function == 3:
        for j in range(out.size):
            if out[j] <= 0:
                delta[j] = 0


@njit(inline="always")
def optimize(
    w: Array, g: Array, state: Array, method: int, rate: float, l2: float, n_weights: int, t: int
) -> None:
    real = w.dtype.type
    if l2 != 0:
        for i in range(n_weights):
            g[i] += l2 * w[i]
    if method == 0:
        for i in range(w.size):
            w[i] -= rate * g[i]
    elif method == 1:
        mu = real(MOMENTUM)
        for i in range(w.size):
            state[0, i] = mu * state[0, i] - rate * g[i]
            w[i] += mu * state[0, i] - rate * g[i]
    else:
        b1, b2 = real(BETA_1), real(BETA_2)
        now = real(rate * np.sqrt(1 - BETA_2**t) / (1 - BETA_1**t))
        for i in range(w.size):
            state[0, i] = b1 * state[0, i] + (real(1) - b1) * g[i]
            state[1, i] = b2 * state[1, i] + (real(1) - b2) * (g[i] * g[i])
            w[i] -= now * state[0, i] / (np.sqrt(state[1, i]) + real(EPSILON))


@njit
def one_by_one(
    w: Array, sizes: NDArray[np.int64], starts: NDArray[np.int64], n_weights: int, n_trained: int, X: Array,
    T: Array, batch: int, epochs: int, functions: NDArray[np.int64], shortcut: bool, method: int, rate: float,
    l2: float,
) -> None:  # fmt: skip
    layers = sizes.size - 1
    widest = sizes.max()
    outs, deltas = np.zeros((layers + 1, widest), w.dtype), np.zeros((layers + 1, widest), w.dtype)
    plain = method == 0 and l2 == 0
    g = np.zeros(w.size, w.dtype)
    state = np.zeros((2, n_trained), w.dtype)
    for t in range(epochs * X.shape[0]):
        x = X[t % X.shape[0]]
        target = T[t % X.shape[0]]
        for l in range(layers):  # noqa: E741
            below = x if l == 0 else outs[l, : sizes[l]]
            net = outs[l + 1, : sizes[l + 1]]
            W = w[starts[l] : starts[l + 1]].reshape(sizes[l], sizes[l + 1])
            net[:] = w[starts[layers + l] : starts[layers + l + 1]]
            for i in range(W.shape[0]):
                for j in range(W.shape[1]):
                    net[j] += below[i] * W[i, j]
            activate(functions[int(l == layers - 1)], net)
        out, delta = outs[layers, : sizes[layers]], deltas[layers, : sizes[layers]]
        for j in range(out.size):
            delta[j] = out[j] - target[j]
        if not shortcut:
            times_slope(functions[1], out, delta)
        for l in range(layers - 1, -1, -1):  # noqa: E741
            below = x if l == 0 else outs[l, : sizes[l]]
            delta = deltas[l + 1, : sizes[l + 1]]
            W = w[starts[l] : starts[l + 1]].reshape(sizes[l], sizes[l + 1])
            b = w[starts[layers + l] : starts[layers + l + 1]]
            if l:
                above = deltas[l, : sizes[l]]
                for i in range(W.shape[0]):
                    total = w.dtype.type(0)
                    for j in range(W.shape[1]):
                        total += W[i, j] * delta[j]
                    above[i] = total
                times_slope(functions[0], below, above)
            if plain:
                for i in range(W.shape[0]):
                    step = rate * below[i]
                    for j in range(W.shape[1]):
                        W[i, j] -= step * delta[j]
                if n_trained > n_weights:
                    for j in range(b.size):
                        b[j] -= rate * delta[j]
            else:
                G = g[starts[l] : starts[l + 1]].reshape(sizes[l], sizes[l + 1])
                for i in range(W.shape[0]):
                    for j in range(W.shape[1]):
                        G[i, j] = below[i] * delta[j]
                g[starts[layers + l] : starts[layers + l + 1]] = delta
        if not plain:
            optimize(w[:n_trained], g, state, method, rate, l2, n_weights, t + 1)


@njit
def in_batches(
    w: Array, sizes: NDArray[np.int64], starts: NDArray[np.int64], n_weights: int, n_trained: int, X: Array,
    T: Array, batch: int, epochs: int, functions: NDArray[np.int64], shortcut: bool, method: int, rate: float,
    l2: float,
) -> None:  # fmt: skip
    layers = sizes.size - 1
    widest = sizes.max()
    out_block = np.zeros((layers + 1, batch * widest), w.dtype)
    delta_block = np.zeros((layers + 1, batch * widest), w.dtype)
    g = np.zeros(w.size, w.dtype)
    state = np.zeros((2, n_trained), w.dtype)
    steps = X.shape[0] // batch
    for t in range(epochs * steps):
        start = t % steps * batch
        x, target = X[start : start + batch], T[start : start + batch]
        for l in range(layers):  # noqa: E741
            below = x if l == 0 else out_block[l, : batch * sizes[l]].reshape(batch, sizes[l])
            net = out_block[l + 1, : batch * sizes[l + 1]].reshape(batch, sizes[l + 1])
            np.dot(below, w[starts[l] : starts[l + 1]].reshape(sizes[l], sizes[l + 1]), net)
            b = w[starts[layers + l] : starts[layers + l + 1]]
            for s in range(batch):
                for j in range(b.size):
                    net[s, j] += b[j]
                activate(functions[int(l == layers - 1)], net[s])
        out = out_block[layers, : batch * sizes[layers]].reshape(batch, sizes[layers])
        delta = delta_block[layers, : batch * sizes[layers]].reshape(batch, sizes[layers])
        for s in range(batch):
            for j in range(sizes[layers]):
                delta[s, j] = (out[s, j] - target[s, j]) / w.dtype.type(batch)
            if not shortcut:
                times_slope(functions[1], out[s], delta[s])
        for l in range(layers - 1, -1, -1):  # noqa: E741
            below = x if l == 0 else out_block[l, : batch * sizes[l]].reshape(batch, sizes[l])
            delta = delta_block[l + 1, : batch * sizes[l + 1]].reshape(batch, sizes[l + 1])
            W = w[starts[l] : starts[l + 1]].reshape(sizes[l], sizes[l + 1])
            np.dot(below.T, delta, g[starts[l] : starts[l + 1]].reshape(sizes[l], sizes[l + 1]))
            to_b = g[starts[layers + l] : starts[layers + l + 1]]
            to_b[:] = 0
            for s in range(batch):
                for j in range(to_b.size):
                    to_b[j] += delta[s, j]
            if l:
                above = delta_block[l, : batch * sizes[l]].reshape(batch, sizes[l])
                np.dot(delta, W.T, above)
                for s in range(batch):
                    times_slope(functions[0], below[s], above[s])
        optimize(w[:n_trained], g, state, method, rate, l2, n_weights, t + 1)
