"""Time one call with one sample: what `net.step(x, t)` and `net.forward(x)` take beyond their arithmetic.

    python bench/call.py [--toy]

The arithmetic is what a sample takes in one long call, of `net.train` with losses or of `net.forward`. Both are
timed in turns, in processor time of the thread, after a check that they give the same bits.
"""

import argparse
import gc
from collections.abc import Callable
from statistics import median
from time import thread_time_ns

import numpy as np
from machine import machine

import backprop as bp

SHAPES = [[2, 2, 2], [4, 8, 3], [64, 32, 10]]
REPEATS = 15
TURN_NS = 20_000_000


def turn(call: Callable[[], object], calls: int, turn_ns: int) -> float:
    """Nanoseconds per call: as many as a turn has time for."""
    spent = made = 0
    while spent < turn_ns or not made:
        begin = thread_time_ns()
        for _ in range(calls):
            call()
        spent += thread_time_ns() - begin
        made += calls
    return spent / made


def row(sizes: list[int], dtype: str, repeats: int, turn_ns: int, samples: int) -> str:
    """One network's row of the table."""
    rng = np.random.RandomState(0)
    x, t = rng.uniform(-1, 1, sizes[0]).astype(dtype), rng.uniform(0.1, 0.9, sizes[-1]).astype(dtype)
    X, T = np.tile(x, (samples, 1)), np.tile(t, (samples, 1))
    net = bp.Network(sizes, dtype=dtype, random_state=0)
    other = net.copy()
    total = 0.0
    for _ in range(samples):
        total += net.step(x, t, 0.01)
    history = other.train(X, T, learning_rate=0.01)
    assert np.array_equal(net.parameters, other.parameters)
    assert history is not None
    assert total / samples == history[0]
    assert np.array_equal(net.forward(X)[-1], net.forward(x))

    def nothing() -> None:
        """What the loop itself takes."""

    calls: dict[str, tuple[Callable[[], object], int, int]] = {
        "nothing": (nothing, samples, 1),
        "step": (lambda: net.step(x, t, 0.01), samples, 1),
        "train": (lambda: net.train(X, T, learning_rate=0.01), 1, samples),
        "forward": (lambda: net.forward(x), samples, 1),
        "forward of all": (lambda: net.forward(X), 1, samples),
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for _ in range(repeats):
        for name in names:
            call, repeated, of_samples = calls[name]
            found[name].append(turn(call, repeated, turn_ns) / of_samples)
        names.append(names.pop(0))
    cells = [f"| {'-'.join(map(str, sizes))} | {dtype}"]
    for single, many in (("step", "train"), ("forward", "forward of all")):
        over = [a - b - empty for a, b, empty in zip(found[single], found[many], found["nothing"], strict=True)]
        cells.append(f"{median(found[single]):,.0f} | {median(found[many]):,.0f} | {median(over):,.0f}")
    return " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Time calls with one sample; print a table.")
    parser.add_argument("--toy", action="store_true", help="see that it runs; the times mean little")
    toy = parser.parse_args().toy
    repeats, turn_ns, samples = (1, 0, 50) if toy else (REPEATS, TURN_NS, 2_000)
    print("| network | dtype | step, ns | of a long call | beyond it | forward, ns | of a long call | beyond it |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    gc.disable()
    for dtype in ("float64", "float32"):
        for sizes in SHAPES:
            print(row(sizes, dtype, repeats, turn_ns, samples))
    gc.enable()
    print()
    size = "TOY SIZE, for no conclusions" if toy else f"medians of {repeats} turns"
    print(f"Nanoseconds of the thread per sample, {size}: `python bench/call.py`.")
    print(f"On {machine()}.")


if __name__ == "__main__":
    main()
