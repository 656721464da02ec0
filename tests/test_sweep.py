"""Sweeps: what is computed, exactly; that nothing else has a say in it; interruption; the files."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from fractions import Fraction
from hashlib import sha256
from math import sqrt

import numpy as np
import pytest
from conftest import needs_compiled
from sweeping import FLOWERS, flowers, prices, written

import backprop as bp
from backprop.sweeps.data import bytes_of, load
from backprop.sweeps.folds import deal, prepare, spread
from backprop.sweeps.plan import Plan
from backprop.sweeps.results import Results
from backprop.sweeps.scores import score
from backprop.sweeps.table import read

# Made once by the pure-Python engine, and by the compiled one. They belong to every machine.
GOLDEN = {
    "flowers.toml": [
        "aa0422712375974a",
        "f5a433b9780179a2",
        "2c8f6380d6fd09f3",
        "3699484ff13ee1ce",
        "7aa7eb06330b6a5e",
        "c9fa9acb9430b1d7",
    ],
    "prices.toml": ["8b2f778c17d4d3f2", "0af31e23e69c1c24", "122eb74d33466510", "17a9c6842fd214a4"],
}
GOLDEN_SCORES = {
    "flowers.toml": [
        0.75,
        0.7333333333333334,
        0.6999999999999998,
        0.7000000000000001,
        0.6333333333333333,
        0.6666666666666666,
    ],
    "prices.toml": [0.9601955261702183, 0.9606546856803306, 0.8991146798095905, 0.8992014808655523],
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with specs and data, in which we are."""
    monkeypatch.chdir(tmp_path)
    return written(tmp_path)


def bare(results):
    """Everything but the versions."""
    return {key: value for key, value in results.document.items() if key not in ("made_with", "sha256")}


def loaded(name, place):
    import tomllib

    plan = Plan.read(tomllib.loads((place / f"{name}.toml").read_text()), name)
    return plan, load(plan, place / f"{name}.csv")


# ---- the numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", GOLDEN)
def test_golden_weights(spec, place, engine, monkeypatch):
    monkeypatch.setenv("BACKPROP_ENGINE", engine)
    results = bp.sweep(spec)
    assert [row["weights_sha256"][:16] for row in results.rows] == GOLDEN[spec]
    assert [row["mean"] for row in results.rows] == GOLDEN_SCORES[spec]
    assert all(row["exact"] for row in results.rows)


def test_a_row_by_hand(place):
    """Everything from the text of the file to the hash of the weights, written out once more."""
    results = bp.sweep("flowers.toml")
    cells = list(csv.DictReader(io.StringIO(flowers())))
    X = np.array([[float(c[name]) for name in ("length", "width", "height")] for c in cells])
    y = np.array([("iris", "rose", "tulip").index(c["kind"]) for c in cells])
    order = sorted(range(60), key=lambda k: (y[k], sha256(f"7 {k}".encode()).digest()))
    for number in range(3):
        test = sorted(order[number::3])
        train = [k for k in range(60) if k not in test]
        Z = X.copy()
        for column in Z.T:
            mean, deviation = moments([column[k] for k in train])
            column[:] = [(x - mean) / deviation for x in column]
        model = bp.MLPClassifier([5, 3], "tanh", learning_rate_init=0.05, max_iter=30, random_state=0)
        with pytest.warns(match="Maximum iterations"):
            model.fit(Z[train], y[train])
        found = sha256()
        for w, b in zip(model.coefs_, model.intercepts_, strict=True):
            found.update(np.array(w, "<f8").tobytes() + np.array(b, "<f8").tobytes())
        recorded = results.rows[2]["folds"][number]
        assert recorded == {
            "score": int((model.predict(Z[test]) == y[test]).sum()) / 20,
            "n_iter": 30,
            "first_loss": model.loss_curve_[0],
            "last_loss": model.loss_,
            "weights_sha256": found.hexdigest(),
        }
        assert results.document["folds"][number]["rows_sha256"] == hash_of_lines(test)


def moments(column):
    """Mean and standard deviation with sums by fractions."""
    n = len(column)
    mean = float(sum(map(Fraction, column))) / n
    squares = [Fraction((x - mean) * (x - mean)) for x in column]
    return mean, sqrt(float(sum(squares)) / n)


