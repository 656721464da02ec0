"""A network of one hidden layer in plain Python objects, the way that tutorials on backpropagation write it.

It is the yardstick of the benches, so it is neither tuned nor made worse: a list of weights and a bias in each
neuron, `math.exp`, one sample at a time, hidden deltas from the weights as they were before the update. The
biases are a layer's own and stay as they are, as in the worked example.
"""

import math


class Neuron:
    """One unit, with the weights that lead to it, and what the last pass left in it."""

    def __init__(self, weights: list[float], bias: float) -> None:
        self.weights = weights
        self.bias = bias
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


class NeuronLayer:
    """Neurons side by side, which share one bias."""

    def __init__(self, weights: list[list[float]], bias: float) -> None:
        self.neurons = [Neuron(of_neuron, bias) for of_neuron in weights]

    def feed_forward(self, inputs: list[float]) -> list[float]:
        outputs = []
        for neuron in self.neurons:
            outputs.append(neuron.feed_forward(inputs))
        return outputs

    def update(self, learning_rate: float) -> None:
        for neuron in self.neurons:
            neuron.update(learning_rate)


class NeuralNetwork:
    """A hidden layer and an output layer."""

    def __init__(self, hidden: NeuronLayer, output: NeuronLayer, learning_rate: float) -> None:
        self.hidden = hidden
        self.output = output
        self.learning_rate = learning_rate

    def feed_forward(self, inputs: list[float]) -> list[float]:
        return self.output.feed_forward(self.hidden.feed_forward(inputs))

    def train(self, inputs: list[float], targets: list[float]) -> None:
        """Learn from one sample."""
        self.feed_forward(inputs)
        for o, neuron in enumerate(self.output.neurons):
            neuron.delta = -(targets[o] - neuron.output) * neuron.slope()
        for h, neuron in enumerate(self.hidden.neurons):
            error = 0.0
            for above in self.output.neurons:
                error += above.delta * above.weights[h]
            neuron.delta = error * neuron.slope()
        self.output.update(self.learning_rate)
        self.hidden.update(self.learning_rate)
