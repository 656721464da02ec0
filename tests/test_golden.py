"""docs/golden: both engines compute every number there, and so does a port to plain Python, closely enough."""

import importlib.util
import itertools
import json
import math
import re
from pathlib import Path

import pytest

from backprop.glassbox.tutorial import PRINTED, agrees

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs/golden"
CONVENTIONS = ["simultaneous", "sequential", "bias_per_unit", "bias_shared", "cross_entropy"]


@pytest.fixture(scope="module")
def writer():
    """tools/write_golden.py as a module."""
    spec = importlib.util.spec_from_file_location("write_golden", ROOT / "tools/write_golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))


def decimals(numbers: dict) -> dict[str, float]:
    return {name: pair[0] for name, pair in numbers.items()}


def test_the_files_are_what_each_engine_computes(writer, engine):
    computed = writer.files(engine)
    assert set(computed) == {path.name for path in FOLDER.glob("*.json")}
    for name, text in computed.items():
        stored = (FOLDER / name).read_text(encoding="ascii")
        different = [
            pair for pair in zip(stored.splitlines(), text.splitlines(), strict=False) if pair[0] != pair[1]
        ]
        assert not different, f"{name}: the first of {len(different)} lines"
        assert stored == text


@pytest.mark.parametrize("name", [*CONVENTIONS, "mini_batch"])
def test_decimal_and_hexadecimal_are_the_same_number(name):
    pairs = re.findall(r": \[(\S+), \"(\S+)\"\]", (FOLDER / f"{name}.json").read_text(encoding="ascii"))
    assert len(pairs) > 100
    for decimal, hexadecimal in pairs:
        assert float(decimal) == float.fromhex(hexadecimal)
        assert float(decimal).hex() == hexadecimal


def test_a_file_that_differs_is_found(writer, tmp_path, monkeypatch):
    def called_with(*arguments):
        monkeypatch.setattr(writer.sys, "argv", ["write_golden.py", *arguments])
        writer.main()

    monkeypatch.setattr(writer, "FOLDER", tmp_path)
    monkeypatch.setattr(writer, "files", lambda: {"one.json": "1\n", "two.json": "2\n"})
    called_with()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "one.json": b"1\n",
        "two.json": b"2\n",
    }
    called_with("--check")
    (tmp_path / "two.json").write_text("3\n", encoding="ascii")
    (tmp_path / "one.json").unlink()
    with pytest.raises(SystemExit, match=r"one\.json, two\.json"):
        called_with("--check")
    assert (tmp_path / "two.json").read_text(encoding="ascii") == "3\n"
    with pytest.raises(SystemExit, match="exit 1 if a file differs"):
        called_with("--nonsense")


def test_the_tutorials_figures_are_where_the_description_says():
    first = decimals(read("simultaneous")["rounds"][0]["after"])
    assert all(agrees(first[f"w{k}+"], PRINTED[f"w{k}+"]) for k in range(1, 9))
    rounds = read("sequential")["rounds"]
    first, last = (decimals(rounds[k]["samples"][0]) for k in (0, -1))
    assert agrees(first["E_total"], PRINTED["E_total"])
    assert agrees(first["E_total+"], PRINTED["error after 1"])
    for unit in ("o1", "o2"):
        assert agrees(last[f"out_{unit}+"], PRINTED[f"out_{unit} after 10,000"])


def test_rounds_follow_one_another():
    for name in CONVENTIONS:
        rounds = read(name)["rounds"]
        assert [one["round"] for one in rounds] == [1, 2, 3, 100, 1_000, 10_000]
        for earlier, later in itertools.pairwise(rounds[:3]):
            assert decimals(later["before"]) == {k.rstrip("+"): v for k, v in decimals(earlier["after"]).items()}
            assert later["samples"][0]["E_total"] == earlier["samples"][0]["E_total+"]


# ---- a port as a reader would write one, with the C library's exp --------------------------------------------


