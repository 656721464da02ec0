"""Formulas whose text is what was computed: each is evaluated and compared with its number."""

import re

import pytest

import backprop as bp
from backprop._elementary import exp, log1p
from backprop.functions import ACTIVATIONS, LOSSES
from backprop.glassbox.formulas import Formula, laid_out, shown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.3775, "0.3775"),
        (0.5, "0.5"),
        (2.0, "2.0"),
        (-1e-9, "-0.000000001"),
        (1 / 3, "0.333333333"),
        (3.51018778e-05, "0.000035102"),
        (4.384e-8, "4.384e-08"),
        (-1.5e12, "-1.5e+12"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (-0.0, "-0.0"),
    ],
)
def test_nine_decimals_without_trailing_zeros_unless_they_say_too_little(number, text):
    assert shown(number) == text


def test_a_formula_is_broken_where_it_does_not_fit():
    formula = Formula("net_h1", "w1*i1 + w2*i2 + b1", "0.15*0.05 + 0.2*0.1 + 0.35", 0.3775)
    [[one]] = laid_out([formula], 80)
    assert one == "net_h1 = w1*i1 + w2*i2 + b1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775"
    assert [len(line) <= 60 for line in laid_out([formula], 60)[0]] == [True, True]
    assert len(laid_out([formula], 20)[0]) > 3
    assert laid_out([Formula("w1", "", "", 0.15)], 20) == [["w1 = 0.15"]]


def evaluated(expression: str) -> float:
    """The value of a formula as a learner reads it, with the package's exp."""
    python = re.sub(r"(\((?:[^()]|\([^()]*\))*\))\^2", r"(\1*\1)", expression)
    python = re.sub(r"\|([^|]*)\|", r"abs(\1)", python)
    return eval(python, {"exp": exp, "log": lambda x: log1p(x - 1.0), "max": max, "abs": abs})


NETWORKS = {
    "the tutorial's": ([2, 2, 2], {"bias": "shared", "train_bias": True}),
    "sequential": ([2, 2, 2], {"update_order": "sequential"}),
    "cross-entropy": ([2, 3, 2], {"loss": "log_loss", "bias": "none"}),
    "names up to w20": ([3, 4, 2], {"activation": "relu", "output_activation": "identity", "train_bias": False}),
    "two hidden layers": ([2, 3, 2, 2], {"activation": ["identity", "logistic"]}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_formula_gives_its_number(name, engine):
    sizes, options = NETWORKS[name]
    net = bp.Network(sizes, **options, random_state=5, engine=engine)
    trace = net.trace([0.05, -1.5, 0.7][: sizes[0]], [0.25, 0.75], learning_rate=0.1)
    values = {record.name: record.value for record in trace}
    names = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(values, key=len, reverse=True)))})")
    computed = [record for record in trace if record.formula]
    assert len(computed) > len(sizes) * 10
    for record in computed:
        exact = evaluated(names.sub(lambda match: f"({values[match[0]]!r})", record.formula))
        if "exp" in record.formula:  # logistic and log1p are primitives, not made of exp: 2.5 ulp
            assert record.value == pytest.approx(exact, rel=6e-16, abs=0), record
        else:
            assert record.value == exact, record
        # The numbers beside it are the same, to the nine decimals that are shown.
        assert evaluated(record.numbers) == pytest.approx(exact, rel=0, abs=1e-8), record
        assert not re.search(r"[-+*] ?-|\w\d_\w", record.numbers), record


@pytest.mark.parametrize("loss", LOSSES)
def test_every_row_of_the_table_has_a_formula_without_leftover_words(loss):
    outputs = [name for name in ACTIVATIONS if bp.functions.pair_is_possible(name, loss)]
    for output in outputs:
        net = bp.Network([2, 3, 2], output_activation=output, loss=loss, random_state=0, engine="python")
        for record in net.trace([0.5, -0.25], [0.25, 0.75]):
            for text in (record.formula, record.numbers, record.latex, record.latex_numbers):
                assert not re.search(r"(?<![\w{])(net|out|target)\b(?!_)|⟨|⟩|over the layer", text), (
                    record.name,
                    text,
                )
