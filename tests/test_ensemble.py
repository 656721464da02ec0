"""Every member of an ensemble has the bits of the network trained alone."""

import copy
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest
from bits import assert_same_bits
from conftest import needs_compiled
from hypothesis import given
from hypothesis import strategies as st
from strategies import OPTIMIZERS, RATES, cases

import backprop as bp
from backprop import DivergenceWarning, NetworkEnsemble, _engine, _together

LANES = _together.lanes_of(_engine.compiled_engine(), np.dtype(float))


@pytest.fixture(scope="module", autouse=True)
def in_lanes():
    """Every network goes into lanes, however large, and however few there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_together, "MOST_IN_LANES", 10**9)
        patch.setattr(_together, "LEAST_FILLED", 0.0)
        yield


@pytest.fixture(scope="module", params=["lanes", "one after another"])
def way(request, in_lanes):
    """That, or none does."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "lanes":
            patch.setattr(_together, "MOST_IN_LANES", 0)
        yield


@st.composite
def ensemble_runs(draw) -> dict:
    """Arguments of `train`, those that each member has for itself as functions of the number of members."""
    n_members = draw(st.integers(1, 5) | st.sampled_from([16, 17, 33, 40]))
    epochs = draw(st.integers(1, 4))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    kinds = [draw(st.sampled_from(OPTIMIZERS))]
    if draw(st.booleans()):  # of several kinds
        kinds = OPTIMIZERS
    return {
        "n_members": n_members,
        "epochs": epochs,
        "optimizers": [kinds[k] for k in rng.randint(len(kinds), size=n_members)],
        "rates": rng.choice(RATES, size=(n_members, epochs if draw(st.booleans()) else 1)),
        "l2": rng.choice([0.0, 0.01, 0.37], size=n_members) * draw(st.booleans()),
        "batch_size": draw(st.integers(1, 14)),
        "shuffle": draw(st.sampled_from(["no", "one order", "an order for each"])),
        "record_loss": draw(st.booleans()),
    }


def networks(case, n_members: int, engine: str) -> list[bp.Network]:
    """Networks with their own weights and biases, some of them -0.0."""
    rng = np.random.RandomState(case.seed)
    found = []
    for k in range(n_members):
        net = bp.Network(case.sizes, **case.options, random_state=(case.seed + k) % 2**32, engine=engine)
        for bias in net.biases:
            bias[:] = rng.normal(size=bias.shape)
        net.weights[0][0, 0] = -0.0 if k % 3 == 0 else net.weights[0][0, 0]
        found.append(net)
    return found


def optimizer_of(kind):
    return getattr(bp, kind[0])(**kind[1])


def arguments(run: dict, k: int | None) -> dict:
    """What the ensemble's `train` takes, or for member k the network's."""
    n = run["n_members"]
    seeds = {"no": None, "one order": 5, "an order for each": [(7 * k) % 11 for k in range(n)]}[run["shuffle"]]
    rates = run["rates"] if run["rates"].shape[1] == run["epochs"] else run["rates"][:, 0]
    common = {name: run[name] for name in ("epochs", "batch_size", "record_loss")}
    common["shuffle"] = run["shuffle"] != "no"
    if k is None:
        return common | {
            "learning_rate": rates,
            "optimizer": [optimizer_of(kind) for kind in run["optimizers"]],
            "l2": run["l2"],
            "random_state": seeds,
        }
    return common | {
        "learning_rate": rates[k] if rates.ndim == 2 else float(rates[k]),
        "optimizer": optimizer_of(run["optimizers"][k]),
        "l2": float(run["l2"][k]),
        "random_state": seeds[k] if isinstance(seeds, list) else seeds,
    }


