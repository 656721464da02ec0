"""What each number of a step is computed from, and by which operation, and its value.

Nothing is computed but what is asked for. For each kind of number that is computed there is one method.
"""

from functools import cached_property
from typing import Any

from ..functions import Activation, Loss
from .names import Key
from .ops import (
    AdamMean,
    AdamRate,
    AdamSquare,
    AdamUpdate,
    BatchGradient,
    Delta,
    Difference,
    Given,
    MeanLoss,
    MomentumUpdate,
    NesterovUpdate,
    Op,
    PlainUpdate,
    Product,
    Sum,
    Unchanged,
    Velocity,
    WeightedSum,
)
from .row_ops import (
    Activate,
    ActivateLayer,
    DeltaOfLayer,
    Derivative,
    Error,
    ErrorOfLayer,
    OutGradient,
    needed,
)
from .sections import CONSTANTS, STATES, Order
from .step import Moment, Step

__all__ = ["Definition", "Quantities"]

Definition = tuple[Op, list[Key]]
AFTER = {kind: f"new_{kind}" for kind in ("parameter", "net", "out", "error", "loss")}


class Quantities:
    """The numbers of one recorded step.

    Parameters
    ----------
    step : Step

    Attributes
    ----------
    order : Order
        Which numbers there are.
    """

    def __init__(self, step: Step) -> None:
        self.step, self.order = step, Order(step)
        self._values: dict[Key, float] = {}  # of the pass after the step, where each number is used many times

    def _row(self, layer: int) -> Activation:
        return self.step.activations[layer - 1]

    # ---- operations ----------------------------------------------------------------------------------------

    def definition(self, key: Key) -> Definition:
        """The operation that computes a number, and its operands."""
        handler = getattr(self, f"_define_{key.kind}", None)
        return handler(key) if handler else (Given(), [])

    def _unit_keys(self, kind: str, layer: int, sample: int | None) -> list[Key]:
        return [Key(kind, layer, (k,), sample) for k in range(1, self.order.sizes[layer] + 1)]

    def below(self, layer: int, i: int, sample: int | None) -> Key:
        """What the weights from unit i into a layer multiply."""
        return Key("out" if layer > 1 else "input", layer - 1, (i,), sample)

    def _delta(self, layer: int, j: int, sample: int | None) -> Key:
        """The delta that goes on from a unit."""
        kind = "weighted_delta" if self.order.weighted and layer == self.order.last else "delta"
        return Key(kind, layer, (j,), sample)

    def back_weight(self, layer: int, i: int, j: int) -> Key:
        """The weight through which a delta goes back."""
        new = self.step.config.update_order == "sequential"
        return Key("new_parameter" if new else "parameter", layer, (i, j))

    def _define_net(self, key: Key) -> Definition:
        _, layer, (j,), sample = key
        assert layer is not None
        bias = self.step.config.bias
        keys: list[Key] = []
        for i in range(1, self.order.sizes[layer - 1] + 1):
            keys += [Key("parameter", layer, (i, j)), self.below(layer, i, sample)]
        if bias != "none":
            keys.append(Key("parameter", layer, (j,) if bias == "per_unit" else ()))
        return WeightedSum(bias=bias != "none"), keys

    def _define_out(self, key: Key) -> Definition:
        _, layer, (j,), sample = key
        assert layer is not None
        row = self._row(layer)
        if row.per_unit:
            return Activate(row), [key._replace(kind="net")]
        return ActivateLayer(row, j - 1), self._unit_keys("net", layer, sample)

    def _define_error(self, key: Key) -> Definition:
        row = self.step.loss_row
        if type(row).values is not Loss.values:
            nets = self._unit_keys("net", self.order.last, key.sample)
            return ErrorOfLayer(row, key.indices[0] - 1), [*nets, key._replace(kind="target")]
        uses, keys = self._arguments(key, row, row.value, row.formula, ("net", "out", "target"))
        return Error(row, uses), keys

    def _arguments(
        self, key: Key, row: Activation | Loss, function: Any, formula: str, names: tuple[str, ...]
    ) -> tuple[tuple[str, ...], list[Key]]:
        """What a row's method needs of a unit's net, out and target."""
        uses = needed(row, function, formula, {name: self.value(key._replace(kind=name)) for name in names})
        return uses, [key._replace(kind=name) for name in uses]

    def _define_loss(self, key: Key) -> Definition:
        if key.sample is not None or not self.order.batch:
            return Sum(), self._unit_keys("error", self.order.last, key.sample or 1)
        keys: list[Key] = []
        for s in self.order.samples:
            keys += [Key("sample_weight", None, (), s)] if self.order.weighted else []
            keys.append(Key("loss", None, (), s))
        return MeanLoss(self.order.weighted), [*keys, Key("batch_weight")]

    def _define_batch_weight(self, key: Key) -> Definition:
        if not self.order.weighted:
            return Given(), []
        return Sum(), [Key("sample_weight", None, (), s) for s in self.order.samples]

    def _define_part(self, key: Key) -> Definition:
        _, layer, (i, j), sample = key
        assert layer is not None
        return Product(), [self._delta(layer + 1, j, sample), self.back_weight(layer + 1, i, j)]

    def _define_out_gradient(self, key: Key) -> Definition:
        _, layer, (i,), sample = key
        assert layer is not None
        if layer == self.order.last:
            row = self.step.loss_row
            uses, keys = self._arguments(key, row, row.gradient, row.gradient_formula, ("out", "target"))
            return OutGradient(row, uses), keys
        above = range(1, self.order.sizes[layer + 1] + 1)
        if self.order.parts and layer == self.order.last - 1:
            return Sum(), [Key("part", layer, (i, j), sample) for j in above]
        pairs = [(self._delta(layer + 1, j, sample), self.back_weight(layer + 1, i, j)) for j in above]
        return WeightedSum(), [key for pair in pairs for key in pair]

    def _define_derivative(self, key: Key) -> Definition:
        assert key.layer is not None
        row = self._row(key.layer)
        uses, keys = self._arguments(key, row, row.derivative, row.derivative_formula, ("net", "out"))
        return Derivative(row, uses), keys

    def _define_delta(self, key: Key) -> Definition:
        _, layer, (j,), sample = key
        assert layer is not None
        row = self._row(layer)
        if layer == self.order.last and self.step.shortcut:
            return Difference(), [key._replace(kind="out"), key._replace(kind="target")]
        if not row.per_unit:
            gradients = self._unit_keys("out_gradient", layer, sample)
            return DeltaOfLayer(row, j - 1), [*gradients, *self._unit_keys("out", layer, sample)]
        selects = type(row).deltas is not Activation.deltas
        return Delta(selects), [key._replace(kind="out_gradient"), key._replace(kind="derivative")]

    def _define_weighted_delta(self, key: Key) -> Definition:
        return Product(), [Key("sample_weight", None, (), key.sample), key._replace(kind="delta")]

    def _define_contribution(self, key: Key) -> Definition:
        _, layer, index, sample = key
        assert layer is not None
        if len(index) == 2:
            i, j = index
            return WeightedSum(), [self._delta(layer, j, sample), self.below(layer, i, sample)]
        units = index or range(1, self.order.sizes[layer] + 1)
        return Sum(), [self._delta(layer, j, sample) for j in units]

    def _define_sum(self, key: Key) -> Definition:
        if not self.order.batch:
            return self._define_contribution(key._replace(sample=1))
        return Sum(), [key._replace(kind="contribution", sample=s) for s in self.order.samples]

    def _define_gradient(self, key: Key) -> Definition:
        if not self.order.summed:
            return self._define_contribution(key._replace(sample=1))
        keys = [key._replace(kind="sum"), Key("batch_weight")]
        if self.step.l2 != 0.0 and len(key.indices) == 2:
            keys += [Key("l2"), key._replace(kind="parameter")]
        return BatchGradient(), keys

    def _define_new_parameter(self, key: Key) -> Definition:
        method = self.step.method
        old, gradient, rate = key._replace(kind="parameter"), key._replace(kind="gradient"), Key("learning_rate")
        if len(key.indices) != 2 and not self.step.config.train_bias:
            return Unchanged(), [old]
        if method == "sgd":
            return PlainUpdate(), [old, rate, gradient]
        if method == "adam":
            moments = [key._replace(kind=kind) for kind in ("new_first_moment", "new_second_moment")]
            return AdamUpdate(), [old, Key("rate_t"), *moments, Key("epsilon")]
        velocity = key._replace(kind="new_velocity")
        if method == "momentum":
            return MomentumUpdate(), [old, velocity]
        return NesterovUpdate(), [old, Key("momentum"), velocity, rate, gradient]

    def _define_new_velocity(self, key: Key) -> Definition:
        keys = [key._replace(kind="velocity"), Key("learning_rate"), key._replace(kind="gradient")]
        return Velocity(), [Key("momentum"), *keys]

    def _define_new_first_moment(self, key: Key) -> Definition:
        return AdamMean(), [Key("beta_1"), key._replace(kind="first_moment"), key._replace(kind="gradient")]

    def _define_new_second_moment(self, key: Key) -> Definition:
        return AdamSquare(), [Key("beta_2"), key._replace(kind="second_moment"), key._replace(kind="gradient")]

    def _define_new_power_1(self, key: Key) -> Definition:
        return Product(), [Key("power_1"), Key("beta_1")]

    def _define_new_power_2(self, key: Key) -> Definition:
        return Product(), [Key("power_2"), Key("beta_2")]

    def _define_rate_t(self, key: Key) -> Definition:
        return AdamRate(), [Key("learning_rate"), Key("new_power_2"), Key("new_power_1")]

    def _define_after(self, key: Key) -> Definition:
        """As before the step, from the new parameters."""
        op, keys = self.definition(key._replace(kind=key.kind.removeprefix("new_")))
        return op, [operand._replace(kind=AFTER.get(operand.kind, operand.kind)) for operand in keys]

    _define_new_net = _define_new_out = _define_new_error = _define_new_loss = _define_after

    # ---- values --------------------------------------------------------------------------------------------

    def value(self, key: Key) -> float:
        """The engine's number where the step has it, else the one that follows from the operands."""
        stored = self._stored(key)
        if stored is not None:
            return stored
        if key in self._values:
            return self._values[key]
        op, operands = self.definition(key)
        result: float = op([self.value(operand) for operand in operands])
        result = float(result) if key.layer is None else self.step.number(result)
        if key.kind in AFTER.values():
            self._values[key] = result
        return result

    def _stored(self, key: Key) -> float | None:
        """The number as it stands in the step's arrays; None if it does not."""
        step, (kind, layer, index, sample) = self.step, key
        if kind in self._scalars:
            return self._scalars[kind]
        if kind == "batch_weight":
            return step.batch_weight
        if kind == "loss":
            return step.loss if sample is None else float(step.losses[sample - 1])
        if kind == "sample_weight":
            return float(self._item(step.sample_weight, (sample,)))  # rounded, but added in float64
        if kind in self._parameters:
            weights, biases = self._parameters[kind]
            assert layer is not None
            return self._item((weights if len(index) == 2 else biases)[layer - 1], index or (1,))
        if kind in ("input", "target"):
            return self._item(step.inputs if kind == "input" else step.targets, (sample, *index))
        if kind in self._of_units:
            assert layer is not None
            sheets = self._of_units[kind]
            return self._item(sheets[layer - 1], (sample, *index)) if layer <= len(sheets) else None
        return None

    def _item(self, array: Any, index: Any) -> float:
        return self.step.number(array[tuple(k - 1 for k in index)])

    @cached_property
    def _of_units(self) -> dict[str, tuple[Any, ...]]:
        step = self.step
        return {"net": step.nets, "out": step.outs, "out_gradient": step.hidden_gradients, "delta": step.deltas}

    @cached_property
    def _parameters(self) -> dict[str, Moment]:
        step = self.step
        found = {"parameter": (step.weights, step.biases), "new_parameter": (step.new_weights, step.new_biases)}
        for k, (before, after) in enumerate(STATES[step.method]):
            found |= {before: step.moments[k], after: step.new_moments[k]}
        return found

    @cached_property
    def _scalars(self) -> dict[str, float]:
        step = self.step
        (p1, p2), (new_p1, new_p2) = step.powers, step.new_powers
        constants = dict(zip(CONSTANTS[step.method], step.constants, strict=True))
        powers = {"power_1": p1, "power_2": p2, "new_power_1": new_p1, "new_power_2": new_p2}
        return {"learning_rate": step.learning_rate, "l2": step.l2, **constants, **powers}
