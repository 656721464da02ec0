"""Time the engines against a loop as tutorials write it, and print the README's table.

    python bench/compare.py [--toy]

They take turns in one process, so that a machine that changes its speed changes it for all; a ratio is the median
of the ratios within each turn. Each result is checked before anything is timed. `race.py` has the other libraries.
"""

import argparse
import gc
from dataclasses import replace
from statistics import median
from time import perf_counter_ns

import numpy as np
from cases import Case, Data
from machine import machine
from peers import Peer, find

from backprop import examples

REPEATS = 9
TURN_NS = 30_000_000  # of fast runs a turn has many: one of a millisecond would be at the mercy of its moment
TOLERANCE = 1e-9  # between backprop and the tutorial-style loop, whose exp and order of factors are others

# name: the peer's key and the dtype
CONTENDERS = {
    "compiled": ("backprop", "float64"),
    "compiled, float32": ("backprop", "float32"),
    "reference": ("reference", "float64"),
    "tutorial-style": ("tutorial", "float64"),
}
REFERENCE32 = "reference, float32"  # checked, not timed


def cases(*, toy: bool) -> list[tuple[Case, int]]:
    """The networks and how many epochs a run has; at toy size it only shows that the bench runs."""
    return [
        (Case("compare", (2, 2, 2), n_samples=1, inputs="worked example"), 10_000),
        (Case("compare", (4, 8, 3), n_samples=150), 1 if toy else 40),
        (Case("compare", (64, 32, 10), n_samples=20 if toy else 100), 1 if toy else 10),
    ]


def contender(case: Case, name: str) -> Peer:
    """At the case's first weights."""
    key, dtype = CONTENDERS.get(name, ("reference", "float32"))
    case = replace(case, dtype=dtype)
    return find(key)(case, Data.of(case))


def check(case: Case, epochs: int) -> None:
    """Refuse to time what is not the same after a whole run: the engines to the bit, the other loop to 1e-9."""
    ends = {}
    for name in [*CONTENDERS, REFERENCE32]:
        peer = contender(case, name)
        peer.run(epochs)
        weights, biases = peer.parameters()
        ends[name] = np.concatenate([array.ravel() for array in weights + biases])
    for compiled, reference in (("compiled", "reference"), ("compiled, float32", REFERENCE32)):
        if ends[compiled].tobytes() != ends[reference].tobytes():
            raise AssertionError(f"{case.name}: the engines differ, {compiled} and {reference}")
    difference = float(np.abs(ends["compiled"] - ends["tutorial-style"]).max())
    if not difference <= TOLERANCE:
        raise AssertionError(f"{case.name}: the tutorial-style loop differs by {difference:.1e}")


def turn(peer: Peer, epochs: int, turn_ns: int) -> float:
    """Nanoseconds per sample: runs from the same start until the turn's time is up, at least one."""
    spent = runs = 0
    while spent < turn_ns or not runs:
        peer.reset()
        begin = perf_counter_ns()
        peer.run(epochs)
        spent += perf_counter_ns() - begin
        runs += 1
    return spent / runs / epochs / peer.case.n_samples


def times(case: Case, epochs: int, repeats: int, turn_ns: int) -> dict[str, list[float]]:
    """Each contender's turns. The order rotates, so that none always follows the same one."""
    peers = {name: contender(case, name) for name in CONTENDERS}
    found: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    names = list(CONTENDERS)
    for _ in range(repeats):
        for name in names:
            found[name].append(turn(peers[name], epochs, turn_ns))
        names.append(names.pop(0))
    return found


def ratio(slower: list[float], faster: list[float]) -> float:
    return median(s / f for s, f in zip(slower, faster, strict=True))


def step_ns(repeats: int, calls: int) -> float:
    """One `net.step(x, t)` on the worked example, arrays given: nearly all of it is the call itself."""
    net, x, t = examples.worked_example(engine="compiled")
    found = []
    for _ in range(repeats):
        begin = perf_counter_ns()
        for _ in range(calls):
            net.step(x, t)
        found.append((perf_counter_ns() - begin) / calls)
    return median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the engines and a tutorial-style loop; print a table.")
    parser.add_argument(
        "--toy", action="store_true", help="a few seconds, to see that it runs; the times mean little"
    )
    toy = parser.parse_args().toy
    repeats, turn_ns, calls = (1, 0, 100) if toy else (REPEATS, TURN_NS, 5_000)

    rows = []
    for case, epochs in cases(toy=toy):
        check(case, epochs)
    gc.disable()
    for case, epochs in cases(toy=toy):
        found = times(case, epochs, repeats, turn_ns)
        ours, single, loop, python = (
            found[name] for name in ("compiled", "compiled, float32", "tutorial-style", "reference")
        )
        middles = " | ".join(f"{median(values):,.0f}" for values in (ours, single, loop, python))
        ratios = f"{ratio(loop, ours):,.0f} | {ratio(python, ours):,.0f} | {ratio(ours, single):,.1f}"
        rows.append(f"| {case.name} | {epochs * case.n_samples:,} | {middles} | {ratios} |")
    step = step_ns(repeats, calls)
    gc.enable()

    times_of = "compiled, ns | in float32, ns | tutorial-style loop, ns | reference, ns"
    print(f"| network | updates | {times_of} | loop / compiled | reference / compiled | compiled / float32 |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    print(*rows, sep="\n")
    print()
    size = "TOY SIZE, for no conclusions" if toy else f"medians of {repeats} turns"
    print(f"Nanoseconds per update (forward, back, update, one sample), {size}: `python bench/compare.py`.")
    print(f"On {machine()}.")
    print(f"One call of `net.step(x, t)` on 2-2-2 takes {step / 1000:.1f} µs.")


if __name__ == "__main__":
    main()