def assert_like_alone(case, run: dict, engine: str, calls: int = 1) -> None:
    """Train an ensemble, and its members alone; some calls in a row with the same optimizers."""
    X, T = case.draw()
    members, alone = networks(case, run["n_members"], engine), networks(case, run["n_members"], engine)
    ensemble = NetworkEnsemble(members)
    for_all, for_each = arguments(run, None), [arguments(run, k) for k in range(run["n_members"])]
    for _ in range(calls):
        errors, histories = {}, {}
        for k, net in enumerate(alone):
            try:
                histories[k] = net.train(X, T, **for_each[k])
            except bp.DivergenceError as error:
                errors[k] = error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)
            history = ensemble.train(X, T, **for_all)
        assert {k: error.args for k, error in ensemble.failures.items()} == {
            k: error.args for k, error in errors.items()
        }
        for k, net in enumerate(alone):
            assert_same_bits(ensemble[k].parameters, net.parameters, f"member {k}")
            assert_same_bits(ensemble[k]._machine.block, net._machine.block, f"padding of member {k}")
            if run["record_loss"] and k in histories:
                assert_same_bits(history[k], histories[k], f"losses of member {k}")
            together, apart = for_all["optimizer"][k], for_each[k]["optimizer"]
            for part, other in zip(together._moments, apart._moments, strict=True):
                assert_same_bits(part, other, f"moments of member {k}")
            assert_same_bits(together._powers, apart._powers)
        assert run["record_loss"] or history is None


@needs_compiled
@given(case=cases(), run=ensemble_runs())
def test_members_are_like_networks_alone(way, case, run):
    assert_like_alone(case, run, "compiled")


@given(case=cases(max_samples=5, width=st.integers(1, 4)), run=ensemble_runs())
def test_members_in_the_python_engine(case, run):
    run["n_members"] = min(run["n_members"], 3)
    for name in ("optimizers", "rates", "l2"):
        run[name] = run[name][: run["n_members"]]
    assert_like_alone(case, run, "python")


@needs_compiled
@given(case=cases(max_samples=5, width=st.integers(1, 6)), run=ensemble_runs())
def test_optimizers_go_on_in_the_next_call(case, run):
    assert_like_alone(case, run, "compiled", calls=2)


@needs_compiled
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [[2, 2, 2], [4, 8, 3]])
def test_many_epochs_in_many_slices(way, dtype, sizes, monkeypatch):
    """The path of plain SGD on single samples, its portions, scans and slices."""
    monkeypatch.setattr("backprop._pacing.SLICE_SECONDS", 1e-5)
    rng = np.random.RandomState(0)
    X, T = rng.normal(size=(157, sizes[0])), rng.uniform(0.1, 0.9, size=(157, sizes[-1]))
    ensemble = NetworkEnsemble.from_seeds(sizes, range(35), dtype=dtype)
    rates = np.linspace(0.03, 0.7, 35)
    seeds = list(range(100, 135))
    history = ensemble.train(X, T, epochs=20, learning_rate=rates, shuffle=True, random_state=seeds)
    for k in range(35):
        alone = bp.Network(sizes, random_state=k, dtype=dtype)
        expected = alone.train(X, T, epochs=20, learning_rate=rates[k], shuffle=True, random_state=seeds[k])
        assert_same_bits(ensemble[k].parameters, alone.parameters)
        assert_same_bits(history[k], expected)


@needs_compiled
@pytest.mark.parametrize(
    ("sizes", "n_members", "kinds"),
    [
        ([2, 3, 1], 2 * LANES + 1, ["Group", "LanesGroup"]),
        ([2, 3, 1], 2 * LANES - 1, ["LanesGroup"]),
        ([2, 3, 1], LANES // 2 - 1, ["Group"]),
        ([40, 30, 2], LANES, ["Group"]),
    ],
)
def test_who_goes_into_lanes(sizes, n_members, kinds):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_together, "MOST_IN_LANES", 1024)
        patch.setattr(_together, "LEAST_FILLED", 0.5)
        seen = set()
        for kind in (_together.Group, _together.LanesGroup):
            original = kind.advance

            def advance(self, *arguments, original=original):
                seen.add(type(self).__name__)
                return original(self, *arguments)

            patch.setattr(kind, "advance", advance)
        ensemble = NetworkEnsemble.from_seeds(sizes, range(n_members), engine="compiled")
        alone = [net.copy() for net in ensemble]
        X, T = np.random.RandomState(0).uniform(size=(5, sizes[0])), np.full((5, sizes[-1]), 0.3)
        options = {"epochs": 3, "shuffle": True}
        ensemble.train(X, T, random_state=list(range(n_members)), **options)
        for k, net in enumerate(alone):
            net.train(X, T, random_state=k, **options)
        assert list(ensemble) == alone
    assert sorted(seen) == kinds


