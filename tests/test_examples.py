"""The scripts in examples/ run, and find what they promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_compiled

pytestmark = needs_compiled  # in pure Python they take minutes, and show nothing else
EXAMPLES = Path(__file__).parent.parent / "examples"


def output_of(name: str, picture: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name, "--save", picture],
        capture_output=True,
        text=True,
        env={**os.environ, "MPLBACKEND": "Agg", "BACKPROP_ENGINE": "compiled"},
    )
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    return done.stdout


def test_every_example_has_a_test():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"xor", "digits", "regression", "boundaries"}


def test_xor(tmp_path):
    assert "with two hidden units 4 of 4 are right" in output_of("xor.py", tmp_path / "xor.png")


def test_digits(tmp_path):
    printed = output_of("digits.py", tmp_path / "digits.png")
    assert float(re.search(r"held out: ([\d.]+) %", printed)[1]) >= 97.0
    assert float(re.search(r"updates in ([\d.]+) s", printed)[1]) < 1.0


def test_regression(tmp_path):
    printed = output_of("regression.py", tmp_path / "regression.png")
    squared, huber = (float(number) for number in re.findall(r"curve by ([\d.]+)", printed))
    assert huber < 0.1 < 0.5 < squared


def test_boundaries(tmp_path):
    printed = output_of("boundaries.py", tmp_path / "boundaries.png")
    found = [float(number) for number in re.findall(r"([\d.]+) %", printed)]
    assert found[0] < 90.0
    assert min(found[2:]) > 97.0


@pytest.mark.parametrize("name", ["xor.py", "digits.py", "regression.py", "boundaries.py"])
def test_the_docstring_says_how_to_run_it(name):
    assert f"python examples/{name}" in (EXAMPLES / name).read_text(encoding="utf-8")
