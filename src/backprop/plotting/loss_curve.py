"""LossCurveDisplay: the loss of each epoch, and the scores on held-out samples beside it."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks as checks
from ._axes import axes_for, refuse_without_matplotlib

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay:
    """The course of a training: the loss after each epoch, and scores on held-out samples if there are any.

    Make it with `from_estimator` or `from_history`.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        The loss of each epoch. NaN and infinity leave gaps.
    validation_scores : array-like of shape (n_epochs,), optional
        The score after each epoch.
    score_name : str, default="score"
        Of the scores.
    name : str, optional
        Of what was trained, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The loss.
    score_ax_, score_line_ : matplotlib Axes and Line2D, or None
        The scores, on an axis of their own at the right.

    Raises
    ------
    TypeError, ValueError
        If a curve is not a sequence of numbers, is empty, or there are more scores than epochs.

    Examples
    --------
    >>> import backprop as bp
    >>> net, x, t = bp.examples.worked_example()
    >>> display = bp.LossCurveDisplay.from_history(net.train(x, t, epochs=100), name="2-2-2")
    >>> print(display.loss_curve[0].round(6))
    0.298371
    """

    def __init__(
        self,
        *,
        loss_curve: ArrayLike,
        validation_scores: ArrayLike | None = None,
        score_name: str = "score",
        name: str | None = None,
    ) -> None:
        self.loss_curve = _curve("loss_curve", loss_curve)
        self.validation_scores = None
        if validation_scores is not None:
            self.validation_scores = _curve("validation_scores", validation_scores)
            if len(self.validation_scores) > len(self.loss_curve):
                raise ValueError(
                    f"validation_scores has {len(self.validation_scores)} scores for {len(self.loss_curve)} epochs"
                )
        self.score_name, self.name = score_name, name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, name: str | None = None, **line_kw: Any) -> Self:
        """Draw what a fitted estimator went through.

        Parameters
        ----------
        estimator : object
            With a `loss_curve_`, and perhaps `validation_scores_`: ours, or scikit-learn's MLP. Of a pipeline its
            last step counts.
        ax : matplotlib Axes, optional
            Where; by default in a new figure.
        name : str, optional
            For the legend; by default the name of the class.
        **line_kw
            As in `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no curve: before `fit`, or after "lbfgs", which has none.
        """
        refuse_without_matplotlib(f"{cls.__name__}.from_estimator")
        model = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        curve = getattr(model, "loss_curve_", None)
        if not curve:
            solver = getattr(model, "solver", None)
            why = "solver='lbfgs' records none" if solver == "lbfgs" else "fit it first"
            raise ValueError(f"this {type(model).__name__} has no loss_curve_: {why}")
        scoring = getattr(model, "scoring", None)
        plain = "accuracy" if hasattr(model, "classes_") else "R²"
        display = cls(
            loss_curve=curve,
            validation_scores=getattr(model, "validation_scores_", None) or None,
            score_name=scoring if isinstance(scoring, str) else "score" if scoring else plain,
            name=type(model).__name__ if name is None else name,
        )
        return display.plot(ax, **line_kw)

    @classmethod
    def from_history(cls, history: ArrayLike, *, ax: Any = None, name: str | None = None, **line_kw: Any) -> Self:
        """Draw what `Network.train` returned; see `from_estimator` for the arguments."""
        refuse_without_matplotlib(f"{cls.__name__}.from_history")
        return cls(loss_curve=history, name=name).plot(ax, **line_kw)

    def plot(self, ax: Any = None, *, name: str | None = None, log: bool = False, **line_kw: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; by default in a new figure. Several displays may share one.
        name : str, optional
            For the legend.
        log : bool, default=False
            Whether the loss has a logarithmic scale.
        **line_kw
            For matplotlib's `plot` of the loss: color, linestyle ...

        Returns
        -------
        self : LossCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes_for(ax, f"{type(self).__name__}.plot")
        name = self.name if name is None else name
        epochs = np.arange(1, len(self.loss_curve) + 1)
        marks = {} if len(epochs) > 1 else {"marker": "o"}  # a single epoch makes no line
        (self.line_,) = ax.plot(epochs, self.loss_curve, **{"label": name, **marks, **line_kw})
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss")
        if log:
            ax.set_yscale("log")
        self.score_ax_ = self.score_line_ = None
        if self.validation_scores is not None:
            self._plot_scores(ax, marks)
        elif name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_scores(self, ax: Any, marks: dict[str, Any]) -> None:
        """The scores at the right, with a mark where the weights that are kept come from."""
        assert self.validation_scores is not None
        scores = self.validation_scores
        first = len(self.loss_curve) - len(scores) + 1  # held-out samples may have come later
        self.score_ax_ = right = ax.twinx()
        label = f"{self.score_name}, held out"
        style = {"color": self.line_.get_color(), "linestyle": "--", "label": label, **marks}
        (self.score_line_,) = right.plot(np.arange(first, first + len(scores)), scores, **style)
        if np.isfinite(scores).any():
            best = int(np.nanargmax(np.where(np.isfinite(scores), scores, np.nan)))
            right.plot(first + best, scores[best], "o", color=style["color"], markersize=5)
        right.set_ylabel(label)
        lines = [self.line_, self.score_line_]
        self.line_.set_label("loss" if self.name is None else f"{self.line_.get_label()}, loss")
        ax.legend(handles=lines, loc="center right")


def _curve(name: str, values: ArrayLike) -> Any:
    """A flat array of numbers, at least one."""
    array = checks.float_array(name, values)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} has shape {array.shape}, expected (n_epochs,), of at least one epoch")
    return array
