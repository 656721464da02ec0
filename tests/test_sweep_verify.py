"""`verify`: what it confirms, what it says of every kind of difference, and its exit codes."""

import json
import re
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from sweeping import FLOWERS, flowers, written

import backprop as bp
from backprop.sweeps import verification
from backprop.sweeps.document import checksum
from backprop.sweeps.results import Results


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A results file with its data, made once; tests work on copies."""
    place = written(tmp_path_factory.mktemp("made"))
    bp.sweep(place / "flowers.toml", output=place / "flowers.json")
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    for name in ("flowers.csv", "flowers.json"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changed(place, change, *, seal=True):
    """The file with something changed in it; `seal` makes the checksum fit again."""
    document = json.loads((place / "flowers.json").read_text())
    change(document)
    if seal:
        document["sha256"] = checksum(document)
    (place / "flowers.json").write_text(json.dumps(document))


def row(document, number=1):
    return document["rows"][number - 1]


def test_all_rows_are_confirmed(place):
    report = bp.verify("flowers.json")
    assert report.ok
    assert [verdict.status for verdict in report.verdicts] == ["confirmed"] * 6
    assert str(report).splitlines()[-1] == "6 of 6 rows confirmed."


@pytest.mark.parametrize("jobs", [1, 2])
def test_only_some_rows(place, jobs):
    seen = []
    report = bp.verify(
        "flowers.json", rows=[5, 2, 5], jobs=jobs, watch=lambda done, total: seen.append((done, total))
    )
    assert [verdict.row for verdict in report.verdicts] == [5, 2]
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_every_engine_confirms(place, engine, monkeypatch):
    monkeypatch.setenv("BACKPROP_ENGINE", engine)
    assert bp.verify("flowers.json", rows=[1, 6]).ok


def test_a_change_by_hand_is_seen_by_the_checksum(place):
    changed(place, lambda d: row(d)["parameters"].update(verbose=True), seal=False)
    report = bp.verify("flowers.json", rows=[1])
    assert report.differences == ["the file was changed after it was written: its checksum does not fit"]
    assert report.verdicts[0].ok
    assert not report.ok


def test_the_checksum_is_that_of_the_page(place):
    document = json.loads((place / "flowers.json").read_text())
    claimed = document.pop("sha256")
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert sha256(text.encode()).hexdigest() == claimed


def set_fold(key, value):
    return lambda d: row(d)["folds"][1].update({key: value})


CHANGES = {
    "a score": (set_fold("score", 0.95), r"fold 2: the score is 0\.\d+, the file says 0\.95"),
    "a number of epochs": (set_fold("n_iter", 29), "fold 2: the n_iter is 30, the file says 29"),
    "the first loss": (
        set_fold("first_loss", 1.5),
        r"fold 2: the loss of the first epoch is .*, the file says 1\.5",
    ),
    "the last loss": (set_fold("last_loss", None), "fold 2: the last loss is .*, the file says None"),
    "weights": (
        set_fold("weights_sha256", "0" * 64),
        "fold 2: the weights' hash is .*, the file says 000000000000",
    ),
    "a mean": (lambda d: row(d).update(mean=0.9), r"the file's mean is 0\.9, of its own folds it would be 0\.75"),
    "a row's hash": (lambda d: row(d).update(weights_sha256="f" * 64), "the file's hash of all weights is 'ffff"),
    "a parameter": (
        lambda d: row(d)["parameters"].update(alpha=1e-3),
        r"fold 1: the loss of the first epoch is .*\n.*\n.*fold 1: the weights' hash",
    ),
    "a seed": (lambda d: row(d)["parameters"].update(random_state=1), "fold 1: the loss of the first epoch"),
    "its exactness": (lambda d: row(d).update(exact=False), "the file says exact: False, and it is True"),
    "success": (
        lambda d: row(d)["folds"].__setitem__(1, {"error": "it diverged"}),
        r"fold 2: trained, score 0\.\d+, the file says: failed \(it diverged\)",
    ),
    "the folds' seed": (lambda d: d["plan"]["validation"].update(seed=8), "differs: folds: fold 1 holds other"),
    "the number of folds": (
        lambda d: d["plan"]["validation"].update(folds=4),
        "differs: folds: 4 by the plan, the file has 3\n(.*\n)*no row was trained again, with the differences",
    ),
    "a fold's rows": (
        lambda d: d["folds"][2].update(rows_sha256="0" * 64),
        "differs: folds: fold 3 holds other samples",
    ),
    "preprocessing": (
        lambda d: d["plan"]["preprocessing"].update(standardize=False),
        r"differs: preprocessing: other numbers in fold 1\n(.*\n)*row 1: differs",
    ),
    "the scheme": (
        lambda d: d.update(fold_scheme="other"),
        "differs: folds: by the scheme 'other', here 'sha256-",
    ),
    "a column's hash": (
        lambda d: d["data"]["features"].update(width="0" * 64),
        "differs: data: the column 'width' holds other values",
    ),
    "the number of samples": (lambda d: d["data"].update(samples=61), "data: 60 samples, the file says 61"),
    "classes": (
        lambda d: d["data"]["classes"].reverse(),
        r"data: the classes are \['iris', 'rose', 'tulip'\], the",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_file(place, what):
    change, expected = CHANGES[what]
    changed(place, change)
    report = bp.verify("flowers.json", rows=[1])
    assert not report.ok
    assert re.search(expected, str(report)), str(report)


def test_other_rows_stay_confirmed(place):
    changed(place, set_fold("score", 0.95))
    report = bp.verify("flowers.json")
    assert [verdict.status for verdict in report.verdicts] == ["differs", *["confirmed"] * 5]
    assert str(report).splitlines()[-1] == "5 of 6 rows confirmed, with the differences above."


DATA_CHANGES = {
    "a number": (lambda t: t.replace("no7,", "no7,1", 1), ["data: the column 'length' holds other values"]),
    "the last digit": (lambda t: t.replace("500", "500", 1).replace(",0e-3,", ",1e-19,", 1), None),
    "a label": (lambda t: re.sub("rose\n", "iris\n", t, count=1), ["data: the target 'kind' holds other values"]),
    "a row more": (lambda t: t + t.splitlines()[-1] + "\n", None),
    "a column gone": (lambda t: t.replace("width", "breadth"), None),
    "rows in another order": (lambda t: "\n".join([t.split()[0], *sorted(t.split()[1:])]), None),
}


@pytest.mark.parametrize("what", DATA_CHANGES)
def test_changed_data(place, what):
    change, expected = DATA_CHANGES[what]
    assert change(flowers()) != flowers()
    (place / "flowers.csv").write_text(change(flowers()))
    report = bp.verify("flowers.json", rows=[1])
    assert all(line.startswith(("data: ", "folds: ", "preprocessing: ")) for line in report.differences)
    assert report.differences[0].startswith("data: ")
    if expected is not None:
        assert report.differences[:1] == expected
    assert report.verdicts == []
    assert "rows were not trained again, as data or folds are not those of the file" in report.notes


def test_what_does_not_count_in_the_data_is_a_note(place):
    (place / "flowers.csv").write_text(flowers().replace("no7,", "seven,").replace("\n", "\r\n"), newline="")
    report = bp.verify("flowers.json", rows=[1])
    assert report.ok
    assert report.notes == ["the data file has other bytes, but the columns that count hold the same values"]


def test_versions_are_told_if_something_differs(place):
    def change(document):
        document["made_with"]["backprop"] = "0.0.1"
        row(document)["folds"][0]["score"] = 0.1

    changed(place, change)
    assert f"the file was made with backprop 0.0.1; here it is {bp.__version__}" in bp.verify("flowers.json").notes
    assert bp.verify("flowers.json", rows=[2]).notes == []


# ---- where bits are not promised -----------------------------------------------------------------------------


@pytest.fixture
def of_lbfgs(place):
    spec = {
        "data": {"file": "flowers.csv", "task": "classification", "target": "kind", "exclude": "id"},
        "validation": {"folds": 2},
        "parameters": {"hidden_layer_sizes": 4, "solver": ["lbfgs", "adam"], "max_iter": 20},
    }
    return bp.sweep(spec)


def test_lbfgs_says_so(of_lbfgs):
    lbfgs, adam = of_lbfgs.rows
    assert (adam["exact"], adam["inexact_because"]) == (True, None)
    assert not lbfgs["exact"]
    assert lbfgs["inexact_because"].startswith("solver='lbfgs' goes through SciPy and BLAS")
    assert lbfgs["folds"][0]["first_loss"] is None
    assert "\\* solver='lbfgs'" in of_lbfgs.to_markdown()


def test_lbfgs_is_confirmed_with_equal_bits_or_by_its_score(of_lbfgs):
    lbfgs = of_lbfgs.rows[0]
    assert bp.verify(of_lbfgs).verdicts[0].status == "confirmed"
    fold = lbfgs["folds"][1]
    fold["weights_sha256"], fold["n_iter"] = "0" * 64, 17
    lbfgs["weights_sha256"] = sha256("".join(f["weights_sha256"] for f in lbfgs["folds"]).encode()).hexdigest()
    verdict = bp.verify(of_lbfgs).verdicts[0]
    assert (verdict.ok, verdict.status) == (True, "score confirmed")
    fold["score"] += 1 / 30
    lbfgs["mean"] = (lbfgs["folds"][0]["score"] + fold["score"]) / 2
    verdict = bp.verify(of_lbfgs).verdicts[0]
    assert (verdict.ok, verdict.status) == (False, "not confirmed")
    assert "BLAS" in str(verdict)


def test_scores_of_errors_are_compared_to_six_digits(monkeypatch):
    spec = {
        "data": {"set": "diabetes"},
        "validation": {"folds": 2},
        "parameters": {"hidden_layer_sizes": 2, "solver": "lbfgs", "max_iter": 5},
    }
    results = bp.sweep(spec)
    fold = results.rows[0]["folds"][0]
    fold["weights_sha256"] = "0" * 64
    given = fold["score"]
    for change, status in [(0.9e-6, "score confirmed"), (1.1e-6, "not confirmed")]:
        fold["score"] = given + change
        results.rows[0]["mean"] = verification.row_mean(results.rows[0]["folds"])
        results.rows[0]["weights_sha256"] = verification.row_sha256(results.rows[0]["folds"])
        assert bp.verify(results).verdicts[0].status == status


def test_a_scorer_of_scikit_learns_is_not_exact():
    spec = {
        "data": {"set": "iris"},
        "parameters": {"early_stopping": [True, False], "scoring": "neg_log_loss", "max_iter": 3},
    }
    assert [r["exact"] for r in bp.sweep(spec).rows] == [False, True]


# ---- files that cannot be used, and the command --------------------------------------------------------------


BAD_FILES = {
    "no JSON": (lambda t: t[:-20], r"flowers\.json, line \d+: is not JSON: "),
    "another format": (
        lambda t: t.replace("backprop sweep 1", "backprop sweep 9"),
        "has the format 'backprop sweep 9'",
    ),
    "some other JSON": (lambda t: '{"a": 1}', "is no results file: it has no format 'backprop sweep 1'"),
    "a list": (lambda t: "[]", "is no results file"),
    "infinity": (
        lambda t: t.replace('"seed": 7', '"seed": Infinity'),
        "it holds Infinity, which is no finite number",
    ),
    "a key twice": (lambda t: t.replace('"seed": 7', '"seed": 7, "seed": 7'), "it has the key 'seed' twice"),
    "a key gone": (lambda t: t.replace('"n_iter"', '"niter"', 1), r"\.rows\[0\]\.folds\[0\]: has no 'n_iter'"),
    "a key more": (
        lambda t: t.replace('"n_iter"', '"k": 1, "n_iter"', 1),
        r"folds\[0\]: has 'k', which means nothing",
    ),
    "a text for a number": (
        lambda t: re.sub(r'"score": [\d.]+', '"score": "high"', t, count=1),
        r"\.rows\[0\]\.folds\[0\]\.score: must be a number, not 'high'",
    ),
    "rows out of order": (
        lambda t: t.replace('"row": 2', '"row": 4', 1),
        r"\.rows: must be numbered upwards, from 1",
    ),
    "a fold gone": (
        lambda t: json.dumps({**json.loads(t), "folds": json.loads(t)["folds"][:2]}),
        r"\.rows\[0\]\.folds: has 3 folds, expected 2",
    ),
    "another parameter": (
        lambda t: t.replace('"alpha"', '"alphaa"'),
        "row 1, parameters: 'alphaa' is no .*'alpha'",
    ),
    "a bad parameter": (lambda t: t.replace('"adam"', '"adem"'), "row 1, parameters: The 'solver' parameter of"),
    "no such task": (lambda t: t.replace('"classification"', '"clustering"'), r"json: plan: data\.task: must be"),
    "no rows": (lambda t: json.dumps({**json.loads(t), "rows": []}), "has no finished row"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_file_that_cannot_be_used(place, what):
    change, expected = BAD_FILES[what]
    (place / "flowers.json").write_text(change((place / "flowers.json").read_text()))
    with pytest.raises(ValueError, match=expected) as caught:
        bp.verify("flowers.json")
    assert "\n" not in str(caught.value)


def test_bad_arguments(place):
    with pytest.raises(ValueError, match=r"nowhere\.json: cannot be read \(No such file"):
        bp.verify("nowhere.json")
    with pytest.raises(ValueError, match="has no row 7; its rows are 1-6"):
        bp.verify("flowers.json", rows=[7])
    with pytest.raises(TypeError, match="results must be a path or Results, not 3"):
        bp.verify(3)
    with pytest.raises(ValueError, match="jobs must be an integer from 1 to 1024, not 0"):
        bp.verify("flowers.json", jobs=0)


def test_where_the_data_are(place):
    (place / "elsewhere").mkdir()
    (place / "flowers.csv").rename(place / "elsewhere/kinds.csv")
    with pytest.raises(
        ValueError, match=r"its data, 'flowers\.csv', are neither beside it nor in the current dir"
    ):
        bp.verify("flowers.json")
    assert bp.verify("flowers.json", rows=[1], data="elsewhere/kinds.csv").ok
    with pytest.raises(ValueError, match=r"gone\.csv: cannot be read"):
        bp.verify("flowers.json", data="gone.csv")
    spec = {"data": {"set": "iris"}, "parameters": {"max_iter": 2}}
    with pytest.raises(ValueError, match="is of the data set 'iris'; it needs no file"):
        bp.verify(bp.sweep(spec), data="iris.csv")


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "backprop", *arguments], capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def test_exit_codes(place):
    weights = [row["weights_sha256"][:12] for row in Results.load("flowers.json").rows]
    assert command("verify", "flowers.json", "--row", "2", "-r", "3") == (
        0,
        f"row 2: confirmed, mean 0.7333333333333334, weights {weights[1]}\n"
        f"row 3: confirmed, mean 0.6999999999999998, weights {weights[2]}\n"
        "2 of 2 rows confirmed.\n",
        "",
    )
    changed(place, set_fold("score", 0.95))
    code, out, err = command("verify", "flowers.json", "--row", "1")
    assert (code, err) == (1, "")
    assert "fold 2: the score is 0.75, the file says 0.95" in out
    assert command("verify", "gone.json") == (
        2,
        "",
        "backprop: gone.json: cannot be read (No such file or directory)\n",
    )
    (place / "s.toml").write_text(FLOWERS.replace("target", "targtt"))
    assert command("sweep", "s.toml") == (
        2,
        "",
        "backprop: s.toml, line 4: data.targtt: there is no such key; did you mean 'target'?\n",
    )
    (place / "s.toml").write_text(FLOWERS)
    code, out, err = command("sweep", "s.toml", "--table", "t.csv")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert out.endswith("Written: s.results.json, t.csv\nTo check: backprop verify s.results.json\n")
    assert Results.load("s.results.json").complete
    assert len((place / "t.csv").read_text().splitlines()) == 7
    code, _, err = command("sweep", "s.toml", "--table", "t.txt")
    assert (code, err) == (2, "backprop: t.txt: a table's name ends in .md or .csv\n")


def test_a_label_cannot_steer_the_terminal(place):
    (place / "flowers.csv").write_text(flowers().replace("no3,", "\x1b[2J,").replace('exclude = ["id"]', ""))
    (place / "s.toml").write_text(FLOWERS.replace('exclude = ["id"]\n', ""))
    code, _, err = command("sweep", "s.toml")
    assert code == 2
    assert "\x1b" not in err


def test_a_results_object_is_verified_as_the_file_is(place):
    results = Results.load("flowers.json")
    assert bp.verify(results, rows=[4]).ok
    assert repr(results) == "<Results of 6 of 6 rows by accuracy>"
    assert np.isfinite(results.ranked()[0]["mean"])
