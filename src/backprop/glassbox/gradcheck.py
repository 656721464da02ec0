"""A network's gradient against central differences of its loss, one row per parameter.

The loss is the network's own, measured on a copy by its own engine; the derivative of the loss that comes out
knows nothing of deltas. Each row carries the error that its difference may have, so that "agrees" has a reason.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..functions import ACTIVATIONS, LOSSES
from ..network import Network
from .names import Names
from .step import _deltas

__all__ = ["GradientCheck", "GradientRow", "gradcheck"]

Array = NDArray[np.floating[Any]]
Floats = list[float]

COLUMNS = 80
SHOWN_WHOLE = 40  # a network with more parameters is shown by its conspicuous rows
SHOWN_MOST = 20  # of those that agree or of one kind of conspicuous row

# Losses of d = t - out: a rounded out or t enters as strongly as out does. The terms of any other loss may be
# large where they cancel, and its dE/dout says little about their rounding.
OF_DIFFERENCE = frozenset({"squared_error", "absolute_error", "huber"})

# A second and a third step, each smaller by this, where the loss bends so strongly that the first says little.
SHRINK, ATTEMPTS = 16.0, 3
BENDS = 1e-6  # relative: that strongly


@dataclass(frozen=True)
class GradientRow:
    """One parameter, or one input, of a gradient check.

    Attributes
    ----------
    name : str
        ``w[l][i,j]``, ``b[l][j]``, ``x[i]`` or ``x[s,i]``, all counted from 1: ``w[l][i,j]`` is
        ``net.weights[l-1][i-1, j-1]``.
    tutorial_name : str
        As Mazur's tutorial counts: ``w5``, ``b2``, ``b_h1``, ``i1``.
    analytic : float
        What `Network.gradients` says.
    numeric : float
        What differences of the loss say. It means nothing at a kink.
    difference : float
        Relative: ``abs(analytic - numeric)/max(abs(analytic), abs(numeric))``, and 0 if both are 0.
    tolerance : float
        Absolute: the error that `numeric` may have from truncation and rounding.
    verdict : {"agrees", "differs", "kink"}
        Whether the two are within the tolerance; "kink" where the loss changes its rule within the step.
    kink : str
        What changes its rule: the unit, and the sample as a row of X, counted from 0; empty if nothing does.
    """

    name: str
    tutorial_name: str
    analytic: float
    numeric: float
    difference: float
    tolerance: float
    verdict: str
    kink: str = ""

    @property
    def excess(self) -> float:
        """The absolute difference in units of the tolerance: above 1 is too much; infinite if it is no number."""
        off = abs(self.analytic - self.numeric)
        if off <= self.tolerance:
            return off / self.tolerance if off else 0.0
        return off / self.tolerance if self.tolerance > 0.0 and math.isfinite(off) else math.inf


@dataclass(frozen=True)
class GradientCheck:
    """The outcome of `gradcheck`. It is true if it is ok, yields its rows, and prints as a table.

    Attributes
    ----------
    rows : tuple of GradientRow
        In the order of ``net.parameters``, then the inputs if they were asked for.
    """

    rows: tuple[GradientRow, ...]

    @property
    def ok(self) -> bool:
        """Whether no row differs. Rows at a kink are not held against the gradient; see `kinks`."""
        return not self.differing

    @property
    def differing(self) -> tuple[GradientRow, ...]:
        """The rows whose verdict is "differs", the worst first."""
        return self._of("differs")

    @property
    def kinks(self) -> tuple[GradientRow, ...]:
        """The rows whose verdict is "kink", in order: nothing is known about them."""
        return tuple(row for row in self.rows if row.verdict == "kink")

    def _of(self, verdict: str) -> tuple[GradientRow, ...]:
        """The rows of a verdict, those that use up most of their tolerance first."""
        return tuple(
            sorted((row for row in self.rows if row.verdict == verdict), key=lambda row: row.excess, reverse=True)
        )

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[GradientRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<GradientCheck: {self._counts()}>"

    def _counts(self) -> str:
        """How many rows have which verdict."""
        counts = [f"{sum(row.verdict == 'agrees' for row in self.rows)} agree"]
        counts.append(f"{len(self.differing)} differ")
        if self.kinks:
            counts.append(f"{len(self.kinks)} at a kink")
        return ", ".join(counts)

    def __str__(self) -> str:
        agreeing = self._of("agrees")
        groups = [("differ", self.differing), ("are at a kink", self.kinks), ("agree", agreeing)]
        if len(self.rows) <= SHOWN_WHOLE:
            most = {name: SHOWN_WHOLE for name, _ in groups}
        else:  # the worst of those that agree are of interest only where nothing else is
            most = {name: SHOWN_MOST for name, _ in groups}
            most["agree"] = 0 if len(agreeing) < len(self.rows) else 5
        shown = [row for name, rows in groups for row in rows[: most[name]]]
        lines = [*_table(shown), ""] if shown else []
        for name, rows in groups:
            if len(rows) > most[name]:
                lines.append(f"{len(rows) - most[name]} more {name}")
        lines.append(f"{len(self.rows)} derivatives: {self._counts()}")
        return "\n".join(lines)


def gradcheck(
    net: Network,
    X: ArrayLike,
    T: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    inputs: bool = False,
) -> GradientCheck:
    """Compare a network's gradient with central differences of its loss.

    Each parameter is moved up and down on a copy of the network, which takes at least four losses over all
    samples: this is for small networks. A network of 1,000 parameters costs more than 4,000 losses.

    Parameters
    ----------
    net : Network
        It stays as it is.
    X, T, sample_weight : array-like
        As in `Network.loss`.
    inputs : bool, default=False
        Whether to check the gradient with respect to the inputs too.

    Returns
    -------
    GradientCheck
        A row for each weight and bias, frozen biases included, in the order of ``net.parameters``, and then
        for each input.

    Raises
    ------
    TypeError, ValueError
        If net is not a Network; else as `Network.loss` does.

    Notes
    -----
    The step h is ``eps**(1/3)*max(abs(w), 1)``, less where w multiplies numbers above 1, and rounded so that
    ``w + h`` is exact: there the errors of a central difference D(h) from truncation (as h^2) and from rounding
    (as 1/h) are about equal. From the steps h and h/2 follow the estimate, ``(4*D(h/2) - D(h))/3``, without the
    term in h^2 (Richardson's extrapolation), and its tolerance, which is the sum of

    - truncation: ``abs(D(h) - D(h/2))``, three times what the extrapolation took off D(h/2). This is an error
      bound for D(h/2), and a generous one for the estimate;
    - rounding: ``3*noise/h``, with as `noise` eps times the sum of the magnitudes of what is added up to the
      loss, each times the derivative of the loss with respect to it, times the square root of the number of
      terms of the longest sum, as roundings add like a random walk. The estimate has weights 4/3 and 1/3 on
      differences whose errors are ``2*noise/h`` and ``noise/h``.

    Where truncation exceeds both rounding and a millionth of the derivative, the step is divided by 16, at most
    twice, and the row with the smallest tolerance kept.

    A row is at a kink if, among the points where the loss was measured, the net of a relu, leaky_relu or elu
    unit changes sign, or ``out - t`` does with absolute_error, or passes from one side of ``huber_delta`` to the
    other with huber, for any sample that counts. The slope (of elu and huber the slope's slope) then jumps
    within the step, and the difference measures neither side. A loss that is not finite makes a row differ.

    A float32 network is measured in float32, where a difference of losses has few digits: tolerances of a
    hundredth of the largest derivative are usual, and only gross errors are found. Its twin, a float64 network
    with the same parameters, is checked a hundred thousand times more sharply.

    The functions of docs/arithmetic.md are constant where they saturate, a logistic unit for instance beyond a
    net of 708 on either side. A gradient that is not 0 there differs, rightly: the loss does not move.

    Examples
    --------
    >>> import backprop as bp
    >>> check = bp.gradcheck(*bp.examples.worked_example())
    >>> check
    <GradientCheck: 10 agree, 0 differ>
    >>> row = check.rows[4]
    >>> row.name, row.tutorial_name, round(row.analytic, 8), round(row.numeric, 8)
    ('b[1][1]', 'b1', 0.01872561, 0.01872561)
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, not an object of type {type(net).__name__}")
    if not isinstance(inputs, bool | np.bool_):
        raise TypeError(f"inputs must be True or False, not {inputs!r}")
    samples, targets, single = net._samples_and_targets(X, T)
    weights = net._weights_of_samples(sample_weight, len(samples))
    analytic = net.gradients(X, T, sample_weight)
    with np.errstate(all="ignore"):  # what overflows is not finite, and its rows differ
        trial = _Trial(net, samples.copy(), targets, weights)
        rows = [trial.row(place, gradient) for place, gradient in _parameters(trial, *analytic[:2])]
        if inputs:
            gradients = np.reshape(analytic.inputs, samples.shape)
            rows += [trial.row(place, gradient) for place, gradient in _inputs(trial, gradients, single)]
    return GradientCheck(tuple(rows))


# ---- what is moved -----------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """A number that can be moved: an item of an array, its names, and the largest number that it multiplies."""

    array: Array
    at: tuple[int, ...]
    name: str
    tutorial_name: str
    factor: float


class _Sides(NamedTuple):
    """On which side of their kinks the numbers of one layer are: what they are called, and (sample, unit)."""

    form: str
    units: list[str]
    sides: NDArray[Any]


def _parameters(
    trial: "_Trial", weights: tuple[Array, ...], biases: tuple[Array, ...]
) -> Iterator[tuple[_Place, float]]:
    """Each parameter of the copy, in the order of ``net.parameters``, with its analytic gradient."""
    names = trial.names
    for layer, below in enumerate(trial.below):
        largest = np.abs(below).max(axis=0)
        view = trial.net.weights[layer]
        for i, j in np.ndindex(*view.shape):
            name = f"w[{layer + 1}][{i + 1},{j + 1}]"
            place = _Place(view, (i, j), name, names.weights[layer][i][j], float(largest[i]))
            yield place, float(weights[layer][i, j])
        view = trial.net.biases[layer]
        for j in range(len(view)):
            place = _Place(view, (j,), f"b[{layer + 1}][{j + 1}]", names.biases[layer][j], 1.0)
            yield place, float(biases[layer][j])


def _inputs(trial: "_Trial", gradients: Array, single: bool) -> Iterator[tuple[_Place, float]]:
    """Each input of each sample, with its analytic gradient."""
    largest = np.abs(trial.net.weights[0]).max(axis=1)
    for s, i in np.ndindex(*gradients.shape):
        name = f"x[{i + 1}]" if single else f"x[{s + 1},{i + 1}]"
        place = _Place(trial.samples, (s, i), name, trial.names.inputs[i], float(largest[i]))
        yield place, float(gradients[s, i])


# ---- the differences ---------------------------------------------------------------------------------------


class _Trial:
    """A copy of a network and the data, with what all rows have in common."""

    def __init__(self, net: Network, samples: Array, targets: Array, weights: Array | None) -> None:
        self.net = net.copy()
        self.machine = self.net._machine
        self.samples, self.targets, self.weights = samples, targets, weights
        self.names = Names(net.config)
        config = net.config
        self.loss = LOSSES[config.loss].configured(config.output_activation, config.huber_delta)
        self.eps = float(np.finfo(self.machine.block.dtype).eps)
        self.counting = np.arange(len(samples)) if weights is None else np.flatnonzero(weights)
        nets, outs = self.machine.forward(samples, nets=True), self.machine.forward(samples)
        self.below = [samples.copy(), *outs[:-1]]
        self.noise = self._noise(nets, outs)
        self.at_home = self._sides()

    def _noise(self, nets: list[Array], outs: list[Array]) -> float:
        """About how far roundings move the loss.

        A term of a sum, rounded by eps relative, moves the loss by eps times the term times the derivative of
        the loss with respect to the sum, which is a delta if the sum is a net.
        """
        config = self.net.config
        deltas, _ = _deltas(self.machine, self.machine.block, nets, outs, self.targets)
        sizes = self._loss_terms(nets[-1], outs[-1])
        for layer, delta in enumerate(deltas):
            terms = np.abs(self.below[layer]) @ np.abs(self.net.weights[layer])
            if config.bias != "none":
                terms = terms + np.abs(self.net.biases[layer])
            sizes += (np.abs(delta) * terms).sum(axis=1)
        if not ACTIVATIONS[config.output_activation].per_unit:  # softmax takes the largest net from every other
            sizes += 2.0 * np.abs(nets[-1]).max(axis=1) * np.abs(deltas[-1]).sum(axis=1)
        longest = max(*config.sizes, len(self.samples)) + 1
        return self.eps * math.sqrt(longest) * float(np.average(sizes, weights=self.weights))

    def _loss_terms(self, nets: Array, outs: Array) -> Array:
        """Per sample, the magnitudes of what its loss is added up from."""
        targets = self.targets
        values = _per_sample(self.loss.values, nets, outs, targets)
        operands = np.abs(outs) + np.abs(targets)
        if self.loss.name in OF_DIFFERENCE:
            operands = operands * np.abs(_per_sample(self.loss.gradients, outs, targets))
        else:
            operands = operands + np.abs(nets)
        total: Array = (np.abs(values) + operands).sum(axis=1)
        return total

    def row(self, place: _Place, analytic: float) -> GradientRow:
        """Check one derivative."""
        home = place.array[place.at]
        reach = max(abs(float(home)), 1.0)
        cube_root = float(np.cbrt(self.eps))
        # As far as needed for the net to move by a step, but not so little that it drowns in the parameter's ulp.
        step = max(cube_root * reach / max(place.factor, 1.0), cube_root * cube_root * abs(float(home)))
        best = (math.nan, math.inf)
        kink = ""
        try:
            for _ in range(ATTEMPTS):
                numeric, truncation, rounding, kink = self._extrapolated(place, step)
                if truncation + rounding < best[1]:  # never so if a loss is not finite
                    best = numeric, truncation + rounding
                if kink or truncation <= max(rounding, BENDS * abs(numeric)):
                    break
                step /= SHRINK
        finally:
            place.array[place.at] = home
        numeric, tolerance = best
        off, size = abs(analytic - numeric), max(abs(analytic), abs(numeric))
        agrees = off <= tolerance < math.inf
        return GradientRow(
            place.name, place.tutorial_name, analytic, numeric,
            difference=0.0 if off == 0.0 else off / size if size > 0.0 else math.nan,
            tolerance=tolerance,
            verdict="kink" if kink else "agrees" if agrees else "differs",
            kink=kink,
        )  # fmt: skip

    def _extrapolated(self, place: _Place, step: float) -> tuple[float, float, float, str]:
        """The derivative from two central differences, its two errors, and the kink that was crossed, if any."""
        home = place.array[place.at]
        real = type(home)
        found: Floats = []
        kink = ""
        for size in (step, 0.5 * step):
            size = float(real(home + real(size)) - home)  # so that the step that is taken is the one divided by
            points = [real(home + real(size)), real(home - real(size))]
            losses: Floats = []
            for point in points:
                place.array[place.at] = point
                losses.append(float(self.machine.loss(self.samples, self.targets, self.weights)))
                kink = kink or self._crossed(self._sides())
            place.array[place.at] = home
            width = float(points[0]) - float(points[1])
            found.append((losses[0] - losses[1]) / width if width else math.nan)
        wide, narrow = found
        return (4.0 * narrow - wide) / 3.0, abs(wide - narrow), 3.0 * self.noise / step, kink

    # ---- kinks ---------------------------------------------------------------------------------------------

    def _sides(self) -> list[_Sides]:
        """Of every layer with kinks, and of a loss with kinks."""
        config = self.net.config
        samples = self.samples[self.counting]
        rows = [ACTIVATIONS[name] for name in (*config.activation, config.output_activation)]
        found = []
        if any(row.kinked for row in rows):
            nets = self.machine.forward(samples, nets=True)
            found += [
                _Sides(f"the net of {{}} ({row.name})", self.names.units[layer], nets[layer] > 0.0)
                for layer, row in enumerate(rows)
                if row.kinked
            ]
        if self.loss.kinks:
            off = self.machine.forward(samples, layers=slice(-1, None))[0] - self.targets[self.counting]
            sides = np.sum([np.sign(off - kink) for kink in self.loss.kinks], axis=0)
            found.append(_Sides(f"out - t of {{}} ({config.loss})", self.names.outputs, sides))
        return found

    def _crossed(self, sides: list[_Sides]) -> str:
        """The first number that is on another side than with the parameters as they are."""
        for before, now in zip(self.at_home, sides, strict=True):
            moved = np.argwhere(before.sides != now.sides)
            if len(moved):
                sample, unit = moved[0].tolist()
                what = now.form.format(now.units[unit])
                return f"{what} crosses a kink in row {self.counting[sample]} of X"
        return ""


def _per_sample(formula: Callable[..., Floats], *operands: Array) -> Array:
    """A formula for a whole output layer, applied to each sample in turn."""
    return np.array([formula(*each) for each in zip(*(array.tolist() for array in operands), strict=True)])


# ---- as text -----------------------------------------------------------------------------------------------

HEADINGS = ("parameter", "", "analytic", "numeric", "rel.diff", "tolerance", "verdict")
TUTORIAL, NUMBERS = 1, range(2, 6)


def _table(rows: list[GradientRow]) -> list[str]:
    """The rows, aligned, at most 80 columns wide; a kink is named on a line of its own."""
    cells = [list(HEADINGS), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    columns = list(range(len(HEADINGS)))
    if sum(widths) + 2 * (len(widths) - 1) > COLUMNS:
        columns.remove(TUTORIAL)  # those names are for networks of the tutorial's size
    lines = []
    for cell, row in zip(cells, [None, *rows], strict=True):
        aligned = [cell[k].rjust(widths[k]) if k in NUMBERS else cell[k].ljust(widths[k]) for k in columns]
        lines.append("  ".join(aligned).rstrip())
        if row is not None and row.kink:
            lines.append(f"    {row.kink}")
    return lines


def _cells(row: GradientRow) -> list[str]:
    """The texts of one row; at a kink there is nothing to compare."""
    compared = ["-", "-"] if row.kink else [f"{row.difference:.1e}", f"{row.tolerance:.1e}"]
    return [row.name, row.tutorial_name, f"{row.analytic:.7g}", f"{row.numeric:.7g}", *compared, row.verdict]
