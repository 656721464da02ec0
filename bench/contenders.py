"""What is timed: each contender trains a problem from its first weights, and can be asked for its last ones."""

from functools import cache
from typing import Protocol

import numpy as np

import backprop as bp

from .problems import LEARNING_RATE, Array, Problem
from .tutorial_style import NeuralNetwork, NeuronLayer

TOLERANCE = 1e-9  # between backprop and the tutorial-style loop, whose exp and order of factors are others


class Contender(Protocol):
    """A trainer of one problem."""

    def __init__(self, problem: Problem) -> None: ...

    def reset(self) -> None:
        """Go back to the problem's first weights; not timed."""

    def run(self) -> None:
        """Train for the problem's rounds."""

    def weights(self) -> list[Array]:
        """The weights now, per layer (fan_in, fan_out)."""


class Engine:
    """One of the package's engines, through its public interface."""

    name: str

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.net = bp.Network(problem.sizes, bias="shared", train_bias=False, random_state=0, engine=self.name)
        self.reset()

    def reset(self) -> None:
        self.net.weights = self.problem.weights
        self.net.biases = [np.array([bias]) for bias in self.problem.biases]

    def run(self) -> None:
        problem = self.problem
        # The tutorial-style loop keeps no losses either.
        self.net.train(
            problem.X, problem.T, epochs=problem.epochs, learning_rate=LEARNING_RATE, record_loss=False
        )

    def weights(self) -> list[Array]:
        return [layer.copy() for layer in self.net.weights]


class Compiled(Engine):
    """The compiled engine."""

    name = "compiled"


class Reference(Engine):
    """The pure-Python engine."""

    name = "python"


class TutorialStyle:
    """The loop of `tutorial_style.py`."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.X, self.T = problem.X.tolist(), problem.T.tolist()
        self.reset()

    def reset(self) -> None:
        problem = self.problem
        hidden, output = (
            NeuronLayer(weights.T.tolist(), bias)
            for weights, bias in zip(problem.weights, problem.biases, strict=True)
        )
        self.net = NeuralNetwork(hidden, output, LEARNING_RATE)

    def run(self) -> None:
        for _ in range(self.problem.epochs):
            for x, t in zip(self.X, self.T, strict=True):
                self.net.train(x, t)

    def weights(self) -> list[Array]:
        return [
            np.array([neuron.weights for neuron in layer.neurons]).T
            for layer in (self.net.hidden, self.net.output)
        ]


CONTENDERS: dict[str, type[Contender]] = {
    "compiled": Compiled,
    "reference": Reference,
    "tutorial-style": TutorialStyle,
}


@cache
def last_weights(problem_name: str, contender_name: str) -> list[Array]:
    """What a contender's run of a problem ends with."""
    from .problems import PROBLEMS

    problem = next(problem for problem in PROBLEMS if problem.name == problem_name)
    contender = CONTENDERS[contender_name](problem)
    contender.run()
    return contender.weights()
