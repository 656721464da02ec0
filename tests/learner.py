"""A learner who calculates by hand, step by step, rounding as they go, with mistakes if told to."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from math import isfinite

import numpy as np
from strategies import HIDDEN, PAIRS, targets_for

import backprop as bp
from backprop.glassbox.conventions import Graph


class Learner:
    """Works through a trace's calculation.

    Parameters
    ----------
    trace : Trace
    digits : int
    fixed : bool
        Whether digits are counted after the point.
    at_each_step : bool
        Whether every number is rounded before it is used; if not, only what is written down.
    chopped : bool
        Whether digits are cut off.
    mistakes : dict of Key to (op, operands)
        What they do instead.
    convention : Convention, optional
    """

    def __init__(self, trace, digits, *, fixed=False, at_each_step=True, chopped=False, mistakes=None, graph=None):
        self.graph = graph or Graph(trace)
        self.digits, self.fixed, self.at_each_step = digits, fixed, at_each_step
        self.rounding = ROUND_DOWN if chopped else ROUND_HALF_EVEN
        self.mistakes = mistakes or {}
        self.used, self.exact, self.busy = {}, {}, set()

    def rounded(self, x, least=2):
        if not isfinite(x) or x == 0.0:
            return Decimal(x)
        number = x if isinstance(x, Decimal) else Decimal(x)
        first = number.adjusted()
        place = -self.digits if self.fixed else first - self.digits + 1
        if self.fixed and least:
            place = min(place, first + 1 - least)  # they go on with 0.00044, not with 0.000
        return number.quantize(Decimal(1).scaleb(place), rounding=self.rounding)

    def value(self, key):
        """The number that they go on with."""
        if key not in self.used:
            if key in self.busy:  # a mistake that would need its own result
                return self.graph.value(key)
            self.busy.add(key)
            op, operands = self.mistakes.get(key) or self.graph.definition(key)
            if operands:
                found = float(op([self.value(operand) for operand in operands]))
                self.exact[key] = found
                self.used[key] = float(self.rounded(found)) if self.at_each_step else found
            else:
                self.exact[key] = self.used[key] = self.graph.value(key)
        return self.used[key]

    def sheet(self, keys, as_text=True):
        """What they write down."""
        found = {}
        for key in keys:
            self.value(key)
            number = self.rounded(self.exact[key], least=0)
            found[self.graph.name(key)] = (
                (f"{number:f}" if abs(number.adjusted()) < 15 else str(number)) if as_text else float(number)
            )
        return found


def computed_keys(trace):
    """All numbers that are computed, in order."""
    graph, order = Graph(trace), trace.quantities.order
    keys = [section.key(k) for section in (*order.sections, *order.after) for k in range(len(section))]
    return [key for key in keys if not graph.is_given(key)]


def random_trace(seed, *, optimizers=True, batch=True, width=4):
    """The trace of a random network, of a friendly size."""
    rng = np.random.RandomState(seed)
    depth = rng.choice([0, 1, 1, 1, 2, 3])
    sizes = [int(n) for n in rng.randint(1, width + 1, size=depth + 2)]
    output_activation, loss = PAIRS[rng.randint(len(PAIRS))]
    if output_activation == "softmax":
        sizes[-1] = max(sizes[-1], 2)
    options = {
        "activation": [HIDDEN[rng.randint(len(HIDDEN))] for _ in sizes[1:-1]],
        "output_activation": output_activation,
        "loss": loss,
        "bias": ["per_unit", "shared", "none"][rng.randint(3)],
        "train_bias": bool(rng.randint(2)),
        "update_order": ["simultaneous", "simultaneous", "sequential"][rng.randint(3)],
    }
    net = bp.Network(sizes, **options, random_state=seed)
    for array in (*net.weights, *net.biases):
        array[:] = np.round(rng.uniform(-1.5, 1.5, size=array.shape), rng.choice([1, 2, 3]))
    samples = rng.choice([1, 1, 1, 3]) if batch else 1
    x = np.round(rng.uniform(-1.0, 1.5, size=(samples, sizes[0])), 2)
    t = np.round(targets_for(options, (samples, sizes[-1]), rng), 2)
    if output_activation == "softmax" and loss == "log_loss":
        t = np.eye(sizes[-1])[rng.randint(sizes[-1], size=samples)]
    if samples == 1:
        x, t = x[0], t[0]
    chosen = rng.randint(6) if optimizers else 0
    optimizer = {3: bp.SGD(momentum=0.9), 4: bp.SGD(momentum=0.5, nesterov=True), 5: bp.Adam()}.get(chosen, "sgd")
    after = int(rng.choice([0, 0, 2])) if chosen >= 3 else 0
    l2 = 0.1 if optimizers and rng.randint(5) == 0 else 0.0
    rate = float(rng.choice([0.5, 0.1, 0.25, 0.3]))
    return net.trace(x, t, learning_rate=rate, optimizer=optimizer, l2=l2, after=after)
