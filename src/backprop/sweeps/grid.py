"""The rows of a sweep: a spec's lists of parameters multiplied out, each row with all that the estimator has."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import isfinite, prod
from typing import Any

from .. import _checks as checks
from .._input_errors import InputError, nearest, one_line
from .plan import Section

__all__ = ["Parameters", "completed", "estimator_class", "refuse_unknown_classes", "rows_of"]

Parameters = dict[str, Any]

MOST_ROWS = 100_000
NOT_SWEPT = {
    "callback": "is a function, which a results file cannot hold",
    "engine": "changes no number; set the environment variable BACKPROP_ENGINE for the whole sweep",
    "verbose": "would print from several processes at once; the sweep has a progress bar",
    "warm_start": "means nothing here, as every fold starts anew",
}


def estimator_class(task: str) -> Any:
    """MLPClassifier or MLPRegressor."""
    from .. import estimators

    return estimators.MLPClassifier if task == "classification" else estimators.MLPRegressor


def rows_of(tables: Any, task: str, source: str, toml: str = "") -> tuple[list[Parameters], list[str]]:
    """Each row's parameters, all of them, and the names of those that vary.

    Parameters
    ----------
    tables : mapping or list of mappings
        ``[parameters]``, or several ``[[parameters]]``, whose rows follow each other. A list is a list of
        alternatives; the last key varies fastest.
    task : {"classification", "regression"}
    source, toml : str
        The file and its text, for messages.

    Raises
    ------
    InputError
        Naming the key, what it was and what was expected.
    """
    several = tables if isinstance(tables, list) else [tables]
    if not several:
        raise InputError(source, "[[parameters]] is empty")
    sections = [Section("parameters", table, source, toml, nth) for nth, table in enumerate(several, start=1)]
    count = sum(prod(len(alternatives(section, key)) for key in section.table) for section in sections)
    if count > MOST_ROWS:
        raise InputError(f"{source}: parameters", f"make {count:,} rows; at most {MOST_ROWS:,} are run")
    rows: list[Parameters] = []
    for section in sections:
        rows.extend(multiplied(section, task))
    names = list(dict.fromkeys(key for section in sections for key in section.table))
    varied = [name for name in names if any(row[name] != rows[0][name] for row in rows)]
    return rows, varied


def alternatives(section: Section, key: str) -> list[Any]:
    """What a key stands for, one after the other."""
    value = section.table[key]
    if not isinstance(value, list):
        return [value]
    if not value:
        also = "; for no hidden layer write [[]]" if key == "hidden_layer_sizes" else ""
        raise InputError(section.place(key), f"is an empty list of alternatives{also}")
    return value


def multiplied(section: Section, task: str) -> Iterator[Parameters]:
    """All combinations of a table's alternatives."""
    known = estimator_class(task)().get_params()
    for key in section.table:
        if key in NOT_SWEPT:
            raise InputError(section.place(key), NOT_SWEPT[key])
        if key not in known:
            name = estimator_class(task).__name__
            raise InputError(section.place(key), f"is no parameter of {name}{nearest(key, known)}")
    defaults = completed({}, task)
    choices: list[list[Any]] = []
    for key in section.table:
        choices.append([])
        for value in alternatives(section, key):
            try:
                choices[-1].append(completed({key: value}, task)[key])
            except (TypeError, ValueError) as error:
                raise InputError(section.place(key), one_line(error)) from None
    for values in product(*choices):
        yield {**defaults, **dict(zip(section.table, values, strict=True))}


def completed(given: Mapping[str, Any], task: str) -> Parameters:
    """Every parameter of the estimator, those given and the defaults, as JSON has them. `random_state` is 0.

    Raises
    ------
    TypeError, ValueError
        If the estimator does not take one of them.
    """
    chosen = {"random_state": 0, **given}
    for name, value in chosen.items():
        if isinstance(value, float) and not isfinite(value):
            hint = " (give max_iter, to stop at nothing else)" if name == "n_iter_no_change" else ""
            raise ValueError(f"{name} must be finite, not {value}{hint}")
    checks.integer("random_state", chosen["random_state"], 0, 2**32 - 1)
    if "hidden_layer_sizes" in chosen:
        sizes = chosen["hidden_layer_sizes"]
        sizes = list(sizes) if isinstance(sizes, Sequence) and not isinstance(sizes, str) else [sizes]
        chosen["hidden_layer_sizes"] = [checks.integer("units of a hidden layer", size) for size in sizes]
    if isinstance(chosen.get("class_weight"), Mapping):
        weights = chosen["class_weight"]
        chosen["class_weight"] = {
            str(label): checks.rate(f"weight of {label!r}", w) for label, w in weights.items()
        }
    if isinstance(chosen.get("activation"), Sequence) and not isinstance(chosen["activation"], str):
        from ..functions import ACTIVATIONS

        hidden = [name for name, row in ACTIVATIONS.items() if row.hidden]
        chosen["activation"] = [checks.choice("activation", name, hidden) for name in chosen["activation"]]
    estimator = estimator_class(task)(**chosen)
    estimator._validate_params()
    parameters: Parameters = estimator.get_params()
    parameters["hidden_layer_sizes"] = list(parameters["hidden_layer_sizes"])
    return parameters


def refuse_unknown_classes(rows: Iterable[Parameters], classes: Sequence[str], source: str) -> None:
    """A class weight belongs to a label that is there."""
    for parameters in rows:
        weights = parameters.get("class_weight")
        for label in weights if isinstance(weights, Mapping) else ():
            if label not in classes:
                there = ", ".join(map(repr, classes[:8]))
                raise InputError(
                    f"{source}: parameters.class_weight", f"there is no class {label!r}; there are {there}"
                )
