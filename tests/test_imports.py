"""Imports go one way, and importing the package costs next to nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import backprop

SOURCE = Path(__file__).parent.parent / "src/backprop"

# module: what of ours it may import (at the top or inside a function)
ALLOWED = {
    # when a name is used
    "__init__": {"custom", "examples", "_engine", "errors", "estimators", "glassbox", "network", "optimizers"}
    | {"ensemble", "plotting", "sweeps"},
    "errors": set(),
    "_single": set(),
    "_text": set(),
    "_input_errors": {"_text"},
    "_elementary32": {"_single"},
    "_elementary": {"_elementary32", "_single"},
    "functions": {"_elementary"},
    "_steps": {"_elementary", "_single", "functions"},
    "_reference": {"_steps", "_elementary", "_single", "functions"},
    "_engine": {"errors"},
    "_checks": {"_draws"},
    "_layout": set(),
    "_draws": set(),
    "_pacing": set(),
    "_machine": {"_layout", "_pacing"},
    "_training": {"_layout", "_machine", "_pacing", "errors", "optimizers"},
    "optimizers": {"_checks", "_layout"},
    "_custom": {"_checks", "functions"},
    "custom": {"_custom"},
    "_standing": {"_custom", "errors"},
    "_views": {"_checks", "_layout", "_machine"},
    "_config": {"_checks", "_custom", "functions"},
    "network": {
        "_views",
        "_checks",
        "_config",
        "_custom",
        "_draws",
        "_engine",
        "_training",
        "_layout",
        "_machine",
        "_standing",
    }
    | {"functions", "optimizers", "glassbox"},  # the last when `trace` is called, and for its type
    "examples": {"network"},
    "_each": {"_checks", "optimizers"},
    "_together": {"_layout", "_machine", "_training", "errors", "optimizers"},
    "ensemble": {"_checks", "_config", "_custom", "_each", "_layout", "_pacing", "_standing", "_together"}
    | {"_training", "errors", "network", "optimizers"},
    "_epochs": {"_layout", "_machine", "_pacing"},
    "_validation": {"_layout"},
    "_lbfgs": {"_epochs", "_layout", "_machine"},
    "_parameters": {"_engine", "functions"},
    "_plain": set(),
    "_progress": set(),
    "_estimator_docs": set(),
    "_weights": {"_checks", "_config", "_layout", "_machine", "functions", "network"},
    "_mlp": {"_draws", "_epochs", "_lbfgs", "_parameters", "_progress", "_training", "_validation", "_weights"},
    "_classifier": {"_estimator_docs", "_mlp", "_parameters", "_plain", "_weights"},
    "_regressor": {"_checks", "_estimator_docs", "_mlp", "_plain", "_weights", "functions"},
    "estimators": {"_classifier", "_regressor"},
}
ABOVE = {"cli", "__main__", "glassbox", "plotting", "sweeps"}  # may import anything of ours


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


PEERS = {"sklearn", "scipy", "torch", "jax"}


def test_importing_the_package_loads_no_library():
    loaded = modules_after("import backprop")
    assert not {"numpy", "rich", "typer", "backprop.network", *PEERS} & loaded


def test_a_network_does_not_load_scikit_learn():
    loaded = modules_after("import backprop; backprop.Network([2, 2, 2]).train([[0, 1]], [[1, 0]])")
    assert "numpy" in loaded
    assert not {"rich", "typer", *PEERS} & loaded


def test_a_comparison_with_differences_loads_no_other_library():
    loaded = modules_after("import backprop as bp; bp.compare(*bp.examples.worked_example())")
    assert "backprop.glassbox.peers.numeric_peer" in loaded
    assert not PEERS & loaded


def test_the_command_line_does_not_load_scikit_learn():
    loaded = modules_after(
        "import sys; sys.argv = ['backprop', 'demo']; from backprop.cli import main\n"
        "try: main()\nexcept SystemExit: pass\nsys.stdout.write('\\n')"
    )
    assert "typer" in loaded
    assert not {"sklearn", "scipy", "pandas", "matplotlib"} & loaded


def test_only_the_estimators_import_scikit_learn():
    users = {
        path.stem for path in SOURCE.rglob("*.py") if re.search(r"(from|import) (sklearn|scipy)", path.read_text())
    }
    own = {"_classifier", "_regressor", "_mlp", "_parameters", "_plain", "_weights", "_validation", "_lbfgs"}
    assert users == own | {"shipped"}
    assert "sklearn" in modules_after("import backprop; backprop.MLPClassifier")


def test_matplotlib_waits_for_a_picture():
    code = "import backprop as bp; bp.NetworkDisplay, bp.LossCurveDisplay(loss_curve=[1.0])"
    assert "matplotlib" not in modules_after(code)
    assert "matplotlib" in modules_after(f"{code}.plot()")


def test_the_public_names_exist():
    assert set(backprop.__all__) <= set(dir(backprop))
    for name in backprop.__all__:
        assert getattr(backprop, name) is not None
