"""A sheet of answers, checked and put into the order of calculation."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .. import _checks as checks
from .._text import clean
from .conventions import Graph
from .names import Key
from .numerals import Numeral, numeral
from .records import unknown_name

__all__ = ["Answer", "read"]

MOST = 100_000  # answers
LONGEST_NAME = 200


class Answer(NamedTuple):
    """One number of a sheet."""

    name: str
    key: Key
    number: Numeral
    given: Any


def read(answers: Any, graph: Graph) -> list[Answer]:
    """The answers in the order of calculation.

    Parameters
    ----------
    answers : mapping of str to number or str, or iterable of such pairs
    graph : Graph

    Raises
    ------
    TypeError, ValueError
        If it is no such thing, is empty, or has a name that the trace does not know, a name twice, or what is no
        finite number.
    """
    found: dict[Key, Answer] = {}
    for count, (name, given) in enumerate(_pairs(answers)):
        if count >= MOST:
            raise ValueError(f"answers has more than {MOST:,} numbers")
        if not isinstance(name, str):
            raise TypeError(f"answers must have names for keys, such as 'net_h1', not {checks.shown(name)}")
        if len(name) > LONGEST_NAME:
            raise ValueError(f"answers has a name of {len(name)} characters: {checks.shown(clean(name[:40]))}...")
        key = graph.key(name.strip())
        if key is None:
            raise ValueError(f"answers: {clean(unknown_name(graph.trace, name.strip()))}")
        number = numeral(f"answers[{checks.shown(clean(name))}]", given)
        if key in found:
            before = found[key].name
            as_what = "" if before == name else f", first as {before!r}"
            raise ValueError(f"answers has {name!r} twice{as_what}")
        found[key] = Answer(name, key, number, given)
    if not found:
        raise ValueError("answers is empty; expected names and numbers, such as {'net_h1': 0.3775}")
    return sorted(found.values(), key=lambda answer: graph.position(answer.key))


def _pairs(answers: Any) -> Iterable[tuple[Any, Any]]:
    expected = "answers must be a dict of names and numbers, such as {'net_h1': 0.3775}"
    if isinstance(answers, Mapping):
        return answers.items()
    if isinstance(answers, str | bytes) or not isinstance(answers, Iterable):
        raise TypeError(f"{expected}, not {checks.shown(answers)}")
    return _checked_pairs(answers, expected)


def _checked_pairs(answers: Iterable[Any], expected: str) -> Iterable[tuple[Any, Any]]:
    for item in answers:
        if isinstance(item, str | bytes) or not hasattr(item, "__len__") or len(item) != 2:
            raise TypeError(f"{expected}, or pairs of them; one item is {checks.shown(item)}")
        yield tuple(item)
