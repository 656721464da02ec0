"""A network beside another library: loss, gradient and one step, array by array, each with a verdict.

The libraries are in `peers`. Differences are judged against bounds of the rounding errors (`rounding`, `update`);
what exceeds them is either a convention of the library, which has a name, or an error of one of the two.
"""

import copy
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike, NDArray

from .. import _checks as checks
from .._custom import label
from ..network import Network, _restored
from ..optimizers import SGD, Optimizer, of_name_or_instance
from .comparison import Comparison, ComparisonRow, Convention
from .peers import PEERS, Arrays, Case, Peer, gradient_arrays, open_peer, parameter_arrays
from .update import Update, new_parameter_bound

__all__ = ["compare"]

Array = NDArray[Any]

UPDATE_ORDER, TRAINED_BIASES = "update order", "trained biases"
ORDER_TEXT = (
    "the network updates each layer before its delta goes further back; the peer steps along the gradient, as"
    " update_order='simultaneous' does"
)
BIASES_TEXT = "the network's biases are frozen; the peer has no such thing and trains them"


def compare(
    net: Network,
    X: ArrayLike,
    T: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    to: str = "numeric",
    optimizer: str | Optimizer | None = None,
    learning_rate: float | None = None,
    l2: float = 0.0,
) -> Comparison:
    """Put a network's loss, gradient and one step beside those of another library.

    Parameters
    ----------
    net : Network
        It stays as it is.
    X, T, sample_weight : array-like
        As in `Network.loss`; they are one batch.
    to : {"numeric", "torch", "jax", "sklearn"}, default="numeric"
        "numeric" needs no library: the loss by NumPy in extended precision, its gradient by central differences
        (`gradcheck`; slow for more than some thousand parameters). "torch": autograd, torch's own activations,
        losses and optimizers. "jax": its automatic differentiation and activations. "sklearn": MLPRegressor or
        MLPClassifier, for the networks that they can represent; no gradient of the inputs.
    optimizer : {"sgd", "adam"}, SGD, Adam or None, default=None
        Whose step to compare beside plain SGD's; for "torch" and "sklearn". An instance stays as it is, and its
        state is where the step starts (torch only: scikit-learn's start afresh).
    learning_rate : float or None, default=None
        Of the steps. None: the optimizer's own, and 0.5 for plain SGD.
    l2 : float, default=0.0
        As in `Network.train`.

    Returns
    -------
    Comparison
        A row for each array: the loss, the gradient of each layer's weights and biases (frozen ones included) and
        of the inputs, and the parameters after each step; in this package's conventions, and then as the other
        library has it where that is something else.

    Raises
    ------
    ImportError
        If the library is not installed.
    TypeError, ValueError
        If an argument is not as above, the network has a custom function, or the library cannot compute this
        network or step: the message says what it lacks.
    DivergenceError
        If the step leaves the finite numbers.

    Notes
    -----
    Everything is computed in the network's dtype, on the CPU. Nothing global is changed: no default dtype, no
    number of threads, no seed.

    Both sides round each operation, in an order of their own, and their exp and its family are off by a few ulp.
    A bound for what comes of that goes through the network with the numbers (see docs/compare.md), and a row is

    - "equal" if all its numbers have the same bits,
    - "agrees" if each is within its bound,
    - "convention" if not, but a convention that has a name explains it: the row shows the library's way and its
      translated counterpart is "equal" or "agrees"; or a net is within rounding of a kink;
    - "differs" otherwise. Then one of the two is wrong.

    Examples
    --------
    >>> import backprop as bp
    >>> comparison = bp.compare(*bp.examples.worked_example())
    >>> comparison.ok
    True
    >>> row = comparison.rows[3]
    >>> row.name, row.ours.shape, row.tolerance < 1e-9
    ('dE/dw[2]', (2, 2), True)
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a Network, not an object of type {type(net).__name__}")
    for function in (*net.config.activation, net.config.output_activation, net.config.loss):
        if not isinstance(function, str):
            raise ValueError(
                f"net has the custom function {label(function)}, which no other library has; gradcheck(net, X, T)"
                " holds it against differences"
            )
    to = checks.choice("to", to, PEERS)
    samples, targets, single = net._samples_and_targets(X, T)
    weights = net._weights_of_samples(sample_weight, len(samples))
    case = Case(net, samples, targets, weights, single)
    l2 = checks.rate("l2", l2)
    optimizers = _optimizers(net, optimizer)
    updates = [_update(case, each, learning_rate, l2) for each in optimizers]
    return _Judge(case, open_peer(to, case)).comparison(list(zip(optimizers, updates, strict=True)))


def _optimizers(net: Network, optimizer: str | Optimizer | None) -> list[Optimizer]:
    """Plain SGD, and a copy of what was given, with its state."""
    if optimizer is None:
        return [SGD()]
    given = of_name_or_instance(optimizer)
    owner = given._owner() if given._owner is not None else None
    if given._owner is not None and owner is not net:
        raise ValueError(
            f"optimizer: this {type(given).__name__} holds the state of another network; make a new one, or"
            " reset() it"
        )
    own = copy.copy(given)
    return [own] if own._specified()[0] == "sgd" else [SGD(), own]


def _update(case: Case, optimizer: Optimizer, learning_rate: float | None, l2: float) -> Update:
    """One step in plain terms."""
    method, constants = optimizer._specified()
    rate = checks.rate("learning_rate", optimizer.learning_rate if learning_rate is None else learning_rate)
    layout = case.net._machine.layout
    blocks = list(optimizer._moments)
    blocks += [layout.new_block() for _ in range(optimizer._n_moments[method] - len(blocks))]
    moments = [
        ([view.copy() for view in layout.weights(block)], [view.copy() for view in layout.biases(block)])
        for block in blocks
    ]
    plain = method == "sgd"
    title = f"one step of {'plain SGD' if plain else type(optimizer).__name__}, learning_rate={rate:g}"
    if not plain:
        names = ["beta_1", "beta_2", "epsilon"] if method == "adam" else ["momentum"]
        title += "".join(f", {name}={value:g}" for name, value in zip(names, constants, strict=True))
        title += ", nesterov" if method == "nesterov" else ""
    if l2:
        title += f", l2={l2:g}"
    powers = (float(optimizer._powers[0]), float(optimizer._powers[1]))
    return Update(repr(optimizer), title, method, constants, rate, l2, moments, powers)


def _step(case: Case, net: Network, optimizer: Optimizer, update: Update) -> Arrays:
    """The network's parameters after one step; on a copy, by a copy."""
    trial = net.copy()
    trial.train(
        case.samples, case.targets, sample_weight=case.sample_weight, batch_size=len(case.samples),
        optimizer=copy.copy(optimizer), learning_rate=update.rate, l2=update.l2, record_loss=False,
    )  # fmt: skip
    return parameter_arrays(trial.weights, trial.biases)


