"""The run of an ensemble: its members side by side, each as `_training` would run it alone.

Members whose optimizers have one method make a `Group`. Small networks go through the compiled engine's
`train_lanes`, a network per SIMD lane; others one after another, a slice each. Either way all members stand at the
same batch whenever a slice ends. Nothing is written to the networks or their optimizers before `Group.hand_over`.
"""

import copy
from collections.abc import Callable, Container, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._layout import ALIGNMENT, Array
from ._machine import Machine
from ._training import INDICES_AT_ONCE, Orders
from .errors import DivergenceError
from .optimizers import State

Ints = NDArray[np.intp]
Doubles = NDArray[np.float64]
Place = tuple[int, int, int]  # the epoch, how many of its samples are done, how many batches the run has done

# Where lanes are faster than networks one after another, by measurement (docs/performance.md):
MOST_IN_LANES = 1024  # parameters of a network, padding included
LEAST_FILLED = 0.5  # of the lanes of a block, as it takes as long as a full one

SLICES = 3  # of those that a network alone makes, in one: it has a call for every member, or every group


class Data(NamedTuple):
    """What every member is trained on."""

    X: Array
    T: Array
    batch_size: int
    stop_below: float

    def reached(self, place: Place, stop: int, most: int) -> tuple[Place, int]:
        """The place after `most` batches, or before epoch `stop` if that comes first; and how many lie between."""
        epoch, sample, batch = place
        in_epoch = -(-len(self.X) // self.batch_size)
        done = -(-sample // self.batch_size)
        batches = min(most, (stop - epoch) * in_epoch - done)
        done += batches
        return (epoch + done // in_epoch, done % in_epoch * self.batch_size, batch + batches), batches


class Group:
    """Members whose optimizers have one method.

    Parameters
    ----------
    members : sequence of int
        Their places in the ensemble.
    machines : sequence of Machine
        All of one plan.
    states : sequence of State
        Of their optimizers.
    rates : ndarray of shape (epochs, n_members)
    l2 : ndarray of shape (n_members,)
    data : Data
    record_loss : bool
    """

    def __init__(
        self,
        members: Sequence[int],
        machines: Sequence[Machine],
        states: Sequence[State],
        rates: Doubles,
        l2: Doubles,
        data: Data,
        record_loss: bool,
    ) -> None:
        n, size = len(members), machines[0].layout.size
        self.members, self.machines, self.states, self.data = list(members), machines, states, data
        self.engine, self.plan = machines[0].engine, machines[0].plan
        self.dtype = machines[0].layout.dtype
        self.method = states[0].method
        self.constants = np.zeros((n, 3))
        for row, state in zip(self.constants, states, strict=True):
            row[: len(state.constants)] = state.constants
        self.powers = np.array([state.powers for state in states])
        self.rates, self.l2 = rates, l2
        self.blocks = np.empty((n, 1 + len(states[0].moments), size), self.dtype)
        self.take_in()
        self.totals = np.zeros(n)
        self.history = np.empty((n, len(rates)) if record_loss else (0, 0))
        self.ends = np.zeros((n, 3), np.intp)  # status, epoch, sample
        self.seen = np.zeros(n, bool)  # whose end has been told

    def take_in(self) -> None:
        """Copy the networks' parameters and the optimizers' moments."""
        for block, machine, state in zip(self.blocks, self.machines, self.states, strict=True):
            block[0] = machine.block + 0.0  # no parameter is -0.0 from here on
            for part, moment in zip(block[1:], state.moments, strict=True):
                part[:] = moment

    def hand_over(self, lost: Container[int]) -> None:
        """Write the results to the networks and their optimizers, but for members that are lost."""
        self.collect()
        for k, member in enumerate(self.members):
            if member not in lost:
                self.machines[k].block[:] = self.blocks[k, 0]
                for part, moment in zip(self.blocks[k, 1:], self.states[k].moments, strict=True):
                    moment[:] = part
                self.states[k].powers[:] = self.powers[k]

    def collect(self) -> None:
        """Bring the state of every member to its block."""

    @property
    def running(self) -> Ints:
        """Those whose run has not ended, by their places in the group."""
        return np.flatnonzero(self.ends[:, 0] == 0)

    def losses(self) -> Doubles | None:
        """The members' histories, (n_members, epochs), if they are recorded."""
        return self.history if self.history.size else None

    def advance(self, place: Place, batches: int, stop: int, indices: Ints | None, first: int) -> None:
        """Train every member for some batches, within the epochs before `stop`."""
        for k in self.running.tolist():
            self._advance_one(k, place, batches, stop, indices, first)

    def _advance_one(
        self, k: int, place: Place, batches: int, stop: int, indices: Ints | None, first: int
    ) -> None:
        epoch, sample, batch = place
        order = None
        if indices is not None:
            order = indices[k if len(indices) > 1 else 0, epoch - first :]
        optimizer = (self.method, tuple(self.constants[k, : len(self.states[k].constants)].tolist()))
        reached, status = self.engine.train_epochs(
            self.plan, self.blocks[k, 0], self.data.X, self.data.T, None, order, self.rates[:, k],
            float(self.l2[k]), (*optimizer, list(self.blocks[k, 1:]), self.powers[k]), self.data.batch_size,
            (epoch, sample, batch, float(self.totals[k]), float(sample)), stop, batches, self.data.stop_below,
            self.history[k] if self.history.size else None,
        )  # fmt: skip
        self.totals[k] = reached[3]
        if status == self.engine.STOPPED:
            self.ends[k] = status, reached[0] - 1, 0
        elif status not in (self.engine.FINISHED, self.engine.PAUSED):
            self.ends[k] = status, reached[0], reached[1]

    def new_divergences(self, indices: Ints | None, first: int) -> dict[int, DivergenceError]:
        """What has become of members since the last call, if it is no good end."""
        found = {}
        engine, data = self.engine, self.data
        for k in np.flatnonzero((self.ends[:, 0] != 0) & ~self.seen).tolist():
            self.seen[k] = True
            status, epoch, sample = self.ends[k].tolist()
            machine = self.machine_at(k)
            if status == engine.LOSS_NOT_FINITE:
                rows = np.arange(sample, min(sample + data.batch_size, len(data.X)))
                if indices is not None:
                    rows = indices[k if len(indices) > 1 else 0, epoch - first][rows]
                found[self.members[k]] = DivergenceError(epoch, int(rows[0]), machine.first_bad_net(data.X[rows]))
            elif status == engine.PARAMETER_NOT_FINITE:
                found[self.members[k]] = DivergenceError(epoch, None, machine.first_bad_layer())
        return found

    def last_divergences(self, epoch: int) -> dict[int, DivergenceError]:
        """The members that seemed well, and have a parameter which is not finite now."""
        self.collect()
        found = {}
        well = (self.ends[:, 0] == 0) | (self.ends[:, 0] == self.engine.STOPPED)
        for k in np.flatnonzero(well & ~np.isfinite(self.blocks[:, 0]).all(axis=1)).tolist():
            layer = self.machine_at(k).first_bad_layer()
            if layer >= 0:
                last = int(self.ends[k, 1]) if self.ends[k, 0] else epoch
                found[self.members[k]] = DivergenceError(last, None, layer)
        return found

    def machine_at(self, k: int) -> Machine:
        """A member's machine, with the parameters that are in its block here."""
        machine = copy.copy(self.machines[k])
        machine.block = self.blocks[k, 0]
        return machine


class LanesGroup(Group):
    """The same, a network per SIMD lane."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.history = np.ascontiguousarray(self.history.T)  # (epochs, n_members): lanes write side by side
        self.lanes = lanes_of(self.engine, self.dtype)
        self._pack()

    def take_in(self) -> None:
        """Copy the networks' parameters and the optimizers' moments, into lanes."""
        super().take_in()
        if hasattr(self, "lanes"):
            self._pack()

    def _pack(self) -> None:
        """Give every running member a lane."""
        running = self.running
        n_blocks = -(-len(running) // self.lanes)
        _, parts, size = self.blocks.shape
        self.of_lanes = np.full(n_blocks * self.lanes, -1, np.intp)
        self.of_lanes[: len(running)] = running
        together = np.zeros((n_blocks * self.lanes, parts, size), self.dtype)
        together[: len(running)] = self.blocks[running]
        self.state = aligned((n_blocks, parts, size, self.lanes), self.dtype)
        self.state[:] = together.reshape(n_blocks, self.lanes, parts, size).transpose(0, 2, 3, 1)

    def collect(self) -> None:
        """Bring the state of every running member to its block; the engine did so with the others."""
        by_lane = self.state.transpose(0, 3, 1, 2).reshape(-1, *self.blocks.shape[1:])
        lanes = np.flatnonzero(self.of_lanes >= 0)
        lanes = lanes[self.ends[self.of_lanes[lanes], 0] == 0]
        self.blocks[self.of_lanes[lanes]] = by_lane[lanes]

    def losses(self) -> Doubles | None:
        """The members' histories, (n_members, epochs), if they are recorded."""
        return self.history.T if self.history.size else None

    def advance(self, place: Place, batches: int, stop: int, indices: Ints | None, first: int) -> None:
        """Train every member for some batches, within the epochs before `stop`."""
        running = len(self.running)
        if not running:
            return
        if 2 * running <= len(self.of_lanes) - self.lanes:  # half of the lanes are empty, and a block can go
            self.collect()
            self._pack()
        self.engine.train_lanes(
            self.plan, self.state, self.of_lanes, self.blocks, self.data.X, self.data.T, indices, first,
            self.rates, self.l2, (self.method, self.constants, self.powers), self.data.batch_size, place, batches,
            self.data.stop_below, self.totals, self.history if self.history.size else None, self.ends,
        )  # fmt: skip


def lanes_of(engine: Any, dtype: np.dtype[Any]) -> int:
    """How many networks the engine trains side by side; 1: it has no door for that."""
    return int(getattr(engine, "LANE_BYTES", dtype.itemsize)) // dtype.itemsize


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array whose first item is aligned."""
    count = int(np.prod(shape))
    memory = np.empty(count + ALIGNMENT // dtype.itemsize, dtype)
    start = (-memory.ctypes.data % ALIGNMENT) // dtype.itemsize
    return memory[start : start + count].reshape(shape)


def groups_of(
    machines: Sequence[Machine],
    states: Sequence[State],
    rates: Doubles,
    l2: Doubles,
    data: Data,
    record_loss: bool,
) -> list[Group]:
    """The members in groups: by the methods of their optimizers, and whether lanes suit them."""
    layout = machines[0].layout
    lanes = lanes_of(machines[0].engine, layout.dtype)
    groups = []
    for method in dict.fromkeys(state.method for state in states):
        places = [k for k, state in enumerate(states) if state.method == method]
        in_last_block = len(places) % lanes
        side_by_side = len(places) - (in_last_block if in_last_block < LEAST_FILLED * lanes else 0)
        if lanes == 1 or layout.size > MOST_IN_LANES:
            side_by_side = 0
        for kind, part in ((LanesGroup, places[:side_by_side]), (Group, places[side_by_side:])):
            if part:
                of_part = [machines[k] for k in part], [states[k] for k in part], columns(rates, part), l2[part]
                groups.append(kind(part, *of_part, data, record_loss))
    return groups


def columns(rates: Doubles, places: Sequence[int]) -> Doubles:
    """The rates of some members, without memory for each epoch if they have none."""
    if len(places) == rates.shape[1]:
        return rates
    if rates.strides[0] == 0:
        return np.broadcast_to(rates[:1, places], (len(rates), len(places)))
    return rates[:, places]


def losses_of(groups: Sequence[Group], n_members: int, epoch: int) -> Doubles | None:
    """Every member's loss of the epoch just done, NaN where its run had ended."""
    losses = np.full(n_members, np.nan)
    for group in groups:
        recorded = group.losses()
        if recorded is None:
            return None
        ended_now = (group.ends[:, 0] == group.engine.STOPPED) & (group.ends[:, 1] == epoch)
        there = np.flatnonzero((group.ends[:, 0] == 0) | ended_now)
        losses[np.asarray(group.members)[there]] = recorded[there, epoch]
    return losses


def histories(groups: Sequence[Group], n_members: int, n_epochs: int) -> Doubles | None:
    """Every member's losses, NaN after the end of its run; no longer than the longest run."""
    if groups[0].losses() is None:
        return None
    longest = max(
        n_epochs if end[0] == 0 else int(end[1]) + (end[0] == group.engine.STOPPED)
        for group in groups
        for end in group.ends
    )
    history = np.empty((n_members, max(longest, 1)))
    for group in groups:
        losses = group.losses()
        assert losses is not None
        history[group.members] = losses[:, : history.shape[1]]
        for k in np.flatnonzero(group.ends[:, 0]).tolist():
            status, epoch, _ = group.ends[k].tolist()
            history[group.members[k], epoch + (status == group.engine.STOPPED) :] = np.nan
    return history


def run(
    groups: Sequence[Group],
    *,
    epochs: int,
    orders: Sequence[Orders] | None,
    after_epoch: Callable[[int], bool] | None,
    deliver_interrupt: Callable[[], None],
    lost: dict[int, DivergenceError],
) -> int:
    """Train all groups; how many epochs a member had whose run did not end before.

    Parameters
    ----------
    orders : sequence of Orders, or None
        One for all members or one for each. None: the samples as they stand.
    after_epoch : callable or None
        Called after each epoch of all members; the run ends when it returns true.
    lost : dict
        Members that diverge are written to it as they do.
    """
    data, machine = groups[0].data, groups[0].machines[0]
    n_samples = len(data.X)
    n_members = sum(len(group.members) for group in groups)
    n_orders = 1 if orders is None else len(orders)
    at_once = max(1, INDICES_AT_ONCE // (n_samples * n_orders))
    pace = machine.new_pace(samples_per_item=data.batch_size * n_members)
    place: Place = (0, 0, 0)
    stopped = False
    while place[0] < epochs and not stopped:
        first = place[0]
        stop = first + 1 if after_epoch is not None else epochs
        indices = None
        if orders is not None:
            stop = min(stop, first + at_once)
            running = {group.members[k] for group in groups for k in group.running.tolist()}
            indices = np.zeros((n_orders, stop - first, n_samples), np.intp)
            for member, order in enumerate(orders):
                if n_orders == 1 or member in running:
                    drawn = order.draw(stop - first)[1]
                    assert drawn is not None
                    indices[member] = drawn
        of_groups = [
            indices if indices is None or n_orders == 1 or len(groups) == 1 else indices[group.members]
            for group in groups
        ]
        while place[0] < stop and not stopped:
            begin = perf_counter()
            reached, batches = data.reached(place, stop, pace.items)
            for group, of_group in zip(groups, of_groups, strict=True):
                group.advance(place, batches, stop, of_group, first)
                lost.update(group.new_divergences(of_group, first))
            place = reached
            if batches == pace.items:
                pace.adapt((perf_counter() - begin) / SLICES)
            stopped = not any(group.running.size for group in groups)
            deliver_interrupt()
        if after_epoch is not None and place[0] > first:
            stopped = after_epoch(place[0] - 1) or stopped
    for group in groups:
        lost.update(group.last_divergences(place[0] - 1))
    return place[0]
