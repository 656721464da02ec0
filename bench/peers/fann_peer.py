"""FANN, a C library, through ctypes: Debian's libfann-dev, in double or float as the case asks.

It trains on single samples ("incremental") or on all samples that it is given ("batch"), so a batch is a set of
its own. Its derivative of the logistic takes outputs below 0.01 or above 0.99 as those; outputs here do not get
there, and the numbers are the same.
"""

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_double, c_float, c_int, c_uint, c_void_p
from itertools import pairwise
from typing import Any

import numpy as np
from cases import Array, Case, Data

from . import Peer, UnsupportedError, only

INCREMENTAL, BATCH = 0, 1
SIGMOID = 3  # 1/(1 + exp(-2*steepness*net)), with a steepness of one half by default
LINEAR_ERROR = 0  # the default is the inverse hyperbolic tangent of the error


class Fann(Peer):
    """A call for each epoch, or for each batch."""

    title = "FANN"
    what = "`fann_train_epoch` through ctypes, incremental or with a set for each batch; trained biases"

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        only(case, networks=(1,), threads=(1,), hidden=("logistic",), output=("logistic",))
        only(case, loss=("squared_error",), optimizer=("sgd",), l2=(0.0,))
        if not case.train_bias:
            raise UnsupportedError("biases cannot be frozen")
        self.binding, real = library(case.dtype)
        self.ann = self.binding.fann_create_standard_array(
            len(case.sizes), (c_uint * len(case.sizes))(*case.sizes)
        )
        self.binding.fann_set_activation_function_hidden(self.ann, SIGMOID)
        self.binding.fann_set_activation_function_output(self.ann, SIGMOID)
        self.binding.fann_set_train_error_function(self.ann, LINEAR_ERROR)
        self.binding.fann_set_training_algorithm(self.ann, BATCH if case.batch > 1 else INCREMENTAL)
        self.binding.fann_set_learning_rate(self.ann, case.rate)
        whole = case.n_samples if case.batch == 1 else case.batch
        self.sets = [self.data_set(start, whole, real) for start in range(0, case.n_samples, whole)]
        self.connections, self.places = self.connect(real)
        self.reset()

    @classmethod
    def version(cls) -> str:
        library("float64")
        return "2.2"

    def data_set(self, start: int, count: int, real: Any) -> int:
        X, T = self.data.X[start : start + count], self.data.T[start : start + count]

        def fill(row: int, _: int, __: int, x: Any, t: Any) -> None:
            np.ctypeslib.as_array(x, (X.shape[1],))[:] = X[row]
            np.ctypeslib.as_array(t, (T.shape[1],))[:] = T[row]

        kind = CFUNCTYPE(None, c_uint, c_uint, c_uint, POINTER(real), POINTER(real))
        create = self.binding.fann_create_train_from_callback
        create.restype, create.argtypes = c_void_p, [c_uint, c_uint, c_uint, kind]
        made: int = create(count, X.shape[1], T.shape[1], kind(fill))
        return made

    def connect(self, real: Any) -> tuple[Any, list[tuple[int, int, int]]]:
        """FANN's connections, and for each its layer, input and output; the bias is the last input."""

        class Connection(Structure):
            _fields_ = [("source", c_uint), ("target", c_uint), ("weight", real)]

        connections = (Connection * self.binding.fann_get_total_connections(self.ann))()
        self.binding.fann_get_connection_array(self.ann, connections)
        starts = np.cumsum([0, *(n + 1 for n in self.case.sizes)])  # each layer ends with its bias unit
        places = []
        for connection in connections:
            layer = int(np.searchsorted(starts, connection.source, side="right")) - 1
            source, target = connection.source - int(starts[layer]), connection.target - int(starts[layer + 1])
            places.append((layer, source, target))
        return connections, places

    def reset(self) -> None:
        both = zip(self.data.weights, self.data.biases, strict=True)
        stacked = [np.vstack([w, b]) for w, b in both]
        for connection, (layer, i, j) in zip(self.connections, self.places, strict=True):
            connection.weight = stacked[layer][i, j]
        self.binding.fann_set_weight_array(self.ann, self.connections, len(self.connections))

    def run(self, epochs: int) -> None:
        for _ in range(epochs):
            for data in self.sets:
                self.binding.fann_train_epoch(self.ann, data)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        self.binding.fann_get_connection_array(self.ann, self.connections)
        stacked = [np.empty((a + 1, b), self.case.dtype) for a, b in pairwise(self.case.sizes)]
        for connection, (layer, i, j) in zip(self.connections, self.places, strict=True):
            stacked[layer][i, j] = connection.weight
        return [array[:-1] for array in stacked], [array[-1] for array in stacked]


def library(dtype: str) -> tuple[ctypes.CDLL, Any]:
    """The library for a dtype, its functions declared, and C's name of the dtype."""
    name, real = {"float64": ("doublefann", c_double), "float32": ("floatfann", c_float)}[dtype]
    fann = ctypes.CDLL(f"lib{name}.so.2")
    fann.fann_create_standard_array.restype = c_void_p
    fann.fann_train_epoch.restype, fann.fann_train_epoch.argtypes = c_float, [c_void_p, c_void_p]
    fann.fann_set_learning_rate.argtypes = [c_void_p, c_float]
    fann.fann_get_total_connections.argtypes = [c_void_p]
    fann.fann_get_connection_array.argtypes = [c_void_p, c_void_p]
    fann.fann_set_weight_array.argtypes = [c_void_p, c_void_p, c_uint]
    for kind in ("activation_function_hidden", "activation_function_output", "train_error_function"):
        getattr(fann, f"fann_set_{kind}").argtypes = [c_void_p, c_int]
    fann.fann_set_training_algorithm.argtypes = [c_void_p, c_int]
    return fann, real
