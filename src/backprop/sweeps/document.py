"""A results file's form: what is in it, how it is read and written, and its checksum.

The checksum is SHA-256 of the document without its entry ``sha256``, as JSON with sorted keys, without blanks, in
ASCII. It tells a change by accident; a wrong number with a right checksum is found by training again.
"""

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from .. import _checks as checks
from .._input_errors import InputError, nearest

__all__ = ["FORMAT", "checksum", "read", "write"]

FORMAT = "backprop sweep 1"
LONGEST = 1 << 30  # bytes


class Each:
    """Any number of keys, with values of one form."""

    def __init__(self, form: Any) -> None:
        self.form = form


NUMBER = (int, float)
FAILED = {"error": str}
TRAINED = {
    "score": NUMBER,
    "n_iter": int,
    "first_loss": (int, float, type(None)),
    "last_loss": (int, float, type(None)),
    "weights_sha256": str,
}
ROW = {
    "row": int,
    "parameters": Each(object),
    "exact": bool,
    "inexact_because": (str, type(None)),
    "mean": (int, float, type(None)),
    "weights_sha256": (str, type(None)),
    "folds": [lambda outcome: FAILED if isinstance(outcome, dict) and "error" in outcome else TRAINED],
}
FORM = {
    "format": str,
    "made_with": Each(str),
    "plan": {"data": Each(object), "preprocessing": Each(object), "validation": Each(object)},
    "data": {
        "file_sha256": (str, type(None)),
        "samples": int,
        "features": Each(str),
        "target": Each(str),
        "classes": [str],
    },
    "fold_scheme": str,
    "folds": [{"train": int, "test": int, "rows_sha256": str, "prepared_sha256": str}],
    "planned_rows": int,
    "varied": [str],
    "rows": [ROW],
    "sha256": str,
}
WORDS = {str: "a text", int: "an integer", bool: "true or false", float: "a number", type(None): "null"}


def fit(value: Any, form: Any, place: str) -> None:
    """Refuse what is not of the form, by the path to it."""
    if callable(form) and not isinstance(form, type):
        form = form(value)
    if isinstance(form, dict | Each):
        if not isinstance(value, dict):
            raise InputError(place, f"must be an object, not {checks.shown(value)}")
        if isinstance(form, dict):
            for key in form:
                if key not in value:
                    raise InputError(place, f"has no {key!r}")
            for key in value:
                if key not in form:
                    raise InputError(place, f"has {key!r}, which means nothing here{nearest(key, form)}")
        for key, item in value.items():
            fit(item, form.form if isinstance(form, Each) else form[key], f"{place}.{key}")
    elif isinstance(form, list):
        if not isinstance(value, list):
            raise InputError(place, f"must be a list, not {checks.shown(value)}")
        for k, item in enumerate(value):
            fit(item, form[0], f"{place}[{k}]")
    elif form is not object:
        kinds = form if isinstance(form, tuple) else (form,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            words = " or ".join(WORDS[kind] for kind in kinds if kind is not int or float not in kinds)
            raise InputError(place, f"must be {words}, not {checks.shown(value)}")


def checksum(document: Mapping[str, Any]) -> str:
    """SHA-256 of everything in a document but its own entry."""
    content = {key: value for key, value in document.items() if key != "sha256"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write a document with its checksum; the file is the old or the new one at any time."""
    text = json.dumps({**document, "sha256": checksum(document)}, indent=1, allow_nan=False)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(f"{text}\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise InputError(path, f"cannot be written ({error.strerror or error})") from None
    finally:
        beside.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """A results file's document.

    Raises
    ------
    InputError
        If it is not there, or not of the form that `write` gives. A wrong checksum is not refused here.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(path, "is not UTF-8, so no results file") from None
    try:
        document = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=without_twins)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}", f"is not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"is no results file: {error}") from None
    if not isinstance(document, dict) or "format" not in document:
        raise InputError(path, f"is no results file: it has no format {FORMAT!r}")
    if document["format"] != FORMAT:
        raise InputError(path, f"has the format {document['format']!r}; this version reads {FORMAT!r}")
    fit(document, FORM, str(path))
    consistent(document, str(path))
    return document


def refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is no finite number")


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"it has the key {next(key for key in names if names.count(key) > 1)!r} twice")
    return found


def consistent(document: dict[str, Any], place: str) -> None:
    """Refuse rows out of order, and rows with another number of folds than the file has."""
    numbers = [row["row"] for row in document["rows"]]
    if numbers != sorted(set(numbers)) or not all(1 <= number <= document["planned_rows"] for number in numbers):
        raise InputError(
            f"{place}.rows", f"must be numbered upwards, from 1 to {document['planned_rows']} at most"
        )
    for k, row in enumerate(document["rows"]):
        if len(row["folds"]) != len(document["folds"]):
            raise InputError(
                f"{place}.rows[{k}].folds", f"has {len(row['folds'])} folds, expected {len(document['folds'])}"
            )
