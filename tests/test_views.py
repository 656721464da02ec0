"""The views of a trace: they show what is in it, nothing in a name can do harm, and JSON comes back whole."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from bits import assert_same_bits, same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases, network_of, runs, step_options

import backprop as bp
from backprop.glassbox.formulas import shown
from backprop.glassbox.views.outline import shortened

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/trace.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NASTY = ["<script>alert(1)<", '"onload="x', "a&b;$_{}^%#~\\"]


def example(**options):
    net, x, t = bp.examples.worked_example(**options)
    return net.trace(x, t)


def deep_batch():
    """Three layers, softmax, momentum, L2 and weighted samples: every kind of name."""
    net = bp.Network([3, 2, 3, 2], activation=["relu", "tanh"], output_activation="softmax", loss="log_loss",
                     random_state=2)  # fmt: skip
    X = np.random.RandomState(0).normal(size=(5, 3))
    T = np.eye(2)[[0, 1, 1, 0, 1]]
    names = {"inputs": NASTY, "outputs": ["<b>no", "|y`s"]}
    options = {"optimizer": bp.SGD(momentum=0.9), "l2": 0.01, "sample_weight": [1, 2, 0, 1, 0.5]}
    return net.trace(X, T, names=names, **options)


def large():
    net = bp.Network([784, 30, 10], output_activation="softmax", loss="log_loss", random_state=0)
    rng = np.random.RandomState(0)
    return net.trace(rng.uniform(size=(6, 784)), np.eye(10)[rng.randint(10, size=6)])


TRACES = {"example": example, "deep batch": deep_batch, "large": large}


@pytest.fixture(scope="module", params=TRACES)
def trace(request):
    return TRACES[request.param]()


# ---- text ------------------------------------------------------------------------------------------------------


def test_text_is_eighty_columns_wide_and_shows_what_the_records_say(trace):
    text = trace.text()
    assert text == str(trace)
    # A line may only be longer for a single word that does not fit.
    assert all(len(line) <= 80 or len(line.split()) == 2 for line in text.splitlines())
    spaced = " ".join(text.split())
    for record in [*trace.select(phase="backward", sample=1)][:8]:
        assert f"{record.name} = {shortened(record.formula, 8)}" in spaced
    assert text.isprintable() or set(text) - set("\n") == {c for c in text if c.isprintable()}


def test_text_shows_every_number_of_a_small_network():
    trace = example()
    text = " ".join(trace.text().split())
    for record in trace:
        assert str(record).replace("  ", " ") in text
    assert "full=True" not in text


def test_text_of_the_example_is_drawn_and_aligned():
    lines = example().text().splitlines()
    assert "  i1 0.05 ---+--> h1 0.5933 ---+--> o1 0.7514" in lines
    assert lines[0] == "Update 1 of a 2-2-2 network, one sample"
    assert "Logistic hidden units, logistic outputs, squared_error; one bias per layer, not" in lines


def test_large_networks_are_shortened_and_it_is_said():
    trace = large()
    for view in (trace.text(), trace.markdown(), trace.html(), trace.svg()):
        assert len(view) < 400_000
    text = " ".join(trace.text().split())
    assert (
        "Shown are the first 8 numbers of each kind, the first 3 samples and sums shortened to 8 terms, of"
        f" {len(trace):,} numbers in all; full=True shows everything."
    ) in text
    assert "... 23,512 more: w9 to w23520" in text
    assert "3 more samples: trace.select(sample=4)" in text
    assert "... 777 more" in text
    assert "Layers of more than 8 units are drawn in part." in trace.svg()


def test_full_text_leaves_nothing_out():
    trace = bp.Network([30, 2, 1], random_state=0).trace(np.arange(30) / 30, [1.0])
    short, whole = trace.text(), trace.text(full=True)
    assert "full=True" in short
    assert "full=True" not in whole
    joined = " ".join(whole.split())
    for record in trace:
        assert record.name in joined
        assert shown(record.value) in joined
    assert trace["net_h1"].formula in joined
    with pytest.raises(TypeError, match="full"):
        trace.text(full=1)


def test_a_drawing_that_does_not_fit_is_smaller():
    wide = bp.Network([2] * 12, random_state=0).trace([1.0, 2.0], [0.0, 1.0]).text()
    assert all(len(line) <= 80 for line in wide.splitlines())
    assert "2 units -> 2 units" in wide or "12 layers" in wide


def test_divergence_and_dead_units_are_told():
    net = bp.Network([1, 1], output_activation="identity", random_state=0)
    trace = net.trace([1e200], [-1e200])
    assert "THIS UPDATE LEAVES THE FINITE NUMBERS: E[1][1] is inf." in trace.text()
    for view in (trace.markdown(), trace.html(), trace.to_json(), trace.svg(after=True)):
        assert "NaN" in view or "inf" in view
    assert r"\infty" in trace.markdown()


# ---- Markdown and LaTeX ----------------------------------------------------------------------------------------


def balanced(latex: str) -> bool:
    """Whether braces, \\left and \\right, and environments pair up."""
    bare = re.sub(r"\\[\\{}]", "", latex)
    depth = 0
    for char in bare:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0:
            return False
    begun, ended = (sorted(re.findall(rf"\\{word}\{{(\w+)\}}", latex)) for word in ("begin", "end"))
    return depth == 0 and begun == ended and latex.count(r"\left") == latex.count(r"\right")


def test_every_formula_is_sound_latex(trace):
    for record in trace.records[:: max(1, len(trace) // 300)]:
        for latex in (record.symbol, record.latex, record.latex_numbers):
            assert balanced(latex), latex
            assert "⟨" not in latex
            assert not re.search(r"<|>(?! 0)", latex)
    for block in re.findall(r"\$\$(.*?)\$\$", trace.markdown(), flags=re.DOTALL):
        assert balanced(block), block


def test_markdown_of_the_example():
    text = example().markdown()
    assert r"\mathrm{net}_{h1} &= w_{1} \cdot i_{1} + w_{2} \cdot i_{2} + b_{1} \\" in text
    assert r"&= 0.15 \cdot 0.05 + 0.2 \cdot 0.1 + 0.35 \\" in text
    assert "&= 0.3775\n" in text
    assert "| w1 | $w_{1}$ | 0.15 |" in text
    assert example()._repr_markdown_() == text


def test_markdown_has_no_html_of_a_name():
    text = deep_batch().markdown()
    assert not re.search(r"<", text)
    assert r"&lt;script&gt;alert(1)&lt;" in text
    assert r"target\_\|y\`s" in text


# ---- HTML and SVG ----------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a piece of HTML, properly nested, and its text."""

    VOID = ("br",)

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


