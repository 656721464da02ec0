"""`verify`: a results file's rows trained again, and what differs said exactly."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import _checks as checks
from .._input_errors import InputError, nearest, one_line
from . import document as documents
from .data import Data, load
from .folds import SCHEME, Fold, prepare
from .grid import Parameters, completed, estimator_class, refuse_unknown_classes
from .plan import Plan
from .report import Report, Verdict
from .results import Results, made_with, row_mean, row_sha256
from .run import checked_jobs
from .training import Outcome, inexact_because, outcomes

__all__ = ["verify"]

# Scores of rows whose bits are not promised; accuracies are counts and must be equal. See docs/sweep.md.
TOLERANCE = 1e-6


def verify(
    results: Any,
    *,
    rows: Sequence[int] | None = None,
    data: str | Path | None = None,
    jobs: int = 1,
    watch: Callable[[int, int], object] | None = None,
) -> Report:
    """Train the rows of a sweep again, and compare scores and weights.

    Parameters
    ----------
    results : path or Results
        A results file, or what `sweep` returned.
    rows : sequence of int, optional
        The numbers of the rows; all if not given.
    data : path, optional
        The CSV file, if it is neither beside the results file nor in the current directory.
    jobs : int, default=1
        Processes; -1 for one on each processor.
    watch : callable, optional
        Called with the number of rows trained so far, and of all that are to be.

    Returns
    -------
    Report
        With ``ok``, ``differences``, ``notes``, ``verdicts``; ``str(report)`` tells all of it.

    Raises
    ------
    ValueError, TypeError
        If there is no results file, no data, or no such row.
    """
    jobs = checked_jobs(jobs)
    if isinstance(results, Results):
        found, source, directory = results, "the results", Path()
    elif isinstance(results, str | Path):
        found = Results(documents.read(Path(results)))
        source, directory = str(results), Path(results).parent
    else:
        raise TypeError(f"results must be a path or Results, not {checks.shown(results)}")
    document = found.document
    plan = Plan.read(document["plan"], f"{source}: plan")
    wanted = chosen_rows(document, rows, source)
    parameters = {row["row"]: checked_parameters(row, plan.task, source) for row in wanted}
    loaded = load(plan, where(plan, directory, data, source))

    report = Report()
    if not found.is_untouched:
        report.differences.append("the file was changed after it was written: its checksum does not fit")
    other_data = compare_data(document["data"], loaded)
    report.differences += other_data
    if not other_data and document["data"]["file_sha256"] != loaded.file_sha256:
        report.notes.append("the data file has other bytes, but the columns that count hold the same values")
    folds = prepare(plan, loaded)
    compare_folds(document, folds, report)
    if not other_data and len(folds) == len(document["folds"]):
        refuse_unknown_classes(parameters.values(), loaded.classes, source)
        again = trained_again(parameters, plan, loaded, folds, jobs, watch)
        report.verdicts = [verdict(row, parameters[row["row"]], again[row["row"]], plan) for row in wanted]
    else:
        report.notes.append("rows were not trained again, as data or folds are not those of the file")
    if not report.ok:
        here = made_with()
        for name, then in document["made_with"].items():
            if here.get(name, then) != then:
                report.notes.append(f"the file was made with {name} {then}; here it is {here[name]}")
    return report


def chosen_rows(document: dict[str, Any], rows: Sequence[int] | None, source: str) -> list[dict[str, Any]]:
    """The rows to train again."""
    there = {row["row"]: row for row in document["rows"]}
    if not there:
        raise InputError(source, "has no finished row")
    if rows is None:
        return list(there.values())
    for number in rows:
        if number not in there:
            raise InputError(source, f"has no row {number!r}; its rows are {ranges(list(there))}")
    return [there[number] for number in dict.fromkeys(rows)]


def ranges(numbers: list[int]) -> str:
    """1-3, 5."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1] = [found[-1][0], number]
        else:
            found.append([number])
    return ", ".join("-".join(map(str, part)) for part in found)


def checked_parameters(row: dict[str, Any], task: str, source: str) -> Parameters:
    """A row's parameters as the estimator takes them."""
    place = f"{source}: row {row['row']}, parameters"
    known = estimator_class(task)().get_params()
    for name in row["parameters"]:
        if name not in known:
            raise InputError(
                place, f"{name!r} is no parameter of {estimator_class(task).__name__}{nearest(name, known)}"
            )
    try:
        return completed(row["parameters"], task)
    except (TypeError, ValueError) as error:
        raise InputError(place, one_line(error)) from None


def where(plan: Plan, directory: Path, data: str | Path | None, source: str) -> Path | None:
    """The data's file, if there is one."""
    if plan.file is None:
        if data is not None:
            raise InputError(source, f"is of the data set {plan.set!r}; it needs no file")
        return None
    if data is not None:
        return Path(data)
    places = [directory / plan.file, Path(plan.file)]
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        source,
        f"its data, {plan.file!r}, are neither beside it nor in the current directory; name the file (--data)",
    )


