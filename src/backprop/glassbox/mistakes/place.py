"""What a misconception is, and what one needs to write it down: the number it changes, and what is around it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..altered import Function, Variant
from ..conventions import Graph
from ..names import Key
from ..ops import Op
from ..row_ops import ActivateLayer, ErrorOfLayer

__all__ = [
    "BACK", "COMPUTED", "ERRORS", "GRADIENTS", "LOSSES", "MOST", "NETS", "OUTS", "SIGNED", "UPDATES", "Found",
    "Misconception", "Place", "around", "wrong_unit",
]  # fmt: skip

MOST = 12  # neighbours that are tried for an operand


@dataclass(frozen=True)
class Place:
    """One number, and what is around it.

    Attributes
    ----------
    graph : Graph
    key : Key
    op : Op
    operands : tuple of Key
        How it is computed rightly.
    """

    graph: Graph
    key: Key
    op: Op
    operands: tuple[Key, ...]

    @property
    def kind(self) -> str:
        """Its kind without the mark of what is new."""
        return self.key.kind.removeprefix("new_")

    @property
    def at_output(self) -> bool:
        """Whether it belongs to the output layer."""
        return self.key.layer == self.graph.last

    @property
    def new(self) -> str:
        """Before the kind of what the pass after the step computes."""
        return "new_" if self.key.kind in ("new_net", "new_out", "new_error", "new_loss") else ""

    def unit(self, kind: str, layer: int | None = None, k: int | None = None) -> Key:
        """Another number of the same unit, or of unit k of a layer."""
        layer = self.key.layer if layer is None else layer
        indices = self.key.indices[:1] if k is None else (k,)
        return Key(kind, layer, indices, self.key.sample)

    def size(self, layer: int) -> int:
        """How many units a layer has."""
        return int(self.graph.config.sizes[layer])

    def others(self, key: Key) -> list[Key]:
        """Numbers of the same kind and layer that could be taken for this one: the nearest, not all."""
        if not key.indices or key.layer is None:
            return []
        sizes = self.graph.config.sizes
        tops = [sizes[key.layer]]
        if len(key.indices) == 2:
            tops = (
                [sizes[key.layer], sizes[-1]] if key.kind == "part" else [sizes[key.layer - 1], sizes[key.layer]]
            )
        if len(tops) == 1:
            return [key._replace(indices=(a,)) for a in around(key.indices[0], tops[0])[:MOST]]
        i, j = key.indices
        # The transposed place first, which is taken for the right one most often.
        found = [(j, i)] if j <= tops[0] and i <= tops[1] and i != j else []
        near = [(a, j) for a in around(i, tops[0])] + [(i, b) for b in around(j, tops[1])]
        near += [(a, b) for a in around(i, tops[0]) for b in around(j, tops[1])]
        found += [place for place in near if place not in found]
        return [key._replace(indices=place) for place in found[:MOST]]

    def with_operand(self, k: int, key: Key, label: str = "") -> Variant:
        """The same operation with another operand in place k."""
        operands = (*self.operands[:k], key, *self.operands[k + 1 :])
        return Variant(self.op, operands, label, {"used": key, "right": self.operands[k]})

    def as_is(self, op: Op, label: str = "") -> Variant:
        """Another operation on the same operands."""
        return Variant(op, self.operands, label)

    def applied(self, function: Callable[..., float], *operands: Key, label: str = "") -> Variant:
        """A function of some numbers."""
        return Variant(Function(lambda values: function(*values)), operands, label)


Found = Iterable[Variant]


@dataclass(frozen=True)
class Misconception:
    """An entry of the catalogue.

    Attributes
    ----------
    id : str
    sentence : str
        What was done, and why it is not right.
    kinds : tuple of str
        The kinds of numbers whose computation it changes.
    variants : callable
        From a `Place` to its `Variant`.
    weight : float
        How often it is made, beside 1 for what is common.
    """

    id: str
    sentence: str
    kinds: tuple[str, ...]
    variants: Callable[[Place], Found]
    weight: float = 1.0


def around(k: int, top: int) -> list[int]:
    """Other numbers from 1 to top, the nearest first."""
    return sorted((other for other in range(max(1, k - 6), min(top, k + 6) + 1) if other != k),
                  key=lambda other: abs(other - k))  # fmt: skip


def wrong_unit(kind: str) -> Callable[[Place], Found]:
    """Variants with another unit's number of a kind."""

    def variants(place: Place) -> Iterator[Variant]:
        for k, operand in enumerate(place.operands):
            if operand.kind == kind or operand.kind == f"new_{kind}":
                if isinstance(place.op, ActivateLayer | ErrorOfLayer):
                    continue
                for other in place.others(operand):
                    yield place.with_operand(k, other, "swapped" if len(place.others(operand)) == 1 else "")

    return variants


# the kinds of numbers that misconceptions are about
NETS, OUTS = ("net", "new_net"), ("out", "new_out")
ERRORS, LOSSES = ("error", "new_error"), ("loss", "new_loss")
GRADIENTS = ("gradient", "contribution", "sum")
COMPUTED = (
    *NETS, *OUTS, *ERRORS, *LOSSES, "out_gradient", "part", "derivative", "delta", "weighted_delta", *GRADIENTS,
    "new_parameter", "new_velocity", "new_first_moment", "new_second_moment", "rate_t",
)  # fmt: skip
SIGNED = (
    "out_gradient",
    "part",
    *GRADIENTS,
    "net",
    "derivative",
    "error",
    "loss",
)
BACK, UPDATES = ("part", "out_gradient"), ("new_parameter",)
