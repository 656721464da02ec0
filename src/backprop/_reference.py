"""The pure-Python engine: the doors, which take buffers; the arithmetic is in `_steps.py`.

The compiled engine (`_core.pyx`) opens the same doors and gives the same bits; the tests compare the two. A door
takes buffers (anything that `memoryview` accepts as float64 or float32, C-contiguous), reads lists out of them
and writes lists back. X, T and sample weights may have either dtype, every other buffer of a network's numbers
has the network's own. No NumPy.
"""

from array import array
from collections.abc import Sequence
from math import inf
from typing import Any, TypeVar

from ._elementary import FUNCTIONS
from ._single import Single
from ._steps import (
    Optimizer,
    Parameters,
    Plan,
    Rows,
    back_through,
    bias_sums,
    flat,
    layer_gradient,
    output_deltas,
    put,
    reported_loss,
    sample_forward,
    sample_loss,
    squares,
    train_batch,
    update_layer,
)  # fmt: skip
from .functions import ACTIVATIONS, LOSSES, Activation, Loss

Row = TypeVar("Row", Activation, Loss)

NAME = "python"
INSTRUCTION_SET = "none: plain Python floats"
BUILT_WITH = "nothing: it is not compiled"
SEES_SIGNALS = True  # a signal handler may run, and raise, anywhere inside a door
NANOSECONDS_PER_TERM = 100.0  # rough cost of one multiplication and addition; sizes the first slice only

# What `train_epochs` may say; the last item of its answer.
FINISHED, PAUSED, LOSS_NOT_FINITE, PARAMETER_NOT_FINITE, STOPPED = 0, 1, 2, 3, 4

SCAN_EVERY = 1024  # batches of a call between two looks at the parameters


def make_plan(
    sizes: Sequence[int],
    activations: Sequence[str | Activation],
    loss: str | Loss,
    shortcut: bool,
    bias: str,
    train_bias: bool,
    sequential: bool,
    huber_delta: float,
    dtype: str,
    strides: Sequence[int],
    weight_offsets: Sequence[int],
    bias_offsets: Sequence[int],
    size: int,
) -> Plan:
    """A network's specification, and where its numbers stand in the parameter block.

    Parameters
    ----------
    sizes : sequence of int
        Units per layer, input first.
    activations : sequence of str or Activation
        One per layer of weights: a name of the table, or (this engine alone) a row that is not in it.
    loss : str or Loss
        The loss's name, or a row.
    shortcut : bool
        Whether the output deltas are out - target, as for the pairs in `functions.SHORTCUTS`.
    bias : str
        "per_unit", "shared" or "none".
    train_bias, sequential : bool
        Whether biases are updated, and whether each layer is updated before its delta goes further back.
    huber_delta : float
        The threshold of the loss "huber".
    dtype : str
        "float64" or "float32": of the parameters, and of every operation but the sums over samples of losses and
        weights.
    strides, weight_offsets, bias_offsets : sequence of int
        Per layer of weights, in items of the block: from one row to the next, and where weights and bias begin.
    size : int
        The length of the block.
    """
    rows = tuple(_row(activation, ACTIVATIONS, Activation, "activation") for activation in activations)
    places = tuple(strides), tuple(weight_offsets), tuple(bias_offsets)
    single = dtype == "float32"
    threshold = Single(huber_delta) if single else huber_delta
    loss_row = _row(loss, LOSSES, Loss, "loss").configured(rows[-1].name, threshold)
    return Plan(tuple(sizes), rows, loss_row, shortcut, bias, train_bias, sequential, single, *places, size)


def make_quick(plan: Plan, parameters: Any, claim: list[Any], new_array: Any, low: float, high: float) -> None:
    """The short way for calls with one sample, or few, if an engine has one; this one does not.

    What it returns has the methods ``step(x, t, learning_rate)`` and ``forward(X)``. Each either does what
    `Network` does, with the same bits, or returns None, with nothing changed, and leaves the call to the long way.

    Parameters
    ----------
    parameters : ndarray
        The network's block, which is updated. Arguments that are arrays of another type go the long way.
    claim : list of one item
        None, or what is training this network: nothing else may then.
    new_array : callable
        Makes an array from a shape and a dtype.
    low, high : float
        The least and the greatest target.
    """


def _row(function: Any, table: dict[str, Row], kind: type[Row], what: str) -> Row:
    """A row of the table by its name, or the given row."""
    if isinstance(function, kind):
        return function
    if not isinstance(function, str) or function not in table:
        raise ValueError(f"the Python engine has no {what} {function!r}")
    return table[function]


