"""A second learner, independent of the package: backpropagation in plain Python, rounded as one does by hand.

One sample, plain gradient descent, logistic, tanh and identity units, squared error. Every number has the trace's
name; `wrong` says which numbers are computed in another way.
"""

import random
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from itertools import pairwise
from math import exp, tanh

import numpy as np

import backprop as bp

FUNCTIONS = {
    "logistic": (lambda r, z: 1.0 / r(1.0 + r(exp(-z))), lambda r, a: a * r(1.0 - a)),
    "tanh": (lambda r, z: tanh(z), lambda r, a: 1.0 - r(a * a)),
    "identity": (lambda r, z: z, lambda r, a: 1.0),
}


class Style:
    """How someone rounds: to `digits` significant ones, or decimals if `fixed`; and what they go on with."""

    def __init__(self, digits, *, fixed=False, carried=True, inside=False, cut=False):
        self.digits, self.fixed, self.carried, self.inside = digits, fixed, carried, inside
        self.mode = ROUND_DOWN if cut else ROUND_HALF_UP

    def decimal(self, x):
        number = Decimal(repr(x))
        place = number.adjusted() - self.digits + 1
        if self.fixed:
            place = min(-self.digits, number.adjusted() - 2)
        return number.quantize(Decimal(1).scaleb(place), rounding=self.mode)

    def rounded(self, x):
        return float(self.decimal(x)) if x else x

    def used(self, x):
        return self.rounded(x) if self.carried else x

    def within(self, x):
        return self.rounded(x) if self.inside else x

    def text(self, x):
        return f"{self.decimal(x):f}" if x else "0"


class Hand:
    """A random network with its trace, and its numbers in the order of calculation."""

    def __init__(self, seed):
        rng = self.rng = random.Random(seed)
        self.sizes = [rng.randint(1, 4) for _ in range(rng.choice([2, 3, 3, 3, 4, 4]))]
        self.last = len(self.sizes) - 1
        self.names = [rng.choice(list(FUNCTIONS)) for _ in self.sizes[1:]]
        self.rate = rng.choice([0.5, 0.1, 0.3])
        draw = lambda n, digits=2: [round(rng.uniform(-1.2, 1.2), digits) or 0.1 for _ in range(n)]  # noqa: E731
        self.weights = [[draw(n) for _ in range(m)] for m, n in pairwise(self.sizes)]
        self.biases = [draw(n) for n in self.sizes[1:]]
        self.x, self.t = draw(self.sizes[0]), [rng.choice([0.01, 0.99, 0.4]) for _ in range(self.sizes[-1])]
        options = {"activation": self.names[:-1]} if self.last > 1 else {}
        net = bp.Network(self.sizes, **options, output_activation=self.names[-1])
        for layer, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            net.weights[layer][...], net.biases[layer][...] = np.array(w), np.array(b)
        self.trace = net.trace(self.x, self.t, learning_rate=self.rate)
        self.parts = self.last == 2
        self.shortcut = self.names[-1] == "identity"

    def name(self, kind, layer, *index):
        """The trace's name of a number."""
        if kind == "E":
            return "E"
        tutorial = self.last == 2
        unit = lambda k: "iho"[(layer > 0) + (layer == self.last)] + str(k)  # noqa: E731
        tag = f"_{unit(index[0])}" if tutorial else f"[{layer}][{index[0]}]"
        if kind == "part":
            return f"dEo{index[1]}/dout{tag}"
        if kind in ("w", "dw"):
            number = sum(a * b for a, b in pairwise(self.sizes[:layer]))
            number += (index[1] - 1) * self.sizes[layer - 1] + index[0]
            weight = f"w{number}" if tutorial else f"w[{layer}][{index[0]},{index[1]}]"
            return f"dE/d{weight}" if kind == "dw" else f"{weight}+"
        if kind in ("b", "db"):
            bias = f"b{tag}"
            return f"dE/d{bias}" if kind == "db" else f"{bias}+"
        return {"derivative": f"dout{tag}/dnet{tag}", "out_gradient": f"dE/dout{tag}",
                "error": f"E{tag}"}.get(kind, f"{kind}{tag}")  # fmt: skip

    def keys(self):
        """All numbers, in order."""
        units = lambda layer: range(1, self.sizes[layer] + 1)  # noqa: E731
        for layer in range(1, self.last + 1):
            for kind in ("net", "out"):
                yield from ((kind, layer, j) for j in units(layer))
        yield from (("error", self.last, j) for j in units(self.last))
        yield ("E", self.last)
        for layer in range(self.last, 0, -1):
            if self.parts and layer < self.last:
                yield from (("part", layer, i, j) for i in units(layer) for j in units(self.last))
            if not (self.shortcut and layer == self.last):
                for kind in ("out_gradient", "derivative"):
                    yield from ((kind, layer, j) for j in units(layer))
            yield from (("delta", layer, j) for j in units(layer))
            for kind in ("dw", "w"):
                yield from ((kind, layer, i, j) for j in units(layer) for i in units(layer - 1))
                yield from (("d" * (kind == "dw") + "b", layer, j) for j in units(layer))


