"""The contenders of `compare.py` for pytest-benchmark: statistics, and comparisons of two commits.

BACKPROP_BENCH=toy makes it a matter of seconds, for CI; such times mean little.
"""

import os

import pytest
from cases import Case
from compare import CONTENDERS, cases, check, contender
from peers import Peer
from pytest_benchmark.fixture import BenchmarkFixture

TOY = os.environ.get("BACKPROP_BENCH") == "toy"


# Module scope: pytest then goes shape by shape, and each is checked once, before it is timed.
@pytest.fixture(scope="module", params=cases(toy=TOY), ids=lambda param: param[0].name)
def checked(request: pytest.FixtureRequest) -> tuple[Case, int]:
    case, epochs = request.param
    check(case, epochs)
    return case, epochs


@pytest.mark.parametrize("name", CONTENDERS)
def test_training(benchmark: BenchmarkFixture, checked: tuple[Case, int], name: str) -> None:
    case, epochs = checked
    updates = epochs * case.n_samples
    benchmark.group = f"{case.name}, {updates:,} updates"
    benchmark.extra_info["updates"] = updates
    peer = contender(case, name)

    def fresh() -> tuple[tuple[Peer], dict[str, object]]:
        peer.reset()
        return (peer,), {}

    rounds = 1 if TOY else 50 if name == "compiled" else 7
    benchmark.pedantic(lambda run: run.run(epochs), setup=fresh, rounds=rounds)
