"""Where a network's parameters stand: one aligned block, rows padded to the vector width with zeros.

For each layer of weights the block holds fan_in rows, one for each unit below, and then the bias. Both engines
are told the offsets; nobody else computes them.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

ALIGNMENT = 64  # bytes: a cache line, and the widest vector in use
VECTOR = 32  # bytes; rows and biases are padded to a multiple
WIDE = 256  # bytes; longer ones to whole cache lines, of which a vector would otherwise touch two


class Layout:
    """The offsets of one network's parameters in its block.

    Parameters
    ----------
    sizes : tuple of int
        Units per layer, input first.
    bias : str
        "per_unit", "shared" or "none".
    dtype : str
        "float64" or "float32".
    """

    def __init__(self, sizes: tuple[int, ...], bias: str, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.shapes = tuple(pairwise(sizes))
        self.bias_lengths = tuple(
            {"per_unit": fan_out, "shared": 1, "none": 0}[bias] for _, fan_out in self.shapes
        )
        self.strides = tuple(self._padded(fan_out) for _, fan_out in self.shapes)
        self.weight_offsets: list[int] = []
        self.bias_offsets: list[int] = []
        self.size = 0
        for (fan_in, _), stride, bias_length in zip(self.shapes, self.strides, self.bias_lengths, strict=True):
            self.weight_offsets.append(self.size)
            self.bias_offsets.append(self.size + fan_in * stride)
            self.size = self.bias_offsets[-1] + self._padded(bias_length)
        self.n_parameters = sum(i * j for i, j in self.shapes) + sum(self.bias_lengths)

    def _padded(self, count: int) -> int:
        """`count` rounded up to whole vectors, or cache lines."""
        lanes = (VECTOR if count * self.dtype.itemsize <= WIDE else ALIGNMENT) // self.dtype.itemsize
        return -(-count // lanes) * lanes

    def new_block(self) -> Array:
        """A block of zeros whose first item is aligned."""
        item = self.dtype.itemsize
        memory = np.zeros(self.size + ALIGNMENT // item, self.dtype)
        return memory[(-memory.ctypes.data % ALIGNMENT) // item :][: self.size]

    def weights(self, block: Array) -> list[Array]:
        """Views (fan_in, fan_out) into the block."""
        return [
            block[start : start + fan_in * stride].reshape(fan_in, stride)[:, :fan_out]
            for (fan_in, fan_out), stride, start in zip(
                self.shapes, self.strides, self.weight_offsets, strict=True
            )
        ]

    def biases(self, block: Array) -> list[Array]:
        """Views (fan_out,), (1,) or (0,) into the block."""
        return [block[start : start + n] for start, n in zip(self.bias_offsets, self.bias_lengths, strict=True)]

    def in_order(self, block: Array) -> Iterator[Array]:
        """The views layer by layer, weights before bias: the order of the packed parameters."""
        for weights, bias in zip(self.weights(block), self.biases(block), strict=True):
            yield weights
            yield bias

    def pack(self, block: Array) -> Array:
        """A copy without padding: weights (C order) and biases, layer by layer."""
        return np.concatenate([view.ravel() for view in self.in_order(block)])

    def unpack(self, packed: Array, block: Array) -> None:
        """Write packed parameters into the block."""
        start = 0
        for view in self.in_order(block):
            view[...] = packed[start : start + view.size].reshape(view.shape)
            start += view.size
