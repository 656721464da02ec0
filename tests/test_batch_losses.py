"""What the engines do for the estimators: losses counted batch by batch, clipped gradients, sums with losses."""

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from strategies import OPTIMIZERS, Case, cases, sample_weights

import backprop as bp

pytestmark = pytest.mark.usefixtures("both")


def trained(
    case: Case, engine: str, optimizer, *, epochs=2, batch_size, l2, factor, clip_norm, weights, order=None
):
    """Parameters, state and history after some epochs through the door itself, and where the run ended."""
    net = bp.Network(case.sizes, **case.options, random_state=case.seed, engine=engine)
    machine = net._machine
    name, arguments = optimizer
    state = getattr(bp, name)(0.37, **arguments)._state(net, machine.layout)
    X, T = case.draw()
    history = np.empty(epochs)
    place, status = machine.engine.train_epochs(
        machine.plan, machine.block, X, T, weights, order, np.full(epochs, 0.037), l2, tuple(state), batch_size,
        (0, 0, 0, 0.0, 0.0), epochs, 10**6, -np.inf, history, factor, clip_norm,
    )  # fmt: skip
    if status != machine.engine.FINISHED:  # numbers that are not finite need not have the same bits
        return net, [np.array([status, *place[:3]])]
    return net, [net.parameters, history, *state.moments, state.powers]


@given(
    cases(),
    st.sampled_from(OPTIMIZERS),
    st.integers(1, 14),
    st.sampled_from([0.0, 0.01, 0.37]),
    st.sampled_from([1.0, 0.25]),
    st.sampled_from([0.0, 0.01, 1.0, 100.0]),
    st.booleans(),
)
def test_both_engines_give_the_same_bits(case, optimizer, batch_size, l2, factor, clip_norm, weighted):
    case.options["update_order"] = "simultaneous"
    weights = sample_weights(case.n_samples, case.seed) if weighted else None
    order = np.array([np.random.RandomState(case.seed).permutation(case.n_samples) for _ in range(2)])
    results = [
        trained(
            case,
            engine,
            optimizer,
            batch_size=batch_size,
            l2=l2,
            factor=factor,
            clip_norm=clip_norm,
            weights=weights,
            order=order,
        )[1]
        for engine in ("compiled", "python")
    ]
    assert len(results[0]) == len(results[1])
    for place, (mine, theirs) in enumerate(zip(*results, strict=True)):
        assert_same_bits(mine, theirs, f"array {place}: parameters, history and state, or where it diverged")


@given(cases(), st.booleans())
def test_sums_of_gradients_with_losses(case, weighted):
    weights = sample_weights(case.n_samples, case.seed) if weighted else None
    X, T = case.draw()
    results = []
    for engine in ("compiled", "python"):
        net = bp.Network(case.sizes, **case.options, random_state=case.seed, engine=engine)
        machine, total = net._machine, np.zeros(1)
        sums, same = machine.layout.new_block(), machine.layout.new_block()
        inputs = np.empty(X.shape, machine.layout.dtype)
        machine.engine.gradients(machine.plan, machine.block, X, T, weights, 0, len(X), sums, None, total)
        machine.engine.gradients(machine.plan, machine.block, X, T, weights, 0, len(X), same, inputs)
        assert_same_bits(sums, same, "with and without inputs and losses")
        results.append((sums, total))
    for what, mine, theirs in zip(("sums", "losses"), *results, strict=True):
        assert_same_bits(mine, theirs, what)


@pytest.mark.parametrize(
    ("output_activation", "T"), [("logistic", [[1.0, 0.0], [0.0, 1.0]]), ("softmax", [[1.0, 0.0], [0.0, 1.0]])]
)
@pytest.mark.parametrize(("dtype", "epsilon"), [("float64", 2.0**-52), ("float32", 2.0**-23)])
def test_a_reported_log_loss_is_clipped(engine, output_activation, T, dtype, epsilon):
    """A saturated and wrong output costs -log(epsilon), whatever its net input; scikit-learn clips so."""
    net = bp.Network(
        [1, 2], output_activation=output_activation, loss="log_loss", dtype=dtype, engine=engine, random_state=0
    )
    net.weights[0] = [[-300.0, 300.0]]
    machine, total = net._machine, np.zeros(1)
    X, T = np.array([[1.0], [-1.0]]), np.array(T)
    machine.engine.gradients(
        machine.plan, machine.block, X, T, None, 0, 2, machine.layout.new_block(), None, total
    )
    expected = -np.log(np.array(epsilon)) * (4 if output_activation == "logistic" else 2)
    assert total[0] == pytest.approx(expected, rel=1e-6 if dtype == "float32" else 1e-15)
    assert net.loss(X, T) > 100.0


