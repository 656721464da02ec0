"""Write what the race found: tables in Markdown, every figure in CSV, plots."""

import csv
import io
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from cases import Case
from peers import PEERS
from rows import GROUPS, IS_CURVE
from timing import Run, Time, spread

US = "backprop"
BUSY = 0.7  # a load average from which on others were at work too

FIELDS = (
    "group", "network", "batch", "at", "peer", "ns per sample", "first quartile", "third quartile",
    "processor ns", "times backprop", "ratio's first quartile", "ratio's third quartile", "difference of losses",
    "computed instead", "why not",
)  # fmt: skip


SHORT = ("tutorial", "numpy", "sklearn", "torch", "jax", "numba", "fann")  # the README's columns


def write(run: Run, folder: Path | None) -> None:
    """All of it to a folder and the README's table to the screen; without a folder all to the screen."""
    text = markdown(run, plots=False)
    if folder is None:
        print(text)
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        from plots import draw
    except ImportError as error:
        print(f"no plots: {error}", file=sys.stderr)
    else:
        draw(run, folder)
        text = markdown(run, plots=True)
    (folder / "race.md").write_text(text, encoding="utf-8")
    (folder / "race.csv").write_text(table_of_all(run), encoding="utf-8")
    main = [(case, times) for case, times in run.found if case.group == "main"]
    if main:
        print(ratios(run, main, SHORT))


def markdown(run: Run, *, plots: bool) -> str:
    load = f"{run.load[0]:.1f} to {run.load[-1]:.1f}"
    busy = f"**Other work was going on (load average {load}): provisional.**\n" if max(run.load) > BUSY else ""
    parts = [
        "# Beside other libraries\n",
        f"{run.date}. {run.machine}. `{run.command}`\n",
        "**Toy size: no conclusions.**\n" if run.toy else busy,
        how(run),
    ]
    if plots:
        parts.append("![Times of all peers](race.svg)\n")
    for group, (heading, _) in GROUPS.items():
        found = [(case, times) for case, times in run.found if case.group == group]
        if found and group not in IS_CURVE:
            parts += [f"## {heading}\n", ratios(run, found)]
    parts.append(aims(run))
    if any(case.group in IS_CURVE for case, _ in run.found):
        parts.append("## Scaling\n\nTime for a sample against sizes and numbers; the figures are in `race.csv`.\n")
        if plots:
            parts.append("![Time against width, depth, batch, samples and networks](scaling.svg)\n")
    parts += ["## The peers\n", peers(run), reasons(run)]
    return "\n".join(part for part in parts if part)


def how(run: Run) -> str:
    clock = {"clock": "by the clock", "processor": "of the processor's time"}[run.clock]
    pinned = all(hello["pinned"] for hello in run.peers.values())
    held = "held to one core (two where it says so)" if pinned else "NOT held to a core (this system cannot)"
    return (
        f"Each peer is a process of its own, {held}; they take turns. Times are nanoseconds per sample {clock}"
        " (per sample and network for many networks), forward, back and update, no losses recorded: medians of"
        f" {run.repeats} turns with their quartiles. **A ratio is how many times backprop's time a peer needs**:"
        " the median of the ratios within the turns. Compiling is not in them.\n\n"
        "Before a case was timed, the peers computed the same losses (by one common formula from their parameters)"
        " before and after each of two epochs from the same weights on the same samples, to 1e-9 relatively in"
        " float64 (float32: 32 rounding errors times the root of the widest layer); the compiled engine and its"
        " reference the same bits. ° does as much work with other numbers: identity outputs instead of logistic,"
        " compared with backprop on those; float64 instead of float32; a table for the logistic, compared to"
        " 1 %.\n"
    )


def number(value: float) -> str:
    """Three digits, or all before the point."""
    digits = max(0, 2 - math.floor(math.log10(value))) if 0 < value < 100 else 0
    return f"{value:,.{digits}f}"


