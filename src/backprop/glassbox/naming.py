"""Which mistake explains a wrong number: the steps behind it are done again as someone does them who makes it.

A number's *span* is the number and everything between it and what the learner wrote or was given. Each entry of
the catalogue is tried at each number of the span, and at all of a kind at once. Those that reach the given number
are weighed: how common the mistake is, how many ways there are to make it, and how narrow the interval is that the
number fell into. What could as well be chance gets no name.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import exp, inf, isfinite, log

from .altered import Variant
from .conventions import Graph
from .misconceptions import CATALOGUE, Misconception, Place
from .names import Key
from .numerals import Numeral
from .ops import Op
from .slips import slips
from .worlds import World

__all__ = ["Candidate", "named", "span", "touched"]

LARGEST_SPAN = 400  # numbers that are looked through for a mistake
MOST_PLACES = 100  # numbers of a span at which a mistake is tried, the nearest
BUDGET = 150_000  # operations that are done again for one wrong number
MOST_OPERANDS = 64  # of a number before the wrong one, at which a mistake is looked for
BASE = 0.02  # how often a mistake of weight 1 is made, beside all others
UNKNOWN = 0.08  # how often a mistake has no entry here
TINY = 1e-300  # what is divided by at least
AGAIN = 5.0  # how much likelier a mistake is that was made before
SLIP = 0.06
ROUNDED_AWAY = 0.05  # of that, if the number that was meant could be reached by rounding, but would not come out
BESIDE = 0.3  # of that, beside a mistake of understanding
EARLIER, THROUGHOUT, DATUM = 0.3, 0.6, 0.4  # of that, away from the number itself
DATA = ("target", "input", "parameter", "learning_rate")

Changes = dict[Key, tuple[Op, tuple[Key, ...]]]


@dataclass
class Candidate:
    """A mistake that explains a number.

    Attributes
    ----------
    id : str
        The catalogue's, or "digit_slip".
    sentence : str
        With braces for words.
    key : Key
        The number at whose computation it was made.
    words : dict
    changes : dict
        The operations that were done instead; empty for a slip.
    odds : float
        How much likelier it is than a mistake without a name.
    slack : float
        How far the number is from the middle of the interval that the mistake can reach, in radii of it.
    elsewhere : bool
        Whether it was made in another calculation than the sheet's, from which the number was copied.
    """

    id: str
    sentence: str
    key: Key
    words: Mapping[str, "Key | str"]
    changes: Changes = field(default_factory=dict)
    odds: float = 0.0
    slack: float = 0.0
    elsewhere: bool = False


def span(world: World, key: Key) -> tuple[list[Key], list[Key]]:
    """A number and what lies before it as far as nothing of it was written; and what was.

    Returns
    -------
    tuple of two lists of Key
        The span in the order of calculation; and the written or given numbers that it begins with.
    """
    graph, found, first = world.graph, {key}, {}
    waiting = [key]
    while waiting:
        current = waiting.pop(0)
        for operand in graph.definition(current)[1]:
            if operand in found or operand in first:
                continue
            if operand in world.written or graph.is_given(operand):
                first[operand] = True
            else:
                found.add(operand)
                waiting.append(operand)
    return sorted(found, key=graph.position), list(first)


def touched(graph: Graph, nodes: Iterable[Key], changes: Iterable[Key]) -> frozenset[Key]:
    """What of a span follows from changed numbers, these among it."""
    found = set(changes)
    for one in nodes:
        if one not in found and any(operand in found for operand in graph.definition(one)[1]):
            found.add(one)
    return frozenset(found)


def named(
    world: World, key: Key, given: Numeral, made: Collection[str] = (), effort: float = 1.0
) -> list[Candidate]:
    """The mistakes that explain a wrong number, the likeliest first.

    Parameters
    ----------
    world : World
        The calculation with the learner's numbers.
    key : Key
        The wrong number.
    given : Numeral
    made : collection of str, optional
        The mistakes that were made elsewhere on the sheet: who makes one once, makes it again.
    effort : float, default=1.0
        The part of the usual number of operations after which the search ends; the likeliest are tried first.
    """
    search = _Search(world, key, given, made)
    search.budget = round(BUDGET * effort)
    conceptual = search.conceptual()
    slips = [one for one in search.slips() if one.odds >= 1.0]
    if conceptual:
        for one in slips:
            one.odds *= BESIDE
    best: dict[str, Candidate] = {}
    for one in sorted([*conceptual, *slips], key=lambda one: -one.odds):
        best.setdefault(one.id, one)
    return list(best.values())


class _Search:
    """The search for one number's mistake."""

    def __init__(self, world: World, key: Key, given: Numeral, made: Collection[str]) -> None:
        self.world, self.key, self.given, self.made = world, key, given, made
        self.graph = world.graph
        self.reach = world.computed(key)
        self.written, self.finest = given.interval(world.precision), given.finest(world.precision)
        everything, self.first = span(world, key)
        # A sum of hundreds of products is looked into only if it is the wrong number itself.
        narrow = [one for one in everything if len(self.graph.definition(one)[1]) <= MOST_OPERANDS]
        self.span = [*(one for one in narrow[-LARGEST_SPAN:] if one != key), key]
        within = {operand for one in self.span for operand in self.graph.definition(one)[1][: 2 * MOST_OPERANDS]}
        self.first = [one for one in self.first if one in within]
        self._paths: dict[frozenset[Key], list[Key]] = {}
        self.budget = BUDGET
        # A mistake without a name is as likely to be off by a thousandth as by a tenth or by ten times.
        largest = max(abs(given.value), abs(self.graph.value(key)), abs(self.reach.centre))
        apart = abs(given.value - self.reach.centre)
        least = max(self.finest.radius, TINY)
        self.scale = 2.0 * min(largest, apart * max(1.0, log(max(largest / least, 1.0))))

    def conceptual(self) -> list[Candidate]:
        """Those whose interval holds the given number; the likeliest are tried first, within the budget."""
        jobs = [(self._odds(entry, share, self.finest.radius), entry, variants, at, share)
                for entry in CATALOGUE for variants, at, share in self._jobs(entry)]  # fmt: skip
        jobs = [job for job in jobs if job[0] >= 1.0]
        jobs.sort(key=lambda job: -job[0])
        found: list[Candidate] = []
        for _, entry, variants, at, share in jobs:
            if self.budget <= 0:
                break
            candidate = self._tried(entry, variants, at, share)
            if candidate is not None and candidate.odds >= 1.0:
                found.append(candidate)
        return found

    def _jobs(self, entry: Misconception) -> Iterator[tuple[dict[Key, Variant], Key, float]]:
        """The ways to make a mistake on the way to the number, each with its share of the mistake's weight."""
        if any(kind in DATA for kind in entry.kinds):
            places = [one for one in self.first if one.kind in entry.kinds and one not in self.world.written]
            away = DATUM
        else:
            places, away = [one for one in self.span if one.kind in entry.kinds], EARLIER
        groups: dict[str, dict[Key, Variant]] = {}
        single: dict[Key, Variant] = {}
        for one in places[-MOST_PLACES:]:
            op, operands = self.graph.definition(one)
            variants = list(entry.variants(Place(self.graph, one, op, operands)))
            share = (1.0 if one == self.key else away / len(places)) / max(len(variants), 1)
            for variant in variants:
                yield {one: variant}, one, share
                if variant.label and one != self.key:
                    groups.setdefault(variant.label, {})[one] = variant
            if len(variants) == 1 and not variants[0].label and one != self.key:
                single[one] = variants[0]
        if single:
            groups[""] = single
        for members in groups.values():
            if len(members) > 1:
                yield members, next(iter(members)), THROUGHOUT / len(groups)

    def _odds(self, entry: Misconception, share: float, radius: float) -> float:
        prior = BASE * entry.weight * share * (AGAIN if entry.id in self.made else 1.0)
        return prior / UNKNOWN * self.scale / max(2.0 * radius, TINY)

    def _tried(
        self, entry: Misconception, variants: Mapping[Key, Variant], at: Key, share: float
    ) -> Candidate | None:
        changes: Changes = {one: (variant.op, variant.operands) for one, variant in variants.items()}
        path = self._path(changes)
        value = self._value(changes, path)
        if not isfinite(value) or self.reach.low <= value <= self.reach.high:  # no other than the right way
            return None
        # First the number itself, which costs little; then, if it is near, the interval.
        relative = (self.reach.radius + self.written.radius) / max(abs(self.reach.centre), TINY)
        near = 20.0 * (self.reach.radius + self.written.radius + min(relative, 0.1) * abs(value))
        if abs(value - self.given.value) > near:
            return None
        self.budget -= 20 * len(path)
        reach = self.world.changed(changes, frozenset(path)).computed(self.key)
        if not isfinite(reach.size) or not reach.meets(self.written):
            return None
        # A number of few digits that fits as if the others were zeros fits by no chance.
        written = self.finest if reach.meets(self.finest) else self.written
        radius = reach.radius + written.radius
        slack = abs(self.given.value - reach.centre) / max(radius, TINY)
        odds = self._odds(entry, share, radius) * exp(-slack * slack)
        first = next(iter(variants.values()))
        return Candidate(entry.id, entry.sentence, at, first.words or {}, changes, odds, slack)

    def _path(self, changes: Changes) -> list[Key]:
        """What of the span follows from changed numbers, these among it, in the order of calculation."""
        nodes = frozenset(changes)
        if nodes not in self._paths:
            found = touched(self.graph, self.span, nodes)
            self._paths[nodes] = [*(one for one in nodes if self.graph.is_given(one)),
                                  *(one for one in self.span if one in found)]  # fmt: skip
        return self._paths[nodes]

    def _value(self, changes: Changes, path: list[Key]) -> float:
        """The number that someone gets who makes these changes, without rounding."""
        new: dict[Key, float] = {}
        value, definition = self.world.value, self.graph.definition
        self.budget -= len(path)
        try:
            for one in path:
                op, operands = changes.get(one) or definition(one)
                new[one] = float(op([new[key] if key in new else value(key) for key in operands]))
        except (ArithmeticError, ValueError, TypeError):
            return inf
        return new.get(self.key, inf)

    def slips(self) -> Iterator[Candidate]:
        reach, right = self.reach, self.world.result(self.key)
        for kind, meant, ways in slips(self.given, reach, self.world.precision):
            unit = max(2.0 * self.written.radius, TINY)
            odds = SLIP / UNKNOWN / ways * self.scale / unit
            finer = 0.1 if kind == "missing digit" else 10.0 if kind == "extra digit" else 1.0
            if abs(float(meant) - right) > finer * self.written.radius:
                odds *= ROUNDED_AWAY
            if kind == "missing digit" and self.given.digits >= self.world.precision.digits:
                odds *= BESIDE  # it has as many as the others
            sentence = {
                "swapped digits": "Two digits are swapped: {meant} is meant.",
                "wrong digit": "One digit is wrong: {meant} is meant.",
                "missing digit": "A digit is missing: {meant} is meant.",
                "extra digit": "There is a digit too much: {meant} is meant.",
            }[kind]
            yield Candidate("digit_slip", sentence, self.key, {"meant": meant}, {}, odds)
        turned = self.given.negated.interval(self.world.precision)
        if turned.meets(reach):
            odds = SLIP / UNKNOWN * self.scale / max(2.0 * (reach.radius + turned.radius), TINY)
            yield Candidate("sign", "The sign is wrong.", self.key, {}, {}, odds)
