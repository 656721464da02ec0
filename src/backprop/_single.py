"""A float32 number in pure Python: a float that rounds after every operation.

The sum, difference, product or quotient of two float32 numbers, computed in float64 and rounded once, is the
float32 result, because 53 bits are more than twice 24 and two. So arithmetic written for floats gives float32
bits, operation by operation, when its numbers are `Single`.
"""

from collections.abc import Callable
from math import copysign, inf, isnan, nan
from struct import Struct
from typing import Any

_FLOAT32 = Struct("f")  # in native mode, where too large a number becomes infinity instead of an error
_pack, _unpack = _FLOAT32.pack, _FLOAT32.unpack
_new = float.__new__


def _rounding(operation: Callable[[float, float], float]) -> "Callable[[Any, float], Single]":
    """The method of `Single` for a float operation: both operands float32, the result rounded once."""

    def method(self: float, other: float) -> "Single":
        if type(other) is not Single:
            if not isinstance(other, float | int):
                return NotImplemented
            other = Single(other)
        return _new(Single, _unpack(_pack(operation(self, other)))[0])

    return method


def _quotient(a: float, b: float) -> float:
    """The quotient a/b as IEEE-754 has it: infinity or NaN where Python raises."""
    if b == 0.0:
        return nan if a == 0.0 or isnan(a) else copysign(inf, a) * copysign(1.0, b)
    return float.__truediv__(a, b)


class Single(float):
    """A float32 number.

    ``+ - * /``, negation and `abs` give a `Single`, also beside a float or an int, which is rounded to float32
    first. Division by 0 gives infinity or NaN. Comparisons are those of floats, and so is every other operation.

    Parameters
    ----------
    value : float or int
        Rounded to the nearest float32, ties to even, beyond the range to infinity.
    """

    __slots__ = ()

    def __new__(cls, value: float = 0.0) -> "Single":
        return _new(cls, _unpack(_pack(value))[0])

    __add__ = _rounding(float.__add__)
    __radd__ = _rounding(float.__radd__)
    __sub__ = _rounding(float.__sub__)
    __rsub__ = _rounding(float.__rsub__)
    __mul__ = _rounding(float.__mul__)
    __rmul__ = _rounding(float.__rmul__)
    __truediv__ = _rounding(_quotient)
    __rtruediv__ = _rounding(lambda a, b: _quotient(b, a))

    def __neg__(self) -> "Single":
        return _new(Single, float.__neg__(self))

    def __pos__(self) -> "Single":
        return self

    def __abs__(self) -> "Single":
        return _new(Single, float.__abs__(self))
