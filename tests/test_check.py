"""Sheets of numbers: correct ones pass, the first wrong number is found, real readers' mistakes are named."""

import random
import re
from fractions import Fraction
from time import perf_counter

import numpy as np
import pytest
from learner import Learner, computed_keys, random_trace

import backprop as bp
from backprop.glassbox.altered import Function
from backprop.glassbox.conventions import Convention, Graph


@pytest.fixture(scope="module")
def trace():
    net, x, t = bp.examples.worked_example()
    return net.trace(x, t, learning_rate=0.5)


def values(trace):
    graph = Graph(trace)
    return {graph.name(key): graph.value(key) for key in computed_keys(trace)}


# ---- correct sheets --------------------------------------------------------------------------------------------


def correct_sheet(seed):
    """A random network's sheet, as someone calculates it who makes no mistake."""
    trace, rng = random_trace(seed), np.random.RandomState(seed)
    keys = computed_keys(trace)
    digits, fixed, chopped = rng.randint(3, 10), rng.randint(3) == 0, rng.randint(8) == 0
    learner = Learner(trace, digits, fixed=fixed, at_each_step=bool(rng.randint(3)), chopped=chopped)
    count = len(keys) if rng.randint(3) == 0 else rng.randint(3 if chopped else 1, 16)
    some = sorted(rng.choice(len(keys), min(count, len(keys)), replace=False))
    return trace, learner.sheet([keys[k] for k in some], as_text=bool(rng.randint(2)))


def finite(sheet):
    return all(np.isfinite(float(number)) for number in sheet.values())


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_correct_sheets_pass_whole(start):
    passed = 0
    for seed in range(start, start + 50):
        trace, sheet = correct_sheet(seed)
        if finite(sheet) and not trace.diverged:
            report = bp.check(sheet, trace)
            assert report.ok, f"seed {seed}: {report.first}\n{report.first.line}"
            assert [finding.verdict for finding in report.findings] == ["right"] * len(sheet)
            passed += 1
    assert passed > 40


@pytest.mark.parametrize("digits", range(3, 10))
def test_the_whole_example_to_so_many_digits(trace, digits):
    sheet = values(trace)
    for written in (
        {name: f"{value:.{digits}g}" for name, value in sheet.items()},
        {name: f"{value:.{digits}f}" for name, value in sheet.items()},
        {name: float(f"{value:.{digits}g}") for name, value in sheet.items()},
        {name: round(value, digits) for name, value in sheet.items()},
        sheet,
    ):
        assert bp.check(written, trace).ok


def test_single_numbers_of_the_example_pass(trace):
    for name, value in values(trace).items():
        for digits in (3, 5, 9):
            assert bp.check({name: f"{value:.{digits}g}"}, trace).ok, name


def test_the_tutorials_printed_figures_are_right_but_for_the_last(trace):
    printed = {
        "net_h1": "0.3775", "out_h1": "0.593269992", "out_h2": "0.596884378", "net_o1": "1.105905967",
        "out_o1": "0.75136507", "out_o2": "0.772928465", "E_o1": "0.274811083", "E_o2": "0.023560026",
        "E": "0.298371109", "dE/dout_o1": "0.74136507", "dout_o1/dnet_o1": "0.186815602", "dE/dw5": "0.082167041",
        "w5+": "0.35891648", "w6+": "0.408666186", "w7+": "0.511301270", "w8+": "0.561370121",
        "dEo1/dout_h1": "0.055399425", "dEo2/dout_h1": "-0.019049119", "dE/dout_h1": "0.036350306",
        "dout_h1/dnet_h1": "0.241300709", "dE/dw1": "0.000438568", "w1+": "0.149780716", "w2+": "0.19956143",
        "w3+": "0.24975114", "w4+": "0.29950229", "E+": "0.291027924",
    }  # fmt: skip
    report = bp.check(printed, trace)
    wrong = report.of("wrong")
    assert [finding.name for finding in wrong] == ["E+"]  # from another version of the author's program
    assert not report.of("consequence")
    assert wrong[0].mistake == "updated_weights"
    assert "does not follow from your other numbers" in wrong[0].message


