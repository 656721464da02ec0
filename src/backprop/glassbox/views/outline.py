"""What a view shows of a trace: blocks of records with titles, and what was left out of a large one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from ..formulas import shown
from ..record import Record
from ..sections import Section

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["Block", "Limits", "facts", "left_out", "outline", "shortened", "title"]

PHASE_TITLES = {
    "given": "Given",
    "forward": "Forward pass",
    "loss": "Error",
    "backward": "Backward pass",
    "gradient": "Gradient",
    "update": "Update",
}


@dataclass(frozen=True)
class Limits:
    """How much a view shows; what is above is left out, and the view says so.

    Attributes
    ----------
    records : int
        Of one kind, layer and sample, all are shown up to this many; of more only `few`.
    few : int
    samples : int
        Of a batch.
    terms : int
        Of a sum in a formula.
    """

    records: int = 24
    few: int = 8
    samples: int = 3
    terms: int = 8

    @classmethod
    def of(cls, full: bool) -> "Limits":
        """The usual ones, or none."""
        return cls(10**9, 10**9, 10**9, 10**9) if full else cls()


@dataclass(frozen=True)
class Block:
    """Records that are shown together.

    Attributes
    ----------
    phase, title : str
    groups : list of list of Record
        One list for each kind.
    left_out : list of str
        What is not shown, one line each.
    """

    phase: str
    title: str
    groups: list[list[Record]]
    left_out: list[str]

    @property
    def given(self) -> bool:
        """Whether nothing in it is computed."""
        return self.phase == "given"


def title(trace: "Trace") -> str:
    """What the trace is of, in a line."""
    sizes = "-".join(map(str, trace.config.sizes))
    samples = "one sample" if trace.n_samples == 1 else f"{trace.n_samples} samples"
    return f"Update {trace.update:,} of a {sizes} network, {samples}"


def facts(trace: "Trace") -> list[str]:
    """The specification and the state of the step, a sentence each."""
    config, step = trace.config, trace.step
    *hidden_rows, output = step.activations
    hidden = " and ".join(dict.fromkeys(row.name for row in hidden_rows))
    biases = {"per_unit": "one bias per unit", "shared": "one bias per layer", "none": "no biases"}[config.bias]
    if config.bias != "none" and not config.train_bias:
        biases += ", not trained"
    names = {"sgd": "Plain gradient descent", "momentum": "Momentum", "nesterov": "Nesterov's momentum"}
    method = names.get(step.method, "Adam")
    decay = f", L2 of {shown(step.l2)}" if step.l2 else ""
    units = f"{hidden} hidden units, {output.name}" if hidden else output.name
    found = [
        f"{units[:1].upper()}{units[1:]} outputs, {step.loss_row.name}; {biases}.",
        f"{method}, learning rate {shown(step.learning_rate)}{decay}, {config.update_order} updates.",
    ]
    if trace.diverged:
        first = trace.first_not_finite
        seen = f": {first.name} is {shown(first.value)}" if first is not None else ""
        found.append(f"THIS UPDATE LEAVES THE FINITE NUMBERS{seen}.")
    dead = trace.dead_units
    if dead:
        few = ", ".join(dead[:8]) + (f" and {len(dead) - 8} more" if len(dead) > 8 else "")
        found.append(f"Nothing goes back through {few}: the derivative is 0 for every sample.")
    return found


def outline(trace: "Trace", limits: Limits, sections: Sequence[Section] | None = None) -> Iterator[Block]:
    """The blocks of a trace in the order of calculation; or of some sections, as `select` finds them."""
    batch = trace.quantities.order.batch

    def place(section: Section) -> tuple[str, int | None, int | None]:
        """What makes sections one block."""
        layer = None if section.phase in ("given", "loss") else section.layer
        return section.phase, layer, section.sample if batch else None

    chosen = trace.records.sections if sections is None else sections
    samples = [*dict.fromkeys(section.sample for section in chosen if section.sample is not None)]
    few = samples[: limits.samples]
    for (phase, layer, sample), together in groupby(chosen, place):
        if sample is not None and sample not in few:
            continue
        groups, left = [], []
        for section in together:
            count = len(section) if len(section) <= limits.records else limits.few
            groups.append([trace.record(section.key(position)) for position in range(count)])
            if count < len(section):
                first, last = (trace.record(section.key(k)).name for k in (count, len(section) - 1))
                left.append(f"{len(section) - count:,} more: {first} to {last}")
        if phase == "given" and sample is not None and sample == few[-1] and (rest := len(samples) - len(few)):
            left.append(f"{rest} more sample{'s' if rest > 1 else ''}: trace.select(sample={sample + 1})")
        yield Block(phase, _block_title(trace, phase, layer, sample), groups, left)


def _block_title(trace: "Trace", phase: str, layer: int | None, sample: int | None) -> str:
    last = len(trace.config.sizes) - 1
    parts = [PHASE_TITLES[phase]]
    if layer is not None:
        hidden = "hidden layer" if last == 2 else f"hidden layer {layer}"
        parts.append("output layer" if layer == last else hidden)
    if sample is not None:
        parts.append(f"sample {sample}")
    return ", ".join(parts)


def left_out(trace: "Trace", limits: Limits) -> str:
    """A line about what a view with these limits leaves out; empty if it is nothing."""
    longest = max(max(trace.config.sizes[:-1]) + 1, trace.config.sizes[-1], trace.n_samples)
    parts = []
    if any(len(section) > limits.records for section in trace.records.sections):
        parts.append(f"the first {limits.few} numbers of each kind")
    if trace.n_samples > limits.samples:
        parts.append(f"the first {limits.samples} samples")
    if longest > limits.terms:
        parts.append(f"sums shortened to {limits.terms} terms")
    if not parts:
        return ""
    *others, last = parts
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"Shown are {listed}, of {len(trace):,} numbers in all; full=True shows everything."


def shortened(formula: str, terms: int) -> str:
    """A long sum with its first terms and its last."""
    parts = formula.split(" + ")
    return formula if len(parts) <= terms else " + ".join([*parts[: terms - 2], "...", parts[-1]])
