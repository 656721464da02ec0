"""Sheets of a second, independent learner: right ones in many styles of rounding, and mistakes listed and not."""

import random
from math import log

import pytest
from byhand import Hand, Sheet, Style

import backprop as bp

STYLES = [
    {"digits": 3, "inside": True},
    {"digits": 4, "inside": True},
    {"digits": 6, "inside": True},
    {"digits": 9, "inside": True},
    {"digits": 4, "fixed": True},
    {"digits": 5, "fixed": True, "inside": True},
    {"digits": 9, "fixed": True},
    {"digits": 3, "carried": False},
    {"digits": 5, "cut": True},
]


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_right_sheets_pass_however_they_are_rounded(style):
    """Every operation may be rounded, not only what is written down."""
    for seed in range(6):
        hand = Hand(1000 * STYLES.index(style) + seed)
        keys, rng = list(hand.keys()), random.Random(seed)
        some = keys if seed % 2 else sorted(rng.sample(keys, min(len(keys), 9)), key=keys.index)
        for as_float in (False, True):
            sheet = Sheet(hand, Style(**style)).written(some)
            report = bp.check({k: float(v) for k, v in sheet.items()} if as_float else sheet, hand.trace)
            assert report.ok, f"seed {seed}: {report.first}\n{report.first.line}"


def is_unit(*names):
    return lambda hand, key: hand.names[key[1] - 1] in names


# kind, where it can be made, what is done, the catalogue's ids (none: no such entry)
LISTED = [
    ("net", None, lambda s, k: s.right(k) - s.hand.biases[k[1] - 1][k[2] - 1], {"bias_left_out"}),
    ("net", None, lambda s, k: s.right(k) + s.hand.biases[k[1] - 1][k[2] - 1], {"bias_twice"}),
    ("error", None, lambda s, k: 2.0 * s.right(k), {"half_missing"}),
    ("derivative", is_unit("logistic"), lambda s, k: s("net", *k[1:]) * (1.0 - s("net", *k[1:])),
     {"derivative_at_net"}),
    ("delta", is_unit("logistic", "tanh"), lambda s, k: s("out_gradient", *k[1:]), {"derivative_missing"}),
    ("out_gradient", None, lambda s, k: -s.right(k), {"sign"}),
    ("dw", None, lambda s, k: 10.0 * s.right(k), {"decimal_point"}),
    ("w", None, lambda s, k: 2.0 * s.hand.weights[k[1] - 1][k[2] - 1][k[3] - 1] - s.right(k), {"added"}),
]  # fmt: skip
UNLISTED = [
    ("net", None, lambda s, k: s.right(k) * 1.3 + 0.07),
    ("out", is_unit("logistic"), lambda s, k: 1.0 / (2.3 + s.right(k))),
    ("error", None, lambda s, k: s.right(k) * 0.7123),
    ("derivative", is_unit("logistic"), lambda s, k: s.right(k) * 0.63),
    ("delta", None, lambda s, k: s.right(k) * 1.217 + 0.031),
    ("dw", None, lambda s, k: s.right(k) - 0.1234),
    ("w", None, lambda s, k: s.right(k) + 0.0777),
]


def mistaken(kind, possible, done, seed):
    """A whole sheet with one number computed in another way, and that number's name."""
    hand = Hand(seed)
    keys = list(hand.keys())
    places = [key for key in keys if key[0] == kind and (possible is None or possible(hand, key))]
    if not places:
        return None
    at = random.Random(seed).choice(places)
    sheet = Sheet(hand, Style(4 + seed % 6), {at: done})
    written = sheet.written(keys)
    return hand, written, hand.name(*at), abs(sheet.exact[at] - sheet.right(at))


@pytest.mark.parametrize("case", range(len(LISTED)))
def test_listed_mistakes_of_the_second_learner_are_found_and_named(case):
    kind, possible, done, ids = LISTED[case]
    count = 0
    for seed in range(300 * case, 300 * case + 300):
        found = mistaken(kind, possible, done, seed)
        if found is None or found[3] < 0.02:
            continue
        hand, written, name, _ = found
        report = bp.check(written, hand.trace)
        assert report.first is not None, (seed, name)
        assert report.first.name == name, seed
        assert ids & {report.first.mistake, *report.first.alternatives}, f"seed {seed}: {report.first}"
        assert [finding.name for finding in report.of("wrong")] == [name], seed  # the rest follows
        count += 1
        if count == 3:
            return
    raise AssertionError("nowhere to make it")


def test_mistakes_of_no_known_kind_are_found_and_get_no_name():
    named, count = [], 0
    for case, (kind, possible, done) in enumerate(UNLISTED):
        for seed in range(7000 + 100 * case, 7004 + 100 * case):
            found = mistaken(kind, possible, done, seed)
            if found is None or found[3] < 0.02:
                continue
            hand, written, name, _ = found
            report = bp.check(written, hand.trace)
            assert report.first is not None, (seed, name)
            assert report.first.name == name, seed
            assert [finding.name for finding in report.of("wrong")] == [name], seed
            assert report.first.line, seed
            count += 1
            named += [report.first.mistake] if report.first.mistake else []
    assert count >= 15
    assert len(named) <= 2  # by chance, among the hundreds of ways that are tried


# ---- what this walk has found -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trace():
    net, x, t = bp.examples.worked_example()
    return net.trace(x, t, learning_rate=0.5)


