"""What a sweep does before any network is trained: which data, how prepared, which folds, which score.

The same checks read a spec's sections and a results file's, so that what was written can be read again.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import _checks as checks
from .._input_errors import InputError, nearest

__all__ = ["SCORES", "SETS", "Plan", "Section", "line_of"]

SETS = {
    "iris": "classification",
    "digits": "classification",
    "wine": "classification",
    "breast_cancer": "classification",
    "diabetes": "regression",
}
SCORES = {  # the first is the default
    "classification": ("accuracy",),
    "regression": ("r2", "mean_squared_error", "mean_absolute_error"),
}
MOST_FOLDS = 1000
REQUIRED = object()


class Section:
    """A table of a spec: its keys, taken one by one, with messages that say where they stand.

    Parameters
    ----------
    name : str
        As in ``[data]``.
    table : object
        What the file has there.
    source : str
        The file, or what else it is.
    text : str, optional
        The TOML text, to find lines in.
    nth : int, default=1
        Which of the tables of that name it is, as in ``[[parameters]]``.
    """

    def __init__(self, name: str, table: Any, source: str, text: str = "", nth: int = 1) -> None:
        self.name, self.source, self.text, self.nth = name, source, text, nth
        if not isinstance(table, Mapping):
            raise InputError(source, f"[{name}] must be a table of keys and values, not {checks.shown(table)}")
        self.table: Mapping[str, Any] = table

    def place(self, key: str) -> str:
        """The file, the line if there is one, and the key."""
        line = line_of(self.text, self.name, key, self.nth)
        return f"{self.source}{f', line {line}' if line else ''}: {self.name}.{key}"

    def only(self, *known: str) -> None:
        """Refuse a key that means nothing here."""
        for key in self.table:
            if key not in known:
                hint = nearest(str(key), known) or f"; there are {', '.join(known)}"
                raise InputError(self.place(str(key)), f"there is no such key{hint}")

    def take(self, key: str, check: Callable[..., Any], *limits: Any, default: Any = REQUIRED) -> Any:
        """The checked value of a key."""
        if key not in self.table:
            if default is REQUIRED:
                raise InputError(f"{self.source}: {self.name}.{key}", "is missing")
            return default
        try:
            return check("", self.table[key], *limits)
        except (TypeError, ValueError) as error:
            value, options = self.table[key], limits[0] if limits else None
            hint = nearest(value, options) if isinstance(value, str) and isinstance(options, dict | tuple) else ""
            raise InputError(self.place(key), f"{error}{hint}".strip()) from None


def line_of(text: str, section: str, key: str, nth: int = 1) -> int:
    """The line of a key, or without one of a table, in a TOML text; 0 if it is not found. It parses nothing."""
    inside, seen = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([\w-]+)\s*\]+", line)
        if header:
            inside = header[1]
            seen += inside == section
            if not key and inside == section:
                return number
        found = re.match(r"""\s*["']?([^"'=]*?)["']?\s*=""", line)
        if found and inside == section and seen == nth and found[1] == key:
            return number
    return 0


def text(name: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be a text, not {checks.shown(value)}")
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A text or several, none of them twice."""
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(item, str) and item for item in found):
        raise TypeError(f"{name} must be a name or a list of names, not {checks.shown(value)}")
    if len(set(found)) < len(found):
        raise ValueError(f"{name} has a name twice: {checks.shown(value)}")
    return tuple(found)


def one_letter(name: str, value: Any) -> str:
    """What stands between the cells of a line."""
    if not isinstance(value, str) or len(value) != 1 or value in '"\r\n':
        raise ValueError(f"{name} must be one character, such as ',' or ';', not {checks.shown(value)}")
    return value


