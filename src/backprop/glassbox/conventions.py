"""Conventions that are right though different, as settings of a whole sheet, and the calculation under each.

A `Graph` is a trace's calculation: which operation on which numbers gives each number. A `Convention` changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from .names import Key, Names
from .ops import Given, Op, PlainUpdate, Sum, Unchanged, Values
from .trace import Trace

__all__ = ["Convention", "Graph", "Over", "conventions"]

BACKWARD = frozenset({"out_gradient", "part", "delta", "weighted_delta"})
HABIT = 3  # numbers that show one
GRADIENTS = frozenset({"gradient", "contribution", "sum"})


@dataclass(frozen=True)
class Over(Op):
    """Another operation's number divided by a whole number."""

    op: Op
    divisor: int

    def __call__(self, values: Values) -> float:
        """The number."""
        result: float = self.op(values) / self.divisor
        return result

    def text(self, count: int) -> str:
        """The formula."""
        return f"({self.op.text(count)}) / {self.divisor}"


@dataclass(frozen=True)
class Convention:
    """One consistent way to do the whole sheet; the default is the trace's own.

    Attributes
    ----------
    biases_trained : bool, optional
        None: as the trace has it.
    bias_per_unit : bool, optional
        Whether each unit has a bias of its own, with the value that the layer shares at first, or a layer one.
    mean_over_outputs : bool
        Whether the error is the mean over the outputs, and all gradients are of that.
    negated : frozenset of str
        The kinds of numbers that are written with the other sign: the minus stays outside.
    chopped : bool
        Whether digits are cut off, not rounded.
    """

    biases_trained: bool | None = None
    bias_per_unit: bool | None = None
    mean_over_outputs: bool = False
    negated: frozenset[str] = frozenset()
    chopped: bool = False

    @property
    def changes_numbers(self) -> bool:
        """Whether numbers are other than the trace's."""
        return self.biases_trained is not None or self.bias_per_unit is not None or self.mean_over_outputs

    @property
    def sentences(self) -> list[str]:
        """What a learner is told of it."""
        said = []
        if self.negated:
            what = {"gradient": "gradients", "out_gradient": "dE/dout"}
            kinds = " and ".join(what.get(kind, "deltas") for kind in ("delta", "out_gradient", "gradient")
                                 if kind in self.negated)  # fmt: skip
            said.append(f"your {kinds} have the other sign: you keep the minus outside, in the update")
        if self.biases_trained is not None:
            said.append("your biases are " + ("trained" if self.biases_trained else "not trained: they stay"))
        if self.bias_per_unit is not None:
            said.append("each of your units has a bias of its own" if self.bias_per_unit else
                        "the units of your layers share a bias")  # fmt: skip
        if self.mean_over_outputs:
            said.append("your error is the mean over the outputs, not their sum")
        if self.chopped:
            said.append("you cut digits off instead of rounding")
        return said


