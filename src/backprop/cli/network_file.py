"""Network files: a network, a sample and a training step as JSON or TOML, for people to read and write."""

import json
from collections.abc import Mapping
from typing import Any

from .documents import Document, json_document, toml_document
from .files import read_text, write_text

__all__ = ["mapping_of", "read_document", "write_network"]


def read_document(path: str) -> Document:
    """The mapping in a network file.

    Raises
    ------
    InputError
        If the file cannot be read, or is neither JSON nor TOML.
    """
    text = read_text(path)
    if text.suffix == ".json":
        return json_document(text)
    if text.suffix == ".toml":
        return toml_document(text)
    return json_document(text) if text.text.lstrip().startswith("{") else toml_document(text)


def mapping_of(net: Any, x: Any, t: Any, **step: Any) -> dict[str, Any]:
    """A ready network as the mapping that a network file holds, without what are defaults anyway."""
    config = net.config
    return {
        "sizes": [*config.sizes],
        "activation": [*config.activation],
        "output_activation": config.output_activation,
        "loss": config.loss,
        "bias": config.bias,
        "train_bias": config.train_bias,
        "update_order": config.update_order,
        "weights": [weights.tolist() for weights in net.weights],
        "biases": [biases.tolist() for biases in net.biases],
        "x": x.tolist(),
        "t": t.tolist(),
        **step,
    }


def write_network(path: str, data: Mapping[str, Any], comments: list[str]) -> None:
    """Write a network file, as JSON if its name ends so, else as TOML.

    Parameters
    ----------
    path : str
    data : mapping
        Strings, booleans, numbers, lists of these, and mappings of numbers.
    comments : list of str
        Lines at the head of a TOML file.
    """
    write_text(path, written(data, comments, as_json=path.lower().endswith(".json")))


def written(data: Mapping[str, Any], comments: list[str], *, as_json: bool = False) -> str:
    """The text of a network file; see `write_network`."""
    if as_json:
        return f"{{\n{_members(data, '  ')}\n}}\n"
    plain = {key: value for key, value in data.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in data.items() if isinstance(value, Mapping)}
    lines = [f"# {line}" for line in comments]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for name, table in tables.items():
        lines += ["", f"[{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _members(data: Mapping[str, Any], indent: str) -> str:
    """The members of a JSON object, a line each: a list of numbers stays on one."""
    lines = []
    for key, value in data.items():
        inside = isinstance(value, Mapping)
        text = f"{{\n{_members(value, indent + '  ')}\n{indent}}}" if inside else _value(value)
        lines.append(f"{indent}{_value(key)}: {text}")
    return ",\n".join(lines)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML writes strings, numbers, booleans and lists alike


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else _value(name)
