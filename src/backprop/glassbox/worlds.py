"""Intervals of a whole calculation: what careful rounding makes of each number, and what follows from a sheet's.

A `World` is a calculation with someone's numbers in the places where they wrote them, and with other operations
where they are thought to have made a mistake.
"""

from collections.abc import Mapping
from math import inf, isfinite

from .byhand import Formula
from .conventions import Graph
from .images import image, wide_sum
from .intervals import Interval, Precision, point
from .names import Key
from .numerals import Numeral
from .ops import AdamUpdate, Op, WeightedSum, slot
from .row_ops import ActivateLayer, Error, ErrorOfLayer

__all__ = ["OF_BIASES", "World"]

OF_BIASES = frozenset({"new_parameter", "new_net", "new_out", "new_error", "new_loss"})  # what new biases change
GUARD = 0.1  # of a number's rounding: that to one digit more
WIDE = 64  # operands from which a sum is computed with less ado
# other formulas that are as right: cross-entropy from out and target, Adam with corrected moments
CROSS_ENTROPY = "-(⟨1⟩*log(⟨0⟩) + (1 - ⟨1⟩)*log(1 - ⟨0⟩))"
WITH_TARGET, WITHOUT_TARGET = "-⟨1⟩*log(⟨0⟩)", "-(1 - ⟨1⟩)*log(1 - ⟨0⟩)"
CORRECTED = "⟨0⟩ - ⟨7⟩*(⟨2⟩/(1 - ⟨5⟩)) / (sqrt(⟨3⟩/(1 - ⟨6⟩)) + ⟨4⟩)"
Change = tuple[Op, tuple[Key, ...]]