def hash_of_lines(numbers):
    return sha256("".join(f"{k}\n" for k in numbers).encode()).hexdigest()


def test_mean_and_deviation_are_those_of_true_sums():
    rng = np.random.RandomState(0)
    for scale in (1e-150, 1.0, 1e150):
        column = (rng.normal(size=50) + 3) * scale
        assert spread(column) == moments([float(x) for x in column])
    hard = np.array([1e100, 1.0, -1e100, 1.0])
    assert spread(hard)[0] == 0.5
    assert spread(np.array([1e308, 1.7e308])) == (np.inf, np.inf)
    assert spread(np.array([2.0, 2.0])) == (2.0, 0.0)


def test_folds_are_even_in_size_and_in_classes(place):
    for name in ("flowers", "prices"):
        _, data = loaded(name, place)
        for n_folds in (2, 3, 7):
            fold_of = deal(data, n_folds, 0)
            sizes = Counter(fold_of.tolist())
            assert max(sizes.values()) - min(sizes.values()) <= 1
            for label in range(len(data.classes)):
                counts = Counter(fold_of[data.y == label].tolist())
                assert max(counts.values()) - min(counts.get(k, 0) for k in range(n_folds)) <= 1
        assert not (deal(data, 3, 0) == deal(data, 3, 1)).all()


def test_preprocessing_knows_the_training_part_alone(place):
    plan, data = loaded("prices", place)
    one = prepare(plan, data)[0]
    changed = data.X.copy()
    changed[deal(data, plan.folds, plan.seed) == 0] += 1000.0  # what is held out
    other = prepare(plan, type(data)(**{**data.__dict__, "X": changed}))[0]
    assert bytes_of(one.X_train) == bytes_of(other.X_train)
    assert bytes_of(one.X_test) != bytes_of(other.X_test)
    np.testing.assert_allclose(one.X_train.mean(axis=0), 0.0, atol=1e-15)
    np.testing.assert_allclose(one.X_train.std(axis=0), 1.0)
    np.testing.assert_allclose([one.y_train.mean(), one.y_train.std()], [0.0, 1.0], atol=1e-15)


def test_a_column_that_is_constant_in_a_training_part_is_centred(place):
    lines = flowers().splitlines()
    lines[0] = f"flag,{lines[0]}"
    lines[1:] = [f"{9 if k == 4 else 5},{line}" for k, line in enumerate(lines[1:])]
    (place / "flowers.csv").write_text("\n".join(lines))
    plan, data = loaded("flowers", place)
    held_out_with_the_nine = int(deal(data, 3, 7)[4])
    fold = prepare(plan, data)[held_out_with_the_nine]
    assert set(fold.X_train[:, 0]) == {0.0}
    assert set(fold.X_test[:, 0]) == {0.0, 4.0}


def test_scores_are_scikit_learns():
    from sklearn import metrics

    rng = np.random.RandomState(0)
    for shape in [(30,), (30, 2)]:
        t, p = rng.normal(size=shape), rng.normal(size=shape)
        for name in ("mean_squared_error", "mean_absolute_error"):
            assert score(name, t, p) == pytest.approx(getattr(metrics, name)(t, p), rel=1e-14)
        assert score("r2", t, p) == pytest.approx(metrics.r2_score(t, p), rel=1e-13)
    assert score("accuracy", np.array([0, 1, 2]), np.array([0, 1, 1])) == 2 / 3
    assert score("r2", np.ones(3), np.ones(3)) == 1.0
    assert score("r2", np.ones(3), np.zeros(3)) == 0.0
    assert not np.isfinite(score("r2", np.arange(3.0), np.full(3, 1e300)))


def test_predictions_come_back_in_the_targets_own_numbers(place):
    results = bp.sweep("prices.toml")
    assert max(row["mean"] for row in results.rows) > 0.8
    text = (place / "prices.toml").read_text().replace("folds = 4", 'folds = 4\nscore = "mean_absolute_error"')
    (place / "prices.toml").write_text(text)
    of_errors = bp.sweep("prices.toml")
    deviation = spread(np.array([float(line.split(",")[2]) for line in prices().splitlines()[1:]]))[1]
    assert 0.02 * deviation < of_errors.ranked()[0]["mean"] < 0.5 * deviation
    assert of_errors.ranked()[0]["mean"] == min(row["mean"] for row in of_errors.rows)


