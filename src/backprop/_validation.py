"""Held-out samples: where they come from, how a model is scored on them, and when training stops.

Without held-out samples the training loss decides. The rules are scikit-learn's; the best weights are kept apart
from the ones that training goes on with, which its own are not after a warm start.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import check_scoring, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, validate_data

from ._layout import Array

EPOCHS_AT_ONCE = 100  # more save nothing


class HeldOut(NamedTuple):
    """Samples that are scored after each epoch, and not trained on."""

    X: Any
    y: Any  # as a user gives them, class labels as such
    sample_weight: Any
    checked: Any  # X as the network takes it


def split(estimator: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any, HeldOut]:
    """Set aside `validation_fraction` of the checked samples: the training part, and what is held out.

    Raises
    ------
    ValueError
        If fewer than two samples would be held out.
    """
    of_one_column = isinstance(estimator, ClassifierMixin) and estimator.n_outputs_ == 1
    arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
    parts = train_test_split(
        *arrays,
        random_state=estimator._random_state,
        test_size=estimator.validation_fraction,
        stratify=y if of_one_column else None,
    )
    weights, weights_val = (None, None) if sample_weight is None else parts[4:]
    X_val, y_val = parts[1], parts[3]
    if X_val.shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    if isinstance(estimator, ClassifierMixin):
        y_val = estimator._label_binarizer.inverse_transform(y_val)
    return parts[0], parts[2], weights, HeldOut(X_val, y_val, weights_val, X_val)


def given(estimator: Any, X_val: Any, y_val: Any, sample_weight_val: Any) -> HeldOut | None:
    """The held-out samples that a user gives, or None.

    Raises
    ------
    ValueError, TypeError
        If only one of X and y is given, or they are not like the training data.
    """
    if X_val is None and y_val is None:
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val needs X_val and y_val")
        return None
    if X_val is None or y_val is None:
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"{missing} is missing: X_val and y_val are given together or not at all")
    checked = validate_data(estimator, X_val, accept_sparse=["csr", "csc"], reset=False)
    check_consistent_length(X_val, y_val)
    checked_y = _checked_labels if isinstance(estimator, ClassifierMixin) else _checked_targets
    y_val = checked_y(estimator, y_val)
    if sample_weight_val is not None:
        sample_weight_val = _check_sample_weight(sample_weight_val, checked)
    return HeldOut(X_val, y_val, sample_weight_val, checked)


def _checked_labels(estimator: Any, y_val: Any) -> Any:
    """Labels, or an indicator of several, that the classifier knows."""
    if estimator._label_binarizer.y_type_.startswith("multilabel"):
        y_val = dense(y_val)
        if y_val.ndim != 2 or y_val.shape[1] != estimator.n_outputs_:
            raise ValueError(
                f"y_val has shape {y_val.shape}, expected (n_samples, {estimator.n_outputs_}), as y has"
            )
        return y_val
    y_val = column_or_1d(y_val)
    unknown = np.setdiff1d(y_val, estimator.classes_)
    if len(unknown):
        raise ValueError(f"y_val has classes that y has not: {unknown}; `self.classes_` has {estimator.classes_}")
    return y_val


def _checked_targets(estimator: Any, y_val: Any) -> Any:
    """Numbers, as many for each sample as the regressor has outputs."""
    y_val = check_array(y_val, ensure_2d=False, dtype="numeric", input_name="y_val")
    n_outputs = 1 if y_val.ndim == 1 else y_val.shape[1]
    if n_outputs != estimator.n_outputs_:
        raise ValueError(f"y_val has {n_outputs} outputs, expected {estimator.n_outputs_}, as y has")
    return y_val.ravel() if n_outputs == 1 else y_val


def dense(values: Any) -> Any:
    """An ndarray, also of what a sparse container holds."""
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)


def scorer_of(estimator: Any) -> Any:
    """The scorer that `scoring` names, or None: accuracy or R2."""
    return None if estimator.scoring is None else check_scoring(estimator, estimator.scoring)


def score(estimator: Any, held_out: HeldOut, scorer: Any) -> float:
    """The present score on the held-out samples; nan where outputs are not finite."""
    if scorer is not None:
        judged = estimator
        if held_out.X is held_out.checked and hasattr(estimator, "feature_names_in_"):
            judged = object.__new__(type(estimator))  # a part of the training data has lost its names
            judged.__dict__.update(estimator.__dict__)
            del judged.feature_names_in_
        if not estimator._outputs_are_finite(held_out.checked):
            return float("nan")
        arguments = {} if held_out.sample_weight is None else {"sample_weight": held_out.sample_weight}
        return float(scorer(judged, held_out.X, held_out.y, **arguments))
    predicted = estimator._predict_checked(held_out.checked)
    if isinstance(estimator, ClassifierMixin):
        right = dense(predicted) == dense(held_out.y)
        right = right.all(axis=1) if right.ndim == 2 else right
        if held_out.sample_weight is None:  # the average's bits, sooner
            return int(np.count_nonzero(right)) / len(right)
        return float(np.average(right, weights=held_out.sample_weight))
    if not np.isfinite(predicted).all():
        return float("nan")
    return float(r2_score(held_out.y, predicted, sample_weight=held_out.sample_weight))


class Scores:
    """The scores on held-out samples, after each epoch or iteration, and the weights of the best.

    They are the estimator's own attributes, which survive from call to call.
    """

    def __init__(self, estimator: Any, held_out: HeldOut) -> None:
        self.estimator, self.held_out, self.scorer = estimator, held_out, scorer_of(estimator)
        if (
            getattr(estimator, "validation_scores_", None) is None
            or estimator._best_parameters.size != estimator._machine.layout.n_parameters
        ):
            begin_scores(estimator)

    def add(self) -> float:
        """Score the present weights, and keep them if they are the best so far."""
        estimator = self.estimator
        found = score(estimator, self.held_out, self.scorer)
        estimator.validation_scores_.append(found)
        if found > estimator.best_validation_score_:
            estimator.best_validation_score_ = found
            estimator._best_parameters = estimator._machine.layout.pack(estimator._machine.block)
        return found


class Progress:
    """How long training has made none, by the scores with `early_stopping`, else by its loss.

    Like `Scores` it reads and writes the estimator's own attributes. The loss of "lbfgs" is not its matter:
    SciPy's own tolerances judge that.
    """

    def __init__(self, estimator: Any, held_out: HeldOut | None) -> None:
        self.estimator = estimator
        self.by_score = held_out is not None and bool(estimator.early_stopping)
        self.by_loss = not self.by_score and estimator.solver != "lbfgs"
        if estimator.solver == "lbfgs":
            estimator._no_improvement_count = 0
        elif getattr(estimator, "loss_curve_", None) is None:
            begin(estimator)
        self.scores = None if held_out is None else Scores(estimator, held_out)
        if self.by_loss and estimator.best_loss_ is None:
            estimator.best_loss_ = np.inf
        self.compared = len(estimator.loss_curve_) if self.by_loss else 0

    def compare(self, losses: Any) -> None:
        """Where losses decide: each of an epoch with the best so far."""
        if not self.by_loss:
            return
        estimator = self.estimator
        for loss in losses:
            self._count(loss > estimator.best_loss_ - estimator.tol)
            if loss < estimator.best_loss_:
                estimator.best_loss_ = loss
            self.compared += 1

    def catch_up(self) -> None:
        """Compare what an interruption kept from it; a signal's handler may raise between any two lines."""
        if self.by_loss:
            self.compare(self.estimator.loss_curve_[self.compared :])

    def score(self) -> Any:
        """Score the present weights, and compare where scores decide; None without held-out samples."""
        if self.scores is None:
            return None
        best_before = self.estimator.best_validation_score_
        found = self.scores.add()
        if self.by_score:
            self._count(found < best_before + self.estimator.tol)
        return found

    def epochs_ahead(self, most: int) -> int:
        """How many epochs, of `most`, surely come before an end: losses can be compared after several.

        Scores cannot, as they need the weights of their epoch.
        """
        if self.scores is not None:
            return 1
        estimator = self.estimator
        surely = estimator.n_iter_no_change + 1 - estimator._no_improvement_count
        return int(max(1, min(most, surely, EPOCHS_AT_ONCE)))

    def _count(self, without: bool) -> None:
        self.estimator._no_improvement_count = self.estimator._no_improvement_count + 1 if without else 0

    @property
    def none_for_too_long(self) -> bool:
        """Whether the count is above `n_iter_no_change`."""
        return bool(self.estimator._no_improvement_count > self.estimator.n_iter_no_change)

    @property
    def description(self) -> str:
        """What has made no progress, for whom it may concern."""
        what = "Validation score" if self.by_score else "Training loss"
        estimator = self.estimator
        return (
            f"{what} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change} consecutive"
            " epochs."
        )


def begin(estimator: Any) -> None:
    """The attributes of a training in batches that starts afresh."""
    estimator.loss_curve_ = []
    estimator._no_improvement_count = 0
    if estimator.early_stopping:
        estimator.best_loss_ = None
        begin_scores(estimator)
    else:
        estimator.best_loss_ = np.inf
        estimator.validation_scores_ = estimator.best_validation_score_ = None


def begin_scores(estimator: Any) -> None:
    """The attributes of scores that start afresh."""
    estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
    estimator._best_parameters = estimator._machine.layout.pack(estimator._machine.block)


def restore_best(estimator: Any) -> None:
    """Go back to the weights of the best score."""
    best: Array = estimator._best_parameters
    estimator._machine.layout.unpack(best, estimator._machine.block)
