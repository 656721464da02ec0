"""A learner's own numbers, checked against a trace: the first wrong one found, and the mistake named."""

from collections import Counter
from dataclasses import replace
from functools import cached_property
from math import isfinite
from typing import Any

from .. import _checks as checks
from .._text import clean
from .answers import Answer, read
from .conventions import Graph, conventions
from .formulas import shown
from .intervals import Interval, Precision
from .names import Key
from .naming import Candidate, Changes, named, span, touched
from .numerals import FEWEST, Numeral, numeral, working_precision
from .ops import Op
from .record import _filled_in as filled_in
from .report import Finding, Report
from .trace import Trace
from .worlds import OF_BIASES, World

__all__ = ["Finding", "Report", "check"]

LONGEST_LINE = 16  # operands of a line that is written out
CLEAR = 3.0  # how much likelier than the next, and than none, a mistake must be to be told as a fact
WITNESS = 10.0  # what another number's agreement counts
WITNESSES = 12  # numbers, and candidates, that are looked at for it
SHORT = 3  # digits fewer than the others have, from which a number may be an exact one
ELSEWHERE = 0.2  # how much rarer than a mistake of one's own is one that was copied
OFTEN = 2  # searches after which less effort is made
SAID = 4  # names in a sentence
RARE = 0.05  # of the numbers, if they have so few digits


def check(answers: Any, trace: Trace) -> Report:
    """Judge a learner's numbers, find the first wrong one and name the mistake.

    A number is right if rounding explains it: of the number itself, to the digits that it has, and of those that
    it was computed from, whether they are on the sheet or not. What follows from an earlier wrong number is a
    consequence, not a mistake. A sheet that is right throughout under another convention (deltas with the other
    sign, trained biases, the mean over the outputs ...) is right, and the report says which.

    Parameters
    ----------
    answers : mapping of str to float or str, or iterable of pairs
        Any of the trace's numbers, by name. A string keeps the digits that were written: "0.30" has two, and
        "1/3" is exact. Of a float, trailing zeros are not seen.
    trace : Trace
        Of the network's step, from `Network.trace`.

    Returns
    -------
    Report
        With `ok`, `first`, `conventions`, `findings`; ``str(report)`` is written for the learner.

    Raises
    ------
    TypeError, ValueError
        If `answers` is empty, has a name that the trace does not know, or one twice, or what is no finite number.

    Examples
    --------
    >>> import backprop as bp
    >>> net, x, t = bp.examples.worked_example()
    >>> report = bp.check({"net_h1": "0.3825", "out_h1": "0.5945"}, net.trace(x, t))
    >>> print(report)
    0 of your 2 numbers are right. The first to look at is net_h1.
    <BLANKLINE>
    net_h1 = 0.3825
      You used w3 where w2 belongs: look which units each weight joins.
        net_h1 = w1*i1 + w2*i2 + b1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775
    <BLANKLINE>
    These follow from the above and will be right when you do them again with the
    new numbers: out_h1.
    """
    if not isinstance(trace, Trace):
        raise TypeError(f"trace must be a Trace, as Network.trace gives it, not {checks.shown(trace)}")
    graph = Graph(trace)
    sheet = read(answers, graph)
    other_biases = any(graph.is_other_bias(answer.key) for answer in sheet)
    kinds = Counter(answer.key.kind for answer in sheet if answer.number.value)
    precision = working_precision(
        [answer.number for answer in sheet],
        [graph.value(answer.key) for answer in sheet],
        single=graph.config.dtype == "float32",
    )
    found: list[_Judge] = []
    shared: dict[Any, dict[Key, Interval]] = {}
    for convention in conventions(graph, kinds, other_biases, len(sheet)):
        if convention.chopped and found and not found[0].cuts_off:
            continue
        others = convention.mean_over_outputs, convention.negated, convention.chopped
        intervals = shared.setdefault(others, {})
        found.append(_Judge(Graph(trace, convention, graph), sheet, precision, intervals))
        if found[-1].all_right():
            return Report(tuple(found[-1].findings()), tuple(convention.sentences))
    return Report(tuple(found[0].findings()))