# ---- ends of runs ------------------------------------------------------------------------------------------


def linear(weights, engine, **options) -> NetworkEnsemble:
    """Networks of one weight, out = w*x."""
    members = []
    for w in weights:
        net = bp.Network([1, 1], output_activation="identity", bias="none", engine=engine, **options)
        net.weights[0] = [[w]]
        members.append(net)
    return NetworkEnsemble(members)


def test_one_diverges_and_the_others_go_on(way, engine):
    """With x = 1, t = 0 a step is w = w*(1 - rate); the square of -1e10^16 is infinite, in epoch 16."""
    ensemble = linear([1.0] * 5, engine)
    with pytest.warns(DivergenceWarning, match=r"2 of 5 networks diverged \(member 1 in epoch 16, member 3"):
        history = ensemble.train([[1.0]], [[0.0]], epochs=40, learning_rate=[0.5, 1e10, 0.25, 1e30, 0.1])
    assert {k: error.args for k, error in ensemble.failures.items()} == {1: (16, 0, 0), 3: (6, 0, 0)}
    assert ensemble[1].parameters.tolist() == ensemble[3].parameters.tolist() == [1.0]
    assert ensemble[0].parameters.tolist() == [0.5**40]
    assert ensemble[2].parameters.tolist() == [0.75**40] or abs(ensemble[2].parameters[0] / 0.75**40 - 1) < 1e-14
    assert np.isfinite(history[[0, 2, 4]]).all()
    assert np.isfinite(history).sum(axis=1).tolist() == [40, 16, 40, 6, 40]
    history = ensemble.train([[1.0]], [[0.0]], epochs=3)
    assert ensemble.failures == {}
    assert np.isfinite(history).all()


def test_the_warning_points_at_the_call(engine):
    ensemble = linear([1.0, 1.0], engine)
    with pytest.warns(DivergenceWarning) as caught:
        ensemble.train([[1.0]], [[0.0]], epochs=40, learning_rate=1e30)
    assert caught[0].filename == __file__
    assert sorted(ensemble.failures) == [0, 1]


def test_parameters_are_scanned_when_losses_are_not_recorded(way, engine):
    ensemble = linear([1.0] * 3, engine)
    with pytest.warns(DivergenceWarning):
        ensemble.train([[1.0]] * 3, [[0.0]] * 3, epochs=1000, learning_rate=[0.5, 1e10, 0.1], record_loss=False)
    assert ensemble.failures[1].args == (341, None, 0)  # batch 1,024 of 3 each
    with pytest.warns(DivergenceWarning):
        ensemble.train([[1.0]], [[0.0]], epochs=40, learning_rate=[0.5, 1e10, 0.1], record_loss=False)
    assert ensemble.failures[1].args == (39, None, 0)  # at the end
    assert ensemble[1].parameters.tolist() == [1.0]


@needs_compiled
@given(case=cases(max_samples=6, width=st.integers(1, 5)), run=ensemble_runs(), exponent=st.integers(1, 200))
def test_divergence_is_like_that_of_networks_alone(way, case, run, exponent):
    """Rates so large that many, few or no members diverge, by a loss, a scan or at the end."""
    if case.options["dtype"] == "float32":
        exponent = min(exponent, 30)
    run["rates"] = run["rates"] * np.where(np.arange(run["n_members"]) % 2, 10.0**exponent, 1.0)[:, np.newaxis]
    with np.errstate(all="ignore"):
        assert_like_alone(case, run, "compiled")


def test_each_ends_below_its_threshold(way, engine):
    weights = [1.0, 2.0, 4.0, 8.0, 0.01]
    ensemble = linear(weights, engine)
    history = ensemble.train([[1.0]] * 2, [[0.0]] * 2, epochs=50, learning_rate=0.1, stop_below=1e-3)
    for k, w in enumerate(weights):
        alone = linear([w], engine)[0]
        expected = alone.train([[1.0]] * 2, [[0.0]] * 2, epochs=50, learning_rate=0.1, stop_below=1e-3)
        assert_same_bits(history[k, : len(expected)], expected)
        assert np.isnan(history[k, len(expected) :]).all()
        assert_same_bits(ensemble[k].parameters, alone.parameters)
    assert history.shape[1] < 50


