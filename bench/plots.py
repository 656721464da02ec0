"""Draw what the race found, with matplotlib: all peers of the main table, and the curves."""

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from cases import Case
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rows import GROUPS, IS_CURVE
from timing import Run, Time, spread

US = "backprop"
# One colour for each peer in every plot.
COLOURS = {
    US: "#000000",
    "backprop-alone": "#777777",
    "backprop-float64": "#777777",
    "reference": "#bbbbbb",
    "tutorial": "#999933",
    "numpy": "#117733",
    "sklearn": "#ee7733",
    "torch": "#cc3311",
    "torch-compile": "#ee99aa",
    "jax-step": "#99ddff",
    "jax": "#0077bb",
    "jax-unrolled": "#33bbee",
    "numba": "#aa4499",
    "fann": "#ddaa33",
    "c": "#44aa99",
    "c-table": "#88ccaa",
}
AXES = {
    "width": "units in the hidden layer",
    "width-batch": "units in the hidden layer",
    "depth": "hidden layers",
    "batch": "samples in a batch",
    "samples": "samples in a call",
    "many": "networks",
}

mpl.rcParams["svg.hashsalt"] = "backprop"  # the same figures, the same file
mpl.rcParams["svg.fonttype"] = "none"
mpl.rcParams["font.size"] = 9


def draw(run: Run, folder: Path) -> None:
    main = [found for found in run.found if found[0].group == "main"]
    if main:
        save(all_peers(run, main), folder / "race.svg")
    curves = [group for group in GROUPS if group in IS_CURVE and any(case.group == group for case, _ in run.found)]
    if curves:
        save(scaling(run, curves), folder / "scaling.svg")


def save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")


def title(run: Run, key: str) -> str:
    """As plain text."""
    said: str = run.peers[key]["title"]
    return said.replace("`", "")


def style(key: str) -> dict[str, Any]:
    ours = key == US
    return {"color": COLOURS[key], "zorder": 3 if ours else 2, "linewidth": 2.5 if ours else 1.2}


def finish(axes: Axes) -> None:
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def all_peers(run: Run, found: list[tuple[Case, dict[str, Time]]]) -> Figure:
    """A line for each network, a dot for each peer on a logarithmic axis of time."""
    figure = Figure(figsize=(9, 0.5 * len(found) + 1.6), layout="constrained")
    axes = figure.subplots()
    names = []
    for row, (case, times) in enumerate(found):
        names.append(f"{case.name}\nbatch {case.batch}" if case.batch > 1 else case.name)
        for key, time in times.items():
            values = getattr(time, run.clock)
            if values:
                axes.plot(spread(values), [row, row], color=COLOURS[key], linewidth=3, alpha=0.5)
                axes.plot(
                    median(values), row, "D" if key == US else "o", color=COLOURS[key],
                    markersize=8 if key == US else 6, zorder=3 if key == US else 2,
                    label=title(run, key),
                )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("nanoseconds per sample (forward, back, update)")
    finish(axes)
    legend(figure, axes)
    return figure


def scaling(run: Run, groups: list[str]) -> Figure:
    """A panel for each curve."""
    rows = (len(groups) + 2) // 3
    figure = Figure(figsize=(12, 3.6 * rows), layout="constrained")
    panels = figure.subplots(rows, 3, squeeze=False).ravel()
    for axes, group in zip(panels, groups, strict=False):
        found = [(case, times) for case, times in run.found if case.group == group]
        for key in run.peers:
            points = [
                (case.at, getattr(times[key], run.clock))
                for case, times in found
                if key in times and getattr(times[key], run.clock)
            ]
            if points:
                places, values = zip(*points, strict=True)
                low, high = zip(*map(spread, values), strict=True)
                axes.plot(places, list(map(median, values)), ".-", label=title(run, key), **style(key))
                axes.fill_between(places, low, high, color=COLOURS[key], alpha=0.2, linewidth=0)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_title(GROUPS[group][0], fontsize=9)
        axes.set_xlabel(AXES[group])
        axes.set_ylabel("ns per sample" + (" and network" if group == "many" else ""))
        finish(axes)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    legend(figure, *panels)
    return figure


def legend(figure: Figure, *panels: Axes) -> None:
    """One for all panels, above them."""
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=6, frameon=False)