class _Judge:
    """Collects the rows of one comparison."""

    def __init__(self, case: Case, peer: Peer) -> None:
        self.case, self.peer = case, peer
        self.rows: list[ComparisonRow] = []
        one, other = peer.bounds()
        self.bound, self.wide = (gradient_arrays(b.loss, b.weights, b.biases, b.inputs) for b in (one, other))

    def comparison(self, steps: list[tuple[Optimizer, Update]]) -> Comparison:
        """Everything side by side."""
        case, peer = self.case, self.peer
        gradients = case.net.gradients(case.samples, case.targets, case.sample_weight)
        loss = case.net.loss(case.samples, case.targets, case.sample_weight)
        ours = gradient_arrays(loss, *gradients)
        self._section("loss and gradient", "", ours, peer.figures(), self.bound, self.wide)
        for variant in peer.variants():
            self._section(variant.title, variant.convention, ours, variant.arrays, self.bound, self.wide)
        for optimizer, update in steps:
            self._steps(optimizer, update, ours)
        engine = f"{case.net.engine} engine, {case.dtype.name}"
        weighted = ", weighted" if case.sample_weight is not None else ""
        n = len(case.samples)
        title = f"{case.net!r}\n({engine}, {n} sample{'s' if n > 1 else ''}{weighted}) beside {peer.label}"
        named = [Convention(name, text, self._made(name)) for name, text in peer.conventions.items()]
        return Comparison(title, peer.label, tuple(self.rows), tuple(named))

    def _steps(self, optimizer: Optimizer, update: Update, gradients: Arrays) -> None:
        """One optimizer's step: translated, as the peer takes it, and as the network takes it."""
        case, peer = self.case, self.peer
        bound, wide = (self._new_bounds(update, gradients, off) for off in (self.bound, self.wide))
        ours = actual = _step(case, case.net, optimizer, update)
        convention = ""
        if case.config.update_order == "sequential" and len(case.weights) > 1:
            convention, text = UPDATE_ORDER, ORDER_TEXT
        elif peer.trains_biases and not case.config.train_bias:
            convention, text = TRAINED_BIASES, BIASES_TEXT
        if convention:
            peer.conventions[convention] = text
            translated = replace(
                case.config,
                update_order="simultaneous",
                train_bias=peer.trains_biases or case.config.train_bias,
            )
            net = _restored(Network, translated, case.net.engine, case.net.parameters)
            ours = _step(case, net, optimizer, update)
        first = None
        for variant in peer.steps(update):
            first = first or variant
            self._section(variant.title, variant.convention, ours, variant.arrays, bound, wide)
        if convention and first is not None:
            title = f"{update.title}, as the network takes it"
            self._section(title, convention, actual, first.arrays, bound, wide)

    def _new_bounds(self, update: Update, gradients: Arrays, off: Arrays) -> Arrays:
        """The bounds of new parameters, by name."""
        case, found = self.case, {}
        for kind, (letter, old) in enumerate((("w", case.weights), ("b", case.biases))):
            for layer, array in enumerate(old):
                name = f"dE/d{letter}[{layer + 1}]"
                if name in off:
                    moments = [moment[kind][layer] for moment in update.moments]
                    found[f"new {letter}[{layer + 1}]"] = new_parameter_bound(
                        update, 0.0 if kind else update.l2, array, gradients[name], off[name], moments, case.dtype
                    )
        return found

    def _section(
        self, title: str, convention: str, ours: Arrays, theirs: Arrays, bound: Arrays, wide: Arrays
    ) -> None:
        """Rows for what the peer has; a section with a convention is judged by its translated counterpart."""
        for name, peer in theirs.items():
            row = ComparisonRow.of(title, name, ours[name], peer, bound[name], wide[name], self.case.dtype)
            single = name == "dE/dx" and self.case.single
            row = replace(row, place=row.place[1:] if single else row.place)
            if row.verdict == "convention":  # within the wider bound
                row = replace(row, convention=self.peer.excuse(name))
                if not row.convention:
                    row = replace(row, verdict="differs")
            if convention:
                sound = all(
                    each.verdict != "differs" for each in self.rows if each.name == name and not each.convention
                )
                verdict = "convention" if row.verdict == "differs" and sound else row.verdict
                row = replace(row, convention=convention, verdict=verdict)
            self.rows.append(row)

    def _made(self, convention: str) -> float:
        """The largest absolute difference in the rows that a convention explains."""
        found = [row.absolute for row in self.rows if convention in row.convention and row.verdict == "convention"]
        return max(found, default=0.0)