def test_lanes_are_filled_anew_when_many_have_ended(engine):
    weights = [8.0 if k % 13 == 0 else 0.1 for k in range(70)]
    optimizers = [[bp.Adam(learning_rate=0.1) for _ in weights] for _ in range(2)]
    ensemble = linear(weights, engine)
    history = ensemble.train(
        [[1.0]] * 3, [[0.0]] * 3, epochs=300, optimizer=optimizers[0], stop_below=1e-2, shuffle=True,
        random_state=list(range(70)), callback=lambda *_: None,
    )  # fmt: skip
    for k, w in enumerate(weights):
        alone = linear([w], engine)[0]
        expected = alone.train(
            [[1.0]] * 3, [[0.0]] * 3, epochs=300, optimizer=optimizers[1][k], stop_below=1e-2, shuffle=True,
            random_state=k,
        )  # fmt: skip
        assert_same_bits(history[k, : len(expected)], expected)
        assert_same_bits(ensemble[k].parameters, alone.parameters)
        assert_same_bits(optimizers[0][k]._powers, optimizers[1][k]._powers)
        assert_same_bits(optimizers[0][k]._moments[1], optimizers[1][k]._moments[1])


def test_a_callback_sees_the_members_and_ends_the_run(engine):
    ensemble, alone = linear([1.0, 2.0], engine), linear([2.0], engine)[0]
    seen = []

    def callback(epoch, given, losses):
        seen.append((epoch, given is ensemble, losses.tolist(), given[1].parameters.tolist()))
        return epoch == 2

    history = ensemble.train([[1.0]], [[0.0]], epochs=10, learning_rate=0.1, callback=callback)
    assert history.shape == (2, 3)
    for epoch in range(3):
        loss = alone.step([1.0], [0.0], learning_rate=0.1)
        assert seen[epoch][:2] == (epoch, True)
        assert seen[epoch][2][1] == loss
        assert seen[epoch][3] == alone.parameters.tolist()


def test_a_callback_may_change_members(engine):
    def callback(epoch, ensemble, losses):
        ensemble[0].weights[0] = [[-0.0]]
        assert losses is None

    ensemble = linear([1.0, 2.0], engine)
    ensemble.train([[1.0]], [[0.0]], epochs=3, learning_rate=0.1, callback=callback, record_loss=False)
    assert ensemble[0].parameters.tolist() == [0.0]
    assert ensemble[1].parameters.tolist() == [2.0 * 0.9 * 0.9 * 0.9] or ensemble[1].parameters[0] < 1.5


def test_who_diverges_after_a_callback_is_as_before_the_call(way, engine):
    ensemble = linear([1.0, 1.0], engine)
    optimizer = [bp.SGD(momentum=0.5), bp.SGD(momentum=0.5)]
    with pytest.warns(DivergenceWarning):
        ensemble.train(
            [[1.0]], [[0.0]], epochs=40, learning_rate=[0.1, 1e20], optimizer=optimizer, callback=lambda *_: None
        )
    assert ensemble[1].parameters.tolist() == [1.0]
    assert not optimizer[1]._moments[0].any()
    assert optimizer[0]._moments[0].any()


def test_an_exception_in_a_callback_takes_nothing_back(engine):
    def callback(epoch, *_):
        if epoch == 1:
            raise LookupError

    ensemble, alone = linear([1.0, 2.0], engine), linear([2.0], engine)[0]
    with pytest.raises(LookupError):
        ensemble.train([[1.0]], [[0.0]], epochs=3, learning_rate=0.1, callback=callback)
    alone.train([[1.0]], [[0.0]], epochs=2, learning_rate=0.1)
    assert_same_bits(ensemble[1].parameters, alone.parameters)
    ensemble.train([[1.0]], [[0.0]])  # nobody is claimed any more


