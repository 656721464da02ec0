"""The names of a trace's numbers: the tutorial's, systematic ones and one's own; and the paths between them."""

import functools
import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases, network_of, runs, step_options

import backprop as bp
from backprop.glassbox.names import Names

TUTORIAL = """
learning_rate w1 w2 w3 w4 b1 w5 w6 w7 w8 b2 i1 i2 target_o1 target_o2
net_h1 net_h2 out_h1 out_h2 net_o1 net_o2 out_o1 out_o2 E_o1 E_o2 E
dE/dout_o1 dE/dout_o2 dout_o1/dnet_o1 dout_o2/dnet_o2 delta_o1 delta_o2
dE/dw5 dE/dw6 dE/dw7 dE/dw8 dE/db2 w5+ w6+ w7+ w8+ b2+
dEo1/dout_h1 dEo2/dout_h1 dEo1/dout_h2 dEo2/dout_h2 dE/dout_h1 dE/dout_h2
dout_h1/dnet_h1 dout_h2/dnet_h2 delta_h1 delta_h2
dE/dw1 dE/dw2 dE/dw3 dE/dw4 dE/db1 w1+ w2+ w3+ w4+ b1+
"""


def worked(**options):
    net, x, t = bp.examples.worked_example(**options)
    return net.trace(x, t)


# ---- names -----------------------------------------------------------------------------------------------------


def test_the_names_and_the_order_are_the_tutorials():
    assert worked().records.names == TUTORIAL.split()
    per_unit = worked(bias="per_unit").records.names
    assert [name for name in per_unit if "b" in name and not name.startswith("d")] == [
        "b_h1", "b_h2", "b_o1", "b_o2", "b_o1+", "b_o2+", "b_h1+", "b_h2+",
    ]  # fmt: skip


def test_systematic_names_say_where_a_weight_stands():
    net = bp.Network([2, 4, 3, 2], random_state=0)
    trace = net.trace([1.0, 2.0], [0.0, 1.0])
    for layer, weights in enumerate(net.weights, start=1):
        for (i, j), value in np.ndenumerate(weights):
            assert trace[f"w[{layer}][{i + 1},{j + 1}]"].value == value
    assert trace["delta[2][3]"].operands == ("dE/dout[2][3]", "dout[2][3]/dnet[2][3]")
    assert trace["dE/dw[3][2,1]"].operands == ("delta[3][1]", "out[2][2]")
    assert trace["dE[3][2]/dout[2][1]"].operands == ("delta[3][2]", "w[3][1,2]")
    assert trace["dE/dout[1][1]"].operands[:2] == ("delta[2][1]", "w[2][1,1]")
    assert trace["x[2]"].value == 2.0
    assert trace["E[3][2]"].operands == ("out[3][2]", "target[3][2]")
    assert trace["w[1][2,3]"].symbol == "w_{2,3}^{[1]}"
    assert trace["delta[2][3]"].symbol == r"\delta_{3}^{[2]}"


def test_other_spellings_are_understood():
    trace = worked()
    for other, name in {
        "E_total": "E", "w[2][1,2]": "w7", "w[2][1,2]+": "w7+", "dE/dw[2][1,2]": "dE/dw7", "b[2]": "b2",
        "x[1]": "i1",
        "net[1][2]": "net_h2", "dE[2][1]/dout[1][1]": "dEo1/dout_h1", "dout[2][1]/dnet_o1": "dout_o1/dnet_o1",
        "net_h1@1": "net_h1", "dE/dw5@1": "dE/dw5",
    }.items():  # fmt: skip
        assert trace[other] == trace[name]
        assert other in trace