def test_several_targets(place):
    lines = [f"{line},{-k}" for k, line in enumerate(prices().splitlines()[1:])]
    lines.sort(key=lambda line: float(line.split(",")[2]))
    (place / "prices.csv").write_text("\n".join(["area,rooms,price,debt", *lines]))
    spec = {
        "data": {
            "file": "prices.csv",
            "task": "regression",
            "target": ["price", "debt"],
            "features": ["area", "rooms"],
        },
        "preprocessing": {"standardize_target": True},
        "parameters": {"hidden_layer_sizes": 4, "max_iter": 80, "learning_rate_init": 0.1},
    }
    results = bp.sweep(spec)
    assert results.document["data"]["target"].keys() == {"price", "debt"}
    both = results.rows[0]["mean"]
    spec["data"] |= {"target": "price"}
    alone = bp.sweep(spec).rows[0]["mean"]
    assert alone > 0.8
    assert both < 0.7 * alone  # half of it: the debt has little to do with area and rooms
    assert bp.verify(results).ok


@pytest.mark.parametrize("name", ["iris", "digits", "wine", "breast_cancer", "diabetes"])
def test_the_sets_that_ship_with_scikit_learn(name):
    spec = {
        "data": {"set": name},
        "preprocessing": {"constant_columns": "keep", "standardize_target": name == "diabetes"},
        "validation": {"folds": 2},
        "parameters": {"hidden_layer_sizes": 8, "max_iter": 40, "learning_rate_init": 0.02},
    }
    results = bp.sweep(spec)
    assert results.rows[0]["mean"] > (0.25 if name == "diabetes" else 0.9)
    assert bp.verify(results).ok


def test_every_parameter_is_recorded(place):
    row = bp.sweep("flowers.toml").rows[0]
    assert row["parameters"] == {
        **bp.MLPClassifier().get_params(),
        "hidden_layer_sizes": [4],
        "activation": "tanh",
        "learning_rate_init": 0.05,
        "max_iter": 30,
        "random_state": 0,
    }


def test_a_class_weight_belongs_to_a_label(place):
    spec = {
        "data": {"file": "flowers.csv", "task": "classification", "target": "kind", "exclude": "id"},
        "parameters": {
            "hidden_layer_sizes": 3,
            "max_iter": 20,
            "class_weight": [{"rose": 1e-9, "tulip": 1.0}, {"rose": 1, "iris": 1, "tulip": 1}, "balanced"],
        },
    }
    results = bp.sweep(spec)
    assert results.document["varied"] == ["class_weight"]
    hashes = [row["weights_sha256"] for row in results.rows]
    assert len(set(hashes)) == 3
    del spec["parameters"]["class_weight"]
    assert bp.sweep(spec).rows[0]["weights_sha256"] == hashes[1]


# ---- what has no say -----------------------------------------------------------------------------------------


def test_the_number_of_processes_changes_nothing(place):
    one, two = bp.sweep("flowers.toml", jobs=1), bp.sweep("flowers.toml", jobs=2)
    assert one.sha256 == two.sha256
    assert one.document == two.document


@needs_compiled
@pytest.mark.parametrize(
    "setting", ["BACKPROP_SIMD=baseline", "BACKPROP_ENGINE=python", "BACKPROP_ENGINE=compiled"]
)
def test_engine_and_instruction_set_change_nothing(place, setting):
    bp.sweep("prices.toml", output="here.json")
    name, value = setting.split("=")
    code = "import backprop; backprop.sweep('prices.toml', output='there.json')"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, name: value})
    assert (place / "here.json").read_bytes() == (place / "there.json").read_bytes()


def test_line_ends_marks_and_blanks_change_no_number(place):
    results = bp.sweep("flowers.toml")
    changed = "\ufeff" + flowers().replace(",", " , ").replace("\n", "\r\n\r\n")
    (place / "flowers.csv").write_text(changed, encoding="utf-8", newline="")
    again = bp.sweep("flowers.toml")
    assert again.rows == results.rows
    assert again.document["data"]["file_sha256"] != results.document["data"]["file_sha256"]


