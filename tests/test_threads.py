"""Any number of threads gives the bits of one, in every run; and none is left behind by a call."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from bits import assert_same_bits
from conftest import needs_compiled
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, network_of, runs, sample_weights

import backprop as bp
from backprop import DivergenceError, _training

MANY = [2, 3, 7]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts the threads in /proc")


@pytest.fixture(scope="module", autouse=True)
def every_batch_is_shared():
    """As many threads as are asked for, however small the batch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_training, "PRODUCTS_PER_THREAD", 1)
        patch.setattr(_training, "SAMPLES_PER_THREAD", 1)
        yield


def outcome(net, optimizer, *data, **options):
    """What a run leaves behind, its error included."""
    try:
        history = net.train(*data, optimizer=optimizer, **options)
    except DivergenceError as error:
        history = np.array([error.epoch, -1 if error.sample is None else error.sample, error.layer])
    return [
        np.zeros(0) if history is None else history,
        net._machine.block,
        optimizer._powers,
        *optimizer._moments,
    ]


def assert_same_outcomes(a, b) -> None:
    assert len(a) == len(b)
    for mine, theirs in zip(a, b, strict=True):
        assert_same_bits(mine, theirs)


@needs_compiled
@given(cases(max_samples=70), runs(), st.sampled_from(MANY))
def test_a_walk_of_runs(case, run, n_threads):
    kind, arguments = run.pop("optimizer")
    weights = sample_weights(case.n_samples, case.seed) if run.pop("weighted") else None
    run["batch_size"] *= 5
    options = run | {"sample_weight": weights, "random_state": 0}
    alone, together = (
        outcome(network_of(case, "compiled"), getattr(bp, kind)(**arguments), *case.draw(), **options, n_threads=n)
        for n in (1, n_threads)
    )
    assert_same_outcomes(together, alone)


@needs_compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("update_order", ["simultaneous", "sequential"])
def test_batches_of_several_portions(dtype, update_order):
    """One thread takes 64 samples at a time, two take 256, so sums are interrupted at other places."""
    rng = np.random.RandomState(0)
    X, T = rng.normal(size=(1500, 19)), rng.uniform(0.1, 0.9, size=(1500, 5))
    found = []
    for n_threads in (1, *MANY):
        net = bp.Network([19, 45, 5], dtype=dtype, update_order=update_order, random_state=0, engine="compiled")
        run = {"batch_size": 1100, "epochs": 3, "l2": 0.01, "shuffle": True, "random_state": 0}
        found.append(outcome(net, bp.SGD(0.3, 0.9), X, T, **run, n_threads=n_threads))
    for other in found[1:]:
        assert_same_outcomes(other, found[0])


def test_the_python_engine_takes_the_argument(both):
    rng = np.random.RandomState(0)
    X, T = rng.normal(size=(40, 3)), rng.uniform(size=(40, 2))
    nets = [bp.Network([3, 5, 2], random_state=0, engine=engine) for engine in both]
    for net in nets:
        net.train(X, T, batch_size=20, epochs=2, n_threads=3)
    assert nets[0] == nets[1]


@needs_compiled
@pytest.mark.parametrize("n_threads", [1, *MANY])
def test_a_divergence_is_the_same_one(n_threads):
    X, T = np.ones((64, 1)), np.zeros((64, 1))
    X[:32] = 0.0
    net = bp.Network([1, 1], output_activation="identity", bias="none", engine="compiled")
    net.weights[0] = [[1.0]]
    with pytest.raises(DivergenceError) as caught:
        net.train(X, T, epochs=100, learning_rate=1e10, batch_size=32, n_threads=n_threads)
    assert (caught.value.epoch, caught.value.sample, caught.value.layer) == (16, 32, 0)
    assert net.parameters.tolist() == [1.0]


def test_numpy_integers_and_huge_ones_are_numbers_of_threads(engine):
    net = bp.Network([2, 2], random_state=0, engine=engine)
    for value in (np.int32(2), 10**30):
        net.train(np.zeros((8, 2)), np.full((8, 2), 0.5), batch_size=8, n_threads=value)


