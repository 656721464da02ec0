"""Checks of what a user passes: each names the argument, what it was and what was expected.

They change nothing. `TypeError` is for the wrong kind of thing, `ValueError` for a wrong value.
"""

import numbers
import operator
import os
import sys
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._draws import seeded

Array = NDArray[np.floating[Any]]

DTYPES = ("float64", "float32")  # the names that arguments use
LARGEST = {name: float(np.finfo(name).max) for name in DTYPES}


def shown(value: Any) -> str:
    """`value` for an error message, cut to a readable length."""
    try:
        text = repr(value)
    except Exception:  # a __repr__ of the user's, or a list nested too deep
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:60]}... ({type(value).__name__})"


def choice(name: str, value: Any, options: Collection[str], *, or_else: str = "") -> str:
    """One of the names in `options`; `or_else` says what else the argument may be."""
    also = f", or {or_else}" if or_else else ""
    expected = f"{name} must be one of {', '.join(map(repr, options))}{also}, not {shown(value)}"
    if not isinstance(value, str):
        raise TypeError(expected)
    if value not in options:
        raise ValueError(expected)
    return value


def boolean(name: str, value: Any) -> bool:
    """True or False; NumPy's too, but no number that would be taken for one."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {shown(value)}")
    return bool(value)


def integer(name: str, value: Any, minimum: int = 1, maximum: int | None = None) -> int:
    """A whole number within limits; NumPy's integers count, bools and floats do not."""
    limits = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    expected = f"{name} must be an integer {limits}, not {shown(value)}"
    if isinstance(value, bool | np.bool_):
        raise TypeError(expected)
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(expected) from None
    if number < minimum or (maximum is not None and number > maximum):
        raise ValueError(expected)
    return number


def rate(name: str, value: Any, *, above: bool = False, dtype: str = "float64") -> float:
    """A number of at least 0, or above 0, that the dtype can hold."""
    limit = "above" if above else "of at least"
    where = "" if dtype == "float64" else f" in {dtype}"
    expected = f"{name} must be a finite number {limit} 0{where}, not {shown(value)}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(expected)
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(expected) from None
    if not 0.0 <= number <= LARGEST[dtype] or (above and np.dtype(dtype).type(number) == 0.0):
        raise ValueError(expected)
    return number


def layer_sizes(sizes: Any) -> tuple[int, ...]:
    """The units of each layer: at least two layers, each of at least one unit."""
    expected = "sizes must be a sequence of at least two layer sizes, such as [2, 2, 2]"
    if isinstance(sizes, str | bytes) or not isinstance(sizes, Sequence | np.ndarray):
        raise TypeError(f"{expected}, not {shown(sizes)}")
    checked = tuple(integer(f"sizes[{k}]", size) for k, size in enumerate(sizes))
    if len(checked) < 2:
        raise ValueError(f"{expected}, not {shown(sizes)}")
    return checked


def random_state(value: Any) -> np.random.RandomState:
    """A RandomState: the given one, one from a seed, or a fresh one."""
    if isinstance(value, np.random.RandomState):
        return value
    expected = (
        "random_state must be None, an integer from 0 to 4294967295 or a numpy.random.RandomState (whose streams"
        f" are frozen between NumPy versions), not {shown(value)}"
    )
    if value is None:
        return np.random.RandomState()
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise TypeError(expected)
    seed = int(value)
    if not 0 <= seed <= 4294967295:
        raise ValueError(expected)
    return seeded(seed)


def dtype(value: Any) -> str:
    """The name of a dtype, given as that name, as a type or as a `numpy.dtype`."""
    expected = f"dtype must be 'float64' or 'float32', not {shown(value)}"
    try:
        found = np.dtype(value) if value is not None else None
    except TypeError:
        raise (ValueError if isinstance(value, str) else TypeError)(expected) from None
    if found is None:
        raise TypeError(expected)
    if found.name not in DTYPES or not found.isnative:
        raise ValueError(expected)
    return str(found.name)