SCRIPT = textwrap.dedent("""
    import signal, sys, time
    import numpy as np
    import backprop as bp

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children ignore it
    ensemble = bp.NetworkEnsemble.from_seeds([2, 3, 1], range(20), engine=sys.argv[1])
    n = 3000 if sys.argv[1] == "compiled" else 3
    X, T = [[0.0, 1.0]] * n, [[0.3]] * n
    before = ensemble.copy()
    print("ready", flush=True)
    try:
        ensemble.train(X, T, epochs=10**9, batch_size=n, record_loss=False)
    except KeyboardInterrupt:
        stopped = time.time()
    first = before[0].copy()
    epochs = 0
    while not first == ensemble[0]:
        first.train(X, T, batch_size=n)
        epochs += 1
        assert epochs < 10**6
    for k in range(1, 20):
        before[k].train(X, T, epochs=epochs, batch_size=n)
        assert before[k] == ensemble[k]
    ensemble.train(X, T, epochs=2)
    print(stopped)
""")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_after_sigint_all_have_done_the_same_batches(engine):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, engine], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert float(output) - sent < 0.25  # 50 ms is promised; a busy machine may not even schedule us for longer


@needs_compiled
def test_members_are_claimed_while_they_train():
    ensemble = linear([1.0] * 3, "compiled")
    started, ended = threading.Event(), threading.Event()

    def callback(*_):
        started.set()
        ended.wait(60)

    thread = threading.Thread(target=lambda: ensemble.train([[1.0]], [[0.0]], callback=callback))
    thread.start()
    assert started.wait(60)
    try:
        with pytest.raises(RuntimeError, match="this network is being trained by another call"):
            ensemble[1].train([[1.0]], [[0.0]])
        other = NetworkEnsemble([bp.Network.copy(ensemble[0]), ensemble[2]])
        with pytest.raises(RuntimeError, match="member 1 is being trained by another call"):
            other.train([[1.0]], [[0.0]])
        other[0].train([[1.0]], [[0.0]])  # it is not left claimed
    finally:
        ended.set()
        thread.join()
    ensemble[1].train([[1.0]], [[0.0]])


def test_functions_of_the_users_own():
    double = {"value": lambda net: 2.0 * net, "derivative": lambda *_: 2.0}
    own = bp.CustomActivation(name="double", formula="2*net", **double)
    ensemble = NetworkEnsemble.from_seeds([2, 2, 1], [1, 2], activation=own)
    X, T = [[0.1, 0.2], [0.3, -0.4]], [[0.5], [0.1]]
    with pytest.raises(bp.UncheckedFunctionError):
        ensemble.train(X, T)
    assert bp.gradcheck(ensemble[0], X, T)
    alone = ensemble[1].copy()
    assert_same_bits(ensemble.train(X, T, epochs=3)[1], alone.train(X, T, epochs=3))
    assert_same_bits(ensemble[1].parameters, alone.parameters)


def test_what_a_function_of_the_users_own_raises_takes_everything_back():
    calls = [0]

    def value(net):
        calls[0] += 1
        if calls[0] == 0:
            raise LookupError
        return 2.0 * net

    own = bp.CustomActivation(name="double", formula="2*net", value=value, derivative=lambda *_: 2.0)
    ensemble = NetworkEnsemble.from_seeds([2, 2, 1], [1, 2], activation=own)
    X, T = [[0.1, 0.2], [0.3, -0.4]], [[0.5], [0.1]]
    assert bp.gradcheck(ensemble[0], X, T)
    before = ensemble.parameters
    calls[0] = -10
    with pytest.raises(LookupError):
        ensemble.train(X, T, epochs=3)
    assert_same_bits(ensemble.parameters, before)
    assert ensemble.failures == {}


# ---- the object --------------------------------------------------------------------------------------------


def test_the_members_are_the_networks_that_were_given(engine):
    given = [bp.Network([2, 2, 1], random_state=k, engine=engine) for k in range(3)]
    ensemble = NetworkEnsemble(iter(given))
    assert all(a is b for a, b in zip(ensemble, given, strict=True))
    assert ensemble.members == tuple(given)
    assert ensemble[1:] == given[1:]
    assert len(ensemble) == 3
    assert ensemble.engine == engine
    assert ensemble.config == given[0].config
    assert repr(ensemble) == "<NetworkEnsemble of 3: <Network([2, 2, 1]): 9 parameters>>"
    assert_same_bits(ensemble.parameters[2], given[2].parameters)
    copied = ensemble.copy()
    copied[0].weights[0][0, 0] = 7.0
    assert given[0].weights[0][0, 0] != 7.0
    for other in (pickle.loads(pickle.dumps(ensemble)), copy.deepcopy(ensemble)):
        assert list(other) == given