def test_labels_are_in_order_as_numbers_if_they_are_such(place):
    (place / "flowers.csv").write_text(flowers().replace("rose", "10").replace("iris", "9").replace("tulip", "-1"))
    assert bp.sweep("flowers.toml").document["data"]["classes"] == ["-1", "9", "10"]
    (place / "flowers.csv").write_text(
        flowers().replace("rose", "10").replace("iris", "9").replace("tulip", "1.0")
    )
    assert bp.sweep("flowers.toml").document["data"]["classes"] == ["1.0", "10", "9"]


def test_numbers_are_the_nearest(tmp_path):
    texts = ["0.1", "1e-320", "9007199254740993", "+.5", "5.", "-0", "123456789012345678901234567890e-29"]
    (tmp_path / "x.csv").write_text("x\n" + "\n".join(texts))
    found = read(tmp_path / "x.csv", "x.csv", ",").numbers("x")
    for text, number in zip(texts, found, strict=True):
        error = abs(Fraction(text) - Fraction(float(number)))
        for neighbour in np.nextafter(number, [-np.inf, np.inf]):
            assert error <= abs(Fraction(text) - Fraction(float(neighbour)))


# ---- rows that fail ------------------------------------------------------------------------------------------


def test_a_row_that_diverges_is_recorded(place):
    spec = {
        "data": {"file": "prices.csv", "task": "regression", "target": "price"},
        "parameters": {
            "hidden_layer_sizes": 5,
            "solver": "sgd",
            "learning_rate_init": [1e9, 1e-6],
            "max_iter": 20,
        },
    }
    results = bp.sweep(spec)
    failed, fine = results.rows
    assert failed["mean"] is None
    assert failed["weights_sha256"] is None
    assert "diverged" in failed["folds"][0]["error"]
    assert fine["mean"] is not None
    assert results.ranked() == [fine, failed]
    assert "row 1 failed in folds 1, 2, 3, 4, 5: Solver produced non-finite" in results.to_markdown()
    report = bp.verify(results)
    assert report.ok
    assert "row 1: confirmed, it fails as before" in str(report)


def test_what_the_estimator_refuses_only_when_it_fits_is_recorded(place):
    text = FLOWERS.replace("hidden_layer_sizes = 6", 'hidden_layer_sizes = 6\nactivation = [["tanh", "relu"]]')
    (place / "flowers.toml").write_text(text)
    results = bp.sweep("flowers.toml")
    assert [row["mean"] is None for row in results.rows] == [False] * 4 + [True] * 2
    assert "one for each of the 1 hidden layers" in results.rows[5]["folds"][0]["error"]


# ---- interruption, files -------------------------------------------------------------------------------------


