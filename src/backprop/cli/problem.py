"""A network, a sample and a training step, from a mapping such as a network file holds: checked, every key placed.

The keys are the arguments of `Network` and of `Network.trace`, and ``weights``, ``biases`` or ``parameters``;
docs/teachers.md has the list.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from .. import _checks as checks
from .._config import BIASES, UPDATE_ORDERS
from .._input_errors import InputError, Place, nearest
from ..functions import ACTIVATIONS, LARGEST, LOSSES
from ..glassbox.names import Key, Names
from ..glassbox.trace import Trace
from ..network import Network
from ..optimizers import SGD, Adam, Optimizer
from .documents import Path

__all__ = ["KEYS", "Problem", "check_words", "nowhere", "placed", "problem_of"]

NETWORK = ("activation", "output_activation", "loss", "huber_delta", "bias", "train_bias", "update_order", "dtype")
WORDS = {
    "activation": [name for name, row in ACTIVATIONS.items() if row.hidden],
    "output_activation": [name for name, row in ACTIVATIONS.items() if row.output],
    "loss": [*LOSSES],
    "bias": [*BIASES],
    "update_order": [*UPDATE_ORDERS],
    "dtype": ["float64", "float32"],
    "optimizer": ["sgd", "adam"],
}
VALUES = ("weights", "biases", "parameters")
OPTIMIZERS: dict[str, tuple[type[Optimizer], tuple[str, ...]]] = {
    "sgd": (SGD, ("momentum", "nesterov")),
    "adam": (Adam, ("beta_1", "beta_2", "epsilon")),
}
CONSTANTS = tuple(name for _, names in OPTIMIZERS.values() for name in names)
STEP = ("learning_rate", "l2", "sample_weight", "batch_size", "after")
KEYS = ("sizes", *NETWORK, "names", *VALUES, "x", "t", "optimizer", *CONSTANTS, *STEP)
OTHER_WORDS = {"layers": "sizes", "hidden_activation": "activation", "inputs": "x", "targets": "t", "y": "t",
               "lr": "learning_rate", "eta": "learning_rate", "rate": "learning_rate", "alpha": "l2"}  # fmt: skip
MOST = 2_000_000  # parameters
MOST_LAYERS = 1_000
MOST_SAMPLES = 10_000
ERRORS = (TypeError, ValueError, ImportError, ArithmeticError, MemoryError)

Where = Callable[..., Place]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Problem:
    """What a sheet, a trace or a check is of.

    Attributes
    ----------
    net : Network
    x, t : array-like
        One sample, or a batch.
    step : dict
        The other arguments of `Network.trace`.
    place : callable
        Where a key of the mapping stands, for messages.
    """

    net: Network
    x: Any
    t: Any
    step: dict[str, Any] = field(repr=False)
    place: Where = field(repr=False)

    def trace(self) -> Trace:
        """The step.

        Raises
        ------
        InputError
            If x, t or an option of the step cannot be used.
        """
        try:
            return self.net.trace(self.x, self.t, **self.step)
        except ERRORS as error:
            raise placed(error, self.place) from None


def problem_of(data: Mapping[str, Any], place: Where) -> Problem:
    """A problem from a mapping.

    Parameters
    ----------
    data : mapping
    place : callable
        ``place(path)`` and ``place(path, key=True)``, as `documents.Document` has it.

    Raises
    ------
    InputError
        If a key is unknown or missing, or its value cannot be used; the message says where.
    """
    for key in data:
        if key not in KEYS:
            hint = f"; did you mean {OTHER_WORDS[key]!r}?" if key in OTHER_WORDS else nearest(key, KEYS)
            raise InputError(place((key,), key=True), f"there is no key {checks.shown(key)}{hint}")
    for key in ("x", "t"):
        if key not in data:
            what = {"x": "the inputs", "t": "the targets"}[key]
            raise InputError(place(()), f"{key!r} is missing: {what}, such as {key} = [0.05, 0.1]")
    check_words(data, place)
    try:
        net = _network(data, place)
        _check_data(net, data, place)
        step = {key: data[key] for key in (*STEP, "names") if key in data}
        step["optimizer"] = _optimizer(data, place)
        return Problem(net, data["x"], data["t"], step, place)
    except InputError:
        raise
    except ERRORS as error:
        raise placed(error, place) from None


def placed(error: BaseException, place: Where) -> InputError:
    """An error whose message begins with an argument's name, and perhaps indices, at that argument's place."""
    message = str(error) or "there is not enough memory"
    found = re.match(r"(\w+)((?:\[[^\]]*\])*)(?:: )?", message)
    if not found or found[1] not in KEYS:
        return InputError(place(()), message)
    parts = [part.strip() for part in re.sub(r"[\[\]']+", ",", found[2]).split(",") if part.strip()]
    path = (found[1], *(int(part) if part.isascii() and part.isdecimal() else part for part in parts))
    return InputError(place(path), message[found.end() :] if found[0].endswith(": ") else message)


def check_words(data: Mapping[str, Any], place: Where) -> None:
    """Refuse a name of an activation, a loss ... that there is not, and suggest the nearest.

    Raises
    ------
    InputError
        With the place of the name.
    """
    for key, known in WORDS.items():
        given = data.get(key, known[0])
        for k, word in enumerate(given if key == "activation" and isinstance(given, list) else [given]):
            if not isinstance(word, str) or word not in known:
                near = nearest(word, known) if isinstance(word, str) else ""
                path: Path = (key, k) if isinstance(given, list) else (key,)
                said = f"{key} is {checks.shown(word)}; expected {', '.join(known[:-1])} or {known[-1]}{near}"
                raise InputError(place(path), said)


def nowhere(path: Path, *, key: bool = False) -> Place:
    """The place of what was not read from a file."""
    return Place("the network")


# ---- its parts -----------------------------------------------------------------------------------------------


def _network(data: Mapping[str, Any], place: Where) -> Network:
    if "parameters" in data and ("weights" in data or "biases" in data):
        raise InputError(place(("parameters",), key=True), "'parameters' stands instead of 'weights' and 'biases'")
    if "weights" not in data and "parameters" not in data:
        raise InputError(place(()), "'weights' is missing; or 'parameters', with every weight by its name")
    if "sizes" not in data and "weights" not in data:
        raise InputError(place(()), "'sizes' is missing: the units of each layer, such as sizes = [2, 2, 2]")
    sizes = checks.layer_sizes(data["sizes"] if "sizes" in data else _sizes_of(data["weights"]))
    if len(sizes) > MOST_LAYERS:
        raise ValueError(f"sizes: {len(sizes):,} layers are more than the {MOST_LAYERS:,} that are taken")
    count = sum(above * (below + 1) for below, above in pairwise(sizes))
    if count > MOST:
        raise ValueError(f"sizes: a network of {count:,} parameters is larger than the {MOST:,} that are taken")
    net = Network(sizes, random_state=0, **{key: data[key] for key in NETWORK if key in data})
    if "parameters" in data:
        _set_by_name(net, data, place)
        return net
    shapes = [view.shape for view in net.weights]
    net.weights = [_array(place, ("weights", k), *of) for k, of in _layers(place, "weights", data, shapes)]
    if "biases" in data:
        if net.config.bias == "none":
            raise InputError(place(("biases",), key=True), "biases are given, and bias is 'none'")
        spread = {**data, "biases": _spread(data["biases"], net)}
        shapes = [view.shape for view in net.biases]
        net.biases = [_array(place, ("biases", k), *of) for k, of in _layers(place, "biases", spread, shapes)]
    return net


def _layers(place: Where, key: str, data: Mapping[str, Any], shapes: list[Shape]) -> Iterator[tuple[int, Any]]:
    """Each layer's part of a list, and the shape that it must have."""
    if not isinstance(data[key], list) or len(data[key]) != len(shapes):
        seen = f"of {len(data[key])}" if isinstance(data[key], list) else checks.shown(data[key])
        said = f"{key} must be a list of {len(shapes)} layers, not {seen}"
        raise InputError(place((key,)), said)
    yield from enumerate(zip(data[key], shapes, strict=True))


