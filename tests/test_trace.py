"""A trace holds the engine's numbers, and each record follows from its operands, bit for bit."""

import copy
import math
import tracemalloc
from time import perf_counter

import numpy as np
import pytest
from bits import assert_same_bits, same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases, network_of, runs, step_options

import backprop as bp
from backprop._single import Single
from backprop.glassbox.ops import (
    AdamMean,
    AdamUpdate,
    BatchGradient,
    Delta,
    Difference,
    Given,
    PlainUpdate,
    WeightedSum,
)

ENGINES = ("compiled", "python")
uses_both = pytest.mark.usefixtures("both")
some = settings(max_examples=settings().max_examples * 2 // 5)  # each of them has many numbers
small = {"max_samples": 4, "width": st.integers(1, 4)}


def worked(**options):
    net, x, t = bp.examples.worked_example(**options)
    return net.trace(x, t)


def of_parameters(trace, kind) -> np.ndarray:
    """The numbers of one kind for each parameter, in the order of ``net.parameters``."""
    packed = []
    for layer in range(1, len(trace.config.sizes)):
        records = trace.select(kind=kind, layer=layer)
        weights = sorted((r for r in records if len(r.indices) == 2), key=lambda r: r.indices)
        packed += [*weights, *(r for r in records if len(r.indices) < 2)]
    return np.array([record.value for record in packed], dtype=trace.config.dtype)


# ---- the engine's numbers --------------------------------------------------------------------------------------


@uses_both
@pytest.mark.parametrize("after", [0, 2])
@some
@given(case=cases(**small), run=runs())
def test_every_record_follows_from_its_operands(after, case, run):
    for engine in ENGINES:
        trace = network_of(case, engine).trace(*case.draw(), after=after, **step_options(case, run))
        seen = {}
        for record in trace:
            if not trace.diverged:  # beyond the finite numbers NaN and infinity may stand for one another
                assert same_bits(record.recompute(), record.value), f"{engine}: {record!r}"
                assert [seen[name] for name in record.operands] == [*record.operand_values], record.name
            assert record.name not in seen
            assert isinstance(record.op, Given) == record.given == (record.phase == "given")
            again = trace[record.name]
            assert (again.key, again.op, again.operands) == (record.key, record.op, record.operands)
            seen[record.name] = record.value
        assert len(trace) == len(seen) == len(trace.records)


@uses_both
@some
@given(case=cases(**small), run=runs(), after=st.integers(0, 5))
def test_it_is_the_step_that_training_takes(case, run, after):
    traces = []
    for engine in ENGINES:
        net = network_of(case, engine)
        X, T = case.draw()
        options = step_options(case, run)
        how = {"batch_size": run["batch_size"], "shuffle": run["shuffle"], "random_state": case.seed}
        before, kept = net.parameters, copy.deepcopy(options["optimizer"]).__dict__
        size = min(run["batch_size"], len(X))
        n_batches = -(-len(X) // size)
        epochs = after // n_batches + 1
        try:
            trace = net.trace(X, T, after=epochs * n_batches - 1, **how, **options)
        except ValueError as error:
            assert "passed over" in str(error)  # noqa: PT017
            return
        assert_same_bits(net.parameters, before)
        assert options["optimizer"].__dict__.keys() == kept.keys()
        assert not options["optimizer"]._moments
        try:
            net.train(X, T, epochs=epochs, **how, **options)
        except bp.DivergenceError:
            assert trace.diverged
            return
        assert trace.update == epochs * n_batches
        assert_same_bits(of_parameters(trace, "new_parameter"), net.parameters)
        traces.append(trace)
    for a, b in zip(*traces, strict=True):
        assert a.name == b.name
        assert same_bits(a.value, b.value), a.name


@uses_both
@some
@given(case=cases(**small))
def test_gradients_and_losses_are_those_of_the_network(case):
    for engine in ENGINES:
        net = network_of(case, engine)
        X, T = case.draw()
        trace = net.trace(X, T)
        assert trace["E"].value == net.loss(X, T)
        for layer, (nets, outs) in enumerate(zip(net.nets(X), net.activations(X), strict=True), start=1):
            for kind, sheet in (("net", nets), ("out", outs)):
                values = np.array([r.value for r in trace.select(kind=kind, layer=layer)], dtype=sheet.dtype)
                assert_same_bits(values, sheet.ravel())
        if case.options["update_order"] == "simultaneous":
            gradients = net.gradients(X, T)
            packed = [g.ravel() for pair in zip(gradients.weights, gradients.biases, strict=True) for g in pair]
            assert_same_bits(of_parameters(trace, "gradient"), np.concatenate(packed))


def test_an_instance_shows_its_next_step_and_keeps_its_state(engine):
    net, x, t = bp.examples.worked_example(engine=engine, train_bias=True)
    optimizer = bp.Adam(learning_rate=0.1)
    net.train(x, t, epochs=3, optimizer=optimizer)
    trace = net.trace(x, t, optimizer=optimizer)
    assert trace["beta_1^(t-1)"].value == 0.9 * 0.9 * 0.9
    assert trace["m_w5"].value != 0.0
    state = [moment.copy() for moment in optimizer._moments]
    assert all(np.array_equal(a, b) for a, b in zip(state, optimizer._moments, strict=True))
    net.train(x, t, optimizer=optimizer)
    assert_same_bits(of_parameters(trace, "new_parameter"), net.parameters)
    with pytest.raises(ValueError, match="holds the state of another network"):
        net.copy().trace(x, t, optimizer=optimizer)


def test_the_optimizers_rate_is_the_default():
    net, x, t = bp.examples.worked_example()
    assert net.trace(x, t)["learning_rate"].value == 0.5
    assert net.trace(x, t, optimizer="adam")["learning_rate"].value == 0.001
    assert net.trace(x, t, learning_rate=lambda epoch: 0.5 / (1 + epoch), after=3)["learning_rate"].value == 0.125


def test_sequential_deltas_go_back_through_the_new_weights():
    trace = worked(update_order="sequential")
    assert trace["dEo1/dout_h1"].operands == ("delta_o1", "w5+")
    assert worked()["dEo1/dout_h1"].operands == ("delta_o1", "w5")
    names = trace.records.names
    assert names.index("w8+") < names.index("dEo1/dout_h1")


# ---- after k updates -------------------------------------------------------------------------------------------


def test_after_many_updates_it_is_the_golden_one():
    net, x, t = bp.examples.worked_example()
    trace = net.trace(x, t, after=9_999)
    assert trace.update == 10_000
    assert f"{trace['E'].value:.8e}" == "3.51085481e-05"


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_update_that_blows_up_is_shown(engine, shuffle):
    X = [[1.0], [2.0], [-3.0]]
    net = bp.Network([1, 2, 1], activation="identity", output_activation="identity", random_state=0, engine=engine)
    how = {"batch_size": 1, "shuffle": shuffle, "random_state": 1, "learning_rate": 2.0}
    trace = net.trace(X, X, after=4710, **how)
    assert trace.diverged
    assert trace.update < 100
    assert all(math.isfinite(record.value) for record in trace.select(phase="given"))
    first = trace.first_not_finite
    assert not math.isfinite(first.value)
    assert all(math.isfinite(value) for value in first.operand_values)
    assert "LEAVES THE FINITE NUMBERS" in trace.text()
    one_before = net.trace(X, X, after=trace.update - 2, **how)
    assert not one_before.diverged
    assert_same_bits(of_parameters(one_before, "new_parameter"), of_parameters(trace, "parameter"))
    with pytest.raises(bp.DivergenceError):
        net.train(X, X, epochs=100, **how)


def test_weights_that_overflow_behind_finite_losses_are_found(engine):
    # tanh saturates, and so hides a weight that has become infinite from the loss.
    net = bp.Network([1, 1], loss="absolute_error", bias="none", output_activation="tanh", engine=engine)
    net.weights[0][...] = 0.0
    trace = net.trace([1e200], [0.5], learning_rate=1e300, after=5000)
    assert trace.diverged
    assert (trace.update, trace["w[1][1,1]+"].value) == (1, math.inf)
    assert math.isfinite(trace["E"].value)
    assert trace.first_not_finite.phase in ("gradient", "update")


def test_dead_units_are_named():
    net = bp.Network([2, 3, 1], activation="relu", random_state=0)
    net.biases[0][:] = [-100.0, 100.0, -100.0]
    assert net.trace([[1.0, 1.0], [0.5, 0.0]], [[1.0], [0.0]]).dead_units == ["h1", "h3"]


# ---- records ---------------------------------------------------------------------------------------------------


def test_records_can_be_recomputed_otherwise():
    trace = worked()
    update = trace["w5+"]
    weight, rate, gradient = update.operand_values
    assert update.operands == ("w5", "learning_rate", "dE/dw5")
    assert update.recompute({"learning_rate": 0.25}) == weight - 0.25 * gradient
    assert update.recompute([weight, rate, 0.0]) == weight
    assert trace["dE/dw5"].recompute(op=Difference()) == trace["delta_o1"].value - trace["out_h1"].value
    assert PlainUpdate()([1.0, 0.5, 0.5]) == 0.75
    with pytest.raises(KeyError, match="no operand of w5"):
        update.recompute({"w6": 1.0})
    with pytest.raises(ValueError, match="has 1 numbers, expected 3"):
        update.recompute([1.0])
    assert trace["w5"].recompute() == 0.4
    assert str(trace["w5"]) == "w5 = 0.4"
    assert str(trace["b2+"]) == "b2+ = b2 = 0.6"


def test_functions_of_ones_own_are_traced():
    """Their formulas need not say what they are computed from, and they are asked about finite numbers only."""

    def value(net):
        assert math.isfinite(net)
        return net + 0.1 * (net * net)

    def derivative(net, out):
        assert math.isfinite(net + out)
        return 1.0 + 0.2 * net + 0.0 * out

    bent = bp.CustomActivation(name="bent", formula="a curve of my own", value=value, derivative=derivative)
    loss = bp.CustomLoss(name="mine", formula="(out - target)^4", value=lambda out, target: (out - target) ** 4,
                         derivative=lambda out, target: 4.0 * (out - target) ** 3)  # fmt: skip
    for dtype in ("float64", "float32"):
        net = bp.Network([2, 3, 1], activation=bent, loss=loss, random_state=0, dtype=dtype)
        trace = net.trace([0.5, -1.0], [1.0])
        for record in trace:
            assert same_bits(record.recompute(), record.value), record.name
        assert trace["dout_h1/dnet_h1"].operands == ("net_h1", "out_h1")
        assert trace["E_o1"].operands == ("out_o1", "target_o1")
        assert trace["out_h1"].formula == trace["out_h1"].latex == "a curve of my own"
        assert "Bent hidden units, logistic outputs, mine;" in trace.text()
        assert "hidden (bent)" in trace.svg()
        with pytest.raises(TypeError, match="custom function 'bent' cannot be written as JSON"):
            trace.to_json()


def test_selections():
    net, _, _ = bp.examples.worked_example()
    X, T = bp.examples.four_samples()
    trace = net.trace(X, T)
    assert trace.select(kind="net", layer=1, sample=2).names == ["net_h1@2", "net_h2@2"]
    assert len(trace.select(phase="update")) == 10
    assert len(trace.select(kind="velocity")) == 0
    assert {record.phase for record in trace.select(layer=2)} == {
        "given", "forward", "loss", "backward", "gradient", "update",
    }  # fmt: skip
    records = trace.records
    assert records[0] == next(iter(trace))
    assert records[-1].name == "b1+"
    assert [r.name for r in records[:2]] == records.names[:2]
    assert records.index(trace["E"]) == records.names.index("E")
    assert "learning_rate, " in repr(records)
    with pytest.raises(IndexError):
        records[len(records)]
    wrong = {"phase": "x", "layer": 3, "kind": "nets", "sample": 5}
    for options, error in [*(({k: v}, ValueError) for k, v in wrong.items()), ({"kind": 1}, TypeError)]:
        with pytest.raises(error):
            trace.select(**options)
    assert repr(trace) == f"<Trace of update 1 of a 2-2-2 network, 4 samples: {len(trace)} records>"


def test_a_trace_of_a_large_network_is_immediate_and_small():
    net = bp.Network([784, 100, 10], output_activation="softmax", loss="log_loss", random_state=0)
    rng = np.random.RandomState(0)
    x, t = rng.uniform(size=784), np.eye(10)[3]
    net.trace(x, t)
    seconds = []
    for _ in range(7):
        begin = perf_counter()
        trace = net.trace(x, t)
        seconds.append(perf_counter() - begin)
    if net.engine == "compiled":
        assert min(seconds) < 0.05
    tracemalloc.start()
    trace = net.trace(x, t)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2.5 * net.parameters.nbytes  # the parameters before and after, and little else
    assert len(trace) > 3 * net.n_parameters
    record = trace["dE/dw[1][5,7]"]
    assert record.value == trace["delta_h7"].value * x[4]
    assert record.name == f"dE/dw{6 * 784 + 5}"
    assert trace.records[len(trace) // 2].name in trace


# ---- bad input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"x": [1, 2, 3]}, ValueError, "x has shape"),
        ({"t": [0, math.inf]}, ValueError, r"t\[1\] is inf"),
        ({"after": -1}, ValueError, "after"),
        ({"after": 1.5}, TypeError, "after"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"optimizer": "sgdd"}, ValueError, "optimizer"),
        ({"l2": -1}, ValueError, "l2"),
        ({"sample_weight": [1, 2]}, ValueError, "sample_weight"),
        ({"shuffle": 1}, TypeError, "shuffle"),
        ({"random_state": "x"}, (TypeError, ValueError), "random_state"),
    ],
)
def test_bad_arguments_are_named(options, error, match):
    net, x, t = bp.examples.worked_example()
    before = net.parameters
    with pytest.raises(error, match=match):
        net.trace(**{"x": x, "t": t} | options)
    assert_same_bits(net.parameters, before)


