"""Which custom functions have passed a gradient check.

That is remembered of the object, by its identity: every network that holds the same object profits, and a copy of
the object, also one that came out of a pickle, has to be checked itself. It is forgotten with the object, and it
ceases to hold when an attribute of the object changes.
"""

import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ._custom import CustomRow
from .errors import UncheckedFunctionError

__all__ = ["record", "refuse_unchecked"]

PLAIN = (bool, int, float, str)


class Standing(NamedTuple):
    """What the last check said of an object; `holder()` is the object, or None when that is gone."""

    holder: Callable[[], Any]
    attributes: dict[str, Any]
    objection: str  # empty if it passed


_STANDINGS: dict[int, Standing] = {}  # by id


def record(source: Any, objection: str) -> None:
    """Note the outcome of a check: why it did not pass, or an empty string."""
    key = id(source)
    try:
        holder: Callable[[], Any] = weakref.ref(source, lambda _: _STANDINGS.pop(key, None))
    except TypeError:  # of a class without weak references: it stays for good

        def holder() -> Any:
            return source

    _STANDINGS[key] = Standing(holder, _attributes(source), objection)


def objection(source: Any) -> str:
    """Why a function may not be trained with yet; empty if it may."""
    standing = _STANDINGS.get(id(source))
    if standing is None or standing.holder() is not source:
        return "it has not been checked yet (a copy of a checked object is another object)"
    if standing.objection:
        return standing.objection
    now = _attributes(source)
    for name in sorted({*now, *standing.attributes}):
        if name not in now or name not in standing.attributes or not _same(now[name], standing.attributes[name]):
            return f"its attribute {name!r} has changed since it was checked"
    return ""


def refuse_unchecked(rows: Iterable[CustomRow]) -> None:
    """Raise UncheckedFunctionError unless all of them have passed a check."""
    for row in rows:
        reason = objection(row.source)
        if reason:
            raise UncheckedFunctionError(row.what, reason)


def _attributes(source: Any) -> dict[str, Any]:
    """An object's own attributes, those in slots too."""
    state = object.__getstate__(source)
    parts = state if isinstance(state, tuple) else (state,)
    return {name: value for part in parts if part for name, value in part.items()}


def _same(a: Any, b: Any) -> bool:
    """Whether two attributes are one object, or equal numbers or strings."""
    return a is b or (type(a) is type(b) and isinstance(a, PLAIN) and bool(a == b))
