"""Files that cannot be used: one line that says where and why, exit code 2, never a traceback."""

import json
import re
import string

import pytest
from command import backprop, refused
from hypothesis import example, given
from hypothesis import strategies as st

import backprop as bp
from backprop.cli.files import LARGEST
from backprop.cli.network_file import mapping_of
from backprop.cli.problem import KEYS

GOOD = """\
# the tutorial's
sizes = [2, 2, 2]
bias = "shared"
train_bias = false
weights = [[[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]]
biases = [0.35, 0.60]
x = [0.05, 0.10]
t = [0.01, 0.99]

[names]
inputs = ["dose", "age"]
"""


def said_of(tmp_path, name, content, command="check"):
    """What is said of a file with that content: ``2:3 why`` for line 2, column 3."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = refused(command, *(["--network"] if command == "trace" else []), str(path))
    assert said.startswith(str(path))
    said = said.removeprefix(str(path))
    place, _, message = said.partition(": ")
    return " ".join(filter(None, [":".join(re.findall(r"\d+", place)), message]))


# ---- answers -------------------------------------------------------------------------------------------------

ANSWERS = [
    ("a.json", "", "is empty"),
    ("a.csv", "  \n\n", "is empty"),
    ("a.json", "{}", "has no answers: no number is filled in"),
    ("a.json", '{"E": null, "net_h1": ""}', "has no answers: no number is filled in"),
    ("a.csv", "name,value\nnet_h1,\n", "has no answers: no number is filled in"),
    ("a.md", "# hello", "has no answers: no number is filled in"),
    ("a.json", "[1]", "1:1 expected an object, {...}, not a list"),
    ("a.json", '\n  "E"', "2:3 expected an object, {...}, not a string"),
    ("a.json", '{"E": 1,\n "E" 2}', "2:6 this is not JSON: expecting ':' delimiter"),
    ("a.json", '{"E": 1', "1:8 this is not JSON"),
    ("a.json", '{"net_h1": 1,\n "net_h3": 1}', "2:2 no number of this trace is called 'net_h3'; the near"),
    ("a.json", '{"E": 1,\n  "\\u0045": 2}', "2:3 'E' is here twice, first in line 1"),
    ("a.json", '{"E": 1,\n  "E_total": 2}', "2:3 'E_total' is here twice, first in line 1"),
    ("a.json", '{"E": "x, [{",\n "a": [1, {"b": 1}], "E": 2}', "2:22 'E' is here twice, first in line 1"),
    ("a.json", '{"a": [{"b": 1}, {"c": 1,\n"c": 2}]}', "2:1 'c' is here twice, first in line 1"),
    ("a.json", '{"E":\n NaN}', "2:2 NaN is no finite number"),
    ("a.json", '{"E": -Infinity}', "1:7 -Infinity is no finite number"),
    ("a.json", '{"E": "nan"}', "1:7 E is 'nan'; expected a number"),
    ("a.json", '{"E": 1e999}', "1:7 E is '1e999'; expected a finite number"),
    ("a.json", '{"E": ' + "9" * 5000 + "}", "1:7 E has 5000 characters"),
    ("a.json", '{"E": true}', "1:7 expected a number, such as 0.3775, not true or false"),
    ("a.json", '{"E":\n  [1]}', "2:3 expected a number, such as 0.3775, not a list"),
    ("a.json", '{"E": {"F": 1}}', "1:7 expected a number, such as 0.3775, not an object"),
    ("a.json", '{"E": "\\u001b[2J"}', r"1:7 E is '\x1b[2J'; expected a number"),
    ("a.json", '{"\\u001b[2J<b>": 1}', r"1:2 no number of this trace is called '\x1b[2J<b>'"),
    ("a.json", '{"\\ud800": 1}', r"1:2 no number of this trace is called '\ud800'"),
    ("a.json", '{"E": "<script>alert(1)</script>"}', "1:7 E is '<script>alert(1)</script>'; expected"),
    ("a.json", b'{"E": 1,\n "\xff": 2}', "2:3 byte 0xff is not UTF-8"),
    ("a.json", '{"E":' * 100_000, "is nested too deep"),
    ("a.json", '{"E": ' + '{"a": ' * 50 + "1" + "}" * 50 + ', "E": 1}', "holds a key twice, or a number"),
    ("a.csv", "E,1\n" * 100_001, "has more than 100,000 answers"),
    ("a.json", "[" * 100_000, "is nested too deep"),
    ("a.csv", "name,value\nnet_h1,0.3775\nnet_hx,3\n", "3:1 no number of this trace is called 'net_hx'"),
    ("a.csv", "name,value\nnet_h1,0.3775\nnet_h2,3x\n", "3:2 net_h2 is '3x'; expected a number"),
    ("a.csv", "x,value,name\n1,nan,E\n", "2:2 E is 'nan'; expected a number"),
    ("a.csv", "name,value\nE,3\nE,3\n", "3:1 'E' is here twice, first in line 2"),
    ("a.csv", 'name,value\n"E,3\n', "2 this is not CSV: unexpected end of data"),
    ("a.csv", "name,number\nE,3\n", "1 the first row has no column called value"),
    ("a.csv", "name,value\n,3\n", "2:1 a number without a name"),
    ("a.csv", "E,3,4\n", "1:3 there is a cell too many"),
    ("a.csv", "step,name,value\n1,E,0,298\n", "2:4 there is a cell too many; a number with a decimal comma"),
    ("a.csv", "hello\n", "1 expected a name and a number in each row"),
    ("a.csv", b"E,3\x00\n", r"1:2 E is '3\x00'; expected a number"),
    ("a.csv", b"\xff\xfeE\x00", "is UTF-16; save it as UTF-8"),
    ("a.csv", b"net_h\xfc,1", "1:6 byte 0xfc is not UTF-8"),
    ("a.csv", "E," + "1" * 200_000, "1 this is not CSV: field larger than field limit"),
    ("a.csv", "w[1],1\n", "1:1 no number of this trace is called 'w[1]'"),
    ("a.md", "| name | value |\n|---|---|\n\n| E | x |", "4:2 E is 'x'; expected a number"),
    ("a.md", "| name | value |\n|---|---|\n| net\\_h9 | 1 |", "3:1 no number of this trace is called 'net_h9'"),
    ("a.csv", b" " * (LARGEST + 1), "is larger than 5 MB, the most that is read"),
    ("a.json", b'{"E": ' + b" " * 10_000_000 + b"1}", "is larger than 5 MB, the most that is read"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "says"), ANSWERS, ids=range(len(ANSWERS)))
def test_answers_that_cannot_be_used(tmp_path, name, content, says):
    assert said_of(tmp_path, name, content).startswith(says)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfname,value\r\nnet_h1,0.3775\r\n",
        b"net_h1;0,3775\nnet_h2;0,3925\n",
        b"sep=;\nname;value\nnet_h1;0,3775\n",
        b"net_h1\t0.3775\n",
        b"# mine\nnet_h1,0.3775\n\n# more\n",
        b'"net_h1", 0.3775 ,\n',
        b"Value,NAME\n0.3775,net_h1\n",
        b'\xef\xbb\xbf {"net_h1": "0.3775", "E": null}',
        "| name | value |\n|---|--:|\n| net\\_h1 | \N{MINUS SIGN}0.3775 |".encode().replace(
            "\N{MINUS SIGN}".encode(), b""
        ),
        b"name,value\r\rnet_h1,0.3775\r",
    ],
)
def test_ways_to_write_answers(tmp_path, content):
    assert backprop("check", "-", stdin=content).code == 0
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert backprop("check", str(path)).code == 0


def test_what_is_no_file(tmp_path):
    assert refused("check", str(tmp_path)) == f"{tmp_path}: is a directory, not a file"
    assert refused("check", str(tmp_path / "no.csv")).endswith("no.csv: there is no such file")
    assert refused("check", "a\0b") == r"a\x00b: is no name of a file (embedded null byte)"
    assert refused("check", "\x1b[2J.csv") == r"\x1b[2J.csv: there is no such file"
    assert refused("sheet", "--out", str(tmp_path)).startswith(f"{tmp_path}: cannot be written")
    locked = tmp_path / "locked.csv"
    locked.write_text("E,1")
    locked.chmod(0)
    try:
        locked.read_bytes()
    except PermissionError:
        assert refused("check", str(locked)).endswith("cannot be read (Permission denied)")


# ---- network files -------------------------------------------------------------------------------------------


def test_the_good_file_is_good(tmp_path):
    path = tmp_path / "n.toml"
    path.write_text(GOOD)
    assert backprop("trace", "--network", str(path)).code == 0


TOML = [  # replace this by that
    ("bias =", "baes =", "3:1 there is no key 'baes'; did you mean 'biases'?"),
    ("sizes =", "layers =", "2:1 there is no key 'layers'; did you mean 'sizes'?"),
    ("t =", "y =", "8:1 there is no key 'y'; did you mean 't'?"),
    ('"shared"', '"shard"', "3:8 bias is 'shard'; expected per_unit, shared or none; did you mean 'shared'?"),
    ("t = [0.01, 0.99]", "", "'t' is missing: the targets"),
    ("weights =", "#", "'weights' is missing; or 'parameters'"),
    ("x = [0.05,", "x = [0.05, 7,", "7:5 x must be a list of 2 numbers, not of 3"),
    ("x = [0.05,", 'x = ["0.05",', "7:5 x[0] must be a number, not '0.05'"),
    ("0.30]]", "true]]", "5:11 weights[0][1][1] must be a number, not True"),
    ("0.30]]", "nan]]", "5:11 weights[0][1][1] is nan; expected a finite number"),
    (", 0.30]]", "]]", "5:11 weights[0][1] must be a list of 2 numbers, not of 1"),
    ("sizes = [2, 2, 2]", "sizes = [2, 3, 2]", "5:11 weights[0][0] must be a list of 3 numbers, not of 2"),
    ("sizes = [2, 2, 2]", "sizes = [2, 2]", "5:11 weights must be a list of 1 layers, not of 2"),
    ("sizes = [2, 2, 2]", "sizes = [2, 0, 2]", "2:9 sizes[1] must be an integer of at least 1, not 0"),
    ("sizes = [2, 2, 2]", "sizes = [9999, 9999, 2]", "2:9 a network of 100,010,000 parameters"),
    ("biases = [0.35,", "biases = [[0.35, 1],", "6:10 biases[0] must be a list of 1 number, not of 2"),
    ('"shared"', '"none"', "6:1 biases are given, and bias is 'none'"),
    ("train_bias = false", "train_bias = 0", "4:14 train_bias must be True or False, not 0"),
    ("x =", "momentum = 1\nx =", "7:12 momentum must be a number of at least 0 and below 1, not 1"),
    ("x =", "beta_1 = 0.5\nx =", "7:1 beta_1 goes with optimizer 'adam', not 'sgd'"),
    ("x =", "optimizer = 'adm'\nx =", "7:13 optimizer is 'adm'; expected sgd or adam; did you mean 'adam'?"),
    ("x =", "after = -1\nx =", "7:9 after must be an integer from 0"),
    ("x =", "loss = 'log_loss'\noutput_activation = 'tanh'\nx =", "7:8 loss='log_loss' needs"),
    ("x = [0.05, 0.10]", f"x = {[[1, 2]] * 10_001}", "7:5 x has 10,001 samples, more than the 10,000"),
    ("sizes = [2, 2, 2]", f"sizes = {[2] * 1_001}", "2:9 1,001 layers are more than the 1,000"),
    ("sizes = [2, 2, 2]", "a" + ".a" * 1_000 + "= 1", "2:2 this is nested too deep"),
    ("sizes = [2, 2, 2]", "#" * 1_000_001, "is longer than the 1 MB of a TOML file"),
    ("x =", "parameters = 3\nx =", "7:1 'parameters' stands instead of"),
    ("x = [0.05, 0.10]", "x = [0.05, 0.10", "8:1 this is not TOML: unclosed array"),
    ("x =", "t = 1\nx =", "9:17 this key is here twice"),
    ("inputs", "input", "10:2 names has the key 'input', expected"),
    ('"dose"', '"do/se"', "11:10 names['inputs'][0] is 'do/se'; a name has 1 to 60"),
    ('"dose", ', "", "11:10 names['inputs'] has 1 names, expected 2"),
    ('"dose"', '"<b>"', None),  # a name may look like HTML: a terminal does not mind
]  # fmt: skip


@pytest.mark.parametrize(("this", "that", "says"), TOML, ids=range(len(TOML)))
def test_toml_networks_that_cannot_be_used(tmp_path, this, that, says):
    assert GOOD.count(this) >= 1
    content = GOOD.replace(this, that, 1)
    if says is None:
        (tmp_path / "n.toml").write_text(content)
        assert backprop("trace", "--network", str(tmp_path / "n.toml")).code == 0
    else:
        assert said_of(tmp_path, "n.toml", content, "trace").startswith(says)


JSON = [
    ('"x": [\n1,', '"x": [\n"1",', "3:1 x[0] must be a number, not '1'"),
    ("[3,\n 4]", "[3,\n null]", "6:2 weights[0][1][1] must be a number, not None"),
    ("[3,\n 4]", "[3,\n 1e999]", "6:2 weights[0][1][1] is inf; expected a finite number"),
    ("[3,\n 4]", "[3,\n NaN]", "6:2 NaN is no finite number"),
    ('"t"', '"x"', "4:1 'x' is here twice, first in line 2"),
    ('"t"', '"s"', "4:1 there is no key 's'"),
    ("[1, 3]", "[1 3]", "4:9 this is not JSON: expecting ',' delimiter"),
]


@pytest.mark.parametrize(("this", "that", "says"), JSON, ids=range(len(JSON)))
def test_json_networks_that_cannot_be_used(tmp_path, this, that, says):
    good = '{\n"x": [\n1, 2],\n"t": [1, 3],\n"weights": [[[1, 2], [3,\n 4]]]}'
    (tmp_path / "good.json").write_text(good)
    assert backprop("trace", "--network", str(tmp_path / "good.json")).code == 0
    assert this in good
    assert said_of(tmp_path, "n.json", good.replace(this, that, 1), "trace").startswith(says)


def test_parameters_by_name(tmp_path):
    good = {"sizes": [2, 1, 1], "bias": "none", "x": [1, 2], "t": [1], "parameters": {"w1": 1, "w2": 2, "w3": 3}}

    def said(parameters):
        return said_of(tmp_path, "n.json", json.dumps({**good, "parameters": parameters}), "trace")

    assert said({"w1": 1, "w2": 2}).endswith(" parameters has no w3")
    assert said({"w1": 1}).endswith(" parameters has no w2 and 1 more")
    assert "parameters: this network has no weight or bias 'w4'; did you mean 'w3'?" in said({"w4": 1})
    assert " 'w[1][1,1]' is 'w1', which is there too" in said({"w1": 1, "w[1][1,1]": 1})
    assert said({"w1": "1"}).endswith(" parameters.w1 must be a number, not '1'")
    assert " parameters must hold names and numbers" in said([1, 2, 3])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--loss", "log_los"], "--loss: loss is 'log_los'; expected squared_error, absolute_error, huber,"
                                " log_loss or poisson; did you mean 'log_loss'?"),
        (["--activation", "tanh,rel"], "--activation: activation is 'rel'; expected"),
        (["--activation", "\x1b[2J"], r"--activation: activation is '\x1b[2J'; expected"),
        (["--x", "1,2,3"], "--x: x must be a list of 2 numbers, not of 3"),
        (["--x", "1,b"], "--x: expected numbers such as 0.05,0.1, not '1,b'"),
        (["--x", "1,nan"], "--x: x[1] is nan; expected a finite number"),
        (["--sizes", "2"], "--sizes: expected layer sizes such as 2-3-1, not '2'"),
        (["--sizes", "2-0"], "--sizes: sizes[1] must be an integer of at least 1, not 0"),
        (["--sizes", "99-99"], "--sizes: 9,801 weights are too many for an exercise; at most 1,000"),
        (["--seed", "3"], "--seed: goes with --sizes"),
        (["--sizes", "2-2", "--network", "n.toml"], "--sizes: goes with a random network, not with --network"),
        (["--momentum", "2"], "--momentum: momentum must be a number of at least 0 and below 1, not 2.0"),
        (["--learning-rate", "-1"], "--learning-rate: learning_rate must be a finite number of at least 0"),
        (["--phase", "foo"], "--phase: phase must be one of"),
        (["--layer", "7"], "--layer: layer must be an integer from 0 to 2, not 7"),
        (["--layer", "0", "--phase", "update"], "--phase --layer: there is no such number in this step"),
        (["--format", "pdf"], "--format: must be one of text, markdown, html, svg, json, csv, not 'pdf'"),
        (["--format", "svg", "--phase", "loss"], "--phase: the diagram is of the whole network"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used(arguments, says):
    assert refused("trace", *arguments).startswith(says)


# ---- whatever there may be in a file -------------------------------------------------------------------------

NET, X, T = bp.examples.worked_example()
NAMES = (
    st.sampled_from([*NET.trace(X, T).records.names, "E_total", "b_h1+", "x[1]", "", "name", "value"]) | st.text()
)
NUMBERS = (
    st.floats().map(repr)
    | st.integers().map(str)
    | st.sampled_from(["", "0.3775", "1/3", "null", "-"])
    | st.text()
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(SCALARS, lambda inside: st.lists(inside) | st.dictionaries(NAMES, inside), max_leaves=10)


def judged(content: bytes) -> None:
    done = backprop("check", "-", stdin=content)
    assert done.code in (0, 1, 2)
    if done.code == 2:
        assert done.out == ""
        assert done.err.count("\n") == 1
        assert done.err[:-1].isprintable()
    else:
        assert done.err == ""
        assert done.out.replace("\n", "").isprintable()


@given(st.binary())
def test_any_bytes(content):
    judged(content)


@given(st.lists(st.tuples(NAMES, NUMBERS)))
@example([("net_h1", "0.3775")])
def test_any_names_and_numbers_as_json(pairs):
    judged(f"{{{', '.join(f'{json.dumps(name)}: {json.dumps(number)}' for name, number in pairs)}}}".encode())


@given(st.dictionaries(NAMES, ANYTHING) | ANYTHING)
def test_any_json(content):
    judged(json.dumps(content).encode())


@given(st.lists(st.lists(NAMES | NUMBERS, max_size=4)), st.sampled_from(",;\t|"), st.booleans())
def test_any_rows(rows, mark, header):
    lines = [mark.join(row) for row in rows]
    judged(
        "\n".join([f"{mark}name{mark}value{mark}", *lines] if header else lines).encode("utf-8", "surrogatepass")
    )


@given(st.text(string.printable), st.integers(0, 400), st.integers(0, 60))
def test_a_sheet_with_some_of_it_overwritten(text, at, length):
    sheet = backprop("sheet", "--filled").out
    judged((sheet[:at] + text + sheet[at + length :]).encode())


@given(
    st.dictionaries(
        st.sampled_from(KEYS), ANYTHING | st.sampled_from(["adam", "none", "tanh", [2, 2, 2], 1e308, []])
    )
)
def test_any_values_in_a_network_file(tmp_path_factory, changes):
    path = tmp_path_factory.mktemp("n") / "n.json"
    for data in (changes, {**mapping_of(NET, X, T), **changes}):
        if isinstance(data.get("after"), int):
            data = {**data, "after": data["after"] % 100}  # it would be done, and take its time
        path.write_text(json.dumps(data))
        done = backprop("sheet", "--network", str(path))
        assert done.code in (0, 2)
        assert done.code == 0 or (done.err.count("\n") == 1 and done.err[:-1].isprintable())


@given(st.text(alphabet="[]{}=\",.\n#'ab12 x", max_size=80))
def test_any_toml(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("n") / "n.toml"
    path.write_text(text)
    assert backprop("trace", "--network", str(path)).code == 2
    path.write_text(GOOD + text)
    assert backprop("trace", "--network", str(path)).code in (0, 2)