def test_the_loss_of_a_batch_has_its_share_of_the_penalty(engine):
    """By NumPy: the mean over batches, by their number of samples, of the batch's own mean and penalty."""
    rng = np.random.RandomState(3)
    net = bp.Network([3, 4, 2], output_activation="identity", random_state=1, engine=engine)
    X, T, weights = rng.normal(size=(7, 3)), rng.normal(size=(7, 2)), rng.uniform(0.5, 2.0, size=7)
    machine, history, alpha = net._machine, np.empty(1), 0.3
    expected = 0.0
    squares = sum(float((w * w).sum()) for w in net.weights)
    for part in (slice(0, 3), slice(3, 6), slice(6, 7)):
        losses = np.array([net.loss(x, t) for x, t in zip(X[part], T[part], strict=True)])
        penalty = 0.5 * alpha * squares
        expected += len(losses) * (0.5 * (weights[part] @ losses) + penalty) / weights[part].sum() / 7
    machine.engine.train_epochs(  # at rate 0 the weights stay what they are
        machine.plan, machine.block, X, T, weights, None, np.zeros(1), alpha, ("sgd", (), [], np.ones(2)), 3,
        (0, 0, 0, 0.0, 0.0), 1, 10, -np.inf, history, 0.5, 0.0,
    )  # fmt: skip
    assert history[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_ends_after_the_epoch_that_leaves_a_parameter_infinite(engine, dtype):
    net = bp.Network([1, 1], output_activation="identity", random_state=1, dtype=dtype, engine=engine)
    machine, history = net._machine, np.full(4, -1.0)
    X, T = np.ones((2, 1)), np.ones((2, 1))
    place, status = machine.engine.train_epochs(
        machine.plan, machine.block, X, T, None, None, np.array([0.1, 0.1, np.inf, 0.1]), 0.0,
        ("sgd", (), [], np.ones(2)), 1, (0, 0, 0, 0.0, 0.0), 4, 100, -np.inf, history, 1.0, 0.0,
    )  # fmt: skip
    assert (place, status) == ((3, 0, 6, 0.0, 0.0), machine.engine.PARAMETER_NOT_FINITE)
    assert np.isfinite(history[:2]).all()
    assert history[3] == -1.0


@pytest.mark.parametrize("clip_norm", [0.01, 1e9])
def test_a_clipped_step_has_the_norm(engine, clip_norm):
    rng = np.random.RandomState(3)
    net = bp.Network([3, 4, 2], output_activation="identity", random_state=1, engine=engine)
    X, T = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    gradient = np.concatenate(
        [part.ravel() for pair in zip(*net.gradients(X, T)[:2], strict=True) for part in pair]
    )
    machine, before = net._machine, net.parameters
    machine.engine.train_epochs(
        machine.plan, machine.block, X, T, None, None, np.ones(1), 0.0, ("sgd", (), [], np.ones(2)), 5,
        (0, 0, 0, 0.0, 0.0), 1, 10, -np.inf, None, 1.0, clip_norm,
    )  # fmt: skip
    scale = min(1.0, clip_norm / np.linalg.norm(gradient))
    np.testing.assert_allclose(before - net.parameters, gradient * scale, rtol=1e-9, atol=1e-15)


def test_clipping_needs_a_simultaneous_plan(engine):
    net, x, t = bp.examples.worked_example(update_order="sequential", engine=engine)
    machine = net._machine
    with pytest.raises(ValueError, match="clip_norm"):
        machine.engine.train_epochs(
            machine.plan, machine.block, x[None], t[None], None, None, np.ones(1), 0.0,
            ("sgd", (), [], np.ones(2)), 1, (0, 0, 0, 0.0, 0.0), 1, 10, -np.inf, None, 0.0, 1.0,
        )  # fmt: skip
