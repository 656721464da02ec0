"""Time the three contenders against each other and print the README's table.

    python bench/compare.py [--toy]

They take turns in one process, so that a machine that changes its speed changes it for all; a ratio is the median
of the ratios within each turn. Each result is checked before anything is timed.
"""

import argparse
import gc
import platform
import sys
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import numpy as np
from contenders import CONTENDERS, check
from problems import Problem, problems

from backprop import _engine, examples

REPEATS = 9
TURN_NS = 30_000_000  # of fast runs a turn has many: one of a millisecond would be at the mercy of its moment


def turn(problem: Problem, name: str, turn_ns: int) -> float:
    """Nanoseconds per sample: runs from the same start until the turn's time is up, at least one."""
    spent = runs = 0
    while spent < turn_ns or not runs:
        train = CONTENDERS[name](problem).train
        begin = perf_counter_ns()
        train()
        spent += perf_counter_ns() - begin
        runs += 1
    return spent / runs / problem.updates


def times(problem: Problem, repeats: int, turn_ns: int) -> dict[str, list[float]]:
    """Each contender's turns. The order rotates, so that none always follows the same one."""
    found: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    names = list(CONTENDERS)
    for _ in range(repeats):
        for name in names:
            found[name].append(turn(problem, name, turn_ns))
        names.append(names.pop(0))
    return found


def ratio(slower: list[float], faster: list[float]) -> float:
    return median(s / f for s, f in zip(slower, faster, strict=True))


def step_ns(repeats: int, calls: int) -> float:
    """One `net.step(x, t)` on the worked example, arrays given: nearly all of it is the call itself."""
    net, x, t = examples.worked_example(engine="compiled")
    found = []
    for _ in range(repeats):
        begin = perf_counter_ns()
        for _ in range(calls):
            net.step(x, t)
        found.append((perf_counter_ns() - begin) / calls)
    return median(found)


def machine() -> str:
    """What the numbers depend on, in a line."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        cpu = models[0].partition(":")[2].strip() if models else cpu
    system = f"{platform.system()} {platform.release()}"
    if sys.platform == "linux":
        try:
            system = platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            system = "Linux"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    engine = _engine.pick("compiled")
    parts = [cpu, system, python, f"NumPy {np.__version__}", engine.BUILT_WITH, engine.INSTRUCTION_SET]
    return ", ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the engines and a tutorial-style loop; print a table.")
    parser.add_argument(
        "--toy", action="store_true", help="a few seconds, to see that it runs; the times mean little"
    )
    toy = parser.parse_args().toy
    repeats, turn_ns, calls = (1, 0, 100) if toy else (REPEATS, TURN_NS, 5_000)

    cases = problems(toy=toy)
    for problem in cases:
        check(problem)
    rows = []
    gc.disable()
    for problem in cases:
        found = times(problem, repeats, turn_ns)
        ours, single, loop, python = (
            found[name] for name in ("compiled", "compiled, float32", "tutorial-style", "reference")
        )
        middles = " | ".join(f"{median(values):,.0f}" for values in (ours, single, loop, python))
        ratios = f"{ratio(loop, ours):,.0f} | {ratio(python, ours):,.0f} | {ratio(ours, single):,.1f}"
        rows.append(f"| {problem.name} | {problem.updates:,} | {middles} | {ratios} |")
    step = step_ns(repeats, calls)
    gc.enable()

    times_of = "compiled, ns | in float32, ns | tutorial-style loop, ns | reference, ns"
    print(f"| network | updates | {times_of} | loop / compiled | reference / compiled | compiled / float32 |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    print(*rows, sep="\n")
    print()
    size = "TOY SIZE, for no conclusions" if toy else f"medians of {repeats} turns"
    print(f"Nanoseconds per update (forward, back, update, one sample), {size}: `python bench/compare.py`.")
    print(f"On {machine()}.")
    print(f"One call of `net.step(x, t)` on 2-2-2 takes {step / 1000:.1f} µs.")


if __name__ == "__main__":
    main()
