"""Train the same networks with this package and with every other library at hand, and write tables and plots.

    python bench/race.py [--toy] [--only PEERS] [--groups GROUPS] [--clock processor] [--out FOLDER]

Before a case is timed, every peer must have computed the same losses on its first samples, from the same weights.
Each peer is a process of its own, held to one core (XLA heeds nothing less); they take turns, so that a machine
that changes its speed changes it for all. A ratio is the median of the ratios to this package within the turns.
"""

import argparse
import datetime
import os
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import sleep

import numpy as np
from cases import Case
from machine import processor, python, system, vector_sets
from peers import PEERS
from report import write
from rows import GROUPS, all_rows, toy_rows
from timing import Run, Time
from workers import Worker, Workers

US = "backprop"
RESULTS = Path(__file__).with_name("results")
# With several threads: those of a library that has had its turn look out for work a while before they sleep, and a
# processor that slept takes a while to wake.
REST = 0.3  # seconds
LONGER = 6  # times a turn's usual length
MOVED = 1e-6  # a check on losses that did not move would say nothing


def tolerance(case: Case, of_peer: float) -> float:
    """How far two computations of a loss may be apart, relatively.

    float64: 1e-9. float32: rounding errors of a sum grow like the root of its terms; 32 of those for the updates
    of the check and for what cancels.
    """
    if of_peer:
        return of_peer
    return 1e-9 if case.dtype == "float64" else 32 * float(np.finfo("f").eps) * max(case.sizes) ** 0.5


def check(case: Case, worker: Worker, us: Worker) -> Time:
    """Whether a peer computes what this package does."""
    time = Time()
    answer = worker.ask("losses", case=asdict(case))
    if "losses" not in answer:
        time.refusal, time.failure = answer.get("unsupported", ""), answer.get("failed", "")
        return time
    computed = Case(**answer["computed"] | {"sizes": case.sizes, "aims": ()})
    if (computed.output, computed.dtype) != (case.output, case.dtype):
        time.computed = ", ".join({computed.output, computed.dtype} - {case.output, case.dtype})
    ours = us.ask("losses", case=asdict(computed))
    if "losses" not in ours:
        time.refusal = "this package has nothing to compare with there"
        return time
    first, *_, last = ours["losses"]
    if abs(first - last) < MOVED * first:
        time.failure = f"the check's losses hardly move, from {first} to {last}"
    theirs, mine = np.array(answer["losses"]), np.array(ours["losses"])
    time.difference = float((np.abs(theirs - mine) / mine).max())  # NaN, where there is one
    if not time.difference <= tolerance(computed, worker.hello["tolerance"]):
        time.failure = f"not the same: losses {answer['losses']}, ours {ours['losses']}"
    if worker.hello["bits"] and answer["digest"] != ours["digest"]:
        time.failure = "not the same bits"
    return time


def race(case: Case, keys: list[str], workers: Workers, run: Run, seconds: float) -> dict[str, Time]:
    """Check all, then let those that passed take turns, in an order that rotates."""
    times: dict[str, Time] = {}
    us = workers.get(US, case.threads)
    for key in keys:
        worker = workers.get(key, case.threads)
        if "title" not in worker.hello:
            times[key] = Time(refusal=worker.hello.get("unsupported", worker.hello.get("failed", "?")))
            continue
        run.peers[key] = worker.hello
        times[key] = time = check(case, worker, us)
        if not time.refusal and not time.failure:
            longer = LONGER if case.threads > 1 else 1
            opened = worker.ask("open", case=asdict(case), seconds=longer * seconds)
            time.refusal, time.failure = opened.get("unsupported", ""), opened.get("failed", "")
    runners = [key for key, time in times.items() if not time.refusal and not time.failure]
    for _ in range(run.repeats):
        for key in [key for key in runners if not times[key].failure]:
            if case.threads > 1:
                sleep(REST)
            answer = workers.get(key, case.threads).ask("turn")
            times[key].failure = answer.get("failed", "")
            if not times[key].failure:
                times[key].clock.append(answer["clock"])
                times[key].processor.append(answer["processor"])
        runners.append(runners.pop(0)) if runners else None
    ours = getattr(times[US], run.clock)
    for time in times.values():
        theirs = getattr(time, run.clock)
        if len(theirs) == len(ours):
            time.ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    return times


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time this package beside other libraries.")
    parser.add_argument("--toy", action="store_true", help="see that it runs; the times mean little")
    parser.add_argument("--only", help=f"peers, by commas, of {', '.join(PEERS)}")
    parser.add_argument("--groups", help=f"by commas, of {', '.join(GROUPS)}")
    parser.add_argument("--repeats", type=int, help="turns of each peer, 9 by default")
    parser.add_argument("--seconds", type=float, help="a turn's length, about; 0.05 by default")
    parser.add_argument(
        "--clock", choices=("clock", "processor"), default="clock",
        help="what ratios are of: the clock, or the processor's time, for a machine that others use too",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="a folder for the results; results/ beside this by default")
    chosen = parser.parse_args()
    for name, known in (("only", PEERS), ("groups", GROUPS)):
        words = [word.strip() for word in (getattr(chosen, name) or "").split(",")]
        words = [word for word in words if word]
        if unknown := [word for word in words if word not in known]:
            parser.error(f"--{name}: {', '.join(unknown)}: known are {', '.join(known)}")
        setattr(chosen, name, words)
    chosen.repeats = chosen.repeats or (1 if chosen.toy else 9)
    chosen.seconds = chosen.seconds if chosen.seconds is not None else (0.002 if chosen.toy else 0.05)
    return chosen


def said(chosen: argparse.Namespace) -> list[str]:
    """The command line's words but for the folder, which says nothing to others."""
    words = ["--toy"] if chosen.toy else []
    for name in ("only", "groups"):
        words += [f"--{name}", ",".join(getattr(chosen, name))] if getattr(chosen, name) else []
    return [*words, "--repeats", str(chosen.repeats), "--seconds", f"{chosen.seconds:g}", "--clock", chosen.clock]


def main() -> None:
    chosen = arguments()
    run = Run(
        command=" ".join(["python", "bench/race.py", *said(chosen)]),
        clock=chosen.clock,
        repeats=chosen.repeats,
        toy=chosen.toy,
        machine=f"{processor()}, {' '.join(vector_sets())}, {system()}, {python()}",
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        load=[os.getloadavg()[0]],
    )
    rows = toy_rows() if chosen.toy else all_rows()
    rows = [case for case in rows if not chosen.groups or case.group in chosen.groups]
    with Workers() as workers:
        for number, case in enumerate(rows, start=1):
            keys = [US, *(chosen.only or GROUPS[case.group][1])]
            times = race(case, list(dict.fromkeys(keys)), workers, run, chosen.seconds)
            run.found.append((case, times))
            others = {key: f"{median(time.ratios):.3g}" for key, time in times.items() if time.ratios}
            ours = times[US]
            mine = f"{median(getattr(ours, run.clock)):,.0f} ns" if ours.ratios else ours.refusal or ours.failure
            place = f"[{number}/{len(rows)}] {case.group}: {case.name}, batch {case.batch}"
            print(f"{place}: {mine}", others, file=sys.stderr)
            for key, time in times.items():
                if time.failure:
                    print(f"    {key}: {time.failure}", file=sys.stderr)
    run.load.append(os.getloadavg()[0])
    write(run, chosen.out if chosen.out or chosen.toy else RESULTS)
    if any(time.failure for _, times in run.found for time in times.values()):
        raise SystemExit("some peers failed or did not compute the same; see above")


if __name__ == "__main__":
    main()
