"""The examples of the README, of the pages in docs/ and of the docstrings do what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

from backprop.glassbox.misconceptions import CATALOGUE

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PEERS = "docs/libraries.md"  # needs the libraries that it compares with
MODULES = ["functions", "network", "optimizers", "examples", "errors", "glassbox.recording", "glassbox.gradcheck"]
MODULES += ["glassbox.compare", "glassbox.trace", "_engine", "_elementary", "custom", "_classifier", "_regressor"]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.FAIL_FAST


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.peers if page == ROOT / PEERS else ()) for page in PAGES],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_page(page):
    assert doctest.testfile(str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8").failed == 0


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
