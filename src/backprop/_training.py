"""The run of a training call: the order of the samples, slices, history, interruption, divergence.

The engine does the arithmetic; this module says from where to where, and what becomes of the parameters.
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ._layout import Array
from ._machine import Machine
from ._pacing import deferred_interrupt
from .errors import DivergenceError
from .optimizers import State

INDICES_AT_ONCE = 65536  # of a shuffled run's order, this many are drawn ahead
PRODUCTS_PER_THREAD = 500_000  # of a batch; a thread that would have fewer costs more than it brings,
SAMPLES_PER_THREAD = 16  # or fewer of these: the weights that the others changed have to come to it first


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
            self.shuffle.shuffle(self.order)  # order[permutation(n)], in place and without its overhead
            row[:] = self.order
        return epochs, indices


def threads_worth_having(n_threads: int, batch_size: int, n_parameters: int) -> int:
    """How many of `n_threads` threads a batch has work for."""
    worth = min(batch_size * n_parameters // PRODUCTS_PER_THREAD, batch_size // SAMPLES_PER_THREAD)
    return max(1, min(n_threads, worth))


def train(
    machine: Machine,
    X: Array,
    T: Array,
    *,
    sample_weight: Array | None,
    epochs: int,
    learning_rates: Array,
    l2: float,
    optimizer: State,
    batch_size: int,
    shuffle: np.random.RandomState | None,
    record_loss: bool,
    stop_below: float,
    after_epoch: Callable[[int, float | None], bool] | None,
    n_threads: int = 1,
) -> Array | None:
    """Train the machine's parameters; the mean loss of each epoch, or None if it is not recorded.

    After Ctrl-C the parameters are those after the last complete batch.

    Parameters
    ----------
    learning_rates : ndarray of shape (epochs,)
    optimizer : State
        Its arrays go on changing with the parameters.
    after_epoch : callable or None
        Called with the epoch and its loss after each; the run ends when it returns true.
    n_threads : int
        At most so many share the work of a batch; fewer if it is small.

    Raises
    ------
    DivergenceError
        With the parameters and the optimizer's state as they were; so too with what a custom function raises.
    """
    engine, block = machine.engine, machine.block
    changing = [block, *optimizer.moments, optimizer.powers]
    before = [array.copy() for array in changing]
    history = np.empty(epochs) if record_loss else None
    orders = Orders(len(X), shuffle)
    batch_size = min(batch_size, len(X))
    n_threads = threads_worth_having(n_threads, batch_size, machine.layout.n_parameters)
    pace = machine.new_pace(samples_per_item=batch_size)
    description = (optimizer.method, optimizer.constants, optimizer.moments, optimizer.powers)
    place, status = (0, 0, 0, 0.0, 0.0), engine.FINISHED

    def restore() -> None:
        for array, kept in zip(changing, before, strict=True):
            array[:] = kept

    with deferred_interrupt(engine.SEES_SIGNALS) as deliver_interrupt:
        while place[0] < epochs and status != engine.STOPPED:
            first = place[0]
            covered, indices = orders.draw(1 if after_epoch is not None else epochs - first)
            stop = first + covered
            while place[0] < stop and status != engine.STOPPED:
                begin = perf_counter()
                rest = None if indices is None else indices[place[0] - first :]
                try:
                    place, status = engine.train_epochs(
                        machine.plan, block, X, T, sample_weight, rest, learning_rates, l2, description,
                        batch_size, place, stop, pace.items, stop_below, history, n_threads=n_threads,
                    )  # fmt: skip
                    epoch, sample, *_ = place
                    if status == engine.LOSS_NOT_FINITE:
                        order = np.arange(len(X)) if indices is None else indices[epoch - first]
                        rows = order[sample : sample + batch_size]
                        raise DivergenceError(epoch, int(rows[0]), machine.first_bad_net(X[rows]))
                    if status == engine.PARAMETER_NOT_FINITE:
                        raise DivergenceError(epoch, None, machine.first_bad_layer())
                except Exception as error:  # it may also come from a signal's handler: that takes nothing back
                    if machine.asks_the_user or isinstance(error, DivergenceError):
                        restore()
                    raise
                if status == engine.PAUSED:
                    pace.adapt(perf_counter() - begin)
                deliver_interrupt()
            if after_epoch is not None:
                loss = None if history is None else float(history[place[0] - 1])
                if after_epoch(place[0] - 1, loss):
                    status = engine.STOPPED
                block += 0.0  # it may have written -0.0
    done = place[0]
    layer = machine.first_bad_layer()
    if layer >= 0:
        restore()
        raise DivergenceError(done - 1, None, layer)
    return history if history is None or done == epochs else history[:done].copy()
