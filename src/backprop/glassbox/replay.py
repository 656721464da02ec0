"""Train a copy up to a certain update, exactly as `Network.train` would, and stop at an update that diverges.

The engine's own door does it, in the slices of `_pacing`; this module counts updates, and finds the one in which
the first number that is not finite appears.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._machine import Machine
from .._training import Orders
from ..optimizers import State

__all__ = ["Replay"]

Array = NDArray[np.floating[Any]]
Place = tuple[int, int, int, float, float]  # as `train_epochs` has it

EPOCHS_AT_ONCE = 65536  # of a run, so that its history stays small


@dataclass
class Replay:
    """A run of training that can stop after any batch.

    Attributes
    ----------
    machine : Machine
        Of a copy: its parameters change.
    X, T, sample_weight
        Checked, as `_training.train` takes them.
    optimizer : State
        A copy's: its arrays change.
    learning_rates : ndarray of shape (n_epochs,)
    l2 : float
    batch_size : int
    orders : Orders
        The order of the samples; drawn epoch by epoch.
    """

    machine: Machine
    X: Array
    T: Array
    sample_weight: Array | None
    optimizer: State
    learning_rates: Array
    l2: float
    batch_size: int
    orders: Orders

    def __post_init__(self) -> None:
        self.first = 0  # the epoch that the indices begin with; places count from it
        self.covered = 0
        self.indices: NDArray[np.intp] | None = None
        self.place: Place = (0, 0, 0, 0.0, 0.0)
        self._next_epochs()

    @property
    def done(self) -> int:
        """How many batches have been done."""
        return self.place[2]

    @property
    def learning_rate(self) -> float:
        """The rate of the next batch."""
        return float(self.learning_rates[self.first + self.place[0]])

    @property
    def rows(self) -> NDArray[np.intp]:
        """The rows of X in the next batch."""
        epoch, sample, *_ = self.place
        order = np.arange(len(self.X)) if self.indices is None else self.indices[epoch]
        return order[sample : sample + self.batch_size]

    def run(self, batches: int) -> bool:
        """Do so many batches more, or stop before the one that brings a number that is not finite.

        Returns
        -------
        bool
            Whether all were done. If not, the state is that from before the batch that diverges.
        """
        last = self.done + batches
        pace = self.machine.new_pace(samples_per_item=self.batch_size)
        while self.done < last:
            before = self._snapshot()
            begin = perf_counter()
            finite = self._advance(min(pace.items, last - self.done))
            pace.adapt(perf_counter() - begin)
            if self._parameters_are_bad():
                self._restore(before)
                return self._stop_before_bad_parameters()
            if not finite:  # the loss of the next batch
                return False
        return True

    def apply(self) -> None:
        """Do the next batch, whatever comes out; nothing can be done after it."""
        self._advance(1, measure=False)

    # ---- the engine's door ---------------------------------------------------------------------------------

    def _advance(self, batches: int, *, measure: bool = True) -> bool:
        """At most so many batches; false if the next one's loss is measured and not finite."""
        machine, optimizer = self.machine, self.optimizer
        description = (optimizer.method, optimizer.constants, optimizer.moments, optimizer.powers)
        rates = self.learning_rates[self.first : self.first + self.covered]
        history = np.empty(self.covered) if measure else None
        indices = None if self.indices is None else self.indices[self.place[0] :]
        self.place, status = machine.engine.train_epochs(
            machine.plan, machine.block, self.X, self.T, self.sample_weight, indices, rates, self.l2, description,
            self.batch_size, self.place, self.covered, batches, -np.inf, history,
        )  # fmt: skip
        if self.place[0] == self.covered and self.first + self.covered < len(self.learning_rates):
            self._next_epochs()
        return bool(status != machine.engine.LOSS_NOT_FINITE)

    def _next_epochs(self) -> None:
        self.first += self.covered
        rest = min(len(self.learning_rates) - self.first, EPOCHS_AT_ONCE)
        self.covered, self.indices = self.orders.draw(rest)
        self.place = (0, *self.place[1:])

    def _stop_before_bad_parameters(self) -> bool:
        """From a state before it, go batch by batch to the one that leaves a bad parameter; false."""
        while True:
            before = self._snapshot()
            finite = self._advance(1)
            if self._parameters_are_bad():
                self._restore(before)
                return False
            if not finite:
                return False

    def _parameters_are_bad(self) -> bool:
        return self.machine.first_bad_layer() >= 0

    def _changing(self) -> list[Array]:
        return [self.machine.block, *self.optimizer.moments, self.optimizer.powers]

    def _snapshot(self) -> tuple[Any, ...]:
        orders = self.orders
        drawn = orders.order, None if orders.shuffle is None else orders.shuffle.get_state()
        return (
            [array.copy() for array in self._changing()],
            self.place,
            self.first,
            self.covered,
            self.indices,
            drawn,
        )

    def _restore(self, snapshot: tuple[Any, ...]) -> None:
        arrays, self.place, self.first, self.covered, self.indices, (self.orders.order, state) = snapshot
        for array, kept in zip(self._changing(), arrays, strict=True):
            array[:] = kept
        if self.orders.shuffle is not None:
            self.orders.shuffle.set_state(state)
