"""Optimizers, L2, schedules, sample weights, callbacks: against the formulas, written out in NumPy or by hand."""

import copy
import pickle

import numpy as np
import pytest
from bits import assert_same_bits

import backprop as bp
from backprop import DivergenceError

X = np.array([[0.1, -0.4, 0.3], [0.7, 0.2, -0.9], [-0.3, 0.5, 0.6], [0.0, 1.0, 0.2]])
T = np.array([[0.2, 0.9], [0.7, 0.1], [0.5, 0.4], [0.3, 0.8]])
W = np.array([0.5, 2.0, 0.0, 1.25])


def network(engine, **options) -> bp.Network:
    return bp.Network([3, 4, 2], random_state=3, engine=engine, **options)


def flat_gradient(net, X, T, sample_weight=None) -> np.ndarray:
    gradients = net.gradients(X, T, sample_weight)
    return np.concatenate(
        [array.ravel() for pair in zip(gradients.weights, gradients.biases, strict=True) for array in pair]
    )


def by_hand(net, optimizer, batches, rate) -> np.ndarray:
    """Parameters after some batches, by the documented formulas on the packed parameters."""
    net = net.copy()
    w = net.parameters
    v, m = np.zeros_like(w), np.zeros_like(w)
    power_1 = power_2 = 1.0
    for x, t in batches:
        net.parameters = w
        g = flat_gradient(net, x, t)
        if isinstance(optimizer, bp.Adam):
            b1, b2 = optimizer.beta_1, optimizer.beta_2
            power_1, power_2 = power_1 * b1, power_2 * b2
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * (g * g)
            rate_t = rate * np.sqrt(1 - power_2) / (1 - power_1)
            w = w - (rate_t * m) / (np.sqrt(v) + optimizer.epsilon)
        elif optimizer.nesterov:
            v = optimizer.momentum * v - rate * g
            w = w + (optimizer.momentum * v - rate * g)
        else:
            v = optimizer.momentum * v - rate * g
            w = w + v
    return w


