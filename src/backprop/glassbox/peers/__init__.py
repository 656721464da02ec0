"""The peers of `compare`: other libraries that compute a network's loss, gradient and step, each in its own way.

A peer is given a `Case` and answers with arrays by name, first translated into this package's conventions, then as
the library does it where that is something else. No other module knows the library.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..._config import NetworkConfig
from ...network import Network
from ..rounding import Bounds, bounds
from ..update import Update

__all__ = [
    "KINKS",
    "PEERS",
    "TARGET_SUMS",
    "Arrays",
    "Case",
    "Peer",
    "Variant",
    "gradient_arrays",
    "open_peer",
    "parameter_arrays",
    "required",
]

Array = NDArray[Any]
Arrays = dict[str, Array]

# Conventions that several peers share.
KINKS, TARGET_SUMS = "kinks", "targets' sums"

# to=...: the module here, with a class `Peer` of its own.
PEERS = {"numeric": "numeric_peer", "torch": "torch_peer", "jax": "jax_peer", "sklearn": "sklearn_peer"}


class Case:
    """A network with copies of its parameters, and checked data, all in the network's dtype.

    Attributes
    ----------
    net : Network
    samples, targets : ndarray
        Two-dimensional.
    sample_weight : ndarray or None
    single : bool
        Whether X was one sample, given as such.
    """

    def __init__(
        self, net: Network, samples: Array, targets: Array, sample_weight: Array | None, single: bool
    ) -> None:
        self.net, self.single = net, single
        self.dtype = net.parameters.dtype
        self.samples, self.targets = samples.astype(self.dtype), targets.astype(self.dtype)
        self.sample_weight = None if sample_weight is None else sample_weight.astype(self.dtype)
        self.weights = [view.copy() for view in net.weights]
        self.biases = [view.copy() for view in net.biases]

    @property
    def config(self) -> NetworkConfig:
        """The network's specification."""
        return self.net.config

    @property
    def total_weight(self) -> float:
        """The samples' weights added up, or their number."""
        return float(len(self.samples) if self.sample_weight is None else self.sample_weight.sum(dtype=np.float64))

    @property
    def activations(self) -> tuple[str, ...]:
        """The name of the activation of every layer of weights."""
        return tuple(row.name for row in self.config.rows)

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self.config.loss_row.name

    @cached_property
    def nets(self) -> list[Array]:
        """The nets of every layer of weights."""
        return self.net.nets(self.samples)


@dataclass(frozen=True)
class Variant:
    """What a peer computes in one of several ways.

    Attributes
    ----------
    title : str
    arrays : dict of str to ndarray
        By name, as `gradient_arrays` or `parameter_arrays` names them.
    convention : str
        The name of the convention that makes it differ from this package's; empty if it is translated.
    """

    title: str
    arrays: Arrays
    convention: str = ""


class Peer:
    """What all peers share. A subclass computes.

    Attributes
    ----------
    name : str
        As `to=` has it.
    label : str
        With the version.
    conventions : dict of str to str
        By name, in what the peer differs from this package, as far as it may concern this network.
    loss_of_outs : bool
        Whether log_loss is computed from the rounded outputs.
    trains_biases : bool
        Whether a step always changes the biases.
    """

    name: ClassVar[str]
    label: str
    loss_of_outs: ClassVar[bool] = False
    trains_biases: ClassVar[bool] = False

    def __init__(self, case: Case) -> None:
        self.case = case
        self.conventions: dict[str, str] = {}
        if (case.config.output_activation, case.config.loss) == ("softmax", "log_loss"):
            sums = np.abs(case.targets.sum(axis=1, dtype=np.float64) - 1.0).max()
            if sums > case.targets.shape[1] * np.finfo(case.dtype).eps:
                self.conventions[TARGET_SUMS] = (
                    "backprop's delta is out - t, which takes a row of targets to sum to 1; here they miss it by"
                    f" up to {sums:.2g}, and a derivative of the formula has out*sum(t) - t"
                )

    def figures(self) -> Arrays:
        """The loss and the gradient, in this package's conventions."""
        raise NotImplementedError

    def variants(self) -> Iterator[Variant]:
        """Losses and gradients as the peer has them, where that differs."""
        return iter(())

    def steps(self, update: Update) -> Iterator[Variant]:
        """The parameters after one step: translated, and then as the peer takes it, where that differs."""
        raise NotImplementedError

    def bounds(self) -> tuple[Bounds, Bounds]:
        """What rounding alone may make of the difference, and what it may together with conventions."""
        case = self.case
        one, other = (
            bounds(
                case.net, case.samples, case.targets, case.sample_weight,
                conventions=conventions, loss_of_outs=self.loss_of_outs,
            )
            for conventions in (False, True)
        )  # fmt: skip
        return one, other

    def excuse(self, name: str) -> str:
        """What allows the array of that name to differ by more than rounding."""
        return " and ".join(known for known in (KINKS, TARGET_SUMS) if known in self.conventions)

    def refuse(self, what: str, known: str) -> NoReturn:
        """Say that the peer cannot compute this network, and what it can."""
        raise ValueError(f"to={self.name!r} cannot compute {what}; {known}")

    def only(self, activations: Iterable[str], losses: Iterable[str]) -> None:
        """Refuse a network with any other activation or loss."""
        for kind, known, used in (
            ("activation", tuple(activations), self.case.activations),
            ("loss", tuple(losses), (self.case.loss,)),
        ):
            for name in used:
                if name not in known:
                    self.refuse(f"the {kind} {name!r}", f"it has {', '.join(known)}")

    def plain_sgd_only(self, update: Update) -> None:
        """Refuse any other optimizer."""
        if update.method != "sgd":
            raise ValueError(
                f"optimizer={update.optimizer} is not plain SGD, and to={self.name!r} has no optimizer of its own"
                " to compare it with; to='torch' and to='sklearn' have"
            )


def open_peer(to: str, case: Case) -> Peer:
    """The peer of that name; ImportError, with what to install, if its library is missing."""
    peer: Peer = import_module(f"{__name__}.{PEERS[to]}").Peer(case)
    return peer


def required(library: str, distribution: str, to: str) -> Any:
    """A library that a peer needs."""
    try:
        return import_module(library)
    except ImportError as error:
        raise ImportError(
            f"to={to!r} needs {library}, which could not be imported ({error}): python -m pip install"
            f" {distribution}"
        ) from error


def gradient_arrays(loss: Any, weights: Any, biases: Any, inputs: Any = None) -> Arrays:
    """A loss and its gradient by name; without what has no items."""
    arrays = {"loss": np.asarray(loss)} | _by_layer("dE/dw[{}]", weights, "dE/db[{}]", biases)
    return arrays if inputs is None else arrays | {"dE/dx": np.asarray(inputs)}


def parameter_arrays(weights: Any, biases: Any) -> Arrays:
    """New parameters by name; without what has no items."""
    return _by_layer("new w[{}]", weights, "new b[{}]", biases)


def _by_layer(of_weights: str, weights: Any, of_biases: str, biases: Any) -> Arrays:
    arrays = {}
    for layer, pair in enumerate(zip(weights, biases, strict=True)):
        for form, array in zip((of_weights, of_biases), pair, strict=True):
            if np.size(array):
                arrays[form.format(layer + 1)] = np.array(array)
    return arrays
