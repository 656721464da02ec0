"""A diagram of the network as SVG: weights as lines, by colour, dash and width, and numbers on the units.

It is a string that stands alone: no script, no outside source, and every name in it escaped.
"""

from html import escape
from typing import TYPE_CHECKING

from ..formulas import shown
from ..names import Key

if TYPE_CHECKING:
    from ..trace import Trace

__all__ = ["svg"]

MOST = 8  # units of a layer that are drawn
NAMED, NUMBERED = 6, 12  # lines of a layer that carry their (short) names and numbers, or their numbers
RADIUS, ROW, COLUMN, MARGIN, TOP = 30, 88, 240, 40, 44
POSITIVE, NEGATIVE, ZERO = "#1f5fa8", "#c2410c", "#8a8a8a"
WIDEST, THINNEST = 6.0, 0.8
FONT = "font-family:system-ui,sans-serif"

Point = tuple[float, float]


def svg(trace: "Trace", *, after: bool = False) -> str:
    """The network of the first sample; see `Trace.svg`."""
    sizes = trace.config.sizes
    rows = [min(size, MOST) for size in sizes]
    cut = any(size > MOST for size in sizes)
    width = 2 * MARGIN + 2 * RADIUS + COLUMN * (len(sizes) - 1) + 90
    height = TOP + ROW * max(rows) + (68 if cut else 51)
    places: list[list[Point]] = [
        [
            (MARGIN + RADIUS + COLUMN * layer, TOP + ROW * (max(rows) - count) / 2 + ROW * (k + 0.5))
            for k in range(count)
        ]
        for layer, count in enumerate(rows)
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" style="max-width:100%;height:auto;background:#fff;{FONT}">',
        f"<title>{escape(_title(trace))}</title>",
    ]
    for layer in range(1, len(sizes)):
        parts += _lines(trace, layer, places[layer - 1], places[layer], after)
    for layer, column in enumerate(places):
        parts += _column(trace, layer, column)
    parts.append(_legend(width, height, cut, after))
    return "\n".join([*parts, "</svg>"])


def _title(trace: "Trace") -> str:
    return f"A {'-'.join(map(str, trace.config.sizes))} network with the numbers of update {trace.update}"


def _lines(trace: "Trace", layer: int, below: list[Point], above: list[Point], after: bool) -> list[str]:
    """The weights into a layer; the thickest line is the layer's largest weight that is drawn."""
    kind = "new_parameter" if after else "parameter"
    keys = {(i, j): Key(kind, layer, (i + 1, j + 1)) for j in range(len(above)) for i in range(len(below))}
    values = {place: trace.quantities.value(key) for place, key in keys.items()}
    largest = max((abs(value) for value in values.values() if abs(value) < float("inf")), default=0.0) or 1.0
    lines, labels = [], []
    for (i, j), value in values.items():
        (x1, y1), (x2, y2) = below[i], above[j]
        share = min(abs(value) / largest, 1.0) if value == value else 1.0
        colour = POSITIVE if value > 0 else NEGATIVE if value < 0 else ZERO
        dash = ' stroke-dasharray="7 4"' if value < 0 else ""
        name = trace.names.name(keys[i, j])
        lines.append(
            f'<line x1="{x1 + RADIUS:g}" y1="{y1:g}" x2="{x2 - RADIUS:g}" y2="{y2:g}" stroke="{colour}"'
            f' stroke-width="{max(THINNEST, WIDEST * share):.2f}"{dash}>'
            f"<title>{escape(name)} = {shown(value)}</title></line>"
        )
        if len(values) <= NUMBERED:
            # On the line, and for each unit above at another distance, so that they stand apart.
            t = 0.16 + 0.68 * (j + 0.5) / len(above)
            x, y = x1 + RADIUS + (x2 - x1 - 2 * RADIUS) * t, y1 + (y2 - y1) * t
            words = f"{name} {value:.3g}" if len(values) <= NAMED and len(name) < 5 else f"{value:.3g}"
            labels.append(_text(x, y + 4, words, size=12, fill=colour, halo=True))
    return lines + labels


def _column(trace: "Trace", layer: int, column: list[Point]) -> list[str]:
    """The units of a layer, with their numbers inside and beside them."""
    size, last = trace.config.sizes[layer], len(trace.config.sizes) - 1
    parts = [_text(column[0][0], 24, _heading(trace, layer), size=13, fill="#222")]
    for k, (x, y) in enumerate(column, start=1):
        if k == MOST < size:
            parts.append(_text(x, y + 4, f"… {size - MOST + 1:,} more", size=13, fill="#222"))
            continue
        name = trace.names.tail(layer, k)
        value = trace.quantities.value(Key("out" if layer else "input", layer, (k,), 1))
        parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}" fill="#fff" stroke="#222" stroke-width="1.5">'
            f"<title>{escape(_hover(trace, layer, k))}</title></circle>"
        )
        parts.append(_text(x, y - 4, name if len(name) <= 7 else f"{name[:6]}…", size=13, fill="#222"))
        parts.append(_text(x, y + 13, f"{value:.4g}", size=12, fill="#222"))
        if layer == last:
            target = trace.quantities.value(Key("target", layer, (k,), 1))
            parts.append(
                _text(x + RADIUS + 8, y + 4, f"target {target:.4g}", size=12, fill="#222", anchor="start")
            )
    return parts


def _heading(trace: "Trace", layer: int) -> str:
    last = len(trace.config.sizes) - 1
    if layer == 0:
        return "inputs"
    words = trace.step.activations[layer - 1].name
    where = "outputs" if layer == last else "hidden" if last == 2 else f"hidden {layer}"
    return f"{where} ({words})"


def _hover(trace: "Trace", layer: int, k: int) -> str:
    """What a unit shows when pointed at: net, out and delta."""
    kinds = ("net", "out", "delta") if layer else ("input",)
    keys = [Key(kind, layer, (k,), 1) for kind in kinds]
    return ", ".join(f"{trace.names.name(key)} = {shown(trace.quantities.value(key))}" for key in keys)


def _legend(width: float, height: float, cut: bool, after: bool) -> str:
    when = "after" if after else "before"
    lines = [
        f"Weights {when} the update; the thicker, the larger in its layer.",
        "Solid blue: above 0. Dashed orange: below.",
    ]
    if cut:
        lines.append(f"Layers of more than {MOST} units are drawn in part.")
    return "\n".join(
        _text(MARGIN, height - 12 - 17 * (len(lines) - 1 - k), line, size=12, fill="#444", anchor="start")
        for k, line in enumerate(lines)
    )


def _text(
    x: float, y: float, words: str, *, size: int, fill: str, anchor: str = "middle", halo: bool = False
) -> str:
    edge = ' stroke="#fff" stroke-width="6" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{fill}"{edge}>'
        f"{escape(words)}</text>"
    )
