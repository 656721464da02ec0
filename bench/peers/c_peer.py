"""`c_loops.c`, compiled at first use with the C compiler at hand: what plain loops give without a library."""

import ctypes
import os
import subprocess
import tempfile
from ctypes import c_int, c_long, c_void_p
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from cases import Array, Case, Data

from . import Peer, only

COMPILE = [os.environ.get("CC", "cc"), "-O3", "-fPIC", "-shared"]


class Loops(Peer):
    """With the C library's exp."""

    title = "C loops"
    what = f"[`c_loops.c`](../peers/c_loops.c), `{' '.join(COMPILE[:2])}`, scalar, the C library's `exp`"
    table = False

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        only(case, batch=(1,), networks=(1,), threads=(1,), hidden=("logistic",), output=("logistic",))
        only(case, loss=("squared_error",), optimizer=("sgd",), l2=(0.0,))
        self.binding = library(case.dtype)
        self.sizes = np.array(case.sizes, np.int32)
        self.block = np.empty(sum((a + 1) * b for a, b in pairwise(case.sizes)), case.dtype)
        self.outs, self.deltas = (np.empty(sum(case.sizes[1:]), case.dtype) for _ in range(2))
        self.layers, start = [], 0
        for a, b in pairwise(case.sizes):
            self.layers.append(self.block[start : start + (a + 1) * b].reshape(b, a + 1))
            start += (a + 1) * b
        self.reset()

    @classmethod
    def version(cls) -> str:
        said = subprocess.run([COMPILE[0], "--version"], capture_output=True, text=True, check=True).stdout
        return said.splitlines()[0]

    def reset(self) -> None:
        for layer, w, b in zip(self.layers, self.data.weights, self.data.biases, strict=True):
            layer[:, 0], layer[:, 1:] = b, w.T

    def run(self, epochs: int) -> None:
        data, real = self.data, ctypes.c_double if self.case.dtype == "float64" else ctypes.c_float
        arrays = (self.sizes, self.block, data.X, data.T, self.outs, self.deltas)
        pointers = [c_void_p(array.ctypes.data) for array in arrays]
        self.binding.train(
            c_int(len(self.layers)), *pointers[:4], c_long(len(data.X)), c_long(epochs), real(self.case.rate),
            c_int(self.case.train_bias), c_int(self.table), *pointers[4:],
        )  # fmt: skip

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return [layer[:, 1:].T.copy() for layer in self.layers], [layer[:, 0].copy() for layer in self.layers]


class Table(Loops):
    """With a table instead, as genann has it; other numbers, then."""

    title = "C loops, table"
    what = "the same with the logistic from a table of 4,096 steps over [-15, 15], as genann has it"
    table = True
    # Half a step of the table, 0.0037, times the slope of at most 1/4, is 1e-3 of an output; losses follow.
    tolerance = 1e-2


def library(dtype: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "c_loops.so"
        real = {"float64": "double", "float32": "float"}[dtype]
        source = Path(__file__).with_name("c_loops.c")
        subprocess.run([*COMPILE, f"-DREAL={real}", str(source), "-o", str(built), "-lm"], check=True)
        loaded = ctypes.CDLL(str(built))  # stays when the file goes
    loaded.make_table()
    return loaded
