"""One's own names for inputs, units and outputs, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from .. import _checks as checks

__all__ = ["checked_names"]

LONGEST = 60  # characters
FORBIDDEN = frozenset("/@[]+*⟨⟩")  # they have a meaning in names and formulas


def checked_names(own: Any, sizes: tuple[int, ...]) -> dict[int, list[str]]:
    """One's own names by layer."""
    if own is None:
        return {}
    if not isinstance(own, Mapping):
        raise TypeError(f"names must be a dict with 'inputs', 'hidden' or 'outputs', not {checks.shown(own)}")
    unknown = [key for key in own if key not in ("inputs", "hidden", "outputs")]
    if unknown:
        raise ValueError(f"names has the key {checks.shown(unknown[0])}, expected 'inputs', 'hidden' or 'outputs'")
    last = len(sizes) - 1
    by_layer: dict[int, list[str]] = {}

    def add(where: str, layer: int, names: Any) -> None:
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise TypeError(f"names[{where}] must be a list of names, not {checks.shown(names)}")
        if len(names) != sizes[layer]:
            raise ValueError(f"names[{where}] has {len(names)} names, expected {sizes[layer]}")
        by_layer[layer] = [_checked_name(f"names[{where}][{k}]", name) for k, name in enumerate(names)]

    if "inputs" in own:
        add("'inputs'", 0, own["inputs"])
    if "hidden" in own:
        hidden = own["hidden"]
        if last == 2:
            add("'hidden'", 1, hidden)
        elif isinstance(hidden, str) or not isinstance(hidden, Sequence) or len(hidden) != last - 1:
            raise ValueError(f"names['hidden'] must be {last - 1} lists of names, not {checks.shown(hidden)}")
        else:
            for k, names in enumerate(hidden):
                add(f"'hidden'][{k}", k + 1, names)
    if "outputs" in own:
        add("'outputs'", last, own["outputs"])
    return by_layer


def _checked_name(where: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{where} must be a string, not {checks.shown(name)}")
    bad = [char for char in name if char in FORBIDDEN or not char.isprintable()]
    if not name.strip() or len(name) > LONGEST or bad or name != name.strip():
        raise ValueError(
            f"{where} is {checks.shown(name)}; a name has 1 to {LONGEST} printable characters, no space at its"
            f" ends, and none of {' '.join(sorted(FORBIDDEN))}"
        )
    return name