class World:
    """A calculation, with intervals for its numbers.

    Parameters
    ----------
    graph : Graph
    precision : Precision
        Of what was not written down.
    written : mapping of Key to Numeral, optional
        The learner's own numbers.
    parent : World, optional
        The same without `changes`, asked for all that they do not touch.
    changes : mapping of Key to (Op, operands), optional
        Operations in the place of the right ones.
    touched : set of Key, optional
        What follows from the changes.
    shared : dict, optional
        Intervals that worlds have in common which differ in the convention for biases alone.
    """

    def __init__(
        self,
        graph: Graph,
        precision: Precision,
        written: Mapping[Key, Numeral] | None = None,
        *,
        parent: "World | None" = None,
        changes: Mapping[Key, Change] | None = None,
        touched: frozenset[Key] = frozenset(),
        shared: dict[Key, Interval] | None = None,
    ) -> None:
        self.graph, self.precision, self.written = graph, precision, written or {}
        self.parent, self.changes, self.touched = parent, changes or {}, touched
        self._begin = min(map(graph.position, self.written), default=None)
        self._computed: dict[Key, Interval] = {}
        self._shared = self._computed if shared is None else shared
        self._operands: dict[Key, Interval] = {}
        self._values: dict[Key, float] = {}

    def changed(self, changes: Mapping[Key, Change], touched: frozenset[Key]) -> "World":
        """The same with other operations in some places."""
        return World(self.graph, self.precision, self.written, parent=self, changes=changes, touched=touched)

    def definition(self, key: Key) -> Change:
        """The operation that is done here, and on which numbers."""
        if key in self.changes:
            return self.changes[key]
        return self.parent.definition(key) if self.parent else self.graph.definition(key)

    def _of(self, operand: Key, key: Key) -> "World":
        """Where an operand is to be looked up: not here if it would lead back to what it is needed for."""
        if self.parent is None or operand not in self.touched:
            return self.parent or self
        later = key in self.changes and self.graph.position(operand) >= self.graph.position(key)
        return self.parent if later else self

    def computed(self, key: Key) -> Interval:
        """What the operation may give, before its result is rounded and written down."""
        if self.parent is not None and key not in self.touched:
            return self.parent.computed(key)
        store = self._computed if key.kind in OF_BIASES else self._shared
        found = store.get(key)
        if found is None:
            op, operands = self.definition(key)
            if len(operands) > WIDE and isinstance(op, WeightedSum):
                found = self._wide(key, op, operands)
            elif operands or key in self.changes:
                found = image(op, [self._of(one, key).operand(one) for one in operands], self.precision)
                if key not in self.changes:
                    found = found.hull(*self._also(key))
            else:
                found = self._datum(key)
            store[key] = found if key in self.changes else _possible(key, found)
        return found

    def _wide(self, key: Key, op: WeightedSum, operands: tuple[Key, ...]) -> Interval:
        """A sum of many products."""
        cut = len(operands) - op.bias
        terms, radii = [], []
        for first, second in zip(operands[:cut:2], operands[1:cut:2], strict=True):
            (a, p), (b, q) = self._centre(first, key), self._centre(second, key)
            terms.append((a, b))
            radii.append(abs(a) * q + abs(b) * p + p * q)
        bias = self._of(operands[-1], key).operand(operands[-1]) if op.bias else None
        return wide_sum(terms, bias, radii, self.precision)

    def _centre(self, operand: Key, key: Key) -> tuple[float, float]:
        """Centre and radius of an operand."""
        if operand.kind in ("parameter", "input") and operand not in self.written and operand not in self.touched:
            return self.graph.value(operand), 0.0
        found = self._of(operand, key).operand(operand)
        return found.centre, found.radius

    def _datum(self, key: Key) -> Interval:
        value = self.graph.value(key)
        return point(value).widened(self.precision.noise * abs(value))

    def operand(self, key: Key) -> Interval:
        """What a learner may use as this number: what they wrote, or what they had before they rounded it."""
        if self.parent is not None and key not in self.touched:
            return self.parent.operand(key)
        found = self._operands.get(key)
        if found is None:
            found = self._operands[key] = self._operand(key)
        return found

    def _operand(self, key: Key) -> Interval:
        written = self.written.get(key)
        if key in self.changes and not self.graph.definition(key)[1]:
            return self.computed(key)  # another datum
        if written is None:
            if not self.definition(key)[1]:
                return self._datum(key)
            reach = self.computed(key)
            return _possible(key, reach.widened(self.precision.error(reach.size)))
        around = written.interval(self.precision)
        # What they had before may itself have been rounded, to a digit more or many.
        reach = self.computed(key)
        guard = GUARD * min(written.error(self.precision), self.precision.error(reach.size))
        before = around.widened(guard).common(reach.widened(guard))
        if before is None:
            return around
        return before if not self.definition(key)[1] else before.hull(point(written.value))

    def value(self, key: Key) -> float:
        """The number that follows from the learner's numbers as they stand."""
        if self.parent is not None and key not in self.touched:
            return self.parent.value(key)
        found = self._values.get(key)
        if found is None:
            if key in self.written and not (key in self.changes and not self.graph.definition(key)[1]):
                found = self.written[key].value
            else:
                found = self.result(key)
            self._values[key] = found
        return found

    def result(self, key: Key, way: Change | None = None) -> float:
        """The number that the operation, or another way to it, gives from the learner's operands."""
        op, operands = way or self.definition(key)
        if not operands:
            return self.graph.value(key)
        if not self.touched and (self._begin is None or self.graph.position(key) < self._begin):
            return self.graph.value(key)  # nothing of it was written
        try:
            return float(op([self._of(one, key).value(one) for one in operands]))
        except (ArithmeticError, ValueError):
            return inf

    def other_way(self, key: Key) -> Change | None:
        """Another formula for the same number that is as right, and usual by hand; it rounds otherwise."""
        op, operands = self.graph.definition(key)
        new = "new_" if key.kind.startswith("new_") else ""
        formula, keys = "", [key._replace(kind=f"{new}out"), key._replace(kind="target")]
        if isinstance(op, Error) and op.row.name == "log_loss":
            # A term with the factor 0 is left out, as its logarithm may be none.
            formula = {0.0: WITHOUT_TARGET, 1.0: WITH_TARGET}.get(self.graph.value(keys[1]), CROSS_ENTROPY)
        elif isinstance(op, ErrorOfLayer):
            formula = WITH_TARGET
        elif isinstance(op, ActivateLayer) and op.row.name == "softmax":
            powers = [f"exp({slot(k)})" for k in range(len(operands))]
            formula, keys = f"{powers[op.unit]} / ({' + '.join(powers)})", list(operands)
        elif isinstance(op, AdamUpdate):
            formula, keys = CORRECTED, [*operands, Key("new_power_1"), Key("new_power_2"), Key("learning_rate")]
        return (Formula(formula), tuple(keys)) if formula else None

    def _also(self, key: Key) -> list[Interval]:
        """What the other formula may give."""
        way = self.other_way(key)
        if way is None:
            return []
        found = image(way[0], [self._of(one, key).operand(one) for one in way[1]], self.precision)
        return [found] if isfinite(found.size) else []


def _possible(key: Key, found: Interval) -> Interval:
    """An interval without what the number cannot be: a mean of squares is not negative."""
    if key.kind != "new_second_moment":
        return found
    return Interval(max(found.low, 0.0), max(found.high, 0.0))