def _array(place: Where, path: Path, value: Any, shape: Shape) -> Any:
    """Lists of numbers in lists, of that shape."""
    name = f"{path[0]}{''.join(f'[{k}]' if isinstance(k, int) else f'.{k}' for k in path[1:])}"
    if shape:
        if not isinstance(value, list) or len(value) != shape[0]:
            what = "number" if len(shape) == 1 else "row"
            seen = f"of {len(value)}" if isinstance(value, list) else checks.shown(value)
            said = f"{name} must be a list of {shape[0]} {what}{'s' if shape[0] > 1 else ''}, not {seen}"
            raise InputError(place(path), said)
        return [_array(place, (*path, k), item, shape[1:]) for k, item in enumerate(value)]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(place(path), f"{name} must be a number, not {checks.shown(value)}")
    if not -LARGEST <= value <= LARGEST:
        raise InputError(place(path), f"{name} is {checks.shown(value)}; expected a finite number")
    return value


def _check_data(net: Network, data: Mapping[str, Any], place: Where) -> None:
    """Refuse samples and targets that are no lists of numbers of the right length."""
    x, t = data["x"], data["t"]
    if _is_batch(x) and len(x) > MOST_SAMPLES:
        raise InputError(place(("x",)), f"x has {len(x):,} samples, more than the {MOST_SAMPLES:,} that are taken")
    for key, value, size in (("x", x, net.config.sizes[0]), ("t", t, net.config.sizes[-1])):
        shape = (len(value), size) if _is_batch(value) else (size,)
        if key == "t" and size == 1 and _is_batch(x) and not _is_batch(t):
            shape = (len(x),)  # a number for each sample
        _array(place, (key,), value, shape)


