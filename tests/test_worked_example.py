"""Every figure of the worked example, and that no convention passes for another.

The long figures below were computed outside the package with the C library's exp. The package's own exp may differ
in the last bit, which moves a one-step figure by up to 5e-15 relative and one after 10,000 rounds by 1e-12; the
closest two conventions are 5e-7 apart.
"""

import itertools

import numpy as np
import pytest
from bits import assert_same_bits

import backprop as bp

approx = pytest.approx

ONE_STEP, MANY = 5e-15, 1e-12

CONVENTIONS = {
    # options: error after 1, error after 10,000, outputs after 10,000
    "simultaneous, bias frozen": (
        {},
        0.29102777369359933,
        3.510187782978859e-05,
        (0.01591362044355068, 0.9840642735146238),
    ),
    "sequential, bias frozen": (
        {"update_order": "sequential"},
        0.29102792390544197,
        3.5084786296312774e-05,
        (0.0159121963260343, 0.9840657344856291),
    ),
    "simultaneous, one trained bias per unit": (
        {"bias": "per_unit", "train_bias": True},
        0.28047144679143016,
        2.4475622359322466e-06,
        (0.011587527390870083, 0.9884589350256716),
    ),
    "simultaneous, one shared trained bias per layer": (
        {"bias": "shared", "train_bias": True},
        0.2857508866992965,
        4.355321066163729e-06,
        (0.012102159123466431, 0.9879283897200597),
    ),
}