def test_a_batch_names_its_samples():
    net, _, _ = bp.examples.worked_example()
    X, T = bp.examples.four_samples()
    trace = net.trace(X, T)
    assert trace["dE/dw5"].operands == ("sum_dE/dw5", "B")
    assert trace["sum_dE/dw5"].operands == tuple(f"dE/dw5@{s}" for s in (1, 2, 3, 4))
    assert trace["dE/dw5@3"].operands == ("delta_o1@3", "out_h1@3")
    assert trace["E"].operands == ("E@1", "E@2", "E@3", "E@4", "B")
    assert trace["net_h1@2"].symbol == r"\mathrm{net}_{h1}^{(2)}"
    assert {record.sample for record in trace} == {None, 1, 2, 3, 4}
    with pytest.raises(KeyError, match="'net_h1' belongs to a sample: 'net_h1@1' to 'net_h1@4'"):
        trace["net_h1"]
    with pytest.raises(KeyError, match="net_h1@1"):
        trace["net_h1@5"]
    weighted = net.trace(X, T, sample_weight=[1, 2, 3, 4])
    assert weighted["weighted_delta_o1@2"].operands == ("sample_weight@2", "delta_o1@2")
    assert weighted["dE/dw5@2"].operands == ("weighted_delta_o1@2", "out_h1@2")
    assert weighted["B"].value == 10.0


def test_own_names():
    net = bp.Network([2, 2, 2], bias="per_unit", random_state=0)
    names = {"inputs": ["age", "<b>"], "outputs": ["yes", "no"]}
    trace = net.trace([1.0, 2.0], [0.0, 1.0], names=names)
    assert trace["net_h1"].operands == ("w1", "age", "w2", "<b>", "b_h1")
    assert trace["dEno/dout_h2"].operands == ("delta_no", "w8")
    assert trace["delta_yes"].symbol == r"\delta_{\text{yes}}"
    assert trace["<b>"].symbol == r"\lt \text{b}\gt "
    assert trace["age"].value == 1.0
    hidden = {"hidden": [["a", "b"], ["c"]]}
    deep = bp.Network([1, 2, 1, 1], random_state=0).trace([1.0], [0.0], names=hidden)
    assert deep["delta_c"].operands == ("dE/dout_c", "dout_c/dnet_c")
    assert deep["dE/dout_a"].operands == ("delta_c", "w[2][1,1]")
    assert deep["b_a"].value == 0.0


@pytest.mark.parametrize(
    ("names", "error", "match"),
    [
        (["i1"], TypeError, "must be a dict"),
        ({"input": ["a", "b"]}, ValueError, "key 'input'"),
        ({"inputs": "ab"}, TypeError, "list of names"),
        ({"inputs": ["a"]}, ValueError, "has 1 names, expected 2"),
        ({"inputs": ["a", 1]}, TypeError, "must be a string, not 1"),
        ({"inputs": ["a", ""]}, ValueError, r"\['inputs'\]\[1\] is ''"),
        ({"inputs": ["a", " b"]}, ValueError, "no space at its ends"),
        ({"inputs": ["a", "b\x1b[31m"]}, ValueError, "printable"),
        ({"inputs": ["a", "x/y"]}, ValueError, "none of"),
        ({"inputs": ["a", "b" * 61]}, ValueError, "1 to 60"),
        ({"inputs": ["a", "a"]}, ValueError, "two units"),
        ({"inputs": ["a", "h1"]}, ValueError, "two units"),
        ({"inputs": ["a", "net_h1"]}, ValueError, "another number"),
        ({"inputs": ["a", "w3"]}, ValueError, "another number"),
        ({"inputs": ["a", "E"]}, ValueError, "another number"),
        ({"hidden": ["o1", "b"]}, ValueError, "two units"),
    ],
)
def test_names_that_will_not_do(names, error, match):
    net, x, t = bp.examples.worked_example()
    with pytest.raises(error, match=match):
        net.trace(x, t, names=names)