def test_forward_and_loss(engine):
    ensemble = NetworkEnsemble.from_seeds([2, 3, 2], [1, 2, 3], engine=engine)
    X, T = np.random.RandomState(0).uniform(size=(2, 7, 2))
    weights = np.arange(7.0)
    for k, net in enumerate(ensemble):
        assert_same_bits(ensemble.forward(X)[k], net.forward(X))
        assert_same_bits(ensemble.predict(X[0])[k], net.forward(X[0]))
        assert ensemble.loss(X, T)[k] == net.loss(X, T)
        assert ensemble.loss(X, T, weights)[k] == net.loss(X, T, weights)
    assert ensemble.forward(X).shape == (3, 7, 2)
    assert ensemble.forward(X[0]).shape == (3, 2)


def test_rates_as_functions_and_the_optimizers_own(engine):
    ensemble = NetworkEnsemble.from_seeds([2, 2, 1], range(3), engine=engine)
    X, T = [[0.1, 0.2], [0.3, -0.4]], [[0.5], [0.1]]
    alone = [net.copy() for net in ensemble]
    ensemble.train(X, T, epochs=3, learning_rate=lambda epoch: [0.1 / (epoch + 1), 0.2, 0.3])
    ensemble.train(X, T, epochs=2, learning_rate=lambda epoch: 0.37 / (epoch + 1))
    ensemble.train(X, T, epochs=2, optimizer=[bp.SGD(0.1), bp.Adam(0.2), bp.SGD(0.3)])
    ensemble.train(X, T, optimizer="adam")
    alone[1].train(X, T, epochs=3, learning_rate=0.2)
    alone[1].train(X, T, epochs=2, learning_rate=lambda epoch: 0.37 / (epoch + 1))
    alone[1].train(X, T, epochs=2, optimizer=bp.Adam(0.2))
    alone[1].train(X, T, optimizer="adam")
    assert_same_bits(ensemble[1].parameters, alone[1].parameters)


def test_one_random_state_is_one_order_for_all(engine):
    X, T = np.random.RandomState(0).uniform(size=(2, 9, 2))
    shared, apart = np.random.RandomState(3), np.random.RandomState(3)
    ensemble = NetworkEnsemble.from_seeds([2, 2, 2], range(3), engine=engine)
    alone = [net.copy() for net in ensemble]
    ensemble.train(X, T, epochs=3, shuffle=True, random_state=shared)
    alone[2].train(X, T, epochs=3, shuffle=True, random_state=apart)
    assert_same_bits(ensemble[2].parameters, alone[2].parameters)
    assert shared.randint(2**31) == apart.randint(2**31)  # it has advanced
    before = ensemble.parameters
    ensemble.train(X, T, shuffle=True)
    assert (ensemble.parameters != before).any()


# ---- bad input ---------------------------------------------------------------------------------------------


def net(sizes=(2, 2, 1), **options) -> bp.Network:
    return bp.Network(sizes, random_state=0, **options)


@pytest.mark.parametrize(
    ("networks", "error", "words"),
    [
        ([], ValueError, "at least one Network; it was empty"),
        (3, TypeError, "networks must be an iterable of at least one Network, not 3"),
        ("ab", TypeError, "networks must be an iterable"),
        ([1], TypeError, r"networks\[0\] must be a Network, not 1"),
    ],
)
def test_what_is_no_ensemble(networks, error, words):
    with pytest.raises(error, match=words):
        NetworkEnsemble(networks)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"sizes": (2, 3, 1)}, r"networks\[1\] has sizes \(2, 3, 1\), not \(2, 2, 1\) as networks\[0\]"),
        ({"activation": "tanh"}, r"networks\[1\] has activation \('tanh'\), not \('logistic'\)"),
        ({"dtype": "float32"}, r"networks\[1\] has dtype 'float32', not 'float64'"),
        ({"train_bias": False}, r"networks\[1\] has train_bias False, not True"),
    ],
)
def test_members_of_different_shapes(second, words):
    with pytest.raises(ValueError, match=words):
        NetworkEnsemble([net(), net(**second)])


def test_members_of_two_engines(both):
    with pytest.raises(ValueError, match=r"networks\[1\] has engine 'python', and networks\[0\] 'compiled'"):
        NetworkEnsemble([net(engine=engine) for engine in both])


