"""Writable views of a network's parameters, and what keeps them from being written to while they are read."""

from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from . import _checks as checks
from ._layout import Array
from ._machine import Machine


class LayerViews(Sequence[Array]):
    """The weights or biases of each layer, as writable views into the network's parameters.

    Assigning to an item copies the numbers into its view, after a check of shape and values.
    """

    def __init__(self, name: str, views: list[Array], machine: Machine) -> None:
        self._name, self._views, self._machine = name, views, machine

    @overload
    def __getitem__(self, layer: int) -> Array: ...
    @overload
    def __getitem__(self, layer: slice) -> list[Array]: ...
    def __getitem__(self, layer: int | slice) -> Array | list[Array]:
        return self._views[layer]

    def __setitem__(self, layer: int, values: ArrayLike) -> None:
        if isinstance(layer, slice):
            raise TypeError(f"{self._name}[...] = values takes one layer; {self._name} = [...] takes all")
        view = self._views[layer]
        view[...] = self._checked(f"{self._name}[{layer}]", view, values)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return repr(self._views)

    def assign(self, values: Iterable[ArrayLike]) -> None:
        """Copy an array for each layer, all or none."""
        if not isinstance(values, Iterable):
            raise TypeError(f"{self._name} must be a sequence of arrays, one a layer, not {checks.shown(values)}")
        arrays = list(values)
        if len(arrays) != len(self._views):
            raise ValueError(f"{self._name} must have {len(self._views)} arrays, one a layer, not {len(arrays)}")
        checked = [self._checked(f"{self._name}[{k}]", self._views[k], array) for k, array in enumerate(arrays)]
        for view, array in zip(self._views, checked, strict=True):
            view[...] = array

    def _checked(self, name: str, view: Array, values: ArrayLike) -> Array:
        array = checks.float_array(name, values)
        if array.shape != view.shape:
            raise ValueError(f"{name} has shape {array.shape}, expected {view.shape}")
        checks.finite(name, array, self._machine.engine, self._machine.layout.dtype.name)
        return apart(array, self._machine.block)


def apart(array: Array, block: Array) -> Array:
    """The array, copied if it is a view of the parameters, which are about to change."""
    return array.copy() if np.may_share_memory(array, block) else array
