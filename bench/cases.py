"""What is timed: networks with their data, as a specification from which every process makes the same numbers."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# A float32 number, for FANN keeps the rate as one; and no power of two, which would hide wrong orders of factors.
RATE = float(np.float32(0.1))
MOMENTUM = 0.9
BETA_1, BETA_2 = 0.9, 0.999
EPSILON = 1e-30  # so small that it does not matter where a library adds it


@dataclass(frozen=True)
class Case:
    """A network, its training and how it is reported.

    Attributes
    ----------
    group : str
        The table or curve that it belongs to.
    sizes : tuple of int
    batch, n_samples : int
        Samples per update, which divides the samples per epoch.
    inputs : {"dense", "strokes", "worked example"}
        Uniform in [-1, 1]; pictures of pen strokes, four fifths zeros; or the tutorial's one sample, whose biases
        stay as they are.
    hidden, output, loss : str
        Activations and loss, by this package's names.
    optimizer : {"sgd", "nesterov", "adam"}
    l2 : float
    dtype : {"float64", "float32"}
    threads : int
        Cores that the processes may use.
    networks : int
        Networks of this shape, trained on the same samples side by side.
    whole : bool
        Whether a slow peer must take all samples, or leave it.
    at : float
        The place on a curve's axis.
    aims : tuple of (str, float)
        The ratio to a peer's time that the project has set itself.
    aim_ns : float
        And the time, on a machine with AVX2.
    """

    group: str
    sizes: tuple[int, ...]
    batch: int = 1
    n_samples: int = 1_000
    inputs: str = "dense"
    hidden: str = "logistic"
    output: str = "logistic"
    loss: str = "squared_error"
    optimizer: str = "sgd"
    l2: float = 0.0
    dtype: str = "float64"
    threads: int = 1
    networks: int = 1
    whole: bool = False
    at: float = 0.0
    aims: tuple[tuple[str, float], ...] = ()
    aim_ns: float = 0.0

    def __post_init__(self) -> None:
        if self.n_samples % self.batch:
            raise ValueError(f"batch={self.batch} does not divide n_samples={self.n_samples}")

    @property
    def train_bias(self) -> bool:
        """Whether biases are trained."""
        return self.inputs != "worked example"

    @property
    def rate(self) -> float:
        """The learning rate."""
        return {"adam": 0.001}.get(self.optimizer, 0.5 if self.inputs == "worked example" else RATE)

    @property
    def name(self) -> str:
        """The network and all that is not usual about it."""
        words = ["-".join(map(str, self.sizes))]
        words += {"strokes": ["80 % zeros"], "worked example": ["the tutorial's case"]}.get(self.inputs, [])
        words += [self.hidden] if self.hidden != "logistic" else []
        words += [f"{self.output} + {self.loss}"] if self.output != "logistic" else []
        words += [self.optimizer] if self.optimizer != "sgd" else []
        words += ["L2"] if self.l2 else []
        words += [self.dtype] if self.dtype != "float64" else []
        words += [f"{self.networks} networks"] if self.networks > 1 else []
        words += [f"{self.threads} threads"] if self.threads > 1 else []
        return ", ".join(words)

    def cut(self, n_samples: int) -> "Case":
        """With at most so many samples, in whole batches."""
        fewer = max(self.batch, min(self.n_samples, n_samples) // self.batch * self.batch)
        return replace(self, n_samples=fewer)


@dataclass(frozen=True)
class Data:
    """The numbers of a case: samples, targets, and for each layer the first weights and biases.

    With more than one network, weights and biases have a first axis for them.
    """

    X: Array
    T: Array
    weights: list[Array]
    biases: list[Array]

    @classmethod
    def of(cls, case: Case) -> "Data":
        """Make them; the same everywhere, and a cut case has a longer one's first samples."""
        if case.inputs == "worked example":
            weights = [np.array([[0.15, 0.25], [0.20, 0.30]]), np.array([[0.40, 0.50], [0.45, 0.55]])]
            biases = [np.array([0.35, 0.35]), np.array([0.60, 0.60])]
            X, T = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
        else:
            make = strokes if case.inputs == "strokes" else dense
            X = make(case.n_samples, case.sizes[0])
            T = targets(case)
            networks = [first_weights(case.sizes, seed) for seed in range(case.networks)]
            if case.networks == 1:
                [(weights, biases)] = networks
            else:
                of_layers = zip(*(w + b for w, b in networks), strict=True)
                stacked = [np.stack(same_layer) for same_layer in of_layers]
                weights, biases = stacked[: len(stacked) // 2], stacked[len(stacked) // 2 :]
        dtype = np.dtype(case.dtype)
        return cls(
            X.astype(dtype), T.astype(dtype), [w.astype(dtype) for w in weights], [b.astype(dtype) for b in biases]
        )


def first_weights(sizes: tuple[int, ...], seed: int) -> tuple[list[Array], list[Array]]:
    rng = np.random.RandomState(100 + seed)
    weights: list[Array] = []
    biases: list[Array] = []
    for fan_in, fan_out in pairwise(sizes):
        bound = np.sqrt(6 / (fan_in + fan_out))
        weights.append(rng.uniform(-bound, bound, size=(fan_in, fan_out)))
        biases.append(rng.uniform(-0.5, 0.5, size=fan_out))
    return weights, biases


def dense(n_samples: int, n_inputs: int) -> Array:
    return np.random.RandomState(1).uniform(-1, 1, size=(n_samples, n_inputs))


def strokes(n_samples: int, n_inputs: int) -> Array:
    """Square pictures with a wandering pen stroke in the middle; about a fifth of the pixels has ink, in runs."""
    side = round(n_inputs**0.5)
    if side * side != n_inputs:
        raise ValueError(f"n_inputs={n_inputs} is no square")
    rng = np.random.RandomState(2)
    pictures = np.zeros((n_samples, side, side))
    margin, ink = side // 7, round(0.2 * n_inputs)
    for picture in pictures:
        place, step = np.array([side / 2, side / 2]) + rng.uniform(-4, 4, size=2), rng.normal(size=2)
        while np.count_nonzero(picture) < ink:
            step = 0.8 * step + 0.6 * rng.normal(size=2)
            place = np.clip(place + step, margin, side - 1 - margin)
            row, column = place.astype(int)
            spot = picture[row - 1 : row + 2, column - 1 : column + 2]
            np.maximum(spot, rng.uniform(0.2, 1.0, size=spot.shape), out=spot)
    return pictures.reshape(n_samples, n_inputs)


def targets(case: Case) -> Array:
    """What the output activation can reach: classes for softmax, numbers otherwise."""
    n_outputs = case.sizes[-1]
    if case.output == "softmax":
        return np.eye(n_outputs)[np.arange(case.n_samples) % n_outputs]
    return np.random.RandomState(3).uniform(0.1, 0.9, size=(case.n_samples, n_outputs))


def mean_loss(case: Case, data: Data, weights: list[Array], biases: list[Array]) -> float:
    """The mean loss over the samples (and networks), by plain NumPy in float64, whoever trained the weights."""
    out: Array = data.X.astype(np.float64)
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        net = out @ w.astype(np.float64) + b.astype(np.float64)[..., None, :]
        out = activate(case.output if layer == len(weights) - 1 else case.hidden, net)
    T = data.T.astype(np.float64)
    losses = -T * np.log(out) if case.loss == "log_loss" else 0.5 * (T - out) ** 2
    return float(losses.sum(axis=-1).mean())


def activate(name: str, net: Array) -> Array:
    if name == "logistic":
        return np.asarray(1 / (1 + np.exp(-net)))
    if name == "tanh":
        return np.tanh(net)
    if name == "relu":
        return np.maximum(net, 0)
    if name == "softmax":
        powers = np.exp(net - net.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    if name == "identity":
        return net
    raise ValueError(f"activation {name!r} has no formula here")
