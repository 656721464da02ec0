"""The short way of `step` and `forward` does what the long way does: the same bits, the same errors."""

import copy
import pickle
import threading

import numpy as np
import pytest
from bits import assert_same_bits
from conftest import needs_compiled
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import cases, network_of

import backprop as bp
from backprop import DivergenceError

pytestmark = needs_compiled


class Own(np.ndarray):
    """An array of another type, with the same numbers."""


def unaligned(a: np.ndarray) -> np.ndarray:
    memory = np.zeros(a.nbytes + 1, np.uint8)
    view = memory[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def with_item(value: float):
    def changed(a: np.ndarray) -> np.ndarray:
        a = a.copy()
        a.reshape(-1)[-1] = value
        return a

    return changed


FORMS = {
    "as it is": lambda a: a,
    "list": lambda a: a.tolist(),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[..., ::-1],
    "column order": lambda a: np.asfortranarray(a),
    "float64": lambda a: a.astype(np.float64),
    "float32": lambda a: a.astype(np.float32),
    "other end first": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": unaligned,
    "subclass": lambda a: a.view(Own),
    "masked": np.ma.masked_array,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "integers": lambda a: a.astype(int),
    "complex": lambda a: a + 0j,
    "dates": lambda a: np.zeros(a.shape, "datetime64[s]"),
    "objects": lambda a: a.astype(object),
    "a row of rows": lambda a: a[np.newaxis],
    "scalar": lambda a: a.reshape(-1)[0],
    "empty": lambda a: a[..., :0],
    "no rows": lambda a: a[:0],
    "one more": lambda a: np.append(a, a[..., -1:], axis=-1),
    "memory view": lambda a: memoryview(a),
    "None": lambda a: None,
    "nan": with_item(np.nan),
    "inf": with_item(np.inf),
    "-inf": with_item(-np.inf),
    "huge": with_item(1e38),
    "large": with_item(3e9),
    "negative": with_item(-0.5),
    "-0.0": with_item(-0.0),
    "1 and a bit": with_item(np.float32(1.0 + 2e-7)),
}
RATES = [0.37, 0.1, 1, 0, 0.0, -0.0, np.float64(0.37), np.float32(0.37), 1e9, 1e20, 1e300, -0.1, np.nan, np.inf]
RATES += [True, None, "0.5", 10**400, 1e-320]
forms = st.sampled_from(["as it is"] * 12 + list(FORMS))


def outcome(call):
    """What a call returned, or its error, in a form that can be compared."""
    try:
        return call()
    except (TypeError, ValueError, ArithmeticError) as error:
        return type(error), str(error)


def pair(case) -> tuple[bp.Network, bp.Network]:
    """The same network twice; the second always goes the long way."""
    quick, slow = network_of(case, "compiled"), network_of(case, "compiled")
    assert quick._quick is not None
    slow._quick = None
    return quick, slow


def assert_same_outcomes(a, b) -> None:
    if isinstance(b, np.ndarray):
        assert type(a) is type(b)
        assert a.flags.writeable
        assert_same_bits(a, b)
    else:
        assert type(a) is type(b)
        assert a == b or (a != a and b != b)


@given(cases(max_samples=6), forms, forms, st.sampled_from([0.37] * 8 + RATES))
def test_a_walk_of_steps(case, form_of_x, form_of_t, rate):
    """Each step in a form of its own, among ordinary ones, with the weights written to in between."""
    quick, slow = pair(case)
    X, T = case.draw()
    for k in range(len(X)):
        x, t, by = (FORMS[form_of_x](X[k]), FORMS[form_of_t](T[k]), rate) if k % 3 == 1 else (X[k], T[k], 0.37)
        for net in (quick, slow):
            net.weights[k % len(net.weights)][0, 0] = [-0.0, 0.25, -0.5][k % 3]
            net.biases[-1][:1] = [0.5, -0.0, 0.25][k % 3]
        assert_same_outcomes(*(outcome(lambda net=net: net.step(x, t, by)) for net in (quick, slow)))  # noqa: B023
        assert_same_bits(quick._machine.block, slow._machine.block)
        assert_same_outcomes(*(outcome(lambda net=net: net.forward(x)) for net in (quick, slow)))  # noqa: B023


@given(cases(max_samples=6), st.sampled_from(list(FORMS)))
def test_forward_of_rows_in_every_form(case, form):
    quick, slow = pair(case)
    X = FORMS[form](case.draw()[0])
    assert_same_outcomes(outcome(lambda: quick.forward(X)), outcome(lambda: slow.forward(X)))


@given(cases(max_samples=3))
def test_what_is_ordinary_goes_the_short_way(case):
    """Without this the other tests could compare the long way with itself."""
    quick, slow = pair(case)
    X, T = case.draw()
    assume(all(np.abs(net).max() < 20 for net in slow.nets(X)))
    if case.options["output_activation"] == "exp":  # of more, its square is soon not calm in float32
        assume(np.abs(slow.nets(X)[-1]).max() < 3)
    assert_same_bits(quick._quick.forward(X), slow.forward(X))
    assert_same_bits(quick._quick.forward(X[0]), slow.forward(X[0]))
    rate = 0.001  # in a sequential update larger weights are the next layer's larger deltas
    assert quick._quick.step(X[0], T[0], rate) == slow.step(X[0], T[0], rate)
    assert_same_bits(quick._machine.block, slow._machine.block)


@pytest.mark.parametrize("order", ["simultaneous", "sequential"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_step_that_must_not_change_anything(order, dtype):
    """Too large somewhere on the way, in each layer in turn; the long way then says whether it is an error."""
    largest = float(np.finfo(dtype).max)
    for layer in range(3):
        for value in (largest, largest / 2, 1e15, 1e200, np.inf, np.nan):
            if dtype == "float32" and value == 1e200:
                continue
            net = bp.Network([2, 2, 2, 1], activation="identity", output_activation="identity", bias="none",
                             update_order=order, dtype=dtype, random_state=0, engine="compiled")  # fmt: skip
            net.weights[layer][1, 0] = value
            slow = net.copy()
            slow._quick = None
            x, t = np.array([1.0, 0.0 if layer == 0 else 1.0], dtype), np.array([0.5], dtype)
            before = net._machine.block.copy()
            if net._quick.step(x, t, 0.37) is None:
                assert_same_bits(net._machine.block, before)
            else:
                slow.step(x, t, 0.37)
                assert_same_bits(net._machine.block, slow._machine.block)
                assert np.isfinite(net._machine.block).all()


def test_a_weight_that_is_not_finite_is_seen_behind_an_input_of_zero():
    net = bp.Network([2, 3, 1], random_state=0, engine="compiled")
    net.weights[0][1, 2] = np.inf
    with pytest.raises(ValueError, match=r"weights\[0\]"):
        net.step(np.array([1.0, 0.0]), np.array([0.5]))


def test_a_divergence_leaves_the_network_as_it_was():
    net = bp.Network([1, 1], output_activation="identity", bias="none", engine="compiled")
    net.weights[0] = [[1.0]]
    for x, rate, sample in ((1e150, 1e300, None), (1e200, 0.1, 0)):
        with pytest.raises(DivergenceError) as caught:
            net.step(np.array([x]), np.array([0.0]), rate)
        assert caught.value.sample == sample
        assert net.parameters.tolist() == [1.0]


@pytest.mark.parametrize("train_bias", [True, False])
def test_a_negative_zero_is_cleared_as_training_clears_it(train_bias):
    net = bp.Network([2, 2, 2], train_bias=train_bias, random_state=0, engine="compiled")
    for array in (*net.weights, *net.biases):
        array[...] = -0.0
    assert net._quick.step(np.zeros(2), np.full(2, 0.5), 0.1) is not None
    assert not np.signbit(net.parameters).any()


def test_arguments_that_are_views_of_the_parameters():
    """x and t keep the numbers that they had when the step began."""
    for take in (lambda w: (w[0][0], np.full(3, 0.5)), lambda w: (np.full(3, 0.5), w[1][1])):
        quick = bp.Network([3, 3, 3], random_state=0, engine="compiled")
        other = quick.copy()
        x, t = take(quick.weights)
        assert quick._quick.step(x, t, 0.37) is None
        x_of_other, t_of_other = (a.copy() for a in take(other.weights))
        assert quick.step(x, t, 0.37) == other.step(x_of_other, t_of_other, 0.37)
        assert_same_bits(quick.parameters, other.parameters)


def test_the_result_belongs_to_the_caller():
    net = bp.Network([2, 2, 2], random_state=0, engine="compiled")
    x = np.array([0.25, 0.75])
    first = net.forward(x)
    kept = first.copy()
    first[:] = 7.0
    assert_same_bits(net.forward(x), kept)
    assert net.forward(x).base is None


def test_copies_have_their_own():
    net = bp.Network([2, 3, 2], random_state=0, engine="compiled")
    x, t = np.array([0.25, 0.75]), np.array([0.5, 0.1])
    before = net.parameters
    for other in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other.step(x, t)
        assert (other.parameters != before).any()
        assert_same_bits(net.parameters, before)


def test_a_custom_function_goes_the_long_way():
    tanh = bp.CustomActivation(name="t", formula="net", value=lambda z: z, derivative=lambda z, a: 1.0)
    assert bp.Network([2, 2], output_activation=tanh, random_state=0)._quick is None
    assert bp.Network([2, 2], engine="python")._quick is None


def test_a_callback_cannot_step():
    net = bp.Network([2, 2, 2], random_state=0, engine="compiled")
    x, t = np.array([0.25, 0.75]), np.array([0.5, 0.1])
    with pytest.raises(RuntimeError, match="another call"):
        net.train(x, t, epochs=2, callback=lambda *_: net.step(x, t))
    net.step(x, t)


def run_all(threads) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("sizes", [[2, 2, 2], [300, 200, 50]], ids=["holds the GIL", "gives it up"])
def test_steps_in_several_threads(sizes):
    """Each either is a step or is refused: the network holds as many steps as were not refused."""
    net = bp.Network(sizes, random_state=0, engine="compiled")
    other = net.copy()
    other._quick = None
    x, t = np.full(sizes[0], 0.25), np.full(sizes[-1], 0.5)
    refused = []

    def step():
        for _ in range(100):
            try:
                net.step(x, t, 0.1)
            except RuntimeError:
                refused.append(1)

    run_all([threading.Thread(target=step) for _ in range(4)])
    for _ in range(400 - len(refused)):
        other.step(x, t, 0.1)
    assert_same_bits(net.parameters, other.parameters)
    net.step(x, t, 0.1)  # nobody holds it any more


@pytest.mark.parametrize("sizes", [[2, 2, 2], [400, 300, 50]], ids=["holds the GIL", "gives it up"])
def test_forward_in_several_threads(sizes):
    net = bp.Network(sizes, random_state=0, engine="compiled")
    X = np.random.RandomState(0).normal(size=(4, sizes[0]))
    expected = [net.forward(x) for x in X.tolist()]
    wrong = []

    def forward(k):
        for _ in range(200):
            out = net.forward(X[k])
            if out.tobytes() != expected[k].tobytes():
                wrong.append(out)

    run_all([threading.Thread(target=forward, args=(k,)) for k in range(4)])
    assert not wrong
