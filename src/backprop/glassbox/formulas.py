"""The formulas of one step in the tutorial's names, each with the numbers that go in.

A formula is a line of text; its numbers are put in by name, so what is shown cannot differ from what was recorded.
The formulas follow the order in which the engine computes: inputs in order, the bias last, the derivative before
the product.
"""

import re
from typing import NamedTuple

from ..functions import LOSSES, Loss
from .names import Names, Values
from .step import Step

__all__ = ["Formula", "Formulas", "shown"]

DECIMALS = 9  # as many as the tutorial prints


def shown(number: float) -> str:
    """A number to nine decimals, without trailing zeros."""
    digits = f"{number:.{DECIMALS}f}".rstrip("0")
    return f"{digits}0" if digits.endswith(".") else digits


class Formula(NamedTuple):
    """One line of the calculation: ``name = symbols = numbers = value``."""

    name: str
    symbols: str
    numbers: str
    value: float


class Formulas:
    """The formulas of a step of one sample.

    Parameters
    ----------
    step : Step
        A recorded step. Layers are counted as in ``net.weights``; a layer's units are those it leads to.

    Attributes
    ----------
    names : Names
    values : dict of str to float
        Every number by its name.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self.names = names = Names(step.config)
        self.values: Values = {
            **names.parameter_values(step.weights, step.biases),
            **names.sample_values(step),
            **names.parameter_values(step.new_weights, step.new_biases, "{}+"),
        }
        # The longest first: w1 is no part of w10.
        alternatives = "|".join(map(re.escape, sorted(self.values, key=len, reverse=True)))
        self._name = re.compile(rf"(?<!\w)(?:{alternatives})")

    def formula(self, name: str, symbols: str) -> Formula:
        """The formula of one number; `symbols` may use every name in `values`."""
        return Formula(name, symbols, self._name.sub(self._number, symbols), self.values[name])

    def _number(self, match: re.Match[str]) -> str:
        """The number for a name; in brackets if its sign would follow another one or an operator."""
        number = shown(self.values[match[0]])
        before = match.string[: match.start()]
        return f"({number})" if number.startswith("-") and before and before[-1] not in "(|" else number

    @property
    def _loss(self) -> Loss:
        config = self._step.config
        return LOSSES[config.loss].configured(config.output_activation, config.huber_delta)

    # ---- forward -------------------------------------------------------------------------------------------

    def nets(self, layer: int) -> list[Formula]:
        """``net_h1 = w1*i1 + w2*i2 + b1``."""
        names, bias = self.names, self._step.config.bias
        below = [f"out_{unit}" for unit in names.units[layer - 1]] if layer > 0 else names.inputs
        formulas = []
        for j, unit in enumerate(names.units[layer]):
            terms = [f"{row[j]}*{out}" for row, out in zip(names.weights[layer], below, strict=True)]
            if bias != "none":
                terms.append(names.biases[layer][j if bias == "per_unit" else 0])
            formulas.append(self.formula(f"net_{unit}", " + ".join(terms)))
        return formulas

    def outs(self, layer: int) -> list[Formula]:
        """``out_h1 = 1 / (1 + exp(-net_h1))``."""
        row = self._step.activations[layer]
        return [self.formula(f"out_{unit}", _of_unit(row.formula, unit)) for unit in self.names.units[layer]]

    def errors(self) -> list[Formula]:
        """``E_o1 = 0.5 * (target_o1 - out_o1)^2``, and their sum."""
        outputs, row = self.names.outputs, self._loss
        each = [self.formula(f"E_{unit}", _of_unit(row.formula, unit)) for unit in outputs]
        return [*each, self.formula("E_total", " + ".join(f"E_{unit}" for unit in outputs))]

    # ---- backward ------------------------------------------------------------------------------------------

    def output_gradients(self) -> list[Formula]:
        """``dE/dout_o1 = out_o1 - target_o1``; nothing if the loss has no such number."""
        if self._step.out_gradients[-1] is None:
            return []
        row = self._loss
        return [
            self.formula(f"dE/dout_{unit}", _of_unit(row.gradient_formula, unit)) for unit in self.names.outputs
        ]

    def hidden_parts(self, layer: int) -> list[Formula]:
        """``dEo1/dout_h1 = delta_o1*w5``, for the last hidden layer: what each output's error contributes."""
        names = self.names
        return [
            self.formula(f"dE{output}/dout_{unit}", f"delta_{output}*{self._back(layer, i, j)}")
            for i, unit in enumerate(names.units[layer])
            for j, output in enumerate(names.outputs)
        ]

    def hidden_gradients(self, layer: int) -> list[Formula]:
        """``dE/dout_h1 = dEo1/dout_h1 + dEo2/dout_h1``; further down, ``delta_h2_1*w9 + ...``."""
        names, last = self.names, layer == len(self.names.units) - 2
        formulas = []
        for i, unit in enumerate(names.units[layer]):
            above = enumerate(names.units[layer + 1])
            terms = [f"dE{o}/dout_{unit}" if last else f"delta_{o}*{self._back(layer, i, j)}" for j, o in above]
            formulas.append(self.formula(f"dE/dout_{unit}", " + ".join(terms)))
        return formulas

    def _back(self, layer: int, i: int, j: int) -> str:
        """The name of the weight through which a delta goes back to the units of `layer`."""
        name = self.names.weights[layer + 1][i][j]
        return f"{name}+" if self._step.config.update_order == "sequential" else name

    def derivatives(self, layer: int) -> list[Formula]:
        """``dout_h1/dnet_h1 = out_h1 * (1 - out_h1)``."""
        row = self._step.activations[layer]
        if not row.per_unit:
            return []
        return [
            self.formula(f"dout_{unit}/dnet_{unit}", _of_unit(row.derivative_formula, unit))
            for unit in self.names.units[layer]
        ]

    def deltas(self, layer: int) -> list[Formula]:
        """``delta_h1 = dE/dout_h1 * dout_h1/dnet_h1``, or ``delta_o1 = out_o1 - target_o1``."""
        units = self.names.units[layer]
        short = self._step.shortcut and units is self.names.outputs
        form = "out_{0} - target_{0}" if short else "dE/dout_{0} * dout_{0}/dnet_{0}"
        if not short and not self._step.activations[layer].per_unit:  # softmax, with its whole Jacobian
            form = f"out_{{0}} * (dE/dout_{{0}} - ({' + '.join(f'dE/dout_{u}*out_{u}' for u in units)}))"
        return [self.formula(f"delta_{unit}", form.format(unit)) for unit in units]

    # ---- update --------------------------------------------------------------------------------------------

    def gradients(self, layer: int) -> list[Formula]:
        """``dE/dw5 = delta_o1*out_h1``, in the order of the weights' numbers; then those of trained biases."""
        names, config = self.names, self._step.config
        below = [f"out_{unit}" for unit in names.units[layer - 1]] if layer > 0 else names.inputs
        deltas = [f"delta_{unit}" for unit in names.units[layer]]
        formulas = [
            self.formula(f"dE/d{row[j]}", f"{delta}*{out}")
            for j, delta in enumerate(deltas)
            for row, out in zip(names.weights[layer], below, strict=True)
        ]
        if config.train_bias and config.bias == "shared":
            formulas.append(self.formula(f"dE/d{names.biases[layer][0]}", " + ".join(deltas)))
        elif config.train_bias and config.bias == "per_unit":
            biases = zip(names.biases[layer], deltas, strict=True)
            formulas += [self.formula(f"dE/d{bias}", delta) for bias, delta in biases]
        return formulas

    def updates(self, layer: int) -> list[Formula]:
        """``w5+ = w5 - 0.5*dE/dw5``, in the order of `gradients`."""
        rate = shown(self._step.learning_rate)
        parameters = [formula.name.removeprefix("dE/d") for formula in self.gradients(layer)]
        return [self.formula(f"{name}+", f"{name} - {rate}*dE/d{name}") for name in parameters]


def _of_unit(formula: str, unit: str) -> str:
    """A formula of the table, with the unit's names for net, out and target."""
    return re.sub(r"\b(net|out|target)\b", rf"\1_{unit}", formula)
