"""The compiled object itself: nothing is fused, and the loops over units use vectors.

A lost flag changes no result that an x86-64 baseline build could show, so the machine code itself is read.
"""

import platform
import re
import shutil
import subprocess
from importlib import import_module

import pytest

from backprop import _engine

MACHINE = platform.machine().lower()
FUSED = re.compile(r"\bv?f(n?m(add|sub)|madd|msub|nmadd|nmsub|mla|mls)\w*\b")
X86 = {
    "multiply": {"float64": r"\bv?mulpd\b", "float32": r"\bv?mulps\b"},
    "divide": {"float64": r"\bv?divpd\b", "float32": r"\bv?divps\b"},
}
ARM = {
    "multiply": {"float64": r"\bfmul\s+v\d+\.2d", "float32": r"\bfmul\s+v\d+\.4s"},
    "divide": {"float64": r"\bfdiv\s+v\d+\.2d", "float32": r"\bfdiv\s+v\d+\.4s"},
}
# With 512 bits where there are.
WIDE = {
    *("c_sums_rows", "c_gradient_stretch", "c_step_stretch", "c_back_from_many", "c_fused_layer", "c_outs_wide"),
    *("c_softmax_rows", "c_lanes_one", "c_lanes_small"),
}
PACKED = {"x86_64": X86, "amd64": X86, "aarch64": ARM}
ON_STACK = {
    "x86_64": r"\bv?mov[au]p[sd]\s.*\(%rsp\)",
    "amd64": r"\bv?mov[au]p[sd]\s.*\(%rsp\)",
    "aarch64": r"\b(ldr|str|ldp|stp)\s+q\d+,.*\[sp",
}


@pytest.fixture(scope="module", params=["_core", "_core_avx2", "_core_avx512"])
def functions(request) -> dict[str, str]:
    """The disassembly of an extension, function by function."""
    if isinstance(_engine.compiled_engine(), ImportError):
        pytest.skip("the compiled engine is not installed")
    level = request.param.removeprefix("_core").removeprefix("_")
    if level and level not in import_module("backprop._core").RUNS:
        pytest.skip(f"this processor does not run {level}")
    core = import_module(f"backprop.{request.param}")
    if MACHINE not in PACKED:
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


def code_of(functions: dict[str, str], kernel: str, dtype: str) -> dict[str, str]:
    """A kernel's functions: Cython names the two versions on the fused type, gcc adds to that."""
    symbol = re.compile(
        rf"fuse_{['float32', 'float64'].index(dtype)}__pyx_f_\w*_core(_avx2|_avx512)?_{kernel}(\.|$)"
    )
    found = {name: code for name, code in functions.items() if symbol.search(name)}
    assert found, f"{kernel} is not in the symbol table: inlined, or the object is stripped"
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("kernel", "operation"),
    [
        ("c_outs", "divide"),  # the logistic
        ("c_outs_wide", "divide"),
        ("c_softmax_rows", "divide"),
        ("c_back", "multiply"),
        ("c_deltas", "multiply"),
        ("c_sums_rows", "multiply"),
        ("c_back_from_many", "multiply"),
        ("c_gradient_stretch", "multiply"),
        ("c_step_stretch", "multiply"),
        ("c_update_part", "multiply"),
        ("c_fused_layer", "multiply"),
        ("c_small_ones", "multiply"),
        ("c_small_ones", "divide"),
        ("c_lanes_one", "multiply"),
        ("c_lanes_small", "multiply"),
        ("c_lanes_small", "divide"),
        ("c_lanes_add_losses", "multiply"),
        ("c_lanes_add_gradients", "multiply"),
        ("c_lanes_update_rows", "divide"),  # Adam
        ("c_lanes_softmax", "divide"),
    ],
)
def test_the_kernels_are_vectorised(functions, kernel, operation, dtype):
    found = code_of(functions, kernel, dtype)
    instruction = PACKED[MACHINE][operation][dtype]
    if (kernel, dtype) == ("c_back", "float32"):  # four at a time
        instruction += r"\s.*%xmm" if MACHINE in ("x86_64", "amd64") else ""
    elif any("_core_avx512_" in name for name in found):
        instruction += r"\s.*%zmm" if kernel in WIDE else r"\s.*%ymm"
    elif any("_core_avx2_" in name for name in found):
        instruction += r"\s.*%ymm"
    assert re.search(instruction, "".join(found.values()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("functions", ["_core_avx512"], indirect=True)  # which has two lengths
@pytest.mark.parametrize(
    "kernel",
    ["c_pay_and_sum", "c_sparse_sums", "c_sparse_update", "c_deltas_wide", "c_outs_wide", "c_outs_in_place"],
)
def test_what_asks_for_long_vectors_is_not_put_into_what_does_not(functions, kernel, dtype):
    assert re.search(r"%zmm", "".join(code_of(functions, kernel, dtype).values()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel", ["c_sums_rows", "c_gradient_stretch", "c_step_stretch"])
def test_no_block_has_its_sums_on_the_stack(functions, kernel, dtype):
    # without the flags for gcc in setup.py, or in a loop that may not run at all, they are, which takes longer
    if not _engine.compiled_engine().BUILT_WITH.startswith("gcc"):
        pytest.skip("the loops are written for gcc's eyes; what others make of them is not known")
    moved = re.findall(ON_STACK[MACHINE], "".join(code_of(functions, kernel, dtype).values()))
    # The smallest block has eight sums, in and out. What is only compared with may be there, beside the loops.
    assert len(moved) < 16


@pytest.mark.parametrize("text", ["vmovapd %zmm9,0x188(%rsp)", "vmovupd (%rsp),%ymm1", "movaps %xmm3,-0x78(%rsp)"])
def test_the_search_would_find_a_sum_on_the_stack(text):
    assert re.search(ON_STACK["x86_64"], text)
