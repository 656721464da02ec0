"""Operations as someone does them who has misunderstood a step; parts that misconceptions are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .names import Key
from .ops import Op, Values

__all__ = ["Constant", "Function", "Scaled", "Variant"]


@dataclass(frozen=True)
class Function(Op):
    """Any function of the operands."""

    function: Callable[[Any], Any]

    def __call__(self, values: Values) -> Any:
        """The number."""
        return self.function(values)

    def text(self, count: int) -> str:
        """The formula."""
        return ""


@dataclass(frozen=True)
class Scaled(Op):
    """Another operation's number times a factor."""

    op: Op
    factor: float

    def __call__(self, values: Values) -> Any:
        """The number."""
        return self.op(values) * self.factor

    def text(self, count: int) -> str:
        """The formula."""
        return f"{self.factor:g}*({self.op.text(count)})"


@dataclass(frozen=True)
class Constant(Op):
    """A number that does not depend on its operand."""

    value: float

    def __call__(self, values: Values) -> Any:
        """The number."""
        return self.value

    def text(self, count: int) -> str:
        """The formula."""
        return f"{self.value:g}"


@dataclass(frozen=True)
class Variant:
    """One way in which a misconception changes the computation of a number.

    Attributes
    ----------
    op : Op
    operands : tuple of Key
    label : str
        Which way it is; the same label at several numbers is the same misconception done throughout.
    words : dict
        What the misconception's sentence has in its braces: keys are shown by their names.
    """

    op: Op
    operands: tuple[Key, ...]
    label: str = ""
    words: "dict[str, Key | str] | None" = None