def first_outside(values: Any, low: float, high: float) -> int:
    """The index of the first value that is not within [low, high] (NaN never is), or -1. `values` is flat."""
    for index, value in enumerate(memoryview(values)):
        if not low <= value <= high:
            return index
    return -1


def elementary(name: str, values: Any, values_out: Any) -> None:
    """Write one of the package's own functions of each number to `values_out`.

    Parameters
    ----------
    name : str
        A key of `_elementary.FUNCTIONS`.
    values, values_out : buffer of float64 or float32, flat
        Of the same dtype and length; they may be the same. The dtype picks the function.
    """
    values, values_out = memoryview(values), memoryview(values_out)
    if len(values_out) != len(values):
        raise ValueError(f"values_out of {len(values_out)} numbers, expected {len(values)}")
    function, number = FUNCTIONS[name], Single if values.format == "f" else float
    values_out[:] = array(values.format, [function(number(value)) for value in values.tolist()])


def first_bad_layer(plan: Plan, parameters: Any) -> int:
    """The first layer of weights that holds a parameter which is not finite, or -1."""
    return Parameters(plan, parameters).first_bad_layer()


def forward(
    plan: Plan, parameters: Any, X: Any, start: int, stop: int, nets_out: Sequence[Any], outs_out: Sequence[Any]
) -> None:
    """The forward passes of the samples start..stop-1.

    `nets_out` and `outs_out` have an item for each layer: a buffer (n_samples, fan_out) to write to, or None.
    """
    of_network = Parameters(plan, parameters)
    X = flat(X)
    for row in range(start, stop):
        nets, outs = sample_forward(plan, of_network, plan.row_of(X, row, plan.sizes[0]))
        for wanted, numbers in ((nets_out, nets), (outs_out, outs)):
            for layer in plan.layers:
                if wanted[layer] is not None:
                    put(flat(wanted[layer]), row * len(numbers[layer]), numbers[layer])


def loss(
    plan: Plan, parameters: Any, X: Any, T: Any, sample_weight: Any, start: int, stop: int, total: float
) -> float:
    """`total` plus the losses of the samples start..stop-1, each times its weight, added one by one."""
    of_network = Parameters(plan, parameters)
    X, T = flat(X), flat(T)
    weights: Any = None if sample_weight is None else memoryview(sample_weight)
    for row in range(start, stop):
        nets, outs = sample_forward(plan, of_network, plan.row_of(X, row, plan.sizes[0]))
        error = sample_loss(plan, nets[-1], outs[-1], plan.row_of(T, row, plan.sizes[-1]))
        total = total + plan.weight_of(weights, row) * error
    return total


def gradients(
    plan: Plan, parameters: Any, X: Any, T: Any, sample_weight: Any, start: int, stop: int, sums_out: Any,
    inputs_out: Any, total_out: Any = None,
) -> None:  # fmt: skip
    """Add the samples' dE/dw and dE/db to `sums_out`, a block like the parameters'; write dE/dx to `inputs_out`.

    These are sums over the samples start..stop-1 of each sample's own gradient, times its weight; nothing is
    divided. `inputs_out` may be None. To the one float64 of `total_out`, if it is not None, the samples' losses as
    scikit-learn reports them are added, each times its weight.
    """
    of_network = Parameters(plan, parameters)
    sums = Parameters(plan, sums_out)
    X, T = flat(X), flat(T)
    inputs, total = (None if values is None else flat(values) for values in (inputs_out, total_out))
    weights: Any = None if sample_weight is None else memoryview(sample_weight)
    for row in range(start, stop):
        x, target = plan.row_of(X, row, plan.sizes[0]), plan.row_of(T, row, plan.sizes[-1])
        nets, outs = sample_forward(plan, of_network, x)
        delta = output_deltas(plan, nets[-1], outs[-1], target)
        if total is not None:
            error = reported_loss(plan, nets[-1], outs[-1], target)
            total[0] = total[0] + plan.weight_of(weights, row) * error
        if weights is not None:
            weight = plan.number(weights[row])
            delta = [weight * d for d in delta]
        for layer in reversed(plan.layers):
            below = outs[layer - 1] if layer > 0 else x
            sums.weights[layer] = [
                [s + d * out for s, d in zip(of_row, delta)] for of_row, out in zip(sums.weights[layer], below)
            ]
            sums.biases[layer] = [s + d for s, d in zip(sums.biases[layer], bias_sums(plan, [delta]))]
            if layer == 0 and inputs is None:
                continue
            back = back_through(of_network.weights[layer], delta)
            if layer > 0:
                delta = plan.activations[layer - 1].deltas(back, nets[layer - 1], below)
            else:
                put(inputs, row * len(back), back)
    sums.write_back()


