"""`sweep`: a spec's rows trained on every fold, several at a time, and written down as they are finished."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from .. import _checks as checks
from .._input_errors import InputError, nearest
from .data import load
from .folds import prepare
from .grid import Parameters, refuse_unknown_classes, rows_of
from .plan import Plan, line_of
from .results import Results
from .training import outcomes

__all__ = ["checked_jobs", "read_spec", "sweep"]

SECTIONS = ("data", "preprocessing", "validation", "parameters")
SECONDS_BETWEEN_SAVES = 1.0


class Spec:
    """A checked spec: the plan, the rows, and where its file would be."""

    def __init__(self, tables: Mapping[str, Any], source: str, directory: Path, toml: str = "") -> None:
        for key in tables:
            if key not in SECTIONS:
                line = line_of(toml, str(key), "") or line_of(toml, "", str(key), nth=0)
                hint = nearest(str(key), SECTIONS) or f"; there are {', '.join(SECTIONS)}"
                place = f"{source}{f', line {line}' if line else ''}: {key}"
                raise InputError(place, f"there is no such table{hint}")
        self.source = source
        self.plan = Plan.read(tables, source, toml)
        if "parameters" not in tables:
            raise InputError(source, "[parameters] is missing")
        self.rows, self.varied = rows_of(tables["parameters"], self.plan.task, source, toml)
        self.path = None if self.plan.file is None else directory / self.plan.file


def read_spec(spec: Any) -> Spec:
    """A spec from a TOML file, or from a mapping like one.

    Raises
    ------
    InputError
        Naming file, line and key.
    """
    if isinstance(spec, Mapping):
        return Spec(spec, "the spec", Path())
    if not isinstance(spec, str | Path):
        raise TypeError(f"spec must be the path of a TOML file or a mapping, not {checks.shown(spec)}")
    path = Path(spec)
    try:
        toml = path.read_bytes().decode("utf-8-sig")
        tables = tomllib.loads(toml.replace("\r\n", "\n"))
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(path, "is not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(path, f"is not TOML: {error}") from None
    return Spec(tables, str(path), path.parent, toml)


def checked_jobs(jobs: Any) -> int:
    """A number of processes, or -1."""
    return checks.integer("jobs", jobs, 1, 1024) if jobs != -1 else -1


def sweep(
    spec: Any,
    *,
    jobs: int = 1,
    output: str | Path | None = None,
    overwrite: bool = False,
    watch: Callable[[Results], object] | None = None,
) -> Results:
    """Train an estimator for every combination of parameters, with cross-validation, so that anyone can check it.

    Parameters
    ----------
    spec : path or mapping
        A TOML file, or what one would hold: the tables ``data``, ``preprocessing``, ``validation`` and
        ``parameters``; see docs/sweep.md.
    jobs : int, default=1
        Processes; -1 for one on each processor. The results do not depend on it.
    output : path, optional
        A results file, written at most once a second and when the sweep ends, also by Ctrl-C. If it holds a part
        of the same sweep, that part is not trained again.
    overwrite : bool, default=False
        Whether a file with another sweep may be replaced.
    watch : callable, optional
        Called with the `Results` so far, before the first row and after each.

    Returns
    -------
    Results
        With ``rows``, ``ranked()``, ``to_markdown()``, ``to_csv()``, ``save(path)``.

    Raises
    ------
    ValueError, TypeError
        If spec, data or output cannot be used: one line, with file, line or key, and what was expected.
    KeyboardInterrupt
        After Ctrl-C; `output` has the finished rows.

    Notes
    -----
    A row that diverges, or that the estimator refuses, is recorded with its error.

    Examples
    --------
    >>> import backprop as bp
    >>> results = bp.sweep({
    ...     "data": {"set": "iris"},
    ...     "parameters": {"hidden_layer_sizes": [[4], [8]], "max_iter": 50, "learning_rate_init": 0.02},
    ... })
    >>> results
    <Results of 2 of 2 rows by accuracy>
    >>> bp.verify(results).ok
    True
    """
    from .._engine import pick

    jobs = checked_jobs(jobs)
    checked = read_spec(spec)
    data = load(checked.plan, checked.path)
    refuse_unknown_classes(checked.rows, data.classes, checked.source)
    folds = prepare(checked.plan, data)
    results = Results.begin(checked.plan, data, folds, len(checked.rows), checked.varied)
    path = None if output is None else Path(output)
    if path is not None:
        if path.exists() and not overwrite:
            go_on(results, checked.rows, path)
        results.save(path)  # says now, not after hours, that it cannot be written
    pick()  # the warning that the extension is missing, here and not in a worker
    if watch is not None:
        watch(results)
    finished = {row["row"] for row in results.rows}
    left = {k: row for k, row in enumerate(checked.rows, start=1) if k not in finished}
    saved = monotonic()
    try:
        for number, found in outcomes(left, checked.plan.task, data.classes, folds, checked.plan.score, jobs):
            results.add(number, left[number], found)
            if watch is not None:
                watch(results)
            if path is not None and monotonic() - saved > SECONDS_BETWEEN_SAVES:
                results.save(path)
                saved = monotonic()
    finally:
        if path is not None:
            results.save(path)
    return results


def go_on(results: Results, rows: list[Parameters], path: Path) -> None:
    """Take over the finished rows of a file, which must belong to the same sweep."""
    before = Results.load(path)
    if not results.goes_on_from(before) or any(r["parameters"] != rows[r["row"] - 1] for r in before.rows):
        raise InputError(path, "holds another sweep, or one of other versions; name another file, or overwrite it")
    results.document["rows"] = before.rows