# ---- mistakes of real readers -----------------------------------------------------------------------------------

READERS = [
    ({"net_h1": 0.3825}, "wrong_weight"),
    ({"net_h1": 0.3375}, "digit_slip"),
    ({"dEo2/dout_h1": -0.0171442064749798}, "wrong_weight"),
    ({"E+": 0.291027924}, "updated_weights"),
    ({"b2+": 0.33785323256311084}, "bias_from_out_gradient"),
    ({"b1+": 0.3111396854790553}, "bias_from_out_gradient"),
    ({"E_o1": "0.212138"}, "wrong_target"),
    ({"dE/dout_o1": "0.651365"}, "wrong_target"),
    ({"w5+": "0.441084"}, "added"),
    ({"delta_o1": "0.741365"}, "derivative_missing"),
    ({"delta_h1": "0.0363503"}, "derivative_missing"),
    ({"E_o1": "0.549622"}, "half_missing"),
    ({"E": "0.596742"}, "half_missing"),
    ({"w5+": "0.317833"}, "rate_missing"),
]


TRAINED = [(*case, True) for case in READERS if "E+" not in case[0]]  # the tutorial's error is of frozen biases


@pytest.mark.parametrize(("sheet", "mistake", "train_bias"), [*((*case, False) for case in READERS), *TRAINED])
def test_mistakes_that_real_readers_made(sheet, mistake, train_bias):
    net, x, t = bp.examples.worked_example(train_bias=train_bias)
    report = bp.check(sheet, net.trace(x, t, learning_rate=0.5))
    assert not report.ok
    assert report.first.mistake == mistake, report
    assert report.first.line


def test_the_remark_about_the_closing_figures(trace):
    assert "tutorial's own closing figures" in bp.check({"E+": "0.291027924"}, trace).first.message


def test_updated_weights_are_right_where_they_are_the_rule(trace):
    net, x, t = bp.examples.worked_example(update_order="sequential")
    sequential = net.trace(x, t, learning_rate=0.5)
    assert bp.check({"E+": "0.291027924"}, sequential).ok
    assert bp.check({"E+": "0.291027774"}, sequential).first.mistake == "original_weights"
    assert bp.check({"E+": "0.291027774"}, trace).ok


# ---- what follows from a wrong number ---------------------------------------------------------------------------


def test_later_numbers_are_judged_as_consequences(trace):
    graph = Graph(trace)
    wrong = graph.key("delta_o1")
    op = Function(lambda values: values[0])
    learner = Learner(trace, 6, mistakes={wrong: (op, (graph.key("dE/dout_o1"),))})
    report = bp.check(learner.sheet(computed_keys(trace)), trace)
    assert report.first.name == "delta_o1"
    assert report.first.mistake == "derivative_missing"
    assert [finding.name for finding in report.of("wrong")] == ["delta_o1"]
    verdicts = {finding.name: finding for finding in report.findings}
    assert verdicts["dE/dw5"].verdict == "consequence"
    assert verdicts["dE/dw5"].message == "Right, given your delta_o1."
    assert verdicts["dE/dw5"].mistake is None
    assert verdicts["dE/dw7"].verdict == "right"
    assert verdicts["w5+"].follows_from == ("dE/dw5",)


def test_a_right_number_after_a_wrong_one_is_right(trace):
    report = bp.check({"net_h1": "0.3825", "out_h1": "0.59327"}, trace)
    assert [finding.verdict for finding in report.findings] == ["wrong", "right"]


def test_two_mistakes_are_both_named(trace):
    report = bp.check({"net_h1": "0.3825", "E_o2": "0.04712", "w5+": "0.4411"}, trace)
    assert [(finding.name, finding.mistake) for finding in report.of("wrong")] == [
        ("net_h1", "wrong_weight"),
        ("E_o2", "half_missing"),
        ("w5+", "added"),
    ]