class Graph:
    """The calculation behind a trace, under a convention.

    Parameters
    ----------
    trace : Trace
    convention : Convention, optional
    like : Graph, optional
        Another of the same trace, whose data need not be looked up again.
    """

    def __init__(self, trace: Trace, convention: Convention | None = None, like: "Graph | None" = None) -> None:
        self._data: dict[Key, float] = like._data if like else {}
        self.trace, self.convention = trace, convention or Convention()
        self.quantities = trace.quantities
        self.config, self.step = trace.config, trace.step
        self.last = len(self.config.sizes) - 1
        self._defined: dict[Key, tuple[Op, tuple[Key, ...]]] = {}
        self._found: dict[Key, float] = {}

    # ---- names -------------------------------------------------------------------------------------------

    @cached_property
    def _other_names(self) -> Names:
        """The names that a network with the other kind of biases would have."""
        other = {"shared": "per_unit", "per_unit": "shared", "none": "none"}[self.config.bias]
        found = Names(replace(self.config, bias=other), batch=self.quantities.order.batch)
        if self.trace.names.own:
            found.own, found._units = self.trace.names.own, self.trace.names._units
        return found

    def key(self, name: str) -> Key | None:
        """Which number a name means; also of a bias per unit where a layer shares one, and the other way round."""
        key = self.trace._key(name)
        if key is None and self.config.bias != "none":
            other = self._other_names.key(name)
            if other is not None and self.is_other_bias(other):
                self_shaped = self.quantities.order.normalized(other._replace(indices=self._native(other)))
                key = None if self_shaped is None else self_shaped._replace(indices=other.indices)
        return key

    def _native(self, key: Key) -> tuple[int, ...]:
        return () if self.config.bias == "shared" else (1,)

    def is_other_bias(self, key: Key) -> bool:
        """Whether it belongs to a bias that the network does not have: a unit's or a layer's."""
        parameters = ("parameter", "new_parameter", *GRADIENTS)
        shared = self.config.bias == "shared"
        return key.kind in parameters and len(key.indices) == (1 if shared else 0) and self.config.bias != "none"

    def name(self, key: Key) -> str:
        """The name of a number."""
        return (self._other_names if self.is_other_bias(key) else self.trace.names).name(key)

    @cached_property
    def _sections(self) -> dict[tuple[object, ...], int]:
        return {
            (section.kind, section.layer, section.sample, len(section.shape)): k
            for k, section in enumerate((*self.quantities.order.sections, *self.quantities.order.after))
        }

    def position(self, key: Key) -> tuple[int, ...]:
        """Where a number stands in the order of calculation."""
        indices = key.indices
        if self.is_other_bias(key):
            place = self._sections.get((key.kind, key.layer, key.sample, len(self._native(key))), -1)
        else:
            place = self._sections.get((key.kind, key.layer, key.sample, len(indices)), -1)
        weight = len(indices) == 2 and key.kind != "part"
        return (place, *(reversed(indices) if weight else indices))

    # ---- definitions -------------------------------------------------------------------------------------

    def definition(self, key: Key) -> tuple[Op, tuple[Key, ...]]:
        """The operation that gives a number, and its operands."""
        found = self._defined.get(key)
        if found is None:
            op, operands = self._definition(key)
            found = self._defined[key] = op, tuple(operands)
        return found

    def _definition(self, key: Key) -> tuple[Op, list[Key]]:
        convention, config = self.convention, self.config
        of_bias = key.kind in ("parameter", "new_parameter", *GRADIENTS) and len(key.indices) != 2
        if of_bias and config.bias != "none":
            return self._of_bias(key)
        op, operands = self.quantities.definition(key)
        if config.bias == "shared" and convention.bias_per_unit and key.kind == "new_net":
            operands = [*operands[:-1], operands[-1]._replace(indices=key.indices)]
        outputs = config.sizes[-1]
        if convention.mean_over_outputs and outputs > 1:
            of_sample = key.kind in ("loss", "new_loss") and isinstance(op, Sum)
            at_output = key.layer == self.last and (
                key.kind == "out_gradient" or (key.kind == "delta" and not self.step.loss_row.has_gradient)
                or (key.kind == "delta" and self.step.shortcut)
            )  # fmt: skip
            if of_sample or at_output:
                op = Over(op, outputs)
        return op, operands

    def _of_bias(self, key: Key) -> tuple[Op, list[Key]]:
        """The numbers of biases, which two conventions change."""
        convention, config, quantities = self.convention, self.config, self.quantities
        per_unit = config.bias == "per_unit" if convention.bias_per_unit is None else convention.bias_per_unit
        trained = config.train_bias if convention.biases_trained is None else convention.biases_trained
        if key.kind == "parameter":
            return quantities.definition(key)
        if key.kind == "new_parameter":
            if not trained:
                return Unchanged(), [key._replace(kind="parameter")]
            index = key.indices if per_unit else ()
            if self.step.method == "sgd":
                gradient = key._replace(kind="gradient", indices=index)
                return PlainUpdate(), [key._replace(kind="parameter"), Key("learning_rate"), gradient]
            return quantities.definition(key)
        return quantities.definition(key)  # its indices say whether it is one unit's gradient or the layer's

    def is_given(self, key: Key) -> bool:
        """Whether it is what the step begins with."""
        return isinstance(self.definition(key)[0], Given)

    def native(self, key: Key) -> Key:
        """The number of the trace that has the same value at first: a unit's bias is the layer's."""
        if key.kind == "parameter" and self.is_other_bias(key):
            return key._replace(indices=self._native(key))
        return key

    def value(self, key: Key) -> float:
        """The true number."""
        if key in self._data:
            return self._data[key]
        if key not in self._found:
            op, operands = self.definition(key)
            if not operands:
                self._data[key] = float(self.quantities.value(self.native(key)))
                return self._data[key]
            own = not self.convention.changes_numbers and not self.is_other_bias(key)
            if own:
                self._found[key] = float(self.quantities.value(key))
            else:
                number = self.step.number
                self._found[key] = float(op([number(self.value(operand)) for operand in operands]))
        return self._found[key]


def conventions(graph: Graph, kinds: Mapping[str, int], other_biases: bool, count: int) -> list[Convention]:
    """The conventions that a sheet may follow, the trace's own first, then those that change least.

    Parameters
    ----------
    graph : Graph
    kinds : mapping of str to int
        The kinds of numbers on the sheet, and how many of each; what it does not show is not looked for.
    other_biases : bool
        Whether numbers on it belong to biases that the network does not have.
    count : int
        How many numbers are on it: one or two do not show a habit.
    """
    config, sgd = graph.config, graph.step.method == "sgd"
    signs = [frozenset[str]()]
    deltas = frozenset({"delta", "weighted_delta"})
    shown = sum(kinds.get(kind, 0) for kind in deltas)
    # One delta alone shows no convention, unless what was computed from it is there too.
    if shown > 1 or (shown and any(kinds.get(kind) for kind in (*GRADIENTS, "new_parameter"))):
        signs += [deltas, deltas | BACKWARD, deltas | GRADIENTS, deltas | BACKWARD | GRADIENTS]
    trained: list[bool | None] = [None]
    per_unit: list[bool | None] = [None]
    with_biases = any(kinds.get(kind) for kind in ("new_parameter", "new_net", "new_out", "new_error", "new_loss"))
    if config.bias != "none" and sgd:
        trained += [not config.train_bias] if with_biases else []
        same = config.bias == "shared" or all(len(set(bias.tolist())) == 1 for bias in graph.step.biases)
        if same and (with_biases or other_biases):
            per_unit = [config.bias == "shared"] if other_biases else [None, config.bias == "shared"]
    means = [False, True] if config.sizes[-1] > 1 else [False]
    chopped = [False, True] if count >= HABIT else [False]
    found = [Convention(t, p, m, s, c) for c, m, s, p, t in product(chopped, means, signs, per_unit, trained)]
    return sorted(found, key=lambda one: len(one.sentences))
