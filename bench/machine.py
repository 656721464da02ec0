"""What the numbers of a bench depend on."""

import platform
import sys
from pathlib import Path

import numpy as np

from backprop import _engine


def processor() -> str:
    """Its model; virtual machines may say little."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        first = cpuinfo.read_text().split("\n\n")[0].splitlines()
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first)}
        if "model name" in fields:
            family = f"family {fields.get('cpu family')} model {fields.get('model')}"
            return f"{fields['model name']} ({family})"
    return platform.processor() or platform.machine()


def system() -> str:
    if sys.platform == "linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            return "Linux"
    return f"{platform.system()} {platform.release()}"


def python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def vector_sets() -> list[str]:
    """The instruction sets that libraries choose by, as far as Linux says."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    return [name for name in ("avx2", "fma", "avx512f", "asimd") if name in flags]


def machine() -> str:
    """All of it in a line, with this package's engine."""
    engine = _engine.pick("compiled")
    parts = [processor(), system(), python(), f"NumPy {np.__version__}", engine.BUILT_WITH, engine.INSTRUCTION_SET]
    return ", ".join(parts)
