"""The operations of a training step: each computes one number from its operands, in the engine's order.

An operation is a small immutable value. Called with its operands' values it gives the number, with the engine's
bits if the operands have the engine's. It can also be called with other operands (rounded ones, a learner's,
anything that adds and multiplies), or be replaced by another operation. `text` and `latex` give its formula, with
⟨0⟩, ⟨1⟩ ... where its operands stand. Those of activations and losses are in `row_ops`.

For a float32 network the operands are `Single` where the engine works in float32, and plain floats where it works
in float64 (rates, powers, means of losses), so that every operation rounds as often as the engine does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

from ..functions import quotient

__all__ = [
    "AdamMean", "AdamRate", "AdamSquare", "AdamUpdate", "BatchGradient", "Delta", "Difference", "Given",
    "MeanLoss", "MomentumUpdate", "NesterovUpdate", "Op", "PlainUpdate", "Product", "Sum", "Unchanged", "Values",
    "Velocity", "WeightedSum", "slot",
]  # fmt: skip

Values = Sequence[Any]


def slot(k: int) -> str:
    """Where operand k stands in a formula."""
    return f"⟨{k}⟩"


def total_of(terms: Values) -> Any:
    """The sum from 0.0, in order."""
    total: Any = 0.0
    for term in terms:
        total = total + term
    return total


@dataclass(frozen=True)
class Op:
    """An operation: called with its operands' values it gives its number."""

    def __call__(self, values: Values) -> Any:
        raise NotImplementedError

    def text(self, count: int) -> str:
        """The formula for so many operands, in plain characters."""
        raise NotImplementedError

    def latex(self, count: int) -> str:
        """The formula for so many operands, in LaTeX."""
        return self.text(count).replace("*", r" \cdot ")

    def constants(self) -> dict[str, float]:
        """The numbers behind words of the formula that are no operands."""
        return {}


@dataclass(frozen=True)
class Given(Op):
    """What the step begins with: no operation, no operands."""

    def __call__(self, values: Values) -> Any:
        raise TypeError("a given number is not computed from others")

    def text(self, count: int) -> str:
        return ""


# ---- sums and products ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sum(Op):
    """0 + a + b + ..., in order."""

    def __call__(self, values: Values) -> Any:
        return total_of(values)

    def text(self, count: int) -> str:
        return " + ".join(map(slot, range(count)))


@dataclass(frozen=True)
class WeightedSum(Op):
    """0 + a*b + c*d + ..., in order, and one more operand last if `bias`. The operands are a, b, c, d, ..."""

    bias: bool = False

    def __call__(self, values: Values) -> Any:
        pairs = values[: len(values) - self.bias]
        total = total_of([a * b for a, b in zip(pairs[::2], pairs[1::2], strict=True)])
        return total + values[-1] if self.bias else total

    def text(self, count: int) -> str:
        terms = [f"{slot(k)}*{slot(k + 1)}" for k in range(0, count - self.bias, 2)]
        return " + ".join([*terms, slot(count - 1)] if self.bias else terms)


@dataclass(frozen=True)
class Product(Op):
    """a*b."""

    def __call__(self, values: Values) -> Any:
        return values[0] * values[1]

    def text(self, count: int) -> str:
        return "⟨0⟩*⟨1⟩"


@dataclass(frozen=True)
class Difference(Op):
    """a - b: the delta of pairs such as logistic units with cross-entropy."""

    def __call__(self, values: Values) -> Any:
        return values[0] - values[1]

    def text(self, count: int) -> str:
        return "⟨0⟩ - ⟨1⟩"


@dataclass(frozen=True)
class Delta(Op):
    """dE/dout * dout/dnet; where `selects` (relu), a derivative of 0 gives +0, whatever dE/dout is."""

    selects: bool = False

    def __call__(self, values: Values) -> Any:
        gradient, derivative = values
        return 0.0 * derivative if self.selects and derivative == 0.0 else gradient * derivative

    def text(self, count: int) -> str:
        return "⟨0⟩ * ⟨1⟩"

    def latex(self, count: int) -> str:
        return r"⟨0⟩ \cdot ⟨1⟩"


@dataclass(frozen=True)
class Unchanged(Op):
    """The operand itself: a bias that is not trained."""

    def __call__(self, values: Values) -> Any:
        return values[0]

    def text(self, count: int) -> str:
        return "⟨0⟩"


# ---- a batch -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MeanLoss(Op):
    """(E_1 + E_2 + ...) / B, or with weights (s_1*E_1 + ...) / B. The operands are the terms, then B."""

    weighted: bool = False

    def __call__(self, values: Values) -> Any:
        *terms, batch_weight = values
        if self.weighted:
            terms = [weight * loss for weight, loss in zip(terms[::2], terms[1::2], strict=True)]
        return quotient(total_of(terms), batch_weight)

    def text(self, count: int) -> str:
        return f"({(WeightedSum() if self.weighted else Sum()).text(count - 1)}) / {slot(count - 1)}"

    def latex(self, count: int) -> str:
        terms = (WeightedSum() if self.weighted else Sum()).latex(count - 1)
        return rf"\frac{{{terms}}}{{{slot(count - 1)}}}"


