"""A sweep's samples: the columns that the plan names, as exact numbers, with hashes of each."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._input_errors import InputError, nearest
from .plan import Plan
from .table import Table, read

__all__ = ["Data", "bytes_of", "load"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Data:
    """Samples and what they are to be predicted from.

    Attributes
    ----------
    source : str
        For messages.
    X : ndarray of shape (n_samples, n_features), float64
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Positions in `classes`, or float64.
    features, targets : tuple of str
        Names of the columns.
    classes : tuple of str
        The labels, in ascending order: as integers if all are such, else by code points. Empty for numbers.
    file_sha256 : str or None
        Of the file's bytes, if there is a file.
    hashes : dict of str
        SHA-256 of each column: float64, little-endian; labels as a JSON list in UTF-8.
    """

    source: str
    X: Numbers
    y: NDArray[Any]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    classes: tuple[str, ...]
    file_sha256: str | None
    hashes: dict[str, str]

    def as_document(self) -> dict[str, Any]:
        """What a results file says of the data."""
        return {
            "file_sha256": self.file_sha256,
            "samples": len(self.X),
            "features": {name: self.hashes[name] for name in self.features},
            "target": {name: self.hashes[name] for name in self.targets},
            "classes": list(self.classes),
        }


def bytes_of(array: NDArray[Any]) -> bytes:
    """The numbers in C order, as little-endian float64."""
    return np.ascontiguousarray(array, "<f8").tobytes()


def load(plan: Plan, path: Path | None) -> Data:
    """Read the plan's data.

    Parameters
    ----------
    plan : Plan
    path : Path or None
        Where the plan's file is; None for a shipped set.

    Raises
    ------
    InputError
        Naming file, line and column, or what else cannot be used.
    """
    if path is None:
        from .shipped import load as load_shipped

        assert plan.set is not None
        columns, name, target = load_shipped(plan.set)
        features = chosen(plan, [*columns], plan.set)
        data = assembled(plan, plan.set, {f: columns[f] for f in features}, {name: target}, None)
    else:
        table = read(path, str(path), plan.delimiter)
        features = chosen(plan, [*table.columns], table.source)
        numbers = {f: table.numbers(f) for f in features}
        targets = {t: table.labels(t) if plan.task == "classification" else table.numbers(t) for t in plan.target}
        data = assembled(plan, table.source, numbers, targets, table)
    refuse_constants(plan, data)
    return data


def chosen(plan: Plan, columns: list[str], source: str) -> list[str]:
    """The names of the features, all columns that are named being there."""
    for key in ("target", "features", "exclude"):
        for name in getattr(plan, key):
            if name not in columns:
                hint = nearest(name, columns) or f"; there are {', '.join(map(repr, columns[:8]))}"
                raise InputError(f"{source}: data.{key}", f"there is no column {name!r}{hint}")
    for key, other in (("target", "features"), ("target", "exclude"), ("features", "exclude")):
        both = set(getattr(plan, key)) & set(getattr(plan, other))
        if both:
            raise InputError(f"{source}: data.{key}", f"{min(both)!r} is in data.{other}, too")
    features = [*plan.features] or [name for name in columns if name not in {*plan.target, *plan.exclude}]
    if not features:
        raise InputError(source, "no column is left to predict from")
    return features


def assembled(
    plan: Plan,
    source: str,
    features: Mapping[str, Numbers],
    targets: Mapping[str, list[str] | Numbers],
    table: Table | None,
) -> Data:
    """Features and targets as arrays; too few samples are refused."""
    hashes = {name: sha256(bytes_of(column)).hexdigest() for name, column in features.items()}
    classes: tuple[str, ...] = ()
    columns: list[Numbers] = []
    for name, target in targets.items():
        if isinstance(target, list):
            hashes[name] = sha256(json.dumps(target, ensure_ascii=False).encode()).hexdigest()
            classes = in_order({*target})
            refuse_rare(plan, source, classes, target, table)
            position = {label: k for k, label in enumerate(classes)}
            columns.append(np.array([position[label] for label in target]))
        else:
            hashes[name] = sha256(bytes_of(target)).hexdigest()
            columns.append(target)
    n_samples = len(columns[0])
    needed = plan.folds * (2 if plan.score == "r2" else 1)
    if n_samples < needed:
        raise InputError(source, f"has {n_samples} samples; {plan.folds} folds need {needed} for {plan.score}")
    return Data(
        source=source,
        X=np.ascontiguousarray(np.column_stack([*features.values()])),
        y=columns[0] if len(columns) == 1 else np.column_stack(columns),
        features=tuple(features),
        targets=tuple(targets),
        classes=classes,
        file_sha256=None if table is None else table.sha256,
        hashes=hashes,
    )


def in_order(labels: set[str]) -> tuple[str, ...]:
    """Labels as integers in ascending order if all are written as such, else by their code points."""
    if all(
        label.removeprefix("-").isdecimal() and label.isascii() and str(int(label)) == label for label in labels
    ):
        return tuple(sorted(labels, key=int))
    return tuple(sorted(labels))


def refuse_rare(plan: Plan, source: str, classes: tuple[str, ...], labels: list[str], table: Table | None) -> None:
    """Every fold needs a sample of every class, and a class is no number with decimals."""
    if len(classes) < 2:
        raise InputError(source, f"every sample has the label {classes[0]!r}; at least two classes are needed")
    counts = Counter(labels)
    for label in classes:
        if counts[label] < plan.folds:
            place = source if table is None else f"{source}, line {table.lines[labels.index(label)]}"
            number = f"{counts[label]} sample{'s' if counts[label] > 1 else ''}"
            raise InputError(
                place,
                f"the class {label!r} has {number}, fewer than the {plan.folds} folds; set validation.folds lower,"
                " or leave it out"
                + ("" if len(classes) < 30 else f" ({len(classes)} classes: is it a regression?)"),
            )


def refuse_constants(plan: Plan, data: Data) -> None:
    """A column that is the same in all samples has standard deviation 0."""
    if not plan.standardize or plan.constant_columns == "keep":
        return
    constant = [name for k, name in enumerate(data.features) if (data.X[:, k] == data.X[0, k]).all()]
    if constant:
        others = f" and {len(constant) - 1} more" if len(constant) > 1 else ""
        value = float(data.X[0, data.features.index(constant[0])])
        raise InputError(
            f"{data.source}, column {constant[0]!r}{others}",
            f"is constant ({value!r}), so it cannot be standardised; name it in data.exclude, or set"
            ' preprocessing.constant_columns = "keep" to have it 0',
        )