def test_layout_of_the_weights(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    assert net.weights[0].tolist() == [[0.15, 0.25], [0.20, 0.30]]
    assert net.weights[1].tolist() == [[0.40, 0.50], [0.45, 0.55]]
    assert [bias.tolist() for bias in net.biases] == [[0.35], [0.60]]
    assert (x.tolist(), t.tolist()) == ([0.05, 0.10], [0.01, 0.99])
    assert net.config.train_bias is False


def test_forward_pass(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    nets, outs = net.nets(x), net.activations(x)
    assert nets[0].tolist() == [0.3775, 0.39249999999999996]  # no exp in it: to the last bit
    assert outs[0] == approx([0.5932699921071872, 0.596884378259767], rel=ONE_STEP, abs=0)
    assert nets[1] == approx([1.10590596705977, 1.2249214040964653], rel=ONE_STEP, abs=0)
    assert outs[1] == approx([0.7513650695523157, 0.7729284653214625], rel=ONE_STEP, abs=0)
    assert net.loss(x, t) == approx(0.2983711087600027, rel=ONE_STEP, abs=0)
    squares = 0.5 * (t - net.forward(x)) ** 2
    assert squares == approx([0.274811083176155, 0.023560025583847746], rel=ONE_STEP, abs=0)


def test_deltas_and_gradients(engine):
    per_unit, x, t = bp.examples.worked_example(engine=engine, bias="per_unit")
    gradients = per_unit.gradients(x, t)
    delta_o, delta_h = gradients.biases[1], gradients.biases[0]  # a bias's gradient is its unit's delta
    assert delta_o == approx([0.13849856162855698, -0.03809823651655623], rel=ONE_STEP, abs=0)
    assert delta_h == approx([0.008771354689486937, 0.009954254705217202], rel=ONE_STEP, abs=0)
    assert gradients.weights[1] == approx(
        np.array([[0.08216704056423078, -0.022602540477475067], [0.08266762784753326, -0.02274024221597822]]),
        rel=ONE_STEP,
        abs=0,
    )
    assert gradients.weights[0] == approx(
        np.array(
            [[0.00043856773447434685, 0.0004977127352608601], [0.0008771354689486937, 0.0009954254705217202]]
        ),
        rel=ONE_STEP,
        abs=0,
    )


def test_weights_after_one_step(engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    assert net.step(x, t) == approx(0.2983711087600027, rel=ONE_STEP, abs=0)
    assert net.weights[1].T.ravel() == approx(
        [0.35891647971788465, 0.4086661860762334, 0.5113012702387375, 0.5613701211079891], rel=ONE_STEP, abs=0
    )
    assert net.weights[0].T.ravel() == approx(
        [0.1497807161327628, 0.19956143226552567, 0.24975114363236958, 0.29950228726473915], rel=ONE_STEP, abs=0
    )
    assert [bias.tolist() for bias in net.biases] == [[0.35], [0.60]]


def test_what_the_tutorial_prints(engine):
    """To the digits printed. The closing figures are those of the sequential order."""
    net, x, t = bp.examples.worked_example(engine=engine)
    sequential, _, _ = bp.examples.worked_example(engine=engine, update_order="sequential")
    assert round(net.loss(x, t), 9) == 0.298371109
    net.step(x, t)
    printed = [0.14978072, 0.19956143, 0.24975114, 0.29950229, 0.35891648, 0.408666186, 0.511301270, 0.561370121]
    computed = np.concatenate([w.T.ravel() for w in net.weights])
    assert [round(value, digits) for value, digits in zip(computed, [8] * 5 + [9] * 3, strict=True)] == printed
    sequential.step(x, t)
    assert round(sequential.loss(x, t), 9) == 0.291027924
    assert round(net.loss(x, t), 9) == 0.291027774
    sequential.train(x, t, epochs=9_999)
    assert sequential.forward(x).round(9).tolist() == [0.015912196, 0.984065734]
    assert round(sequential.loss(x, t), 9) == 0.000035085  # the printed 0.0000351085 has a stray 1 in it


def test_the_stray_digit_is_also_another_error(engine):
    """0.0000351085 happens to be the textbook variant's error after 9,999 rounds."""
    net, x, t = bp.examples.worked_example(engine=engine)
    history = net.train(x, t, epochs=10_000)
    assert history[0] == approx(0.298371109, abs=5e-10)
    assert history[9_999] == approx(3.510854812e-05, rel=1e-9, abs=0)
    assert round(history[9_999], 10) == 0.0000351085


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_conventions(engine, convention):
    options, after_one, after_all, outputs = CONVENTIONS[convention]
    net, x, t = bp.examples.worked_example(engine=engine, **options)
    net.step(x, t)
    assert net.loss(x, t) == approx(after_one, rel=ONE_STEP, abs=0)
    net.train(x, t, epochs=9_999)
    assert net.loss(x, t) == approx(after_all, rel=MANY, abs=0)
    assert net.forward(x) == approx(outputs, rel=MANY, abs=0)


def test_the_script_of_the_tutorial_prints(engine):
    """Its own printout: the error after each round, to 9 decimals."""
    net, x, t = bp.examples.worked_example(engine=engine)
    history = np.append(net.train(x, t, epochs=10_000), net.loss(x, t))  # history[k]: after k rounds
    printed = {1: 0.291027774, 2: 0.283547133, 100: 0.020046828, 1000: 0.001114349}
    assert {k: round(history[k], 9) for k in printed} == printed
    assert f"{history[10_000]:.4e}" == "3.5102e-05"


def test_no_two_conventions_pass_for_each_other(engine):
    """Under the tolerances above, no figure of one fits another."""
    computed = {}
    for name, (options, *_) in CONVENTIONS.items():
        net, x, t = bp.examples.worked_example(engine=engine, **options)
        net.step(x, t)
        first = net.loss(x, t)
        net.train(x, t, epochs=9_999)
        computed[name] = (first, net.loss(x, t), *net.forward(x))
    for one, other in itertools.permutations(CONVENTIONS, 2):
        _, after_one, after_all, outputs = CONVENTIONS[other]
        figures = (after_one, after_all, *outputs)
        for value, figure, tolerance in zip(computed[one], figures, (ONE_STEP, MANY, MANY, MANY), strict=True):
            assert value != approx(figure, rel=1e4 * tolerance, abs=0), (one, other)


def test_cross_entropy_starts_from_its_shortcut(engine):
    net, x, t = bp.examples.worked_example(engine=engine, loss="log_loss", bias="per_unit")
    assert_same_bits(net.gradients(x, t).biases[1], net.forward(x) - t)
    outs = net.forward(x)
    by_definition = -(t * np.log(outs) + (1 - t) * np.log(1 - outs)).sum()
    assert net.loss(x, t) == approx(by_definition, rel=1e-14, abs=0)  # a few roundings of NumPy's logs


def test_a_batch_of_n_moves_n_times_less_than_the_sum(engine):
    X, T = bp.examples.four_samples()
    net, _, _ = bp.examples.worked_example(engine=engine, bias="per_unit", train_bias=True)
    sums = sum(net.gradients(x, t).weights[0] for x, t in zip(X, T, strict=True))
    before = net.weights[0].copy()
    net.train(X, T, batch_size=4, learning_rate=0.5)
    assert (before - net.weights[0]) == approx(0.5 * sums / 4, rel=1e-12)  # a difference of near numbers
