"""MLPRegressor: targets, predictions, and scikit-learn's signature."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions

from . import _plain
from ._checks import rows_sum_to_one
from ._estimator_docs import with_parameters
from ._mlp import MLP
from ._weights import chained, sizes_of
from .functions import LOSSES


@with_parameters
class MLPRegressor(RegressorMixin, MLP):
    """Multi-layer perceptron regressor: `sklearn.neural_network.MLPRegressor` with a compiled core.

    Parameters
    ----------
    loss : str, default="squared_error"
        "squared_error" (half of it), "poisson" (half the deviance; y of at least 0), "absolute_error", "huber" or
        "log_loss" (for shares and probabilities; y from 0 to 1). It comes first, as in scikit-learn.
    {scikit_learn}
    output_activation : str or None, default=None
        None: "exp" for "poisson", "logistic" for "log_loss", else "identity". Other names as in `Network`;
        "softmax" with "log_loss" for rows of y that sum to 1.
    {new}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from backprop import MLPRegressor
    >>> X = [[-1.0], [-0.5], [0.0], [0.5], [1.0]]
    >>> model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, [1.0, 0.25, 0.0, 0.25, 1.0]).predict([[0.5]]).round(2)
    array([0.25])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLP._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        output_activation: str | None = None,
        huber_delta: float = 1.0,
        scoring: Any = None,
        clip_norm: float | None = None,
        callback: Any = None,
        engine: str = "auto",
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.output_activation = output_activation
        self.huber_delta = huber_delta
        self.scoring = scoring
        self.clip_norm = clip_norm
        self.callback = callback
        self.engine = engine

    @classmethod
    def from_weights(cls, coefs: Sequence[ArrayLike], intercepts: Sequence[ArrayLike], **parameters: Any) -> Self:
        """Make a fitted regressor from numbers, without data; see `MLPClassifier.from_weights`."""
        coefs, intercepts = chained(coefs, intercepts, ("coefs", "intercepts"))
        model = cls(hidden_layer_sizes=sizes_of(coefs)[1:-1], **parameters)
        model._validate_params()
        return model._begin_with(coefs, intercepts)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = _plain.validated(self, X, y, reset=reset, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._refuse_targets(y)
        return X, y

    def _refuse_targets(self, y: Any) -> None:
        """Raise for what is no number, or what the loss is not defined for."""
        if y.dtype.kind not in "fiub":
            raise TypeError(f"y must hold numbers, not {y.dtype}")
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(f"Some value(s) of y are out of the valid range of the loss 'poisson': {y.min()} < 0")
        if self.loss == "log_loss":
            if not ((y >= 0) & (y <= 1)).all():
                raise ValueError(
                    "Some value(s) of y are out of the valid range of the loss 'log_loss', 0 to 1:"
                    f" {y.min()} to {y.max()}"
                )
            if self.output_activation == "softmax" and y.ndim == 2:
                rows_sum_to_one("y", y)

    def _output_activation(self) -> str:
        return {"poisson": "exp", "log_loss": "logistic"}.get(self.loss, "identity")

    def _loss_factor(self) -> float:
        # scikit-learn's loss is a mean over outputs, and its gradient that of the sum
        return 1.0 / self.n_outputs_ if self.loss == "squared_error" else 1.0

    def _predict_checked(self, X: Any) -> Any:
        return self._raveled(self._outputs_of_checked(X))

    def _raveled(self, outputs: Any) -> Any:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on samples and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        X_val, y_val, sample_weight_val : optional
            Held-out samples of your own. They are scored after each epoch, or iteration of "lbfgs"
            (`validation_scores_`), and the weights of the best score are kept. With `early_stopping=True` the
            scores decide when to stop, and nothing of X is held out.

        Returns
        -------
        self : MLPRegressor

        Raises
        ------
        ValueError, TypeError
            If something is not as above; the model is then as it was. ValueError also if the run diverges; the
            message says in which epoch and what helps.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch more; see `fit`, and `MLPClassifier.partial_fit` for held-out samples."""
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X: Any) -> Any:
        """The predictions, (n_samples,) or (n_samples, n_outputs). A float array in C order takes a faster way."""
        return self._raveled(self._outputs(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