def compare_data(recorded: dict[str, Any], data: Data) -> list[str]:
    """What is not as the file says in samples, columns and classes."""
    here, found = data.as_document(), []
    if here["samples"] != recorded["samples"]:
        found.append(f"data: {here['samples']} samples, the file says {recorded['samples']}")
    for key, what in (("features", "column"), ("target", "target")):
        for name in recorded[key]:
            if name not in here[key]:
                found.append(f"data: there is no {what} {name!r}")
            elif here[key][name] != recorded[key][name]:
                found.append(f"data: the {what} {name!r} holds other values")
        found += [
            f"data: the {what} {name!r} is not in the file" for name in here[key] if name not in recorded[key]
        ]
        if not found and [*here[key]] != [*recorded[key]]:
            found.append(f"data: the {key} are in another order")
    if here["classes"] != recorded["classes"]:
        found.append(f"data: the classes are {here['classes']}, the file says {recorded['classes']}")
    return found


def compare_folds(document: dict[str, Any], folds: Sequence[Fold], report: Report) -> None:
    """The split and the preprocessing against the file's."""
    if document["fold_scheme"] != SCHEME:
        report.differences.append(f"folds: by the scheme {document['fold_scheme']!r}, here {SCHEME!r}")
    if len(document["folds"]) != len(folds):
        report.differences.append(f"folds: {len(folds)} by the plan, the file has {len(document['folds'])}")
        return
    for number, (recorded, fold) in enumerate(zip(document["folds"], folds, strict=True), start=1):
        here = fold.as_document()
        if any(here[key] != recorded[key] for key in ("train", "test", "rows_sha256")):
            report.differences.append(f"folds: fold {number} holds other samples")
        elif here["prepared_sha256"] != recorded["prepared_sha256"]:
            report.differences.append(f"preprocessing: other numbers in fold {number}")


def trained_again(
    parameters: dict[int, Parameters],
    plan: Plan,
    data: Data,
    folds: Sequence[Fold],
    jobs: int,
    watch: Callable[[int, int], object] | None,
) -> dict[int, list[Outcome]]:
    """The outcomes of rows by their numbers."""
    again: dict[int, list[Outcome]] = {}
    if watch is not None:
        watch(0, len(parameters))
    for number, found in outcomes(parameters, plan.task, data.classes, folds, plan.score, jobs):
        again[number] = found
        if watch is not None:
            watch(len(again), len(parameters))
    return again


def verdict(row: dict[str, Any], parameters: Parameters, again: list[Outcome], plan: Plan) -> Verdict:
    """A row's outcomes against those of the file, and the file's own sums."""
    found = Verdict(row["row"], row["mean"], row["weights_sha256"])
    because = inexact_because(parameters)
    weights_too = True
    for number, (then, now) in enumerate(zip(row["folds"], again, strict=True), start=1):
        if because is None or "error" in then or "error" in now:
            found.differences += differences(then, now, f"fold {number}")
        else:
            weights_too &= then["weights_sha256"] == now["weights_sha256"]
            limit = 0.0 if plan.score == "accuracy" else TOLERANCE * max(1.0, abs(then["score"]))
            if abs(then["score"] - now["score"]) > limit:
                found.differences.append(
                    f"fold {number}: the score is {now['score']!r}, the file says {then['score']!r}"
                )
    if because is not None and (found.differences or not weights_too):
        found.remark = because
    own = []
    for what, key, computed in (
        ("mean", "mean", row_mean(row["folds"])),
        ("hash of all weights", "weights_sha256", row_sha256(row["folds"])),
    ):
        if row[key] != computed:
            own.append(f"the file's {what} is {row[key]!r}, of its own folds it would be {computed!r}")
    if (row["exact"], row["inexact_because"]) != (because is None, because):
        own.append(f"the file says exact: {row['exact']}, and it is {because is None}")
    if own:
        found.differences, found.remark = own + found.differences, ""
    return found


def differences(then: Outcome, now: Outcome, place: str) -> list[str]:
    """What is not the same in one fold, bit for bit."""
    if "error" in then or "error" in now:
        if then == now:
            return []
        return [f"{place}: {what(now)}, the file says: {what(then)}"]
    names = {
        "score": "score",
        "n_iter": "n_iter",
        "first_loss": "loss of the first epoch",
        "last_loss": "last loss",
    }
    found = [
        f"{place}: the {name} is {now[key]!r}, the file says {then[key]!r}"
        for key, name in names.items()
        if now[key] != then[key]
    ]
    if now["weights_sha256"] != then["weights_sha256"]:
        other = f"{now['weights_sha256'][:12]}, the file says {then['weights_sha256'][:12]}"
        found.append(f"{place}: the weights' hash is {other}")
    return found


def what(outcome: Outcome) -> str:
    """An outcome in a few words."""
    return f"failed ({outcome['error']})" if "error" in outcome else f"trained, score {outcome['score']!r}"
