"""What MLPClassifier and MLPRegressor share: the course of a fit, and predictions.

The conventions are scikit-learn's: what is drawn from `random_state` and when, how epochs are counted, what stops
them, which attributes are left. `_epochs.py` has the passes over the data, `_validation.py` the stopping.
"""

import warnings
from contextlib import nullcontext
from numbers import Integral
from operator import index
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import _lbfgs, _validation
from ._draws import seeded, uniform
from ._epochs import Passes, Samples, Steps, outputs
from ._parameters import CONSTRAINTS, STOCHASTIC, validate
from ._training import Orders
from ._weights import Weights, sizes_of

NOT_YET = -np.inf  # where the loss of an epoch is to be
INTERRUPTED = "Training interrupted by user."


class MLP(Weights, BaseEstimator):
    """The common part of both estimators."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def _validate_params(self) -> None:
        validate(self)

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
        before = self.__dict__.copy()
        try:
            X, y, sample_weight, held_out = self._prepare(X, y, sample_weight, validation, incremental)
        except BaseException:  # what is refused leaves the model as it was
            self.__dict__ = before
            raise
        if self.solver in STOCHASTIC:
            self._fit_stochastic(X, y, sample_weight, held_out, incremental)
        else:
            self._fit_lbfgs(X, y, sample_weight, held_out)
        layer = self._machine.first_bad_layer()
        if layer >= 0:
            raise ValueError(self._what_diverged(self.n_iter_, layer))
        return self

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any], incremental: bool
    ) -> tuple[Any, Any, Any, Any]:
        """All that can be refused: checked data, initial weights, held-out samples."""
        sizes = self.hidden_layer_sizes
        hidden = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        if any(isinstance(size, bool | np.bool_) for size in hidden):
            raise TypeError(f"hidden_layer_sizes must hold integers, got {hidden}")
        hidden = [index(size) for size in hidden]
        stochastic = self.solver in STOCHASTIC
        if self.clip_norm is not None and not stochastic:
            raise ValueError("clip_norm needs solver='sgd' or 'adam': lbfgs has no steps to shorten")
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
        seed = self.random_state
        self._random_state = seeded(int(seed)) if isinstance(seed, Integral) else check_random_state(seed)
        if first_pass:
            self._initialize([X.shape[1], *hidden, self.n_outputs_], X.dtype)
        self.__dict__.pop("_start", None)
        self._in_step()
        held_out = _validation.given(self, *validation)
        if held_out is not None and first_pass:
            _validation.begin_scores(self)
        if self.early_stopping and held_out is None and stochastic:
            if incremental:
                raise ValueError(
                    "partial_fit does not support early_stopping=True without held-out samples: give X_val and"
                    " y_val"
                )
            X, y, sample_weight, held_out = _validation.split(self, X, y, sample_weight)
        return X, y, sample_weight, held_out

    def _initialize(self, units: list[int], dtype: Any) -> None:
        """Draw the initial weights, and forget all training."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = self.output_activation or self._output_activation()
        network = self._open(tuple(units), dtype.name)
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
        _validation.restore_best(self)
        self._show(self._network)  # whatever was in the lists
        return self

    def _passes(self, X: Any, y: Any, sample_weight: Any) -> Passes:
        """The network on these samples."""
        y = y.astype(self._machine.layout.dtype) if y.dtype == bool else y
        return Passes(self._machine, Samples.of(X, y, sample_weight), self.alpha, self._loss_factor())

    def _fit_lbfgs(self, X: Any, y: Any, sample_weight: Any, held_out: Any) -> None:
        progress = _validation.Progress(self, held_out)
        with self._showing(of_several_epochs=True) as advance:

            def iteration_ends(number: int, loss: np.float64) -> bool:
                self.n_iter_, self.loss_ = number, loss
                return self._judge(progress, loss, advance) or progress.none_for_too_long

            limits = {"max_iter": self.max_iter, "max_fun": self.max_fun, "tol": self.tol}
            passes = self._passes(X, y, sample_weight)
            found, interrupted = _lbfgs.fit(passes, **limits, iteration_ends=iteration_ends)
        self.loss_ = found.fun
        if self._network.config.dtype != "float64":  # scikit-learn's come back as SciPy has them
            _lbfgs.unpack(found.x, self._open(self._network.config.sizes, "float64")._machine)
        if interrupted:
            self.n_iter_ = found.nit
            warnings.warn(INTERRUPTED, stacklevel=4)
        elif found.status == _lbfgs.STOPPED:
            self.n_iter_ = found.nit
        else:
            self.n_iter_ = _check_optimize_result("lbfgs", found, self.max_iter)
        if held_out is not None:
            _validation.restore_best(self)

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
        diverged = None
        try:
            with self._showing(of_several_epochs=not incremental) as advance:
                diverged = self._run_epochs(passes, batch_size, progress, incremental, advance)
        except KeyboardInterrupt:
            warnings.warn(INTERRUPTED, stacklevel=4)
        if held_out is None:
            return
        if not incremental:
            _validation.restore_best(self)
        elif progress.by_score and progress.none_for_too_long:
            _validation.restore_best(self)
            self._no_improvement_count = 0
        if diverged is not None and incremental:
            raise ValueError(
                f"{self._what_diverged(*diverged)} restore_best() brings back the weights of the best score."
            )
        if diverged is not None:
            warnings.warn(
                f"{self._what_diverged(*diverged)} The weights of the best validation score are kept.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _showing(self, of_several_epochs: bool) -> Any:
        """A context with what shows each epoch's end, or None."""
        if self.verbose != "bar" or not of_several_epochs:
            return nullcontext(None)
        from ._progress import bar

        return bar(self.max_iter)

    def _judge(self, progress: Any, loss: float, advance: Any) -> bool:
        """What follows each epoch: scores, words or a bar, the user's callback; whether that wants to stop."""
        score = progress.score()
        if score is not None and self._tells:
            print(f"Validation score: {score:f}")
        if advance is not None:
            advance(loss, score)
        if self.callback is None:
            return False
        machine = self._machine
        wants_to_stop = bool(self.callback(self))
        self._adopt_lists()
        if self._machine is not machine:
            raise ValueError("callback must not change what the network is: its layers, activations or loss")
        return wants_to_stop

    @property
    def _tells(self) -> bool:
        return bool(self.verbose) and self.verbose != "bar" and self.solver in STOCHASTIC

    def _run_epochs(
        self, passes: Passes, batch_size: int, progress: Any, incremental: bool, advance: Any
    ) -> tuple[int, int] | None:
        """Train until something stops it; the epoch and the layer in which it diverged, or None."""
        try:
            return self._epochs_to_the_end(passes, batch_size, progress, incremental, advance)
        except ValueError:  # diverged: the loss of that epoch is no progress
            raise
        except BaseException:
            progress.catch_up()
            raise

    def _epochs_to_the_end(
        self, passes: Passes, batch_size: int, progress: Any, incremental: bool, advance: Any
    ) -> tuple[int, int] | None:
        steps, n_samples = self._optimizer, len(passes.samples.T)
        orders = Orders(n_samples, self._random_state if self.shuffle else None)
        clip_norm = 0.0 if self.clip_norm is None else float(self.clip_norm)
        one_by_one = (
            incremental
            or passes.one_at_a_time
            or steps.change_every_epoch
            or self._tells
            or advance is not None
            or self.callback is not None
        )
        diverged: tuple[int, int] | None = None
        max_iter, self.n_iter_ = self.max_iter, 0
        while self.n_iter_ < max_iter:
            wanted = 1 if one_by_one else max_iter - self.n_iter_
            epochs, indices = orders.draw(progress.epochs_ahead(wanted))
            losses, done = np.full(epochs, NOT_YET), None
            try:
                done = passes.epochs(indices, steps, batch_size, clip_norm, losses)
            finally:  # after Ctrl-C, too, the epochs that are over count
                losses = losses[losses != NOT_YET] if done is None else losses[:done]
                self._count_epochs(losses, n_samples)
                progress.compare(losses if done is None else losses[:-1])
            if self._tells:
                print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
            if diverged is None:
                layer = self._machine.first_bad_layer()
                diverged = None if layer < 0 else (self.n_iter_, layer)
                if diverged is not None and progress.scores is None:
                    raise ValueError(self._what_diverged(*diverged))
            progress.compare(losses[-1:])
            wants_to_stop = self._judge(progress, self.loss_, advance)
            steps.epoch_ends(self.t_)
            if progress.none_for_too_long:
                consequence = steps.no_progress()
                if self._tells:
                    print(progress.description + consequence)
                if consequence.endswith("Stopping."):
                    return diverged
                self._no_improvement_count = 0
            if wants_to_stop or incremental:
                return diverged
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization"
            " hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=6,
        )
        return diverged

    def _count_epochs(self, losses: NDArray[np.float64], n_samples: int) -> None:
        """What is known of the epochs that are over."""
        self.n_iter_ += len(losses)
        self.t_ += len(losses) * n_samples
        if len(losses):
            self.loss_ = losses[-1]
            self.loss_curve_ += list(losses)

    def _what_diverged(self, epoch: int, layer: int) -> str:
        """scikit-learn's sentence, where it began, and what helps."""
        cure = "clip_norm=1.0 or " if self.solver in STOCHASTIC and self.clip_norm is None else ""
        rate = "A smaller learning_rate_init, " if self.solver in STOCHASTIC else ""
        return (
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
            f" preprocessed. Training diverged in epoch {epoch} (counted from 1); layer {layer}"
            f" (coefs_[{layer}]) is the first to show it. {rate}{cure}standardised features (StandardScaler) help."
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
        return outputs(self._machine, X)

    def _outputs_are_finite(self, X: Any) -> bool:
        return bool(np.isfinite(self._outputs_of_checked(X)).all())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


LARGEST = float(np.finfo(np.float64).max)
