"""JSON and TOML files as plain data, with the line and column of whatever turns out to be wrong in them.

The standard library parses; a place is looked for only when there is something to say of it.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from .._input_errors import InputError, Place
from .files import Text

__all__ = ["Document", "Path", "json_document", "kind_of", "toml_document"]

Path = tuple[str | int, ...]  # keys and positions, from the whole inwards

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)
DEEPEST = 10  # levels of brackets in which places are looked for; the files that we read have 5
LONGEST_TOML = 1_000_000  # characters; the parser is slow, and errors are looked for with it
MANY_DOTS = re.compile(r"(?:\.[^.,=\[\]{}\n]{1,40}){20}")  # a key of so many parts takes the parser hours
MOST = 20  # lines that look like a key, of a TOML file
AT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


class Literal(str):
    """A number as it stands in a JSON file, with all its digits."""


class Document(NamedTuple):
    """A parsed file.

    Attributes
    ----------
    data : dict
    place : callable
        ``place(path)`` is where the value at a path begins, ``place(path, key=True)`` where its key does; of
        a path that is not there, where its nearest ancestor is.
    """

    data: dict[str, Any]
    place: Callable[..., Place]


class _RefusedError(Exception):
    """A JSON text that the parser takes and we do not."""


# ---- JSON ----------------------------------------------------------------------------------------------------


def json_document(text: Text, *, literals: bool = False) -> Document:
    """The object in a JSON file.

    Parameters
    ----------
    text : Text
    literals : bool, default=False
        Whether numbers are kept as `Literal`.

    Raises
    ------
    InputError
        If it is not JSON, has a key twice or NaN, or is no object.
    """

    def place(path: Path, *, key: bool = False) -> Place:
        found = 0, 0
        depth = -1
        for here, key_at, value_at in _members(text.text):
            if len(here) > depth and path[: len(here)] == here:
                found, depth = (key_at, value_at), len(here)
                if depth == len(path):
                    break
        return text.place(found[0 if key and depth == len(path) else 1])

    kept: Any = Literal if literals else None
    try:
        data = json.loads(
            text.text,
            object_pairs_hook=_without_twins,
            parse_constant=_refuse,
            parse_float=kept,
            parse_int=kept or _integer,
        )
    except json.JSONDecodeError as error:
        raise InputError(text.place(error.pos), f"this is not JSON: {_lowered(error.msg)}") from None
    except RecursionError:
        raise InputError(text.source, "is nested too deep") from None
    except _RefusedError:
        raise _located(text) from None
    if not isinstance(data, dict):
        start = len(text.text) - len(text.text.lstrip())
        raise InputError(text.place(start), f"expected an object, {{...}}, not {kind_of(data)}")
    return Document(data, place)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RefusedError
    return found


def _refuse(constant: str) -> Any:
    raise _RefusedError(constant)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 40 else float(digits)  # int() refuses thousands of digits


def _located(text: Text) -> InputError:
    """What to say of a JSON text with a key that is there twice or a number that is none."""
    seen: dict[Path, int] = {}
    for path, key_at, value_at in _members(text.text):
        if path in seen:
            before = text.place(seen[path]).line
            return InputError(text.place(key_at), f"{path[-1]!r} is here twice, first in line {before}")
        seen[path] = key_at
        constant = re.compile(r"NaN|-?Infinity").match(text.text, value_at)
        if constant:
            return InputError(text.place(value_at), f"{constant[0]} is no finite number")
    return InputError(text.source, "holds a key twice, or a number that is not finite")


def _members(text: str) -> Iterator[tuple[Path, int, int]]:
    """Path, and where key and value begin, of everything in a JSON text, as far as it is one, and not too deep."""
    path: list[str | int] = []
    inside: list[str] = []  # the brackets that are open
    key_at: int | None = None
    wants_key = False
    for token in TOKEN.finditer(text):
        word, at = token[0], token.start()
        if word in "}]":
            if not inside:
                return
            inside.pop()
            path = path[:-1] if path else path
            wants_key = False
        elif word == ",":
            if inside and inside[-1] == "[":
                path[-1] = int(path[-1]) + 1
            else:
                wants_key = True
        elif word == ":":
            wants_key = False
        elif wants_key:
            try:
                path[-1] = json.loads(word, strict=False)
            except (ValueError, IndexError):
                return
            key_at = at
        else:
            yield tuple(path), at if key_at is None else key_at, at
            key_at = None
            if word in "{[" and len(inside) == DEEPEST:
                return
            if word in "{[":
                inside.append(word)
                path.append(0 if word == "[" else "")
                wants_key = word == "{"


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    kinds = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float | Literal) else "a string")


# ---- TOML ----------------------------------------------------------------------------------------------------


def toml_document(text: Text) -> Document:
    """The table in a TOML file.

    Raises
    ------
    InputError
        If it is not TOML.
    """

    def place(path: Path, *, key: bool = False) -> Place:
        names = [part for part in path if isinstance(part, str)]
        at = next(filter(None, (_key_of(text.text, names[:n]) for n in range(len(names), 0, -1))), None)
        return Place(text.source) if at is None else text.place(at[0 if key else 1])

    if len(text.text) > LONGEST_TOML:
        raise InputError(
            text.source, f"is longer than the {LONGEST_TOML // 10**6} MB of a TOML file; JSON may have 5"
        )
    long_key = MANY_DOTS.search(text.text)
    if long_key:
        raise InputError(text.place(long_key.start()), "this is nested too deep")
    try:
        return Document(tomllib.loads(text.text), place)
    except RecursionError:
        raise InputError(text.source, "is nested too deep") from None
    except ValueError as error:
        found = AT.fullmatch(str(error))
        said = _lowered(found[1] if found else str(error))
        message = "this key is here twice" if said == "cannot overwrite a value" else f"this is not TOML: {said}"
        if found is None:
            raise InputError(text.source, message) from None
        at = text.place(len(text.text.rstrip())) if found[2] is None else None
        raise InputError(at or Place(text.source, int(found[2]), int(found[3])), message) from None


def _key_of(text: str, names: list[str]) -> tuple[int, int] | None:
    """Where a key and its value begin, if the key begins a line or is the name of a table."""
    name = re.escape(names[-1])
    lines = re.finditer(rf"""^[ \t]*\[*[ \t]*(["']?{name}["']?)[ \t]*(=|\.|\]+)[ \t]*""", text, re.MULTILINE)
    for match in islice(lines, MOST):
        before = _parsed(text[: match.start()])
        up_to_it = _parsed(text[: match.end()] + {"=": "0", ".": "x = 0"}.get(match[2], ""))
        if before is None or up_to_it is None:
            continue  # it is part of a string, say
        if not _has(before, names) and _has(up_to_it, names):
            return match.start(1), match.end() if match[2] == "=" else match.start(1)
    return None


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _has(data: Mapping[str, Any], names: list[str]) -> bool:
    for name in names:
        if not isinstance(data, Mapping) or name not in data:
            return False
        data = data[name]
    return True
