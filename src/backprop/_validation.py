"""Held-out samples: where they come from, how a model is scored on them, and when training stops.

Without held-out samples the training loss decides. The rules are scikit-learn's; the best weights are kept apart
from the ones that training goes on with, which its own are not after a warm start.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, validate_data

from ._layout import Array


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
    of_one_column = is_classifier(estimator) and estimator.n_outputs_ == 1
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
    if is_classifier(estimator):
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
    if not is_classifier(estimator):
        n_outputs = 1 if np.ndim(y_val) == 1 else np.shape(y_val)[1]
        if n_outputs != estimator.n_outputs_:
            raise ValueError(f"y_val has {n_outputs} outputs, expected {estimator.n_outputs_}, as y has")
    if sample_weight_val is not None:
        sample_weight_val = _check_sample_weight(sample_weight_val, checked)
    return HeldOut(X_val, y_val, sample_weight_val, checked)


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
    if is_classifier(estimator):
        right = predicted == np.asarray(held_out.y)
        right = right.all(axis=1) if right.ndim == 2 else right
        return float(np.average(right, weights=held_out.sample_weight))
    if not np.isfinite(predicted).all():
        return float("nan")
    return float(r2_score(held_out.y, predicted, sample_weight=held_out.sample_weight))


class Progress:
    """How long training has made none, and the best that it reached.

    It reads and writes the estimator's public attributes, which survive from call to call.
    """

    def __init__(self, estimator: Any, held_out: HeldOut | None) -> None:
        self.estimator, self.held_out = estimator, held_out
        self.by_score = held_out is not None and bool(estimator.early_stopping)
        self.scorer = None if held_out is None else scorer_of(estimator)
        if getattr(estimator, "loss_curve_", None) is None:
            begin(estimator)
        if self.held_out is not None and (
            estimator.validation_scores_ is None
            or estimator._best_parameters.size != estimator._machine.layout.n_parameters
        ):
            estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
            estimator._best_parameters = estimator._machine.layout.pack(estimator._machine.block)
        if not self.by_score and estimator.best_loss_ is None:
            estimator.best_loss_ = np.inf

    def epoch_ends(self) -> None:
        """Score, compare with the best so far, count."""
        estimator = self.estimator
        if self.held_out is not None:
            found = score(estimator, self.held_out, self.scorer)
            estimator.validation_scores_.append(found)
            best = estimator.best_validation_score_
            if found > best:
                estimator.best_validation_score_ = found
                estimator._best_parameters = estimator._machine.layout.pack(estimator._machine.block)
            if self.by_score:
                self._count(found < best + estimator.tol)
                return
        loss = estimator.loss_curve_[-1]
        self._count(loss > estimator.best_loss_ - estimator.tol)
        if loss < estimator.best_loss_:
            estimator.best_loss_ = loss

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
    """The attributes of a training that starts afresh."""
    estimator.loss_curve_ = []
    estimator._no_improvement_count = 0
    estimator.best_loss_ = None if estimator.early_stopping else np.inf
    estimator.validation_scores_ = [] if estimator.early_stopping else None
    estimator.best_validation_score_ = -np.inf if estimator.early_stopping else None
    estimator._best_parameters = estimator._machine.layout.pack(estimator._machine.block)


def restore_best(estimator: Any) -> None:
    """Go back to the weights of the best score."""
    best: Array = estimator._best_parameters
    estimator._machine.layout.unpack(best, estimator._machine.block)
