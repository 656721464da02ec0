"""Network as an object: its views, copies, comparison, pickle, results' shapes, randomness, threads."""

import copy
import itertools
import pickle
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from bits import assert_same_bits

import backprop as bp
from backprop.functions import ACTIVATIONS

X = np.array([[0.1, -0.4, 0.3], [0.7, 0.2, -0.9], [-0.3, 0.5, 0.6], [0.0, 1.0, 0.2]])
T = np.array([[0.2, 0.9], [0.7, 0.1], [0.5, 0.4], [0.3, 0.8]])


def test_sizes_shapes_and_count(engine):
    net = bp.Network([3, 5, 4, 2], random_state=0, engine=engine)
    assert [w.shape for w in net.weights] == [(3, 5), (5, 4), (4, 2)]
    assert [b.shape for b in net.biases] == [(5,), (4,), (2,)]
    assert net.n_parameters == 15 + 5 + 20 + 4 + 8 + 2 == net.parameters.size
    assert net.engine == engine
    shared = bp.Network([3, 5, 2], bias="shared", engine=engine)
    assert [b.shape for b in shared.biases] == [(1,), (1,)]
    bare = bp.Network([3, 5, 2], bias="none", engine=engine)
    assert [b.shape for b in bare.biases] == [(0,), (0,)]
    assert bare.n_parameters == 25


def test_results_have_the_shape_of_the_samples(engine):
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    assert net.forward(X).shape == (4, 2)
    assert net.predict(X[0]).shape == (2,)
    assert [a.shape for a in net.activations(X)] == [(4, 5), (4, 2)]
    assert [a.shape for a in net.nets(X[0])] == [(5,), (2,)]
    gradients = net.gradients(X, T)
    assert [g.shape for g in gradients.weights] == [(3, 5), (5, 2)]
    assert [g.shape for g in gradients.biases] == [(5,), (2,)]
    assert gradients.inputs.shape == (4, 3)
    assert net.gradients(X[0], T[0]).inputs.shape == (3,)
    assert isinstance(net.loss(X, T), float)
    assert isinstance(net.step(X[0], T[0]), float)
    assert net.train(X, T, epochs=3).shape == (3,)
    assert net.train(X, T, record_loss=False) is None


def test_one_output_takes_flat_targets(engine):
    net = bp.Network([3, 2, 1], random_state=0, engine=engine)
    assert net.loss(X, T[:, 0]) == net.loss(X, T[:, :1])


def test_activations_are_functions_of_the_nets(engine):
    net = bp.Network([3, 5, 2], activation="relu", output_activation="identity", random_state=0, engine=engine)
    nets, outs = net.nets(X), net.activations(X)
    assert_same_bits(outs[0], np.where(nets[0] > 0, nets[0], 0.0))
    assert_same_bits(outs[1], nets[1])
    assert_same_bits(outs[1], net.forward(X))


def test_one_activation_per_hidden_layer(engine):
    net = bp.Network([3, 4, 4, 2], activation=["relu", "identity"], random_state=0, engine=engine)
    assert net.config.activation == ("relu", "identity")
    assert (net.activations(X)[0] >= 0).all()
    assert_same_bits(net.activations(X)[1], net.nets(X)[1])


def test_views_write_into_the_network(engine):
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    before = net.forward(X)
    net.weights[0][1, 2] += 0.5
    changed = net.forward(X)
    assert (before != changed).any()
    net.weights[1] = np.zeros((5, 2))
    net.biases[1] = [0.25, -0.25]
    assert_same_bits(net.nets(X)[1], np.tile([0.25, -0.25], (4, 1)))
    net.weights = [np.ones((3, 5)), np.ones((5, 2))]
    net.biases = [np.zeros(5), np.zeros(2)]
    assert net.parameters.sum() == 25