def cell(time: Time | None, other_numbers: bool) -> str:
    if time is None or time.refusal or not time.ratios:
        return "failed" if time and time.failure else "-"
    return number(median(time.ratios)) + ("°" if time.computed or other_numbers else "")


def ratios(run: Run, found: list[tuple[Case, dict[str, Time]]], among: Iterable[str] = PEERS) -> str:
    """backprop's times, and everyone's ratios to them."""
    timed = {key for _, times in found for key, time in times.items() if time.ratios}
    keys = [key for key in among if key in timed and key != US]
    head = ["network", "batch", "backprop, ns", *(run.peers[key]["title"] for key in keys)]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    for case, times in found:
        ours = getattr(times[US], run.clock)
        if ours:
            low, high = spread(ours)
            mine = f"{number(median(ours))} ({number(low)}-{number(high)})"
        else:
            mine = times[US].refusal or times[US].failure
        cells = [cell(times.get(key), run.peers[key]["tolerance"] > 0) for key in keys]
        lines.append("| " + " | ".join([case.name, str(case.batch), mine, *cells]) + " |")
    return "\n".join(lines) + "\n"


def aims(run: Run) -> str:
    """What the project has set itself, and what came of it; missed ones are bold."""
    lines = []
    for case, times in run.found:
        if not case.aims or not times[US].ratios:
            continue
        parts = []
        for key, wanted in case.aims:
            ratio = median(times[key].ratios) if key in times and times[key].ratios else None
            if ratio is not None:
                said = f"{run.peers[key]['title']} {number(ratio)} of {wanted:g}"
                parts.append(said if ratio >= wanted else f"**{said}**")
        rivals = {
            key: median(time.ratios) for key, time in times.items() if time.ratios and not key.startswith(US)
        }
        fastest = min(rivals, key=lambda key: rivals[key]) if rivals else None
        first = f"{run.peers[fastest]['title']} {number(rivals[fastest])}" if fastest else "-"
        ns = median(getattr(times[US], run.clock))
        time = f"{number(ns)} of {case.aim_ns:,.0f}" if case.aim_ns else number(ns)
        row = [case.name, str(case.batch), time, ", ".join(parts) or "-", first]
        lines.append("| " + " | ".join(row) + " |")
    if not lines:
        return ""
    head = "| network | batch | ns, of those aimed at | ratio, of the one required | fastest peer |"
    table = "\n".join([head, "|---|--:|--:|---|---|", *lines])
    return f"## Against the aims\n\nMissed ones are bold.\n\n{table}\n"


def peers(run: Run) -> str:
    lines = ["| peer | version | what it does |", "|---|---|---|"]
    lines += [
        f"| {hello['title']} | {hello['version']} | {hello['what']} |"
        for hello in (run.peers[key] for key in run.peers)
    ]
    return "\n".join(lines) + "\n"


def reasons(run: Run) -> str:
    """Why there is a dash; failures in full."""
    found: dict[str, None] = {}
    for case, times in run.found:
        for key, time in times.items():
            title = run.peers[key]["title"] if key in run.peers else key
            if time.refusal:
                found[f"- {title}: {time.refusal}"] = None
            if time.failure:
                found[f"- **{title}** failed on {case.name}, batch {case.batch}: {time.failure}"] = None
            if time.computed:
                found[f"- {title}: computed {time.computed} instead"] = None
    return "Where there is a dash or a mark:\n\n" + "\n".join(found) + "\n" if found else ""


def table_of_all(run: Run) -> str:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(FIELDS)
    for case, times in run.found:
        for key, time in times.items():
            place = [case.group, case.name, case.batch, f"{case.at:g}", key]
            why = time.failure or time.refusal
            if not time.ratios:
                lines.writerow([*place, *[""] * 8, time.computed, why])
                continue
            values = [median(time.clock), *spread(time.clock), median(time.processor)]
            relative = [median(time.ratios), *spread(time.ratios)]
            figures = [f"{value:.5g}" for value in (*values, *relative)]
            lines.writerow([*place, *figures, f"{time.difference:.1e}", time.computed, why])
    return out.getvalue()
