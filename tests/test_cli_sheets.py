"""Sheets, exercises and traces on the command line, and the way from a sheet through a hand to check."""

import csv
import io
import json
import subprocess
import sys

import pytest
from command import backprop, refused
from hypothesis import given
from hypothesis import strategies as st
from strategies import HIDDEN, PAIRS

import backprop as bp
from backprop.cli.network_file import mapping_of, read_document, write_network
from backprop.cli.problem import problem_of

FORMATS = ("csv", "md", "json")


def program(*arguments, stdin=b""):
    """As a user runs it, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "backprop", *arguments], input=stdin, capture_output=True, timeout=60
    )
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def rows(text):
    return [*csv.DictReader(io.StringIO(text))]


def with_value(sheet, name, value):
    """A CSV sheet with one number filled in."""
    table = rows(sheet)
    for row in table:
        row["value"] = value if row["name"] == name else row["value"]
    out = io.StringIO()
    writer = csv.DictWriter(out, table[0])
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


# ---- sheets --------------------------------------------------------------------------------------------------


def test_a_sheet_has_what_is_calculated_in_order_and_what_is_given():
    table = rows(backprop("sheet").out)
    net, x, t = bp.examples.worked_example()
    trace = net.trace(x, t)
    frozen = {"dE/db1", "dE/db2", "b1+", "b2+"}
    assert [row["name"] for row in table] == [name for name in trace.records.names if name not in frozen]
    for row in table:
        record = trace[row["name"]]
        assert row["value"] == ""
        assert (row["given"] != "") == record.given
        assert not record.given or float(row["given"]) == record.value
    assert "from i2 to h1" in table[2]["step"]
    assert table[2]["name"] == "w2"


def test_trained_biases_are_asked_for():
    names = {row["name"] for row in rows(backprop("sheet", "--train-bias").out)}
    assert {"dE/db1", "b2+"} <= names


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_filled_in_sheet_is_right_and_a_blank_one_has_no_answers(tmp_path, suffix):
    blank, filled = tmp_path / f"blank.{suffix}", tmp_path / f"filled.{suffix}"
    assert backprop("sheet", "--out", str(blank)).code == 0
    assert backprop("sheet", "--filled", "--formulas", "--out", str(filled)).code == 0
    assert program("check", str(filled)) == (0, "All 43 numbers are right.\n", "")
    assert "no number is filled in" in refused("check", str(blank))
    # standard input says nothing of the format
    assert backprop("check", "-", stdin=filled.read_bytes()).code == 0


def test_one_number_of_a_sheet_is_judged_alone(tmp_path):
    sheet = backprop("sheet").out
    path = tmp_path / "sheet.csv"
    path.write_text(with_value(sheet, "net_h1", "0.3775"))
    assert program("check", str(path)) == (0, "Your number is right.\n", "")
    path.write_text(with_value(sheet, "net_h1", "0.3375"))
    code, out, err = program("check", str(path))
    assert (code, err) == (1, "")
    assert out.startswith("net_h1 = 0.3375\n")
    assert max(map(len, out.splitlines())) <= 80


def test_digits_as_written_count(tmp_path):
    path = tmp_path / "a.csv"
    for number, code in (("0.38", 0), ("0.380", 1)):
        path.write_text(f"net_h1,{number}\n")
        assert backprop("check", str(path)).code == code
        path.with_suffix(".json").write_text(f'{{"net_h1": {number}}}')
        assert backprop("check", str(path.with_suffix(".json"))).code == code


def test_a_sheet_of_a_part():
    names = [row["name"] for row in rows(backprop("sheet", "--phase", "forward", "--layer", "1").out)]
    assert names[-4:] == ["net_h1", "net_h2", "out_h1", "out_h2"]
    assert "net_o1" not in names
    assert "w8" in names  # what is given is always there
    assert refused("sheet", "--layer", "0").startswith("--phase or --layer: nothing to calculate")
    assert refused("sheet", "--phase", "given").startswith("--phase or --layer: nothing to calculate")


def test_formulas_on_a_sheet():
    table = {row["name"]: row["formula"] for row in rows(backprop("sheet", "--formulas").out)}
    assert table["net_h1"] == "net_h1 = w1*i1 + w2*i2 + b1"
    assert table["w1"] == ""
    page = backprop("sheet", "--formulas", "--format", "markdown", "--loss", "absolute_error").out
    cells = [line.count("|") for line in page.splitlines() if line.startswith("| `E_o1`")]
    assert cells == [4]  # bars in a formula do not break the table


def test_a_cell_is_no_formula_of_a_spreadsheet(tmp_path):
    net, x, t = bp.examples.worked_example()
    path = tmp_path / "n.json"
    write_network(str(path), {**mapping_of(net, x, t), "names": {"inputs": ["=cmd", "-1"]}}, [])
    text = backprop("sheet", "--network", str(path), "--filled").out
    assert all(not cell.startswith(("=", "+", "@")) for row in rows(text) for cell in row.values())
    named = [row["name"] for row in rows(text) if "cmd" in row["name"]]
    assert named == ["'=cmd"]
    assert backprop("check", "-", "--network", str(path), stdin=text.encode()).code == 0
    assert backprop("check", "-", "--network", str(path), stdin=b"'=cmd,0.05\n").code == 0


def test_a_sheet_of_another_network_is_refused(tmp_path):
    for form in ("csv", "markdown"):
        sheet = backprop("sheet", "--filled", "--format", form).out
        said = refused("check", "-", "--learning-rate", "0.4", stdin=sheet.encode())
        assert "another network: 'learning_rate' is 0.5, and the network has 0.4" in said
        said = refused("check", "-", "--sizes", "2-1", stdin=sheet.encode())
        assert said.startswith("standard input, line ")


# ---- exercises -----------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    paths = {kind: tmp_path / name for kind, name in (("out", "n.toml"), ("sheet", "s.csv"), ("key", "k.md"))}
    command = [
        "exercise",
        "--seed",
        "7",
        *(word for kind, path in paths.items() for word in (f"--{kind}", str(path))),
    ]
    code, out, _ = program(*command)
    assert code == 0
    assert out.startswith("Exercise 7: wrote ")
    first = {kind: path.read_bytes() for kind, path in paths.items()}
    assert program(*command)[0] == 0
    assert first == {kind: path.read_bytes() for kind, path in paths.items()}
    assert backprop("exercise", "--seed", "7").out == backprop("exercise", "--seed", "7").out
    assert backprop("exercise", "--seed", "8").out != backprop("exercise", "--seed", "7").out


def test_the_numbers_are_those_of_always():
    page = backprop("exercise", "--seed", "7").out
    assert "# Exercise 7: a 2-3-1 network\n" in page
    assert "| `w1` | from i1 to h1 | 0.3 |\n" in page
    assert "| `out_o1` | 0.222732085 |\n" in page
    assert "# Exercise 7: the answers\n" in page


@pytest.mark.parametrize("seed", range(16))
def test_an_exercise_goes_to_sheet_trace_and_check(tmp_path, seed):
    suffix = ("toml", "json")[seed % 2]
    network, key, sheet = (str(tmp_path / name) for name in (f"n.{suffix}", "k.csv", "s.csv"))
    output, loss = PAIRS[seed % len(PAIRS)]
    options = ["--activation", HIDDEN[seed % len(HIDDEN)], "--output-activation", output, "--loss", loss]
    options += ["--bias", ("per_unit", "shared", "none")[seed % 3], *(["--freeze-bias"] if seed % 5 == 0 else [])]
    options += ["--sizes", "2-2-2-2"] if seed % 7 == 0 else []
    done = backprop("exercise", "--seed", str(seed), *options, "--out", network, "--key", key, "--sheet", sheet)
    assert (done.code, done.err) == (0, "")
    assert backprop("check", key, "--network", network).code == 0
    assert backprop("sheet", "--network", network).out == (tmp_path / "s.csv").read_text()
    assert backprop("sheet", "--network", network, "--filled").out == (tmp_path / "k.csv").read_text()
    assert backprop("trace", "--network", network).code == 0


def test_friendly_numbers(tmp_path):
    for seed in range(20):
        path = tmp_path / "n.json"
        backprop("exercise", "--seed", str(seed), "--out", str(path))
        data = json.loads(path.read_text())
        numbers = [*data["parameters"].values(), *data["x"], *data["t"], data["learning_rate"]]
        assert all(len(str(abs(number)).replace(".", "").lstrip("0")) <= 2 for number in numbers)
        weights = [abs(value) for name, value in data["parameters"].items() if name.startswith("w")]
        assert len(set(weights)) == len(weights)  # a wrong weight shows
        trace = problem_of(data, read_document(str(path)).place).trace()
        assert not trace.dead_units
        assert all(record.value for record in trace.select(kind="delta"))


def test_without_a_seed_it_says_which():
    line = backprop("exercise").out.splitlines()[0]
    seed = line.removeprefix("# Exercise ").partition(":")[0]
    assert backprop("exercise", "--seed", seed).out.splitlines()[0] == line


# ---- traces --------------------------------------------------------------------------------------------------


def test_views_are_the_traces_own(tmp_path):
    net, x, t = bp.examples.worked_example()
    trace = net.trace(x, t)
    assert program("trace") == (0, str(trace), "")
    assert backprop("trace", "--format", "markdown").out == trace.markdown()
    assert backprop("trace", "--format", "svg").out.strip() == trace.svg()
    assert trace.html() in backprop("trace", "--format", "html").out
    assert bp.Trace.from_json(backprop("trace", "--format", "json").out)["w5+"].value == trace["w5+"].value
    for suffix, start in (
        ("html", "<!doctype html>"),
        ("svg", "<svg"),
        ("md", "## Update 1"),
        ("csv", "name,kind"),
    ):
        path = tmp_path / f"trace.{suffix}"
        assert backprop("trace", "--out", str(path)).out == ""
        assert path.read_text(encoding="utf-8").startswith(start)


def test_rows_have_every_bit():
    net, x, t = bp.examples.worked_example()
    trace = net.trace(x, t)
    table = rows(backprop("trace", "--format", "csv").out)
    assert [(row["name"], float(row["value"])) for row in table] == [(r.name, r.value) for r in trace]


def test_parts_of_a_trace():
    out = backprop("trace", "--phase", "backward", "--layer", "1").out
    assert out.startswith("Backward pass, hidden layer\n")
    assert "delta_h1 = dE/dout_h1 * dout_h1/dnet_h1" in out
    assert "delta_o1 = " not in out
    for form in ("markdown", "html", "csv"):
        out = backprop("trace", "--phase", "loss", "--format", form).out
        assert "E_o1" in out.replace("E_{o1}", "E_o1")
        assert "net_h1" not in out
    names = [row["name"] for row in json.loads(backprop("trace", "--phase", "loss", "--format", "json").out)]
    assert names == ["E_o1", "E_o2", "E"]
    samples = ["--x", "0,1;1,1;1,0;0,0;1,2", "--t", "0,1;1,1;0,0;1,0;1,1"]
    out = backprop("trace", *samples, "--sample", "5").out
    assert "net_h1@5" in out
    assert "net_h1@1" not in out


def test_options_of_the_step():
    net, x, t = bp.examples.worked_example(update_order="sequential", loss="log_loss")
    out = backprop(
        "trace", "--update-order", "sequential", "--loss", "log_loss", "--after", "3", "--l2", "0.1"
    ).out
    assert out == str(net.trace(x, t, learning_rate=0.5, after=3, l2=0.1))
    net, x, t = bp.examples.worked_example()
    assert backprop("trace", "--optimizer", "adam").out == str(net.trace(x, t, optimizer="adam"))
    nesterov = bp.SGD(momentum=0.9, nesterov=True)
    given = ["--momentum", "0.9", "--nesterov", "--after", "2"]
    assert backprop("trace", *given).out == str(net.trace(x, t, optimizer=nesterov, after=2))


def test_paths():
    net, x, t = bp.examples.worked_example()
    assert backprop("trace", "--path", "w1").out == f"{net.trace(x, t).path('w1')}\n"
    assert "the nearest names are w1" in refused("trace", "--path", "q1")
    assert refused("trace", "--path", "E").startswith("--path: path is of a weight or a bias")
    assert refused("trace", "--path", "w1", "--phase", "loss").startswith("--path: ")


# ---- check ---------------------------------------------------------------------------------------------------


def test_several_files_and_the_worst_of_their_codes(tmp_path):
    right, wrong = tmp_path / "right.csv", tmp_path / "wrong.csv"
    right.write_text("net_h1,0.3775\n")
    wrong.write_text("net_h1,0.3375\n")
    missing = str(tmp_path / "missing.csv")
    assert backprop("check", str(right), str(right)).code == 0
    code, out, err = backprop("check", str(right), str(wrong))
    assert (code, err) == (1, "")
    assert out.startswith(f"{right}\n")
    assert "net_h1 = 0.3375" in out
    code, out, err = backprop("check", missing, str(wrong))
    assert code == 2
    assert "net_h1 = 0.3375" in out
    assert err == f"backprop: {missing}: there is no such file\n"
    assert backprop("check", "--quiet", str(wrong)).out == ""


def test_findings_as_json():
    done = backprop("check", "-", "--json", stdin=b'{"net_h1": "0.3375", "out_h1": 0.58358}')
    found = json.loads(done.out)
    assert (done.code, found["ok"], found["first"]) == (1, False, "net_h1")
    assert [finding["verdict"] for finding in found["findings"]] == ["wrong", "consequence"]
    assert found["findings"][0]["mistake"] is not None


def test_a_name_is_shown_without_its_escape_codes(tmp_path):
    path = tmp_path / "\x1b[31m.csv"
    path.write_text("net_h1,0.3375\n")
    assert "\x1b" not in backprop("check", str(path), str(path)).out
    assert "\x1b" not in backprop("check", str(path), "--json").out


# ---- network files -------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.booleans())
def test_networks_come_back_from_their_files_to_the_bit(tmp_path_factory, seed, as_json):
    net = bp.Network([2, 3, 2], activation=HIDDEN[seed % len(HIDDEN)], bias=["per_unit", "shared"][seed % 2],
                     random_state=seed)  # fmt: skip
    x, t = net.weights[0][:, 0].copy(), net.weights[1][0].copy()
    path = str(tmp_path_factory.mktemp("n") / ("n.json" if as_json else "n.toml"))
    write_network(path, mapping_of(net, x, t, learning_rate=0.1), ["A network."])
    document = read_document(path)
    problem = problem_of(document.data, document.place)
    assert problem.net == net
    assert problem.trace().to_json() == net.trace(x, t, learning_rate=0.1).to_json()


TOML = """
sizes = [2, 2, 1]
activation = ["tanh"]
bias = "shared"
x = [[0, 1], [1, 1], [1, 0]]
t = [1, 0, 1]
optimizer = "adam"
beta_1 = 0.8
batch_size = 2
sample_weight = [1, 2, 1]
after = 3
[names]
inputs = ["dose", "age"]
hidden = ["a", "b"]
[parameters]
w1 = 0.1
w2 = 0.2
w3 = 0.3
w4 = 0.4
b1 = 0.5
w5 = 0.6
w6 = 0.7
b2 = 1
"""


def test_every_kind_of_key_is_understood(tmp_path):
    path = tmp_path / "n.toml"
    path.write_text(TOML)
    document = read_document(str(path))
    problem = problem_of(document.data, document.place)
    net = bp.Network([2, 2, 1], activation="tanh", bias="shared")
    net.weights = [[[0.1, 0.3], [0.2, 0.4]], [[0.6], [0.7]]]
    net.biases = [[0.5], [1.0]]
    same = net.trace([[0, 1], [1, 1], [1, 0]], [1, 0, 1], optimizer=bp.Adam(beta_1=0.8), batch_size=2, after=3,
                     sample_weight=[1, 2, 1], names={"inputs": ["dose", "age"], "hidden": ["a", "b"]})  # fmt: skip
    assert problem.trace().to_json() == same.to_json()
    path.with_suffix(".json").write_text(json.dumps(document.data))
    out = backprop("trace", "--network", str(path.with_suffix(".json")))
    assert (out.code, out.out) == (0, str(same))
