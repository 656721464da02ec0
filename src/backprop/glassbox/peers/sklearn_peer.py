"""scikit-learn as a peer, by its public interface: one epoch of `fit`, of one batch, from weights that were set.

`loss_` is the loss before that step. A step of plain SGD with an enormous rate, a power of two, leaves nothing but
the gradient in the weights, to the last bit or two. There is no gradient of the inputs to be had.
"""

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..rounding import Bounds
from ..update import Update
from . import Array, Arrays, Case, Variant, gradient_arrays, parameter_arrays, required
from . import Peer as AnyPeer

OUTPUTS, ALPHA, CLIPPED, PENALTY = "mean over outputs", "alpha", "clipped probabilities", "L2 in the loss"

HIDDEN = {"identity": "identity", "logistic": "logistic", "tanh": "tanh", "relu": "relu"}
PAIRS = {("identity", "squared_error"), ("exp", "poisson"), ("logistic", "log_loss"), ("softmax", "log_loss")}
LARGEST = {"float64": 500, "float32": 60}  # exponents of the rate, and of what it may make of a gradient


class Peer(AnyPeer):
    """MLPRegressor or MLPClassifier."""

    name = "sklearn"
    loss_of_outs = True
    trains_biases = True

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.sklearn = required("sklearn", "scikit-learn", "sklearn")
        self.module = required("sklearn.neural_network", "scikit-learn", "sklearn")
        self.label = f"scikit-learn {self.sklearn.__version__}"
        config = case.config
        self.classifies = config.loss == "log_loss"
        self._refuse_what_it_has_not()
        self.X, self.y, self.sample_weight = self._data()
        outputs = config.sizes[-1]
        if config.loss == "squared_error" and outputs > 1:
            self.conventions[OUTPUTS] = (
                f"MLPRegressor's loss_ is the mean over the {outputs} outputs, too, 1/{outputs} of backprop's; its"
                " gradient is of the sum over outputs, the same as backprop's (scikit-learn's issue 8349)"
            )
        eps = np.finfo(case.dtype).eps
        self.outs = case.net.forward(case.samples)
        weights, biases, _ = case.net.gradients(case.samples, case.targets, case.sample_weight)
        largest = max(float(np.abs(array).max()) for array in (*weights, *biases))
        limit = LARGEST[case.dtype.name]
        self.rate = 2.0 ** min(limit, limit - np.frexp(largest)[1])
        if self.classifies and ((self.outs < eps) | (self.outs > 1.0 - eps)).any():
            self.conventions[CLIPPED] = (
                f"scikit-learn takes log_loss of the outputs, clipped to {eps:.2g} from 0 and 1, in loss_ but not"
                " in the gradient; backprop takes it of the nets and clips nothing"
            )

    def figures(self) -> Arrays:
        """From one fit with an enormous rate."""
        case = self.case
        rate = self.rate
        fitted = self._fitted(0.0, solver="sgd", learning_rate_init=rate, momentum=0.0, nesterovs_momentum=False)
        loss = fitted.loss_ * (case.config.sizes[-1] if case.config.loss == "squared_error" else 1)
        weights = [(w - new) / rate for w, new in zip(case.weights, fitted.coefs_, strict=True)]
        biases = [(b - new) / rate for b, new in zip(case.biases, fitted.intercepts_, strict=True)]
        self.reported = fitted.loss_
        return gradient_arrays(loss, weights, biases)

    def variants(self) -> Iterator[Variant]:
        """The mean over outputs."""
        if OUTPUTS in self.conventions:
            reported = {"loss": np.asarray(self.reported)}
            yield Variant("the loss as MLPRegressor has it in loss_", reported, OUTPUTS)

    def steps(self, update: Update) -> Iterator[Variant]:
        """From one fit for each meaning of alpha."""
        if not update.fresh:
            raise ValueError(
                f"optimizer={update.optimizer} has a state, and scikit-learn's optimizers start afresh at each"
                " fit; reset() it, or compare a fresh one"
            )
        if update.rate == 0.0:
            raise ValueError("learning_rate is 0.0, and scikit-learn's must be above 0")
        options: dict[str, Any] = {"learning_rate_init": update.rate, "solver": "sgd"}
        if update.method == "adam":
            options |= dict(zip(("beta_1", "beta_2", "epsilon"), update.constants, strict=True), solver="adam")
        else:
            options["momentum"] = update.constants[0] if update.constants else 0.0
            options["nesterovs_momentum"] = update.method == "nesterov"
        total = self.case.total_weight
        translated = self._fitted(update.l2 * total, **options)
        yield Variant(update.title, parameter_arrays(translated.coefs_, translated.intercepts_))
        if update.l2 and total != 1.0:
            self.conventions[ALPHA] = (
                f"scikit-learn divides its alpha by the batch's weight, here {total:.6g}, with the gradient;"
                f" backprop's l2={update.l2:g} is alpha={update.l2 * total:.6g} in a batch of this weight"
            )
            fitted = self._fitted(update.l2, **options)
            title = f"{update.title}, with alpha={update.l2:g} as scikit-learn means it"
            yield Variant(title, parameter_arrays(fitted.coefs_, fitted.intercepts_), ALPHA)
        if update.l2:
            self.conventions[PENALTY] = (
                "scikit-learn's loss_ includes 0.5*alpha*sum(w*w)/n, backprop's losses never include L2; compared"
                " are the losses without"
            )

    def bounds(self) -> tuple[Bounds, Bounds]:
        """With what the weights hide of the gradient, and with clipping."""
        one, other = super().bounds()
        case = self.case
        lost = float(np.finfo(case.dtype).eps) / self.rate  # of the gradient, beside the weight
        weights = [off + lost * np.abs(w) for off, w in zip(one.weights, case.weights, strict=True)]
        biases = [off + lost * np.abs(b) for off, b in zip(one.biases, case.biases, strict=True)]
        one = replace(one, weights=weights, biases=biases)
        if CLIPPED in self.conventions:
            other = replace(other, loss=one.loss + self._clipped_away())
        return one, replace(other, weights=weights, biases=biases)

    def excuse(self, name: str) -> str:
        """Clipping, for the loss."""
        return CLIPPED if name == "loss" and CLIPPED in self.conventions else super().excuse(name)

    # ---- what it can compute -------------------------------------------------------------------------------

    def _refuse_what_it_has_not(self) -> None:
        case, config = self.case, self.case.config
        if (config.output_activation, config.loss) not in PAIRS:
            known = ", ".join(sorted(f"{out}/{loss}" for out, loss in PAIRS))
            what = f"{config.output_activation!r} outputs with loss={config.loss!r}"
            self.refuse(what, f"scikit-learn pairs {known}")
        if len(set(config.activation)) > 1:
            what = f"hidden layers of several activations ({', '.join(map(str, config.activation))})"
            self.refuse(what, "scikit-learn has one for all of them")
        if config.activation and config.activation[0] not in HIDDEN:
            what = f"the hidden activation {config.activation[0]!r}"
            self.refuse(what, f"scikit-learn has {', '.join(HIDDEN)}")
        if config.bias != "per_unit":
            self.refuse(f"bias={config.bias!r}", "scikit-learn has one trained bias per unit")
        estimator = self.module.MLPRegressor
        if config.loss == "poisson" and "loss" not in inspect.signature(estimator).parameters:
            self.refuse("loss='poisson'", "scikit-learn has it from version 1.7")
        if case.sample_weight is not None and not self._takes_weights():
            self.refuse("sample_weight", "scikit-learn takes it from version 1.7")
        if not self.classifies:
            return
        outputs, hard = config.sizes[-1], np.isin(case.targets, (0.0, 1.0)).all()
        if not hard or (config.output_activation == "softmax" and (case.targets.sum(axis=1) != 1.0).any()):
            self.refuse("targets between 0 and 1", "MLPClassifier takes classes: targets of 0 and 1")
        if config.output_activation == "softmax" and outputs < 3:
            what = f"{outputs} softmax output{'s' if outputs > 1 else ''}"
            self.refuse(what, "MLPClassifier has a logistic output for two classes, softmax from three")

    def _takes_weights(self) -> bool:
        return "sample_weight" in inspect.signature(self.module.MLPRegressor.fit).parameters

    def _data(self) -> tuple[Array, Array, Array | None]:
        """X, y and the sample weights as `fit` wants them: with every class, if need be as a row of no weight."""
        case, config = self.case, self.case.config
        X, counts = case.samples, case.sample_weight
        outputs = config.sizes[-1]
        if config.output_activation == "softmax":
            y, classes = case.targets.argmax(axis=1), np.arange(outputs)
        elif self.classifies and outputs == 1:
            y, classes = case.targets[:, 0].astype(int), np.arange(2)
        elif self.classifies:
            return X, case.targets.astype(int), counts
        else:
            return X, case.targets[:, 0] if outputs == 1 else case.targets, counts
        missing = np.setdiff1d(classes, y)
        if missing.size:
            if not self._takes_weights():
                self.refuse(f"data without class {missing[0]}", "before 1.7 each class needs a sample")
            counts = np.ones(len(X), case.dtype) if counts is None else counts
            counts = np.concatenate([counts, np.zeros(missing.size, case.dtype)])
            X = np.concatenate([X, np.zeros((missing.size, X.shape[1]), case.dtype)])
            y = np.concatenate([y, missing])
        return X, y, counts

    # ---- computing -----------------------------------------------------------------------------------------

    def _fitted(self, alpha: float, **options: Any) -> Any:
        """An estimator after one step from the case's parameters by a fresh optimizer."""
        case, config = self.case, self.case.config
        kind = self.module.MLPClassifier if self.classifies else self.module.MLPRegressor
        regression = {} if self.classifies or config.loss == "squared_error" else {"loss": config.loss}
        estimator = kind(
            **regression,
            hidden_layer_sizes=config.sizes[1:-1],
            activation=HIDDEN[case.activations[0]] if config.activation else "identity",
            batch_size=len(self.X),
            shuffle=False,
            max_iter=1,
            warm_start=True,  # so that the second fit goes on from the parameters, with a new optimizer
            random_state=0,
        )
        weighted = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", self.sklearn.exceptions.ConvergenceWarning)  # one iteration is meant
            estimator.fit(self.X, self.y, **weighted)
            for own, arrays in ((estimator.coefs_, case.weights), (estimator.intercepts_, case.biases)):
                for to, array in zip(own, arrays, strict=True):
                    to[...] = array
            estimator.set_params(alpha=alpha, **options)
            try:
                estimator.fit(self.X, self.y, **weighted)
            except ValueError:  # it refuses a result that is not finite, and has it
                if all(np.isfinite(array).all() for array in (*estimator.coefs_, *estimator.intercepts_)):
                    raise
            return estimator

    def _clipped_away(self) -> float:
        """How far clipping moves the loss."""
        case = self.case
        eps = np.finfo(case.dtype).eps
        clipped = np.clip(self.outs.astype(np.float64), eps, 1.0 - eps)
        losses = -case.targets * np.log(clipped)
        if case.config.output_activation == "logistic":
            losses -= (1.0 - case.targets) * np.log1p(-clipped)
        moved = np.average(losses.sum(axis=1), weights=case.sample_weight)
        own = case.net.loss(case.samples, case.targets, case.sample_weight)
        # In the clipped region log(1 - eps) itself is rounded to a whole eps.
        return float(abs(moved - own) + 4.0 * eps * losses.shape[1])
