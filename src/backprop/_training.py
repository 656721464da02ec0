"""The run of a training call: the order of the samples, slices, history, interruption, divergence.

The engine does the arithmetic; this module says from where to where, and what becomes of the parameters.
"""

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ._machine import Array, Machine
from ._pacing import deferred_interrupt
from .errors import DivergenceError

INDICES_AT_ONCE = 65536  # of a shuffled run's order, this many are drawn ahead


class Orders:
    """The order of the samples in each epoch: as they stand, or permuted anew, each on top of the last."""

    def __init__(self, n_samples: int, shuffle: np.random.RandomState | None) -> None:
        self.shuffle = shuffle
        self.order = np.arange(n_samples, dtype=np.intp)
        self.epochs_at_once = max(1, INDICES_AT_ONCE // n_samples)

    def draw(self, epochs: int) -> tuple[int, NDArray[np.intp] | None]:
        """How many of the next `epochs` epochs this covers, and their indices, a row each (None: unshuffled)."""
        if self.shuffle is None:
            return epochs, None
        epochs = min(epochs, self.epochs_at_once)
        indices = np.empty((epochs, self.order.size), dtype=np.intp)
        for row in indices:
            self.order = self.order[self.shuffle.permutation(self.order.size)]
            row[:] = self.order
        return epochs, indices


def train(
    machine: Machine,
    X: Array,
    T: Array,
    *,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    shuffle: np.random.RandomState | None,
    record_loss: bool,
) -> Array | None:
    """Train the machine's parameters; the mean loss of each epoch, or None if it is not recorded.

    After Ctrl-C the parameters are those after the last complete batch.

    Raises
    ------
    DivergenceError
        With the parameters as they were.
    """
    engine, block = machine.engine, machine.block
    before = block.copy()
    history = np.empty(epochs) if record_loss else None
    rates: Array = np.ndarray(epochs, buffer=np.float64(learning_rate), strides=0)  # one number, seen many times
    orders = Orders(len(X), shuffle)
    batch_size = min(batch_size, len(X))
    pace = machine.new_pace(samples_per_item=batch_size)
    epoch, sample, batch, total = 0, 0, 0, 0.0

    def diverged(epoch: int, sample: int | None, layer: int) -> DivergenceError:
        block[:] = before
        return DivergenceError(epoch, sample, layer)

    with deferred_interrupt(engine.SEES_SIGNALS) as deliver_interrupt:
        while epoch < epochs:
            covered, indices = orders.draw(epochs - epoch)
            first, stop = epoch, epoch + covered
            while epoch < stop:
                begin = perf_counter()
                rest = None if indices is None else indices[epoch - first :]
                epoch, sample, batch, total, status = engine.train_epochs(
                    machine.plan, block, X, T, rest, rates, batch_size,
                    epoch, stop, sample, batch, total, pace.items, history,
                )  # fmt: skip
                if status == engine.PAUSED:
                    pace.adapt(perf_counter() - begin)
                elif status == engine.LOSS_NOT_FINITE:
                    order = np.arange(len(X)) if indices is None else indices[epoch - first]
                    rows = order[sample : sample + batch_size]
                    raise diverged(epoch, int(rows[0]), machine.first_bad_net(X[rows]))
                elif status == engine.PARAMETER_NOT_FINITE:
                    raise diverged(epoch, None, machine.first_bad_layer())
                deliver_interrupt()
    layer = machine.first_bad_layer()
    if layer >= 0:
        raise diverged(epochs - 1, None, layer)
    return history
