"""What is timed: each contender stands at a problem's first weights when made, and trains when told to."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from problems import LEARNING_RATE, Array, Problem
from tutorial_style import NeuralNetwork, NeuronLayer

import backprop as bp

TOLERANCE = 1e-9  # between backprop and the tutorial-style loop, whose exp and order of factors are others


class Contender(Protocol):
    """A network at a problem's first weights."""

    def train(self) -> None:
        """Train for all of the problem's updates; this is what is timed."""

    def parameters(self) -> Array:
        """All weights now, layer by layer, flat."""


class Engine:
    """One of the package's engines, through its public interface."""

    def __init__(self, problem: Problem, engine: str, dtype: str = "float64") -> None:
        self.epochs = problem.epochs
        self.X, self.T = problem.X.astype(dtype), problem.T.astype(dtype)
        self.net = bp.Network(
            problem.sizes, bias="shared", train_bias=False, dtype=dtype, random_state=0, engine=engine
        )
        self.net.weights = problem.weights
        self.net.biases = [np.array([bias]) for bias in problem.biases]

    def train(self) -> None:
        # The tutorial-style loop keeps no losses either.
        self.net.train(self.X, self.T, epochs=self.epochs, learning_rate=LEARNING_RATE, record_loss=False)

    def parameters(self) -> Array:
        return np.concatenate([layer.ravel() for layer in self.net.weights])


class TutorialStyle:
    """The loop of `tutorial_style.py`."""

    def __init__(self, problem: Problem) -> None:
        self.epochs = problem.epochs
        self.X, self.T = problem.X.tolist(), problem.T.tolist()
        hidden, output = (
            NeuronLayer(weights.T.tolist(), bias)
            for weights, bias in zip(problem.weights, problem.biases, strict=True)
        )
        self.net = NeuralNetwork(hidden, output, LEARNING_RATE)

    def train(self) -> None:
        for _ in range(self.epochs):
            for x, t in zip(self.X, self.T, strict=True):
                self.net.train(x, t)

    def parameters(self) -> Array:
        layers = (self.net.hidden, self.net.output)
        return np.concatenate([np.array([unit.weights for unit in layer.neurons]).T.ravel() for layer in layers])


CONTENDERS: dict[str, Callable[[Problem], Contender]] = {
    "compiled": lambda problem: Engine(problem, "compiled"),
    "compiled, float32": lambda problem: Engine(problem, "compiled", "float32"),
    "reference": lambda problem: Engine(problem, "python"),
    "tutorial-style": TutorialStyle,
}


def check(problem: Problem) -> None:
    """Refuse to time what is not the same after a whole run: the engines to the bit, the other loop to 1e-9."""
    reference32 = Engine(problem, "python", "float32")
    ends = {}
    for name, make in [*CONTENDERS.items(), ("reference, float32", lambda _: reference32)]:
        contender = make(problem)
        contender.train()
        ends[name] = contender.parameters()
    for dtype in ("", ", float32"):
        if ends["compiled" + dtype].tobytes() != ends["reference" + dtype].tobytes():
            raise AssertionError(f"{problem.name}{dtype}: the engines differ")
    difference = float(np.abs(ends["compiled"] - ends["tutorial-style"]).max())
    if not difference <= TOLERANCE:
        raise AssertionError(f"{problem.name}: the tutorial-style loop differs by {difference:.1e}")
