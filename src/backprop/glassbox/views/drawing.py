"""The network drawn in characters: units in columns, joined by lines that every unit of a layer meets."""

from typing import TYPE_CHECKING

from ..names import Key

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["drawing"]

ROWS = 8  # units of a layer that are drawn


def drawing(trace: "Trace", width: int = 80, *, values: bool = True) -> list[str]:
    """Lines of at most `width` characters; each unit with its value for the first sample, if there is room."""
    columns = [_column(trace, layer) for layer in range(len(trace.config.sizes))]
    lines = _joined(columns)
    if not values or max(map(len, lines)) > width:  # names alone
        lines = _joined([[cell.rpartition(" ")[0] for cell in column] for column in columns])
    if max(map(len, lines)) > width:
        sizes = " -> ".join(f"{size} units" for size in trace.config.sizes)
        return [sizes] if len(sizes) <= width else [f"{len(trace.config.sizes)} layers"]
    return lines


def _column(trace: "Trace", layer: int) -> list[str]:
    """A layer's units, one below the other."""
    size = trace.config.sizes[layer]
    kind = "out" if layer else "input"
    shown_units = range(1, min(size, ROWS) + 1)
    cells = []
    for k in shown_units:
        key = Key(kind, layer, (k,), 1)
        cells.append(f"{trace.names.tail(layer, k)} {trace.quantities.value(key):.4g}")
    if size > ROWS:
        cells[-1] = f"... {size - ROWS + 1} more"
    return cells


def _joined(columns: list[list[str]]) -> list[str]:
    height = max(map(len, columns))
    lines = ["" for _ in range(2 * height - 1)]
    for n, column in enumerate(columns):
        wide = max(map(len, column))
        after = columns[n + 1] if n + 1 < len(columns) else []
        reach = max(len(column), len(after))
        for row in range(2 * height - 1):
            k, between = divmod(row, 2)
            cell = column[k] if not between and k < len(column) else ""
            lines[row] += f"{cell:<{wide}}"
            if after:
                left = " ---" if cell else "    "
                right = "--> " if not between and k < len(after) else "    "
                inside = row <= 2 * (reach - 1)
                lines[row] += f"{left}{('+' if cell or right.strip() else '|') if inside else ' '}{right}"
    return [line.rstrip() for line in lines]
