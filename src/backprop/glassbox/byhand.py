"""A formula as it is shown, worked out step by step: with numbers, or with intervals rounded in between.

The formulas of `Op.text` are read once and become functions. What is none ("..., but not below -h") has no steps.
"""

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .intervals import Interval
from .ops import Op, Values

__all__ = ["Formula", "steps"]

Steps = Callable[[Values], Any]
Node = Callable[[dict[str, Any]], Any]
DEFINITION = re.compile(r",? (?:with )?([a-z]) = ")  # "..., with d = target - out", after the formula
LONGEST = 4000  # characters of a formula that is read


def steps(op: Op, count: int) -> Steps | None:
    """The operation as its formula says, on numbers or intervals; None if it is not written so.

    Parameters
    ----------
    op : Op
    count : int
        Of operands.
    """
    found = _read(op.text(count))
    if found is None:
        return None
    constants = op.constants()
    return lambda values: found({**constants, **{f"v{k}": value for k, value in enumerate(values)}})


@dataclass(frozen=True)
class Formula(Op):
    """An operation that is given by its formula alone."""

    formula: str

    def __call__(self, values: Values) -> Any:
        """The number."""
        function = steps(self, len(values))
        assert function is not None
        return function(values)

    def text(self, count: int) -> str:
        """The formula."""
        return self.formula


@lru_cache(maxsize=4096)
def _read(text: str) -> Node | None:
    """A formula as a function of the numbers by name, v0 being operand 0."""
    if not text or len(text) > LONGEST:
        return None
    plain = re.sub(r"⟨(\d+)⟩", r"v\1", text).replace("^", "**")
    plain = re.sub(r"\|([^|]*)\|", r"abs(\1)", plain)
    formula, *clauses = DEFINITION.split(plain)
    try:
        main = _node(ast.parse(formula.strip(), mode="eval").body)
        named = [(name, _node(ast.parse(value.strip(), mode="eval").body))
                 for name, value in zip(clauses[::2], clauses[1::2], strict=True)]  # fmt: skip
    except (SyntaxError, ValueError, RecursionError):
        return None

    def whole(names: dict[str, Any]) -> Any:
        known = dict(names)
        for name, value in named:
            known[name] = value(known)
        return main(known)

    return whole


def _node(tree: ast.AST) -> Node:
    """A part of a formula; of Python's grammar, what formulas have."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float):
        constant = float(tree.value)
        return lambda names: constant
    if isinstance(tree, ast.Name):
        name = tree.id
        return lambda names: names[name]
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = _node(tree.operand)
        return lambda names: -inner(names)
    if isinstance(tree, ast.BinOp):
        return _binary(tree)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in FUNCTIONS:
        function, parts = FUNCTIONS[tree.func.id], [_node(part) for part in tree.args]
        return lambda names: function(*[part(names) for part in parts])
    if isinstance(tree, ast.IfExp):
        test, yes, no = _node(tree.test), _node(tree.body), _node(tree.orelse)
        return lambda names: yes(names) if test(names) else no(names)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in COMPARISONS:
        compare, left, right = COMPARISONS[type(tree.ops[0])], _node(tree.left), _node(tree.comparators[0])
        return lambda names: compare(_centre(left(names)), _centre(right(names)))
    raise ValueError("no formula")


def _binary(tree: ast.BinOp) -> Node:
    left = _node(tree.left)
    if isinstance(tree.op, ast.Pow):
        if not (isinstance(tree.right, ast.Constant) and tree.right.value == 2):
            raise ValueError("no formula")
        return lambda names: _square(left(names))
    right = _node(tree.right)
    if isinstance(tree.op, ast.Add):
        return lambda names: left(names) + right(names)
    if isinstance(tree.op, ast.Sub):
        return lambda names: left(names) - right(names)
    if isinstance(tree.op, ast.Mult):
        return lambda names: left(names) * right(names)
    if isinstance(tree.op, ast.Div):
        return lambda names: left(names) / right(names)
    raise ValueError("no formula")


def _centre(x: Any) -> float:
    return x.centre if isinstance(x, Interval) else x


def _square(x: Any) -> Any:
    return x.squared() if isinstance(x, Interval) else x * x


def _rising(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function that grows with its argument, also of intervals."""
    return lambda x: x.mapped(function) if isinstance(x, Interval) else function(x)


def _largest(*parts: Any) -> Any:
    return max(parts, key=_centre)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": _rising(math.exp), "log": _rising(math.log), "sqrt": _rising(math.sqrt), "tanh": _rising(math.tanh),
    "abs": lambda x: -x if _centre(x) < 0.0 else x, "max": _largest,
}  # fmt: skip
COMPARISONS: dict[type, Callable[[float, float], bool]] = {
    ast.Gt: lambda a, b: a > b, ast.Lt: lambda a, b: a < b,
    ast.GtE: lambda a, b: a >= b, ast.LtE: lambda a, b: a <= b,
}  # fmt: skip
