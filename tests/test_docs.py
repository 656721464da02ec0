"""The examples of the README, of the pages in docs/ and of the docstrings do what they say."""

import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

import backprop as bp
from backprop.cli.documents import toml_document
from backprop.cli.files import Text
from backprop.cli.problem import KEYS, problem_of
from backprop.glassbox.misconceptions import CATALOGUE

mpl.use("Agg")
ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PEERS = "docs/libraries.md"  # needs the libraries that it compares with
MODULES = ["functions", "network", "optimizers", "examples", "errors", "glassbox.recording", "glassbox.gradcheck"]
MODULES += ["glassbox.compare", "glassbox.trace", "_engine", "_elementary", "custom", "_classifier", "_regressor"]
MODULES += ["sweeps.run", "ensemble"]
MODULES += ["plotting.loss_curve", "plotting.network"]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.FAIL_FAST


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.peers if page == ROOT / PEERS else ()) for page in PAGES],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_page(page):
    assert doctest.testfile(str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8").failed == 0


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are a shell's")
def test_the_commands_for_teachers_print_what_the_page_says(tmp_path):
    page = (ROOT / "docs/teachers.md").read_text(encoding="utf-8")
    command = tmp_path / "bin/backprop"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m backprop "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}
    examples = re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", page, re.MULTILINE)
    assert len(examples) == page.count("\n$ ")
    for typed, printed in examples:
        done = subprocess.run(
            typed, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.stdout + done.stderr == printed or done.stderr + done.stdout == printed, typed


def test_the_page_for_teachers_lists_every_key_of_a_network_file():
    page = (ROOT / "docs/teachers.md").read_text(encoding="utf-8")
    rows = re.search(r"\| key \| is \| default \|\n(.*?)\n\n", page, re.DOTALL)
    assert rows is not None
    named = [word for row in rows[1].splitlines()[1:] for word in re.findall(r"`(\w+)`", row)]
    assert set(KEYS) <= set(named)
    document = toml_document(Text("page", ".toml", re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1]))
    problem = problem_of(document.data, document.place)
    net, x, t = bp.examples.worked_example()
    assert problem.net == net
    assert problem.trace()["w5+"].value == net.trace(x, t)["w5+"].value


def test_the_readme_has_an_example():
    examples = doctest.DocTestParser().get_examples((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(examples) >= 8


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    assert doctest.testmod(importlib.import_module(f"backprop.{name}"), optionflags=FLAGS).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_page_on_checking_lists_the_whole_catalogue():
    page = (ROOT / "docs/check.md").read_text(encoding="utf-8")
    rows = re.search(r"\| phase \| identifiers \|\n\|---\|---\|\n(.*?)\n\n", page, re.DOTALL)
    assert rows is not None
    assert set(re.findall(r"`(\w+)`", rows[1])) == {entry.id for entry in CATALOGUE}
