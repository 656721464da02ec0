"""Every path from a weight or a bias to the error: the factors along each, their product, and the sum of them all.

By the chain rule dE/dw is the sum, over all ways from w through the network to the error, of the product of the
derivatives on the way. Backpropagation computes the same sum without going along each path again; the two may
therefore differ by rounding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING, overload

from .formulas import Formula, laid_out, shown
from .names import Key
from .record import Record

if TYPE_CHECKING:
    from .trace import Trace

__all__ = ["Path", "Paths", "paths_of"]

MOST = 10_000  # paths


@dataclass(frozen=True)
class Path:
    """One way from a weight or bias to the error.

    Attributes
    ----------
    sample : int
        The sample whose error it leads to, counted from 1.
    units : tuple of str
        The units that it goes through, the weight's own first.
    factors : tuple of str
        The names of the records along it, from the error back to the weight: ``dE/dout_o1``, ``dout_o1/dnet_o1``,
        ``w5`` (which is dnet_o1/dout_h1), ``dout_h1/dnet_h1``, ``i1`` (dnet_h1/dw1).
    values : tuple of float
    product : float
        Of the values, from the left.
    """

    sample: int
    units: tuple[str, ...]
    factors: tuple[str, ...]
    values: tuple[float, ...]
    product: float

    @property
    def line(self) -> Formula:
        """Units, factors, numbers and product, ready to be laid out."""
        numbers = [shown(value) for value in self.values]
        numbers[1:] = [f"({number})" if number.startswith("-") else number for number in numbers[1:]]
        return Formula(" > ".join(self.units), " * ".join(self.factors), " * ".join(numbers), self.product)


@dataclass(frozen=True)
class Paths(Sequence[Path]):
    """All paths from one weight or bias.

    Attributes
    ----------
    name : str
        Of the weight or bias.
    total : float
        The sum of the products; for a batch times 1/B.
    gradient : Record
        dE/dw as backpropagation computed it. With L2 it has a part that is on no path.
    notes : tuple of str
        What is to be said of this network's paths.
    """

    name: str
    total: float
    gradient: Record
    notes: tuple[str, ...]
    _paths: tuple[Path, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, position: int) -> Path: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Path]: ...
    def __getitem__(self, position: int | slice) -> Path | Sequence[Path]:
        return self._paths[position]

    def __str__(self) -> str:
        count = f"{len(self)} path{'s' if len(self) > 1 else ''}"
        lines = [f"{count} from {self.name} to the error", ""]
        several = len({path.sample for path in self}) > 1
        widest = max(len(path.line.name) for path in self)
        for path in self:
            of_sample = f"sample {path.sample}: " if several else ""
            formula = path.line._replace(name=f"{of_sample}{path.line.name:<{widest}}")
            lines += [f"  {line}" for line in laid_out([formula], 78)[0]]
        lines += ["", f"  their sum: {shown(self.total)}    {self.gradient.name}: {shown(self.gradient.value)}"]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def paths_of(trace: "Trace", name: str, sample: int | None = None) -> Paths:
    """What `Trace.path` does."""
    record = trace[name]
    if record.kind not in ("parameter", "gradient", "new_parameter", "contribution"):
        raise ValueError(
            f"path is of a weight or a bias, such as 'w1', not of {name!r}, a number of {record.kind}"
        )
    order, sizes = trace.quantities.order, trace.config.sizes
    layer, indices = record.layer, record.indices
    assert layer is not None
    ends = [indices[-1]] if indices else list(range(1, sizes[layer] + 1))  # where a shared bias enters
    samples = [sample] if sample is not None else list(order.samples)
    count = len(ends) * prod(sizes[layer + 1 :]) * len(samples)
    if count > MOST:
        raise ValueError(
            f"there are {count:,} paths from {name} to the error, more than the {MOST:,} that are listed; ask for"
            " one sample, or for a weight nearer to the outputs"
        )
    found = []
    for s in samples:
        for units in product(ends, *(range(1, size + 1) for size in sizes[layer + 1 :])):
            found.append(_path(trace, record.key, s, units))
    total = 0.0
    for path in found:
        total = total + path.product
    if sample is None and order.batch:
        total = total * (1.0 / trace.step.batch_weight)
    own = record.key._replace(kind="contribution", sample=sample)
    of_batch = record.key._replace(kind="gradient", sample=None)
    gradient = own if sample is not None and order.batch else of_batch
    return Paths(
        name=trace.names.name(record.key._replace(kind="parameter", sample=None)),
        total=total,
        gradient=trace.record(gradient),
        notes=tuple(_notes(trace, one_sample=sample is not None)),
        _paths=tuple(found),
    )


def _path(trace: "Trace", parameter: Key, sample: int, units: tuple[int, ...]) -> Path:
    """The path that goes through these units, the first in the parameter's layer, the last an output."""
    layer, names = parameter.layer, trace.names
    assert layer is not None
    keys = [*_from_error(trace, units[-1], sample)]
    for back in range(len(units) - 2, -1, -1):
        here, unit, above = layer + back, units[back], units[back + 1]
        keys.append(trace.quantities.back_weight(here + 1, unit, above))
        keys.append(Key("derivative", here, (unit,), sample))
    if len(parameter.indices) == 2:
        keys.append(trace.quantities.below(layer, parameter.indices[0], sample))
    values = tuple(trace.quantities.value(key) for key in keys)
    along = values[0]
    for value in values[1:]:
        along = along * value
    through = [names.tail(layer + k, unit) for k, unit in enumerate(units)]
    return Path(sample, tuple(through), tuple(map(names.name, keys)), values, along)


def _from_error(trace: "Trace", output: int, sample: int) -> Iterator[Key]:
    """The factors from the error to an output's net."""
    quantities, last = trace.quantities, trace.quantities.order.last
    if quantities.order.weighted:
        yield Key("sample_weight", None, (), sample)
    if trace.step.shortcut or not trace.step.activations[-1].per_unit:
        yield Key("delta", last, (output,), sample)
        return
    yield Key("out_gradient", last, (output,), sample)
    yield Key("derivative", last, (output,), sample)


def _notes(trace: "Trace", *, one_sample: bool) -> Iterator[str]:
    step, order = trace.step, trace.quantities.order
    if not step.activations[-1].per_unit:
        yield "Each softmax output depends on every net, so paths begin at delta, dE/dnet of one output."
    elif step.shortcut:
        yield "This activation and this loss have a delta of their own, out - target; paths begin there."
    if step.config.update_order == "sequential":
        yield "Updates are sequential: deltas went back through the new weights, so the sum is not the gradient."
    if order.batch and not one_sample:
        yield f"The sum is times 1/B, with B = {shown(step.batch_weight)}."
    if step.l2 != 0.0:
        yield "L2 adds l2*w to dE/dw, which is on no path."