@dataclass(frozen=True)
class Plan:
    """All of a sweep but its rows.

    Attributes
    ----------
    set : str or None
        A data set that ships with scikit-learn.
    file : str or None
        Or a CSV file, as the spec names it.
    delimiter : str
        Of the file.
    task : {"classification", "regression"}
    target : tuple of str
        The columns to predict; empty for a shipped set.
    features : tuple of str
        The columns to predict from; empty: all others.
    exclude : tuple of str
        Columns that are left out.
    standardize, standardize_target : bool
        Whether columns get mean 0 and standard deviation 1 on each training part.
    constant_columns : {"error", "keep"}
        What is to become of a column that cannot be scaled.
    folds : int
    seed : int
        Of the folds.
    score : str
    """

    set: str | None
    file: str | None
    delimiter: str
    task: str
    target: tuple[str, ...]
    features: tuple[str, ...]
    exclude: tuple[str, ...]
    standardize: bool
    standardize_target: bool
    constant_columns: str
    folds: int
    seed: int
    score: str

    @classmethod
    def read(cls, tables: Mapping[str, Any], source: str, toml: str = "") -> "Plan":
        """The plan in the tables ``data``, ``preprocessing`` and ``validation``.

        Raises
        ------
        InputError
            Naming the key, what it was and what was expected.
        """
        data = Section("data", tables.get("data", {}), source, toml)
        preprocessing = Section("preprocessing", tables.get("preprocessing", {}), source, toml)
        validation = Section("validation", tables.get("validation", {}), source, toml)
        data.only("set", "file", "task", "target", "features", "exclude", "delimiter")
        preprocessing.only("standardize", "standardize_target", "constant_columns")
        validation.only("folds", "seed", "score")

        shipped, file = data.take("set", checks.choice, SETS, default=None), data.take("file", text, default=None)
        if (shipped is None) == (file is None):
            raise InputError(
                f"{source}: data", f"needs either file, a CSV file, or set, one of {', '.join(map(repr, SETS))}"
            )
        if shipped is not None:
            for key in ("target", "delimiter"):
                if key in data.table:
                    raise InputError(data.place(key), f"belongs to a file, not to set = {shipped!r}")
            task = data.take("task", checks.choice, tuple(SCORES), default=SETS[shipped])
            if task != SETS[shipped]:
                raise InputError(data.place("task"), f"{shipped} is for {SETS[shipped]}, not for {task}")
            target: tuple[str, ...] = ()
        else:
            task, target = data.take("task", checks.choice, tuple(SCORES)), data.take("target", texts)
            if not target or (task == "classification" and len(target) > 1):
                raise InputError(
                    data.place("target"), f"must be one column for classification, not {list(target)}"
                )
        of_target = preprocessing.take("standardize_target", checks.boolean, default=False)
        if of_target and task == "classification":
            raise InputError(
                preprocessing.place("standardize_target"), "only numbers can be standardised, not labels"
            )
        return cls(
            set=shipped,
            file=file,
            delimiter=data.take("delimiter", one_letter, default=","),
            task=task,
            target=target,
            features=data.take("features", texts, default=()),
            exclude=data.take("exclude", texts, default=()),
            standardize=preprocessing.take("standardize", checks.boolean, default=True),
            standardize_target=of_target,
            constant_columns=preprocessing.take(
                "constant_columns", checks.choice, ("error", "keep"), default="error"
            ),
            folds=validation.take("folds", checks.integer, 2, MOST_FOLDS, default=5),
            seed=validation.take("seed", checks.integer, 0, 2**63 - 1, default=0),
            score=validation.take("score", checks.choice, SCORES[task], default=SCORES[task][0]),
        )

    def as_tables(self) -> dict[str, dict[str, Any]]:
        """What `read` reads, with all defaults filled in."""
        data: dict[str, Any] = {"task": self.task}
        data |= {"set": self.set} if self.set else {}
        data |= {"file": self.file, "delimiter": self.delimiter, "target": list(self.target)} if self.file else {}
        data |= {"features": list(self.features), "exclude": list(self.exclude)}
        preprocessing = {name: getattr(self, name) for name in ("standardize", "standardize_target")}
        return {
            "data": data,
            "preprocessing": {**preprocessing, "constant_columns": self.constant_columns},
            "validation": {"folds": self.folds, "seed": self.seed, "score": self.score},
        }