class Stop:
    """A watcher that presses Ctrl-C after some rows."""

    def __init__(self, rows):
        self.rows = rows

    def __call__(self, results):
        if len(results.rows) == self.rows:
            raise KeyboardInterrupt


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_ctrl_c_the_file_has_the_finished_rows_and_the_sweep_goes_on(place, jobs):
    whole = bp.sweep("flowers.toml", output="whole.json")
    with pytest.raises(KeyboardInterrupt):
        bp.sweep("flowers.toml", output="part.json", jobs=jobs, watch=Stop(2))
    part = Results.load("part.json")
    assert len(part.rows) == 2
    assert not part.complete
    assert all(row in whole.rows for row in part.rows)
    assert bp.verify("part.json").ok
    seen = []
    bp.sweep("flowers.toml", output="part.json", watch=lambda results: seen.append(len(results.rows)))
    assert seen == [2, 3, 4, 5, 6]
    assert (place / "part.json").read_bytes() == (place / "whole.json").read_bytes()
    bp.sweep(
        "flowers.toml", output="part.json", overwrite=True, watch=lambda results: seen.append(len(results.rows))
    )
    assert seen[5:] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_signal_in_the_middle_of_a_row(place, jobs):
    """An estimator takes Ctrl-C for its own and keeps what it has; such a row is not finished."""
    text = FLOWERS.replace("max_iter = 30", "max_iter = 10000000\ntol = 0.0\nn_iter_no_change = 10000000", 1)
    (place / "flowers.toml").write_text(text)
    # a shell's background jobs, and what they start, ignore the signal
    heeded = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heeded}; runpy.run_module('backprop', run_name='__main__')"]
    command += ["sweep", "flowers.toml", "-j", jobs, "-o", "out.json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout.readline().startswith("flowers.csv: 60 samples")
            time.sleep(2.0)
            for _ in range(3):  # for a moment, while processes are started, none hears it
                running.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    running.wait(timeout=30)
                    break
            _, err = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 130
    assert err == "Interrupted: out.json has 0 of 6 rows; the same command goes on.\n"
    assert Results.load(place / "out.json").rows == []


def test_a_file_with_another_sweep_is_left_alone(place):
    bp.sweep("flowers.toml", output="out.json")
    before = (place / "out.json").read_bytes()
    (place / "flowers.toml").write_text(FLOWERS.replace("seed = 7", "seed = 8"))
    with pytest.raises(ValueError, match=r"out\.json: holds another sweep"):
        bp.sweep("flowers.toml", output="out.json")
    assert (place / "out.json").read_bytes() == before
    (place / "flowers.toml").write_text(FLOWERS.replace("0.05", "0.06"))
    with pytest.raises(ValueError, match="holds another sweep"):
        bp.sweep("flowers.toml", output="out.json")
    document = json.loads(before)
    document["rows"][0]["mean"] = 1.0
    (place / "out.json").write_text(json.dumps(document))
    (place / "flowers.toml").write_text(FLOWERS)
    with pytest.raises(ValueError, match=r"out\.json: was changed after it was written"):
        bp.sweep("flowers.toml", output="out.json")


def test_a_file_that_cannot_be_written_is_told_before_training(place):
    begun = []
    with pytest.raises(ValueError, match=r"nowhere/out\.json: cannot be written"):
        bp.sweep("flowers.toml", output="nowhere/out.json", watch=begun.append)
    assert begun == []
    assert sorted(p.name for p in place.iterdir()) == ["flowers.csv", "flowers.toml", "prices.csv", "prices.toml"]


def test_a_bar_on_a_terminal_and_none_elsewhere(place):
    command = [sys.executable, "-m", "backprop", "sweep", "prices.toml", "-j", "1", "--overwrite"]
    plain = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    bars = []
    for extra in ({}, {"FORCE_COLOR": "1"}):
        done = subprocess.run(command, env=plain | extra, capture_output=True, text=True, timeout=60, check=True)
        bars.append(re.sub(r"\x1b\[[0-9;]*m", "", done.stderr))
    assert bars[0] == ""
    assert "4/4" in bars[1]
    assert "best 0.9607" in bars[1]


def test_tables(place):
    results = bp.sweep("flowers.toml")
    rows = list(csv.DictReader(io.StringIO(results.to_csv())))
    for row, recorded in zip(rows, results.rows, strict=True):
        assert float(row["mean accuracy"]) == recorded["mean"]
        assert [float(row[f"accuracy {k}"]) for k in (1, 2, 3)] == [fold["score"] for fold in recorded["folds"]]
        assert row["weights_sha256"] == recorded["weights_sha256"]
    assert [row["hidden_layer_sizes"] for row in rows] == ["4", "4", "5-3", "5-3", "6", "6"]
    lines = [line for line in results.to_markdown().splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 6
    assert len({len(line) for line in lines}) == 1
    means = [float(line.split("|")[-6]) for line in lines[2:]]
    assert means == sorted(means, reverse=True)
    assert results.sha256[:12] in results.to_markdown()


def test_a_place_in_the_middle_of_a_run_is_at_most_a_second_old(place, monkeypatch):
    from backprop.sweeps import run

    monkeypatch.setattr(run, "SECONDS_BETWEEN_SAVES", 0.0)
    found = []
    bp.sweep(
        "prices.toml",
        output="out.json",
        watch=lambda results: found.append((len(results.rows), len(Results.load("out.json").rows))),
    )
    assert found == [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3)]