ALLOWED = {
    "div",
    "h3",
    "p",
    "br",
    "em",
    "strong",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
ALLOWED |= {"svg", "title", "line", "circle", "text"}


def test_html_is_well_formed_and_holds_no_foreign_tag(trace):
    parser = Tags()
    parser.feed(trace.html())
    parser.close()
    assert parser.open == []
    assert {tag for tag, _ in parser.seen} <= ALLOWED
    for _, attributes in parser.seen:
        assert not any(name.startswith("on") or name in ("href", "src") for name in attributes)
    assert trace._repr_html_() == trace.html()


def test_html_shows_the_names_as_they_are():
    parser = Tags()
    parser.feed(deep_batch().html())
    assert any(NASTY[0] in words for words in parser.words)
    assert any(NASTY[2] in words for words in parser.words)


@pytest.mark.parametrize("after", [False, True])
def test_the_diagram_is_an_image_with_the_networks_numbers(trace, after):
    root = ET.fromstring(trace.svg(after=after))
    space = "{http://www.w3.org/2000/svg}"
    sizes = [min(size, 8) for size in trace.config.sizes]
    cut = sum(size > 8 for size in trace.config.sizes)
    assert len(root.findall(f"{space}circle")) == sum(sizes) - cut
    lines = root.findall(f"{space}line")
    assert len(lines) == sum(a * b for a, b in pairwise(sizes))
    titles = {line.find(f"{space}title").text for line in lines}
    kind = "new_parameter" if after else "parameter"
    record = trace.select(kind=kind, layer=1)[0]
    assert f"{record.name} = {shown(record.value)}" in titles
    width, height = (float(root.get(name)) for name in ("width", "height"))
    for line in lines:
        assert 0 <= float(line.get("x1")) < float(line.get("x2")) <= width
        assert 0 <= float(line.get("y1")) <= height


def test_line_width_colour_and_dash_follow_the_weight():
    net = bp.Network([1, 2], bias="none", random_state=0)
    net.weights[0][...] = [[2.0, -1.0]]
    root = ET.fromstring(net.trace([1.0], [0.0, 1.0]).svg())
    thick, thin = root.findall("{http://www.w3.org/2000/svg}line")
    assert float(thick.get("stroke-width")) == 2 * float(thin.get("stroke-width"))
    assert thick.get("stroke") != thin.get("stroke")
    assert (thick.get("stroke-dasharray"), thin.get("stroke-dasharray")) == (None, "7 4")


# ---- rows and JSON ---------------------------------------------------------------------------------------------


def test_rows_are_flat_records():
    trace = deep_batch()
    rows = trace.rows(kind="delta", layer=2, sample=1)
    assert [row["name"] for row in rows] == [f"delta[2][{k}]@1" for k in (1, 2, 3)]
    assert rows[0]["value"] == trace["delta[2][1]@1"].value
    assert len(trace.rows()) == len(trace)
    assert len({tuple(row) for row in trace.rows()}) == 1


def check_round_trip(trace):
    text = trace.to_json()
    VALIDATOR.validate(json.loads(text))
    back = bp.Trace.from_json(text)
    assert back.to_json() == text
    assert back.config == trace.config
    for a, b in zip(trace, back, strict=True):
        assert (a.name, a.operands, a.formula, a.symbol) == (b.name, b.operands, b.formula, b.symbol)
        assert same_bits(a.value, b.value), a.name
    return json.loads(text)


@settings(max_examples=settings().max_examples // 4)
@given(case=cases(max_samples=3, width=st.integers(1, 3)), run=runs(), after=st.integers(0, 3))
def test_json_comes_back_to_the_bit(case, run, after):
    trace = network_of(case, "python").trace(*case.draw(), after=after, **step_options(case, run))
    check_round_trip(trace)


def test_json_keeps_own_names_and_what_is_not_finite():
    whole = check_round_trip(deep_batch())
    assert whole["names"]["inputs"] == NASTY
    net = bp.Network([1, 1], output_activation="identity", random_state=0)
    whole = check_round_trip(net.trace([1e200], [-1e200]))
    assert whole["step"]["loss"] == "Infinity"
    assert {record["name"]: record["value"] for record in whole["records"]}["E"] == "Infinity"
    named = bp.Network([2, 2, 2]).trace([1, 2], [0, 1], names={"hidden": ["a", "b"]})
    assert check_round_trip(named)["names"] == {"hidden": ["a", "b"]}


def test_json_of_a_large_trace_has_the_arrays_alone_unless_asked():
    trace = large()
    whole = json.loads(trace.to_json())
    assert "records" not in whole
    back = bp.Trace.from_json(json.dumps(whole))
    assert_same_bits(back.step.new_weights[0], trace.step.new_weights[0])
    assert "records" not in json.loads(example().to_json(records=False))


def broken(change) -> str:
    whole = json.loads(example().to_json(records=False))
    change(whole)
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        (3, TypeError, "must be a JSON string"),
        ("", ValueError, "not JSON"),
        ("[" * 100_000, ValueError, "not JSON"),
        ("[]", ValueError, "must be an object"),
        ("{}", ValueError, "has no 'format'"),
        (broken(lambda w: w.update(format="other")), ValueError, "'other'"),
        (broken(lambda w: w.update(version=2)), ValueError, "version 2"),
        (broken(lambda w: w["network"].update(dtype="float16")), ValueError, "dtype"),
        (broken(lambda w: w["network"].update(loss="none")), ValueError, "loss"),
        (broken(lambda w: w["network"].update(activation="relu")), ValueError, "activation"),
        (broken(lambda w: w["network"].update(sizes=[2, 10**9, 2])), ValueError, "too large"),
        (broken(lambda w: w["network"].update(sizes=[2])), ValueError, "sizes"),
        (
            broken(lambda w: w["network"].update(loss="poisson", output_activation="tanh")),
            ValueError,
            "does not go",
        ),
        (broken(lambda w: w["step"].pop("nets")), ValueError, "step has no 'nets'"),
        (broken(lambda w: w["step"].update(weights=[])), ValueError, "weights must be a list of 2"),
        (broken(lambda w: w["step"]["weights"][0][0].append(1.0)), ValueError, r"weights\[0\] must be numbers"),
        (broken(lambda w: w["step"]["outs"][0].__setitem__(0, ["x", 1])), ValueError, r"outs\[0\] .* not 'x'"),
        (broken(lambda w: w["step"]["nets"][0].__setitem__(0, [10**400, 1])), ValueError, r"nets\[0\]"),
        (broken(lambda w: w["step"].update(inputs=[])), ValueError, "inputs"),
        (broken(lambda w: w["step"].update(method="magic")), ValueError, "method"),
        (broken(lambda w: w["step"].update(moments=[1])), ValueError, "moments"),
        (broken(lambda w: w["step"].update(rows=["a"])), TypeError, "rows"),
        (broken(lambda w: w["step"].update(diverged="no")), TypeError, "diverged"),
        (broken(lambda w: w.update(names={"inputs": ["\x1b[2J", "b"]})), ValueError, "printable"),
        (broken(lambda w: w.update(names=["a"])), TypeError, "names must be a dict"),
    ],
)
def test_json_that_will_not_do(text, error, match):
    with pytest.raises(error, match=match):
        bp.Trace.from_json(text)


def test_two_runs_give_the_same_views():
    for make in (example, deep_batch):
        a, b = make(), make()
        assert (a.text(), a.markdown(), a.html(), a.svg(), a.to_json()) == (
            b.text(), b.markdown(), b.html(), b.svg(), b.to_json(),
        )  # fmt: skip