@dataclass(frozen=True)
class BatchGradient(Op):
    """The mean gradient S*(1/B), or with L2 (S + alpha*w)*(1/B), where alpha = l2*B.

    The operands are S and B, or S, B, l2 and w.
    """

    def __call__(self, values: Values) -> Any:
        total, batch_weight, *of_decay = values
        if of_decay:
            l2, weight = of_decay
            total = total + (l2 * batch_weight) * weight
        return total * quotient(1.0, batch_weight)

    def text(self, count: int) -> str:
        return "⟨0⟩ * (1/⟨1⟩)" if count == 2 else "(⟨0⟩ + (⟨2⟩*⟨1⟩)*⟨3⟩) * (1/⟨1⟩)"

    def latex(self, count: int) -> str:
        total = "⟨0⟩" if count == 2 else r"\left(⟨0⟩ + (⟨2⟩ \cdot ⟨1⟩) \cdot ⟨3⟩\right)"
        return rf"{total} \cdot \frac{{1}}{{⟨1⟩}}"


# ---- updates -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlainUpdate(Op):
    """w - rate*g; the operands are w, rate, g."""

    def __call__(self, values: Values) -> Any:
        weight, rate, gradient = values
        return weight - rate * gradient

    def text(self, count: int) -> str:
        return "⟨0⟩ - ⟨1⟩*⟨2⟩"


@dataclass(frozen=True)
class Velocity(Op):
    """momentum*v - rate*g; the operands are momentum, v, rate, g."""

    def __call__(self, values: Values) -> Any:
        momentum, velocity, rate, gradient = values
        return momentum * velocity - rate * gradient

    def text(self, count: int) -> str:
        return "⟨0⟩*⟨1⟩ - ⟨2⟩*⟨3⟩"


@dataclass(frozen=True)
class MomentumUpdate(Op):
    """w + v; the operands are w and the new velocity."""

    def __call__(self, values: Values) -> Any:
        return values[0] + values[1]

    def text(self, count: int) -> str:
        return "⟨0⟩ + ⟨1⟩"


@dataclass(frozen=True)
class NesterovUpdate(Op):
    """w + (momentum*v - rate*g); the operands are w, momentum, the new velocity, rate, g."""

    def __call__(self, values: Values) -> Any:
        weight, momentum, velocity, rate, gradient = values
        return weight + (momentum * velocity - rate * gradient)

    def text(self, count: int) -> str:
        return "⟨0⟩ + (⟨1⟩*⟨2⟩ - ⟨3⟩*⟨4⟩)"


@dataclass(frozen=True)
class AdamMean(Op):
    """beta_1*m + (1 - beta_1)*g; the operands are beta_1, m, g."""

    def __call__(self, values: Values) -> Any:
        beta, mean, gradient = values
        return beta * mean + (1.0 - beta) * gradient

    def text(self, count: int) -> str:
        return "⟨0⟩*⟨1⟩ + (1 - ⟨0⟩)*⟨2⟩"


@dataclass(frozen=True)
class AdamSquare(Op):
    """beta_2*v + (1 - beta_2)*(g*g); the operands are beta_2, v, g."""

    def __call__(self, values: Values) -> Any:
        beta, mean, gradient = values
        return beta * mean + (1.0 - beta) * (gradient * gradient)

    def text(self, count: int) -> str:
        return "⟨0⟩*⟨1⟩ + (1 - ⟨0⟩)*(⟨2⟩*⟨2⟩)"


@dataclass(frozen=True)
class AdamRate(Op):
    """rate * sqrt(1 - beta_2^t) / (1 - beta_1^t); the operands are rate, beta_2^t, beta_1^t."""

    def __call__(self, values: Values) -> Any:
        rate, power_2, power_1 = values
        return quotient(rate * root(1.0 - power_2), 1.0 - power_1)

    def text(self, count: int) -> str:
        return "⟨0⟩ * sqrt(1 - ⟨1⟩) / (1 - ⟨2⟩)"

    def latex(self, count: int) -> str:
        return r"⟨0⟩ \cdot \frac{\sqrt{1 - ⟨1⟩}}{1 - ⟨2⟩}"


@dataclass(frozen=True)
class AdamUpdate(Op):
    """w - (rate_t*m) / (sqrt(v) + epsilon); the operands are w, rate_t, m, v, epsilon, with the new m and v."""

    def __call__(self, values: Values) -> Any:
        weight, rate, mean, square, epsilon = values
        return weight - quotient(rate * mean, root(square) + epsilon)

    def text(self, count: int) -> str:
        return "⟨0⟩ - (⟨1⟩*⟨2⟩) / (sqrt(⟨3⟩) + ⟨4⟩)"

    def latex(self, count: int) -> str:
        return r"⟨0⟩ - \frac{⟨1⟩ \cdot ⟨2⟩}{\sqrt{⟨3⟩} + ⟨4⟩}"


def root(x: Any) -> Any:
    """The square root, in x's kind of number; NaN below 0."""
    return type(x)(sqrt(x)) if x >= 0.0 else type(x)(nan)