def memory(name: str, what: str, items: int, item: int = 8) -> None:
    """Refuse an array of items (of 8 bytes) that this machine's memory cannot hold, before it is allocated."""
    needed = items * item
    try:
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not POSIX: the address space is the limit
        available = 2**63 - 1
    if needed > available:
        raise ValueError(
            f"{name}: {what} would take {needed / 2**30:,.1f} GiB, and this machine has"
            f" {available / 2**30:,.1f} GiB"
        )


def float_array(name: str, value: Any) -> Array:
    """A C-contiguous, aligned array of the same numbers: float32 if they are, float64 otherwise.

    It is the given one if that is such.
    """
    expected = f"{name} must be an array of real numbers"
    if "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{expected}; it was a masked array, whose mask would be lost")
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{expected}, all rows of the same length; it was {shown(value)} ({error})") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{expected}, not of dtype {array.dtype} ({shown(value)})")
    with np.errstate(over="ignore"):  # a longdouble may become inf here, and is then refused as that
        kind = np.float32 if array.dtype.newbyteorder("=") == np.float32 else np.float64
        return np.require(array, kind, ["C_CONTIGUOUS", "ALIGNED"])


def filled(name: str, array: Array) -> Array:
    """The array, if it has any item."""
    if array.size == 0:
        raise ValueError(f"{name} is empty, of shape {array.shape}; at least one sample is needed")
    return array


def within(name: str, array: Array, engine: Any, low: float, high: float, expected: str) -> None:
    """Refuse an array with an item outside [low, high], or NaN. The engine looks, in one pass."""
    index = engine.first_outside(array.reshape(-1), low, high)
    if index >= 0:
        place = ", ".join(str(k) for k in np.unravel_index(index, array.shape))
        raise ValueError(f"{name}[{place}] is {array.reshape(-1)[index]!s}; {name} must hold {expected}")


def rows_sum_to_one(name: str, array: Array) -> None:
    """Refuse targets that are not a distribution over the outputs, but for the rounding of their own dtype."""
    tolerance = 1e-6 if array.dtype == np.float32 else 1e-8
    off = np.abs(array.sum(axis=1, dtype=np.float64) - 1.0) > tolerance * array.shape[1]
    if off.any():
        row = int(np.argmax(off))
        raise ValueError(
            f"{name}[{row}] sums to {array[row].sum(dtype=np.float64)!s}; {name} must hold rows that"
            " sum to 1 for loss='log_loss' with softmax outputs"
        )


def finite(name: str, array: Array, engine: Any, dtype: str) -> None:
    """Refuse an array with NaN or infinity in it, or with a number that the dtype cannot hold."""
    largest = LARGEST[dtype]
    where = "" if dtype == "float64" else f" of {dtype}, as the network has them"
    within(name, array, engine, -largest, largest, f"finite numbers{where}")


def samples(name: str, value: Any, n_features: int, engine: Any, dtype: str) -> tuple[Array, bool]:
    """Samples as (n_samples, n_features), and whether it was a single one, given as (n_features,)."""
    array = filled(name, float_array(name, value))
    single = array.ndim == 1
    if array.ndim not in (1, 2) or array.shape[-1] != n_features:
        hint = f"; for samples of one number use {name}.reshape(-1, 1)" if single and n_features == 1 else ""
        raise ValueError(
            f"{name} has shape {array.shape}, expected (n_samples, {n_features}), or ({n_features},) for one"
            f" sample{hint}"
        )
    finite(name, array, engine, dtype)
    return (array.reshape(1, -1) if single else array), single


def targets(name: str, value: Any, n_samples: int, n_outputs: int, single: bool, engine: Any, dtype: str) -> Array:
    """Targets as (n_samples, n_outputs); (n_outputs,) for one sample, (n_samples,) for one output."""
    array = filled(name, float_array(name, value))
    if single:
        if array.shape != (n_outputs,):
            raise ValueError(f"{name} has shape {array.shape}, expected ({n_outputs},), as for one sample")
    elif array.shape != (n_samples, n_outputs) and not (n_outputs == 1 and array.shape == (n_samples,)):
        also = f" or ({n_samples},)" if n_outputs == 1 else ""
        raise ValueError(f"{name} has shape {array.shape}, expected ({n_samples}, {n_outputs}){also}")
    finite(name, array, engine, dtype)
    return array.reshape(n_samples, n_outputs)
