"""A trace: every number of one training step, by name, with the formula and the numbers that it was computed from.

It is a view of a recorded step (`step`): a record is built when it is asked for.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import isfinite
from typing import Any

from numpy.typing import ArrayLike

from .. import _checks as checks
from .._config import NetworkConfig
from ..network import Network
from .names import KINDS, Key, Names
from .paths import Paths, paths_of
from .quantities import Quantities
from .record import Record
from .recording import record_step
from .records import Records, UnknownNameError, unknown_name
from .sections import PHASES
from .step import Step

__all__ = ["Trace", "trace_step"]


class Trace:
    """Every number of one training step. `Network.trace` makes it.

    Iteration gives the records in the order of calculation, ``trace[name]`` one of them, ``len`` their number.

    Parameters
    ----------
    step : Step
        The recorded step.
    names : mapping, optional
        One's own names; see `Network.trace`.

    Attributes
    ----------
    step : Step
        The arrays behind it.
    names : Names
        How numbers are named.
    quantities : Quantities
        What each number is computed from, by key; for tools.

    Examples
    --------
    >>> import backprop as bp
    >>> net, x, t = bp.examples.worked_example()
    >>> trace = net.trace(x, t)
    >>> print(trace["dE/dw5"])
    dE/dw5 = delta_o1*out_h1 = 0.138498562*0.593269992 = 0.082167041
    >>> trace["dE/dw5"].operands
    ('delta_o1', 'out_h1')
    """

    def __init__(self, step: Step, names: Mapping[str, Any] | None = None) -> None:
        self.step = step
        self.quantities = Quantities(step)
        self.names = Names(step.config, names, batch=self.quantities.order.batch)

    # ---- what it is of -------------------------------------------------------------------------------------

    @property
    def config(self) -> NetworkConfig:
        """The network's specification."""
        return self.step.config

    @property
    def n_samples(self) -> int:
        """The samples of the batch."""
        return len(self.step.inputs)

    @property
    def update(self) -> int:
        """Which update it is, counted from 1."""
        return self.step.update

    @property
    def diverged(self) -> bool:
        """Whether the loss or a new parameter is not finite."""
        return self.step.diverged

    @property
    def first_not_finite(self) -> Record | None:
        """The first record, in the order of calculation, whose value is not finite."""
        if not self.diverged:
            return None
        return next((record for record in self if not isfinite(record.value)), None)

    @property
    def dead_units(self) -> list[str]:
        """The hidden units whose dout/dnet is 0 for every sample: nothing goes back through them."""
        step = self.step
        found = []
        for layer, derivatives in enumerate(step.derivatives[:-1], start=1):
            assert derivatives is not None  # hidden units are computed one by one
            dead = (derivatives == 0.0).all(axis=0).nonzero()[0].tolist()
            found += [self.names.unit(layer, k + 1) or f"[{layer}][{k + 1}]" for k in dead]
        return found

    # ---- records -------------------------------------------------------------------------------------------

    @cached_property
    def records(self) -> Records:
        """All records, by position, in the order of calculation."""
        return Records(self, self.quantities.order.sections)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._key(name) is not None

    def __getitem__(self, name: str) -> Record:
        """The record of that name.

        Raises
        ------
        KeyError
            If there is none; the message suggests the nearest names.
        """
        if not isinstance(name, str):
            raise TypeError(f"a trace is indexed by a name, such as 'net_h1', not {checks.shown(name)}")
        key = self._key(name)
        if key is None:
            raise UnknownNameError(unknown_name(self, name))
        return self.record(key)

    def select(
        self,
        *,
        phase: str | None = None,
        layer: int | None = None,
        kind: str | None = None,
        sample: int | None = None,
    ) -> Records:
        """The records of a phase, a layer, a kind, a sample, in the order of calculation.

        Parameters
        ----------
        phase : {"given", "forward", "loss", "backward", "gradient", "update"}, optional
        layer : int, optional
            As in the names: inputs are layer 0.
        kind : str, optional
            As in `Record`.
        sample : int, optional
            Counted from 1.

        Returns
        -------
        Records
            A sequence; empty if nothing is of that kind.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as above.
        """
        if phase is not None:
            checks.choice("phase", phase, PHASES)
        if layer is not None:
            layer = checks.integer("layer", layer, 0, len(self.config.sizes) - 1)
        if sample is not None:
            sample = checks.integer("sample", sample, 1, self.n_samples)
        sections = self.quantities.order.sections
        if kind is not None:
            checks.choice("kind", kind, KINDS)
        wanted = {"phase": phase, "layer": layer, "kind": kind, "sample": sample}
        found = [
            section
            for section in sections
            if all(value is None or getattr(section, what) == value for what, value in wanted.items())
        ]
        return Records(self, found)

    def path(self, name: str, sample: int | None = None) -> Paths:
        """Every path from a weight or a bias to the error, the product along each, and their sum.

        Parameters
        ----------
        name : str
            Of a weight or a bias: ``"w1"``.
        sample : int, optional
            Counted from 1: the paths to that sample's error alone. Otherwise to the batch's.

        Returns
        -------
        Paths
            A sequence; ``print`` shows it.

        Raises
        ------
        KeyError
            If nothing has that name.
        TypeError, ValueError
            If it is not a weight's or a bias's, or there are more than 10,000 paths.
        """
        if sample is not None:
            sample = checks.integer("sample", sample, 1, self.n_samples)
        return paths_of(self, name, sample)

    # ---- views ---------------------------------------------------------------------------------------------

    def text(self, *, full: bool = False, **selection: Any) -> str:
        """The network drawn, and every number with its formula, in 80 columns: what ``print`` shows.

        Parameters
        ----------
        full : bool, default=False
            Whether a large network is shown whole; otherwise the text says what was left out.
        **selection
            As in `select`: these records alone, without the drawing and what is said of the whole.
        """
        from .views.text import text

        return text(self, full=checks.boolean("full", full), records=self._selected(selection))

    __str__ = text

    def markdown(self, *, full: bool = False, **selection: Any) -> str:
        """The same as Markdown, with the formulas in LaTeX; arguments as in `text`."""
        from .views.markdown import markdown

        return markdown(self, full=checks.boolean("full", full), records=self._selected(selection))

    def html(self, *, full: bool = False, **selection: Any) -> str:
        """The diagram and tables, as a piece of HTML that stands alone. A notebook shows it by itself.

        Arguments as in `text`.
        """
        from .views.html import html

        return html(self, full=checks.boolean("full", full), records=self._selected(selection))

    def svg(self, *, after: bool = False) -> str:
        """A diagram of the network: weights by colour and width, the first sample's numbers on the units.

        Parameters
        ----------
        after : bool, default=False
            Whether the weights are the new ones.
        """
        from .views.diagram import svg

        return svg(self, after=checks.boolean("after", after))

    def rows(self, **selection: Any) -> list[dict[str, Any]]:
        """A dictionary for each record, as for ``pandas.DataFrame(trace.rows())``.

        Parameters
        ----------
        **selection
            As in `select`; all records if nothing is given.

        Returns
        -------
        list of dict
            With name, kind, phase, layer, indices, sample, formula, numbers, value and operands.
        """
        wanted = ("name", "kind", "phase", "layer", "indices", "sample", "formula", "numbers", "value", "operands")
        return [{what: getattr(record, what) for what in wanted} for record in self.select(**selection)]

    def to_json(self, *, records: bool | None = None, indent: int | None = None) -> str:
        """The trace as JSON, from which `from_json` makes it again.

        Parameters
        ----------
        records : bool, optional
            Whether the records are written beside the arrays, for readers in other languages. By default if there
            are no more than 5,000.
        indent : int, optional
            As in ``json.dumps``.

        Returns
        -------
        str
            docs/trace.schema.json is its schema.
        """
        from .views.json import to_json

        return to_json(self, records=records, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Trace":
        """The trace that `to_json` wrote, the same to the bit. No engine is needed.

        Parameters
        ----------
        text : str or bytes
            The records in it are not looked at: they follow from the arrays.

        Returns
        -------
        Trace

        Raises
        ------
        TypeError, ValueError
            If it is not such a text; the message says where.
        """
        from .views.json import from_json

        return from_json(text)

    def _selected(self, selection: Mapping[str, Any]) -> Records | None:
        """What `select` finds, or None if nothing is asked for."""
        return self.select(**selection) if any(value is not None for value in selection.values()) else None

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def __repr__(self) -> str:
        samples = "1 sample" if self.n_samples == 1 else f"{self.n_samples} samples"
        sizes = "-".join(map(str, self.config.sizes))
        diverged = ", diverged" if self.diverged else ""
        return f"<Trace of update {self.update} of a {sizes} network, {samples}: {len(self):,} records{diverged}>"

    def _key(self, name: str) -> Key | None:
        key = self.names.key(name)
        return None if key is None else self.quantities.order.normalized(key)

    def record(self, key: Key) -> Record:
        """The record of a key that the step has."""
        quantities, names = self.quantities, self.names
        op, operands = quantities.definition(key)
        return Record(
            key=key,
            name=names.name(key),
            phase=quantities.order.phase(key),
            value=quantities.value(key),
            op=op,
            operands=tuple(map(names.name, operands)),
            operand_values=tuple(map(quantities.value, operands)),
            operand_keys=tuple(operands),
            _names=names,
        )


def trace_step(
    net: Network,
    x: ArrayLike,
    t: ArrayLike,
    *,
    learning_rate: Any = None,
    names: Mapping[str, Any] | None = None,
    **options: Any,
) -> Trace:
    """What `Network.trace` does; the options are those of `record_step`."""
    return Trace(record_step(net, x, t, learning_rate, **options), names)
