"""One number of a training step: its name, value and formula, and what it was computed from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._single import Single
from .formulas import Formula, parts, shown
from .latex import number as latex_number
from .names import Key, Names
from .ops import Given, Op

__all__ = ["Record"]


@dataclass(frozen=True)
class Record:
    """One number of a training step.

    Attributes
    ----------
    key : Key
        Its kind and its place; `kind`, `layer`, `indices` and `sample` are the key's.
    name : str
        As ``trace[name]`` takes it.
    phase : {"given", "forward", "loss", "backward", "gradient", "update"}
    value : float
        The engine's number.
    op : Op
        The operation that computes it.
    operands : tuple of str
        The names of the records that it is computed from, in the operation's order.
    operand_values : tuple of float
        Their values.
    operand_keys : tuple of Key
        Their keys.
    """

    key: Key
    name: str
    phase: str
    value: float
    op: Op
    operands: tuple[str, ...]
    operand_values: tuple[float, ...]
    operand_keys: tuple[Key, ...]
    _names: Names = field(repr=False, compare=False)

    @property
    def kind(self) -> str:
        """What it is: "net", "out", "delta", "gradient" (dE/dw) ...; docs/trace.md has the table."""
        return self.key.kind

    @property
    def layer(self) -> int | None:
        """The layer of the unit, inputs being layer 0; of a weight or bias the layer that it leads to."""
        return self.key.layer

    @property
    def indices(self) -> tuple[int, ...]:
        """(unit,); of a weight (from, to); of a shared bias (); of a part (unit, output). Counted from 1."""
        return self.key.indices

    @property
    def sample(self) -> int | None:
        """The sample, counted from 1, if it belongs to one."""
        return self.key.sample

    @property
    def symbol(self) -> str:
        """Its name in LaTeX, with all indices."""
        return self._names.symbol(self.key)

    @property
    def given(self) -> bool:
        """Whether it is what the step begins with, not computed from other records."""
        return isinstance(self.op, Given)

    def recompute(
        self, operands: Sequence[float] | Mapping[str, float] | None = None, op: Op | None = None
    ) -> float:
        """The number that follows from operands: from the recorded ones, the recorded number, bit for bit.

        Parameters
        ----------
        operands : sequence of float, or mapping of str to float, optional
            All operands in their order, or some of them by name; the others are as recorded.
        op : Op, optional
            Another operation instead of the recorded one.

        Returns
        -------
        float

        Raises
        ------
        KeyError
            If a name is not that of an operand.
        ValueError
            If there are too many or too few operands.
        """
        if op is None and self.given:
            return self.value
        values: Sequence[float] = self.operand_values
        if isinstance(operands, Mapping):
            unknown = sorted(set(operands) - set(self.operands))
            if unknown:
                raise KeyError(f"{unknown[0]!r} is no operand of {self.name}; they are {', '.join(self.operands)}")
            pairs = zip(self.operands, self.operand_values, strict=True)
            values = [operands.get(name, value) for name, value in pairs]
        elif operands is not None:
            values = operands
            if len(values) != len(self.operands):
                raise ValueError(f"operands has {len(values)} numbers, expected {len(self.operands)}")
        result: float = (op or self.op)(values)
        return Single(result) if isinstance(self.value, Single) else result  # a constant such as leaky_relu's .01

    # ---- its formula ---------------------------------------------------------------------------------------

    @property
    def formula(self) -> str:
        """The formula with the names of its operands: ``w1*i1 + w2*i2 + b1``. Empty if it is given."""
        return _filled_in(self.op.text(len(self.operands)), self.operands)

    @property
    def numbers(self) -> str:
        """The formula with their numbers, to nine decimals: ``0.15*0.05 + 0.2*0.1 + 0.35``."""
        template = _with_constants(self.op.text(len(self.operands)), self.op)
        return _filled_in(template, [shown(value) for value in self.operand_values], brackets=True)

    @property
    def latex(self) -> str:
        """The formula with symbols, in LaTeX."""
        return _filled_in(self.op.latex(len(self.operands)), [*map(self._names.symbol, self.operand_keys)])

    @property
    def latex_numbers(self) -> str:
        """The formula with numbers, in LaTeX."""
        template = _with_constants(self.op.latex(len(self.operands)), self.op)
        return _filled_in(template, [latex_number(value) for value in self.operand_values], brackets=True)

    @property
    def line(self) -> Formula:
        """Name, formula, numbers and value, ready to be laid out; name and value if it has no operands."""
        symbols, numbers = (self.formula, self.numbers) if self.operands else ("", "")
        return Formula(self.name, symbols, numbers, self.value)

    def __str__(self) -> str:
        """``net_h1 = w1*i1 + w2*i2 + b1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775``."""
        return " = ".join([self.name, *parts(self.line)])


def _with_constants(template: str, op: Op) -> str:
    for word, value in op.constants().items():
        template = re.sub(rf"\b{word}\b", shown(value), template)
    return template


def _filled_in(template: str, operands: Sequence[str], *, brackets: bool = False) -> str:
    """The operands in their places; a negative number in brackets where its sign would follow an operator."""

    def part(match: re.Match[str]) -> str:
        text = operands[int(match[1])]
        start, end = match.span()
        before, after = template[max(start - 8, 0) : start].rstrip(), template[end : end + 8].lstrip("}")
        operated_on = before.endswith((*"+-*/^", "cdot")) or after.startswith("^")
        return f"({text})" if brackets and text.startswith("-") and operated_on else text

    return re.sub(r"⟨(\d+)⟩", part, template)