def test_small_batches_are_left_to_one_thread(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(_training, "PRODUCTS_PER_THREAD", 500_000)
    monkeypatch.setattr(_training, "SAMPLES_PER_THREAD", 16)
    many = _training.threads_worth_having
    assert many(4, 256, 79_510) == 4
    assert many(4, 32, 79_510) == 2
    assert many(4, 31, 79_510) == 1
    assert many(4, 256, 2_410) == 1
    assert many(1, 256, 79_510) == 1
    assert many(4, 1, 10**9) == 1


def seen_while(call) -> int:
    """The most threads that the process had while something else ran, beside those that it had before."""
    before, most, stop = len(os.listdir("/proc/self/task")), [0], threading.Event()

    def look():
        while not stop.is_set():
            most[0] = max(most[0], len(os.listdir("/proc/self/task")))
            time.sleep(0.001)

    watcher = threading.Thread(target=look)
    watcher.start()
    call()
    stop.set()
    watcher.join()
    while os.path.exists(f"/proc/self/task/{watcher.native_id}"):  # it ends a moment after it is joined
        time.sleep(0.001)
    return most[0] - before - 1


@linux
@needs_compiled
def test_threads_are_started_and_end_with_the_call():
    rng = np.random.RandomState(0)
    X, T = rng.normal(size=(2000, 100)), rng.uniform(size=(2000, 10))
    net = bp.Network([100, 80, 10], random_state=0, engine="compiled")
    before = len(os.listdir("/proc/self/task"))
    for n_threads in (1, 2, 4):
        found = seen_while(
            lambda n=n_threads: net.train(X, T, batch_size=200, epochs=20, n_threads=n, learning_rate=0.01)
        )
        assert found == n_threads - 1
    assert len(os.listdir("/proc/self/task")) == before


@needs_compiled
def test_several_networks_are_trained_at_once():
    """Each call has a team of its own."""
    rng = np.random.RandomState(0)
    X, T = rng.normal(size=(200, 10)), rng.uniform(size=(200, 3))

    def train(net, n_threads):
        net.train(X, T, batch_size=50, epochs=30, n_threads=n_threads)

    nets = [bp.Network([10, 20, 3], random_state=k, engine="compiled") for k in range(4)]
    expected = [net.copy() for net in nets]
    threads = [threading.Thread(target=train, args=(net, 3)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for net, other in zip(nets, expected, strict=True):
        train(other, 1)
        assert net == other


FORK = textwrap.dedent("""
    import os, threading
    import numpy as np
    import backprop as bp
    from backprop import _training

    _training.PRODUCTS_PER_THREAD = _training.SAMPLES_PER_THREAD = 1
    X, T = np.random.RandomState(0).normal(size=(512, 50)), np.full((512, 5), 0.5)
    def trained(n_threads):
        net = bp.Network([50, 30, 5], random_state=0, engine="compiled")
        net.train(X, T, batch_size=128, epochs=5, n_threads=n_threads)
        return net
    expected = trained(1)
    assert trained(2) == expected
    busy = threading.Thread(target=lambda: bp.Network([50, 30, 5], engine="compiled").train(
        X, T, batch_size=128, epochs=2000, n_threads=3, learning_rate=0.01))
    busy.start()  # forks happen while another thread's team is at work
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if trained(2) == expected else 1)
        assert os.waitpid(child, 0)[1] == 0
    busy.join()
    assert trained(3) == expected
    print("done")
""")


@needs_compiled
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "done\n", done.stderr


INTERRUPT = textwrap.dedent("""
    import signal, sys, time
    import numpy as np
    import backprop as bp
    from backprop import _training

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children ignore it
    _training.PRODUCTS_PER_THREAD = _training.SAMPLES_PER_THREAD = 1
    X, T = np.random.RandomState(0).normal(size=(400, 20)), np.full((400, 5), 0.5)
    net = bp.Network([20, 10, 5], random_state=0, engine="compiled")
    before = net.copy()
    print("ready", flush=True)
    try:
        net.train(X, T, epochs=10**9, batch_size=400, n_threads=3, record_loss=False, learning_rate=1e-3)
    except KeyboardInterrupt:
        stopped = time.time()
    low, high = 0, 1  # whole batches: their number is found by doubling and halving
    def trained(epochs):
        other = before.copy()
        other.train(X, T, epochs=epochs, batch_size=400, record_loss=False, learning_rate=1e-3)
        return other
    while trained(high).loss(X, T) > net.loss(X, T):
        low, high = high, 2 * high
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if trained(middle).loss(X, T) > net.loss(X, T) else (low, middle)
    assert trained(high) == net
    print(stopped)
""")


@needs_compiled
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_leaves_whole_batches():
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert float(output) - sent < 0.25  # as in test_interrupt.py
