"""What the tutorial prints, and the conventions by which its example can be computed.

The tutorial's text and its closing figures follow different conventions; each is a set of options here.
"""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CONVENTIONS", "LEARNING_RATE", "PRINTED", "ROUNDS", "Convention", "agrees"]

LEARNING_RATE = 0.5
ROUNDS = 10_000


@dataclass(frozen=True)
class Convention:
    """One way to compute the example.

    Attributes
    ----------
    key : str
        A short name, fit for a file name.
    updates, biases : str
        When weights are updated, and what becomes of the biases, in words.
    options : dict
        What `examples.worked_example` is told.
    """

    key: str
    updates: str
    biases: str
    options: dict[str, Any] = field(default_factory=dict)


CONVENTIONS = (
    Convention("simultaneous", "simultaneous updates", "biases fixed"),
    Convention("sequential", "sequential updates", "biases fixed", {"update_order": "sequential"}),
    Convention(
        "bias_per_unit",
        "simultaneous updates",
        "a trained bias per unit",
        {"bias": "per_unit", "train_bias": True},
    ),
    Convention(
        "bias_shared",
        "simultaneous updates",
        "a trained bias per layer",
        {"bias": "shared", "train_bias": True},
    ),
)

# Figures as the tutorial prints them, digit by digit: data to compare with, never a result.
PRINTED = {
    "E_total": "0.298371109",
    "w5+": "0.35891648",
    "w6+": "0.408666186",
    "w7+": "0.511301270",
    "w8+": "0.561370121",
    "w1+": "0.149780716",
    "w2+": "0.19956143",
    "w3+": "0.24975114",
    "w4+": "0.29950229",
    "error after 1": "0.291027924",
    "error after 10,000": "0.0000351085",
    "out_o1 after 10,000": "0.015912196",
    "out_o2 after 10,000": "0.984065734",
}


def agrees(value: float, printed: str) -> bool:
    """Whether a number, rounded to as many decimals as were printed, is what was printed."""
    decimals = len(printed.partition(".")[2])
    return f"{value:.{decimals}f}" == printed