def test_packed_parameters_are_a_copy_in_layer_order(engine):
    net = bp.Network([2, 3, 1], random_state=0, engine=engine)
    parts = [net.weights[0].ravel(), net.biases[0], net.weights[1].ravel(), net.biases[1]]
    assert_same_bits(net.parameters, np.concatenate(parts))
    copied = net.parameters
    copied[:] = 7.0
    assert not (net.parameters == 7.0).any()
    net.parameters = np.arange(13.0)
    assert net.weights[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert net.biases[1].tolist() == [12]


def test_gradients_do_not_alias_each_other_or_the_network(engine):
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    first = net.gradients(X, T)
    kept = first.weights[0].copy()
    net.gradients(X[::-1], T).weights[0][...] = 9.0
    assert_same_bits(first.weights[0], kept)


@pytest.mark.parametrize(
    "duplicate", [bp.Network.copy, copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))]
)
def test_copies_are_equal_and_independent(engine, duplicate):
    net = bp.Network(
        [3, 5, 2], bias="shared", loss="log_loss", update_order="sequential", random_state=0, engine=engine
    )
    other = duplicate(net)
    assert other == net
    assert other.engine in (engine, bp.Network([1, 1]).engine)  # a pickle opens in the engine that is there
    assert other.config == net.config
    other.train(X, T)
    assert other != net
    net.train(X, T)
    assert other == net  # the same engine or not, the same bits


def test_a_copy_computes_in_the_same_engine(engine):
    net = bp.Network([3, 5, 2], engine=engine)
    assert net.copy().engine == copy.copy(net).engine == copy.deepcopy(net).engine == engine


def test_a_copy_keeps_what_is_not_finite_and_its_class(engine):
    class Named(bp.Network):
        pass

    net = Named([3, 5, 2], random_state=0, engine=engine)
    net.weights[0][0, 0] = np.nan
    for duplicate in (net.copy(), copy.deepcopy(net)):
        assert_same_bits(duplicate.parameters, net.parameters)
        assert type(duplicate) is Named
    plain = bp.Network([3, 5, 2], random_state=0, engine=engine)
    plain.weights[0][0, 0] = np.inf
    assert_same_bits(pickle.loads(pickle.dumps(plain)).parameters, plain.parameters)


def test_views_of_the_network_itself_may_be_assigned(engine):
    for sizes in ([4, 4, 4], [3, 3, 3]):
        net = bp.Network(sizes, random_state=0, engine=engine)
        net.biases = [np.arange(sizes[0]), -np.arange(sizes[0])]
        (a, b), (c, d) = ([view.copy() for view in views] for views in (net.weights, net.biases))
        net.weights = [net.weights[1], net.weights[0]]
        net.biases = [net.biases[1], net.biases[0]]
        for found, expected in zip((*net.weights, *net.biases), (b, a, d, c), strict=True):
            assert_same_bits(found, expected)
        net.weights[0] = net.weights[0].T
        assert_same_bits(net.weights[0], b.T)


def test_the_network_s_own_parameters_may_be_the_data(both):
    """They are taken as they stand when the call begins."""
    trained = []
    for name in both:
        net = bp.Network([4, 4, 4], random_state=0, engine=name)
        other, samples = net.copy(), net.weights[0].copy()
        history = net.train(net.weights[0], net.weights[1], epochs=3, sample_weight=net.weights[0][:, 0] ** 2)
        expected = other.train(samples, other.weights[1].copy(), epochs=3, sample_weight=samples[:, 0] ** 2)
        assert_same_bits(history, expected)
        assert net == other
        trained.append(net)
    assert trained[0] == trained[1]


def test_the_block_is_aligned():
    blocks = [bp.Network([2, n, 3])._machine.block for n in range(1, 40)]
    assert {block.ctypes.data % 64 for block in blocks} == {0}


def test_equality_is_exact():
    net = bp.Network([3, 5, 2], random_state=0)
    other = net.copy()
    other.weights[0][0, 0] = np.nextafter(other.weights[0][0, 0], 9.0)
    assert net != other


def test_equality_is_of_specification_and_parameters():
    net = bp.Network([3, 5, 2], random_state=0)
    assert net == bp.Network([3, 5, 2], random_state=0)
    assert net != bp.Network([3, 5, 2], random_state=1)
    assert net != bp.Network([3, 5, 2], random_state=0, train_bias=False)
    assert net != "a network"
    with pytest.raises(TypeError, match="unhashable"):
        hash(net)