OPTIMIZERS = [
    bp.SGD(0.37),
    bp.SGD(0.37, momentum=0.9),
    bp.SGD(0.37, momentum=0.9, nesterov=True),
    bp.Adam(),
    bp.Adam(0.1, beta_1=0.5, beta_2=0.75, epsilon=0.1),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_formulas(engine, optimizer, batch_size):
    """Bit for bit: NumPy's elementwise operations round as ours do."""
    net = network(engine)
    batches = [(X[k : k + batch_size], T[k : k + batch_size]) for k in range(0, 4, batch_size)] * 3
    expected = by_hand(net, optimizer, batches, optimizer.learning_rate)
    net.train(X, T, epochs=3, batch_size=batch_size, optimizer=copy.deepcopy(optimizer))
    assert_same_bits(net.parameters, expected)


def test_frozen_biases_and_sequential_updates_take_optimizers_too(engine):
    for options in ({"train_bias": False}, {"update_order": "sequential"}, {"bias": "shared"}, {"bias": "none"}):
        net = network(engine, **options)
        before = net.copy()
        net.train(X, T, epochs=2, optimizer="adam")
        assert net != before
        if options.get("train_bias") is False:
            assert all(not bias.any() for bias in net.biases)


def test_a_name_starts_afresh_and_an_instance_goes_on(engine):
    one, two, three = network(engine), network(engine), network(engine)
    one.train(X, T, epochs=4, optimizer=bp.SGD(momentum=0.9))
    kept = bp.SGD(momentum=0.9)
    for _ in range(4):
        two.train(X, T, optimizer=kept)
        three.train(X, T, optimizer=bp.SGD(momentum=0.9))
    assert one == two
    assert one != three
    named, fresh = network(engine), network(engine)
    for _ in range(2):
        named.train(X, T, optimizer="adam")
        fresh.train(X, T, optimizer=bp.Adam())
    assert named == fresh


def test_an_instance_belongs_to_one_network(engine):
    optimizer = bp.Adam()
    net, other = network(engine), network(engine)
    net.train(X, T, optimizer=optimizer)
    before = other.parameters
    with pytest.raises(ValueError, match="another network"):
        other.train(X, T, optimizer=optimizer)
    assert_same_bits(other.parameters, before)
    optimizer.reset()
    other.train(X, T, optimizer=optimizer)
    assert other == net  # from scratch, as the first


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_a_copy_of_an_optimizer_goes_on_with_a_copy_of_the_network(engine, duplicate):
    net, optimizer = network(engine), bp.Adam()
    net.train(X, T, optimizer=optimizer)
    net_2, optimizer_2 = net.copy(), duplicate(optimizer)
    net.train(X, T, epochs=2, optimizer=optimizer)
    net_2.train(X, T, epochs=2, optimizer=optimizer_2)
    assert net == net_2


def test_a_copy_does_not_fit_other_sizes(engine):
    optimizer = bp.Adam()
    network(engine).train(X, T, optimizer=optimizer)
    wider = bp.Network([3, 9, 2], random_state=0, engine=engine)
    with pytest.raises(ValueError, match="other sizes"):
        wider.train(X, T, optimizer=copy.deepcopy(optimizer))


def test_a_divergence_restores_the_optimizer(engine):
    net = bp.Network([3, 4, 2], activation="identity", output_activation="identity", random_state=3, engine=engine)
    optimizer = bp.SGD(0.1, momentum=0.9)
    net.train(X, T, epochs=2, optimizer=optimizer)
    same_net, same_optimizer = net.copy(), copy.deepcopy(optimizer)
    with pytest.raises(DivergenceError):
        net.train(X, T, epochs=1000, learning_rate=1e9, optimizer=optimizer)
    net.train(X, T, optimizer=optimizer)
    same_net.train(X, T, optimizer=same_optimizer)
    assert net == same_net


def test_adam_with_a_rate_that_overflows(engine):
    net = network(engine)
    before = net.parameters
    with pytest.raises(DivergenceError):
        net.train(X, T, epochs=3, optimizer=bp.Adam(1e308))
    assert_same_bits(net.parameters, before)


def test_learning_rates(engine):
    schedule = [0.5, 0.37, 0.1]
    nets = [network(engine) for _ in range(4)]
    for rate in schedule:
        nets[0].train(X, T, learning_rate=rate)
    nets[1].train(X, T, epochs=3, learning_rate=schedule)
    nets[2].train(X, T, epochs=3, learning_rate=lambda epoch: schedule[epoch])
    nets[3].train(X, T, epochs=3, learning_rate=np.array(schedule))
    assert nets[0] == nets[1] == nets[2] == nets[3]


def test_no_learning_rate_means_the_optimizers_own(engine):
    for optimizer, rate in (("sgd", 0.5), ("adam", 0.001), (bp.SGD(0.2), 0.2)):
        one, two = network(engine), network(engine)
        one.train(X, T, optimizer=copy.deepcopy(optimizer))
        two.train(X, T, optimizer=copy.deepcopy(optimizer), learning_rate=rate)
        assert one == two


def test_l2_is_the_gradient_of_its_term(engine):
    """w - rate*(g + l2*w) for weights; not for biases, and not in the recorded loss."""
    net = network(engine)
    net.biases = [np.full(4, 0.3), np.full(2, -0.2)]
    gradients, before, loss = net.gradients(X, T), net.copy(), net.loss(X, T)
    history = net.train(X, T, batch_size=4, learning_rate=0.37, l2=0.1)
    for layer in range(2):
        expected = before.weights[layer] - 0.37 * (gradients.weights[layer] + 0.1 * before.weights[layer])
        # two more roundings than ours, each of half an ulp of numbers below 2
        assert net.weights[layer] == pytest.approx(expected, rel=0, abs=1e-15)
        assert_same_bits(net.biases[layer], before.biases[layer] - 0.37 * gradients.biases[layer])
    assert history[0] == loss


def test_l2_does_not_depend_on_the_batch_size(engine):
    """Without any gradient, weights shrink by the factor 1 - rate*l2 per update, whatever the batch."""
    for batch_size in (1, 2, 4):
        net = bp.Network([3, 2], output_activation="identity", bias="none", random_state=0, engine=engine)
        before = net.weights[0].copy()
        net.train(X, net.forward(X), batch_size=batch_size, learning_rate=0.0)  # targets are the outputs
        net.train(np.zeros_like(X), np.zeros_like(T), batch_size=batch_size, learning_rate=0.25, l2=0.5)
        updates = 4 // batch_size
        assert net.weights[0] == pytest.approx(before * (1 - 0.125) ** updates, rel=1e-15 * updates)


def test_weights_count_samples(engine):
    """An integer weight is that many copies of a sample in its batch."""
    net, copies = network(engine), network(engine)
    counts = [2, 1, 3, 1]
    net.train(X, T, batch_size=4, learning_rate=0.37, sample_weight=counts)
    copies.train(np.repeat(X, counts, axis=0), np.repeat(T, counts, axis=0), batch_size=7, learning_rate=0.37)
    assert net.parameters == pytest.approx(copies.parameters, rel=1e-14)  # 2*d against d+d over 7 terms
    assert net.loss(X, T, counts) == pytest.approx(
        net.loss(np.repeat(X, counts, axis=0), np.repeat(T, counts, axis=0)), rel=1e-15 * 7
    )


def test_equal_weights_change_nothing_but_their_scale(engine):
    one, two = network(engine), network(engine)
    one.train(X, T, epochs=3, batch_size=2, learning_rate=0.37)
    two.train(X, T, epochs=3, batch_size=2, learning_rate=0.37, sample_weight=np.full(4, 4.0))  # exact in binary
    assert one == two


def test_a_batch_without_weight_is_passed_over(engine):
    """No update, and Adam's t does not advance."""
    net, short = network(engine), network(engine)
    net.train(X, T, optimizer="adam", sample_weight=[1, 0, 0, 1])
    short.train(X[[0, 3]], T[[0, 3]], optimizer="adam", sample_weight=[1, 1])
    assert_same_bits(net.parameters, short.parameters)


def test_weighted_history(engine):
    net = network(engine)
    steps = net.copy()
    history = net.train(X, T, sample_weight=W, learning_rate=0.37)
    total, weight = 0.0, 0.0
    for x, t, s in zip(X, T, W, strict=True):
        total, weight = total + s * steps.loss(x, t), weight + s
        if s:
            steps.train(x, t, sample_weight=[s], learning_rate=0.37)
    assert history[0] == total / weight
    assert net == steps


def test_weighted_gradients_are_those_of_the_weighted_loss(engine):
    net = network(engine)
    analytic, parameters = flat_gradient(net, X, T, W), net.parameters
    for k in range(parameters.size):
        losses = []
        for sign in (1, -1):
            moved = parameters.copy()
            moved[k] += sign * 1e-5
            net.parameters = moved
            losses.append(net.loss(X, T, W))
        assert analytic[k] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-7, abs=1e-7)


