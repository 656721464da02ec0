"""How much memory training takes beyond the data and the network.

    python bench/memory.py [--samples N] [--epochs N] [--json]

Two promises are measured: nothing grows with the epochs but 8 bytes of history each, and data is never copied
whole, of either dtype, by a network of either. Linux keeps the largest resident size of a process in VmHWM and
forgets it when told to, so each call has a peak of its own; `getrusage` has one for the whole process, and a
child's may be its parent's. `tests/test_memory.py` runs this.
"""

import argparse
import json
import re
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import backprop as bp

SIZES = (784, 32, 10)
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def kilobytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def growth(call: Callable[[], object]) -> int:
    """By how many bytes the process grew at most while this ran; its result is still held at the end."""
    CLEAR.write_text("5")
    before = kilobytes("VmRSS")
    result = call()
    peak = kilobytes("VmHWM")
    del result
    return 1024 * (peak - before)


def calls(net: bp.Network, X: Any, T: Any) -> dict[str, tuple[Callable[[], object], int]]:
    """What is called on many samples, with the bytes of its result and of the samples' orders and weights."""
    n = len(X)
    train = partial(net.train, X, T, learning_rate=0.01)
    return {
        "train, one by one": (train, 0),
        "train, batches of 32, shuffled": (partial(train, batch_size=32, shuffle=True, random_state=0), 16 * n),
        "train, all in one batch": (partial(train, batch_size=n), 0),
        "train, Adam, sample weights": (
            partial(train, batch_size=32, optimizer="adam", sample_weight=np.ones(n)),
            8 * n,
        ),
        "loss": (partial(net.loss, X, T), 0),
        "forward": (partial(net.forward, X), n * SIZES[-1] * net.parameters.itemsize),
    }


def with_data(n_samples: int, kind: str) -> dict[str, dict[str, int]]:
    """Calls on many samples of a dtype: what they grew by, and what their results take."""
    rng = np.random.RandomState(0)
    X = np.empty((n_samples, SIZES[0]), kind)
    for row in X:  # without a larger array on the way
        row[:] = rng.uniform(-1, 1, SIZES[0])
    T = np.eye(10, dtype=kind)[np.arange(n_samples) % 10]
    found = {f"a copy of the {kind} data, to compare with": {"grew": growth(X.copy), "result": X.nbytes}}
    for dtype in ("float32", "float64"):
        net = bp.Network(SIZES, dtype=dtype, random_state=0)
        net.train(X[:64], T[:64], batch_size=32)  # what is made once is made now
        for name, (call, result) in calls(net, X, T).items():
            found[f"{dtype} network, {kind} data: {name}"] = {"grew": growth(call), "result": result}
    return found


def with_epochs(epochs: int) -> dict[str, dict[str, int]]:
    """Calls with many epochs on one sample."""
    found = {}
    for record, result in ((True, 8 * epochs), (False, 0)):
        net, x, t = bp.examples.worked_example()
        net.train(x, t, epochs=100, record_loss=record)
        grew = growth(partial(net.train, x, t, epochs=epochs, record_loss=record))
        name = f"{epochs:,} epochs, losses {'recorded' if record else 'not recorded'}"
        found[name] = {"grew": grew, "result": result}
    return found


def with_estimator(n_samples: int) -> dict[str, dict[str, int]]:
    X = np.random.RandomState(0).uniform(-1, 1, (n_samples, SIZES[0])).astype("f")
    y = np.arange(n_samples) % 10
    model = bp.MLPClassifier((32,), max_iter=1, random_state=0).fit(X[:100], y[:100])
    return {
        # Labels, their codes and the order of the samples: a few numbers for each.
        "MLPClassifier.fit, float32 data": {"grew": growth(partial(model.fit, X, y)), "result": 64 * n_samples},
        "MLPClassifier.predict_proba": {"grew": growth(partial(model.predict_proba, X)), "result": 80 * n_samples},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what training takes beyond the data and the network.")
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=3_000_000)
    parser.add_argument("--json", action="store_true", help="for the test")
    chosen = parser.parse_args()
    try:
        CLEAR.write_text("5")
    except OSError as error:
        sys.exit(f"the peak of the resident size cannot be reset here: {error}")
    warnings.simplefilter("ignore")  # that one epoch is not convergence
    found = with_epochs(chosen.epochs)  # first, while there is nothing to be used again
    found |= with_data(chosen.samples, "float32") | with_data(chosen.samples, "float64")
    found |= with_estimator(chosen.samples)
    if chosen.json:
        print(json.dumps(found))
        return
    data = chosen.samples * SIZES[0] * 4 / 1e6
    print(f"{chosen.samples:,} x {SIZES[0]} samples, {data:,.0f} MB in float32; networks {SIZES}\n")
    print("| call | grew by, MB | of which results and orders, MB |")
    print("|---|--:|--:|")
    for name, values in found.items():
        print(f"| {name} | {values['grew'] / 1e6:.1f} | {values['result'] / 1e6:.1f} |")


if __name__ == "__main__":
    main()