def test_config_is_immutable():
    net = bp.Network([3, 5, 2])
    with pytest.raises(AttributeError):
        net.config.loss = "log_loss"
    with pytest.raises(AttributeError):
        net.config = None
    assert net.config.sizes == (3, 5, 2)


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (bp.Network([2, 2, 2]), "<Network([2, 2, 2]): 12 parameters>"),
        (
            bp.Network([2, 2, 2], bias="shared", train_bias=False),
            "<Network([2, 2, 2], bias='shared', train_bias=False): 10 parameters>",
        ),
        (
            bp.Network([4, 3, 3, 1], activation=["relu", "identity"], loss="log_loss"),
            "<Network([4, 3, 3, 1], activation=['relu', 'identity'], loss='log_loss'): 31 parameters>",
        ),
        (
            bp.Network([4, 1], output_activation="identity"),
            "<Network([4, 1], output_activation='identity'): 5 parameters>",
        ),
    ],
)
def test_repr(net, text):
    assert repr(net) == text


def test_initial_weights_fill_their_range():
    """Uniform within the stated bound: nearly reached on both sides, with the variance of a uniform."""
    for activation, bound in (("logistic", (6 / 500) ** 0.5), ("relu", (6 / 300) ** 0.5)):
        net = bp.Network([300, 200, 1], activation=activation, random_state=0)
        weights = net.weights[0]
        assert 0.99 * bound < weights.max() <= bound
        assert -bound <= weights.min() < -0.99 * bound
        # 60,000 draws: mean and variance lie within five of their standard errors.
        assert abs(weights.mean()) < 5 * bound / (3 * weights.size) ** 0.5
        assert weights.var() == pytest.approx(bound**2 / 3, rel=5 * (0.8 / weights.size) ** 0.5)
    assert not net.biases[0].any()


def test_which_activations_start_from_larger_weights():
    for name, row in ACTIVATIONS.items():
        like_relu = name in ("relu", "leaky_relu", "elu", "silu")
        assert row.initial_bound(6, 18) == (1.0 if like_relu else 0.5), name


def test_initial_weights_are_drawn_layer_by_layer():
    rng = np.random.RandomState(7)
    net = bp.Network([3, 4, 2], activation="relu", random_state=7)
    first, second = (6 / 3) ** 0.5, (6 / 6) ** 0.5
    assert_same_bits(net.weights[0], rng.uniform(-first, first, size=(3, 4)))
    assert_same_bits(net.weights[1], rng.uniform(-second, second, size=(4, 2)))


def test_shuffling_permutes_on_top_of_the_last_order(engine):
    """The promised order, replayed by hand one sample at a time."""
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    by_hand = net.copy()
    net.train(X, T, epochs=3, shuffle=True, random_state=5)
    rng, order = np.random.RandomState(5), np.arange(4)
    for _ in range(3):
        order = order[rng.permutation(4)]
        for row in order:
            by_hand.step(X[row], T[row])
    assert_same_bits(net.parameters, by_hand.parameters)


def test_a_seed_starts_anew_and_a_random_state_advances(engine):
    def trained(*states):
        net = bp.Network([3, 5, 2], random_state=0, engine=engine)
        for state in states:
            net.train(X, T, epochs=2, shuffle=True, random_state=state)
        return net

    assert trained(5, 5) == trained(5, 5)
    assert trained(5, 5) == trained(np.random.RandomState(5), np.random.RandomState(5))
    state = np.random.RandomState(5)
    assert trained(state, state) != trained(5, 5)


def test_shuffled_runs_longer_than_the_orders_drawn_at_once(engine, monkeypatch):
    from backprop import _training

    whole = bp.Network([3, 2], random_state=0, engine=engine)
    parts = whole.copy()
    whole.train(X, T, epochs=50, shuffle=True, random_state=5)
    monkeypatch.setattr(_training, "INDICES_AT_ONCE", 10)
    parts.train(X, T, epochs=50, shuffle=True, random_state=5)
    assert_same_bits(whole.parameters, parts.parameters)


