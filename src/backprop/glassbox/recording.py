"""Record one training step: it is run on copies, by the network's own engine, and its arrays are read.

Nets, outs, deltas, losses, new parameters and the optimizer's new state come from the engine's doors.
"""

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _checks as checks
from .._machine import Machine
from .._training import Orders
from ..network import Network
from ..optimizers import Optimizer, of_name_or_instance
from .replay import Replay
from .step import Array, Moment, Step, all_frozen, frozen

__all__ = ["deltas", "record_step"]


@np.errstate(all="ignore")  # a step that diverges is shown as it is
def record_step(
    net: Network,
    X: ArrayLike,
    T: ArrayLike,
    learning_rate: Any = None,
    *,
    optimizer: str | Optimizer = "sgd",
    l2: float = 0.0,
    sample_weight: ArrayLike | None = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    random_state: Any = None,
    after: int = 0,
) -> Step:
    """Record one step of training. Neither the network nor the optimizer changes.

    Parameters
    ----------
    net : Network
    X : array-like of shape (n_samples, n_inputs) or (n_inputs,)
    T : array-like of shape (n_samples, n_outputs) or (n_outputs,)
    learning_rate, optimizer, l2, sample_weight, shuffle, random_state
        As in `Network.train`. An optimizer's instance is copied with its state.
    batch_size : int, optional
        Samples per update; all of them if it is not given.
    after : int, default=0
        How many updates of `Network.train` come before the one that is recorded; if one of them diverges, that
        one is recorded.

    Returns
    -------
    Step

    Raises
    ------
    TypeError, ValueError
        As `Network.train` does.

    Examples
    --------
    >>> import backprop as bp
    >>> from backprop.glassbox.recording import record_step
    >>> step = record_step(*bp.examples.worked_example())
    >>> step.deltas[1]
    array([[ 0.13849856, -0.03809824]])
    """
    samples, targets, _ = net._samples_and_targets(X, T, names=("x", "t"))
    weights = net._weights_of_samples(sample_weight, len(samples))
    after = checks.integer("after", after, minimum=0, maximum=2**53)
    size = len(samples) if batch_size is None else min(checks.integer("batch_size", batch_size), len(samples))
    n_batches = -(-len(samples) // size)
    shuffle = checks.boolean("shuffle", shuffle)
    rng = None
    if shuffle or random_state is not None:
        rng = copy.deepcopy(checks.random_state(random_state))  # a RandomState is not advanced either
    trained = net.copy()._machine
    layer = trained.first_bad_layer()
    if layer >= 0:
        raise ValueError(f"weights[{layer}] or biases[{layer}] holds a number that is not finite; set it first")
    trained.block += 0.0  # as every training call begins: no parameter is -0.0
    used = _copied(of_name_or_instance(optimizer), net)
    state = used._state(trained, trained.layout)
    replay = Replay(
        trained,
        samples,
        targets,
        sample_weight=weights,
        optimizer=state,
        learning_rates=used.rates(learning_rate, after // n_batches + 1, net.config.dtype),
        l2=checks.rate("l2", l2, dtype=net.config.dtype),
        batch_size=size,
        orders=Orders(len(samples), rng if shuffle else None),
    )
    replay.run(after)
    rows, rate, update = replay.rows, replay.learning_rate, replay.done + 1
    dtype = trained.layout.dtype
    xs, ts = (np.ascontiguousarray(sheet[rows], dtype) for sheet in (samples, targets))
    of_batch = None if weights is None else np.ascontiguousarray(weights[rows], dtype)
    if of_batch is not None and not of_batch.any():
        raise ValueError(f"sample_weight is 0 for every sample of update {update}: the batch is passed over")

    machine = net.copy()._machine  # the parameters before the step; `trained` goes on to those after it
    machine.block[...] = trained.block
    old, old_powers = _moments(machine, state.moments), state.powers.tolist()
    replay.apply()
    # Sequential: after the whole step, a layer's weights are what its own update made of them.
    back = trained.block if net.config.update_order == "sequential" else machine.block
    nets, outs = machine.forward(xs, nets=True), machine.forward(xs)
    found_deltas, hidden_gradients = deltas(machine, back, nets, outs, ts, of_batch)
    loss = machine.loss(xs, ts, of_batch)
    return Step(
        config=net.config,
        engine=net.engine,
        method=state.method,
        constants=state.constants,
        learning_rate=rate,
        l2=float(l2),
        inputs=frozen(xs),
        targets=frozen(ts),
        sample_weight=None if of_batch is None else frozen(of_batch),
        weights=all_frozen(machine.layout.weights(machine.block)),
        biases=all_frozen(machine.layout.biases(machine.block)),
        moments=old,
        powers=(old_powers[0], old_powers[1]),
        nets=all_frozen(nets),
        outs=all_frozen(outs),
        losses=frozen(_losses(machine, xs, ts)),
        loss=loss,
        hidden_gradients=all_frozen(hidden_gradients),
        deltas=all_frozen(found_deltas),
        new_weights=all_frozen(machine.layout.weights(trained.block)),
        new_biases=all_frozen(machine.layout.biases(trained.block)),
        new_moments=_moments(machine, state.moments),
        new_powers=(float(state.powers[0]), float(state.powers[1])),
        update=update,
        rows=tuple(rows.tolist()),
        diverged=not np.isfinite(loss) or trained.first_bad_layer() >= 0,
    )


def _copied(optimizer: Optimizer, net: Network) -> Optimizer:
    """A copy of an optimizer with its state, unless that belongs to another network."""
    owner = None if optimizer._owner is None else optimizer._owner()
    if optimizer._owner is not None and owner is not net:
        raise ValueError(
            f"optimizer: this {type(optimizer).__name__} holds the state of another network; give the one that"
            " trains this network, or a new one"
        )
    return copy.deepcopy(optimizer)


# ---- from the engine ---------------------------------------------------------------------------------------


def _losses(machine: Machine, samples: Array, targets: Array) -> list[float]:
    """Each sample's loss."""
    engine, plan, block = machine.engine, machine.plan, machine.block
    return [engine.loss(plan, block, samples, targets, None, row, row + 1, 0.0) for row in range(len(samples))]


def deltas(
    machine: Machine,
    block: Array,
    nets: list[Array],
    outs: list[Array],
    targets: Array,
    sample_weight: Array | None = None,
) -> tuple[list[Array], list[Array]]:
    """The deltas of every layer, sent back through the weights of `block`, and dE/dout of the hidden layers."""
    engine, plan = machine.engine, machine.plan
    found = [np.empty_like(net) for net in nets]
    gradients = [np.empty_like(net) for net in nets[:-1]]
    for s in range(len(targets)):
        engine.output_delta(plan, nets[-1][s], outs[-1][s], targets[s].astype(outs[-1].dtype), found[-1][s])
        above = found[-1][s] if sample_weight is None else sample_weight[s] * found[-1][s]
        for layer in reversed(range(1, len(nets))):
            units = layer - 1  # those below the weights `layer`
            engine.hidden_delta(
                plan, block, layer, above, nets[units][s], outs[units][s], gradients[units][s], found[units][s]
            )
            above = found[units][s]
    return found, gradients


def _moments(machine: Machine, blocks: Iterable[Array]) -> tuple[Moment, ...]:
    """Read-only copies of an optimizer's state."""
    layout = machine.layout
    return tuple((all_frozen(layout.weights(block)), all_frozen(layout.biases(block))) for block in blocks)
