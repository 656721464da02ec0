"""Ctrl-C stops training soon and leaves the result of the last complete batch."""

import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import backprop as bp

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

SCRIPT = textwrap.dedent("""
    import sys, time
    import numpy as np
    import backprop as bp

    net, x, t = bp.examples.worked_example(engine=sys.argv[1])
    before = net.parameters
    print("ready", flush=True)
    try:
        net.train(x, t, epochs=10**9, record_loss=False)
    except KeyboardInterrupt:
        stopped = time.time()
    assert np.isfinite(net.parameters).all() and (net.parameters != before).any()
    net.train(x, t, epochs=2)
    print(stopped)
""")


@pytest.mark.parametrize("wait", [0.05, 0.3])
def test_sigint_in_a_subprocess(engine, wait):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, engine], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(wait)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    # 50 ms is promised; a busy machine may not even schedule the process for longer than that, hence the margin.
    assert float(output) - sent < 0.25


class InterruptError(Exception):
    pass


def test_the_network_holds_whole_batches(engine):
    """A signal at a random moment: the parameters are those after some number of complete batches."""
    net, x, t = bp.examples.worked_example(engine=engine)
    X, T = np.tile(x, (3, 1)), np.tile(t, (3, 1))
    before = net.copy()

    def handler(*_):
        raise InterruptError

    old = signal.signal(signal.SIGINT, handler)
    try:
        timer = threading.Timer(0.05, lambda: signal.raise_signal(signal.SIGINT))
        timer.start()
        with pytest.raises(InterruptError):
            net.train(X, T, epochs=10**9, batch_size=3, record_loss=False)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, old)
    # Batches of three like samples are batches of one: their number is found by doubling and halving.
    low, high = 0, 1
    error = net.loss(x, t)
    while trained(before, X, T, high).loss(x, t) > error:
        low, high = high, 2 * high
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if trained(before, X, T, middle).loss(x, t) > error else (low, middle)
    assert trained(before, X, T, high) == net


def trained(net, X, T, epochs):
    other = net.copy()
    other.train(X, T, epochs=epochs, batch_size=len(X), record_loss=False)
    return other


def test_the_users_handler_comes_back(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    before = signal.getsignal(signal.SIGINT)
    net.train(x, t, epochs=10)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_call_in_another_thread_leaves_signals_alone(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    failures = []

    def run():
        try:
            net.train(x, t, epochs=10)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failures
