"""Time networks trained together against one trained alone, in the same run.

    python bench/ensemble.py [--toy]

Both train from the same weights on the same samples, one sample per update unless said, and take turns in one
process. Before that every member of an ensemble must have the bits of the network alone. The last line is a sweep:
256 seeds of exclusive or, by an ensemble and by a loop over networks.
"""

import argparse
import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from time import thread_time_ns
from typing import Any

import numpy as np
from machine import machine

import backprop as bp


@dataclass(frozen=True)
class Row:
    """An ensemble and how it is trained."""

    what: str
    sizes: tuple[int, ...] = (2, 2, 2)
    members: int = 64
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    own: Callable[[int], dict[str, Any]] = lambda members: {}  # arguments with an item for each member


ADAM = {"output_activation": "softmax", "loss": "log_loss", "activation": "relu"}
ROWS = [
    Row("float64"),
    Row("float32", network={"dtype": "float32"}),
    Row("no losses", training={"record_loss": False}),
    Row("one order for all", training={"shuffle": True, "random_state": 0}),
    Row("an order for each", training={"shuffle": True}, own=lambda n: {"random_state": list(range(n))}),
    Row("16 members", members=16),
    Row("256 members", members=256),
    Row("momentum", own=lambda n: {"optimizer": [bp.SGD(momentum=0.9) for _ in range(n)]}),
    Row("Adam", training={"optimizer": "adam"}),
    Row("", sizes=(4, 8, 3)),
    Row("float32", sizes=(4, 8, 3), network={"dtype": "float32"}),
    Row("batches of 32", sizes=(4, 8, 3), training={"batch_size": 32}),
    Row("relu, softmax, Adam", sizes=(4, 8, 3), network=ADAM, training={"optimizer": "adam", "batch_size": 32}),
    Row("", sizes=(24, 8, 2)),
    Row("", sizes=(16, 16, 4)),
    Row("one after another", sizes=(64, 32, 10)),
]


def data_of(row: Row) -> tuple[Any, Any]:
    """A hundred samples, with targets that every loss allows."""
    rng = np.random.RandomState(0)
    X, T = rng.normal(size=(100, row.sizes[0])), rng.uniform(0.1, 0.9, size=(100, row.sizes[-1]))
    return X, T / T.sum(axis=1, keepdims=True)


def arguments(row: Row, members: int, k: int | None = None) -> dict[str, Any]:
    """What `train` takes: an ensemble's, or member k's."""
    own = row.own(members)
    return row.training | (own if k is None else {name: value[k] for name, value in own.items()})


def networks(row: Row) -> list[bp.Network]:
    return [bp.Network(row.sizes, random_state=k, **row.network) for k in range(row.members)]


def check(row: Row) -> None:
    """Refuse to time what is not the same."""
    (X, T), together, rates = data_of(row), bp.NetworkEnsemble(networks(row)), np.linspace(0.03, 0.3, row.members)
    history = together.train(X, T, epochs=3, learning_rate=rates, **arguments(row, row.members))
    for k, net in enumerate(networks(row)):
        alone = net.train(X, T, epochs=3, learning_rate=rates[k], **arguments(row, row.members, k))
        same = history is alone is None or (history is not None and np.array_equal(history[k], alone))  # type: ignore[arg-type]
        if not same or net.parameters.tobytes() != together[k].parameters.tobytes():
            raise AssertionError(f"{row}: member {k} differs from the network alone")


def times(row: Row, repeats: int, turn_ns: float) -> tuple[list[float], list[float]]:
    """Nanoseconds per network and sample: together and alone, in turns."""
    (X, T), members = data_of(row), networks(row)
    alone, together = members[0].copy(), bp.NetworkEnsemble(members)
    guess = 2.0 * sum(i * j for i, j in zip(row.sizes, row.sizes[1:], strict=False)) + 50.0
    epochs_alone = max(1, int(turn_ns / guess / 100))
    epochs = max(1, 10 * epochs_alone // row.members)  # about twice as long
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for net, count, k, spent in (
            (together, epochs, None, found[0]),
            (alone, epochs_alone, 0, found[1]),
        ):
            options = arguments(row, row.members, k)
            begin = thread_time_ns()
            net.train(X, T, epochs=count, learning_rate=0.1, **options)
            spent.append((thread_time_ns() - begin) / count / 100 / (1 if k == 0 else row.members))
    return found


def sweep(seeds: int, epochs: int, repeats: int) -> str:
    """How many seeds learn exclusive or, and how long it takes to find out, both ways."""
    X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        begin = thread_time_ns()
        ensemble = bp.NetworkEnsemble.from_seeds([2, 2, 1], range(seeds))
        ensemble.train(X, T, epochs=epochs)
        middle = thread_time_ns()
        one_by_one = [bp.Network([2, 2, 1], random_state=seed) for seed in range(seeds)]
        for net in one_by_one:
            net.train(X, T, epochs=epochs)
        spent[0].append((middle - begin) / 1e6)
        spent[1].append((thread_time_ns() - middle) / 1e6)
        assert list(ensemble) == one_by_one
    learnt = int((np.abs(ensemble.forward(X)[:, :, 0] - np.ravel(T)) < 0.5).all(axis=1).sum())
    ratio = median(loop / ours for ours, loop in zip(*spent, strict=True))
    return (
        f"{learnt} of {seeds} seeds of 2-2-1 learn exclusive or in {epochs:,} epochs: {median(spent[0]):,.0f} ms"
        f" by an ensemble, {median(spent[1]):,.0f} ms by a loop, ratio {ratio:.1f}; making networks is in both."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time ensembles against networks alone; print a table.")
    parser.add_argument("--toy", action="store_true", help="see that it runs; the times mean little")
    toy = parser.parse_args().toy
    repeats = 1 if toy else 15
    print("| network | | members | together, ns | alone, ns | alone / together |")
    print("|---|---|--:|--:|--:|--:|")
    for row in ROWS:
        check(row)
        gc.disable()
        together, alone = times(row, repeats, 0.0 if toy else 2e7)
        gc.enable()
        ratio = median(a / t for t, a in zip(together, alone, strict=True))
        print(
            f"| {'-'.join(map(str, row.sizes))} | {row.what} | {row.members} | {median(together):,.1f} |"
            f" {median(alone):,.0f} | {ratio:.1f} |",
            flush=True,
        )
    print()
    print(sweep(16 if toy else 256, 100 if toy else 5_000, 1 if toy else 5))
    print()
    size = "TOY SIZE, for no conclusions" if toy else f"medians of {repeats} turns"
    print(f"Processor time per network and sample, {size}: `python bench/ensemble.py`.")
    print(f"On {machine()}.")


if __name__ == "__main__":
    main()
