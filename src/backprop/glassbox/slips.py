"""Slips of the pen: a number that is one edit away from the one that was meant."""

from collections.abc import Iterator
from math import ceil, floor, isfinite

from .intervals import Interval, Precision
from .numerals import Numeral

__all__ = ["Slip", "slips"]

MOST = 40  # numbers that may have been meant, the nearest to the middle

SMALLEST = -290  # place of a digit; 10 to the power of so many is still a float

Slip = tuple[str, str, float]  # which it is, the number that was meant, how many others would be as near


def slips(given: Numeral, meant: Interval, precision: Precision) -> Iterator[Slip]:
    """The slips that turn a number of an interval into the given one.

    Parameters
    ----------
    given : Numeral
    meant : Interval
        Where the right number lies, with the learner's own operands.
    precision : Precision
        Of the sheet; a float of fewer digits may have ended in zeros.

    Yields
    ------
    tuple of (str, str, float)
        "swapped digits", "wrong digit", "missing digit" or "extra digit"; the number that was meant; and the
        number of slips that were possible, for how likely a chance agreement is.
    """
    tiny = given.place < SMALLEST or abs(meant.centre) < 10.0**SMALLEST
    if given.digits == 0 or tiny or not isfinite(meant.size) or given.value * meant.centre <= 0.0:
        return
    places = {given.place}
    if not given.keeps_zeros:
        places.add(max(given.exponent - precision.digits + 1, -precision.decimals))
    for place in sorted(places):
        if place > given.place:
            continue
        written = _digits(abs(given.value), place)
        for kind, at in (("same length", place), ("missing digit", place - 1), ("extra digit", place + 1)):
            candidates = _candidates(meant, at)
            for digits in candidates:
                found = _edit(digits, written) if kind == "same length" else None
                if kind == "missing digit" and _is_without_one(written, digits):
                    found = kind
                if kind == "extra digit" and _is_without_one(digits, written):
                    found = kind
                if found:
                    width = len(written)
                    ways = {"wrong digit": 9 * width, "extra digit": 10 * width}.get(found, width)
                    yield found, _shown(digits, at, given.value < 0.0), float(ways)


def _digits(x: float, place: int) -> str:
    return str(round(x * 10.0**-place))


def _candidates(meant: Interval, place: int) -> list[str]:
    """The digits of the numbers of an interval, down to a place."""
    ends = sorted(abs(x) * 10.0**-place for x in (meant.low, meant.high))
    if ends[1] > 1e17:
        return []
    low, high = floor(ends[0]), ceil(ends[1])
    if high - low > MOST:
        middle = round(0.5 * (ends[0] + ends[1]))
        return [str(k) for k in range(max(middle - MOST // 2, 1), middle + MOST // 2)]
    nearest = {round(ends[0]), round(ends[1])}
    inside = {k for k in range(low, high + 1) if ends[0] - 0.5 <= k <= ends[1] + 0.5}
    return [str(k) for k in sorted(nearest | inside) if k > 0]


def _edit(meant: str, written: str) -> str | None:
    """Which slip it is between two numbers of the same length."""
    width = max(len(meant), len(written))
    meant, written = meant.zfill(width), written.zfill(width)
    apart = [k for k in range(width) if meant[k] != written[k]]
    if len(apart) == 1 and width > 2:
        return "wrong digit" if apart[0] < width - 1 else None  # the last digit is rounding's
    if len(apart) == 2:
        a, b = apart
        if b == a + 1 and meant[a] == written[b] and meant[b] == written[a]:
            return "swapped digits"
    return None


def _is_without_one(short: str, long: str) -> bool:
    """Whether leaving out one digit, not the last, of the longer gives the shorter."""
    return len(long) == len(short) + 1 > 3 and any(long[:k] + long[k + 1 :] == short for k in range(len(long) - 1))


def _shown(digits: str, place: int, negative: bool) -> str:
    text = digits.zfill(1 - place) if place < 0 else digits + "0" * place
    if place < 0:
        text = f"{text[:place]}.{text[place:]}"
    return f"-{text}" if negative else text
