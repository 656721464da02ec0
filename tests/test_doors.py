"""The engines open the same doors, and the doors together make a step."""

import inspect

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from strategies import cases

import backprop as bp
from backprop import _engine, _reference
from backprop.functions import ACTIVATIONS, LOSSES

CONSTANTS = ["FINISHED", "PAUSED", "LOSS_NOT_FINITE", "PARAMETER_NOT_FINITE", "STOPPED", "SCAN_EVERY"]
PLAIN = ("sgd", (), [], np.ones(2))


def doors(module) -> dict[str, list[str]]:
    """The parameter names of the functions that take a plan, or make or need none."""
    found = {}
    for name, member in vars(module).items():
        if inspect.isclass(member) or not callable(member) or name.startswith("_"):
            continue
        if getattr(member, "__module__", module.__name__) == module.__name__:
            found[name] = list(inspect.signature(member).parameters)
    return found


def test_same_doors_and_signatures(both):
    compiled, reference = doors(_engine.pick(both[0])), doors(_reference)
    compiled.pop("train_lanes")  # `train_epochs` for many networks; its reference is that, once for each
    assert compiled == {name: reference[name] for name in compiled}
    expected = {"make_plan", "first_outside", "first_bad_layer", "forward", "loss", "gradients", "output_delta"}
    assert set(compiled) == expected | {"hidden_delta", "update", "train_epochs", "elementary", "make_quick"}


def test_same_constants(both):
    for name in CONSTANTS:
        assert getattr(_engine.pick(both[0]), name) == getattr(_reference, name)


def test_the_compiled_engine_knows_every_row_of_the_table(both):
    for activation in ACTIVATIONS:
        for loss in LOSSES:
            plan = _engine.pick(both[0]).make_plan(
                (1, 1), (activation,), loss, False, "none", True, False, 1.0, "float64", (4,), (0,), (4,), 4
            )
            assert plan is not None


@given(cases(max_samples=1))
def test_a_step_made_of_single_doors_is_the_step(case):
    """forward, output_delta, hidden_delta and update, called one by one as the tutorial does them."""
    if isinstance(_engine.compiled_engine(), ImportError):
        pytest.skip("the compiled engine is not installed")
    X, T = case.draw()
    rate = 0.37
    parameters, deltas_of = [], []
    for name in ("compiled", "python"):
        net = bp.Network(case.sizes, **case.options, random_state=case.seed, engine=name)
        stepped = net.copy()
        stepped.step(X[0], T[0], rate)
        machine = net._machine
        engine, plan, block = machine.engine, machine.plan, machine.block
        nets, outs = net.nets(X[0]), net.activations(X[0])
        last = len(nets) - 1
        x, t = X[0].astype(block.dtype), T[0].astype(block.dtype)
        delta = np.empty_like(outs[-1])
        engine.output_delta(plan, nets[-1], outs[-1], t, delta)
        deltas = [delta]
        for layer in range(last, -1, -1):
            below = outs[layer - 1] if layer > 0 else x
            if net.config.update_order == "sequential":
                engine.update(plan, block, layer, below, delta, rate)
            above = delta
            if layer > 0:
                gradient, delta = np.empty_like(below), np.empty_like(below)
                engine.hidden_delta(plan, block, layer, above, nets[layer - 1], below, gradient, delta)
                deltas.append(delta)
            if net.config.update_order == "simultaneous":
                engine.update(plan, block, layer, below, above, rate)
        assert_same_bits(net.parameters, stepped.parameters, name)
        parameters.append(net.parameters)
        deltas_of.append(np.concatenate(deltas))
    assert_same_bits(parameters[0], parameters[1], "parameters")
    assert_same_bits(deltas_of[0], deltas_of[1], "deltas")


