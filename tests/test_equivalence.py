"""Both engines give the same bits, for every shape, option and input."""

import itertools

import numpy as np
import pytest
from bits import assert_same_bits
from builds import builds, in_force
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import (
    DTYPES,
    HIDDEN,
    OPTIMIZERS,
    PAIRS,
    RATES,
    Case,
    cases,
    network_of,
    runs,
    sample_weights,
    targets_for,
)

import backprop as bp
from backprop import DivergenceError

pytestmark = pytest.mark.usefixtures("both")


def twins(case: Case) -> tuple[bp.Network, bp.Network]:
    """The case's network in both engines."""
    return network_of(case, "compiled"), network_of(case, "python")


def outcome(net: bp.Network, *args, **options):
    """The history of a training call, or where it diverged."""
    try:
        return net.train(*args, **options)
    except DivergenceError as error:
        return np.array([error.epoch, -1 if error.sample is None else error.sample, error.layer])


def step_outcome(net: bp.Network, x, t, rate):
    """The loss of a step, or where it diverged."""
    try:
        return [net.step(x, t, rate)]
    except DivergenceError as error:
        return [error.epoch, -1 if error.sample is None else error.sample, error.layer]


@given(cases())
def test_everything_that_is_computed_without_training(case):
    fast, slow = twins(case)
    X, T = case.draw()
    for name in ("nets", "activations"):
        for layer, (a, b) in enumerate(zip(getattr(fast, name)(X), getattr(slow, name)(X), strict=True)):
            assert_same_bits(a, b, f"{name}[{layer}]")
    assert_same_bits(fast.forward(X), slow.forward(X), "forward")
    assert_same_bits(fast.loss(X, T), slow.loss(X, T), "loss")
    mine, theirs = fast.gradients(X, T), slow.gradients(X, T)
    assert_same_bits(mine.inputs, theirs.inputs, "inputs")
    for layer in range(len(case.sizes) - 1):
        assert_same_bits(mine.weights[layer], theirs.weights[layer], f"weights[{layer}]")
        assert_same_bits(mine.biases[layer], theirs.biases[layer], f"biases[{layer}]")


@given(cases(), runs())
def test_training(case, run):
    X, T = case.draw()
    name, arguments = run.pop("optimizer")
    if run.pop("weighted"):
        run["sample_weight"] = sample_weights(case.n_samples, case.seed).astype(case.data_dtypes[0])
    results = []
    for net in twins(case):
        optimizer = getattr(bp, name)(**arguments)
        histories = [outcome(net, X, T, optimizer=optimizer, random_state=case.seed, **run) for _ in range(2)]
        results.append((net.parameters, histories, [*optimizer._moments, optimizer._powers]))
    assert_same_bits(results[0][0], results[1][0], "parameters")
    for mine, theirs in zip(results[0][1], results[1][1], strict=True):
        if theirs is None:
            assert mine is None
        else:
            assert_same_bits(mine, theirs, "history")
    for mine, theirs in zip(results[0][2], results[1][2], strict=True):
        assert_same_bits(mine, theirs, "state, padding included")


@pytest.mark.every_build
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_the_whole_matrix_at_a_small_size(pair, dtype):
    """Every hidden activation, optimizer, bias and order with every pair, in batches of two and of one."""
    rng = np.random.RandomState(7)
    X = rng.normal(size=(3, 2))
    for hidden, (name, arguments), bias, order in itertools.product(
        HIDDEN, OPTIMIZERS, ("per_unit", "shared", "none"), ("simultaneous", "sequential")
    ):
        options = {"activation": hidden, "output_activation": pair[0], "loss": pair[1]}
        case = Case([2, 3, 2], {**options, "bias": bias, "update_order": order, "dtype": dtype}, 3, 7)
        T = targets_for(options, (3, 2), np.random.RandomState(7))

        def trained(engine, case=case, T=T, name=name, arguments=arguments):
            net, optimizer = network_of(case, engine), getattr(bp, name)(0.037, **arguments)
            return outcome(net, X, T, epochs=2, batch_size=2, l2=0.01, optimizer=optimizer), net.parameters

        what = f"{hidden}, {name}{arguments}, {bias}, {order}"
        history, parameters = trained("python")
        assert len(history) == 2, f"{what}: diverged, and compared little"
        for build in builds():
            with in_force(build):
                found = trained("compiled")
            assert_same_bits(found[0], history, f"history of {what} in {build.__name__}")
            assert_same_bits(found[1], parameters, f"parameters of {what} in {build.__name__}")


