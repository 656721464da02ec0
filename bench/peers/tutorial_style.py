"""A network in plain Python objects, the way that tutorials on backpropagation write it.

It is a yardstick of the benches, so it is neither tuned nor made worse: a list of weights and a bias in each
neuron, `math.exp`, one sample at a time, hidden deltas from the weights as they were before the update.
"""

import math


class Neuron:
    """One unit, with the weights that lead to it, and what the last pass left in it."""

    def __init__(self, weights: list[float], bias: float, train_bias: bool) -> None:
        self.weights = weights
        self.bias = bias
        self.train_bias = train_bias
        self.inputs: list[float] = []
        self.output = 0.0
        self.delta = 0.0

    def feed_forward(self, inputs: list[float]) -> float:
        self.inputs = inputs
        self.output = self.squash(self.net_input())
        return self.output

    def net_input(self) -> float:
        total = 0.0
        for i in range(len(self.inputs)):
            total += self.inputs[i] * self.weights[i]
        return total + self.bias

    def squash(self, net: float) -> float:
        return 1 / (1 + math.exp(-net))

    def slope(self) -> float:
        """The logistic function's derivative, from the output."""
        return self.output * (1 - self.output)

    def update(self, learning_rate: float) -> None:
        for i in range(len(self.weights)):
            self.weights[i] -= learning_rate * self.delta * self.inputs[i]
        if self.train_bias:
            self.bias -= learning_rate * self.delta


class NeuronLayer:
    """Neurons side by side; the worked example's biases are never trained."""

    def __init__(self, weights: list[list[float]], biases: list[float], train_bias: bool = True) -> None:
        self.neurons = [Neuron(w, b, train_bias) for w, b in zip(weights, biases, strict=True)]

    def feed_forward(self, inputs: list[float]) -> list[float]:
        outputs = []
        for neuron in self.neurons:
            outputs.append(neuron.feed_forward(inputs))
        return outputs

    def update(self, learning_rate: float) -> None:
        for neuron in self.neurons:
            neuron.update(learning_rate)


class NeuralNetwork:
    """Hidden layers and an output layer."""

    def __init__(self, layers: list[NeuronLayer], learning_rate: float) -> None:
        self.layers = layers
        self.learning_rate = learning_rate

    def feed_forward(self, inputs: list[float]) -> list[float]:
        for layer in self.layers:
            inputs = layer.feed_forward(inputs)
        return inputs

    def train(self, inputs: list[float], targets: list[float]) -> None:
        """Learn from one sample."""
        self.feed_forward(inputs)
        for o, neuron in enumerate(self.layers[-1].neurons):
            neuron.delta = -(targets[o] - neuron.output) * neuron.slope()
        for below in range(len(self.layers) - 2, -1, -1):
            for h, neuron in enumerate(self.layers[below].neurons):
                error = 0.0
                for above in self.layers[below + 1].neurons:
                    error += above.delta * above.weights[h]
                neuron.delta = error * neuron.slope()
        for layer in self.layers:
            layer.update(self.learning_rate)