def test_callback(engine):
    net, alone = network(engine), network(engine)
    seen = []

    def callback(epoch, network, loss):
        assert network is net
        seen.append((epoch, loss, network.loss(X, T)))
        return epoch == 2

    history = net.train(X, T, epochs=10, callback=callback, shuffle=True, random_state=1)
    expected = alone.train(X, T, epochs=3, shuffle=True, random_state=1)
    assert_same_bits(history, expected)
    assert [epoch for epoch, _, _ in seen] == [0, 1, 2]
    assert_same_bits([loss for _, loss, _ in seen], expected)
    assert net == alone
    assert seen[-1][2] == alone.loss(X, T)


def test_a_callback_stops_only_by_true(engine):
    net = network(engine)
    assert len(net.train(X, T, epochs=3, callback=lambda *_: "anything else")) == 3
    assert net.train(X, T, epochs=3, callback=lambda epoch, net, loss: loss is not None, record_loss=False) is None


def test_a_callback_may_not_train_its_network_and_its_errors_come_through(engine):
    net = network(engine)
    with pytest.raises(RuntimeError, match="another call"):
        net.train(X, T, epochs=3, callback=lambda epoch, net, loss: net.train(X, T))
    with pytest.raises(ZeroDivisionError):
        net.train(X, T, epochs=3, callback=lambda *_: 1 / 0)
    net.train(X, T)


def test_a_callback_may_write_parameters(both):
    """Also -0.0, which no update may meet."""

    def write(epoch, net, loss):
        net.weights[0][...] = -0.0

    trained = []
    for name in both:
        net = network(name, activation="relu")
        net.train(X, T, epochs=4, callback=write, learning_rate=0.37)
        trained.append(net)
    assert_same_bits(trained[0].parameters, trained[1].parameters)


def test_stop_below(engine):
    net, alone = network(engine), network(engine)
    losses = alone.copy().train(X, T, epochs=50)
    threshold = float(losses[20])
    history = net.train(X, T, epochs=50, stop_below=threshold)
    stop = int(np.argmax(losses < threshold)) + 1
    assert 1 < stop < 50
    assert_same_bits(history, losses[:stop])
    alone.train(X, T, epochs=stop)
    assert net == alone


def test_the_tutorials_network_until_it_is_good(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    history = net.train(x, t, epochs=100_000, stop_below=1e-3)
    assert history[-1] < 1e-3 <= history[-2]