def test_a_mistake_at_a_number_that_was_not_written_is_made_once(trace):
    graph = Graph(trace)
    delta = graph.key("delta_h1")
    learner = Learner(trace, 8, mistakes={delta: (Function(lambda v: v[0]), (graph.key("dE/dout_h1"),))})
    report = bp.check(learner.sheet([graph.key("w1+"), graph.key("w2+")]), trace)
    assert [finding.verdict for finding in report.findings] == ["wrong", "consequence"]
    assert "delta_h1" in report.first.message


def test_wrong_data_are_found(trace):
    report = bp.check({"target_o1": 0.1, "E_o1": "0.212138", "i1": 0.05, "E_o2": "0.02356"}, trace)
    verdicts = {finding.name: finding.verdict for finding in report.findings}
    assert verdicts == {"target_o1": "wrong", "E_o1": "consequence", "i1": "right", "E_o2": "right"}
    assert report.first.mistake == "decimal_point"


def test_mistakes_without_a_name_are_located_and_said_to_have_none():
    """Sixty sheets with mistakes that are in no catalogue: found, and seldom called by a wrong name."""
    named = found = 0
    seed = 0
    while found < 60:
        seed += 1
        trace, rng = random_trace(seed), random.Random(seed)
        graph, keys = Graph(trace), computed_keys(trace)
        key = rng.choice(keys)
        op, operands = graph.definition(key)
        factor = rng.uniform(1.1, 1.4)
        odd = Function(lambda v, op=op, factor=factor: op(v) * factor + 0.0123)
        learner = Learner(trace, rng.randint(3, 9), mistakes={key: (odd, operands)})
        some = sorted({key, *rng.sample(keys, min(len(keys), 8))}, key=graph.position)
        sheet = learner.sheet(some)
        if trace.diverged or not finite(sheet) or key.kind.startswith("new_power") or not operands:
            continue
        report = bp.check(sheet, trace)
        if report.ok and abs(learner.value(key) - graph.value(key)) < 0.02 * max(
            map(abs, map(graph.value, operands))
        ):
            continue  # rounding of so few digits explains it
        found += 1
        assert report.first is not None, seed
        assert report.first.name == graph.name(key), seed
        named += report.first.mistake is not None
        if report.first.mistake is None:
            assert "no mistake that we know of" in report.first.message
            assert report.first.line
    assert named <= 6  # by chance, in sheets of three or four digits


# ---- conventions ------------------------------------------------------------------------------------------------


def negated(sheet, *starts):
    return {name: -value if name.startswith(starts) else value for name, value in sheet.items()}


@pytest.mark.parametrize("starts", [("delta",), ("delta", "dE/dw"), ("delta", "dE")])
def test_deltas_with_the_minus_outside(trace, starts):
    sheet = {name: value for name, value in values(trace).items() if not name.startswith("dE/db")}
    if starts == ("delta", "dE"):
        sheet = {name: value for name, value in sheet.items() if name != "E"}
    report = bp.check(negated(sheet, *starts), trace)
    assert report.ok, report
    assert "minus outside" in report.conventions[0]
    assert "convention" in str(report)


def test_a_convention_is_no_excuse_for_half_a_sheet(trace):
    sheet = values(trace) | {"delta_o1": -0.138498562}
    assert bp.check(sheet, trace).first.name == "delta_o1"
    assert bp.check(sheet, trace).first.mistake == "sign"
    wrong = negated(values(trace), "delta") | {"w5+": 0.441083}
    report = bp.check(wrong, trace)
    assert not report.ok
    assert not report.conventions


@pytest.mark.parametrize("bias", ["shared", "per_unit"])
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("their_bias", ["shared", "per_unit"])
@pytest.mark.parametrize("they_train", [False, True])
def test_biases_shared_or_not_and_trained_or_not(bias, trained, their_bias, they_train):
    net, x, t = bp.examples.worked_example(bias=bias, train_bias=trained)
    other, *_ = bp.examples.worked_example(bias=their_bias, train_bias=they_train)
    theirs = values(other.trace(x, t, learning_rate=0.5))
    trace = net.trace(x, t, learning_rate=0.5)
    report = bp.check(theirs, trace)
    assert report.ok, report
    said = " ".join(report.conventions)
    assert ("trained" in said) == (trained != they_train)
    if bias == their_bias == "shared":
        without = {name: value for name, value in theirs.items() if "b" not in name}
        assert bp.check(without, trace).ok


