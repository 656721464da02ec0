"""The results of a sweep: rows with their scores and hashes, in a file and as a table."""

import platform
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .._input_errors import InputError
from . import document as documents
from .data import Data
from .folds import SCHEME, Fold
from .plan import Plan
from .scores import higher_is_better, mean
from .training import Outcome, inexact_because

__all__ = ["Results", "row_mean", "row_sha256"]


def made_with() -> dict[str, str]:
    """The versions that may matter when a result cannot be confirmed."""
    names = {"backprop": "backprop-mlp", "numpy": "numpy", "scikit-learn": "scikit-learn", "scipy": "scipy"}
    versions = {name: version(distribution) for name, distribution in names.items()}
    return {**versions, "python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}


def row_mean(outcomes: Sequence[Outcome]) -> float | None:
    """The mean of the folds' scores; None if one failed."""
    return None if any("error" in outcome for outcome in outcomes) else mean([o["score"] for o in outcomes])


def row_sha256(outcomes: Sequence[Outcome]) -> str | None:
    """SHA-256 of the folds' hashes as one text: what a table can print for all of a row's weights."""
    if any("error" in outcome for outcome in outcomes):
        return None
    return sha256("".join(outcome["weights_sha256"] for outcome in outcomes).encode()).hexdigest()


class Results:
    """What `sweep` found.

    Attributes
    ----------
    document : dict
        All of it, as the file has it; see docs/sweep.md.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @classmethod
    def begin(
        cls, plan: Plan, data: Data, folds: Sequence[Fold], planned_rows: int, varied: list[str]
    ) -> "Results":
        """Results without rows yet."""
        return cls(
            {
                "format": documents.FORMAT,
                "made_with": made_with(),
                "plan": plan.as_tables(),
                "data": data.as_document(),
                "fold_scheme": SCHEME,
                "folds": [fold.as_document() for fold in folds],
                "planned_rows": planned_rows,
                "varied": varied,
                "rows": [],
            }
        )

    @classmethod
    def load(cls, path: str | Path) -> "Results":
        """Read a results file.

        Raises
        ------
        ValueError
            If it is none, or was changed since it was written.
        """
        results = cls(documents.read(Path(path)))
        Plan.read(results.document["plan"], f"{path}: plan")
        if not results.is_untouched:
            raise InputError(path, "was changed after it was written: its checksum does not fit")
        return results

    def save(self, path: str | Path) -> None:
        """Write the results file; until it is complete, what was there stays."""
        documents.write(self.document, Path(path))

    @property
    def is_untouched(self) -> bool:
        """Whether the checksum, if there is one, fits."""
        return bool(self.document.get("sha256", self.sha256) == self.sha256)

    @property
    def sha256(self) -> str:
        """The checksum of everything in the file."""
        return documents.checksum(self.document)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The finished rows, by number."""
        rows: list[dict[str, Any]] = self.document["rows"]
        return rows

    @property
    def complete(self) -> bool:
        """Whether every row is finished."""
        return len(self.rows) == int(self.document["planned_rows"])

    @property
    def score(self) -> str:
        """The name of the score."""
        return str(self.document["plan"]["validation"]["score"])

    def add(self, number: int, parameters: dict[str, Any], outcomes: list[Outcome]) -> None:
        """Put in a finished row."""
        because = inexact_because(parameters)
        row = {
            "row": number,
            "parameters": parameters,
            "exact": because is None,
            "inexact_because": because,
            "mean": row_mean(outcomes),
            "weights_sha256": row_sha256(outcomes),
            "folds": outcomes,
        }
        self.document.pop("sha256", None)  # of what was read
        self.document["rows"] = sorted([*self.rows, row], key=lambda other: int(other["row"]))

    def ranked(self) -> list[dict[str, Any]]:
        """The rows from the best mean to the worst, then those that failed; equal ones by number."""
        sign = -1.0 if higher_is_better(self.score) else 1.0
        failed, scored = (
            [r for r in self.rows if r["mean"] is None],
            [r for r in self.rows if r["mean"] is not None],
        )
        return sorted(scored, key=lambda row: sign * float(row["mean"])) + failed

    def goes_on_from(self, other: "Results") -> bool:
        """Whether another's rows would be the same here."""
        same = ("format", "made_with", "plan", "data", "fold_scheme", "folds", "planned_rows", "varied")
        return all(self.document[key] == other.document[key] for key in same)

    def to_markdown(self) -> str:
        """The rows as a Markdown table, with what they share."""
        from .show import markdown

        return markdown(self)

    def to_csv(self) -> str:
        """The rows as CSV, with every parameter and every fold's score."""
        from .show import as_csv

        return as_csv(self)

    def __repr__(self) -> str:
        return f"<Results of {len(self.rows)} of {self.document['planned_rows']} rows by {self.score}>"