class Sheet:
    """One calculation of a network's numbers."""

    def __init__(self, hand, style, wrong=None):
        self.hand, self.style, self.wrong = hand, style, wrong or {}
        self.exact, self.used = {}, {}

    def __call__(self, kind, layer, *index):
        key = (kind, layer, *index)
        if key not in self.used:
            self.exact[key] = self.wrong[key](self, key) if key in self.wrong else self.right(key)
            self.used[key] = self.style.used(self.exact[key])
        return self.used[key]

    def source(self, layer, i):
        return self.hand.x[i - 1] if layer == 1 else self("out", layer - 1, i)

    def right(self, key):
        """By the rule."""
        hand, r, (kind, layer, *index) = self.hand, self.style.within, key
        if kind == "E":
            return sum(self("error", layer, j) for j in range(1, hand.sizes[-1] + 1))
        j = index[-1]
        if kind == "net":
            total = 0.0
            for i in range(1, hand.sizes[layer - 1] + 1):
                total = r(total + r(hand.weights[layer - 1][i - 1][j - 1] * self.source(layer, i)))
            return total + hand.biases[layer - 1][j - 1]
        if kind == "out":
            return FUNCTIONS[hand.names[layer - 1]][0](r, self("net", layer, j))
        if kind == "error":
            return 0.5 * r(r(hand.t[j - 1] - self("out", layer, j)) ** 2)
        if kind == "derivative":
            return FUNCTIONS[hand.names[layer - 1]][1](r, self("out", layer, j))
        if kind == "part":
            return self("delta", layer + 1, j) * hand.weights[layer][index[0] - 1][j - 1]
        if kind == "out_gradient" or (kind == "delta" and layer == hand.last and hand.shortcut):
            if layer == hand.last:
                return self("out", layer, j) - hand.t[j - 1]
            above = range(1, hand.sizes[layer + 1] + 1)
            if hand.parts:
                return sum(self("part", layer, j, k) for k in above)
            return sum(r(self("delta", layer + 1, k) * hand.weights[layer][j - 1][k - 1]) for k in above)
        if kind == "delta":
            return self("out_gradient", layer, j) * self("derivative", layer, j)
        if kind == "dw":
            return self("delta", layer, j) * self.source(layer, index[0])
        if kind == "db":
            return self("delta", layer, j)
        old = hand.weights[layer - 1][index[0] - 1][j - 1] if kind == "w" else hand.biases[layer - 1][j - 1]
        return old - r(hand.rate * self(f"d{kind}", layer, *index))

    def written(self, keys):
        """What stands on the paper."""
        for key in keys:
            self(*key)
        return {self.hand.name(*key): self.style.text(self.exact[key]) for key in keys}
