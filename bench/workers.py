"""The bench's side of its workers: start them, give them orders, believe no answer that is not one."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")
COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
# What would make a library or this package run as it does not by itself.
FORGOTTEN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "XLA_FLAGS", "BACKPROP_ENGINE", "PYTHONPATH")


def usable_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


class Worker:
    """A process with one peer in it, held to so many cores, the last of those that this process may use."""

    def __init__(self, key: str, threads: int) -> None:
        cores = usable_cores()
        if len(cores) < threads:
            raise SystemExit(f"{threads} threads need as many cores, and this process may use {len(cores)}")
        environment = {name: value for name, value in os.environ.items() if name not in FORGOTTEN}
        environment |= dict.fromkeys(COUNTS, str(threads)) | {"JAX_PLATFORMS": "cpu"}
        self.key = key
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), key, ",".join(map(str, cores[-threads:]))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.hello = self.ask("hello")

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """The answer, or one that says that there was none."""
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(json.dumps({"do": do, **order}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return {"failed": f"its process ended with {self.process.wait()}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """Let it go; it ends when there are no more orders."""
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Workers:
    """The workers of a run, each started when it is first needed, and again if it died."""

    def __init__(self) -> None:
        self.running: dict[tuple[str, int], Worker] = {}

    def get(self, key: str, threads: int) -> Worker:
        found = self.running.get((key, threads))
        if found is None or not found.alive:
            found = self.running[key, threads] = Worker(key, threads)
        return found

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.running.values():
            worker.end()
