"""The three contenders on the three shapes, for pytest-benchmark: statistics, and comparisons of two commits.

BACKPROP_BENCH=toy makes it a matter of seconds, for CI; such times mean little.
"""

import os
from typing import Any

import pytest
from contenders import CONTENDERS, check
from problems import Problem, problems
from pytest_benchmark.fixture import BenchmarkFixture

TOY = os.environ.get("BACKPROP_BENCH") == "toy"


# Module scope: pytest then goes shape by shape, and each is checked once, before it is timed.
@pytest.fixture(scope="module", params=problems(toy=TOY), ids=lambda problem: problem.name)
def problem(request: pytest.FixtureRequest) -> Problem:
    checked: Problem = request.param
    check(checked)
    return checked


@pytest.mark.parametrize("contender", CONTENDERS)
def test_training(benchmark: BenchmarkFixture, problem: Problem, contender: str) -> None:
    benchmark.group = f"{problem.name}, {problem.updates:,} updates"
    benchmark.extra_info["updates"] = problem.updates

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (CONTENDERS[contender](problem),), {}

    rounds = 1 if TOY else 50 if contender == "compiled" else 7
    benchmark.pedantic(lambda run: run.train(), setup=fresh, rounds=rounds)