def test_an_unknown_name_suggests_the_nearest():
    trace = worked()
    with pytest.raises(KeyError, match=r"nearest names are .*delta_h1") as caught:
        trace["delta_h3"]
    assert str(caught.value).startswith("no number of this trace is called 'delta_h3'")
    names = "w0 w9 w01 net_i1 E_h1 b_h1 b3 net_h1++ w1@1 x[0] w5++ dEo1/dout_i1 dout_h1/dnet_h2 v_w1 sum_dE/dw1"
    for name in [*names.split(), "", "net_h1@2", "net_h1@", "w" * 10_000, "w" + "9" * 5000, "dE/dout_", "w1 "]:
        assert name not in trace
        with pytest.raises(KeyError):
            trace[name]
    assert 3 not in trace
    with pytest.raises(KeyError, match="this step has no 'v_w5'"):
        trace["v_w5"]
    with pytest.raises(KeyError, match="this step has no 'dE/dout_o1'"):
        worked(loss="log_loss")["dE/dout_o1"]
    with pytest.raises(TypeError, match="indexed by a name"):
        trace[3]


def test_names_of_the_tutorials_kind_for_any_depth():
    names = Names(bp.Network([1, 2, 1, 3]).config, tutorial=True)
    assert [names.units(layer) for layer in range(4)] == [["i1"], ["h1_1", "h1_2"], ["h2_1"], ["o1", "o2", "o3"]]
    assert [names.parameter(3, (1, j)) for j in (1, 2, 3)] == ["w5", "w6", "w7"]
    assert names.parameter(2, (1,)) == "b_h2_1"
    assert names.key("delta_h1_2").indices == (2,)
    assert names.key("w4") == names.key("w[2][2,1]")


# ---- paths -----------------------------------------------------------------------------------------------------


@settings(max_examples=settings().max_examples * 2 // 5)
@given(case=cases(max_samples=2, max_hidden=2, width=st.integers(1, 3)), run=runs())
def test_the_paths_add_up_to_the_gradient(case, run):
    trace = network_of(case, "python").trace(*case.draw(), **step_options(case, run) | {"l2": 0.0})
    for record in trace.select(kind="parameter")[::3]:
        paths = trace.path(record.name)
        absolute = sum(abs(path.product) for path in paths) / trace.step.batch_weight
        # Both are sums of the same products, in other orders: each product has as many roundings as factors, each
        # sum as many as terms; a softmax or shared delta goes into both alike.
        terms = len(paths) + max(len(path.factors) for path in paths) + sum(trace.config.sizes)
        half_ulp, tiny = (2**-24, 1e-40) if case.options["dtype"] == "float32" else (2**-53, 1e-300)
        assert abs(paths.total - paths.gradient.value) <= 2 * terms * half_ulp * absolute + tiny
        for path in paths:
            assert path.values == tuple(trace[name].value for name in path.factors)
            assert path.product == functools.reduce(operator.mul, path.values)
        if trace.quantities.order.batch:
            own = trace.path(record.name, sample=1)
            assert own.gradient.name.endswith("@1")
            assert {path.sample for path in own} == {1}


def test_the_paths_of_the_example():
    trace = worked()
    paths = trace.path("w1")
    assert [path.units for path in paths] == [("h1", "o1"), ("h1", "o2")]
    assert paths[0].factors == ("dE/dout_o1", "dout_o1/dnet_o1", "w5", "dout_h1/dnet_h1", "i1")
    assert f"{paths.total:.9f}" == "0.000438568"
    assert [path.units[0] for path in trace.path("b1")] == ["h1", "h1", "h2", "h2"]
    assert len(trace.path("w5")) == 1
    assert trace.path("dE/dw5").name == "w5"
    assert "their sum: 0.000438568    dE/dw1: 0.000438568" in str(paths)
    assert "sequential" in str(worked(update_order="sequential").path("w1"))
    assert "delta" in str(worked(loss="log_loss").path("w1"))
    with pytest.raises(ValueError, match="of a weight or a bias"):
        trace.path("net_h1")
    with pytest.raises(KeyError, match="nearest"):
        trace.path("w99")
    with pytest.raises(ValueError, match="sample"):
        trace.path("w1", sample=2)
    deep = bp.Network([1, 30, 30, 30, 30], random_state=0).trace([1.0], [0.0] * 30)
    assert len(deep.path("w[2][1,1]")) == 900
    with pytest.raises(ValueError, match="27,000 paths"):
        deep.path("w[1][1,1]")
