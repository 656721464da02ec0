"""How work is cut into slices of about 10 ms, so that signals get through between them."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

SLICE_SECONDS = 0.010


class Pace:
    """How many items (samples, batches) fit in a slice: a guess first, then what the last slice took.

    Parameters
    ----------
    seconds_per_item : float
        The guess. The first slice is made short, as the guess may be wrong.
    """

    def __init__(self, seconds_per_item: float) -> None:
        self.items = max(1, int(0.2 * SLICE_SECONDS / seconds_per_item))

    def adapt(self, seconds: float) -> None:
        """Set the next slice from the time that a full one took; it grows eightfold at most."""
        factor = min(SLICE_SECONDS / max(seconds, 1e-9), 8.0)
        self.items = max(1, int(self.items * factor))


def slices(count: int, pace: Pace) -> Iterator[tuple[int, int]]:
    """Ranges start, stop that cover 0..count; the caller works on each before it asks for the next."""
    start = 0
    while start < count:
        stop = min(start + pace.items, count)
        begin = perf_counter()
        yield start, stop
        pace.adapt(perf_counter() - begin)
        start = stop


@contextmanager
def deferred_interrupt(needed: bool) -> Iterator[Callable[[], None]]:
    """Hold back Ctrl-C until the yielded function is called or the block ends.

    The pure-Python engine needs it: KeyboardInterrupt would stop it in the middle of a batch. The compiled one
    sees no signal before it returns. Only the main thread receives signals; elsewhere this does nothing.
    """
    in_main_thread = needed and threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if in_main_thread else None
    if not callable(handler):
        yield lambda: None
        return
    held: list[Any] = []

    def deliver() -> None:
        while held:
            handler(signal.SIGINT, held.pop())

    try:
        signal.signal(signal.SIGINT, lambda _, frame: held.append(frame))
        yield deliver
    finally:
        signal.signal(signal.SIGINT, handler)
        deliver()
