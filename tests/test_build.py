"""The compiled object itself: nothing is fused, and the loops over units use vectors.

A lost flag changes no result that an x86-64 baseline build could show, so the machine code itself is read.
"""

import platform
import re
import shutil
import subprocess

import pytest

from backprop import _engine

MACHINE = platform.machine().lower()
FUSED = re.compile(r"\bv?f(n?m(add|sub)|madd|msub|nmadd|nmsub|mla|mls)\w*\b")
PACKED_MULTIPLY = {"x86_64": r"\bv?mulpd\b", "amd64": r"\bv?mulpd\b", "aarch64": r"\bfmul\s+v\d+\.2d"}
PACKED_DIVIDE = {"x86_64": r"\bv?divpd\b", "amd64": r"\bv?divpd\b", "aarch64": r"\bfdiv\s+v\d+\.2d"}


@pytest.fixture(scope="module")
def functions() -> dict[str, str]:
    """The disassembly of the extension, function by function."""
    core = _engine.compiled_engine()
    if isinstance(core, ImportError):
        pytest.skip("the compiled engine is not installed")
    if MACHINE not in PACKED_MULTIPLY:
        pytest.skip(f"no instruction names known for {MACHINE}")
    if shutil.which("objdump") is None:
        pytest.skip("objdump is not installed")
    listing = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", core.__file__],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    parts = re.split(r"^[0-9a-f]+ <([^>]+)>:$", listing, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_no_fused_multiply_add(functions):
    assert len(functions) > 50
    fused = {name: FUSED.search(code).group() for name, code in functions.items() if FUSED.search(code)}
    assert not fused


@pytest.mark.parametrize(
    "text", ["vfmadd231pd %ymm0", "vfnmadd132sd (%rax)", "fmla v0.2d", "fmadd d0, d1", "fmls v1.2d"]
)
def test_the_search_would_find_one(text):
    assert FUSED.search(text)


@pytest.mark.parametrize("text", ["fmul v0.2d", "mulpd %xmm0", "vaddpd %ymm0", "fadd d0", "vmulsd %xmm1"])
def test_the_search_finds_nothing_else(text):
    assert not FUSED.search(text)


@pytest.mark.parametrize(
    ("kernel", "instruction"),
    [
        ("c_forward", PACKED_MULTIPLY.get(MACHINE, "")),  # the weighted sums
        ("c_forward", PACKED_DIVIDE.get(MACHINE, "")),  # the logistic
        ("c_deltas", PACKED_MULTIPLY.get(MACHINE, "")),
        ("c_update_one", PACKED_MULTIPLY.get(MACHINE, "")),
        ("c_add_gradient", PACKED_MULTIPLY.get(MACHINE, "")),
    ],
)
def test_the_kernels_are_vectorised(functions, kernel, instruction):
    code = "".join(code for name, code in functions.items() if re.search(rf"_core_{kernel}(\.|$)", name))
    assert code, f"{kernel} is not in the symbol table: inlined, or the object is stripped"
    assert re.search(instruction, code)
