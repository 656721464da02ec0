"""Imports go one way, and importing the package costs next to nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import backprop

SOURCE = Path(__file__).parent.parent / "src/backprop"

# module: what of ours it may import (at the top or inside a function)
ALLOWED = {
    "__init__": {"examples", "_engine", "errors", "glassbox", "network", "optimizers"},  # when a name is used
    "errors": set(),
    "_single": set(),
    "_elementary32": {"_single"},
    "_elementary": {"_elementary32", "_single"},
    "functions": {"_elementary"},
    "_steps": {"_elementary", "_single", "functions"},
    "_reference": {"_steps", "_elementary", "_single", "functions"},
    "_engine": {"errors"},
    "_checks": set(),
    "_layout": set(),
    "_pacing": set(),
    "_machine": {"_layout", "_pacing"},
    "_training": {"_layout", "_machine", "_pacing", "errors", "optimizers"},
    "optimizers": {"_checks", "_layout"},
    "_views": {"_checks", "_layout", "_machine"},
    "network": {"_views", "_checks", "_engine", "_training", "_layout", "_machine", "functions", "optimizers"},
    "examples": {"network"},
}
ABOVE = {"cli", "__main__", "glassbox"}  # may import anything of ours; nothing but __init__ imports them


def our_imports(path: Path) -> set[str]:
    """The modules of this package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            found |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("backprop"):
            found.add(node.module.removeprefix("backprop").lstrip("."))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("backprop")}
    return found


def test_imports_go_one_way():
    modules = {path.stem: path for path in SOURCE.glob("*.py")}
    assert set(modules) - ABOVE == set(ALLOWED), "a new module: say here what it may import"
    for name, allowed in ALLOWED.items():
        assert our_imports(modules[name]) <= allowed, name


def test_the_engines_import_neither_numpy_nor_scikit_learn():
    for name in ("_reference", "functions", "_elementary", "_elementary32", "_single"):
        assert "numpy" not in modules_after(f"import backprop.{name}")
    for source in (*SOURCE.glob("*.pyx"), *SOURCE.glob("*.pxi")):
        text = source.read_text(encoding="utf-8")
        assert "numpy" not in text
        assert "import backprop" not in text


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_no_library():
    loaded = modules_after("import backprop")
    assert not {"numpy", "sklearn", "scipy", "rich", "typer", "backprop.network"} & loaded


def test_a_network_does_not_load_scikit_learn():
    loaded = modules_after("import backprop; backprop.Network([2, 2, 2]).train([[0, 1]], [[1, 0]])")
    assert "numpy" in loaded
    assert not {"sklearn", "scipy", "rich", "typer"} & loaded


def test_the_public_names_exist():
    assert set(backprop.__all__) <= set(dir(backprop))
    for name in backprop.__all__:
        assert getattr(backprop, name) is not None
