"""Numbers as a learner writes them: their value, and how many digits stand behind it."""

import math
import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .. import _checks as checks
from .intervals import MACHINE, Interval, Precision

__all__ = ["Numeral", "numeral", "working_precision"]

DECIMAL = re.compile(r"([+-]?)(\d*)(?:[.,](\d*))?(?:[eE]([+-]?\d{1,3}))?", re.ASCII)
FRACTION = re.compile(r"([+-]?\d{1,15})\s*/\s*(\d{1,15})", re.ASCII)
LONGEST = 60  # characters of a number
FEWEST = 3  # digits that careful work has; a float's trailing zeros are not seen
MACHINE_DIGITS = 15  # so many are no hand's
TUTORIAL_DECIMALS = 9
SHARE = 6  # one number in so many may have more digits than its writer works with
EXPECTED = "a number, such as 0.3775 or '0.3775'"


@dataclass(frozen=True)
class Numeral:
    """A number as it was written.

    Attributes
    ----------
    value : float
    text : str
        As it was written.
    digits : int
        Significant digits; 0 for an exact fraction.
    place : int
        The power of ten of its last digit.
    keeps_zeros : bool
        Whether trailing zeros would have been seen.
    """

    value: float
    text: str
    digits: int
    place: int
    keeps_zeros: bool

    @property
    def exponent(self) -> int:
        """The power of ten of its first digit."""
        return math.floor(math.log10(abs(self.value))) if self.value else self.place

    @property
    def evident_digits(self) -> int:
        """Its digits, of which 1.0000 has one more than the 0.99996 that may have become it."""
        is_power = self.keeps_zeros and self.digits > 1 and self.text.lstrip("+-0.,").rstrip("0.,") == "1"
        return self.digits - is_power

    def error(self, precision: Precision) -> float:
        """How far it may be from what was rounded to it."""
        if self.digits == 0:
            return 0.0
        place = self.place
        if self.value == 0.0 and not self.keeps_zeros:
            place = -precision.decimals
        elif self.digits < FEWEST and not self.keeps_zeros:
            # 0.4 may be 0.400; but 0.01 among numbers of two decimals has no more digits.
            place = min(place, max(self.exponent - FEWEST + 1, -precision.decimals))
        return 10.0**place * 0.5 * (1.0 + 1e-9)

    def interval(self, precision: Precision) -> Interval:
        """The numbers that may have been written like this."""
        error = self.error(precision)
        noise = precision.noise * abs(self.value)
        below, above = self.value - error - noise, self.value + error + noise
        if precision.chopped and self.value:  # only upwards in size
            below, above = (
                (self.value - noise, above + error) if self.value > 0.0 else (below - error, self.value + noise)
            )
        return Interval(below, above)

    def finest(self, precision: Precision) -> Interval:
        """The same if its missing digits are zeros."""
        place = max(self.exponent - precision.digits + 1, -precision.decimals, -300)
        error = 0.5 * 10.0 ** min(place, self.place) + precision.noise * abs(self.value)
        return Interval(self.value - error, self.value + error)

    @property
    def negated(self) -> "Numeral":
        """The same number with the other sign."""
        text = self.text[1:] if self.text.startswith("-") else f"-{self.text.removeprefix('+')}"
        return Numeral(-self.value, text, self.digits, self.place, self.keeps_zeros)


def numeral(name: str, given: Any) -> Numeral:
    """A number or a string as `Numeral`.

    Strings may have a decimal point or comma, an exponent, or be a fraction of whole numbers. A float stands for
    its shortest decimal form.

    Parameters
    ----------
    name : str
        What it is an answer for, for messages.
    given : str or real number

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If it is not a finite number, or longer than one would write.
    """
    if isinstance(given, str):
        return _of_string(name, given)
    if isinstance(given, bool | np.bool_) or not isinstance(given, numbers.Real):
        text = getattr(given, "as_tuple", None) and str(given)  # a Decimal knows its digits
        if text:
            return _of_string(name, text)
        raise TypeError(f"{name} must be {EXPECTED}, not {checks.shown(given)}")
    if isinstance(given, Fraction):
        return _fraction(name, given, str(given))
    try:
        text = str(given) if isinstance(given, np.floating) else repr(float(given))
    except OverflowError:
        raise ValueError(f"{name} is {checks.shown(given)}, too large for a float") from None
    if not math.isfinite(float(given)):
        raise ValueError(f"{name} is {text}; expected a finite number")
    return _of_string(name, text.removesuffix(".0"), keeps_zeros=False)


def _of_string(name: str, given: str, *, keeps_zeros: bool = True) -> Numeral:
    if len(given) > LONGEST:
        raise ValueError(f"{name} has {len(given)} characters; expected {EXPECTED}")
    text = given.strip().replace("\N{MINUS SIGN}", "-")
    if match := FRACTION.fullmatch(text):
        if int(match[2]) == 0:
            raise ValueError(f"{name} is {checks.shown(given)}, a division by 0")
        return _fraction(name, Fraction(int(match[1]), int(match[2])), text)
    match = DECIMAL.fullmatch(text)
    if not match or not (match[2] or match[3]):
        raise ValueError(f"{name} is {checks.shown(given)}; expected {EXPECTED}")
    sign, whole, after, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    value = float(f"{sign}{whole}.{after}e{exponent}")
    if not math.isfinite(value):
        raise ValueError(f"{name} is {checks.shown(given)}; expected a finite number")
    if value == 0.0 and (whole + after).strip("0"):
        raise ValueError(f"{name} is {checks.shown(given)}, too small for a float")
    digits, place = (whole + after).lstrip("0"), exponent - len(after)
    if not keeps_zeros or (match[3] is None and digits[-1:] in ("0", "")):  # 4300 may be of two digits or of four
        place += len(digits) - len(digits.rstrip("0"))
        digits, keeps_zeros = digits.rstrip("0"), False
    return Numeral(value, text, max(len(digits), 1), place if digits else exponent - len(after), keeps_zeros)


def _fraction(name: str, value: Fraction, text: str) -> Numeral:
    try:
        return Numeral(float(value), text, 0, -300, True)
    except OverflowError:
        raise ValueError(f"{name} is too large for a float") from None


def working_precision(given: Sequence[Numeral], exact: Sequence[float] = (), *, single: bool = False) -> Precision:
    """How finely the numbers between those that were written were rounded: as finely as those.

    Parameters
    ----------
    given : sequence of Numeral
    exact : sequence of float, optional
        The true numbers. A number that is written in full says nothing of how others are rounded.
    single : bool, default=False
        Whether the network computes in float32, so that its own numbers are less exact.
    """
    rounded = (
        [one for one, true in zip(given, exact, strict=True) if abs(one.value - true) > 1e-12 * abs(true)]
        if exact
        else []
    )
    given = rounded or given
    by_hand = [one for one in given if 0 < one.digits < MACHINE_DIGITS]
    if len(by_hand) * 2 < len(given):  # a computer's numbers, few of them short by chance
        by_hand = [one for one in given if one.digits]
    digits = sorted((one.evident_digits for one in by_hand), reverse=True) or [MACHINE_DIGITS]
    # Of a number that is small beside others the last decimals are kept because there are no others.
    longer = [one for one in by_hand if one.evident_digits > FEWEST] or by_hand
    decimals = max((-one.place for one in longer), default=TUTORIAL_DECIMALS)
    most = digits[len(digits) // SHARE]
    if most >= TUTORIAL_DECIMALS:
        decimals = min(decimals, TUTORIAL_DECIMALS)
    return Precision(max(most, FEWEST), max(decimals, FEWEST), noise=2.0**-20 if single else MACHINE)