def test_a_network_twice():
    one = net()
    with pytest.raises(ValueError, match=r"networks\[2\] is networks\[0\] again"):
        NetworkEnsemble([one, net(), one])


def test_bad_seeds():
    with pytest.raises(ValueError, match="seeds must be an iterable of at least one random_state; it was empty"):
        NetworkEnsemble.from_seeds([2, 1], [])
    with pytest.raises(TypeError, match="seeds must be an iterable of at least one random_state, not 5"):
        NetworkEnsemble.from_seeds([2, 1], 5)
    with pytest.raises(ValueError, match="random_state must be None, an integer"):
        NetworkEnsemble.from_seeds([2, 1], [1, -1])
    with pytest.raises(TypeError, match="random_state is given by seeds"):
        NetworkEnsemble.from_seeds([2, 1], [1], random_state=1)
    with pytest.raises(TypeError, match=r"sizes\[1\] must be an integer"):
        NetworkEnsemble.from_seeds([2, "1"], [1])


ONE = [bp.SGD(), bp.SGD(), bp.SGD()]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"learning_rate": [0.1, 0.2]}, ValueError, r"learning_rate has shape \(2,\), expected a number"),
        ({"learning_rate": np.ones((2, 3))}, ValueError, r"learning_rate has shape \(2, 3\), .*\(3, 2\), one for"),
        ({"learning_rate": [0.1, -0.2, 0.3]}, ValueError, r"learning_rate\[1\] must be a finite number"),
        ({"learning_rate": [[0.1, 0.2]] * 2 + [[0.1, np.nan]]}, ValueError, r"learning_rate\[2, 1\] must be a"),
        ({"learning_rate": lambda epoch: [0.1] * 2}, ValueError, r"learning_rate\(0\) has shape \(2,\)"),
        (
            {"learning_rate": [[0.1], [0.2, 0.3], [0.1]]},
            ValueError,
            "learning_rate must be an array of real numbers",
        ),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a finite number"),
        ({"l2": [0.1]}, ValueError, r"l2 has shape \(1,\), expected a number or \(3,\)"),
        ({"l2": -1}, ValueError, "l2 must be a finite number"),
        ({"optimizer": bp.SGD()}, TypeError, "optimizer must be 'sgd', 'adam', or a list of 3"),
        ({"optimizer": [bp.SGD()]}, ValueError, "a list of 3 SGD or Adam, .*; it had 1"),
        ({"optimizer": [bp.SGD(), "sgd", bp.SGD()]}, TypeError, r"optimizer\[1\] was 'sgd'"),
        ({"optimizer": [ONE[0]] * 3}, ValueError, "one of them was there twice"),
        ({"optimizer": "lbfgs"}, ValueError, "optimizer must be one of 'sgd', 'adam', or a list"),
        ({"shuffle": True, "random_state": [1, 2]}, ValueError, "random_state has 2 entries, expected one"),
        ({"random_state": [np.random.RandomState(1)] * 3}, ValueError, "the same RandomState twice"),
        ({"random_state": [1, 2, -3]}, ValueError, "random_state must be None, an integer"),
        ({"epochs": 0}, ValueError, "epochs must be an integer"),
        ({"epochs": 2**52}, ValueError, "epochs: 3 histories of"),
        ({"batch_size": 0}, ValueError, "batch_size must be an integer"),
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"stop_below": 0.1, "record_loss": False}, ValueError, "stop_below needs record_loss=True"),
        ({"sample_weight": [1, 1]}, TypeError, "sample_weight"),
    ],
)
def test_bad_arguments_change_nothing(options, error, words):
    ensemble = NetworkEnsemble.from_seeds([2, 2, 1], range(3))
    before = ensemble.parameters
    with pytest.raises(error, match=words):
        ensemble.train([[0.1, 0.2]] * 2, [[0.3]] * 2, **{"epochs": 2} | options)
    assert_same_bits(ensemble.parameters, before)