def output_delta(plan: Plan, net: Any, out: Any, target: Any, delta_out: Any) -> None:
    """One sample's dE/dnet of the output layer; all arguments are flat, of n_outputs numbers."""
    n = plan.sizes[-1]
    delta = output_deltas(plan, *(plan.row_of(flat(values), 0, n) for values in (net, out, target)))
    put(flat(delta_out), 0, delta)


def hidden_delta(
    plan: Plan, parameters: Any, layer: int, delta: Any, net: Any, out: Any, gradient_out: Any, delta_out: Any
) -> None:
    """One sample's dE/dout and dE/dnet of the units below the weights `layer` (at least 1).

    `delta` belongs to the units above those weights; `net` and `out` to the units below.
    """
    n_above, n_below = plan.sizes[layer + 1], plan.sizes[layer]
    back = back_through(Parameters(plan, parameters).weights[layer], plan.row_of(flat(delta), 0, n_above))
    nets, outs = plan.row_of(flat(net), 0, n_below), plan.row_of(flat(out), 0, n_below)
    put(flat(gradient_out), 0, back)
    put(flat(delta_out), 0, plan.activations[layer - 1].deltas(back, nets, outs))


def update(plan: Plan, parameters: Any, layer: int, below: Any, delta: Any, learning_rate: float) -> None:
    """One sample's plain SGD update of one layer of weights, and of its bias if that is trained.

    `below` are the outputs of the layer below; no parameter may be -0.0.
    """
    of_network = Parameters(plan, parameters)
    outs = plan.row_of(flat(below), 0, plan.sizes[layer])
    deltas = plan.row_of(flat(delta), 0, plan.sizes[layer + 1])
    one = plan.number(1.0)
    optimizer = Optimizer(plan, ("sgd", (), (), array("d")))
    optimizer.begin(learning_rate)
    update_layer(
        plan, of_network, optimizer, layer, layer_gradient(plan, of_network, layer, [outs], [deltas], one, 0.0)
    )
    of_network.write_back()


