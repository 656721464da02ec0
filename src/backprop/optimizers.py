"""Optimizers: how a gradient becomes an update. Hyper-parameters and the state that lives between batches.

The formulas are docs/arithmetic.md's; the engines compute them. An instance keeps its state between training
calls and belongs to the network it first trained; a name ("sgd", "adam") stands for a fresh instance at each call.
"""

import copy
import numbers
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _checks as checks
from ._layout import Array as Block
from ._layout import Layout

__all__ = ["SGD", "Adam", "Optimizer"]

Array = NDArray[np.float64]


class State(NamedTuple):
    """What an engine is told of an optimizer. The arrays are the optimizer's own, and change as it works."""

    method: str
    constants: tuple[float, ...]
    moments: list[Block]  # blocks like the parameters'
    powers: Array  # (2,): beta_1^t and beta_2^t


class Optimizer:
    """What all optimizers share: a learning rate, and state that belongs to one network."""

    _n_moments: ClassVar[dict[str, int]] = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = checks.rate("learning_rate", learning_rate)
        self._owner: weakref.ref[Any] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the state, and the network it belonged to."""
        self._owner = None
        self._moments: list[Block] = []
        self._powers = np.ones(2)

    def _specified(self, dtype: str = "float64") -> tuple[str, tuple[float, ...]]:
        """The method's name and its constants, checked anew, as attributes can be set, and for the dtype."""
        raise NotImplementedError

    def _state(self, network: Any, layout: Layout) -> State:
        """The state for a network: a new one at first, then what the last call left."""
        method, constants = self._specified(layout.dtype.name)
        owner = self._owner() if self._owner is not None else None
        if self._owner is not None and owner is not network:
            raise ValueError(
                f"optimizer: this {type(self).__name__} holds the state of another network; make a new one for"
                " this network, or reset() it"
            )
        kept = self._moments[0] if self._moments else None
        if kept is not None and (kept.size != layout.size or kept.dtype != layout.dtype):
            raise ValueError(
                f"optimizer: this {type(self).__name__} holds the state of a network of other sizes or dtype;"
                " make a new one for this network, or reset() it"
            )
        missing = self._n_moments[method] - len(self._moments)
        self._moments += [layout.new_block() for _ in range(missing)]
        self._owner = weakref.ref(network)
        return State(method, constants, self._moments[: self._n_moments[method]], self._powers)

    def rates(self, learning_rate: Any, epochs: int, dtype: str = "float64") -> Array:
        """One checked rate per epoch, the optimizer's own for None; a single number as a view without memory."""
        if learning_rate is None:
            learning_rate = self.learning_rate
        if callable(learning_rate):
            checks.memory("epochs", f"a learning rate for each of {epochs:,} epochs", epochs)
            found = ((f"learning_rate({epoch})", learning_rate(epoch)) for epoch in range(epochs))
            return np.array([checks.rate(name, rate, dtype=dtype) for name, rate in found])
        if isinstance(learning_rate, Sequence | np.ndarray) and not isinstance(learning_rate, str | bytes):
            rates = checks.float_array("learning_rate", learning_rate).astype(np.float64, copy=False)
            if rates.shape != (epochs,):
                raise ValueError(
                    f"learning_rate has shape {rates.shape}, expected a number or ({epochs},), one per epoch"
                )
            for epoch, rate in enumerate(rates.tolist()):
                checks.rate(f"learning_rate[{epoch}]", rate, dtype=dtype)
            return rates
        rate = np.float64(checks.rate("learning_rate", learning_rate, dtype=dtype))
        return np.ndarray(epochs, buffer=rate, strides=0)

    def __copy__(self) -> "Optimizer":
        return copy.deepcopy(self)  # two that share their state would spoil it

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_owner": None}  # a copy belongs to the first network that it trains


class SGD(Optimizer):
    """Stochastic gradient descent, plain, with momentum or with Nesterov's.

    Plain: ``w = w - rate*g``. Momentum: ``v = momentum*v - rate*g; w = w + v``. Nesterov:
    ``w = w + (momentum*v - rate*g)`` with the new v.

    Parameters
    ----------
    learning_rate : float, default=0.5
    momentum : float, default=0.0
        At least 0 and below 1.
    nesterov : bool, default=False
        Needs a momentum.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    References
    ----------
    Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013), section 2.
    """

    def __init__(self, learning_rate: float = 0.5, momentum: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(learning_rate)
        self.momentum, self.nesterov = momentum, nesterov
        self._specified()

    def _specified(self, dtype: str = "float64") -> tuple[str, tuple[float, ...]]:
        momentum = below_one("momentum", self.momentum)
        nesterov = checks.boolean("nesterov", self.nesterov)
        if nesterov and momentum == 0.0:
            raise ValueError("nesterov=True needs a momentum above 0, not 0")
        if momentum == 0.0 and not self._moments:
            return "sgd", ()
        return ("nesterov" if nesterov else "momentum"), (momentum,)

    def __repr__(self) -> str:
        return f"SGD(learning_rate={self.learning_rate}, momentum={self.momentum}, nesterov={self.nesterov})"


class Adam(Optimizer):
    """Adam, in the form that scikit-learn computes: epsilon is added to the root of the uncorrected mean.

    ``m = beta_1*m + (1-beta_1)*g``, ``v = beta_2*v + (1-beta_2)*(g*g)``,
    ``rate_t = rate*sqrt(1-beta_2^t)/(1-beta_1^t)``, ``w = w - (rate_t*m)/(sqrt(v)+epsilon)``.

    Parameters
    ----------
    learning_rate : float, default=0.001
    beta_1, beta_2 : float, default=0.9 and 0.999
        At least 0 and below 1.
    epsilon : float, default=1e-8
        Above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), the reformulation at the end of section 2.
    """

    def __init__(
        self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self._specified()

    def _specified(self, dtype: str = "float64") -> tuple[str, tuple[float, ...]]:
        epsilon = checks.rate("epsilon", self.epsilon, above=True, dtype=dtype)
        return "adam", (below_one("beta_1", self.beta_1), below_one("beta_2", self.beta_2), epsilon)

    def __repr__(self) -> str:
        return (
            f"Adam(learning_rate={self.learning_rate}, beta_1={self.beta_1}, beta_2={self.beta_2},"
            f" epsilon={self.epsilon})"
        )


def below_one(name: str, value: Any) -> float:
    """A number of at least 0 and below 1."""
    expected = f"{name} must be a number of at least 0 and below 1, not {checks.shown(value)}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(expected)
    number = float(value)
    if not 0.0 <= number < 1.0:
        raise ValueError(expected)
    return number


NAMES: dict[str, Callable[[], Optimizer]] = {"sgd": SGD, "adam": Adam}


def of_name_or_instance(optimizer: Any) -> Optimizer:
    """An optimizer from an instance, or a fresh one from a name."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer must be 'sgd', 'adam', or an SGD or Adam, not {checks.shown(optimizer)}")
    return NAMES[checks.choice("optimizer", optimizer, NAMES)]()
