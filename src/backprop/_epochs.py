"""An estimator's passes over its data: an epoch of batches, or the whole data's loss and gradient at once.

The engine works on rows of numbers that stand side by side. Sparse samples become such rows a few batches at a
time; the whole is never made dense. Losses are counted as scikit-learn counts them; see docs/arithmetic.md.
"""

from collections.abc import Iterator
from decimal import Context, Decimal
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._layout import Array, Layout
from ._machine import Machine, total_weight
from ._pacing import deferred_interrupt, slices

DENSE_AT_ONCE = 1 << 18  # numbers of sparse samples that are made dense together, unless a batch has more
MOMENTS = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}


class Samples(NamedTuple):
    """What a network is trained on: all parts have a row for each sample."""

    X: Any  # ndarray of shape (n_samples, n_features), C-contiguous, or a sparse CSR container
    T: Array  # (n_samples, n_outputs)
    weights: Array | None  # (n_samples,)

    @classmethod
    def of(cls, X: Any, T: Any, weights: Any) -> "Samples":
        """The same numbers as the engine takes them: float64, or float32 where they are."""
        X = X.tocsr() if hasattr(X, "tocsr") else rows_of_floats(X)
        return cls(X, rows_of_floats(T), None if weights is None else rows_of_floats(weights))

    @property
    def dense(self) -> bool:
        """Whether the engine can read X itself."""
        return isinstance(self.X, np.ndarray)

    def taken(self, rows: Any) -> "Samples":
        """Some of the samples, by an index array or a slice, dense."""
        X = self.X[rows]
        X = X if self.dense else X.toarray()
        return Samples.of(X, self.T[rows], None if self.weights is None else self.weights[rows])

    def in_portions(self, order: NDArray[np.intp] | None, batch_size: int) -> Iterator["Samples"]:
        """The samples in order, dense, in portions of whole batches."""
        n_samples, n_features = self.X.shape
        batches = max(1, DENSE_AT_ONCE // (batch_size * n_features))
        for start in range(0, n_samples, batches * batch_size):
            portion = slice(start, min(start + batches * batch_size, n_samples))
            yield self.taken(portion if order is None else order[portion])


def rows_of_floats(values: Any) -> Array:
    """A C-contiguous, aligned array of floats, float32 only if it was."""
    return np.require(
        values, np.float32 if values.dtype == np.float32 else np.float64, ["C_CONTIGUOUS", "ALIGNED"]
    )


POWERS = Context(prec=40, traps=[])


def power(base: int, exponent: float) -> float:
    """``base ** exponent``, by decimal digits: the C library's pow differs between systems."""
    return float(POWERS.power(Decimal(base), Decimal(exponent)))


class Steps:
    """The optimizer of one estimator: its constants, its learning rate and its state between batches.

    Parameters
    ----------
    method : {"sgd", "momentum", "nesterov", "adam"}
    constants : tuple of float
        As `_reference.train_epochs` takes them.
    learning_rate_init : float
    schedule : {"constant", "invscaling", "adaptive"}
    power_t : float
        Of "invscaling".
    """

    def __init__(
        self, method: str, constants: tuple[float, ...], learning_rate_init: float, schedule: str, power_t: float
    ) -> None:
        self.method, self.constants = method, constants
        self.learning_rate_init, self.schedule, self.power_t = float(learning_rate_init), schedule, float(power_t)
        self.learning_rate = self.learning_rate_init
        self.moments: list[Array] = []
        self.powers = np.ones(2)

    def description(self, layout: Layout) -> tuple[str, tuple[float, ...], list[Array], NDArray[np.float64]]:
        """What an engine is told; state that does not belong to this layout starts afresh."""
        if any(moment.size != layout.size or moment.dtype != layout.dtype for moment in self.moments):
            self.moments = []
        if not self.moments:
            self.moments = [layout.new_block() for _ in range(MOMENTS[self.method])]
        return self.method, self.constants, self.moments, self.powers

    @property
    def change_every_epoch(self) -> bool:
        """Whether the learning rate does."""
        return self.schedule == "invscaling"

    def epoch_ends(self, samples_seen: int) -> None:
        """The schedule "invscaling" goes by all samples seen so far."""
        if self.schedule == "invscaling":
            self.learning_rate = self.learning_rate_init / power(samples_seen + 1, self.power_t)

    def no_progress(self) -> str:
        """What follows when training makes no progress: " Stopping.", or a smaller rate, in words."""
        if self.schedule != "adaptive":
            return " Stopping."
        if self.learning_rate <= 1e-6:
            return " Learning rate too small. Stopping."
        self.learning_rate /= 5.0
        return f" Setting learning rate to {self.learning_rate:f}"


class Passes:
    """One network and the samples it is trained on.

    Parameters
    ----------
    machine : Machine
        Its parameters are trained.
    samples : Samples
    alpha : float
        scikit-learn's: half of it times the sum of the squared weights, divided by a batch's weight, is added
        to the batch's loss.
    loss_factor : float
        What scikit-learn's loss has beside the sum over outputs.
    """

    def __init__(self, machine: Machine, samples: Samples, alpha: float, loss_factor: float) -> None:
        self.machine, self.samples = machine, samples
        self.alpha, self.loss_factor = float(alpha), float(loss_factor)
        self._pace = machine.new_pace()
        self._batch_size = 0
        self._zero_weights = samples.weights is not None and not samples.weights.min() > 0.0

    @property
    def one_at_a_time(self) -> bool:
        """Whether `epochs` takes no more than one: with sparse samples, or weights that may refuse an order."""
        return self._zero_weights or not self.samples.dense

    def epochs(
        self, indices: NDArray[np.intp] | None, steps: Steps, batch_size: int, clip_norm: float,
        losses_out: NDArray[np.float64],
    ) -> int:  # fmt: skip
        """Visit every sample once an epoch, updating after each batch, as long as all parameters are finite.

        Parameters
        ----------
        indices : ndarray of shape (n_epochs, n_samples), or None
            The order of the samples in each epoch; None: as they stand.
        steps : Steps
            Its state goes on changing with the parameters.
        batch_size : int
        clip_norm : float
            Above 0: what gradients are shortened to.
        losses_out : ndarray of shape (n_epochs,)
            Takes each epoch's loss as soon as the epoch is over; the rest stays as it was. After Ctrl-C, too; the
            parameters are then those after the last complete batch.

        Returns
        -------
        int
            How many epochs are over: all, or fewer if the last of them left a parameter that is not finite.

        Raises
        ------
        ZeroDivisionError
            If a batch's weights are all 0.
        """
        if batch_size != self._batch_size:
            self._batch_size, self._pace = batch_size, self.machine.new_pace(samples_per_item=batch_size)
        if self._zero_weights:
            self._refuse_batches_without_weight(indices, batch_size)
        with deferred_interrupt(self.machine.engine.SEES_SIGNALS) as deliver_interrupt:
            if self.samples.dense:
                return self._run(
                    self.samples, indices, steps, batch_size, clip_norm, losses_out, deliver_interrupt
                )
            total, loss = np.float64(0.0), np.empty(1)
            for portion in self.samples.in_portions(None if indices is None else indices[0], batch_size):
                self._run(portion, None, steps, batch_size, clip_norm, loss, deliver_interrupt)
                total += len(portion.T) * loss[0]
            losses_out[0] = total / len(self.samples.T)
            return 1

    def _run(
        self, samples: Samples, indices: Any, steps: Steps, batch_size: int, clip_norm: float, losses_out: Any,
        deliver_interrupt: Any,
    ) -> int:  # fmt: skip
        machine, engine = self.machine, self.machine.engine
        rates = np.full(len(losses_out), steps.learning_rate)
        description = steps.description(machine.layout)
        place, status = (0, 0, 0, 0.0, 0.0), engine.PAUSED
        while status == engine.PAUSED:
            begin = perf_counter()
            rest = None if indices is None else indices[place[0] :]
            place, status = engine.train_epochs(
                machine.plan, machine.block, samples.X, samples.T, samples.weights, rest, rates, self.alpha,
                description, batch_size, place, len(rates), self._pace.items, -np.inf, losses_out,
                self.loss_factor, clip_norm,
            )  # fmt: skip
            if status == engine.PAUSED:
                self._pace.adapt(perf_counter() - begin)
            deliver_interrupt()
        return int(place[0])

    def _refuse_batches_without_weight(self, indices: Any, batch_size: int) -> None:
        """scikit-learn averages each batch's losses by their weights, and cannot where these sum to 0."""
        weights: Any = self.samples.weights
        in_order = weights if indices is None else weights[indices[0]]
        sums = np.add.reduceat(in_order, np.arange(0, len(weights), batch_size))
        if (sums == 0.0).any():
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")

    def loss_and_gradient(self) -> tuple[np.float64, Array]:
        """The loss of all samples as one batch, and its gradient as a block like the parameters'."""
        machine, layout = self.machine, self.machine.layout
        sums, total = layout.new_block(), np.zeros(1)
        weight = total_weight(len(self.samples.T), self.samples.weights, layout.dtype)
        if weight == 0.0:
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        portions = [self.samples] if self.samples.dense else self.samples.in_portions(None, 1)
        with deferred_interrupt(machine.engine.SEES_SIGNALS) as deliver_interrupt:
            for X, T, weights in portions:
                for start, stop in slices(len(T), machine.new_pace()):
                    machine.engine.gradients(
                        machine.plan, machine.block, X, T, weights, start, stop, sums, None, total
                    )
                    deliver_interrupt()
        squares = 0.0
        for w, of_w in zip(layout.weights(machine.block), layout.weights(sums), strict=True):
            squares += float(np.vdot(w, w))
            of_w += self.alpha * w
        sums /= weight
        return np.float64(self.loss_factor * total[0] + 0.5 * self.alpha * squares) / weight, sums


def outputs(machine: Machine, X: Any) -> Array:
    """The outputs for samples that are finite numbers, dense or sparse, in the wider of both dtypes."""
    if not hasattr(X, "tocsr"):
        out = machine.outputs(rows_of_floats(X))
    else:
        empty = Samples(X.tocsr(), np.empty((X.shape[0], 0)), None)
        out = np.concatenate([machine.outputs(part.X) for part in empty.in_portions(None, 1)])
    return out if out.dtype == X.dtype else out.astype(np.result_type(X.dtype, out.dtype), copy=False)