@given(cases())
def test_weighted_losses_and_gradients(case):
    X, T = case.draw()
    weights = sample_weights(case.n_samples, case.seed)
    fast, slow = twins(case)
    assert_same_bits(fast.loss(X, T, weights), slow.loss(X, T, weights), "loss")
    mine, theirs = fast.gradients(X, T, weights), slow.gradients(X, T, weights)
    assert_same_bits(mine.inputs, theirs.inputs, "inputs")
    for layer in range(len(case.sizes) - 1):
        assert_same_bits(mine.weights[layer], theirs.weights[layer], f"weights[{layer}]")
        assert_same_bits(mine.biases[layer], theirs.biases[layer], f"biases[{layer}]")


@given(cases(max_samples=3, max_hidden=2, width=st.integers(1, 5)), st.sampled_from(RATES))
def test_thousands_of_steps_on_small_networks(case, rate):
    fast, slow = twins(case)
    X, T = case.draw()
    options = {"epochs": 400, "learning_rate": rate, "batch_size": 1 + case.seed % 2}
    assert_same_bits(outcome(fast, X, T, **options), outcome(slow, X, T, **options), "history")
    assert_same_bits(fast.parameters, slow.parameters, "parameters")


@given(cases(max_samples=4), st.sampled_from(RATES))
def test_single_steps(case, rate):
    fast, slow = twins(case)
    X, T = case.draw()
    for x, t in zip(X, T, strict=True):
        assert_same_bits(step_outcome(fast, x, t, rate), step_outcome(slow, x, t, rate), "loss")
    assert_same_bits(fast.parameters, slow.parameters, "parameters")


@pytest.mark.parametrize("n_samples", [63, 64, 65, 128, 200])
@pytest.mark.parametrize("update_order", ["simultaneous", "sequential"])
def test_batches_larger_than_the_compiled_workspace(n_samples, update_order):
    options = {"activation": "relu", "output_activation": "logistic", "loss": "squared_error", "bias": "shared"}
    case = Case([5, 7, 3], {**options, "update_order": update_order}, n_samples, 3)
    fast, slow = twins(case)
    X, T = case.draw()
    arguments = {"epochs": 3, "batch_size": n_samples, "learning_rate": 0.37, "shuffle": True, "random_state": 1}
    assert_same_bits(fast.train(X, T, **arguments), slow.train(X, T, **arguments), "history")
    assert_same_bits(fast.parameters, slow.parameters, "parameters")


