"""One network at work: an engine, the plan it was given, and the parameter block it works on.

It checks nothing and decides nothing; `Network` and `_training` do. What it adds to an engine's doors is the
allocation of results and the slicing that lets Ctrl-C through.
"""

from typing import Any

import numpy as np

from ._layout import Array, Layout
from ._pacing import Pace, slices

WEIGHTS_AT_ONCE = 4096
AT_ONCE = 1 << 16  # products that either engine does well within a slice's time


def total_weight(n_samples: int, sample_weight: Array | None, dtype: np.dtype[Any]) -> float:
    """The samples' weights, rounded to the dtype, added in order (NumPy's sum has its own); or their number."""
    if sample_weight is None:
        return float(n_samples)
    total = 0.0
    for start in range(0, n_samples, WEIGHTS_AT_ONCE):
        part = sample_weight[start : start + WEIGHTS_AT_ONCE].astype(dtype).astype(np.float64)
        part[0] = total + part[0]
        total = float(np.add.accumulate(part)[-1])
    return total


class Machine:
    """The doors of one engine, bound to one network's plan and parameters.

    Parameters
    ----------
    engine : module
        `_core` or `_reference`.
    layout : Layout
        Where the parameters stand.
    sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, dtype
        The specification; see `_reference.make_plan`.
    """

    def __init__(
        self,
        engine: Any,
        layout: Layout,
        *,
        sizes: tuple[int, ...],
        activations: tuple[Any, ...],  # names, or rows that are the user's
        loss: Any,
        shortcut: bool,
        bias: str,
        train_bias: bool,
        sequential: bool,
        huber_delta: float,
        dtype: str,
    ) -> None:
        self.engine = engine
        self.layout = layout
        self.fan_outs = sizes[1:]
        self.block = layout.new_block()
        # Whether the doors call functions of the user's, which may raise anything.
        self.asks_the_user = not all(isinstance(function, str) for function in (*activations, loss))
        self.plan = engine.make_plan(
            sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, dtype,
            layout.strides, layout.weight_offsets, layout.bias_offsets, layout.size,
        )  # fmt: skip

    def quick(self, claim: list[Any], target_range: tuple[float, float]) -> Any:
        """The engine's short way for calls with one sample, or few; None if it has none."""
        return self.engine.make_quick(self.plan, self.block, claim, np.empty, *target_range)

    def new_pace(self, samples_per_item: int = 1) -> Pace:
        """A pace for work that visits samples, one or several at a time."""
        terms = 3 * self.layout.n_parameters + 30  # forward, back, update; and a call's own cost
        return Pace(samples_per_item * terms * self.engine.NANOSECONDS_PER_TERM * 1e-9)

    def forward(self, X: Array, *, nets: bool = False, layers: slice = slice(None)) -> list[Array]:
        """The outs, or the nets, of some layers: arrays (n_samples, fan_out)."""
        sheets: list[Array | None] = [None] * len(self.fan_outs)
        for layer in range(len(self.fan_outs))[layers]:
            sheets[layer] = np.empty((len(X), self.fan_outs[layer]), self.layout.dtype)
        unwanted: list[Array | None] = [None] * len(self.fan_outs)
        for start, stop in slices(len(X), self.new_pace()):
            both = (sheets, unwanted) if nets else (unwanted, sheets)
            self.engine.forward(self.plan, self.block, X, start, stop, *both)
        return [sheet for sheet in sheets if sheet is not None]

    def outputs(self, X: Array) -> Array:
        """The last layer's outs; few samples go to the engine at once, as slicing would cost more than they do."""
        if len(X) * self.layout.n_parameters > AT_ONCE:
            return self.forward(X, layers=slice(-1, None))[0]
        out = np.empty((len(X), self.fan_outs[-1]), self.layout.dtype)
        unwanted: list[Array | None] = [None] * len(self.fan_outs)
        self.engine.forward(self.plan, self.block, X, 0, len(X), unwanted, [*unwanted[:-1], out])
        return out

    def loss(self, X: Array, T: Array, sample_weight: Array | None) -> float:
        """The mean over the samples of their losses, weighted if there are weights."""
        total = 0.0
        for start, stop in slices(len(X), self.new_pace()):
            total = self.engine.loss(self.plan, self.block, X, T, sample_weight, start, stop, total)
        return total / total_weight(len(X), sample_weight, self.layout.dtype)

    def gradients(self, X: Array, T: Array, sample_weight: Array | None) -> tuple[Array, Array]:
        """The mean loss's gradient: a block like the parameters', and an array like X."""
        sums = self.layout.new_block()
        inputs = np.empty(X.shape, self.layout.dtype)
        for start, stop in slices(len(X), self.new_pace()):
            self.engine.gradients(self.plan, self.block, X, T, sample_weight, start, stop, sums, inputs)
        inverse = self.layout.dtype.type(1.0 / total_weight(len(X), sample_weight, self.layout.dtype))
        return np.multiply(sums, inverse, out=sums), np.multiply(inputs, inverse, out=inputs)

    def first_bad_layer(self) -> int:
        """The first layer of weights with a parameter that is not finite, or -1."""
        return int(self.engine.first_bad_layer(self.plan, self.block))

    def first_bad_net(self, X: Array) -> int:
        """The first layer with a parameter, or a net of these samples, that is not finite; else the last."""
        nets = self.forward(X, nets=True)
        found = [layer for layer, net in enumerate(nets) if not np.isfinite(net).all()]
        parameter = self.first_bad_layer()
        return min([*found, parameter] if parameter >= 0 else found, default=len(nets) - 1)