def test_bad_data():
    ensemble = NetworkEnsemble.from_seeds([2, 2, 1], range(3))
    with pytest.raises(ValueError, match=r"X has shape \(2, 3\)"):
        ensemble.train(np.ones((2, 3)), np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"X\[1, 0\] is nan"):
        ensemble.forward([[1, 2], [np.nan, 3]])
    ensemble[1].weights[0][0, 0] = np.inf
    with pytest.raises(ValueError, match=r"weights\[0\] or biases\[0\] of member 1 holds a number that is not"):
        ensemble.train([[0.1, 0.2]], [[0.3]])
    ensemble[1].weights[0][0, 0] = 0.0
    ensemble.train([[0.1, 0.2]], [[0.3]])


def test_an_optimizer_of_another_network():
    ensemble = NetworkEnsemble.from_seeds([2, 2, 1], range(3))
    taken = bp.SGD(momentum=0.5)
    net().train([[0.1, 0.2]], [[0.3]], optimizer=taken)
    others = [bp.SGD(momentum=0.5), bp.SGD(momentum=0.5)]
    with pytest.raises(ValueError, match="of member 1: optimizer: this SGD holds the state of another network"):
        ensemble.train([[0.1, 0.2]], [[0.3]], optimizer=[others[0], taken, others[1]])
    net().train([[0.1, 0.2]], [[0.3]], optimizer=others[0])  # it is still free


# ---- the door ----------------------------------------------------------------------------------------------


def door_arguments(**changes) -> dict:
    """What `train_lanes` takes, for three networks 2-2-1."""
    machine = net(engine="compiled")._machine
    given = {
        "plan": machine.plan,
        "state": np.zeros((1, 1, machine.layout.size, LANES)),
        "members": np.array([0, 1, 2] + [-1] * (LANES - 3)),
        "blocks_out": np.zeros((3, 1, machine.layout.size)),
        "X": np.ones((4, 2)),
        "T": np.ones((4, 1)),
        "indices": np.zeros((1, 2, 4), np.intp),
        "first_epoch": 0,
        "learning_rates": np.ones((2, 3)),
        "l2": np.zeros(3),
        "optimizer": ("sgd", np.zeros((3, 3)), np.ones((3, 2))),
        "batch_size": 1,
        "place": (0, 0, 0),
        "batches": 8,
        "stop_below": -np.inf,
        "totals": np.zeros(3),
        "history_out": np.zeros((2, 3)),
        "ends_out": np.zeros((3, 3), np.intp),
    }
    return given | changes


@needs_compiled
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": np.zeros((1, 1, 8, LANES))}, "state"),
        ({"members": np.full(LANES, 3)}, r"members\[0\] is 3, expected -1 to 2"),
        ({"members": np.full(5, -1)}, "members of 5 numbers"),
        ({"indices": np.full((1, 2, 4), 4)}, r"an index outside 0\.\.3"),
        ({"indices": np.full((3, 2, 4), -1)}, r"an index outside 0\.\.3"),
        ({"indices": np.zeros((2, 2, 4), np.intp)}, "2 orders, expected 1 or 3"),
        ({"indices": np.zeros((1, 1, 4), np.intp)}, r"indices of 1 epochs from 0 on, for 0\.\.1"),
        ({"first_epoch": 1}, "indices of 2 epochs from 1 on"),
        ({"indices": np.zeros((1, 2, 3), np.intp)}, "indices of 3 samples, expected 4"),
        ({"learning_rates": np.ones((1, 3))}, "learning rates of 1 epochs, expected 2"),
        ({"learning_rates": np.ones((2, 2))}, "learning_rates of 2 numbers, expected 3"),
        ({"l2": np.zeros(2)}, "l2 of 2 numbers"),
        ({"batches": 9}, "learning rates of 2 epochs, expected 3"),
        ({"batches": 0}, "0 batches"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"place": (0, 4, 0)}, "from sample 4"),
        ({"history_out": np.zeros((1, 3))}, r"a history \(1, 3\)"),
        ({"optimizer": ("sgd", np.zeros((3, 2)), np.ones((3, 2)))}, "of another width"),
        ({"optimizer": ("adam", np.zeros((3, 3)), np.ones((3, 2)))}, "state"),
        ({"X": np.ones((4, 3))}, "samples of 3 numbers"),
    ],
)
def test_the_door_refuses_what_does_not_fit(changes, words):
    with pytest.raises(ValueError, match=words):
        _engine.pick("compiled").train_lanes(**door_arguments(**changes))
    _engine.pick("compiled").train_lanes(**door_arguments())
