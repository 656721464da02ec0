"""Records in a row, built when they are asked for; and what is said of a name that none of them has."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import accumulate, islice
from typing import TYPE_CHECKING, overload

from .. import _checks as checks
from .record import Record
from .sections import Section

if TYPE_CHECKING:
    from .trace import Trace

__all__ = ["Records", "UnknownNameError", "unknown_name"]


class Records(Sequence[Record]):
    """Records in the order of calculation, built when they are asked for."""

    def __init__(self, trace: "Trace", sections: Sequence[Section]) -> None:
        self._trace, self.sections = trace, sections
        self._ends = list(accumulate(len(section) for section in sections))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, position: int) -> Record: ...
    @overload
    def __getitem__(self, position: slice) -> list[Record]: ...
    def __getitem__(self, position: int | slice) -> Record | list[Record]:
        if isinstance(position, slice):
            return [self[k] for k in range(*position.indices(len(self)))]
        k = range(len(self))[position]
        n = bisect_right(self._ends, k)
        return self._trace.record(self.sections[n].key(k - (self._ends[n - 1] if n else 0)))

    def __iter__(self) -> Iterator[Record]:
        for section in self.sections:
            for position in range(len(section)):
                yield self._trace.record(section.key(position))

    @property
    def names(self) -> list[str]:
        """Their names."""
        name = self._trace.names.name
        return [name(section.key(k)) for section in self.sections for k in range(len(section))]

    def __repr__(self) -> str:
        few = ", ".join(record.name for record in islice(self, 8))
        return f"<{len(self)} records: {few}{', ...' if len(self) > 8 else ''}>"


class UnknownNameError(KeyError):
    """A KeyError whose message is shown as a sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


def unknown_name(trace: "Trace", name: str) -> str:
    """What to say of a name that no record has."""
    key = trace.names.key(name)
    if key is not None and key.sample is None and trace.quantities.order.batch:
        examples = [trace.quantities.order.normalized(key._replace(sample=s)) for s in (1, trace.n_samples)]
        known = [trace.names.name(one) for one in dict.fromkeys(examples) if one is not None]
        if known:
            return f"{name!r} belongs to a sample: {' to '.join(map(repr, known))}"
    # Not all names of a large network: the first of each kind, layer and sample, and not of all samples.
    candidates = [
        trace.names.name(section.key(position))
        for section in trace.quantities.order.sections
        if section.sample in (None, 1, 2, trace.n_samples)
        for position in range(min(len(section), 50))
    ]
    folded = {one.casefold(): one for one in reversed(candidates)}
    near = [folded[one] for one in get_close_matches(name[:100].casefold(), list(folded), n=4, cutoff=0.3)]
    said = f"no number of this trace is called {checks.shown(name)}"
    if key is not None:
        said = f"this step has no {name!r} (docs/trace.md says which steps have it)"
    return f"{said}; the nearest names are {', '.join(near)}" if near else f"{said}; see trace.records.names"
