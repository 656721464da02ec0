"""MLPClassifier: labels to targets and outputs to labels, the classes' weights, and scikit-learn's signature."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target

from . import _plain
from ._estimator_docs import with_parameters
from ._mlp import MLP
from ._parameters import STOCHASTIC
from ._weights import chained, sizes_of


def _has_partial_fit(estimator: Any) -> bool:
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


def _gives_probabilities(estimator: Any) -> bool:
    """Whether outputs are probabilities: of one class among several only if they sum to 1."""
    output = getattr(estimator, "out_activation_", estimator.output_activation)
    binarizer = getattr(estimator, "_label_binarizer", None)
    multiclass = binarizer is not None and binarizer.y_type_ == "multiclass"
    if output in (None, "softmax") or (output == "logistic" and not multiclass):
        return True
    raise AttributeError(
        f"predict_proba needs outputs that are probabilities; output_activation={output!r} does not give them"
    )


@with_parameters
class MLPClassifier(ClassifierMixin, MLP):
    """Multi-layer perceptron classifier: `sklearn.neural_network.MLPClassifier` with a compiled core.

    Parameters
    ----------
    {scikit_learn}
    loss : str, default="log_loss"
        Whose gradient is followed: "log_loss", "squared_error", "absolute_error", "huber" or "poisson". Targets
        are 0 and 1.
    output_activation : str or None, default=None
        None: "softmax" for several classes, "logistic" for two and for multilabel targets. Other names as in
        `Network`; `predict_proba` is offered only where outputs are probabilities.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes; a sample's weight is multiplied by that of its class. "balanced" makes all classes
        count the same.
    {new}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    {attributes}

    Examples
    --------
    >>> from backprop import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((8,), max_iter=500, learning_rate_init=0.02, random_state=1).fit(scale(X), y)
    >>> bool(model.score(scale(X), y) > 0.95)
    True
    >>> model.network_
    <Network([4, 8, 3], activation='relu', output_activation='softmax', loss='log_loss'): 67 parameters>
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLP._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
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
        loss: str = "log_loss",
        output_activation: str | None = None,
        class_weight: Any = None,
        huber_delta: float = 1.0,
        scoring: Any = None,
        clip_norm: float | None = None,
        callback: Any = None,
        engine: str = "auto",
    ) -> None:
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
        self.loss = loss
        self.output_activation = output_activation
        self.class_weight = class_weight
        self.huber_delta = huber_delta
        self.scoring = scoring
        self.clip_norm = clip_norm
        self.callback = callback
        self.engine = engine

    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[ArrayLike],
        intercepts: Sequence[ArrayLike],
        *,
        classes: Any = None,
        multilabel: bool = False,
        **parameters: Any,
    ) -> Self:
        """Make a fitted classifier from numbers, without data.

        Parameters
        ----------
        coefs : sequence of array-like of shape (fan_in, fan_out)
        intercepts : sequence of array-like of shape (fan_out,)
        classes : array-like, optional
            The labels: two for one output, else one for each. By default 0, 1, 2, ...
        multilabel : bool, default=False
            Whether each output is a label of its own.
        **parameters
            Those of the class; `hidden_layer_sizes` follows from the arrays.

        Returns
        -------
        MLPClassifier

        Raises
        ------
        TypeError, ValueError
            If the arrays do not fit each other or the classes, or hold anything but finite numbers.
        """
        coefs, intercepts = chained(coefs, intercepts, ("coefs", "intercepts"))
        n_outputs = coefs[-1].shape[1]
        n_classes = 2 if n_outputs == 1 and not multilabel else n_outputs
        labels = np.arange(n_classes) if classes is None else np.asarray(classes)
        binarizer = LabelBinarizer()
        if multilabel:
            if classes is not None:
                raise ValueError(
                    "classes goes with one label a sample; with multilabel=True they are 0, 1, 2, ..."
                )
            binarizer.fit(np.eye(max(n_outputs, 2), dtype=int)[:, :n_outputs])
        else:
            if labels.shape != (n_classes,) or len(np.unique(labels)) != n_classes:
                raise ValueError(
                    f"classes must be {n_classes} different labels for {n_outputs} outputs, not {classes!r}"
                )
            if n_outputs == 2:
                raise ValueError("two classes need one output, not two")
            if (np.sort(labels) != labels).any():
                raise ValueError(f"classes must be in ascending order, as the outputs are, not {classes!r}")
            binarizer.fit(labels)
        model = cls(hidden_layer_sizes=sizes_of(coefs)[1:-1], **parameters)
        model._validate_params()
        model._label_binarizer, model.classes_ = binarizer, binarizer.classes_
        return model._begin_with(coefs, intercepts)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        X, y = _plain.validated(self, X, y, reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = _plain.binarizer_of(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            classes = _plain.labels(y)
            if self.warm_start:
                if set(classes) != set(self.classes_):
                    raise ValueError(
                        "warm_start can only be used where `y` has the same classes as in the previous call to"
                        f" fit. Previously got {self.classes_}, `y` has {classes}"
                    )
            elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
                raise ValueError(
                    f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has"
                    f" {classes}."
                )
        return X, self._targets(y)

    def _targets(self, y: Any) -> Any:
        """An indicator (n_samples, n_outputs), as `LabelBinarizer` makes it, but for plain labels sooner."""
        classes = self.classes_
        if self._label_binarizer.y_type_.startswith("multilabel") or not isinstance(y, np.ndarray) or y.ndim != 1:
            return self._label_binarizer.transform(y).astype(bool)
        found = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        if not (classes[found] == y).all():
            return self._label_binarizer.transform(y).astype(bool)
        if len(classes) <= 2:
            return (found == 1).reshape(-1, 1)
        return found.reshape(-1, 1) == np.arange(len(classes))

    def _weighted(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Any:
        sample_weight = super()._weighted(X, y, sample_weight, incremental)
        if self.class_weight is None:
            return sample_weight
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which never sees all of y: give a dict;"
                " sklearn.utils.compute_class_weight('balanced', classes=classes, y=y) computes its values"
            )
        labels = self._label_binarizer.inverse_transform(y)
        of_class = compute_sample_weight(self.class_weight, labels)
        return of_class if sample_weight is None else sample_weight * of_class

    def _output_activation(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _specification(self, sizes: tuple[int, ...], dtype: str) -> Any:
        if self.out_activation_ == "softmax" and self._label_binarizer.y_type_ != "multiclass":
            raise ValueError(
                "output_activation='softmax' needs three classes or more, one a sample: its outputs sum to 1"
            )
        return super()._specification(sizes, dtype)

    def _labels(self, outputs: Any) -> Any:
        """The labels that the outputs stand for; 0.5 is not above the threshold."""
        kind = self._label_binarizer.y_type_
        if kind == "multiclass":
            return self.classes_.take(outputs.argmax(axis=1))
        if kind.startswith("multilabel"):
            labels = np.array(outputs > 0.5, dtype=int)
            return csr_matrix(labels) if self._label_binarizer.sparse_input_ else labels
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(outputs))
        return self.classes_.take(outputs.ravel() > 0.5)

    def _predict_checked(self, X: Any) -> Any:
        return self._labels(self._outputs_of_checked(X))

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
        """Train on samples and their labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or an indicator of several labels.
        sample_weight : array-like of shape (n_samples,), optional
        X_val, y_val, sample_weight_val : optional
            Held-out samples of your own. They are scored after each epoch, or iteration of "lbfgs"
            (`validation_scores_`), and the weights of the best score are kept. With `early_stopping=True` the
            scores decide when to stop, and nothing of X is held out.

        Returns
        -------
        self : MLPClassifier

        Raises
        ------
        ValueError, TypeError
            If something is not as above; the model is then as it was. ValueError also if the run diverges; the
            message says in which epoch and what helps.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=False)

    @available_if(_has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch more.

        Parameters
        ----------
        X, y, sample_weight, X_val, y_val, sample_weight_val
            As in `fit`. With `early_stopping=True` held-out samples are needed; the weights of the best score
            come back when it has not improved for more than `n_iter_no_change` calls, or by `restore_best`.
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come; needed at the first call.

        Returns
        -------
        self : MLPClassifier
        """
        if _check_partial_fit_first_call(self, classes):
            of_several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = _plain.binarizer_of(y if of_several else classes)
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X: Any) -> Any:
        """The labels of samples; see `fit` for their shapes. A float array in C order takes a faster way."""
        return self._labels(self._outputs(X))

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """The probabilities of the classes, in the order of `classes_`: (n_samples, n_classes)."""
        outputs = self._outputs(X)
        if self.n_outputs_ == 1:
            p = outputs.ravel()
            return np.vstack([1 - p, p]).T
        return outputs

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of `predict_proba`."""
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
