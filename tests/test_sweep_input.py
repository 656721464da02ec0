"""Specs and data that cannot be used: one line each, with file, line or key, and what was expected."""

import pytest

import backprop as bp
from backprop._input_errors import InputError

DATA = '[data]\nfile = "d.csv"\ntask = "classification"\ntarget = "kind"\n'
ROWS = "[parameters]\nhidden_layer_sizes = [[2]]\nmax_iter = 3\n"
LINES = ["x,y,kind", *(f"{k},{k * k % 7},{'ab'[k % 2]}" for k in range(20))]
WHOLE = "\n".join(LINES)
NUMBERS = DATA.replace("classification", "regression").replace('"kind"', '"y"') + 'exclude = ["kind"]\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(place, spec, data=WHOLE):
    """What is said of a spec and its data."""
    (place / "s.toml").write_text(spec)
    (place / "d.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(InputError) as caught:
        bp.sweep("s.toml")
    return str(caught.value)


SPECS = {
    DATA: "s.toml: [parameters] is missing",
    "[data\n": "s.toml: is not TOML: Expected ']' at the end of a table declaration (at line 1, column 6)",
    "[data]\n" + ROWS: "s.toml: data: needs either file, a CSV file, or set, one of 'iris', 'digits', 'wine',",
    "x = 1\n" + DATA + ROWS: "s.toml, line 1: x: there is no such table; there are data, preprocessing, validatio",
    DATA + "[parameterz]\n": "s.toml, line 5: parameterz: there is no such table; did you mean 'parameters'?",
    "data = 3\n" + ROWS: "s.toml: [data] must be a table of keys and values, not 3",
    DATA.replace("target", "targtt") + ROWS: "s.toml, line 4: data.targtt: there is no such key; did you mean",
    DATA.replace('target = "kind"', "") + ROWS: "s.toml: data.target: is missing",
    DATA.replace('"kind"', '["x", "y"]') + ROWS: "s.toml, line 4: data.target: must be one column for classificat",
    DATA.replace('"kind"', '["x", "x"]') + ROWS: "s.toml, line 4: data.target: has a name twice",
    DATA.replace("tion", "ton") + ROWS: (
        "s.toml, line 3: data.task: must be one of 'classification', 'regression', not 'classificaton'; did"
        " you mean 'classification'?"
    ),
    DATA.replace("kind", "Kind") + ROWS: "d.csv: data.target: there is no column 'Kind'; did you mean 'kind'?",
    DATA.replace("d.csv", "e.csv") + ROWS: "e.csv: cannot be read (No such file or directory)",
    '[data]\nset = "irs"\n' + ROWS: "s.toml, line 2: data.set: must be one of 'iris', 'digits', 'wine', 'breast_c",
    '[data]\nset = "iris"\ntask = "regression"\n' + ROWS: "s.toml, line 3: data.task: iris is for classification,",
    '[data]\nset = "iris"\ntarget = "class"\n' + ROWS: "s.toml, line 3: data.target: belongs to a file, not to se",
    '[data]\nset = "iris"\nfile = "d.csv"\n' + ROWS: "s.toml: data: needs either file, a CSV file, or set",
    DATA + 'features = ["x", "kind"]\n' + ROWS: "d.csv: data.target: 'kind' is in data.features, too",
    DATA + 'exclude = ["x", "y"]\n' + ROWS: "d.csv: no column is left to predict from",
    DATA + 'delimiter = ";;"\n' + ROWS: "s.toml, line 5: data.delimiter: must be one character, such as ',' or ';",
    DATA + ROWS + "solvr = 1\n": "s.toml, line 8: parameters.solvr: is no parameter of MLPClassifier; did you mea",
    DATA + ROWS + 'solver = ["adam", "adm"]\n': "s.toml, line 8: parameters.solver: The 'solver' parameter of MLP",
    DATA + ROWS + "alpha = [0.1, -1]\n": "s.toml, line 8: parameters.alpha: The 'alpha' parameter of MLPClassifie",
    DATA + ROWS + "alpha = nan\n": "s.toml, line 8: parameters.alpha: alpha must be finite, not nan",
    DATA + ROWS + "random_state = [1, -1]\n": "s.toml, line 8: parameters.random_state: random_state must be an i",
    DATA + ROWS + "verbose = true\n": "s.toml, line 8: parameters.verbose: would print from several processes at ",
    DATA + ROWS + 'engine = "python"\n': "s.toml, line 8: parameters.engine: changes no number; set the environme",
    DATA + ROWS + "solver = []\n": "s.toml, line 8: parameters.solver: is an empty list of alternatives",
    DATA + ROWS.replace("[[2]]", "[]"): "s.toml, line 6: parameters.hidden_layer_sizes: is an empty list of alter",
    DATA + ROWS.replace("[[2]]", "[[2, 0]]"): "s.toml, line 6: parameters.hidden_layer_sizes: units of a hidden l",
    DATA + ROWS + 'activation = [["tanh", "rleu"]]\n': "s.toml, line 8: parameters.activation: activation must be",
    DATA + ROWS + "class_weight = {a = 1, c = 2}\n": "s.toml: parameters.class_weight: there is no class 'c'; the",
    DATA + "[[parameters]]\nalpha = 1.0\n[[parameters]]\nalpha = -2\n": "s.toml, line 8: parameters.alpha: The 'a",
    DATA + "[parameters]\n" + "".join(f"{key} = {[*range(1, 200)]}\n" for key in ("max_iter", "alpha", "tol")): (
        "s.toml: parameters: make 7,880,599 rows; at most 100,000 are run"
    ),
    DATA + ROWS + "[validation]\nfolds = 1\n": "s.toml, line 9: validation.folds: must be an integer from 2 to 10",
    DATA + ROWS + '[validation]\nscore = "r2"\n': "s.toml, line 9: validation.score: must be one of 'accuracy', n",
    DATA + ROWS + "[validation]\nfolds = 11\n": "d.csv, line 2: the class 'a' has 10 samples, fewer than the 11 f",
    DATA + ROWS + "[preprocessing]\nstandardise = true\n": "s.toml, line 9: preprocessing.standardise: there is n",
    DATA + ROWS + "[preprocessing]\nstandardize = 1\n": "s.toml, line 9: preprocessing.standardize: must be True ",
    DATA + ROWS + "[preprocessing]\nstandardize_target = true\n": "s.toml, line 9: preprocessing.standardize_targ",
    NUMBERS.replace('["kind"]', "[]") + ROWS: "d.csv, line 2, column 'kind': 'a' is not a number. If the column i",
    NUMBERS + ROWS + "[validation]\nfolds = 11\n": "d.csv: has 20 samples; 11 folds need 22 for r2",
}  # fmt: skip


@pytest.mark.parametrize("number", range(len(SPECS)))
def test_specs(place, number):
    spec, expected = [*SPECS.items()][number]
    said = refused(place, spec)
    assert said.startswith(expected)
    assert "\n" not in said


def with_line(line, at=5):
    return "\n".join([*LINES[:at], line, *LINES[at:]])


TABLES = {
    "": "d.csv: is empty; the first line must hold the names of the columns",
    LINES[0]: "d.csv: has no rows",
    with_line("5,,a"): "d.csv, line 6, column 'y': the cell is empty, expected a number",
    with_line("5,NA,a"): "d.csv, line 6, column 'y': 'NA' stands for a missing number; every cell needs one",
    with_line("5,nan,a"): "d.csv, line 6, column 'y': 'nan' stands for a missing number; every cell needs one",
    with_line("5,inf,a"): "d.csv, line 6, column 'y': 'inf' is not a number.",
    with_line(
        "5,six,a"
    ): "d.csv, line 6, column 'y': 'six' is not a number. If the column is none of numbers: data.e",
    with_line("5,\u0665,a"): "d.csv, line 6, column 'y': '\u0665' is not a number",
    with_line('"5\n",1_0,a'): "d.csv, line 6, column 'y': '1_0' is not a number",
    with_line("\n\n5,1e999,a"): "d.csv, line 8, column 'y': 1e999 is too large for a float64",
    with_line("5,1,"): "d.csv, line 6, column 'kind': the cell is empty, expected a label",
    with_line("5,1"): "d.csv, line 6: has 2 cells, expected 3, as the first line has",
    with_line('"5,1,a'): "d.csv, line 6: is not CSV: unexpected end of data",
    "\n".join(
        LINES[1:]
    ): "d.csv, line 1: the name '0' is there twice, as columns 1 and 2; the first line must hold",
    "\n".join(
        ["1,2,3", *LINES[1:]]
    ): "d.csv, line 1: holds numbers; the first line must hold the names of the colu",
    "\n".join(["x,,kind", *LINES[1:]]): "d.csv, line 1: column 2 has no name; the first line must hold the names",
    "\n".join(["x,\x07,kind", *LINES[1:]]): "d.csv, line 1: the name of column 2 is not printable: '\\x07'",
    b"x,y\n1,\xe4": "d.csv, line 2: byte 0xe4 is not UTF-8",
    "x,y,kind\n" + "".join(f"{k},3,{'ab'[k % 2]}\n" for k in range(20)): (
        "d.csv, column 'y': is constant (3.0), so it cannot be standardised; name it in data.exclude, or set"
        ' preprocessing.constant_columns = "keep" to have it 0'
    ),
    "x,y,kind\n"
    + "".join(f"{k},{k},a\n" for k in range(20)): "d.csv: every sample has the label 'a'; at least two",
    "x,y,kind\n" + "".join(f"{k}e300,{k},{'ab'[k % 2]}\n" for k in range(20)): (
        "d.csv, column 'x': its numbers are too large to be standardised"
    ),
    "\n".join(
        [*LINES, "1,2,c", "3,4,c"]
    ): "d.csv, line 22: the class 'c' has 2 samples, fewer than the 5 folds; set",
}


@pytest.mark.parametrize("number", range(len(TABLES)))
def test_tables(place, number):
    data, expected = [*TABLES.items()][number]
    said = refused(place, DATA + ROWS, data)
    assert said.startswith(expected)
    assert "\n" not in said


def test_constant_columns_may_be_kept(place):
    (place / "d.csv").write_text("x,y,kind\n" + "".join(f"{k},3,{'ab'[k % 2]}\n" for k in range(20)))
    (place / "s.toml").write_text(DATA + ROWS + '[preprocessing]\nconstant_columns = "keep"\n')
    assert bp.sweep("s.toml").complete


def test_other_arguments(place):
    with pytest.raises(ValueError, match="jobs must be an integer from 1 to 1024, not 0"):
        bp.sweep({}, jobs=0)
    with pytest.raises(TypeError, match="spec must be the path of a TOML file or a mapping, not 3"):
        bp.sweep(3)
    with pytest.raises(ValueError, match=r"nowhere\.toml: cannot be read \(No such file or directory\)"):
        bp.sweep("nowhere.toml")
    with pytest.raises(ValueError, match=r"the spec: \[parameters\] is missing"):
        bp.sweep({"data": {"set": "iris"}})


def test_the_data_are_beside_the_spec(place):
    (place / "inside").mkdir()
    (place / "inside/d.csv").write_text("\n".join(LINES))
    (place / "inside/s.toml").write_text(DATA + ROWS)
    assert bp.sweep("inside/s.toml").complete
    assert bp.sweep(place / "inside/s.toml").document["plan"]["data"]["file"] == "d.csv"
