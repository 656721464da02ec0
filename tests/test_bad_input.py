"""Bad input gets an error that names the argument, what it was and what was expected; nothing changes."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st

import backprop as bp

X = np.array([[0.1, 0.2], [0.3, 0.4]])
T = np.array([[0.5, 0.6], [0.7, 0.8]])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"sizes": []}, ValueError, ["sizes", "at least two"]),
        ({"sizes": [3]}, ValueError, ["sizes", "[3]"]),
        ({"sizes": 3}, TypeError, ["sizes", "3"]),
        ({"sizes": "222"}, TypeError, ["sizes", "222"]),
        ({"sizes": None}, TypeError, ["sizes", "None"]),
        ({"sizes": {2, 3}}, TypeError, ["sizes", "{2, 3}"]),
        ({"sizes": {2: 3, 4: 5}}, TypeError, ["sizes", "{2: 3"]),
        ({"sizes": [2, 0, 2]}, ValueError, ["sizes[1]", "0"]),
        ({"sizes": [2, -1, 2]}, ValueError, ["sizes[1]", "-1"]),
        ({"sizes": [2, True, 2]}, TypeError, ["sizes[1]", "True"]),
        ({"sizes": [2, np.True_, 2]}, TypeError, ["sizes[1]", "True"]),
        ({"sizes": [2, 2.0, 2]}, TypeError, ["sizes[1]", "2.0"]),
        ({"sizes": [2, "2", 2]}, TypeError, ["sizes[1]", "'2'"]),
        ({"sizes": [10**6, 10**6]}, ValueError, ["sizes", "GiB"]),
        ({"sizes": [2, 2**45, 2]}, ValueError, ["sizes", "GiB"]),
        ({"sizes": [2**62, 2**62, 2**62]}, ValueError, ["sizes", "GiB"]),
        ({"sizes": [2, 10**30]}, ValueError, ["sizes", "GiB"]),
        ({"activation": "sigmoid"}, ValueError, ["activation", "'sigmoid'", "'logistic'"]),
        ({"activation": None}, TypeError, ["activation", "None"]),
        ({"activation": ["relu", "relu"]}, ValueError, ["activation", "1 hidden"]),
        ({"activation": ["elastic"]}, ValueError, ["activation[0]", "'elastic'"]),
        ({"activation": []}, ValueError, ["activation", "[]"]),
        ({"output_activation": "RELU"}, ValueError, ["output_activation", "'RELU'"]),
        ({"output_activation": ["relu"]}, TypeError, ["output_activation"]),
        ({"loss": "mse"}, ValueError, ["loss", "'mse'", "'squared_error'"]),
        ({"loss": 3}, TypeError, ["loss", "3"]),
        ({"loss": "log_loss", "output_activation": "relu"}, ValueError, ["log_loss", "'logistic'", "'relu'"]),
        ({"bias": "each"}, ValueError, ["bias", "'each'", "'per_unit'"]),
        ({"bias": True}, TypeError, ["bias", "True"]),
        ({"train_bias": "yes"}, TypeError, ["train_bias", "'yes'"]),
        ({"train_bias": 1}, TypeError, ["train_bias", "1"]),
        ({"update_order": "random"}, ValueError, ["update_order", "'random'"]),
        ({"random_state": -1}, ValueError, ["random_state", "-1"]),
        ({"random_state": 2**32}, ValueError, ["random_state"]),
        ({"random_state": 1.0}, TypeError, ["random_state", "1.0"]),
        ({"random_state": "7"}, TypeError, ["random_state", "'7'"]),
        ({"random_state": True}, TypeError, ["random_state", "True"]),
        ({"random_state": np.random.default_rng(1)}, TypeError, ["random_state", "RandomState"]),
        ({"engine": "gpu"}, ValueError, ["engine", "'gpu'"]),
        ({"engine": None}, TypeError, ["engine", "None"]),
        ({"loss": "poisson", "output_activation": "identity"}, ValueError, ["poisson", "'exp'", "'identity'"]),
        ({"loss": "log_loss", "output_activation": "exp"}, ValueError, ["log_loss", "'softmax'", "'exp'"]),
        ({"activation": "softmax"}, ValueError, ["activation", "'softmax'"]),
        ({"activation": "exp"}, ValueError, ["activation", "'exp'"]),
        ({"huber_delta": 0}, ValueError, ["huber_delta", "above 0", "0"]),
        ({"huber_delta": math.nan}, ValueError, ["huber_delta", "nan"]),
        ({"huber_delta": "1"}, TypeError, ["huber_delta", "'1'"]),
        ({"dtype": "float16"}, ValueError, ["dtype", "'float32'", "'float16'"]),
        ({"dtype": "single precision"}, ValueError, ["dtype", "'single precision'"]),
        ({"dtype": ">f4"}, ValueError, ["dtype", "'>f4'"]),
        ({"dtype": np.complex64}, ValueError, ["dtype", "complex64"]),
        ({"dtype": None}, TypeError, ["dtype", "None"]),
        ({"dtype": 32}, TypeError, ["dtype", "32"]),
        ({"dtype": "float32", "huber_delta": 1e39}, ValueError, ["huber_delta", "float32", "1e+39"]),
        ({"dtype": "float32", "huber_delta": 1e-46}, ValueError, ["huber_delta", "above 0 in float32", "1e-46"]),
    ],
)
def test_specification(arguments, error, words):
    with pytest.raises(error) as caught:
        bp.Network(**{"sizes": [2, 2, 2], **arguments})
    for word in words:
        assert word in str(caught.value)


def test_the_memory_check_comes_before_the_allocation(monkeypatch):
    def never(*_, **__):
        raise AssertionError("allocated")

    monkeypatch.setattr("backprop._layout.Layout.new_block", never)
    with pytest.raises(ValueError, match="GiB"):
        bp.Network([2, 10**9, 10**9])


BAD_SAMPLES = [
    (np.zeros((2, 3)), ValueError, "(2, 3)"),
    (np.zeros(3), ValueError, "(3,)"),
    (np.zeros((2, 2, 2)), ValueError, "(2, 2, 2)"),
    (np.zeros((0, 2)), ValueError, "(0, 2)"),
    ([], ValueError, "(0,)"),
    (0.5, ValueError, "()"),
    (None, TypeError, "None"),
    ([[0.1, math.nan], [0.3, 0.4]], ValueError, "[0, 1] is nan"),
    ([[0.1, 0.2], [math.inf, 0.4]], ValueError, "[1, 0] is inf"),
    ([[0.1, 0.2], [-math.inf, 0.4]], ValueError, "[1, 0] is -inf"),
    (X.astype(complex), TypeError, "complex128"),
    ([["a", "b"], ["c", "d"]], TypeError, "<U1"),
    ("words", TypeError, "words"),
    ([[0.1, 0.2], [0.3]], ValueError, "same length"),
    ([[0.1, None], [0.3, 0.4]], TypeError, "object"),
    ([[0.1, Fraction(1, 2)], [0.3, 0.4]], TypeError, "object"),
    (np.array([[1, 2], [3, 4]], dtype="datetime64[s]"), TypeError, "datetime64"),
    ([[10**400, 0], [0, 0]], TypeError, "object"),
    ({"a": 1}, TypeError, "object"),
    (np.ma.masked_array(X, mask=[[0, 1], [0, 0]]), TypeError, "masked"),
]
if np.finfo(np.longdouble).max > np.finfo(np.float64).max:
    BAD_SAMPLES.append((np.array([["1e4000", 0], [0, 0]], dtype=np.longdouble), ValueError, "inf"))


@pytest.mark.parametrize(("value", "error", "word"), BAD_SAMPLES, ids=[word for _, _, word in BAD_SAMPLES])
@pytest.mark.parametrize("call", ["forward", "nets", "activations", "loss", "gradients", "train", "step"])
def test_samples(engine, call, value, error, word):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    before = net.parameters
    arguments = {"loss": (T,), "gradients": (T,), "train": (T,), "step": (T[0],)}.get(call, ())
    with pytest.raises(error) as caught:
        getattr(net, call)(value, *arguments)
    assert str(caught.value).startswith("x" if call == "step" else "X")
    assert word in str(caught.value)
    assert_same_bits(net.parameters, before)


@pytest.mark.parametrize(("value", "error", "word"), BAD_SAMPLES, ids=[word for _, _, word in BAD_SAMPLES])
@pytest.mark.parametrize("call", ["loss", "gradients", "train"])
def test_targets(engine, call, value, error, word):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    before = net.parameters
    with pytest.raises(error) as caught:
        getattr(net, call)(X, value)
    assert str(caught.value).startswith("T")
    assert word in str(caught.value)
    assert_same_bits(net.parameters, before)


@pytest.mark.parametrize(
    ("x", "t", "word"),
    [
        (X, T, "x has shape (2, 2)"),
        (X[:1], T[:1], "x has shape (1, 2)"),
        (X[0], T, "t has shape (2, 2)"),
        (X[0], [0.5], "t has shape (1,)"),
        (X[0], 0.5, "t has shape ()"),
    ],
)
def test_a_step_takes_one_sample(engine, x, t, word):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    with pytest.raises(ValueError, match="has shape") as caught:
        net.step(x, t)
    assert word in str(caught.value)


def test_samples_and_targets_must_agree(engine):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    with pytest.raises(ValueError, match=r"T has shape \(2, 2\), expected \(3, 2\)"):
        net.train(np.zeros((3, 2)), T)
    one = bp.Network([2, 1], random_state=0, engine=engine)
    with pytest.raises(ValueError, match=r"T has shape \(3,\), expected \(2, 1\) or \(2,\)"):
        one.train(X, [0.0, 0.0, 0.0])


def test_a_column_of_samples_is_explained():
    with pytest.raises(ValueError, match=r"X.reshape\(-1, 1\)"):
        bp.Network([1, 2, 1]).forward([0.1, 0.2, 0.3])


@pytest.mark.parametrize("target", [-0.1, 1.1, math.nextafter(1.0, 2.0), -5e-324])
@pytest.mark.parametrize("call", ["loss", "gradients", "train"])
def test_targets_that_log_loss_does_not_allow(engine, call, target):
    net = bp.Network([2, 2, 2], loss="log_loss", random_state=0, engine=engine)
    before = net.parameters
    with pytest.raises(ValueError, match=r"T\[1, 0\].*targets from 0 to 1 for loss='log_loss'"):
        getattr(net, call)(X, [[0.0, 1.0], [target, 0.5]])
    assert_same_bits(net.parameters, before)
    getattr(net, call)(X, [[0.0, 1.0], [-0.0, 0.5]])


@pytest.mark.parametrize("call", ["loss", "gradients", "train"])
def test_targets_that_softmax_and_poisson_do_not_allow(engine, call):
    net = bp.Network([2, 2, 2], output_activation="softmax", loss="log_loss", random_state=0, engine=engine)
    before = net.parameters
    for wrong, words in (
        ([[0.5, 0.5], [0.5, 0.6]], r"T\[1\] sums to 1.1"),
        ([[0.5, 0.5], [0.0, 0.0]], r"T\[1\] sums to 0.0"),
        ([[1.5, -0.5], [0.5, 0.5]], r"T\[0, 0\] is 1.5"),
    ):
        with pytest.raises(ValueError, match=words):
            getattr(net, call)(X, wrong)
    assert_same_bits(net.parameters, before)
    getattr(net, call)(X, [[1 / 3, 2 / 3], [1.0, 1e-9]])
    counts = bp.Network([2, 2], output_activation="exp", loss="poisson", random_state=0, engine=engine)
    with pytest.raises(ValueError, match=r"T\[0, 1\] is -1.0; T must hold targets of at least 0"):
        getattr(counts, call)(X, [[3, -1], [0, 1]])
    getattr(counts, call)(X, [[1, 0.5], [0, 2]])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"epochs": 0}, ValueError, ["epochs", "0"]),
        ({"epochs": -3}, ValueError, ["epochs", "-3"]),
        ({"epochs": 1.5}, TypeError, ["epochs", "1.5"]),
        ({"epochs": True}, TypeError, ["epochs", "True"]),
        ({"epochs": "10"}, TypeError, ["epochs", "'10'"]),
        ({"epochs": 10**15}, ValueError, ["epochs", "GiB"]),
        ({"epochs": 2**60, "record_loss": False}, ValueError, ["epochs", "from 1 to"]),
        ({"epochs": 10**30, "record_loss": False}, ValueError, ["epochs", "from 1 to"]),
        ({"learning_rate": -0.1}, ValueError, ["learning_rate", "-0.1"]),
        ({"learning_rate": math.nan}, ValueError, ["learning_rate", "nan"]),
        ({"learning_rate": math.inf}, ValueError, ["learning_rate", "inf"]),
        ({"learning_rate": 10**400}, ValueError, ["learning_rate"]),
        ({"learning_rate": "0.5"}, TypeError, ["learning_rate", "'0.5'"]),
        ({"learning_rate": 1j}, TypeError, ["learning_rate", "1j"]),
        ({"learning_rate": True}, TypeError, ["learning_rate", "True"]),
        ({"learning_rate": [0.1]}, ValueError, ["learning_rate", "(1,)", "(2,)"]),
        ({"learning_rate": [0.1, -0.1]}, ValueError, ["learning_rate[1]", "-0.1"]),
        ({"learning_rate": [0.1, math.nan]}, ValueError, ["learning_rate[1]", "nan"]),
        ({"learning_rate": ["a", "b"]}, TypeError, ["learning_rate", "<U1"]),
        ({"learning_rate": lambda epoch: 0.1 - epoch}, ValueError, ["learning_rate(1)", "-0.9"]),
        ({"learning_rate": lambda epoch: "0.1"}, TypeError, ["learning_rate(0)", "'0.1'"]),
        ({"optimizer": "momentum"}, ValueError, ["optimizer", "'momentum'", "'adam'"]),
        ({"optimizer": bp.Adam}, TypeError, ["optimizer", "Adam"]),
        ({"optimizer": None}, TypeError, ["optimizer", "None"]),
        ({"l2": -0.1}, ValueError, ["l2", "-0.1"]),
        ({"l2": math.inf}, ValueError, ["l2", "inf"]),
        ({"l2": "0"}, TypeError, ["l2", "'0'"]),
        ({"sample_weight": [1.0]}, ValueError, ["sample_weight", "(1,)", "(2,)"]),
        ({"sample_weight": [[1.0, 1.0]]}, ValueError, ["sample_weight", "(1, 2)"]),
        ({"sample_weight": [0.0, 0.0]}, ValueError, ["sample_weight", "0 for every sample"]),
        ({"sample_weight": [1.0, -1.0]}, ValueError, ["sample_weight[1]", "-1.0", "at least 0"]),
        ({"sample_weight": [1.0, math.nan]}, ValueError, ["sample_weight[1]", "nan"]),
        ({"sample_weight": [1.7e308, 1.7e308]}, ValueError, ["sample_weight[0]", "1.7e+308"]),
        ({"sample_weight": "ab"}, TypeError, ["sample_weight", "ab"]),
        ({"callback": 3}, TypeError, ["callback", "3"]),
        ({"stop_below": -1}, ValueError, ["stop_below", "-1"]),
        ({"stop_below": math.nan}, ValueError, ["stop_below", "nan"]),
        ({"stop_below": "x"}, TypeError, ["stop_below", "'x'"]),
        ({"stop_below": 0.1, "record_loss": False}, ValueError, ["stop_below", "record_loss"]),
        ({"batch_size": 0}, ValueError, ["batch_size", "0"]),
        ({"batch_size": -1}, ValueError, ["batch_size", "-1"]),
        ({"batch_size": 2.0}, TypeError, ["batch_size", "2.0"]),
        ({"batch_size": False}, TypeError, ["batch_size", "False"]),
        ({"shuffle": "yes"}, TypeError, ["shuffle", "'yes'"]),
        ({"shuffle": None}, TypeError, ["shuffle", "None"]),
        ({"record_loss": 1}, TypeError, ["record_loss", "1"]),
        ({"random_state": "x"}, TypeError, ["random_state", "'x'"]),
        ({"n_threads": 0}, ValueError, ["n_threads", "at least 1", "0"]),
        ({"n_threads": -(10**30)}, ValueError, ["n_threads", "at least 1", "-1000"]),
        ({"n_threads": True}, TypeError, ["n_threads", "True"]),
        ({"n_threads": np.float64(2)}, TypeError, ["n_threads", "2.0"]),
        ({"n_threads": "2"}, TypeError, ["n_threads", "'2'"]),
        ({"n_threads": None}, TypeError, ["n_threads", "None"]),
    ],
)
def test_training_arguments(engine, arguments, error, words):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    before = net.parameters
    state = np.random.RandomState(3)
    with pytest.raises(error) as caught:
        net.train(X, T, **{"epochs": 2, "shuffle": True, "random_state": state, **arguments})
    for word in words:
        assert word in str(caught.value)
    assert_same_bits(net.parameters, before)
    assert state.randint(2**31) == np.random.RandomState(3).randint(2**31)  # not advanced either


@pytest.mark.parametrize(
    ("make", "error", "word"),
    [
        (lambda: bp.SGD(-1), ValueError, "learning_rate"),
        (lambda: bp.SGD("1"), TypeError, "learning_rate"),
        (lambda: bp.SGD(momentum=1.0), ValueError, "momentum"),
        (lambda: bp.SGD(momentum=-0.1), ValueError, "momentum"),
        (lambda: bp.SGD(momentum=math.nan), ValueError, "momentum"),
        (lambda: bp.SGD(momentum=None), TypeError, "momentum"),
        (lambda: bp.SGD(momentum=0.9, nesterov=1), TypeError, "nesterov"),
        (lambda: bp.SGD(nesterov=True), ValueError, "nesterov"),
        (lambda: bp.Adam(beta_1=1.0), ValueError, "beta_1"),
        (lambda: bp.Adam(beta_2="x"), TypeError, "beta_2"),
        (lambda: bp.Adam(beta_2=-1), ValueError, "beta_2"),
        (lambda: bp.Adam(epsilon=0.0), ValueError, "epsilon"),
        (lambda: bp.Adam(epsilon=math.inf), ValueError, "epsilon"),
    ],
)
def test_optimizers(make, error, word):
    with pytest.raises(error, match=word):
        make()


def test_an_optimizer_spoilt_later_is_refused(engine):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    before = net.parameters
    for name, value in (("momentum", 2.0), ("learning_rate", -1.0), ("nesterov", "yes")):
        optimizer = bp.SGD(momentum=0.5)
        setattr(optimizer, name, value)
        with pytest.raises((TypeError, ValueError), match=name):
            net.train(X, T, optimizer=optimizer)
    assert_same_bits(net.parameters, before)


@pytest.mark.parametrize("call", ["loss", "gradients"])
def test_sample_weights_without_training(engine, call):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    with pytest.raises(ValueError, match=r"sample_weight\[0\] is -1"):
        getattr(net, call)(X, T, sample_weight=[-1, 1])


def test_a_learning_rate_may_be_any_real_number(engine):
    trained = []
    for rate in (0.5, np.float32(0.5), np.float64(0.5), Fraction(1, 2)):
        net = bp.Network([2, 2, 2], random_state=0, engine=engine)
        net.step(X[0], T[0], rate)
        trained.append(net)
    assert all(net == trained[0] for net in trained)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint64, bool])
def test_other_real_dtypes_are_converted(engine, dtype):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    values = np.array([[0, 1], [1, 1]])
    assert_same_bits(net.forward(values.astype(dtype)), net.forward(values.astype(np.float64)))


@pytest.mark.parametrize(
    ("name", "value", "error", "word"),
    [
        ("parameters", np.zeros(11), ValueError, "(11,)"),
        ("parameters", np.zeros((12, 1)), ValueError, "(12, 1)"),
        ("parameters", np.full(12, np.nan), ValueError, "nan"),
        ("parameters", ["a"] * 12, TypeError, "<U1"),
        ("weights", [np.zeros((2, 2))], ValueError, "2 arrays"),
        ("weights", [np.zeros((2, 2)), np.zeros((2, 3))], ValueError, "weights[1] has shape (2, 3)"),
        ("weights", [np.zeros((2, 2)), np.full((2, 2), np.inf)], ValueError, "weights[1][0, 0] is inf"),
        ("biases", [np.zeros(2), np.zeros(3)], ValueError, "biases[1] has shape (3,)"),
        ("biases", [np.zeros(2), None], TypeError, "biases[1]"),
        ("weights", None, TypeError, "weights must be a sequence"),
    ],
)
def test_parameters(engine, name, value, error, word):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    before = net.parameters
    with pytest.raises(error) as caught:
        setattr(net, name, value)
    assert word in str(caught.value)
    assert_same_bits(net.parameters, before)


def test_one_layer_s_parameters(engine):
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    before = net.parameters
    with pytest.raises(ValueError, match=r"weights\[0\] has shape \(3, 2\), expected \(2, 2\)"):
        net.weights[0] = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"biases\[1\]\[1\] is nan"):
        net.biases[1] = [0.0, math.nan]
    with pytest.raises(IndexError):
        net.weights[2] = np.zeros((2, 2))
    with pytest.raises(TypeError, match=r"weights = \[...\]"):
        net.weights[0:1] = [np.zeros((2, 2))]
    assert_same_bits(net.parameters, before)


def test_objects_whose_repr_fails_are_named_by_their_type():
    class Bad:
        def __repr__(self):
            raise RuntimeError

    with pytest.raises(TypeError, match=r"epochs must be an integer .* Bad"):
        bp.Network([2, 2]).train(X, T, epochs=Bad())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_training_from_parameters_that_are_not_finite(engine, value):
    """The views are writable, so a user can put anything there; training says so and leaves it."""
    net = bp.Network([2, 2, 2], random_state=0, engine=engine)
    net.weights[1][0, 1] = value
    before = net.parameters
    with pytest.raises(ValueError, match=r"weights\[1\]"):
        net.train(X, T)
    assert_same_bits(net.parameters, before)
    assert not np.isfinite(net.forward(X)[:, 1]).all() or value == math.inf


any_size = st.one_of(st.integers(-3, 4), st.booleans(), st.floats(), st.none(), st.text(max_size=2))


@given(st.lists(any_size, max_size=4))
def test_sizes_make_a_network_or_a_clear_error(sizes):
    if len(sizes) >= 2 and all(type(size) is int and size > 0 for size in sizes):
        assert bp.Network(sizes).config.sizes == tuple(sizes)
    else:
        with pytest.raises((TypeError, ValueError), match="sizes"):
            bp.Network(sizes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"X": [[0.1, 1e39], [0.3, 0.4]]}, ["X[0, 1] is 1e+39", "float32"]),
        ({"T": [[0.1, 0.2], [-1e39, 0.4]]}, ["T[1, 0] is -1e+39", "float32"]),
        ({"learning_rate": 1e39}, ["learning_rate", "float32", "1e+39"]),
        ({"learning_rate": [0.1, 1e39]}, ["learning_rate[1]", "float32", "1e+39"]),
        ({"learning_rate": lambda epoch: 10.0 ** (39 * epoch)}, ["learning_rate(1)", "float32", "1e+39"]),
        ({"l2": 1e39}, ["l2", "float32", "1e+39"]),
        ({"sample_weight": [1.0, 1e39]}, ["sample_weight[1] is 1e+39"]),
        ({"sample_weight": [0.0, 1e-46]}, ["sample_weight is 0 for every sample"]),
        ({"optimizer": bp.Adam(epsilon=1e-46)}, ["epsilon", "above 0 in float32", "1e-46"]),
    ],
)
def test_what_float32_cannot_hold(engine, arguments, words):
    arguments = copy.deepcopy(arguments)  # an optimizer belongs to one network
    net = bp.Network([2, 2, 2], dtype="float32", random_state=0, engine=engine)
    before = net.parameters
    with pytest.raises(ValueError, match=r".") as caught:
        net.train(**{"X": X, "T": T, "epochs": 2, **arguments})
    for word in words:
        assert word in str(caught.value)
    assert_same_bits(net.parameters, before)
    double = bp.Network([2, 2, 2], random_state=0, engine=engine)
    if "sample_weight" in arguments or "optimizer" in arguments:
        double.train(**{"X": X, "T": T, "epochs": 2, **arguments})  # where it is no error


def test_parameters_that_float32_cannot_hold(engine):
    net = bp.Network([2, 1], dtype="float32", random_state=0, engine=engine)
    before = net.parameters
    for values in ([[1e39], [0.0]], [[math.nan], [0.0]]):
        with pytest.raises(ValueError, match=r"weights\[0\]\[0, 0\] is .*float32"):
            net.weights[0] = values
    with pytest.raises(ValueError, match=r"parameters\[2\] is -1e\+39"):
        net.parameters = [0.0, 0.0, -1e39]
    assert_same_bits(net.parameters, before)


def test_a_state_of_another_dtype_is_refused(engine):
    adam = bp.Adam()
    net = bp.Network([2, 2], dtype="float32", random_state=0, engine=engine)
    net.train(X, T, optimizer=adam)
    again = pickle.loads(pickle.dumps(adam))  # a copy belongs to the first network that it trains
    with pytest.raises(ValueError, match="dtype"):
        bp.Network([2, 4, 2], random_state=0, engine=engine).train(X, T, optimizer=again)
