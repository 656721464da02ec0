"""A line of calculation as text: ``name = symbols = numbers = value``, and how it is laid out within a width."""

from collections.abc import Sequence
from math import isfinite
from textwrap import wrap
from typing import NamedTuple

__all__ = ["Formula", "laid_out", "parts", "shown"]

DECIMALS = 9  # as many as the tutorial prints
LARGE = 1e9  # from here on, an exponent


def shown(number: float) -> str:
    """A number to nine decimals, without trailing zeros; with an exponent if those would show too little of it."""
    if not isfinite(number):
        return f"{number:g}"
    digits = f"{number:.{DECIMALS}f}"
    if abs(number) >= LARGE or abs(float(digits) - number) > 1e-4 * abs(number):
        return f"{number:.9g}"
    digits = digits.rstrip("0")
    return f"{digits}0" if digits.endswith(".") else digits


class Formula(NamedTuple):
    """One line of the calculation."""

    name: str
    symbols: str
    numbers: str
    value: float


def laid_out(group: Sequence[Formula], width: int) -> list[list[str]]:
    """The lines of each formula: one if every formula of the group fits, else two, else one for each =."""
    for layout in (_on_one_line, _on_two_lines):
        formulas = [layout(formula) for formula in group]
        if all(len(line) <= width for lines in formulas for line in lines):
            return formulas
    return [_broken(formula, width) for formula in group]


def parts(formula: Formula) -> list[str]:
    """Symbols, numbers and value, without repetition and without what is empty."""
    found = dict.fromkeys((formula.symbols, formula.numbers, shown(formula.value)))  # each once, in this order
    return [*filter(None, found)]


def _on_one_line(formula: Formula) -> list[str]:
    return [" = ".join([formula.name, *parts(formula)])]


def _on_two_lines(formula: Formula) -> list[str]:
    symbols, *rest = parts(formula)
    first = f"{formula.name} = {symbols}"
    return [first, " = ".join([" " * len(formula.name), *rest])] if rest else [first]


def _broken(formula: Formula, width: int) -> list[str]:
    """A line for each =, wrapped where it is too long."""
    margin = min(len(formula.name), width // 3)
    lines: list[str] = []
    for k, part in enumerate(parts(formula)):
        first = " " * margin if k else formula.name
        lines += wrap(
            part,
            width,
            initial_indent=f"{first} = ",
            subsequent_indent=" " * (margin + 3),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
