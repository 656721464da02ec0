"""Time mini-batches shared among threads against one thread.

    python bench/threads.py [--toy] [--threads 2]

They take turns, by the clock on the wall, after a check that they give the same bits: it takes a machine that has
nothing else to do. A turn is a call of a few epochs, a ratio the median of the ratios within a turn.
"""

import argparse
import gc
import os
from statistics import median
from time import perf_counter_ns

import numpy as np
from cases import Array
from compare import ratio
from machine import machine

import backprop as bp

Case = tuple[list[int], int, str, str]

CASES: list[Case] = [
    ([784, 100, 10], 256, "float64", "sgd"),
    ([784, 100, 10], 64, "float64", "sgd"),
    ([784, 100, 10], 32, "float64", "sgd"),
    ([784, 100, 10], 256, "float64", "adam"),
    ([784, 100, 10], 256, "float32", "sgd"),
    ([784, 256, 128, 10], 256, "float64", "sgd"),
    ([64, 32, 10], 512, "float64", "sgd"),
]
REPEATS = 9
SAMPLES = 2_560
EPOCHS = 4


def turn(net: bp.Network, X: Array, T: Array, n_threads: int, batch_size: int, optimizer: str) -> int:
    """Nanoseconds of one training call."""
    begin = perf_counter_ns()
    net.train(
        X, T, epochs=EPOCHS, batch_size=batch_size, optimizer=optimizer, learning_rate=0.001, n_threads=n_threads
    )
    return perf_counter_ns() - begin


def row(case: Case, n_threads: int, repeats: int, samples: int) -> str:
    """One row of the table."""
    sizes, batch_size, dtype, optimizer = case
    rng = np.random.RandomState(0)
    X, T = (rng.uniform(size=(samples, width)).astype(dtype) for width in (sizes[0], sizes[-1]))
    nets = {n: bp.Network(sizes, dtype=dtype, random_state=0) for n in (1, n_threads)}
    for n, net in nets.items():
        turn(net, X, T, n, batch_size, optimizer)
    assert np.array_equal(nets[1].parameters, nets[n_threads].parameters)
    found: dict[int, list[float]] = {n: [] for n in nets}
    for _ in range(repeats):
        for n, net in nets.items():
            found[n].append(turn(net, X, T, n, batch_size, optimizer) / samples / EPOCHS)
    name = "-".join(map(str, sizes))
    alone, together = (f"{median(found[n]):,.0f}" for n in (1, n_threads))
    return (
        f"| {name} | {batch_size} | {dtype} | {optimizer} | {alone} | {together}"
        f" | {ratio(found[1], found[n_threads]):.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time mini-batches with one thread and with several.")
    parser.add_argument("--toy", action="store_true", help="see that it runs; the times mean little")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    repeats, samples = (1, 512) if arguments.toy else (REPEATS, SAMPLES)
    print(f"| network | batch | dtype | optimizer | 1 thread, ns | {arguments.threads} threads, ns | ratio |")
    print("|---|--:|---|---|--:|--:|--:|")
    gc.disable()
    for case in CASES:
        print(row(case, arguments.threads, repeats, samples), flush=True)
    gc.enable()
    print()
    size = "TOY SIZE, for no conclusions" if arguments.toy else f"medians of {repeats} turns"
    print(f"Nanoseconds per sample, {size}: `python bench/threads.py --threads {arguments.threads}`.")
    print(f"{os.cpu_count()} processors; {machine()}.")


if __name__ == "__main__":
    main()
