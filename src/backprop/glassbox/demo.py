"""``backprop demo``: the tutorial's example from its network to its last printed figure, for a terminal.

Everything printed is plain ASCII, at most 80 columns wide, and computed while it is printed, except what is
marked as the tutorial's own figures.
"""

import os
import sys
import warnings
from dataclasses import dataclass
from math import log
from statistics import median
from time import perf_counter
from types import ModuleType

from rich.box import Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import _engine
from ..errors import EngineWarning
from ..examples import worked_example
from ..network import Array, Network
from .formulas import Formula, Formulas, shown
from .step import record_step
from .tutorial import CONVENTIONS, LEARNING_RATE, PRINTED, ROUNDS, agrees

__all__ = ["run"]

COLUMNS = 80
INDENT = "  "
MILESTONES = (1, 2, 10, 100, 1_000, 10_000)
LETTERS = "ABCD"  # for the conventions, as the table and the text below it call them
REPEATS = 7  # of a compiled run, which is over in a millisecond
RULED = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)

DRAWING = """\
i1 -------- w1 {w1:.2f} -------> h1 -------- w5 {w5:.2f} -------> o1
     \\                   /           \\                   /
       \\ w3 {w3:.2f}      /               \\ w7 {w7:.2f}      /
          \\        /                    \\        /
               X                             X
          /        \\                    /        \\
       / w2 {w2:.2f}      \\               / w6 {w6:.2f}      \\
     /                   \\           /                   \\
i2 -------- w4 {w4:.2f} -------> h2 -------- w8 {w8:.2f} -------> o2
"""
