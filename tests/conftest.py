"""Fixtures and hypothesis profiles that all tests share.

HYPOTHESIS_PROFILE=long runs twenty times as many random examples.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from backprop import _engine

COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("default", max_examples=100, **COMMON)
settings.register_profile("long", max_examples=2000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

MISSING = _engine.compiled_engine() if isinstance(_engine.compiled_engine(), ImportError) else None
needs_compiled = pytest.mark.skipif(
    MISSING is not None and os.environ.get("BACKPROP_REQUIRE_EXTENSION") != "1",
    reason=f"the compiled engine is not installed: {MISSING}",
)


@pytest.fixture(params=[pytest.param("compiled", marks=needs_compiled), "python"])
def engine(request):
    """The name of each engine in turn."""
    return request.param


@pytest.fixture
def both():
    """The names of the two engines, compiled first, for tests that compare them."""
    if MISSING is not None and os.environ.get("BACKPROP_REQUIRE_EXTENSION") != "1":
        pytest.skip(f"the compiled engine is not installed: {MISSING}")
    return "compiled", "python"