class _Judge:
    """A sheet under one convention."""

    def __init__(
        self, graph: Graph, sheet: list[Answer], precision: Precision, shared: dict[Key, Interval]
    ) -> None:
        self.graph, self.sheet = graph, sheet
        convention = graph.convention
        self.numbers: dict[Key, Numeral] = {
            answer.key: answer.number.negated if answer.key.kind in convention.negated else answer.number
            for answer in sheet
        }
        self.precision = precision.with_chopping() if convention.chopped else precision
        self.true = World(graph, self.precision)
        self.learner = World(graph, self.precision, self.numbers, shared=shared)
        self.bad: dict[Key, str] = {}  # numbers that are not right, and their verdicts
        self.searches = 0
        self.made: set[str] = set()  # mistakes that are known to have been made
        self.thought: list[tuple[Changes, str]] = []  # mistakes at numbers that were not written, and where seen

    def all_right(self) -> bool:
        """Whether every number is right; looks no further than the first that is not."""
        return all(self._follows(answer.key) for answer in self.sheet)

    @cached_property
    def cuts_off(self) -> bool:
        """Whether as many of the numbers look cut off as rounded."""
        score = 0
        for answer in self.sheet:
            number, right = answer.number, abs(self.learner.result(answer.key))
            if number.digits and right:
                beyond = (right - abs(number.value)) / 10.0**number.place
                score += (0.5 < beyond < 1.0) - (-0.5 < beyond < 0.0)
        return score >= 0

    def _follows(self, key: Key) -> bool:
        number = self.numbers[key]
        reach = self.learner.computed(key)
        return number.interval(self.precision).meets(reach) and not self._is_exact_mistake(key, number)

    def _is_exact_mistake(self, key: Key, number: Numeral) -> bool:
        """Whether a number of few digits among longer ones is the old value, and not a rounded new one."""
        if key.kind != "new_parameter" or number.digits == 0:
            return False
        old, right = self.graph.value(key._replace(kind="parameter")), self.learner.computed(key)
        if number.value != old or number.finest(self.precision).meets(right):
            return False
        if number.keeps_zeros and number.digits > numeral("", old).digits >= 1 and number.digits >= FEWEST:
            return False  # 0.150 for the old 0.15: rounded
        # To so few digits the new value would have to be rounded. Who else on the sheet is?
        place = number.place
        while place > -320 and _rounds_to(right.centre, number.value, place - 1):
            place -= 1
        digits = number.exponent - place + 1
        if digits + SHORT > self.precision.digits or SHORT - place > self.precision.decimals:
            return False
        others = [one for at, one in self.numbers.items() if at != key and at.kind != "new_parameter"]
        short = sum(one.place >= place or one.digits <= digits for one in others)
        return short <= RARE * len(others)

    # ---- verdicts ----------------------------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """Every number judged, in order."""
        return [self._finding(answer) for answer in self.sheet]

    def _finding(self, answer: Answer) -> Finding:
        key, number = answer.key, self.numbers[answer.key]
        sign = -1.0 if key.kind in self.graph.convention.negated else 1.0
        expected = sign * self.graph.value(key)
        written = number.interval(self.precision)
        name, given = self.graph.name(key), clean(answer.given) if isinstance(answer.given, str) else answer.given
        causes = self._causes(key)
        follows = self._follows(key)
        if follows and not causes:
            return Finding(name, given, expected, "right", message="Right.")
        if causes and written.meets(self.true.computed(key)):
            return Finding(name, given, expected, "right", message="Right.")
        if follows:
            self.bad[key] = "consequence"
            return self._consequence(name, given, expected, causes)
        for changes, where in self.thought:
            nodes, first = span(self.learner, key)
            if key not in changes and not changes.keys().isdisjoint((*nodes, *first)):
                world = self.learner.changed(changes, touched(self.graph, nodes, changes))
                if world.computed(key).meets(written):
                    self.bad[key] = "consequence"
                    return self._consequence(name, given, expected, [where])
        self.bad[key] = "wrong"
        return self._wrong(answer, name, given, expected)

    def _weighed(self, key: Key, found: list[Candidate]) -> list[Candidate]:
        """The candidates again, by what the other numbers say that were computed from the same ones."""
        others = [answer.key for answer in self.sheet if answer.key != key]
        for one in found[:WITNESSES]:
            if key in one.changes or not one.changes or one.elsewhere:
                continue
            for other in others[:WITNESSES]:
                nodes, first = span(self.learner, other)
                if other not in one.changes and not one.changes.keys().isdisjoint((*nodes, *first)):
                    world = self.learner.changed(one.changes, touched(self.graph, nodes, one.changes))
                    agrees = world.computed(other).meets(self.numbers[other].interval(self.precision))
                    if agrees != self._follows(other):  # else it is no witness
                        one.odds *= WITNESS if agrees else 1.0 / WITNESS
        return sorted(found, key=lambda one: -one.odds)

    def _causes(self, key: Key) -> list[str]:
        """The names of the numbers that are not right and that this one is computed from."""
        if not self.bad:
            return []
        _, first = span(self.learner, key)
        way = self.learner.other_way(key)
        others = [] if way is None else [one for one in way[1] if one not in first]
        return [self.graph.name(one) for one in (*first, *others) if one in self.bad]

    @staticmethod
    def _consequence(name: str, given: Any, expected: float, causes: list[str]) -> Finding:
        of = f"{', '.join(causes[:-1])} and {causes[-1]}" if len(causes) > 1 else causes[0]
        message = f"Right, given your {of}."
        return Finding(name, given, expected, "consequence", message=message, follows_from=tuple(causes))

    def _wrong(self, answer: Answer, name: str, given: Any, expected: float) -> Finding:
        key, number = answer.key, self.numbers[answer.key]
        line = self._line(key)
        if self.graph.is_given(key):
            message = f"{name} is given: it is {shown(expected)}."
            factors = {10.0: "decimal_point", 0.1: "decimal_point", -1.0: "sign"}
            ids = [what for factor, what in factors.items() if number.interval(self.precision).meets(
                self.true.computed(key) * factor)]  # fmt: skip
            return Finding(name, given, expected, "wrong", ids[0] if ids else "wrong_datum", message=message)
        self.searches += 1
        effort = 1.0 / (1.0 + self.searches / OFTEN)  # of many wrong numbers, the first are the ones to be told
        found = named(self.learner, key, number, self.made, effort)
        if key.kind in OF_BIASES and len(self.bad) == 1 and (not found or found[0].key != key):
            # Copied, say, from a text that made a mistake where this sheet makes none.
            for one in named(self.true, key, number, (), effort):
                if one.odds * ELSEWHERE >= CLEAR and one.id not in {other.id for other in found}:
                    found.append(replace(one, odds=one.odds * ELSEWHERE, elsewhere=True))
        if not found:
            return Finding(name, given, expected, "wrong", message=self._unnamed(key), line=line)
        found = self._weighed(key, found)
        best, *others = found
        if best.changes and not self.graph.is_given(best.key):
            line = self._line(best.key)
        self.thought += [
            (one.changes, name) for one in found if one.changes and key not in one.changes and not one.elsewhere
        ]
        sure = best.odds >= CLEAR and (not others or best.odds >= CLEAR * others[0].odds)
        if sure:
            self.made.add(best.id)
        told = self._told(best, key)
        if best.elsewhere:
            told = f"It does not follow from your other numbers. {told}"
        message = told if sure else f"It could be this: {told}"
        if others and not sure:
            message += f" Or this: {self._told(others[0], key)}"
        return Finding(
            name, given, expected, "wrong", best.id, tuple(one.id for one in others), message, line, sure=sure
        )

    def _unnamed(self, key: Key) -> str:
        """What to say of a number that no mistake explains."""
        said = "This is not right, and no mistake that we know of gives it."
        _, operands = self._way(key)
        between = [one for one in operands if one not in self.numbers and not self.graph.is_given(one)]
        if not between:
            return f"{said} Do this line again:"
        names = [self.graph.name(one) for one in between]
        of = ", ".join(names[:SAID]) + (" ..." if names[SAID:] else "")
        return f"{said} Do this line again, and write {of} down too: it may have gone wrong there."

    # ---- words -------------------------------------------------------------------------------------------

    def _told(self, candidate: Candidate, key: Key) -> str:
        """The candidate's sentence, with names and numbers."""
        at = candidate.key
        words = {word: self.graph.name(what) if isinstance(what, Key) else what
                 for word, what in candidate.words.items()}  # fmt: skip
        words.setdefault("used", "another")
        words.setdefault("right", "the right one")
        names = [self.graph.name(operand) for operand in self.graph.definition(at)[1]]
        formula = filled_in(self.graph.definition(at)[0].text(len(names)), names) if names else ""
        of = self.graph.trace.names.unit(at.layer or 0, at.indices[0]) if at.kind in ("target", "input") else ""
        sentence = candidate.sentence.format(
            name=self.graph.name(at), formula=formula, value=shown(self.graph.value(at)),
            of=of or self.graph.name(at), **words,
        )  # fmt: skip
        if at == key or self.graph.is_given(at):
            return sentence
        others = [self.graph.name(one) for one in candidate.changes if one != at]
        alike = f" (and alike in {', '.join(others[:3])}{' ...' if others[3:] else ''})" if others else ""
        return f"On the way, in {self.graph.name(at)}{alike}: {sentence}"

    def _line(self, key: Key) -> str:
        """The right calculation from the learner's own numbers."""
        name, (op, operands) = self.graph.name(key), self._way(key)
        if not operands:
            return f"{name} = {shown(self.graph.value(key))}"
        names = [self.graph.name(one) for one in operands]
        value = shown(self.learner.result(key, (op, operands)))
        if len(operands) > LONGEST_LINE:
            return f"{name} = {value}, from {', '.join(names[:3])} ... {names[-1]}"
        numbers = [
            self.numbers[one].text if one in self.numbers else shown(self.graph_value(one)) for one in operands
        ]
        text = op.text(len(operands))
        parts = [name, filled_in(text, names), filled_in(text, numbers, brackets=True), value]
        return " = ".join(dict.fromkeys(filter(None, parts))) + self._if_trained(key)

    def _way(self, key: Key) -> tuple[Op, tuple[Key, ...]]:
        """How the number is computed by hand."""
        way = self.learner.other_way(key)
        return way if way and isfinite(self.learner.result(key, way)) else self.graph.definition(key)

    def _if_trained(self, key: Key) -> str:
        """What would become of a bias that this network keeps as it is."""
        is_bias = key.kind == "new_parameter" and len(key.indices) < 2
        if not is_bias or self.graph.config.train_bias or self.graph.step.method != "sgd":
            return ""
        trained = Graph(self.graph.trace, replace(self.graph.convention, biases_trained=True), self.graph)
        op, operands = trained.definition(key)
        numbers = [
            self.numbers[one].text if one in self.numbers else shown(trained.value(one)) for one in operands
        ]
        text = filled_in(op.text(len(operands)), numbers, brackets=True)
        return f" (biases are not trained here; trained, it would be {text} = {shown(trained.value(key))})"

    def graph_value(self, key: Key) -> float:
        """A number as it follows from the learner's."""
        return self.learner.value(key)


def _rounds_to(x: float, to: float, place: int) -> bool:
    """Whether a number, rounded at a power of ten, is another."""
    return abs(x - to) <= 0.5000001 * 10.0**place
