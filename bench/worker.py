"""A process with one peer in it, which does what the bench tells it by lines of JSON.

    python bench/worker.py PEER CORES

Thread pools, thread counts and settings of one library cannot touch another's, and CORES holds all of them to the
processors that they may use, also those that heed no variable. Orders:

{"do": "hello"}                           -> version, what the peer is, whether it is pinned
{"do": "losses", "case": ...}             -> losses over a few epochs, and a digest of the last parameters
{"do": "open", "case": ..., "seconds": s} -> ready for turns of about so many seconds
{"do": "turn"}                            -> nanoseconds per sample by the clock and of the processor
"""

import gc
import hashlib
import json
import math
import os
import sys
from dataclasses import asdict
from time import perf_counter, process_time
from typing import Any

from cases import Case, Data, mean_loss
from peers import Peer, UnsupportedError, find

CHECK_SAMPLES = 32
CHECK_EPOCHS = 2
SLOW_SAMPLES = 64


def case_of(fields: dict[str, Any]) -> Case:
    return Case(**fields | {"sizes": tuple(fields["sizes"]), "aims": tuple(map(tuple, fields["aims"]))})


def losses(kind: type[Peer], case: Case) -> dict[str, Any]:
    """The mean loss before and after each of a few epochs on the first samples."""
    short = case.cut(max(CHECK_SAMPLES, 2 * case.batch))
    data = Data.of(short)
    peer = kind(short, data)
    computed = kind.instead(short)
    judged = Data.of(computed)
    found = []
    for epoch in range(CHECK_EPOCHS + 1):
        if epoch:
            peer.run(1)
        weights, biases = peer.parameters()
        found.append(mean_loss(computed, judged, weights, biases))
    parameters = b"".join(array.tobytes() for array in weights + biases)
    return {
        "losses": found,
        "digest": hashlib.sha256(parameters).hexdigest(),
        "computed": asdict(computed),
        "n_samples": short.n_samples,
    }


class Turns:
    """A peer that is ready to be timed."""

    def __init__(self, kind: type[Peer], case: Case, seconds: float) -> None:
        self.case = case.cut(max(SLOW_SAMPLES, case.batch)) if kind.slow else case
        if case.whole and self.case != case:
            raise UnsupportedError("too slow for so many samples")
        begin = perf_counter()
        self.peer = kind(self.case, Data.of(self.case))
        self.peer.run(1)
        self.setup = perf_counter() - begin
        self.epochs = 1
        while self.seconds()[1] < seconds / 2:  # the processor's, which other processes leave alone
            self.epochs *= 2

    def seconds(self) -> tuple[float, float]:
        """Of one run from the first weights, by the clock and of the processor."""
        self.peer.reset()
        gc.collect()
        gc.disable()
        clock, processor = perf_counter(), process_time()
        self.peer.run(self.epochs)
        found = perf_counter() - clock, process_time() - processor
        gc.enable()
        return found

    def turn(self) -> dict[str, float]:
        visits = self.epochs * self.case.n_samples * self.case.networks
        clock, processor = (1e9 * seconds / visits for seconds in self.seconds())
        return {"clock": clock, "processor": processor}


def main() -> None:
    key, cores = sys.argv[1], [int(core) for core in sys.argv[2].split(",")]
    # What a library prints must not get among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pinned = hasattr(os, "sched_setaffinity")
    if pinned:
        os.sched_setaffinity(0, cores)
    ready: Turns | None = None
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any]
        try:
            kind = find(key)
            if order["do"] == "hello":
                answer = {"title": kind.title, "what": kind.what, "version": kind.version(), "pinned": pinned}
                answer |= {"bits": kind.bits, "tolerance": kind.tolerance}
            elif order["do"] == "losses":
                answer = losses(kind, case_of(order["case"]))
            elif order["do"] == "open":
                ready = None
                ready = Turns(kind, case_of(order["case"]), order["seconds"])
                answer = {"setup": ready.setup, "epochs": ready.epochs}
            else:
                assert ready is not None
                answer = ready.turn()
                if not all(map(math.isfinite, answer.values())):
                    raise ArithmeticError(f"{answer}")
        except (UnsupportedError, ImportError) as error:
            answer = {"unsupported": str(error)}
        except Exception as error:  # whatever it was, it is this peer's, and the others go on
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
