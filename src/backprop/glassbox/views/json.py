"""A trace as JSON, and back: the step's arrays, from which everything follows, and the records for other readers.

docs/trace.schema.json describes the format. Numbers are written with as many digits as bring back the same bits;
what is not finite as the strings "NaN", "Infinity" and "-Infinity", which JSON has no numbers for.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _checks as checks
from ..._config import BIASES, UPDATE_ORDERS, NetworkConfig
from ...functions import ACTIVATIONS, LOSSES, pair_is_possible
from ..sections import CONSTANTS, STATES
from ..step import Array, Arrays, Step, frozen

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["from_json", "to_json"]

FORMAT, VERSION = "backprop trace", 1
FEW = 5_000  # records that are written without being asked for
LARGEST = 10**8  # numbers that a file may hold


def to_json(trace: "Trace", *, records: bool | None = None, indent: int | None = None) -> str:
    """See `Trace.to_json`."""
    step, own = trace.step, trace.names.own
    last = len(trace.config.sizes) - 1
    names: dict[str, Any] = {}
    if 0 in own:
        names["inputs"] = own[0]
    if last > 1 and 1 in own:
        names["hidden"] = own[1] if last == 2 else [own[layer] for layer in range(1, last)]
    if last in own:
        names["outputs"] = own[last]
    whole: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "network": _specification(step.config),
        "names": names,
        "step": {
            field.name: _plain(getattr(step, field.name)) for field in fields(step) if field.name != "config"
        },
    }
    if records or (records is None and len(trace) <= FEW):
        whole["records"] = [
            {
                "name": record.name,
                "symbol": record.symbol,
                "kind": record.kind,
                "phase": record.phase,
                "layer": record.layer,
                "indices": list(record.indices),
                "sample": record.sample,
                "value": _plain(record.value),
                "operation": type(record.op).__name__,
                "operands": list(record.operands),
                "formula": record.formula,
                "numbers": record.numbers,
            }
            for record in trace
        ]
    return json.dumps(whole, allow_nan=False, indent=indent, ensure_ascii=False)


def _specification(config: NetworkConfig) -> dict[str, Any]:
    for function in (*config.activation, config.output_activation, config.loss):
        if not isinstance(function, str):
            raise TypeError(f"a trace with the custom function {function.name!r} cannot be written as JSON")
    return asdict(config)


def _plain(value: Any) -> Any:
    """Lists and numbers; what is not finite as a string."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if isfinite(value) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    return value


# ---- back ----------------------------------------------------------------------------------------------------


def from_json(text: str | bytes) -> "Trace":
    """See `Trace.from_json`."""
    from ..trace import Trace

    if not isinstance(text, str | bytes):
        raise TypeError(f"text must be a JSON string, not {checks.shown(text)}")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"text is not JSON: {error}") from None
    whole = _mapping("the trace", whole, {"format", "version", "network", "names", "step"})
    if whole["format"] != FORMAT or whole["version"] != VERSION:
        raise ValueError(
            f"text is {checks.shown(whole['format'])} of version {checks.shown(whole['version'])}, expected"
            f" {FORMAT!r} of version {VERSION}"
        )
    config = _config(_mapping("network", whole["network"], {field.name for field in fields(NetworkConfig)}))
    return Trace(_step(config, whole["step"], np.dtype(config.dtype)), whole["names"] or None)


