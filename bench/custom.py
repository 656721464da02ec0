"""Time a network with a function of the user's own against the same network with the built-in one.

    python bench/custom.py [--toy]

The user's function is tanh, calling the package's own, so that all three must give the same bits; then they take
turns in one process. One sample per update.
"""

import argparse
import gc
from statistics import median
from time import perf_counter_ns

import numpy as np
from compare import ratio
from machine import machine

import backprop as bp
from backprop.functions import ACTIVATIONS

TANH = ACTIVATIONS["tanh"]
OWN = bp.CustomActivation(name="own_tanh", formula="tanh(net)", value=TANH.value, derivative=TANH.derivative)
KINDS: dict[str, dict[str, object]] = {
    "compiled": {"activation": "tanh", "engine": "compiled"},
    "python": {"activation": "tanh", "engine": "python"},
    "custom": {"activation": OWN},
}
SHAPES = [[2, 2, 2], [4, 8, 3], [64, 32, 10]]


def turn(net: bp.Network, X: object, T: object, epochs: int) -> float:
    """Nanoseconds per update of one training call."""
    begin = perf_counter_ns()
    net.train(X, T, epochs=epochs, learning_rate=0.01, record_loss=False)  # type: ignore[arg-type]
    return (perf_counter_ns() - begin) / epochs / 100


def main() -> None:
    parser = argparse.ArgumentParser(description="Time networks with functions of the user's own; print a table.")
    parser.add_argument("--toy", action="store_true", help="see that it runs; the times mean little")
    toy = parser.parse_args().toy
    repeats = 1 if toy else 9
    print("| network | compiled, ns | python, ns | custom, ns | custom / compiled | custom / python |")
    print("|---|--:|--:|--:|--:|--:|")
    for sizes in SHAPES[: 1 if toy else None]:
        rng = np.random.RandomState(0)
        X, T = rng.normal(size=(100, sizes[0])), rng.uniform(0.1, 0.9, size=(100, sizes[-1]))
        nets = {kind: bp.Network(sizes, random_state=0, **options) for kind, options in KINDS.items()}  # type: ignore[arg-type]
        assert bp.gradcheck(bp.Network([2, 2, 1], activation=OWN, random_state=0), X[:5, :2], T[:5, 0])
        for net in nets.values():
            net.train(X, T)
            assert np.array_equal(net.parameters, nets["compiled"].parameters)
        gc.disable()
        found: dict[str, list[float]] = {kind: [] for kind in nets}
        for _ in range(repeats):
            for kind, net in nets.items():
                found[kind].append(turn(net, X, T, 200 if kind == "compiled" else 2))
        gc.enable()
        middles = " | ".join(f"{median(found[kind]):,.0f}" for kind in KINDS)
        custom = found["custom"]
        ratios = f"{ratio(custom, found['compiled']):,.0f} | {ratio(custom, found['python']):.2f}"
        print(f"| {'-'.join(map(str, sizes))} | {middles} | {ratios} |")
    print()
    size = "TOY SIZE, for no conclusions" if toy else f"medians of {repeats} turns"
    print(f"Nanoseconds per update, {size}: `python bench/custom.py`.")
    print(f"On {machine()}.")


if __name__ == "__main__":
    main()
