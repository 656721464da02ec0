"""What learners get wrong: the catalogue, in the order of calculation.

A misconception is an entry: an id, one sentence that teaches, the kinds of numbers that it changes, a function
that gives, for one such number, the operation and the operands of someone who makes it, and how often it is made.
To add one, write the function and below it the entry, in the file of its phase in `mistakes`; the checking and the
tests walk `CATALOGUE`. Several entries may have the same id: one mistake, made at several kinds of numbers.

In a sentence, {name} is the number, {formula} its formula; other words come from the variant.
"""

from .mistakes.backward import BACKWARD
from .mistakes.errors import AT_OUTPUTS
from .mistakes.forward import FORWARD
from .mistakes.place import Misconception, Place
from .mistakes.updates import UPDATING

__all__ = ["CATALOGUE", "Misconception", "Place"]

CATALOGUE: tuple[Misconception, ...] = (*FORWARD, *AT_OUTPUTS, *BACKWARD, *UPDATING)