@pytest.mark.parametrize("sizes", [[2, 2, 2], [3, 5, 2], [3, 7, 1], [2, 12, 3], [3, 17, 6, 2]], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_online_runs_that_are_looked_at_on_the_way(sizes, dtype):
    """The compiled engine takes single samples in runs, up to the next pause, end of an epoch or scan."""
    options = {"activation": "tanh", "output_activation": "identity", "loss": "squared_error", "bias": "shared"}
    case = Case(sizes, {**options, "dtype": dtype}, 1100, 11)
    X, T = case.draw()
    fast, slow = twins(case)
    arguments = {"epochs": 2, "learning_rate": 0.0037, "shuffle": True, "random_state": 3}
    assert_same_bits(fast.train(X, T, **arguments), slow.train(X, T, **arguments), "history")
    assert_same_bits(fast.parameters, slow.parameters, "parameters")
    T[1050] = 1e200 if dtype == "float64" else 1e30  # its loss is infinite
    for record_loss in (True, False):
        ends = [outcome(net, X, T, learning_rate=0.0037, record_loss=record_loss) for net in (fast, slow)]
        assert_same_bits(ends[0], ends[1], "where it diverged")
        assert ends[0][1] == (1050 if record_loss else -1)
        assert_same_bits(fast.parameters, slow.parameters, "parameters after a divergence")


def views_of(array: np.ndarray) -> dict[str, np.ndarray]:
    """The same numbers, laid out in memory in every way that NumPy knows."""
    padded = np.full((array.shape[0] * 2, array.shape[1] * 3), 7.0, array.dtype)
    padded[::2, ::3] = array
    read_only = array.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"x" + array.tobytes(), dtype=array.dtype, offset=1).reshape(array.shape)
    return {
        "Fortran order": np.asfortranarray(array),
        "strided": padded[::2, ::3],
        "reversed": array[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": read_only,
        "unaligned": unaligned,
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        # float32 rows that sum to 1 may be off by too much as float64
        "list": array.tolist() if array.dtype == np.float64 else array,
        "subclass": array.view(np.recarray),
        "broadcast": np.broadcast_to(array[None], (2, *array.shape))[1],
    }


# Rows of targets that sum to 1 as float32 numbers do, however these are laid out.
ROUNDED = {"output_activation": "softmax", "loss": "log_loss", "dtype": "float64"}


@given(cases(max_samples=5))
@example(Case([1, 2], ROUNDED, 1, 2, ("float64", "float32")))
def test_the_layout_of_the_data_changes_nothing(case):
    X, T = case.draw()
    expected_net, _ = twins(case)
    before = X.copy()
    expected = outcome(expected_net, X, T, learning_rate=0.37, batch_size=2)
    for (name, x), t in zip(views_of(X).items(), views_of(T).values(), strict=True):
        for net in twins(case):
            assert_same_bits(outcome(net, x, t, learning_rate=0.37, batch_size=2), expected, name)
            assert_same_bits(net.parameters, expected_net.parameters, name)
    assert_same_bits(X, before, "X itself")


@given(cases(max_samples=1), st.sampled_from(RATES))
def test_one_sample_by_itself_is_a_batch_of_one(case, rate):
    X, T = case.draw()
    for net in twins(case):
        alone, two_dimensional = net.copy(), net.copy()
        assert_same_bits(alone.forward(X[0]), net.forward(X)[0], "forward")
        assert_same_bits(alone.loss(X[0], T[0]), net.loss(X, T), "loss")
        assert_same_bits(alone.gradients(X[0], T[0]).inputs, net.gradients(X, T).inputs[0], "inputs")
        history = outcome(two_dimensional, X, T, learning_rate=rate, batch_size=5)
        assert_same_bits(outcome(alone, X[0], T[0], learning_rate=rate), history, "history")
        assert_same_bits(alone.parameters, two_dimensional.parameters, "parameters")


@given(cases(max_samples=6))
def test_negative_zeros_in_parameters_are_gone_after_training(case):
    X, T = case.draw()
    fast, slow = twins(case)
    for net in (fast, slow):
        for view in (*net.weights, *net.biases):
            view[...] = np.where(np.arange(view.size).reshape(view.shape) % 2, view, -0.0)
    for rate in (0.0, 0.37):  # at rate 0 nothing else touches them
        assert_same_bits(
            outcome(fast, X, T, learning_rate=rate, batch_size=4),
            outcome(slow, X, T, learning_rate=rate, batch_size=4),
            "history",
        )
        assert_same_bits(fast.parameters, slow.parameters, "parameters")
        assert not np.signbit(fast.parameters[fast.parameters == 0.0]).any()


# A bias that is infinite while all units are saturated, so that the losses stay finite.
SATURATED = Case(
    [1, 18], {"loss": "squared_error", "output_activation": "tanh", "bias": "shared", "dtype": "float32"}, 3, 0
)


@given(cases(max_samples=4), st.sampled_from([1e3, 1e30, 1e154, 1e300]), st.integers(1, 3))
@example(SATURATED, 1e300, 2)
def test_a_divergence_is_seen_at_the_same_place(case, rate, batch_size):
    fast, slow = twins(case)
    X, T = case.draw()
    rate = min(rate, 1e38) if case.options["dtype"] == "float32" else rate  # what the dtype can hold
    options = {"epochs": 5, "learning_rate": rate, "batch_size": batch_size}
    assert_same_bits(outcome(fast, X, T, **options), outcome(slow, X, T, **options), "history or place")
    assert_same_bits(fast.parameters, slow.parameters, "parameters")


@given(cases())
def test_padding_is_zero_when_a_call_returns(case):
    net, _ = twins(case)
    X, T = case.draw()
    outcome(net, X, T, epochs=3, batch_size=3, learning_rate=0.37)
    machine = net._machine
    rest = machine.block.copy()
    for view in machine.layout.in_order(rest):
        view[...] = 0.0
    assert_same_bits(rest, np.zeros_like(rest), "padding")