def test_the_mean_over_the_outputs():
    net, x, t = bp.examples.worked_example()
    trace = net.trace(x, t, learning_rate=0.5)
    graph = Graph(trace, Convention(mean_over_outputs=True))
    learner = Learner(trace, 7, graph=graph)
    report = bp.check(learner.sheet(computed_keys(trace)), trace)
    assert report.ok, report
    assert report.conventions == ("your error is the mean over the outputs, not their sum",)
    mixed = values(trace) | {"E": 0.1491855543800013}  # the mean here, and the sum's gradients
    assert bp.check(mixed, trace).first.mistake == "mean_over_outputs"


def test_digits_cut_off(trace):
    report = bp.check(Learner(trace, 4, chopped=True).sheet(computed_keys(trace)), trace)
    assert report.ok
    assert report.conventions == ("you cut digits off instead of rounding",)


def test_updated_weights_are_no_convention(trace):
    net, x, t = bp.examples.worked_example(update_order="sequential")
    report = bp.check(values(net.trace(x, t, learning_rate=0.5)), trace)
    assert report.first.mistake == "updated_weights"
    assert not report.conventions


# ---- how numbers are written ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["0.3775", ".3775", "+0.3775", " 0.3775 ", "0,3775", "3.775e-1", "0.38", "151/400",
               Fraction(151, 400),
               np.float64(0.3775), np.float32(0.3775), 0.3775, 0.378, "0.377500000", "0.4"],
)  # fmt: skip
def test_ways_to_write_a_number(trace, number):
    assert bp.check({"net_h1": number}, trace).ok


@pytest.mark.parametrize("number", ["0.380", 0.4, "0.37", "0.3765", "-0.3775", "3/8", 0, "0"])
def test_numbers_that_are_not_right(trace, number):
    assert not bp.check({"net_h1": number}, trace).ok


def test_pairs_are_taken_too(trace):
    assert bp.check([("net_h1", 0.3775), ("E_total", "0.298371109")], trace).ok


# ---- the report -------------------------------------------------------------------------------------------------


def test_the_report_fits_eighty_columns_and_says_what_to_do_first(trace):
    sheet = values(trace) | {"net_h1": 0.3825, "out_h1": 0.594475, "w5+": 0.441083, "E_o1": 0.5}
    report = bp.check(sheet, trace)
    text = str(report)
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[0].endswith("The first to look at is net_h1.")
    assert "net_h1 = w1*i1 + w2*i2 + b1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775" in text
    assert report.first.given == 0.3825
    assert report.first.expected == 0.3775
    assert len(report.findings) == len(sheet)
    assert repr(report).startswith("<Report: ")


def test_lines_have_the_learners_own_numbers(trace):
    report = bp.check({"delta_o1": "0.1385", "out_h1": "0.5933", "dE/dw5": "0.5933"}, trace)
    assert report.first.line == "dE/dw5 = delta_o1*out_h1 = 0.1385*0.5933 = 0.08217205"


# ---- bad input --------------------------------------------------------------------------------------------------

