"""One row of a sweep: an estimator trained and scored on every fold, in whatever process."""

import signal
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from math import isfinite
from typing import Any

from .._input_errors import one_line
from .folds import Fold
from .grid import estimator_class
from .scores import score

__all__ = ["Outcome", "inexact_because", "outcomes", "weights_sha256"]

Outcome = dict[str, Any]  # of one fold: score, n_iter, first_loss, last_loss, weights_sha256; or error


def inexact_because(parameters: Mapping[str, Any]) -> str | None:
    """Why a row's bits depend on the machine, or None if they do not."""
    if parameters["solver"] == "lbfgs":
        return "solver='lbfgs' goes through SciPy and BLAS, which round differently on different machines"
    if parameters["early_stopping"] and parameters["scoring"] is not None:
        return f"scoring={parameters['scoring']!r} is scikit-learn's, and decides when training stops"
    return None


def weights_sha256(estimator: Any) -> str:
    """SHA-256 of all weights: per layer coefs_ (row by row), then intercepts_, as little-endian float64."""
    found = sha256()
    for w, b in zip(estimator.coefs_, estimator.intercepts_, strict=True):
        found.update(w.astype("<f8").tobytes())
        found.update(b.astype("<f8").tobytes())
    return found.hexdigest()


def train_row(
    parameters: Mapping[str, Any], task: str, classes: Sequence[str], folds: Sequence[Fold], scored_by: str
) -> list[Outcome]:
    """The outcomes of all folds.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, also where the estimator has held it back.
    """
    from threadpoolctl import threadpool_limits

    chosen = dict(parameters)
    if isinstance(chosen.get("class_weight"), Mapping):
        chosen["class_weight"] = {classes.index(label): weight for label, weight in chosen["class_weight"].items()}
    with threadpool_limits(limits=1):  # else lbfgs would depend on the number of threads that BLAS has left
        return [train_fold(estimator_class(task)(**chosen), fold, scored_by) for fold in folds]


def train_fold(estimator: Any, fold: Fold, scored_by: str) -> Outcome:
    """Train on one fold, and score; a failure is an outcome, too."""
    from .._mlp import INTERRUPTED

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator.fit(fold.X_train, fold.y_train)
            predicted = estimator.predict(fold.X_test)
        except (ValueError, ArithmeticError, MemoryError) as error:
            return {"error": one_line(error)}
    if any(str(warning.message) == INTERRUPTED for warning in caught):
        raise KeyboardInterrupt  # the estimator gave what it had
    if not estimator_is_classifier(estimator):
        predicted = (predicted.reshape(len(predicted), -1) * fold.scale + fold.center).reshape(predicted.shape)
    found = score(scored_by, fold.y_test, predicted)
    if not isfinite(found):
        return {"error": f"{scored_by} is not finite: predictions are too far off"}
    curve = getattr(estimator, "loss_curve_", None) or [None]  # lbfgs has none
    return {
        "score": found,
        "n_iter": int(estimator.n_iter_),
        "first_loss": finite_or_none(curve[0]),
        "last_loss": finite_or_none(estimator.loss_),
        "weights_sha256": weights_sha256(estimator),
    }


def finite_or_none(loss: Any) -> float | None:
    """A loss as JSON has numbers. It may be infinite where the weights are not, yet."""
    return float(loss) if loss is not None and isfinite(loss) else None


def estimator_is_classifier(estimator: Any) -> bool:
    """Whether predictions are labels."""
    return hasattr(estimator, "classes_")


def outcomes(
    rows: Mapping[int, Mapping[str, Any]],
    task: str,
    classes: Sequence[str],
    folds: Sequence[Fold],
    scored_by: str,
    jobs: int,
) -> Iterator[tuple[int, list[Outcome]]]:
    """Train rows, several at a time; each as it is finished, by its number.

    Parameters
    ----------
    rows : mapping of int to parameters
    task, classes, folds, scored_by
        As in the plan and its data.
    jobs : int
        Processes; -1 for one on each processor.
    """
    from joblib import Parallel, delayed, effective_n_jobs

    shared = (task, classes, folds, scored_by)
    if effective_n_jobs(jobs) == 1 or len(rows) <= 1:
        for number, parameters in rows.items():
            yield number, train_row(parameters, *shared)
        return
    run = Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered", batch_size=1)
    tasks = (delayed(numbered)(number, parameters, *shared) for number, parameters in rows.items())
    with deaf_children():
        finished = run(tasks)
    try:
        for outcome in finished:  # noqa: UP028  ("yield from" would hand on the closing, and let it warn)
            yield outcome
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            finished.close()


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started meanwhile never see Ctrl-C, which a terminal sends to all.

    What is ignored stays so in a child from its first moment; a handler would not. (To block the signal would not
    lose one in this process, but loky's start unblocks it.)
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def numbered(number: int, *arguments: Any) -> tuple[int, list[Outcome]]:
    """`train_row` in a worker, which the parent ends after Ctrl-C, with the number: rows come in any order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return number, train_row(*arguments)
