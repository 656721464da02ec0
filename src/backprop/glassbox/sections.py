"""The numbers of a step in the order of calculation, which is the tutorial's and the engine's.

Forward, error, and back from the last layer to the first, each layer's gradients and updates before the layer
below. They are listed by sections, so that a large network's list is short.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from .names import PER_SAMPLE, Key
from .step import Step

__all__ = ["CONSTANTS", "PHASES", "STATES", "Order", "Section"]

PHASES = ("given", "forward", "loss", "backward", "gradient", "update")
Index = tuple[int, ...]

# the optimizer's state by method: the kind before the step, after it
STATES = {
    "sgd": (),
    "momentum": (("velocity", "new_velocity"),),
    "nesterov": (("velocity", "new_velocity"),),
    "adam": (("first_moment", "new_first_moment"), ("second_moment", "new_second_moment")),
}
CONSTANTS = {
    "sgd": (),
    "momentum": ("momentum",),
    "nesterov": ("momentum",),
    "adam": ("beta_1", "beta_2", "epsilon"),
}


@dataclass(frozen=True)
class Section:
    """Numbers of one kind that stand together: those of one layer, and of one sample.

    Attributes
    ----------
    phase, kind : str
    layer, sample : int or None
    shape : tuple of int
        What the indices count up to, in the order in which they run; () for a single number.
    transposed : bool
        Whether the index is the other way round: weights run over the unit that they lead to first.
    """

    phase: str
    kind: str
    layer: int | None = None
    sample: int | None = None
    shape: Index = ()
    transposed: bool = False

    def __len__(self) -> int:
        return prod(self.shape)

    def key(self, position: int) -> Key:
        """The number at a position of the section."""
        index: list[int] = []
        for size in reversed(self.shape):
            position, k = divmod(position, size)
            index.append(k + 1)
        return Key(self.kind, self.layer, tuple(index if self.transposed else reversed(index)), self.sample)


class Order:
    """Which numbers a recorded step has, and in which order.

    Parameters
    ----------
    step : Step

    Attributes
    ----------
    last : int
        The layer of the outputs.
    weighted, batch : bool
        Whether samples have weights; whether they have that, or are several.
    summed : bool
        Whether there is a sum over the samples that is not yet the gradient.
    parts : bool
        Whether dE/dout of the last hidden layer is shown by its parts, one for each output's error. A softmax's
        errors are not each one unit's.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.sizes, self.last = step.config.sizes, len(step.config.sizes) - 1
        self.n_samples = len(step.inputs)
        self.weighted = step.sample_weight is not None
        self.batch = self.n_samples > 1 or self.weighted
        self.summed = self.batch or step.l2 != 0.0
        self.parts = self.last > 1 and step.activations[-1].per_unit

    @cached_property
    def sections(self) -> list[Section]:
        """All numbers, in the order of calculation."""
        return [*self._given(), *self._forward(), *self._backward()]

    @property
    def samples(self) -> range:
        """The samples, counted from 1."""
        return range(1, self.n_samples + 1)

    def _given(self) -> Iterator[Section]:
        step = self.step
        yield Section("given", "learning_rate")
        if step.l2 != 0.0:
            yield Section("given", "l2")
        for kind in CONSTANTS[step.method]:
            yield Section("given", kind)
        if step.method == "adam":
            yield Section("given", "power_1")
            yield Section("given", "power_2")
        if self.summed and not self.weighted:
            yield Section("given", "batch_weight")
        for kind in ("parameter", *(before for before, _ in STATES[step.method])):
            for layer in range(1, self.last + 1):
                yield from self._of_parameters("given", kind, layer)
        for s in self.samples:
            yield Section("given", "input", 0, s, self.sizes[:1])
            yield Section("given", "target", self.last, s, self.sizes[-1:])
            if self.weighted:
                yield Section("given", "sample_weight", None, s)

    def _of_parameters(self, phase: str, kind: str, layer: int, sample: int | None = None) -> Iterator[Section]:
        """The weights into a layer, unit by unit that they lead to, and then the biases."""
        fan_in, fan_out = self.sizes[layer - 1], self.sizes[layer]
        yield Section(phase, kind, layer, sample, (fan_out, fan_in), transposed=True)
        bias = self.step.config.bias
        if bias != "none":
            yield Section(phase, kind, layer, sample, (fan_out,) if bias == "per_unit" else ())

    def _forward(self) -> Iterator[Section]:
        outputs = self.sizes[-1:]
        for s in self.samples:
            for layer in range(1, self.last + 1):
                yield Section("forward", "net", layer, s, (self.sizes[layer],))
                yield Section("forward", "out", layer, s, (self.sizes[layer],))
            yield Section("loss", "error", self.last, s, outputs)
            if self.batch:
                yield Section("loss", "loss", None, s)
        if self.weighted:
            yield Section("loss", "batch_weight")
        yield Section("loss", "loss")

    def _backward(self) -> Iterator[Section]:
        step = self.step
        if step.method == "adam":
            for kind in ("new_power_1", "new_power_2", "rate_t"):
                yield Section("update", kind)
        for layer in range(self.last, 0, -1):
            units, row = (self.sizes[layer],), step.activations[layer - 1]
            for s in self.samples:
                if layer == self.last - 1 and self.parts:
                    yield Section("backward", "part", layer, s, (*units, self.sizes[-1]))
                if layer < self.last or step.loss_row.has_gradient:
                    yield Section("backward", "out_gradient", layer, s, units)
                if row.per_unit:
                    yield Section("backward", "derivative", layer, s, units)
                yield Section("backward", "delta", layer, s, units)
                if layer == self.last and self.weighted:
                    yield Section("backward", "weighted_delta", layer, s, units)
            if self.batch:
                for s in self.samples:
                    yield from self._of_parameters("gradient", "contribution", layer, s)
            if self.summed:
                yield from self._of_parameters("gradient", "sum", layer)
            yield from self._of_parameters("gradient", "gradient", layer)
            new_states = [after for _, after in STATES[step.method]]
            for kind in (*new_states, "new_parameter"):
                weights, *biases = self._of_parameters("update", kind, layer)
                yield weights
                if kind == "new_parameter" or step.config.train_bias:
                    yield from biases

    @cached_property
    def after(self) -> list[Section]:
        """Forward again with the new parameters, to the error after the step: named, but no part of it."""
        return [*self._after()]

    def _after(self) -> Iterator[Section]:
        for s in self.samples:
            for layer in range(1, self.last + 1):
                yield Section("after", "new_net", layer, s, (self.sizes[layer],))
                yield Section("after", "new_out", layer, s, (self.sizes[layer],))
            yield Section("after", "new_error", self.last, s, self.sizes[-1:])
            if self.batch:
                yield Section("after", "new_loss", None, s)
        yield Section("after", "new_loss")

    def normalized(self, key: Key) -> Key | None:
        """The key as it stands in the sections, or None if there is no such number in this step."""
        kind, layer, index, sample = key
        method = self.step.method
        if kind in ("velocity", "new_velocity") and method == "adam":
            kind = kind.replace("velocity", "second_moment")
        if kind in PER_SAMPLE and sample is None and self.n_samples == 1 and not self.batch:
            sample = 1
        if kind in ("loss", "new_loss", "contribution") and not self.batch and sample == 1:
            kind, sample = ("gradient" if kind == "contribution" else kind), None
        key = Key(kind, layer, index, sample)
        for section in self._by_place.get((kind, layer, sample), ()):
            if len(index) == len(section.shape):
                return key
        return None

    @cached_property
    def _by_place(self) -> dict[tuple[Any, ...], list[Section]]:
        found: dict[tuple[Any, ...], list[Section]] = {}
        for section in (*self.sections, *self.after):
            found.setdefault((section.kind, section.layer, section.sample), []).append(section)
        return found

    def phase(self, key: Key) -> str:
        """The phase that a number belongs to."""
        return self._by_place[key.kind, key.layer, key.sample][0].phase
