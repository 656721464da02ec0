"""The operations that are rows of the table of activations and losses: out, dout/dnet, E, dE/dout.

They call the row, whose arithmetic is the reference; a row of one's own works too.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from .._custom import CustomActivationRow, CustomLossRow
from ..functions import Activation, Loss
from .latex import of_row
from .ops import Op, Values, slot

__all__ = [
    "Activate", "ActivateLayer", "DeltaOfLayer", "Derivative", "Error", "ErrorOfLayer", "OutGradient", "needed",
]  # fmt: skip


def needed(
    row: Activation | Loss, function: Callable[..., Any], formula: str, arguments: dict[str, Any]
) -> tuple[str, ...]:
    """Which of a row's arguments its number is computed from: those that its formula names, if that is true."""
    if isinstance(row, CustomActivationRow | CustomLossRow):  # not to be asked about NaN; a loss has no net
        return tuple(name for name in arguments if name != "net" or isinstance(row, Activation))
    named = tuple(name for name in arguments if re.search(rf"\b{name}\b", formula))
    alone = function(*(value if name in named else nan for name, value in arguments.items()))
    value = function(*arguments.values())
    return named if alone == value or isnan(value) else tuple(arguments)


def _filled(names: Sequence[str], given: Sequence[str], values: Values) -> list[Any]:
    """The row's arguments: the operands, and NaN for what it does not look at."""
    by_name = dict(zip(given, values, strict=True))
    return [by_name.get(name, nan) for name in names]


def _of_unit(formula: str, uses: Sequence[str]) -> str:
    """A row's formula with a slot for each argument."""
    slots = {name: slot(k) for k, name in enumerate(uses)}
    return re.sub(r"\b(net|out|target)\b", lambda match: slots.get(match[0], match[0]), formula)


def _of_layer(formula: str, uses: Sequence[str], unit: int, units: int) -> str:
    """A formula that speaks of "sum (or list) of ... over the layer" and of "max", written out for one unit.

    The operands are those of every unit for the first name used, then for the next.
    """

    def of(k: int, text: str) -> str:
        slots = {name: slot(n * units + k) for n, name in enumerate(uses)}
        return re.sub(r"\b(net|out|target)\b", lambda match: slots.get(match[0], match[0]), text)

    def written_out(match: re.Match[str]) -> str:
        return {"sum": " + ", "list": ", "}[match[1]].join(of(k, match[2]) for k in range(units))

    whole = of(unit, re.sub(r"(sum|list) of (.*?) over the layer", written_out, formula))
    short, found = re.subn(r"\bmax\b(?!\()", "m", whole)
    return f"{short}, m = max({', '.join(of(k, 'net') for k in range(units))})" if found else whole


@dataclass(frozen=True)
class Activate(Op):
    """out of one unit from its net."""

    row: Activation

    def __call__(self, values: Values) -> Any:
        return self.row.value(values[0])

    def text(self, count: int) -> str:
        return _of_unit(self.row.formula, ["net"])

    def latex(self, count: int) -> str:
        return _of_unit(of_row(self.row, "formula"), ["net"])


@dataclass(frozen=True)
class ActivateLayer(Op):
    """out of one unit from the nets of its whole layer: softmax. `unit` counts from 0."""

    row: Activation
    unit: int

    def __call__(self, values: Values) -> Any:
        return self.row.outs(list(values))[self.unit]

    def text(self, count: int) -> str:
        return _of_layer(self.row.formula, ["net"], self.unit, count)

    def latex(self, count: int) -> str:
        return _of_layer(of_row(self.row, "formula"), ["net"], self.unit, count)


@dataclass(frozen=True)
class Derivative(Op):
    """dout/dnet of one unit, from its net or its out or both, as `uses` says."""

    row: Activation
    uses: tuple[str, ...]

    def __call__(self, values: Values) -> Any:
        return self.row.derivative(*_filled(("net", "out"), self.uses, values))

    def text(self, count: int) -> str:
        return _of_unit(self.row.derivative_formula, self.uses)

    def latex(self, count: int) -> str:
        return _of_unit(of_row(self.row, "derivative_formula"), self.uses)


@dataclass(frozen=True)
class DeltaOfLayer(Op):
    """delta of one unit from dE/dout and out of its whole layer: the softmax Jacobian. `unit` counts from 0."""

    row: Activation
    unit: int

    def __call__(self, values: Values) -> Any:
        units = len(values) // 2
        return self.row.deltas(list(values[:units]), [nan] * units, list(values[units:]))[self.unit]

    def text(self, count: int) -> str:
        units = count // 2
        terms = " + ".join(f"{slot(k)}*{slot(units + k)}" for k in range(units))
        return f"{slot(units + self.unit)} * ({slot(self.unit)} - ({terms}))"


@dataclass(frozen=True)
class Error(Op):
    """The error of one output unit, from its net, out and target, as far as `uses` says."""

    row: Loss
    uses: tuple[str, ...]

    def __call__(self, values: Values) -> Any:
        return self.row.value(*_filled(("net", "out", "target"), self.uses, values))

    def text(self, count: int) -> str:
        return _of_unit(self.row.formula, self.uses)

    def latex(self, count: int) -> str:
        return _of_unit(of_row(self.row, "formula"), self.uses)

    def constants(self) -> dict[str, float]:
        return {"h": self.row.threshold} if hasattr(self.row, "threshold") else {}


@dataclass(frozen=True)
class ErrorOfLayer(Op):
    """The error of one output unit from the nets of its whole layer and its own target. `unit` counts from 0."""

    row: Loss
    unit: int

    def __call__(self, values: Values) -> Any:
        *nets, target = values
        return self.row.values(nets, [nan] * len(nets), [target] * len(nets))[self.unit]

    def text(self, count: int) -> str:
        whole = _of_layer(self.row.formula, ["net"], self.unit, count - 1)
        return re.sub(r"\btarget\b", slot(count - 1), whole)

    def latex(self, count: int) -> str:
        whole = _of_layer(of_row(self.row, "formula"), ["net"], self.unit, count - 1)
        return re.sub(r"\btarget\b", slot(count - 1), whole)


@dataclass(frozen=True)
class OutGradient(Op):
    """dE/dout of one output unit, from its out and its target, as far as `uses` says."""

    row: Loss
    uses: tuple[str, ...]

    def __call__(self, values: Values) -> Any:
        return self.row.gradient(*_filled(("out", "target"), self.uses, values))

    def text(self, count: int) -> str:
        return _of_unit(self.row.gradient_formula, self.uses)

    def latex(self, count: int) -> str:
        return _of_unit(of_row(self.row, "gradient_formula"), self.uses)

    def constants(self) -> dict[str, float]:
        return {"h": self.row.threshold} if hasattr(self.row, "threshold") else {}
