"""What MLPClassifier and MLPRegressor share: parameters and their constraints, and the course of a fit.

The conventions are scikit-learn's: what is drawn from `random_state` and when, how epochs are counted, what stops
them, which attributes are left. `_epochs.py` has the passes over the data, `_validation.py` the stopping.
"""

import warnings
from contextlib import nullcontext
from math import isfinite
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import _lbfgs, _validation
from ._draws import uniform
from ._engine import CHOICES
from ._epochs import Passes, Samples, Steps
from ._weights import Weights, sizes_of
from .functions import ACTIVATIONS, LOSSES

HIDDEN = {name for name, row in ACTIVATIONS.items() if row.hidden}
OUTPUT = {name for name, row in ACTIVATIONS.items() if row.output}
STOCHASTIC = ("sgd", "adam")
INTERRUPTED = "Training interrupted by user."


class MLP(Weights, BaseEstimator):
    """The common part of both estimators."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(HIDDEN), list, tuple, np.ndarray],
        "solver": [StrOptions({"lbfgs", *STOCHASTIC})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose", StrOptions({"bar"})],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions(set(LOSSES))],
        "output_activation": [StrOptions(OUTPUT), None],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "scoring": [str, callable, None],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "callback": [callable, None],
        "engine": [StrOptions(set(CHOICES))],
    }

    # ---- what the two classes say --------------------------------------------------------------------------

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """X and the network's targets."""
        raise NotImplementedError

    def _output_activation(self) -> str:
        """The canonical one, for the loss and for what y turned out to be."""
        raise NotImplementedError

    def _loss_factor(self) -> float:
        """What the reported loss has beside the sum over outputs."""
        return 1.0

    def _weighted(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Any:
        """The samples' weights, checked; y as `_validate_input` returned it."""
        return None if sample_weight is None else _check_sample_weight(sample_weight, X)

    def _predict_checked(self, X: Any) -> Any:
        """Predictions for checked samples."""
        raise NotImplementedError

    # ---- a fit ---------------------------------------------------------------------------------------------

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any], incremental: bool
    ) -> Self:
        sizes = self.hidden_layer_sizes
        hidden = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        first_pass = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y = self._validate_input(X, y, incremental, reset=first_pass)
        sample_weight = self._weighted(X, y, sample_weight, incremental)
        if y.ndim == 1:
            y = y.reshape((-1, 1))
        if not first_pass:
            n_outputs = self._in_step().config.sizes[-1]
            if y.shape[1] != n_outputs:
                raise ValueError(f"y has {y.shape[1]} outputs, expected {n_outputs}, as before")
        self.n_outputs_ = y.shape[1]
        self._random_state = check_random_state(self.random_state)
        stochastic = self.solver in STOCHASTIC
        if first_pass:
            self._initialize([X.shape[1], *(int(size) for size in hidden), self.n_outputs_], X.dtype)
        self._in_step()
        held_out = _validation.given(self, *validation)
        if not stochastic:
            self._fit_lbfgs(X, y, sample_weight)
        else:
            self._fit_stochastic(X, y, sample_weight, held_out, incremental)
        if self._machine.first_bad_layer() >= 0:
            raise ValueError(self._what_diverged(None))
        return self

    def _initialize(self, units: list[int], dtype: Any) -> None:
        """Draw the initial weights, and forget all training."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = self.output_activation or self._output_activation()
        network = self._open(tuple(units), "float64" if self.solver == "lbfgs" else dtype.name)
        names = network.config.activation
        rng = self._random_state
        for level, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
            name = names[min(level, len(names) - 1)] if names else self.activation
            bound = np.sqrt((2.0 if name == "logistic" else 6.0) / sum(w.shape))
            w[...] = uniform(rng, bound, w.shape).astype(dtype, copy=False)
            b[...] = uniform(rng, bound, b.shape).astype(dtype, copy=False)
        self._take_start(network)
        if self.solver in STOCHASTIC:
            _validation.begin(self)

    def _begin_with(self, coefs: Any, intercepts: Any) -> Self:
        """Make a fitted model of a new estimator, from arrays that fit each other."""
        sizes = sizes_of(coefs)
        self.n_features_in_, self.n_outputs_, self.n_layers_ = sizes[0], sizes[-1], len(sizes)
        self.n_iter_ = self.t_ = 0
        self.out_activation_ = self.output_activation or self._output_activation()
        single = all(array.dtype == np.float32 for array in (*coefs, *intercepts))
        network = self._open(sizes, "float32" if single else "float64")
        network.weights, network.biases = coefs, intercepts
        _validation.begin(self)
        return self

    def restore_best(self) -> Self:
        """Go back to the weights of the best score on held-out samples, after calls of `partial_fit`.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there were no held-out samples.
        """
        check_is_fitted(self)
        if not getattr(self, "validation_scores_", None):
            raise ValueError("restore_best needs scores: give X_val and y_val to fit or partial_fit")
        self._in_step()
        _validation.restore_best(self)
        return self

    def _passes(self, X: Any, y: Any, sample_weight: Any) -> Passes:
        """The network on these samples."""
        y = y.astype(self._machine.layout.dtype) if y.dtype == bool else y
        return Passes(self._machine, Samples.of(X, y, sample_weight), self.alpha, self._loss_factor())

    def _fit_lbfgs(self, X: Any, y: Any, sample_weight: Any) -> None:
        network = self._network
        if network.config.dtype != "float64":  # after a fit by another solver
            parameters = network.parameters
            network = self._open(network.config.sizes, "float64")
            network.parameters = parameters
        if self.clip_norm is not None:
            raise ValueError("clip_norm needs solver='sgd' or 'adam': lbfgs has no steps to shorten")
        found, interrupted = _lbfgs.fit(
            self._passes(X, y, sample_weight), max_iter=self.max_iter, max_fun=self.max_fun, tol=self.tol
        )
        self.loss_ = found.fun
        if interrupted:
            self.n_iter_ = found.nit
            warnings.warn(INTERRUPTED, stacklevel=4)
        else:
            self.n_iter_ = _check_optimize_result("lbfgs", found, self.max_iter)

    def _loss_grad_lbfgs(self, packed: Any, X: Any, y: Any, sample_weight: Any, *_: Any) -> tuple[float, Any]:
        """What "lbfgs" minimises, by the name and arguments that scikit-learn's own tests call."""
        return _lbfgs.Objective(self._passes(X, y, sample_weight))(packed)

    def _new_steps(self) -> Steps:
        if self.solver == "adam":
            constants: tuple[float, ...] = (float(self.beta_1), float(self.beta_2), float(self.epsilon))
            return Steps("adam", constants, self.learning_rate_init, "constant", self.power_t)
        momentum = float(self.momentum)
        method = "sgd" if momentum == 0.0 else "nesterov" if self.nesterovs_momentum else "momentum"
        constants = () if momentum == 0.0 else (momentum,)
        return Steps(method, constants, self.learning_rate_init, self.learning_rate, self.power_t)

    def _fit_stochastic(self, X: Any, y: Any, sample_weight: Any, held_out: Any, incremental: bool) -> None:
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._new_steps()
        if self.early_stopping and held_out is None:
            if incremental:
                raise ValueError(
                    "partial_fit does not support early_stopping=True without held-out samples: give X_val and"
                    " y_val"
                )
            X, y, sample_weight, held_out = _validation.split(self, X, y, sample_weight)
        n_samples = X.shape[0]
        if self.batch_size == "auto":
            batch_size = min(200, n_samples)
        else:
            if self.batch_size > n_samples:
                warnings.warn(
                    "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                    stacklevel=4,
                )
            batch_size = min(int(self.batch_size), n_samples)
        passes = self._passes(X, y, sample_weight)
        progress = _validation.Progress(self, held_out)
        restore = held_out is not None and not incremental
        try:
            if self.verbose == "bar" and not incremental:
                from ._progress import bar

                showing: Any = bar(self.max_iter)
            else:
                showing = nullcontext(None)
            with showing as advance:
                diverged = self._run_epochs(passes, batch_size, progress, incremental, advance)
        except KeyboardInterrupt:
            warnings.warn(INTERRUPTED, stacklevel=4)
            diverged = None
        if restore or (incremental and held_out is not None and progress.by_score and progress.none_for_too_long):
            _validation.restore_best(self)
            if incremental:
                self._no_improvement_count = 0
        if diverged is not None and restore:
            warnings.warn(
                f"{self._what_diverged(diverged)} The weights of the best validation score are kept.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _run_epochs(
        self, passes: Passes, batch_size: int, progress: Any, incremental: bool, advance: Any
    ) -> tuple[int, int] | None:
        """Train until something stops it; the epoch and the layer in which it diverged, or None."""
        steps, n_samples = self._optimizer, len(passes.samples.T)
        order = np.arange(n_samples, dtype=np.intp) if self.shuffle else None
        clip_norm = 0.0 if self.clip_norm is None else float(self.clip_norm)
        telling = bool(self.verbose) and self.verbose != "bar"
        diverged: tuple[int, int] | None = None
        self.n_iter_ = 0
        for _ in range(self.max_iter):
            if order is not None:
                order = order[self._random_state.permutation(n_samples)]
            self.loss_ = passes.epoch(order, steps, batch_size, clip_norm)
            self.n_iter_ += 1
            self.t_ += n_samples
            self.loss_curve_.append(self.loss_)
            if telling:
                print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
            if diverged is None and not isfinite(self.loss_):
                layer = self._machine.first_bad_layer()
                diverged = None if layer < 0 else (self.n_iter_, layer)
                if diverged is not None and progress.held_out is None:
                    raise ValueError(self._what_diverged(diverged))
            progress.epoch_ends()
            score = self.validation_scores_[-1] if progress.held_out is not None else None
            if telling and score is not None:
                print(f"Validation score: {score:f}")
            if advance is not None:
                advance(self.loss_, score)
            stop = self.callback is not None and self.callback(self)
            steps.epoch_ends(self.t_)
            if progress.none_for_too_long:
                consequence = steps.no_progress()
                if telling:
                    print(progress.description + consequence)
                if consequence.endswith("Stopping."):
                    break
                self._no_improvement_count = 0
            if stop or incremental:
                break
            if self.n_iter_ == self.max_iter:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization"
                    " hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=5,
                )
        return diverged

    def _what_diverged(self, where: tuple[int, int] | None) -> str:
        """scikit-learn's sentence, where it began, and what helps."""
        layer = self._machine.first_bad_layer() if where is None else where[1]
        epoch = "" if where is None else f" in epoch {where[0]} (counted from 1)"
        return (
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
            f" preprocessed. Training diverged{epoch}; layer {layer} (coefs_[{layer}]) is the first to show it. A"
            " smaller learning_rate_init, standardised features (StandardScaler) or clip_norm=1.0 help."
        )

    # ---- predictions ---------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Any:
        """What the network puts out for samples that a user gives.

        An ndarray of finite floats and the right width, in C order, goes straight to the engine, unless feature
        names have to be compared: for one row most of the time would go into checks.
        """
        if "coefs_" not in self.__dict__:
            check_is_fitted(self)
        machine = self._in_step()._machine
        if (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in (np.float64, np.float32)
            and X.flags.c_contiguous
            and len(X)
            and X.shape[1] == machine.layout.shapes[0][0]
            and "feature_names_in_" not in self.__dict__
            and machine.engine.first_outside(X.reshape(-1), -LARGEST, LARGEST) < 0
        ):
            out = machine.outputs(X)
            return out if out.dtype == X.dtype else out.astype(np.result_type(X.dtype, out.dtype), copy=False)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._outputs_of_checked(X)

    def _outputs_of_checked(self, X: Any) -> Any:
        return Passes(self._machine, Samples(X, X, None), 0.0, 1.0).outputs(X)

    def _outputs_are_finite(self, X: Any) -> bool:
        return bool(np.isfinite(self._outputs_of_checked(X)).all())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


LARGEST = float(np.finfo(np.float64).max)