def test_slices_do_not_change_a_run(engine, monkeypatch):
    """However a run is cut, history and parameters keep their bits."""
    from backprop import _pacing

    data = np.tile(X, (5, 1)), np.tile(T, (5, 1))
    options = {"epochs": 30, "batch_size": 3, "shuffle": True, "random_state": 1}
    whole = bp.Network([3, 5, 2], random_state=0, engine=engine)
    cut = whole.copy()
    monkeypatch.setattr(_pacing, "SLICE_SECONDS", 10.0)
    history = whole.train(*data, **options)
    monkeypatch.setattr(_pacing, "SLICE_SECONDS", 1e-9)  # one batch a slice
    assert_same_bits(cut.train(*data, **options), history)
    assert_same_bits(cut.parameters, whole.parameters)
    assert_same_bits(cut.loss(*data), whole.loss(*data))
    assert_same_bits(cut.gradients(*data).weights[0], whole.gradients(*data).weights[0])


def test_history_is_the_mean_of_the_losses_before_each_update(engine):
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    by_hand = net.copy()
    history = net.train(X, T, epochs=2)
    for epoch in range(2):
        total = 0.0
        for x, t in zip(X, T, strict=True):
            total = total + by_hand.step(x, t)
        assert history[epoch] == total / 4


def test_recording_the_loss_does_not_change_the_run(engine):
    a = bp.Network([3, 5, 2], random_state=0, engine=engine)
    b = a.copy()
    a.train(X, T, epochs=3, batch_size=3)
    b.train(X, T, epochs=3, batch_size=3, record_loss=False)
    assert a == b


def test_a_batch_size_beyond_the_samples_means_all(engine):
    a = bp.Network([3, 5, 2], random_state=0, engine=engine)
    b = a.copy()
    a.train(X, T, batch_size=4)
    b.train(X, T, batch_size=10**30)
    assert a == b


def test_a_learning_rate_of_zero_changes_nothing(engine):
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    before = net.copy()
    net.train(X, T, epochs=3, learning_rate=0)
    assert net == before


def test_frozen_biases_stay(engine):
    net = bp.Network([3, 5, 2], train_bias=False, random_state=0, engine=engine)
    net.biases = [np.full(5, 0.1), np.full(2, -0.2)]
    net.train(X, T, epochs=3)
    assert [b.tolist() for b in net.biases] == [[0.1] * 5, [-0.2] * 2]
    assert all(np.abs(g).min() > 0 for g in net.gradients(X, T).biases)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_results_have_the_dtype_of_the_network(engine, dtype):
    net = bp.Network([3, 5, 2], dtype=dtype, random_state=0, engine=engine)
    assert net.config.dtype == dtype
    for data in (X, X.astype(np.float32)):
        found = [net.forward(data), *net.nets(data), *net.activations(data), *net.weights, *net.biases]
        gradients = net.gradients(data, T)
        found += [*gradients.weights, *gradients.biases, gradients.inputs, net.parameters]
        assert {array.dtype for array in found} == {np.dtype(dtype)}
        history = net.train(data, T)
        assert history.dtype == np.float64, "sums over samples are float64 in both"
    for duplicate in (net.copy(), pickle.loads(pickle.dumps(net))):
        assert duplicate == net
        assert duplicate.parameters.dtype == dtype


