"""The names that the tutorial gives to a network's numbers, and a recorded step's numbers by those names.

Units are i1, i2, ... (inputs), h1, h2, ... (hidden; h1_1, h2_1, ... if there are several hidden layers) and o1,
o2, ... (outputs). Weights are w1, w2, ..., unit by unit of the layer they lead to: with two inputs, w1 and w2
lead to h1. A bias is b1, b2, ... where a layer shares it, else b_h1, b_o1, ... A + marks what an update made new.
"""

from collections.abc import Iterable, Sequence
from itertools import count, pairwise

from ..network import NetworkConfig
from .step import Array, Step

__all__ = ["Names", "Values"]

Arrays = Sequence[Array]
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
        if config.bias == "per_unit":
            self.biases = [[f"b_{unit}" for unit in units] for units in self.units]
        else:
            self.biases = [[f"b{k + 1}"] if config.bias == "shared" else [] for k in range(len(self.units))]

    def parameter_values(self, weights: Arrays, biases: Arrays, form: str = "{}") -> Values:
        """Numbers that belong to parameters, weights by number and then biases.

        Parameters
        ----------
        weights, biases : sequence of ndarray
            Shaped as ``net.weights`` and ``net.biases``.
        form : str
            What becomes of a parameter's name: ``"{}+"`` for new values, ``"dE/d{}"`` for gradients.
        """
        values: Values = {}
        for names, numbers in zip(self.weights, weights, strict=True):
            for into, of_unit in zip(zip(*names, strict=True), numbers.T.tolist(), strict=True):
                values.update(_named(into, of_unit, form))
        for of_layer, numbers in zip(self.biases, biases, strict=True):
            values.update(_named(of_layer, numbers.tolist(), form))
        return values

    def sample_values(self, step: Step, sample: int = 0) -> Values:
        """Every number of a recorded step that belongs to one of its samples, in the order it is computed in.

        ``dE/dout_o1`` is absent where the loss has no such number, and the parts ``dEo1/dout_h1`` of
        ``dE/dout_h1`` are there for the last hidden layer only. Gradients are those of the sample's own loss.
        """
        values = _named(self.inputs, step.inputs[sample].tolist())
        values |= _named(self.outputs, step.targets[sample].tolist(), "target_{}")
        for units, nets, outs in zip(self.units, step.nets, step.outs, strict=True):
            values |= _named(units, nets[sample].tolist(), "net_{}")
            values |= _named(units, outs[sample].tolist(), "out_{}")
        values |= _named(self.outputs, step.errors[sample].tolist(), "E_{}")
        values["E_total"] = float(step.losses[sample])
        for layer in reversed(range(len(self.units))):
            units, gradients = self.units[layer], step.out_gradients[layer]
            if layer == len(self.units) - 2:
                for k, unit in enumerate(units):
                    terms = step.deltas[-1][sample] * step.back_weights[-1][k]
                    values |= {f"dE{o}/dout_{unit}": v for o, v in zip(self.outputs, terms.tolist(), strict=True)}
            if gradients is not None:
                values |= _named(units, gradients[sample].tolist(), "dE/dout_{}")
            derivatives = step.derivatives[layer]
            if derivatives is not None:
                each = zip(units, derivatives[sample].tolist(), strict=True)
                values |= {f"dout_{unit}/dnet_{unit}": value for unit, value in each}
            values |= _named(units, step.deltas[layer][sample].tolist(), "delta_{}")
        own = [step.sample_gradients(sample, layer) for layer in range(len(self.units))]
        return values | self.parameter_values([w for w, _ in own], [b for _, b in own], "dE/d{}")


def _named(names: Iterable[str], numbers: Iterable[float], form: str = "{}") -> Values:
    """Numbers by name."""
    return {form.format(name): number for name, number in zip(names, numbers, strict=True)}