def train_epochs(
    plan: Plan,
    parameters: Any,
    X: Any,
    T: Any,
    sample_weight: Any,
    indices: Any,
    learning_rates: Any,
    l2: float,
    optimizer: tuple[str, Sequence[float], Sequence[Any], Any],
    batch_size: int,
    place: tuple[int, int, int, float, float],
    stop_epoch: int,
    max_batches: int,
    stop_below: float,
    history_out: Any,
    batch_loss_factor: float = 0.0,
    clip_norm: float = 0.0,
    n_threads: int = 1,
) -> tuple[tuple[int, int, int, float, float], int]:
    """Train from a place in the run until `stop_epoch`, or until `max_batches` batches are done.

    Parameters
    ----------
    sample_weight : buffer of float64, flat, or None
        One for each sample; not all 0.
    indices : buffer of intp (at least stop_epoch - epoch, n_samples), or None
        The order of the samples, a row for each epoch, the first row for the place's epoch. None: as they stand.
    learning_rates : buffer of float64, flat
        One for each epoch, counted from 0.
    l2 : float
        Half of it times the sum of the squared weights belongs to the loss that is followed.
    optimizer : tuple
        "sgd", "momentum", "nesterov" or "adam"; its constants (none, momentum, momentum, or beta_1, beta_2 and
        epsilon); its blocks of state, like the parameters' (none, one, one, two); the running powers of Adam's
        betas, two numbers.
    place : tuple
        The epoch, how many of its samples are done, how many batches the run has done, and the sums of this
        epoch's weighted losses and of its weights so far. A run starts at (0, 0, 0, 0.0, 0.0).
    stop_below : float
        The run ends after an epoch whose mean loss is below this, if losses are recorded.
    history_out : buffer of float64, flat, or None
        The mean loss of each finished epoch is written to its item. None: no losses are computed.
    batch_loss_factor : float
        Above 0: count as scikit-learn does. `l2` is then alpha itself, and the loss of a batch of weight B is
        this factor times its samples' reported losses, plus ``0.5*l2*sum(w*w)`` with the weights from before the
        update, the whole divided by B. An epoch's loss is the mean of its batches' losses, each times its number
        of samples. Losses that are not finite stop nothing; parameters are looked at after each epoch.
    clip_norm : float
        Above 0: a batch's gradient with a greater Euclidean norm is scaled down to it. Not for sequential plans.
    n_threads : int
        How many may share the work of a batch, at most. This engine has one.

    Returns
    -------
    place, status
        The place reached, and FINISHED, PAUSED, STOPPED, LOSS_NOT_FINITE or PARAMETER_NOT_FINITE; for the last two
        the place is that of the batch in which it was seen, or after the epoch. That batch has been applied only
        in the last case.
    """
    epoch, sample, batch, total, weight = place
    if clip_norm > 0.0 and plan.sequential:
        raise ValueError("clip_norm with a sequential plan")
    n_samples = len(memoryview(X))
    X, T = flat(X), flat(T)
    of_network = Parameters(plan, parameters)
    if batch == 0:  # no parameter is -0.0 from here on
        of_network.weights = [[[w + 0.0 for w in row] for row in rows] for rows in of_network.weights]
        of_network.biases = [[b + 0.0 for b in row] for row in of_network.biases]
    order = None if indices is None else flat(indices)
    rates, history = memoryview(learning_rates), None if history_out is None else flat(history_out)
    weights: Any = None if sample_weight is None else memoryview(sample_weight)
    by_optimizer = Optimizer(plan, optimizer)
    loss_of = sample_loss if batch_loss_factor == 0.0 else reported_loss
    first_epoch = epoch
    last_batch = batch + max_batches
    status = FINISHED
    while epoch < stop_epoch and status == FINISHED:
        if batch == last_batch:
            status = PAUSED
            break
        stop = min(sample + batch_size, n_samples)
        start = (epoch - first_epoch) * n_samples
        rows = range(sample, stop) if order is None else order[start + sample : start + stop].tolist()
        batch_total = total if batch_loss_factor == 0.0 else 0.0
        xs: Rows = []
        nets: list[Rows] = []
        outs: list[Rows] = []
        deltas: Rows = []
        batch_weight = 0.0
        for row in rows:
            batch_weight = batch_weight + plan.weight_of(weights, row)
        if batch_weight == 0.0:  # all of its weights are: it is passed over
            rows = []
        for row in rows:
            x, target = plan.row_of(X, row, plan.sizes[0]), plan.row_of(T, row, plan.sizes[-1])
            net, out = sample_forward(plan, of_network, x)
            delta = output_deltas(plan, net[-1], out[-1], target)
            if weights is not None:
                of_sample = plan.number(weights[row])
                delta = [of_sample * d for d in delta]
            if history is not None:
                error = loss_of(plan, net[-1], out[-1], target)
                batch_total = batch_total + plan.weight_of(weights, row) * error
            xs.append(x)
            nets.append(net)
            outs.append(out)
            deltas.append(delta)
            weight = weight + plan.weight_of(weights, row)
        if batch_loss_factor == 0.0:
            total = batch_total
            if not -inf < total < inf:
                status = LOSS_NOT_FINITE
                break
        elif xs and history is not None:
            penalty = 0.5 * l2 * squares(plan, of_network) if l2 != 0.0 else 0.0
            total = total + len(xs) * ((batch_loss_factor * batch_total + penalty) / batch_weight)
        if xs:
            by_optimizer.begin(rates[epoch])
            alpha = plan.number(l2 if batch_loss_factor > 0.0 else l2 * batch_weight)
            inverse = plan.number(1.0 / batch_weight)
            train_batch(plan, of_network, by_optimizer, nets, outs, xs, deltas, inverse, alpha, clip_norm)
        batch = batch + 1
        if batch_loss_factor == 0.0 and batch % SCAN_EVERY == 0 and of_network.first_bad_layer() >= 0:
            status = PARAMETER_NOT_FINITE
            break
        sample = stop
        if sample == n_samples:
            if history is not None:
                history[epoch] = total / (weight if batch_loss_factor == 0.0 else n_samples)
                if history[epoch] < stop_below:
                    status = STOPPED
            epoch, sample, total, weight = epoch + 1, 0, 0.0, 0.0
            if batch_loss_factor > 0.0 and status == FINISHED and of_network.first_bad_layer() >= 0:
                status = PARAMETER_NOT_FINITE
    for numbers in (of_network, *by_optimizer.moments):
        numbers.write_back()
    return (epoch, sample, batch, total, weight), status
