"""The networks that are timed, with their data. Everything is seeded: each run trains the same numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import backprop as bp

Array = NDArray[np.floating[Any]]

LEARNING_RATE = 0.5


@dataclass(frozen=True, eq=False)
class Problem:
    """A network to start from, and what it is trained on, one sample at a time.

    All units are logistic, and a layer has one bias that is never trained: what the tutorial's script can do.
    """

    name: str
    weights: tuple[Array, ...]  # per layer (fan_in, fan_out)
    biases: tuple[float, ...]  # one per layer
    X: Array
    T: Array
    epochs: int

    @property
    def sizes(self) -> list[int]:
        """Units per layer, inputs first."""
        return [self.weights[0].shape[0], *(layer.shape[1] for layer in self.weights)]

    @property
    def updates(self) -> int:
        """How often a run changes the weights: once for each sample of each epoch."""
        return self.epochs * len(self.X)


def tutorial_problem(epochs: int) -> Problem:
    """The tutorial's own case: the worked example and its one sample."""
    net, x, t = bp.examples.worked_example()
    weights = tuple(layer.copy() for layer in net.weights)
    biases = tuple(float(bias[0]) for bias in net.biases)
    return Problem("2-2-2", weights, biases, x.reshape(1, -1), t.reshape(1, -1), epochs)


def random_problem(sizes: list[int], n_samples: int, epochs: int, seed: int) -> Problem:
    """A network of these sizes on samples from [-1, 1], with targets that logistic units can reach."""
    rng = np.random.RandomState(seed)
    net = bp.Network(sizes, bias="shared", train_bias=False, random_state=rng)
    weights = tuple(layer.copy() for layer in net.weights)
    biases = tuple(float(bias) for bias in rng.uniform(-0.5, 0.5, size=len(weights)))
    X = rng.uniform(-1, 1, size=(n_samples, sizes[0]))
    T = rng.uniform(0.1, 0.9, size=(n_samples, sizes[-1]))
    return Problem("-".join(map(str, sizes)), weights, biases, X, T, epochs)


def problems(*, toy: bool) -> list[Problem]:
    """All of them; at toy size the larger ones shrink, which only shows that the benches run."""
    return [
        tutorial_problem(10_000),
        random_problem([4, 8, 3], n_samples=150, epochs=1 if toy else 40, seed=1),
        random_problem([64, 32, 10], n_samples=20 if toy else 100, epochs=1 if toy else 10, seed=2),
    ]
