"""What a run of the race found."""

from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from cases import Case


@dataclass
class Time:
    """What a peer took for a case, or why it did not.

    Attributes
    ----------
    clock, processor : list of float
        Nanoseconds per sample, turn by turn.
    ratios : list of float
        To this package's, turn by turn, by the clock that was asked for.
    difference : float
        The largest relative difference of a loss in the check.
    computed : str
        What it computed instead, if anything.
    refusal, failure : str
    """

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    difference: float = 0.0
    computed: str = ""
    refusal: str = ""
    failure: str = ""


@dataclass
class Run:
    """All that is reported."""

    command: str
    clock: str
    repeats: int
    toy: bool
    machine: str
    date: str
    load: list[float]
    peers: dict[str, dict[str, Any]] = field(default_factory=dict)
    found: list[tuple[Case, dict[str, Time]]] = field(default_factory=list)


def spread(values: list[float]) -> tuple[float, float]:
    """The quartiles, or the value if there is one only."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high
