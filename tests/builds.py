"""Every build of the extension that runs here, for tests that compare them all with one run of the reference."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

import pytest

from backprop import _engine


def builds() -> list[ModuleType]:
    """The compiled engines for all instruction sets; with BACKPROP_SIMD the one that it names."""
    core = _engine.compiled_engine()
    assert isinstance(core, ModuleType), core
    if os.environ.get("BACKPROP_SIMD"):
        return [core]
    baseline = import_module("backprop._core")
    return [baseline, *(import_module(f"backprop._core_{level}") for level in baseline.RUNS)]


@contextmanager
def in_force(build: ModuleType) -> Iterator[None]:
    """Networks made meanwhile with the compiled engine have this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_engine, "compiled_engine", lambda: build)
        yield
