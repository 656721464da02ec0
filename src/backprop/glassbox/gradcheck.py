"""A network's gradient against central differences of its loss, one row per parameter.

The loss is the network's own, measured on a copy by its own engine; the derivative of the loss that comes out
knows nothing of deltas. Each row carries the error that its difference may have, so that "agrees" has a reason.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._custom import CustomActivationRow, CustomLossRow, CustomRow
from .._standing import record
from ..functions import SoftmaxLogLoss
from ..network import Network
from .derivatives import FunctionCheck, check_activation, check_loss
from .differences import Measured, best, extrapolated
from .gradient_table import GradientCheck, GradientRow
from .names import Names
from .recording import deltas as deltas_of

__all__ = ["GradientCheck", "GradientRow", "gradcheck"]

Array = NDArray[np.floating[Any]]
Floats = list[float]

# Losses of d = t - out: a rounded out or t enters as strongly as out does. The terms of any other loss may be
# large where they cancel, and its dE/dout says little about their rounding.
OF_DIFFERENCE = frozenset({"squared_error", "absolute_error", "huber"})

# A custom function is reached where a gradient that depends on it is known to within this much of itself; float32
# gives no more. How sharply its derivative is looked at is the matter of `derivatives`, in float64.
REACHED = 0.1
UNREACHED = (
    "every gradient that depends on it is 0, at a kink, or too small beside its tolerance, so nothing is known"
    " about it; take other samples, weights or targets"
)


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
        It stays as it is; but a custom function of it that passes may be trained with from now on, and one that
        fails may not.
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
    Exception
        What a custom function raises. It has then failed.

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

    Targets for softmax with log_loss are scaled to rows that sum to 1 as float64 numbers.

    Where truncation exceeds both rounding and a millionth of the derivative, the step is divided by 16, at most
    twice, and the row with the smallest tolerance kept.

    A row is at a kink if, among the points where the loss was measured, the net of a relu, leaky_relu or elu
    unit changes sign, or ``out - t`` does with absolute_error, or passes from one side of ``huber_delta`` to the
    other with huber, or either passes one of the `kinks` of a custom function, for any sample that counts. The
    slope (of elu and huber the slope's slope) then jumps within the step, and the difference measures neither
    side. A loss that is not finite makes a row differ.

    Of a custom function, the derivative is also compared with differences of its value alone, at the nets of the
    network (outputs and targets, of a loss) and at a grid. It passes if those agree, no row differs, and at least
    one gradient that depends on it agrees to a tenth of itself, so that the check has reached it. A check that
    has not reached it leaves it as it was.

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
    if isinstance(net.config.loss_row, SoftmaxLogLoss):
        # Rows may be off 1 by the rounding of their dtype, and ``out - t`` is the gradient where they are not.
        targets = targets / targets.sum(axis=1, keepdims=True, dtype=np.float64)
    try:
        with np.errstate(all="ignore"):  # what overflows is not finite, and its rows differ
            analytic = net.gradients(samples, targets, sample_weight)
            trial = _Trial(net, samples.copy(), targets, weights)
            rows = [trial.row(place, gradient) for place, gradient in _parameters(trial, *analytic[:2])]
            functions = tuple(_functions(trial, rows))
            if inputs:
                gradients = np.reshape(analytic.inputs, samples.shape)
                rows += [trial.row(place, gradient) for place, gradient in _inputs(trial, gradients, single)]
    except Exception as error:
        for custom in net._custom:
            record(custom.source, f"in the last gradcheck of it there was a {type(error).__name__}: {error}")
        raise
    check = GradientCheck(tuple(rows), functions)
    _record(net._custom, check)
    return check


# ---- custom functions --------------------------------------------------------------------------------------


def _functions(trial: "_Trial", rows: list[GradientRow]) -> Iterator[FunctionCheck]:
    """The check of each custom function of the network, in the order of `Network._custom`."""
    layers = range(len(trial.below))
    first = 0
    reached = []
    for layer in layers:
        last = first + trial.net.weights[layer].size + trial.net.biases[layer].size
        of_layer = [row for row in rows[first:last] if row.verdict == "agrees"]
        reached.append(any(0.0 <= row.tolerance < REACHED * abs(row.analytic) for row in of_layer))
        first = last
    for row in trial.net._custom:
        if isinstance(row, CustomLossRow):
            where = [layers[-1]]
            outs, targets = trial.outs[-1][trial.counting], trial.targets[trial.counting]
            check = check_loss(row, trial.rows[-1], outs.ravel().tolist(), targets.ravel().tolist())
        else:
            where = [layer for layer in layers if getattr(trial.rows[layer], "source", None) is row.source]
            check = check_activation(
                row, [net for layer in where for net in trial.nets[layer][trial.counting].ravel().tolist()]
            )
        if check.verdict == "agrees" and not any(reached[layer] for layer in where):
            check = replace(check, verdict="unreached", detail=UNREACHED)
        yield check


def _record(custom: tuple[CustomRow, ...], check: GradientCheck) -> None:
    """Remember which functions passed and which failed."""
    differing = f"{len(check.differing)} of {len(check)} derivatives of the network differ"
    for row, of_function in zip(custom, check.functions, strict=True):
        if of_function.verdict == "differs":
            record(row.source, f"in the last gradcheck of it, {of_function.detail}")
        elif check.differing:
            record(row.source, f"in the last gradcheck of it, {differing}")
        elif of_function.verdict == "agrees":
            record(row.source, "")


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

    what: str
    units: list[str]
    function: str
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
            numbered = names.parameter(layer + 1, (i + 1, j + 1))
            place = _Place(view, (i, j), name, numbered, float(largest[i]))
            yield place, float(weights[layer][i, j])
        view = trial.net.biases[layer]
        for j in range(len(view)):
            numbered = names.parameter(layer + 1, (j + 1,) if names.bias == "per_unit" else ())
            place = _Place(view, (j,), f"b[{layer + 1}][{j + 1}]", numbered, 1.0)
            yield place, float(biases[layer][j])


def _inputs(trial: "_Trial", gradients: Array, single: bool) -> Iterator[tuple[_Place, float]]:
    """Each input of each sample, with its analytic gradient."""
    largest = np.abs(trial.net.weights[0]).max(axis=1)
    for s, i in np.ndindex(*gradients.shape):
        name = f"x[{i + 1}]" if single else f"x[{s + 1},{i + 1}]"
        place = _Place(trial.samples, (s, i), name, trial.names.unit(0, i + 1), float(largest[i]))
        yield place, float(gradients[s, i])


# ---- the differences ---------------------------------------------------------------------------------------


class _Trial:
    """A copy of a network and the data, with what all rows have in common."""

    def __init__(self, net: Network, samples: Array, targets: Array, weights: Array | None) -> None:
        self.net = net.copy()
        self.machine = self.net._machine
        self.samples, self.targets, self.weights = samples, targets, weights
        self.names = Names(net.config, tutorial=True)
        config = net.config
        self.rows, self.loss = config.rows, config.loss_row
        self.eps = float(np.finfo(self.machine.block.dtype).eps)
        self.counting = np.arange(len(samples)) if weights is None else np.flatnonzero(weights)
        self.nets, self.outs = self.machine.forward(samples, nets=True), self.machine.forward(samples)
        self.below = [samples.copy(), *self.outs[:-1]]
        self.noise = self._noise(self.nets, self.outs)
        self.at_home = self._sides()

    def _noise(self, nets: list[Array], outs: list[Array]) -> float:
        """About how far roundings move the loss.

        A term of a sum, rounded by eps relative, moves the loss by eps times the term times the derivative of
        the loss with respect to the sum, which is a delta if the sum is a net.
        """
        config = self.net.config
        deltas, gradients = deltas_of(self.machine, self.machine.block, nets, outs, self.targets)
        sizes = self._loss_terms(nets[-1], outs[-1])
        for layer, delta in enumerate(deltas):
            terms = np.abs(self.below[layer]) @ np.abs(self.net.weights[layer])
            if config.bias != "none":
                terms = terms + np.abs(self.net.biases[layer])
            sizes += (np.abs(delta) * terms).sum(axis=1)
        for layer, row in enumerate(self.rows):
            if isinstance(row, CustomActivationRow):
                # What is rounded inside it is not known: it may go through numbers of about 1 to a small out.
                last = layer == len(gradients)
                of_outs = _per_sample(self.loss.gradients, outs[-1], self.targets) if last else gradients[layer]
                sizes += (np.abs(of_outs) * np.maximum(np.abs(outs[layer]), 1.0)).sum(axis=1)
        if not self.rows[-1].per_unit:  # softmax takes the largest net from every other
            sizes += 2.0 * np.abs(nets[-1]).max(axis=1) * np.abs(deltas[-1]).sum(axis=1)
        longest = max(*config.sizes, len(self.samples)) + 1
        return self.eps * math.sqrt(longest) * float(np.average(sizes, weights=self.weights))

    def _loss_terms(self, nets: Array, outs: Array) -> Array:
        """Per sample, the magnitudes of what its loss is added up from."""
        targets = self.targets
        values = _per_sample(self.loss.values, nets, outs, targets)
        operands = np.abs(outs) + np.abs(targets)
        if isinstance(self.loss, CustomLossRow):
            operands = 1.0 + operands * np.maximum(np.abs(_per_sample(self.loss.gradients, outs, targets)), 1.0)
        elif self.loss.name in OF_DIFFERENCE:
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
        try:
            numeric, tolerance, kink = best(lambda size: self._extrapolated(place, size), step)
        finally:
            place.array[place.at] = home
        off, size = abs(analytic - numeric), max(abs(analytic), abs(numeric))
        agrees = off <= tolerance < math.inf
        return GradientRow(
            place.name, place.tutorial_name, analytic, numeric,
            difference=0.0 if off == 0.0 else off / size if size > 0.0 else math.nan,
            tolerance=tolerance,
            verdict="kink" if kink else "agrees" if agrees else "differs",
            kink=kink,
        )  # fmt: skip

    def _extrapolated(self, place: _Place, step: float) -> Measured:
        """The derivative from two central differences."""
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
        numeric, truncation = extrapolated(*found)
        return Measured(numeric, truncation, 3.0 * self.noise / step, kink)

    # ---- kinks ---------------------------------------------------------------------------------------------

    def _sides(self) -> list[_Sides]:
        """Of every layer with kinks, and of a loss with kinks."""
        samples = self.samples[self.counting]
        found = []
        if any(row.kinks for row in self.rows):
            nets = self.machine.forward(samples, nets=True)
            for layer, row in enumerate(self.rows):
                if row.kinks:
                    sides = np.sum([nets[layer] > kink for kink in row.kinks], axis=0)
                    found.append(_Sides("the net of", self.names.units(layer + 1), f"({row.name})", sides))
        if self.loss.kinks:
            off = self.machine.forward(samples, layers=slice(-1, None))[0] - self.targets[self.counting]
            sides = np.sum([np.sign(off - kink) for kink in self.loss.kinks], axis=0)
            found.append(_Sides("out - t of", self.names.units(self.names.last), f"({self.loss.name})", sides))
        return found

    def _crossed(self, sides: list[_Sides]) -> str:
        """The first number that is on another side than with the parameters as they are."""
        for before, now in zip(self.at_home, sides, strict=True):
            moved = np.argwhere(before.sides != now.sides)
            if len(moved):
                sample, unit = moved[0].tolist()
                what = f"{now.what} {now.units[unit]} {now.function}"
                return f"{what} crosses a kink in row {self.counting[sample]} of X"
        return ""


def _per_sample(formula: Callable[..., Floats], *operands: Array) -> Array:
    """A formula for a whole output layer, applied to each sample in turn."""
    return np.array([formula(*each) for each in zip(*(array.tolist() for array in operands), strict=True)])