@pytest.mark.parametrize(
    ("door", "arguments"),
    [
        ("first_bad_layer", (np.zeros(3),)),
        ("forward", (np.zeros(16), np.zeros((2, 3)), 0, 2, [None, None], [None, None])),
        ("forward", (np.zeros(16), np.zeros((2, 2)), 0, 3, [None, None], [None, None])),
        ("forward", (np.zeros(16), np.zeros((2, 2)), 0, 2, [np.zeros((2, 5)), None], [None, None])),
        ("loss", (np.zeros(16), np.zeros((2, 2)), np.zeros((3, 2)), None, 0, 2, 0.0)),
        ("loss", (np.zeros(16), np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(3), 0, 2, 0.0)),
        (
            "gradients",
            (np.zeros(16), np.zeros((2, 2)), np.zeros((2, 2)), None, 0, 2, np.zeros(15), np.zeros((2, 2))),
        ),
        (
            "gradients",
            (np.zeros(16), np.zeros((2, 2)), np.zeros((2, 2)), None, 0, 2, np.zeros(16), np.zeros((1, 2))),
        ),
        ("output_delta", (np.zeros(2), np.zeros(2), np.zeros(3), np.zeros(2))),
        ("hidden_delta", (np.zeros(16), 0, np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2))),
        ("hidden_delta", (np.zeros(16), 1, np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(1), np.zeros(2))),
        ("update", (np.zeros(16), 2, np.zeros(2), np.zeros(2), 0.5)),
        ("update", (np.zeros(16), 1, np.zeros(1), np.zeros(2), 0.5)),
    ],
)
def test_a_compiled_door_refuses_buffers_that_do_not_fit(both, door, arguments):
    """A kernel cannot complain later; a wrong size would read foreign memory."""
    compiled = _engine.pick(both[0])
    plan = compiled.make_plan(
        (2, 2, 2),
        ("logistic", "logistic"),
        "squared_error",
        False,
        "none",
        True,
        False,
        1.0,
        "float64",
        (4, 4),
        (0, 8),
        (8, 16),
        16,
    )
    with pytest.raises(ValueError, match=r"expected | of |layer"):
        getattr(compiled, door)(plan, *arguments)


@pytest.mark.parametrize("indices", [[[0, 2]], [[-1, 0]], [[0, 1, 2]]])
def test_a_compiled_door_refuses_an_order_outside_the_data(both, indices):
    net, x, t = bp.examples.worked_example(engine=both[0])
    machine = net._machine
    X, T, order = np.array([x, x]), np.array([t, t]), np.array(indices, dtype=np.intp)
    with pytest.raises(ValueError, match="ind"):
        machine.engine.train_epochs(
            machine.plan, machine.block, X, T, None, order, np.full(1, 0.5), 0.0, PLAIN, 1, (0, 0, 0, 0.0, 0.0), 1,
            10, 0.0, None,
        )  # fmt: skip


@pytest.mark.parametrize(
    "optimizer",
    [
        ("sgd", (), [np.zeros(12)], np.ones(2)),
        ("momentum", (0.9,), [], np.ones(2)),
        ("momentum", (0.9,), [np.zeros(11)], np.ones(2)),
        ("adam", (0.9, 0.999, 1e-8), [np.zeros(12)], np.ones(2)),
        ("adam", (0.9, 0.999, 1e-8), [np.zeros(12), np.zeros(13)], np.ones(2)),
        ("adam", (0.9, 0.999, 1e-8), [np.zeros(12), np.zeros(12)], np.ones(1)),
        ("adam", (0.9,), [np.zeros(12), np.zeros(12)], np.ones(2)),
    ],
)
def test_a_compiled_door_refuses_an_optimizer_that_does_not_fit(both, optimizer):
    net, x, t = bp.examples.worked_example(engine=both[0], bias="none")
    machine = net._machine
    with pytest.raises(ValueError, match=r"state|expected|unpack"):
        machine.engine.train_epochs(
            machine.plan, machine.block, x[None], t[None], None, None, np.full(1, 0.5), 0.0, optimizer, 1,
            (0, 0, 0, 0.0, 0.0), 1, 10, 0.0, None,
        )  # fmt: skip


@pytest.mark.parametrize(
    "places",
    [
        ((), (), (), (), 0),
        ((2,), (), (), (), 0),
        ((2, 2), (3,), (0,), (8,), 12),
        ((2, 2), (0,), (0,), (8,), 12),
        ((2, 5), (4,), (0,), (8,), 12),
        ((2, 2), (4,), (8,), (8,), 12),
        ((2, 2), (4,), (-1,), (8,), 12),
        ((2, 2), (4,), (0,), (9,), 12),
        ((2, 2), (4,), (0,), (10**9,), 12),
        ((2, 2), (4, 4), (0,), (8,), 12),
        ((0, 2), (4,), (0,), (8,), 12),
    ],
)
def test_a_plan_must_fit_its_block(both, places):
    sizes, strides, weights, biases, size = places
    with pytest.raises(ValueError, match=r"layer|sizes"):
        _engine.pick(both[0]).make_plan(
            sizes, ("relu",) * max(len(sizes) - 1, 0), "squared_error", False, "per_unit", True, False, 1.0,
            "float64", strides, weights, biases, size,
        )  # fmt: skip


def test_a_place_past_the_last_sample_is_refused(both):
    net, x, t = bp.examples.worked_example(engine=both[0])
    machine = net._machine
    with pytest.raises(ValueError, match="samples"):
        machine.engine.train_epochs(
            machine.plan, machine.block, x[None], t[None], None, None, np.full(1, 0.5), 0.0, PLAIN, 2,
            (0, 1, 0, 0.0, 0.0), 1, 10, 0.0, None,
        )  # fmt: skip