def test_a_batch_that_is_passed_over_has_no_trace():
    net, _, _ = bp.examples.worked_example()
    X, T = bp.examples.four_samples()
    with pytest.raises(ValueError, match="update 2: the batch is passed over"):
        net.trace(X, T, sample_weight=[1, 1, 0, 0], batch_size=2, after=1)


def test_a_random_state_is_not_advanced():
    net, _, _ = bp.examples.worked_example()
    X, T = bp.examples.four_samples()
    rng = np.random.RandomState(1)
    first = net.trace(X, T, shuffle=True, random_state=rng, batch_size=1, after=9)
    assert first.step.rows == net.trace(X, T, shuffle=True, random_state=rng, batch_size=1, after=9).step.rows


def test_operations_round_to_float32_where_their_operands_are():
    rng = np.random.RandomState(0)
    a, b, c, d = (Single(value) for value in rng.uniform(0.1, 1.0, size=4))
    rate, beta = 0.1, 0.9  # plain floats: the engine has them in float64
    for op, operands, expected in [
        (WeightedSum(bias=True), (a, b, c), np.float32(a) * np.float32(b) + np.float32(c)),
        (PlainUpdate(), (a, rate, b), np.float32(a) - np.float32(rate) * np.float32(b)),
        (BatchGradient(), (a, 3.0), np.float32(a) * np.float32(1.0 / 3.0)),
        (BatchGradient(), (a, 3.0, 0.01, b),
         (np.float32(a) + np.float32(0.01 * 3.0) * np.float32(b)) * np.float32(1.0 / 3.0)),
        (AdamMean(), (beta, a, b), np.float32(beta) * np.float32(a) + np.float32(1.0 - beta) * np.float32(b)),
        (AdamUpdate(), (a, rate, b, c, 1e-8),
         np.float32(a) - np.float32(rate) * np.float32(b) / (np.sqrt(np.float32(c)) + np.float32(1e-8))),
    ]:  # fmt: skip
        value = op(operands)
        assert type(value) is Single
        assert value == expected, op
    assert type(Delta(selects=True)((d, Single(0.0)))) is Single


@uses_both
@some
@given(case=cases(**small), run=runs())
def test_what_follows_the_step_is_what_the_changed_network_computes(case, run):
    for engine in ENGINES:
        net = network_of(case, engine)
        X, T = case.draw()
        options = step_options(case, run)
        trace = net.trace(X, T, **options)
        if trace.diverged:
            return
        net.train(X, T, batch_size=len(X), **options)
        assert same_bits(trace["E+"].value, net.loss(X, T, sample_weight=options["sample_weight"]))
        at = "@1" if trace.quantities.order.batch else ""
        tag = trace.names.tag(len(case.sizes) - 1, 1)
        assert same_bits(trace[f"out{tag}+{at}"].value, net.forward(X)[0, 0])
        assert trace[f"E{tag}+{at}"].recompute() == trace[f"E{tag}+{at}"].value
        assert "E+" not in trace.records.names
