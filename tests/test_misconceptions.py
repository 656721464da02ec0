"""Every entry of the catalogue, made by a learner in random networks, is found and named."""

import re
from math import isfinite

import numpy as np
import pytest
from learner import Learner, computed_keys, random_trace

import backprop as bp
from backprop.glassbox.conventions import Graph
from backprop.glassbox.misconceptions import CATALOGUE, Place

CASES = 2  # of each entry, as far as so many are found
SEEDS = 800
IDS = [f"{entry.id}-{k}" for k, entry in enumerate(CATALOGUE)]


@pytest.fixture(scope="module")
def traces():
    """Random steps, and what they hold, made once."""
    found = []
    for seed in range(SEEDS):
        trace = random_trace(seed, width=3)
        if not trace.diverged:
            graph, keys = Graph(trace), computed_keys(trace)
            first = {operand for key in keys for operand in graph.definition(key)[1] if graph.is_given(operand)}
            found.append((seed, graph, keys, sorted(first, key=graph.position)))
    return found


def mistaken(entry, traces, digits):
    """Sheets on which someone makes the entry's mistake, once, beyond what rounding explains."""
    for seed, graph, keys, first in traces:
        rng = np.random.RandomState(seed)
        places = [key for key in (*keys, *first) if key.kind in entry.kinds]
        if not places:
            continue
        at = places[rng.randint(len(places))]
        op, operands = graph.definition(at)
        variants = list(entry.variants(Place(graph, at, op, operands)))
        if not variants:
            continue
        variant = variants[rng.randint(len(variants))]
        right = Learner(graph.trace, digits)
        learner = Learner(graph.trace, digits, mistakes={at: (variant.op, variant.operands)})
        try:
            sheet = learner.sheet(keys)
        except ArithmeticError:  # a logarithm of 0, which no one goes on with
            continue
        except ValueError:
            continue
        wrong = next((key for key in keys if learner.value(key) != right.value(key)), None)
        if wrong is None or not all(isfinite(float(number)) for number in sheet.values()):
            continue
        size = max(abs(right.value(key)) for key in (wrong, *graph.definition(wrong)[1]))
        if abs(learner.value(wrong) - right.value(wrong)) > 10.0 ** (2 - digits) * size:
            yield graph, sheet, graph.name(wrong)


@pytest.mark.parametrize("entry", CATALOGUE, ids=IDS)
def test_every_entry_is_found_and_named(entry, traces):
    count = 0
    for k, (graph, sheet, name) in enumerate(mistaken(entry, traces, digits=7)):
        report = bp.check(sheet, graph.trace)
        if report.conventions:
            continue
        assert report.first is not None, (k, name)
        assert report.first.name == name, k
        assert entry.id in (report.first.mistake, *report.first.alternatives), (
            f"{name} {sheet[name]}: {report.first}"
        )
        assert report.first.line or report.first.mistake == "wrong_datum"
        count += 1
        if count == CASES:
            break
    assert count > 0, "no random network where it can be made"


def test_how_often_the_name_comes_first(traces):
    """Over the whole catalogue, by digits."""
    for digits, least_first, least_found in ((3, 0.7, 0.9), (6, 0.8, 0.97)):
        total = first = found = 0
        for k, entry in enumerate(CATALOGUE[::2]):
            sheet = next(mistaken(entry, traces[k % 50 :], digits), None)
            if sheet is None:
                continue
            report = bp.check(sheet[1], sheet[0].trace)
            if report.conventions:
                continue
            total += 1
            first += not report.ok and report.first.mistake == entry.id
            found += not report.ok and entry.id in (report.first.mistake, *report.first.alternatives)
        assert total > 45
        assert first / total > least_first
        assert found / total > least_found


@pytest.mark.parametrize("entry", CATALOGUE, ids=IDS)
def test_entries_are_written_to_be_read(entry):
    assert re.fullmatch("[a-z0-9_]+", entry.id)
    assert 0.0 < entry.weight <= 1.0
    assert entry.sentence[0].isupper()
    assert entry.sentence.rstrip(")")[-1] in ".?"
    assert entry.kinds
