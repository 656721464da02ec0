"""The loop of `tutorial_style.py`."""

import platform

import numpy as np
from cases import Array, Case, Data

from . import Peer, only
from .tutorial_style import NeuralNetwork, NeuronLayer


class Tutorial(Peer):
    """Neurons as objects."""

    title = "tutorial-style Python"
    what = "an object for each neuron, lists, `math.exp`"
    slow = True

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        only(case, batch=(1,), networks=(1,), threads=(1,), hidden=("logistic",), output=("logistic",))
        only(case, loss=("squared_error",), optimizer=("sgd",), l2=(0.0,), dtype=("float64",))
        self.X, self.T = data.X.tolist(), data.T.tolist()
        self.reset()

    @classmethod
    def version(cls) -> str:
        return f"{platform.python_implementation()} {platform.python_version()}"

    def reset(self) -> None:
        layers = [
            NeuronLayer(weights.T.tolist(), biases.tolist(), self.case.train_bias)
            for weights, biases in zip(self.data.weights, self.data.biases, strict=True)
        ]
        self.net = NeuralNetwork(layers, self.case.rate)

    def run(self, epochs: int) -> None:
        for _ in range(epochs):
            for x, t in zip(self.X, self.T, strict=True):
                self.net.train(x, t)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        layers = [layer.neurons for layer in self.net.layers]
        weights = [np.array([unit.weights for unit in layer]).T for layer in layers]
        return weights, [np.array([unit.bias for unit in layer]) for layer in layers]
