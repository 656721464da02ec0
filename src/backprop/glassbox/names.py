"""The names that the tutorial gives to a network's numbers, and a recorded step's numbers by those names.

Units are i1, i2, ... (inputs), h1, h2, ... (hidden; h1_1, h2_1, ... if there are several hidden layers) and o1,
o2, ... (outputs). Weights are w1, w2, ..., unit by unit of the layer they lead to: with two inputs, w1 and w2
lead to h1. A bias is b1, b2, ... where a layer shares it, else b_h1, b_o1, ... A + marks what an update made new.
"""

from itertools import count, pairwise

from ..network import NetworkConfig

__all__ = ["Names", "batch_values", "parameter_values", "sample_values"]

Values = dict[str, float]


class Names:
    """The names of one network's units, weights and biases.

    Parameters
    ----------
    config : NetworkConfig
        The specification.

    Attributes
    ----------
    inputs, outputs : list of str
        The input and the output units.
    units : list of list of str
        Per layer of weights, the units that it leads to.
    weights : list of list of list of str
        Per layer of weights, ``[i][j]`` leads from unit i to unit j, as in ``net.weights``.
    biases : list of list of str
        Per layer of weights, as many names as the layer has biases.
    """

    def __init__(self, config: NetworkConfig) -> None:
        n_hidden = len(config.sizes) - 2
        prefixes = ["i", *(f"h{k + 1}_" if n_hidden > 1 else "h" for k in range(n_hidden)), "o"]
        layers = [
            [f"{prefix}{k + 1}" for k in range(size)] for prefix, size in zip(prefixes, config.sizes, strict=True)
        ]
        self.inputs, *self.units = layers
        self.outputs = self.units[-1]
        self.weights: list[list[list[str]]] = []
        numbers = count(1)
        for fan_in, fan_out in pairwise(config.sizes):
            into = [[f"w{next(numbers)}" for _ in range(fan_in)] for _ in range(fan_out)]
            self.weights.append([list(row) for row in zip(*into, strict=True)])
        self.biases: list[list[str]] = {
            "none": [[] for _ in self.units],
            "shared": [[f"b{k + 1}"] for k in range(len(self.units))],
            "per_unit": [[f"b_{unit}" for unit in units] for units in self.units],
        }[config.bias]

    @property
    def parameters(self) -> list[str]:
        """Every weight in the order of its number, then every bias."""
        into = [name for rows in self.weights for column in zip(*rows, strict=True) for name in column]
        return into + [name for of_layer in self.biases for name in of_layer]