def _mapping(where: str, value: Any, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object, not {checks.shown(value)}")
    missing = sorted(keys - set(value))
    if missing:
        raise ValueError(f"{where} has no {missing[0]!r}")
    return value


def _config(given: Mapping[str, Any]) -> NetworkConfig:
    """The specification, as strictly as `Network` checks it."""
    sizes = checks.layer_sizes(given["sizes"])
    if not isinstance(given["activation"], list) or len(given["activation"]) != len(sizes) - 2:
        raise ValueError(f"network: activation must be a list of {len(sizes) - 2} names")
    hidden = [name for name, row in ACTIVATIONS.items() if row.hidden]
    outputs = [name for name, row in ACTIVATIONS.items() if row.output]
    config = NetworkConfig(
        sizes=sizes,
        activation=tuple(checks.choice("activation", name, hidden) for name in given["activation"]),
        output_activation=checks.choice("output_activation", given["output_activation"], outputs),
        loss=checks.choice("loss", given["loss"], LOSSES),
        bias=checks.choice("bias", given["bias"], BIASES),
        train_bias=checks.boolean("train_bias", given["train_bias"]),
        update_order=checks.choice("update_order", given["update_order"], UPDATE_ORDERS),
        huber_delta=checks.rate("huber_delta", given["huber_delta"], above=True),
        dtype=checks.choice("dtype", given["dtype"], ("float64", "float32")),
    )
    if not pair_is_possible(given["output_activation"], given["loss"]):
        raise ValueError(f"network: loss={config.loss!r} does not go with {config.output_activation!r} outputs")
    return config


def _step(config: NetworkConfig, given: Any, dtype: Any) -> Step:
    given = _mapping("step", given, {field.name for field in fields(Step)} - {"config"})
    sizes, layers = config.sizes, range(len(config.sizes) - 1)
    if not isinstance(given["inputs"], list) or not given["inputs"]:
        raise ValueError("step: inputs must be a list of samples")
    n = len(given["inputs"])
    n_biases = [{"per_unit": sizes[k + 1], "shared": 1, "none": 0}[config.bias] for k in layers]
    method = checks.choice("method", given["method"], list(STATES))
    n_parameters = sum(sizes[k] * sizes[k + 1] for k in layers)
    if (n_parameters + n * sum(sizes)) > LARGEST:
        raise ValueError(f"network: sizes {sizes} are too large for a trace")

    def array(name: str, shape: tuple[int, ...], value: Any = None) -> Array:
        return _array(name, given[name] if value is None else value, shape, dtype)

    def arrays(name: str, shapes: list[tuple[int, ...]], value: Any = None) -> Arrays:
        value = given[name] if value is None else value
        if not isinstance(value, list) or len(value) != len(shapes):
            raise ValueError(f"step: {name} must be a list of {len(shapes)} arrays")
        return tuple(array(f"{name}[{k}]", shape, value[k]) for k, shape in enumerate(shapes))

    weights: list[tuple[int, ...]] = [(sizes[k], sizes[k + 1]) for k in layers]
    biases: list[tuple[int, ...]] = [(count,) for count in n_biases]
    units: list[tuple[int, ...]] = [(n, size) for size in sizes[1:]]

    def moments(name: str) -> tuple[tuple[Arrays, Arrays], ...]:
        value = given[name]
        if not isinstance(value, list) or len(value) != len(STATES[method]):
            raise ValueError(f"step: {name} must be a list of {len(STATES[method])} pairs")
        for pair in value:
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"step: {name} must hold pairs of weights and biases")
        return tuple((arrays(name, weights, w), arrays(name, biases, b)) for w, b in value)

    def scalars(name: str, count: int) -> list[float]:
        found: list[float] = _array(name, given[name], (count,), np.float64).tolist()
        return found

    powers, new_powers = scalars("powers", 2), scalars("new_powers", 2)
    rows = given["rows"]
    if not isinstance(rows, list) or len(rows) != n:
        raise ValueError(f"step: rows must be a list of {n} integers")
    return Step(
        config=config,
        engine=checks.choice("engine", given["engine"], ("compiled", "python")),
        method=method,
        constants=tuple(scalars("constants", len(CONSTANTS[method]))),
        learning_rate=checks.rate("learning_rate", given["learning_rate"]),
        l2=checks.rate("l2", given["l2"]),
        inputs=array("inputs", (n, sizes[0])),
        targets=array("targets", (n, sizes[-1])),
        sample_weight=None if given["sample_weight"] is None else array("sample_weight", (n,)),
        weights=arrays("weights", weights),
        biases=arrays("biases", biases),
        moments=moments("moments"),
        powers=(powers[0], powers[1]),
        nets=arrays("nets", units),
        outs=arrays("outs", units),
        losses=_array("losses", given["losses"], (n,), np.float64),
        loss=float(_array("loss", given["loss"], (), np.float64)),
        hidden_gradients=arrays("hidden_gradients", units[:-1]),
        deltas=arrays("deltas", units),
        new_weights=arrays("new_weights", weights),
        new_biases=arrays("new_biases", biases),
        new_moments=moments("new_moments"),
        new_powers=(new_powers[0], new_powers[1]),
        update=checks.integer("update", given["update"]),
        rows=tuple(checks.integer("rows", row, 0) for row in rows),
        diverged=checks.boolean("diverged", given["diverged"]),
    )


def _array(name: str, value: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array of that shape from lists of numbers and of the three strings."""
    expected = f"step: {name} must be numbers of shape {shape}"

    def numbers(value: Any, depth: int) -> Any:
        if depth:
            if not isinstance(value, list) or len(value) != shape[len(shape) - depth]:
                raise ValueError(f"{expected}, not {checks.shown(value)}")
            return [numbers(item, depth - 1) for item in value]
        if value in ("NaN", "Infinity", "-Infinity"):
            return float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{expected}, not {checks.shown(value)}")
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{expected}, not {checks.shown(value)}") from None

    return frozen(np.array(numbers(value, len(shape)), dtype=dtype).reshape(shape))