def test_one_number_with_more_digits_does_not_make_the_others_wrong(trace):
    sheet = {"net_h1": "0.378", "out_h1": "0.593", "net_h2": "0.393", "out_h2": "0.597", "out_o1": "0.7517",
             "net_o2": "1.23", "out_o2": "0.773", "E": "0.2983711"}  # fmt: skip
    assert bp.check({**sheet, "E": "0.299", "out_o1": "0.752"}, trace).ok
    assert bp.check({**sheet, "out_o1": "0.752", "E_o2": "0.02354"}, trace).ok


def test_a_new_weight_that_rounds_to_the_old_one_is_right_among_numbers_like_it(trace):
    rounded = {"out_h1": "0.593", "net_o1": "1.11", "E_o1": "0.274811", "E_o2": "0.0235600", "w1+": "0.150"}
    assert bp.check(rounded, trace).ok
    assert bp.check({"w1+": "0.15", "w5+": "0.35891648", "out_h1": "0.593269992"}, trace).first.mistake == (
        "not_updated"
    )


def test_one_delta_with_the_other_sign_is_a_mistake_and_not_a_convention(trace):
    assert bp.check({"delta_o1": "-0.1385"}, trace).first.mistake == "sign"
    assert (
        bp.check({"net_h1": "0.3775", "out_h1": "0.5933", "delta_o1": "-0.1385"}, trace).first.name == "delta_o1"
    )
    assert bp.check({"delta_o1": "-0.1385", "w5+": "0.3589"}, trace).conventions
    assert bp.check({"delta_o1": "-0.1385", "delta_o2": "0.0381"}, trace).conventions


def test_what_follows_from_a_wrong_datum_follows(trace):
    sheet = {"E_o1": "0.2121378", "dE/dout_o1": "0.6513651", "delta_o1": "0.1216852"}
    report = bp.check(sheet, trace)
    assert [(finding.name, finding.verdict) for finding in report.findings] == [
        ("E_o1", "wrong"), ("dE/dout_o1", "consequence"), ("delta_o1", "consequence"),
    ]  # fmt: skip
    assert report.first.mistake == "wrong_target"


@pytest.mark.parametrize("digits", [5, 6, 7])
def test_a_small_mistake_is_not_taken_for_digits_cut_off(digits):
    """The updated weights change little: less than cutting off would, but rounded numbers are not cut off."""
    net, x, t = bp.examples.worked_example()
    other, *_ = bp.examples.worked_example(update_order="sequential")
    theirs, trace = other.trace(x, t, learning_rate=0.5), net.trace(x, t, learning_rate=0.5)
    names = ["net_h1", "out_h1", "out_h2", "out_o1", "E_o1", "E_o2", "delta_o1", "delta_o2", "w5+", "w8+"]
    sheet = {name: f"{theirs[name].value:.{digits}g}" for name in [*names, "dEo1/dout_h1", "delta_h1"]}
    report = bp.check(sheet, trace)
    assert report.first is not None
    assert report.first.mistake == "updated_weights"


def test_an_impossible_out_has_its_consequence_in_cross_entropy():
    net = bp.Network([2, 2, 1], loss="log_loss", random_state=0)
    trace = net.trace([0.05, 0.1], [1.0], learning_rate=0.5)
    out = 100.0 * trace["out_o1"].value
    report = bp.check({"out_o1": f"{out:.4f}", "E_o1": f"{-log(out):.4f}"}, trace)
    assert [finding.verdict for finding in report.findings] == ["wrong", "consequence"]
    assert report.first.mistake == "decimal_point"


@pytest.mark.parametrize("number", [5e-324, "5e-324", "1e-320", "1e-300", 1.7e308, "-0.000"])
def test_the_smallest_and_largest_floats(trace, number):
    for name in ("E", "dE/dw5", "w5+"):
        assert not bp.check({name: number}, trace).ok


def test_a_number_that_is_no_float_is_refused(trace):
    with pytest.raises(ValueError, match="too small"):
        bp.check({"E": "1e-400"}, trace)


def test_what_is_said_of_slips_and_of_frozen_biases(trace):
    said = {"0.5943": "One digit is wrong: 0.5933", "0.9533": "Two digits are swapped: 0.5933",
            "0.5327": "A digit is missing: 0.59327"}  # fmt: skip
    for number, sentence in said.items():
        assert sentence in bp.check({"out_h1": number}, trace).first.message
    report = bp.check({"b2+": "0.33785323"}, trace)
    assert "trained, it would be 0.6 - 0.5*0.100400325 = 0.549799837" in report.first.line
    report = bp.check({"E": "0.7"}, trace)
    assert report.first.mistake is None
    assert "write E_o1, E_o2 down too" in report.first.message
    report = bp.check({"dEo2/dout_h1": -0.0171442064749798}, trace)
    assert "You used w6 where w7 belongs" in report.first.message


def test_cross_entropy_and_softmax_are_explained_as_they_are_done_by_hand():
    net = bp.Network([2, 3, 2], output_activation="softmax", loss="log_loss", random_state=1)
    trace = net.trace([0.5, -0.2], [1, 0], learning_rate=0.1)
    assert bp.check({"E_o1": "0.2"}, trace).first.line.startswith("E_o1 = -target_o1*log(out_o1) = -1.0*log(0.35")
    assert "exp(net_o1) / (exp(net_o1) + exp(net_o2))" in bp.check({"out_o1": "0.9"}, trace).first.line


def test_an_unknown_name_is_compared_without_case(trace):
    with pytest.raises(ValueError, match="nearest names are net_h1"):
        bp.check({"NET_H1": "0.3775"}, trace)
