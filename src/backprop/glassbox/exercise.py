"""Exercises: random networks whose numbers have one or two digits, fit to be calculated by hand."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import _checks as checks
from ..functions import LOSSES
from ..network import Network
from .names import Key, Names
from .trace import trace_step

__all__ = ["exercise"]

SIZES = ((2, 2, 1), (2, 2, 2), (3, 2, 1), (2, 3, 1))  # an hour's work at most
RATES = (0.1, 0.2, 0.4)  # not .5, which a forgotten 1/2 would hide behind
TRIES = 100
MOST = 1_000  # weights


def exercise(seed: int, sizes: Sequence[int] | None = None, **options: Any) -> dict[str, Any]:
    """A random network, a sample and a learning rate, in the form of a network file.

    Weights, biases and inputs are tenths from 0.1 to 0.9, inputs above 0, the others of either sign, and of
    different size as far as there are enough (of ten and more they are hundredths): a wrong weight gives a wrong
    number. Of a hundred draws the first is taken in which no hidden unit is dead and no delta is 0.

    Parameters
    ----------
    seed : int
        The same seed and options give the same exercise, on every machine.
    sizes : sequence of int, optional
        Units per layer. By default one of a few small ones.
    **options
        As `Network` takes them: activation, output_activation, loss, bias, train_bias, update_order.

    Returns
    -------
    dict
        With sizes, the options, learning_rate, x, t, and parameters by their names.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    rng = checks.random_state(seed)  # its streams are the same in every version of NumPy
    chosen = list(SIZES[rng.randint(len(SIZES))]) if sizes is None else [*sizes]
    checks.layer_sizes(chosen)
    count = sum(i * j for i, j in pairwise(chosen))
    if count > MOST:
        raise ValueError(f"sizes: {count:,} weights are too many for an exercise; at most {MOST:,}")
    for _ in range(TRIES):
        net = Network(chosen, random_state=0, **options)
        weights = _tenths(rng, count, signs=True)
        biases = _tenths(rng, sum(len(bias) for bias in net.biases), signs=True)
        at = 0
        for view in net.weights:
            view.T[...] = np.reshape(weights[at : at + view.size], view.T.shape)
            at += view.size
        at = 0
        for view in net.biases:
            view[...] = biases[at : at + view.size]
            at += view.size
        x, t = _tenths(rng, chosen[0]), _targets(rng, net)
        rate = RATES[rng.randint(len(RATES))]
        trace = trace_step(net, x, t, learning_rate=rate)
        if not trace.dead_units and all(record.value for record in trace.select(phase="backward", kind="delta")):
            break
    names = Names(net.config)
    parameters = {names.name(key): trace.quantities.value(key) for key in _parameters(net)}
    return {
        "sizes": chosen,
        **options,
        "learning_rate": rate,
        "x": x,
        "t": t,
        "parameters": {name: round(float(value), 2) for name, value in parameters.items()},
    }


def _parameters(net: Network) -> list[Key]:
    """The weights and biases in the order of their names."""
    found = []
    for layer, (weights, biases) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        below, above = weights.shape
        found += [Key("parameter", layer, (i + 1, j + 1)) for j in range(above) for i in range(below)]
        shared = net.config.bias == "shared"
        found += [Key("parameter", layer, () if shared else (j + 1,)) for j in range(len(biases))]
    return found


def _tenths(rng: np.random.RandomState, count: int, *, signs: bool = False) -> list[float]:
    """Different numbers of one digit, or if there are not enough, of two; one in three below 0 if signs may be."""
    parts = 10 if count < 10 else 100
    found: list[int] = []
    while len(found) < count:
        found += (rng.permutation(parts - 1) + 1).tolist()
    sign = [-1 if signs and rng.randint(3) == 0 else 1 for _ in range(count)]
    return [s * k / parts for s, k in zip(sign, found[:count], strict=True)]


def _targets(rng: np.random.RandomState, net: Network) -> list[float]:
    """Targets that the loss allows and an output can be far from."""
    count, allowed = net.config.sizes[-1], LOSSES[str(net.config.loss)].target_range
    if net.config.output_activation == "softmax":
        chosen = rng.randint(count)
        return [float(k == chosen) for k in range(count)]
    if net.config.loss == "log_loss":
        return [float(rng.randint(2)) for _ in range(count)]
    if allowed is not None:  # counts
        return [float(rng.randint(4)) for _ in range(count)]
    return [(0.1, 0.9)[rng.randint(2)] for _ in range(count)]
