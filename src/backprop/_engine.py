"""Which engine computes: the argument decides, then BACKPROP_ENGINE, then what is installed.

`compiled` is `_core`, the Cython extension, or `_core_avx2` or `_core_avx512`, the same compiled for wider
instruction sets where processor and system run them; `python` is `_reference`. They open the same doors and give
the same bits. Nothing else in the package imports any of them.
"""

import os
import platform
import sys
import warnings
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from .errors import EngineWarning

CHOICES = ("auto", "compiled", "python")
LEVELS = ("auto", "baseline", "avx2", "avx512")


@cache
def compiled_engine() -> ModuleType | ImportError:
    """The extension for the instruction set in use, or why it cannot be imported.

    The environment variable BACKPROP_SIMD, read once, chooses one of `LEVELS`; without it the widest that this
    processor runs and that was built.
    """
    level = os.environ.get("BACKPROP_SIMD") or "auto"
    if level not in LEVELS:
        expected = ", ".join(map(repr, LEVELS))
        raise ValueError(f"the environment variable BACKPROP_SIMD must be one of {expected}, not {level!r}")
    try:
        baseline = import_module("._core", __package__)
    except ImportError as error:
        return error
    if level not in ("auto", "baseline", *baseline.RUNS):
        return ImportError(f"BACKPROP_SIMD is {level!r}, which this processor or system does not run")
    for name in baseline.RUNS if level == "auto" else (level,) if level != "baseline" else ():
        try:
            return import_module(f"._core_{name}", __package__)
        except ImportError as error:
            if level != "auto":
                return error
    return baseline


def pick(engine: str = "auto") -> Any:
    """The engine's module.

    Parameters
    ----------
    engine : {"auto", "compiled", "python"}
        "auto" follows the environment variable BACKPROP_ENGINE, and without it takes the compiled engine if
        that is installed.

    Raises
    ------
    TypeError, ValueError
        If `engine` or BACKPROP_ENGINE is none of the choices.
    ImportError
        If the compiled engine is demanded and not installed.

    Warns
    -----
    EngineWarning
        Once, if the pure-Python engine serves only because the compiled one is missing.
    """
    if not isinstance(engine, str):
        raise TypeError(f"engine must be one of {', '.join(map(repr, CHOICES))}, not {engine!r}")
    origin, choice = "engine", engine
    if engine == "auto":
        origin, choice = "the environment variable BACKPROP_ENGINE", os.environ.get("BACKPROP_ENGINE") or "auto"
    if choice not in CHOICES:
        raise ValueError(f"{origin} must be one of {', '.join(map(repr, CHOICES))}, not {choice!r}")
    if choice == "python":
        return _python_engine()
    core = compiled_engine()
    if isinstance(core, ModuleType):
        return core
    if choice == "compiled":
        raise ImportError(
            f"{origin} is 'compiled', but the extension is not installed ({core}). Install the package where a C"
            " compiler is, with BACKPROP_REQUIRE_EXTENSION=1 to see what fails."
        ) from core
    _warn_once(str(core))
    return _python_engine()


def _python_engine() -> ModuleType:
    return import_module("._reference", __package__)


@cache
def _warn_once(reason: str) -> None:
    warnings.warn(
        f"backprop computes in pure Python, a hundred times slower than compiled and more: {reason}. The"
        " numbers are the same. To compile it, install the package where a C compiler is; to silence this, set"
        " BACKPROP_ENGINE=python.",
        EngineWarning,
        stacklevel=_levels_to_the_user(),
    )


def _levels_to_the_user() -> int:
    """The stacklevel, for a warning of the calling function, of the first frame outside this package."""
    package = os.path.dirname(__file__)
    frame, levels = sys._getframe(1), 1
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename).startswith(package):
        frame, levels = frame.f_back, levels + 1
    return levels


def show_config() -> None:
    """Print the engine in use, its instruction set, and the versions that matter for a report.

    Examples
    --------
    >>> import backprop
    >>> backprop.show_config()  # doctest: +ELLIPSIS
    backprop         ...
    engine           ...
    """
    from importlib.metadata import version

    import numpy

    engine = pick()
    core = compiled_engine()
    missing = "" if isinstance(core, ModuleType) else f" (no compiled engine: {core})"
    wishes = {name: os.environ.get(name) or "not set" for name in ("BACKPROP_ENGINE", "BACKPROP_SIMD")}
    rows = {
        "backprop": version("backprop-mlp"),
        "engine": f"{engine.NAME}{missing}",
        "BACKPROP_ENGINE": wishes["BACKPROP_ENGINE"],
        "instruction set": engine.INSTRUCTION_SET,
        "BACKPROP_SIMD": wishes["BACKPROP_SIMD"],
        "compiled with": engine.BUILT_WITH,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "NumPy": numpy.__version__,
        "platform": f"{sys.platform} {platform.machine()}",
    }
    for name, value in rows.items():
        print(f"{name:<16} {value}")