BAD = [
    ({}, ValueError, "empty"),
    ([], ValueError, "empty"),
    ({"net_h3": 1.0}, ValueError, "net_h1"),
    ({"net_h1": "abc"}, ValueError, "answers\\['net_h1'\\] is 'abc'"),
    ({"net_h1": ""}, ValueError, "net_h1"),
    ({"net_h1": "nan"}, ValueError, "net_h1"),
    ({"net_h1": float("nan")}, ValueError, "finite"),
    ({"net_h1": float("inf")}, ValueError, "finite"),
    ({"net_h1": "1e999"}, ValueError, "net_h1"),
    ({"net_h1": "1/0"}, ValueError, "division by 0"),
    ({"net_h1": 10**400}, ValueError, "too large"),
    ({"net_h1": True}, TypeError, "True"),
    ({"net_h1": None}, TypeError, "None"),
    ({"net_h1": [0.3775]}, TypeError, "net_h1"),
    ({"net_h1": 1j}, TypeError, "net_h1"),
    ({"net_h1": "9" * 10_000_000}, ValueError, "10000000 characters"),
    ({"x" * 10_000_000: 1.0}, ValueError, "10000000 characters"),
    ({"net_h1": "__import__('os')"}, ValueError, "net_h1"),
    ({"net_h1": "0.3\x1b[31m"}, ValueError, "net_h1"),
    ({"\x1b[31mnet_h1": 0.3}, ValueError, "no number of this trace"),
    ({"<script>alert(1)</script>": 0.3}, ValueError, "no number of this trace"),
    ({1: 0.3}, TypeError, "names for keys"),
    ([("net_h1", 0.3), ("net_h1", 0.4)], ValueError, "twice"),
    ({"E": 0.3, "E_total": 0.3}, ValueError, "twice"),
    ([("net_h1",)], TypeError, "pairs"),
    (["ab"], TypeError, "pairs"),
    ("net_h1 = 0.3775", TypeError, "dict"),
    (7, TypeError, "dict"),
]


@pytest.mark.parametrize(("answers", "error", "says"), BAD, ids=range(len(BAD)))
def test_bad_answers_are_refused_in_clear_words(trace, answers, error, says):
    with pytest.raises(error, match=says) as caught:
        bp.check(answers, trace)
    message = str(caught.value)
    assert message.startswith("answers")
    assert len(message) < 400
    assert all(char.isprintable() for char in message)


def test_something_else_than_a_trace_is_refused():
    with pytest.raises(TypeError, match="trace must be a Trace"):
        bp.check({"net_h1": 0.3775}, {"net_h1": 0.3775})


def test_the_report_of_a_batch_and_of_own_names():
    net, x, t = bp.examples.worked_example()
    trace = net.trace([x, x], [t, t], learning_rate=0.5, names={"hidden": ["a<b", "ä"], "outputs": ["x", "y"]})
    report = bp.check({"net_a<b@2": "0.3825", "E@1": 0.298371109}, trace)
    assert report.first.name == "net_a<b@2"
    assert re.search("w3|w2", report.first.message)


def test_networks_of_float32_and_with_functions_of_ones_own():
    x, t = [0.05, 0.1], [0.01, 0.99]
    softsign = bp.CustomActivation(
        name="softsign",
        formula="net / (1 + |net|)",
        value=lambda net: net / (1.0 + abs(net)),
        derivative=lambda net, out: 1.0 / (1.0 + abs(net)) ** 2,
    )
    for options in ({"dtype": "float32"}, {"activation": softsign}):
        trace = bp.Network([2, 2, 2], random_state=0, **options).trace(x, t, learning_rate=0.5)
        sheet = values(trace)
        assert bp.check(sheet, trace).ok
        assert bp.check(Learner(trace, 6).sheet(computed_keys(trace)), trace).ok
        wrong = 2.0 * trace["w5"].value - sheet["w5+"]
        report = bp.check(sheet | {"w5+": f"{wrong:.6f}"}, trace)
        assert report.first.mistake == "added"


def test_a_large_network_is_not_walked_through_for_one_number():
    net = bp.Network([784, 100, 10], random_state=0)
    rng = np.random.RandomState(0)
    trace = net.trace(rng.uniform(size=784), np.eye(10)[3], learning_rate=0.5)
    value = trace["net_h7"].value
    started = perf_counter()
    assert bp.check({"net_h7": f"{value:.6f}"}, trace).ok
    assert bp.check({"net_h7": f"{value + trace['b_h7'].value + 0.25:.6f}"}, trace).first is not None
    assert perf_counter() - started < 10.0  # a second here; minutes if every number were looked at