@pytest.mark.parametrize("given", ["float32", "f", np.float32, np.dtype("f4")])
def test_a_dtype_may_be_given_as_numpy_takes_it(given):
    net = bp.Network([2, 1], dtype=given)
    assert net.config.dtype == "float32"
    assert repr(net) == "<Network([2, 1], dtype='float32'): 3 parameters>"
    assert net != bp.Network([2, 1])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_data_of_the_other_dtype_is_rounded_on_reading(engine, dtype):
    """So it gives the bits of data that was rounded before."""
    other = "float32" if dtype == "float64" else "float64"
    rng = np.random.RandomState(3)
    data, targets, weights = rng.normal(size=(7, 3)), rng.uniform(size=(7, 2)), rng.uniform(size=7)
    ends = []
    for kinds in itertools.product((dtype, other), repeat=3):
        net = bp.Network([3, 4, 2], dtype=dtype, random_state=1, engine=engine)
        # Always from float32 numbers, so that a float64 network can be given the same ones in both dtypes.
        given = [values.astype(np.float32) for values in (data, targets, weights)]
        if dtype == "float32":
            given = [data, targets, weights]
        x, t, w = (values.astype(kind) for values, kind in zip(given, kinds, strict=True))
        history = net.train(x, t, sample_weight=w, epochs=3, batch_size=2, learning_rate=0.37)
        loss, gradients = net.loss(x, t, w), net.gradients(x, t, w)
        ends.append(
            np.concatenate([history, [loss], net.parameters, gradients.inputs.ravel(), net.forward(x).ravel()])
        )
    for end in ends[1:]:
        assert_same_bits(end, ends[0])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_data_is_never_copied_whole(engine, dtype):
    n_samples = 3000 if engine == "compiled" else 400
    other = np.float32 if dtype == "float64" else np.float64
    data, targets = np.ones((n_samples, 100), other), np.ones((n_samples, 1), other)
    net = bp.Network([100, 1], dtype=dtype, random_state=0, engine=engine)
    net.train(data[:1], targets[:1])  # what is imported or built once
    for work in (net.forward, lambda x: net.loss(x, targets), lambda x: net.train(x, targets, learning_rate=0.01)):
        tracemalloc.start()
        work(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        copied = data.size * np.dtype(dtype).itemsize
        assert peak < 0.8 * copied, f"{peak} bytes, and a copy would take {copied}"


def test_losses_of_float32_are_added_in_float64(engine):
    net = bp.Network([3, 4, 2], dtype="float32", random_state=2, engine=engine)
    single = [net.loss(x, t) for x, t in zip(X, T, strict=True)]
    assert all(float(np.float32(loss)) == loss for loss in single), "one sample's loss is a float32 number"
    assert net.loss(X, T) == (((single[0] + single[1]) + single[2]) + single[3]) / 4


def test_two_threads_may_not_train_one_network(engine):
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    entered, leave = threading.Event(), threading.Event()

    def hold(epoch, network, loss):
        entered.set()
        return leave.wait(60)

    thread = threading.Thread(target=net.train, args=(X, T), kwargs={"epochs": 10, "callback": hold})
    thread.start()
    try:
        assert entered.wait(60)
        for train in (net.train, lambda X, T: net.step(X[0], T[0])):
            with pytest.raises(RuntimeError, match="another call"):
                train(X, T)
        assert net.forward(X).shape == (4, 2)  # reading is free
    finally:
        leave.set()
        thread.join()
    net.train(X, T)


def test_threads_train_their_own_networks_beside_each_other(engine):
    epochs = 200 if engine == "python" else 20_000
    alone = bp.Network([3, 5, 2], random_state=0, engine=engine)
    networks = [alone.copy() for _ in range(4)]
    alone.train(X, T, epochs=epochs)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=net.train, args=(X, T), kwargs={"epochs": epochs}) for net in networks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert all(net == alone for net in networks)


def test_threads_may_read_one_network(engine):
    net = bp.Network([3, 5, 2], random_state=0, engine=engine)
    expected = net.forward(X)
    seen = []
    threads = [threading.Thread(target=lambda: seen.extend(net.forward(X) for _ in range(50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 200
    for out in seen:
        assert_same_bits(out, expected)


def test_examples(engine):
    net, inputs, targets = bp.examples.xor(engine=engine)
    net.train(inputs, targets, epochs=3000)
    assert net.forward(inputs).round().tolist() == targets.tolist()
    X4, T4 = bp.examples.four_samples()
    assert X4.shape == T4.shape == (4, 2)
    net, x, t = bp.examples.worked_example(engine=engine)
    assert X4[0].tolist() == x.tolist()
    assert T4[0].tolist() == t.tolist()