def _is_batch(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(row, list) for row in value)


def _sizes_of(weights: Any) -> list[int]:
    """The units of each layer, as weights have them."""
    expected = "weights must be a list of layers, each a list of rows, one row for each unit below"
    for layer in weights if isinstance(weights, list) and weights else [None]:
        if not isinstance(layer, list) or not layer or not isinstance(layer[0], list):
            raise TypeError(f"{expected}, not {checks.shown(weights)}")
    return [len(weights[0]), *(len(layer[0]) for layer in weights)]


def _spread(biases: Any, net: Network) -> Any:
    """Biases of which a layer's may be one number for all its units."""
    if not isinstance(biases, list) or len(biases) != len(net.biases):
        return biases
    return [
        one if isinstance(one, list) else [one] * len(view) for one, view in zip(biases, net.biases, strict=True)
    ]


def _set_by_name(net: Network, data: Mapping[str, Any], place: Where) -> None:
    given, names = data["parameters"], Names(net.config, data.get("names"))
    if not isinstance(given, Mapping):
        raise TypeError(f"parameters must hold names and numbers, such as w1 = 0.15, not {checks.shown(given)}")
    wanted: dict[Key, str] = {}
    for layer, (weights, biases) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        below, above = weights.shape
        indices: list[tuple[int, ...]] = [(i + 1, j + 1) for j in range(above) for i in range(below)]
        indices += [(j + 1,) for j in range(above)] if net.config.bias == "per_unit" else [()] * len(biases)
        wanted |= {key: names.name(key) for key in (Key("parameter", layer, index) for index in indices)}
    found: dict[Key, str] = {}
    arrays = [[np.zeros(view.shape) for view in views] for views in (net.biases, net.weights)]
    for name, value in given.items():
        key = names.key(name)
        if key not in wanted:
            near = nearest(name, wanted.values())
            said = f"parameters: this network has no weight or bias {checks.shown(name)}{near}"
            raise InputError(place(("parameters", name), key=True), said)
        if key in found:
            raise InputError(
                place(("parameters", name), key=True), f"{name!r} is {found[key]!r}, which is there too"
            )
        found[key] = name
        number = _array(place, ("parameters", name), value, ())
        assert key is not None
        assert key.layer is not None
        at = tuple(k - 1 for k in key.indices) or (0,)
        arrays[len(key.indices) == 2][key.layer - 1][at] = number
    missing = [name for key, name in wanted.items() if key not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(place(("parameters",), key=True), f"parameters has no {missing[0]}{more}")
    net.biases, net.weights = arrays


def _optimizer(data: Mapping[str, Any], place: Where) -> Optimizer:
    name = checks.choice("optimizer", data.get("optimizer", "sgd"), OPTIMIZERS)
    kind, own = OPTIMIZERS[name]
    for key in CONSTANTS:
        if key in data and key not in own:
            other = next(other for other, (_, constants) in OPTIMIZERS.items() if key in constants)
            raise InputError(place((key,), key=True), f"{key} goes with optimizer {other!r}, not {name!r}")
    return kind(**{key: data[key] for key in own if key in data})