def port(options: dict, rounds: int):
    """Yield every number of round 1, 2, ... by the names of the description."""

    def squash(z):
        return 1 / (1 + math.exp(-z))

    w = dict(zip((f"w{k}" for k in range(1, 9)), (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55), strict=True))
    per_unit, train_bias = options["bias"] == "per_unit", options["train_bias"]
    h, o = (["b_h1", "b_h2"], ["b_o1", "b_o2"]) if per_unit else (["b1", "b1"], ["b2", "b2"])
    w |= dict.fromkeys(h, 0.35) | dict.fromkeys(o, 0.60)
    entropy = options["loss"] == "log_loss"
    for _ in range(rounds):
        v = w | {"i1": 0.05, "i2": 0.10, "target_o1": 0.01, "target_o2": 0.99}
        v["net_h1"] = v["w1"] * v["i1"] + v["w2"] * v["i2"] + v[h[0]]
        v["net_h2"] = v["w3"] * v["i1"] + v["w4"] * v["i2"] + v[h[1]]
        v["out_h1"], v["out_h2"] = squash(v["net_h1"]), squash(v["net_h2"])
        v["net_o1"] = v["w5"] * v["out_h1"] + v["w6"] * v["out_h2"] + v[o[0]]
        v["net_o2"] = v["w7"] * v["out_h1"] + v["w8"] * v["out_h2"] + v[o[1]]
        v["out_o1"], v["out_o2"] = squash(v["net_o1"]), squash(v["net_o2"])
        for u in ("o1", "o2"):
            net, out, target = v[f"net_{u}"], v[f"out_{u}"], v[f"target_{u}"]
            d = target - out
            slope = v[f"dout_{u}/dnet_{u}"] = out * (1 - out)
            if entropy:
                v[f"E_{u}"] = max(net, 0) - net * target + math.log1p(math.exp(-abs(net)))
                v[f"delta_{u}"] = out - target
            else:
                v[f"E_{u}"] = 0.5 * (d * d)
                v[f"dE/dout_{u}"] = out - target
                v[f"delta_{u}"] = (out - target) * slope
        v["E_total"] = v["E_o1"] + v["E_o2"]
        for name, delta, out in (("w5", "o1", "h1"), ("w6", "o1", "h2"), ("w7", "o2", "h1"), ("w8", "o2", "h2")):
            v[f"dE/d{name}"] = v[f"delta_{delta}"] * v[f"out_{out}"]
            v[f"{name}+"] = v[name] - 0.5 * v[f"dE/d{name}"]
        back = "+" if options["update_order"] == "sequential" else ""
        for u, first, second in (("h1", "w5", "w7"), ("h2", "w6", "w8")):
            v[f"dEo1/dout_{u}"] = v["delta_o1"] * v[first + back]
            v[f"dEo2/dout_{u}"] = v["delta_o2"] * v[second + back]
            v[f"dE/dout_{u}"] = v[f"dEo1/dout_{u}"] + v[f"dEo2/dout_{u}"]
            v[f"dout_{u}/dnet_{u}"] = v[f"out_{u}"] * (1 - v[f"out_{u}"])
            v[f"delta_{u}"] = v[f"dE/dout_{u}"] * v[f"dout_{u}/dnet_{u}"]
        for name, delta, x in (("w1", "h1", "i1"), ("w2", "h1", "i2"), ("w3", "h2", "i1"), ("w4", "h2", "i2")):
            v[f"dE/d{name}"] = v[f"delta_{delta}"] * v[x]
            v[f"{name}+"] = v[name] - 0.5 * v[f"dE/d{name}"]
        for names, layer in ((h, "h"), (o, "o")):
            deltas = [v[f"delta_{layer}1"], v[f"delta_{layer}2"]]
            for name, gradient in zip(names, deltas if per_unit else [deltas[0] + deltas[1]] * 2, strict=True):
                v[f"dE/d{name}"] = gradient
                v[f"{name}+"] = v[name] - 0.5 * gradient if train_bias else v[name]
        yield v
        w = {name: v[f"{name}+"] for name in w}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_port_comes_as_close_as_the_description_says(name):
    content = read(name)
    recorded = {round_["round"]: round_ for round_ in content["rounds"]}
    for k, computed in enumerate(port(content["options"], max(recorded)), start=1):
        if k not in recorded:
            continue
        expected = decimals(recorded[k]["before"] | recorded[k]["samples"][0] | recorded[k]["after"])
        assert set(expected) - set(computed) == {"out_o1+", "out_o2+", "E_total+"}
        for key, value in computed.items():
            tolerance = 5e-15 if k == 1 else 1e-12
            absolute = 1e-15 if k > 1 and key.startswith("d") else 0.0
            assert value == pytest.approx(expected[key], rel=tolerance, abs=absolute), (k, key)
