"""Arguments of an ensemble's training call of which each member has its own.

All are checked; what is wrong is named with the member's place.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _checks as checks
from .optimizers import NAMES, Optimizer, State

Doubles = NDArray[np.float64]


def optimizers_of(optimizer: Any, n_members: int) -> Optimizer | list[Optimizer]:
    """An optimizer for each member, or one that stands for a fresh one of each."""
    if isinstance(optimizer, str):
        return NAMES[checks.choice("optimizer", optimizer, NAMES, or_else="a list of SGD and Adam")]()
    expected = (
        f"optimizer must be 'sgd', 'adam', or a list of {n_members} SGD or Adam, one for each member, as each"
        " holds the state of one network"
    )
    if not isinstance(optimizer, Sequence):
        raise TypeError(f"{expected}; it was {checks.shown(optimizer)}")
    if len(optimizer) != n_members:
        raise ValueError(f"{expected}; it had {len(optimizer)}")
    for k, one in enumerate(optimizer):
        if not isinstance(one, Optimizer):
            raise TypeError(f"{expected}; optimizer[{k}] was {checks.shown(one)}")
    if len({id(one) for one in optimizer}) < n_members:
        raise ValueError(f"{expected}; one of them was there twice")
    return list(optimizer)


def states_of(optimizers: Optimizer | list[Optimizer], members: Sequence[Any]) -> list[State]:
    """Their states; if one belongs to another network, nothing has changed."""
    if isinstance(optimizers, Optimizer):
        layout = members[0]._machine.layout
        method, constants = optimizers._specified(layout.dtype.name)
        n_moments = optimizers._n_moments[method]
        moments, powers = (
            np.zeros((len(members), n_moments, layout.size), layout.dtype),
            np.ones((len(members), 2)),
        )
        return [
            State(method, constants, list(of_member), pair)
            for of_member, pair in zip(moments, powers, strict=True)
        ]
    unowned = [one for one in optimizers if one._owner is None]
    states = []
    for k, (one, member) in enumerate(zip(optimizers, members, strict=True)):
        try:
            states.append(one._state(member, member._machine.layout))
        except (TypeError, ValueError) as error:
            for claimed in unowned:
                claimed._owner = None
            raise type(error)(f"of member {k}: {error}") from None
    return states


def one_each(name: str, value: Any, n_members: int, dtype: str) -> Doubles:
    """A checked number of at least 0 for each member, from one for all or one for each."""
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes):
        numbers = checks.float_array(name, value).astype(np.float64, copy=False)
        if numbers.shape != (n_members,):
            raise ValueError(
                f"{name} has shape {numbers.shape}, expected a number or ({n_members},), one for each member"
            )
        refuse_bad_rates(name, numbers, dtype)
        return numbers.copy()
    return np.full(n_members, checks.rate(name, value, dtype=dtype))


def refuse_bad_rates(name: str, numbers: Doubles, dtype: str) -> None:
    """Refuse numbers that are below 0, or that the dtype cannot hold."""
    for place in np.argwhere(~((numbers >= 0.0) & (numbers <= checks.LARGEST[dtype])))[:1].tolist():
        checks.rate(f"{name}[{', '.join(map(str, place))}]", float(numbers[tuple(place)]), dtype=dtype)


def rates_of(
    learning_rate: Any, optimizers: Optimizer | list[Optimizer], n: int, epochs: int, dtype: str
) -> Doubles:
    """Checked rates (epochs, n members); without memory for each epoch if they are the same in all."""
    if callable(learning_rate):
        checks.memory("epochs", f"{n:,} learning rates for each of {epochs:,} epochs", epochs * n)
        rates = np.empty((epochs, n))
        for epoch in range(epochs):
            rates[epoch] = one_each(f"learning_rate({epoch})", learning_rate(epoch), n, dtype)
        return rates
    if learning_rate is None:
        if isinstance(optimizers, Optimizer):
            learning_rate = optimizers.learning_rate
        else:
            learning_rate = [one.learning_rate for one in optimizers]
    if isinstance(learning_rate, Sequence | np.ndarray) and not isinstance(learning_rate, str | bytes):
        learning_rate = checks.float_array("learning_rate", learning_rate)
    if isinstance(learning_rate, np.ndarray) and learning_rate.ndim == 2:
        rates = learning_rate.astype(np.float64, copy=False)
        if rates.shape != (n, epochs):
            raise ValueError(
                f"learning_rate has shape {rates.shape}, expected a number, ({n},), one for each member, or"
                f" ({n}, {epochs}), one for each member and epoch"
            )
        refuse_bad_rates("learning_rate", rates, dtype)
        return np.array(rates.T)
    of_members = one_each("learning_rate", learning_rate, n, dtype)
    return np.ndarray((epochs, n), buffer=of_members, strides=(0, of_members.itemsize))


def random_states_of(random_state: Any, n_members: int) -> list[np.random.RandomState]:
    """One for all members, or one for each."""
    if random_state is None:
        random_state = [None] * n_members
    if isinstance(random_state, str | bytes) or not isinstance(random_state, Sequence | np.ndarray | range):
        return [checks.random_state(random_state)]
    if len(random_state) != n_members:
        raise ValueError(
            f"random_state has {len(random_state)} entries, expected one for all members or {n_members}, one for"
            " each"
        )
    states = [checks.random_state(one) for one in random_state]
    if len({id(one) for one in states}) < n_members:
        raise ValueError("random_state holds the same RandomState twice; each member needs one of its own")
    return states
