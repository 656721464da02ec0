"""Names, and formulas whose text is what was computed: each is evaluated and compared with its number."""

import re

import pytest

import backprop as bp
from backprop._elementary import exp, log1p
from backprop.glassbox.formulas import Formula, Formulas, shown
from backprop.glassbox.names import Names
from backprop.glassbox.step import record_step


def test_the_names_are_the_tutorials():
    names = Names(bp.Network([2, 2, 2], bias="shared", engine="python").config)
    assert (names.inputs, names.units) == (["i1", "i2"], [["h1", "h2"], ["o1", "o2"]])
    assert names.weights == [[["w1", "w3"], ["w2", "w4"]], [["w5", "w7"], ["w6", "w8"]]]
    assert names.biases == [["b1"], ["b2"]]


def test_the_names_of_other_networks():
    names = Names(bp.Network([1, 2, 1, 3], engine="python").config)
    assert names.units == [["h1_1", "h1_2"], ["h2_1"], ["o1", "o2", "o3"]]
    assert names.weights == [[["w1", "w2"]], [["w3"], ["w4"]], [["w5", "w6", "w7"]]]
    assert names.biases == [["b_h1_1", "b_h1_2"], ["b_h2_1"], ["b_o1", "b_o2", "b_o3"]]
    assert Names(bp.Network([2, 1], bias="none", engine="python").config).biases == [[]]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.3775, "0.3775"), (0.5, "0.5"), (2.0, "2.0"), (-1e-9, "-0.000000001"), (1 / 3, "0.333333333")],
)
def test_nine_decimals_without_trailing_zeros(number, text):
    assert shown(number) == text


def all_formulas(formulas: Formulas, n_layers: int) -> list[Formula]:
    found = [*formulas.errors(), *formulas.output_gradients()]
    for layer in range(n_layers):
        for of_layer in ("nets", "outs", "derivatives", "deltas", "gradients", "updates"):
            found += getattr(formulas, of_layer)(layer)
        if layer < n_layers - 1:
            found += formulas.hidden_gradients(layer)
        if layer == n_layers - 2:
            found += formulas.hidden_parts(layer)
    return found


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
    step = record_step(net, [0.05, -1.5, 0.7][: sizes[0]], [0.25, 0.75], 0.1)
    formulas = Formulas(step)
    whole = all_formulas(formulas, len(sizes) - 1)
    assert {f.name for f in whole} <= set(formulas.values)
    assert len(whole) == len({f.name for f in whole})
    names = re.compile("|".join(map(re.escape, sorted(formulas.values, key=len, reverse=True))))
    for formula in whole:
        exact = evaluated(names.sub(lambda match: f"({formulas.values[match[0]]!r})", formula.symbols))
        if "exp" in formula.symbols:  # logistic and log1p are primitives, not made of exp: 2.5 ulp
            assert formula.value == pytest.approx(exact, rel=6e-16, abs=0), formula
        else:
            assert formula.value == exact, formula
        # The numbers beside it are the same, to the nine decimals that are shown.
        assert evaluated(formula.numbers) == pytest.approx(exact, rel=0, abs=1e-8), formula
        assert not re.search(r"[-+*] ?-|\w\d_\w", formula.numbers), formula


def test_every_number_of_the_example_has_its_formula():
    formulas = Formulas(record_step(*bp.examples.worked_example(train_bias=True, engine="python")))
    given = {"i1", "i2", "target_o1", "target_o2", *(f"w{k}" for k in range(1, 9)), "b1", "b2"}
    assert {f.name for f in all_formulas(formulas, 2)} == set(formulas.values) - given
