"""NetworkEnsemble: many networks of one shape, trained at once.

Arguments are checked here; `_together` runs the members side by side. Each number of a member is that of the
network trained alone.
"""

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _checks as checks
from . import _standing
from ._config import NetworkConfig
from ._custom import label
from ._each import one_each, optimizers_of, random_states_of, rates_of, states_of
from ._layout import Array
from ._pacing import deferred_interrupt
from ._together import Data, Group, groups_of, histories, losses_of, run
from ._training import Orders
from .errors import DivergenceError, DivergenceWarning
from .network import Network, RandomState
from .optimizers import Optimizer, State

__all__ = ["NetworkEnsemble"]

Doubles = NDArray[np.float64]
Callback = Callable[[int, "NetworkEnsemble", Doubles | None], Any]
LearningRate = float | ArrayLike | Callable[[int], Any] | None


class NetworkEnsemble:
    """Networks of one specification that are trained together, on the same data, each as if it were alone.

    Each has its own weights, and in a training call its own learning rate, L2, optimizer and order of the samples.
    The compiled engine trains small networks side by side, one in each SIMD lane: many times the networks in the
    same time. A member's bits are those of the same network after the same `Network.train`.

    Parameters
    ----------
    networks : iterable of Network
        At least one; all of the same specification (`Network.config`) and engine, each only once. These are the
        members, not copies of them: training changes them, and changing them changes the ensemble. Give
        ``net.copy()`` for one that is to stay as it is.

    Attributes
    ----------
    failures : dict of int to DivergenceError
        Members that diverged in the last training call. They are as they were before it.

    Raises
    ------
    TypeError, ValueError
        If `networks` is not as above.

    Notes
    -----
    ``ensemble[k]`` is a member, a slice of it a list of members, ``len(ensemble)`` their number.

    Examples
    --------
    >>> import backprop as bp
    >>> X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    >>> ensemble = bp.NetworkEnsemble.from_seeds([2, 4, 1], range(8))
    >>> history = ensemble.train(X, T, epochs=1000)
    >>> history.shape
    (8, 1000)
    >>> alone = bp.Network([2, 4, 1], random_state=3)
    >>> _ = alone.train(X, T, epochs=1000)
    >>> ensemble[3] == alone
    True
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        expected = "networks must be an iterable of at least one Network"
        if isinstance(networks, str | bytes | Network) or not isinstance(networks, Iterable):
            raise TypeError(f"{expected}, not {checks.shown(networks)}")
        members = list(networks)
        if not members:
            raise ValueError(f"{expected}; it was empty")
        for k, member in enumerate(members):
            if not isinstance(member, Network):
                raise TypeError(f"networks[{k}] must be a Network, not {checks.shown(member)}")
        first_place: dict[int, int] = {}
        for k, member in enumerate(members):
            if member.config != members[0].config:
                raise ValueError(
                    f"networks[{k}] has {_difference(member.config, members[0].config)} networks[0]; the members"
                    " of an ensemble must have one specification"
                )
            if member.engine != members[0].engine:
                raise ValueError(
                    f"networks[{k}] has engine {member.engine!r}, and networks[0] {members[0].engine!r}; the"
                    " members of an ensemble must have one engine"
                )
            if first_place.setdefault(id(member), k) != k:
                raise ValueError(
                    f"networks[{k}] is networks[{first_place[id(member)]}] again; give a copy() of it instead"
                )
        self._members = members
        self.failures: dict[int, DivergenceError] = {}

    @classmethod
    def from_seeds(cls, sizes: Sequence[int], seeds: Iterable[RandomState], **options: Any) -> "NetworkEnsemble":
        """An ensemble of new networks that differ by their initial weights.

        Parameters
        ----------
        sizes : sequence of int
            As `Network` takes them.
        seeds : iterable of int, RandomState or None
            Each network's `random_state`, in order.
        **options
            What else `Network` takes, for all of them.

        Raises
        ------
        TypeError, ValueError
            As `Network`, and if there is no seed.
        """
        if isinstance(seeds, str | bytes) or not isinstance(seeds, Iterable):
            raise TypeError(f"seeds must be an iterable of at least one random_state, not {checks.shown(seeds)}")
        if "random_state" in options:
            raise TypeError("random_state is given by seeds, one for each network")
        members = [Network(sizes, random_state=seed, **options) for seed in seeds]
        if not members:
            raise ValueError("seeds must be an iterable of at least one random_state; it was empty")
        return cls(members)

    # ---- what it is ----------------------------------------------------------------------------------------

    @property
    def members(self) -> tuple[Network, ...]:
        """The networks themselves."""
        return tuple(self._members)

    @property
    def config(self) -> NetworkConfig:
        """The specification of every member."""
        return self._members[0].config

    @property
    def engine(self) -> str:
        """The name of the engine that computes: "compiled" or "python"."""
        return self._members[0].engine

    @property
    def parameters(self) -> Array:
        """A packed copy (n_members, n_parameters), a row as `Network.parameters` has it."""
        return np.stack([member.parameters for member in self._members])

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Network]:
        return iter(self._members)

    @overload
    def __getitem__(self, place: int) -> Network: ...
    @overload
    def __getitem__(self, place: slice) -> list[Network]: ...
    def __getitem__(self, place: int | slice) -> Network | list[Network]:
        return self._members[place]

    def __repr__(self) -> str:
        return f"<NetworkEnsemble of {len(self)}: {self._members[0]!r}>"

    def copy(self) -> "NetworkEnsemble":
        """An ensemble of copies of the members."""
        return type(self)(member.copy() for member in self._members)

    # ---- what it computes ----------------------------------------------------------------------------------

    def forward(self, X: ArrayLike) -> Array:
        """The outputs of every member.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs) or (n_inputs,)
            Samples, or one of them.

        Returns
        -------
        ndarray of shape (n_members, n_samples, n_outputs) or (n_members, n_outputs)
            Errors as in `Network.forward`.
        """
        machine, config = self._members[0]._machine, self.config
        samples, single = checks.samples("X", X, config.sizes[0], machine.engine, config.dtype)
        out = np.empty((len(self), len(samples), config.sizes[-1]), config.dtype)
        for of_member, member in zip(out, self._members, strict=True):
            of_member[:] = member._machine.outputs(samples)
        return out[:, 0] if single else out

    predict = forward

    def loss(self, X: ArrayLike, T: ArrayLike, sample_weight: ArrayLike | None = None) -> Doubles:
        """Every member's mean loss, without L2.

        Parameters
        ----------
        X, T, sample_weight : array-like
            As in `Network.loss`; errors too.

        Returns
        -------
        ndarray of shape (n_members,)
        """
        first = self._members[0]
        samples, targets, _ = first._samples_and_targets(X, T)
        weights = first._weights_of_samples(sample_weight, len(samples))
        return np.array([member._machine.loss(samples, targets, weights) for member in self._members])

    def train(
        self,
        X: ArrayLike,
        T: ArrayLike,
        *,
        epochs: int = 1,
        learning_rate: LearningRate = None,
        batch_size: int = 1,
        optimizer: str | Sequence[Optimizer] = "sgd",
        l2: float | ArrayLike = 0.0,
        shuffle: bool = False,
        random_state: RandomState | Sequence[RandomState] = None,
        callback: Callback | None = None,
        stop_below: float | None = None,
        record_loss: bool = True,
    ) -> Doubles | None:
        """Train every member as its own `Network.train` would, with the same bits.

        Parameters
        ----------
        X, T, epochs, batch_size, shuffle, record_loss
            As in `Network.train`, for all members. There are no sample weights.
        learning_rate : float, array-like of shape (n_members,) or (n_members, epochs), callable or None
            One for all, one for each member, or one for each member and epoch. A function of the epoch (from 0)
            gives one of the first two. None: the optimizer's own.
        optimizer : {"sgd", "adam"} or sequence of SGD and Adam
            A name starts afresh at each call. Or one instance for each member, as an instance keeps the state of
            one network; they may differ in kind.
        l2 : float or array-like of shape (n_members,), default=0.0
        random_state : int, RandomState, None or a sequence of these, default=None
            For `shuffle`. One int or RandomState: one order of the samples in each epoch, for all members, drawn
            once. A sequence: an order of its own for each member. None: the same, from fresh seeds. To draw an
            order takes longer than to train a small network on it.
        callback : callable, optional
            Called after each epoch as ``callback(epoch, ensemble, losses)``, with the recorded losses
            (n_members,), NaN where a member's run has ended, or None. Training ends when it returns True.
        stop_below : float, optional
            A member's run ends after its first epoch whose recorded loss is below this.

        Returns
        -------
        ndarray of shape (n_members, n_epochs) or None
            Each member's recorded losses, NaN after the end of a run that ended before the others.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as above, or a parameter of a member is not finite. Nothing has changed then.
        UncheckedFunctionError
            If a custom function has not passed `gradcheck`. Nothing has changed then. What such a function raises
            in the run comes out as it is, and all is as it was before the call.
        RuntimeError
            If another call is training a member.
        KeyboardInterrupt
            After Ctrl-C; every member that has not diverged then holds the result of the same number of batches.

        Warns
        -----
        DivergenceWarning
            If a loss or a parameter of members leaves the finite numbers. The others are trained to the end; those
            members and their optimizers are as they were before the call, and `failures` has their errors.
        """
        first = self._members[0]
        config, n = first._config, len(self)
        samples, targets, _ = first._samples_and_targets(X, T)
        epochs = checks.integer("epochs", epochs, maximum=2**53)
        batch_size = checks.integer("batch_size", batch_size)
        optimizers = optimizers_of(optimizer, n)
        shuffle = checks.boolean("shuffle", shuffle)
        record_loss = checks.boolean("record_loss", record_loss)
        of_members = one_each("l2", l2, n, config.dtype)
        rates = rates_of(learning_rate, optimizers, n, epochs, config.dtype)
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable, as callback(epoch, ensemble, losses), not {callback!r}")
        threshold = -np.inf if stop_below is None else checks.rate("stop_below", stop_below)
        if stop_below is not None and not record_loss:
            raise ValueError("stop_below needs record_loss=True: without losses nothing can fall below it")
        if shuffle or random_state is not None:  # fresh ones cost more than a short run
            random_states = random_states_of(random_state, n)
        checks.memory("epochs", f"{n:,} histories of {epochs:,} epochs", epochs * n if record_loss else 0)
        checks.memory("shuffle", f"{n:,} orders of {len(samples):,} samples", n * len(samples) if shuffle else 0)
        orders = [Orders(len(samples), rng) for rng in random_states] if shuffle else None
        data = Data(samples, targets, min(batch_size, len(samples)), threshold)
        if first._custom:
            _standing.refuse_unchecked(first._custom)
        # SIGINT is held back but between slices, so that no member stays claimed, nor is left half written.
        with deferred_interrupt(True) as deliver_interrupt, _Claim(self._members):
            for k, member in enumerate(self._members):
                layer = member._machine.first_bad_layer()
                if layer >= 0:
                    raise ValueError(
                        f"weights[{layer}] or biases[{layer}] of member {k} holds a number that is not finite; set"
                        " it before training"
                    )
            states = states_of(optimizers, self._members)
            machines = [member._machine for member in self._members]
            groups = groups_of(machines, states, rates, of_members, data, record_loss)
            return self._run(groups, states, epochs, orders, callback, deliver_interrupt)

    def _run(
        self,
        groups: list[Group],
        states: list[State],
        epochs: int,
        orders: list[Orders] | None,
        callback: Callback | None,
        deliver_interrupt: Callable[[], None],
    ) -> Doubles | None:
        """Train the groups, and write what came of it to the members."""
        machines = [member._machine for member in self._members]
        # The members are written to before a callback; otherwise only at the end.
        changing = [
            (machine.block, *state.moments, state.powers) for machine, state in zip(machines, states, strict=True)
        ]
        kept = None if callback is None else [[array.copy() for array in arrays] for arrays in changing]
        lost: dict[int, DivergenceError] = {}
        self.failures = lost
        as_before: Collection[int] = lost

        def after_epoch(epoch: int) -> bool:
            assert callback is not None
            for group in groups:
                group.hand_over(lost)
            try:
                return callback(epoch, self, losses_of(groups, len(self), epoch)) is True
            finally:  # it may have changed the members
                for group in groups:
                    group.take_in()

        try:
            done = run(
                groups,
                epochs=epochs,
                orders=orders,
                after_epoch=None if callback is None else after_epoch,
                deliver_interrupt=deliver_interrupt,
                lost=lost,
            )
        except Exception:  # it may also come from a signal's handler: that takes nothing back
            if machines[0].asks_the_user:
                as_before = range(len(self))
            raise
        finally:
            for group in groups:
                group.hand_over(as_before)
            for k in as_before if kept is not None else ():
                assert kept is not None
                for array, before in zip(changing[k], kept[k], strict=True):
                    array[:] = before
        if lost:
            shown = ", ".join(f"member {k} in epoch {error.epoch}" for k, error in sorted(lost.items())[:5])
            warnings.warn(
                f"{len(lost)} of {len(self)} networks diverged ({shown}{', ...' if len(lost) > 5 else ''}) and are"
                " as they were before the call; see the ensemble's failures",
                DivergenceWarning,
                stacklevel=3,
            )
        return histories(groups, len(self), done)


class _Claim:
    """Holds networks against other training calls."""

    def __init__(self, members: list[Network]) -> None:
        self.members = members

    def __enter__(self) -> None:
        for k, member in enumerate(self.members):
            claim = member._claim
            if claim[0] is None:
                claim[0] = self
            if claim[0] is not self:
                self.__exit__()
                raise RuntimeError(f"member {k} is being trained by another call; train a copy() instead")

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            if member._claim[0] is self:
                member._claim[0] = None


def _difference(config: NetworkConfig, other: NetworkConfig) -> str:
    """The first entry in which two specifications differ."""
    for field in fields(config):
        here, there = getattr(config, field.name), getattr(other, field.name)
        if here != there:
            return f"{field.name} {_entry(field.name, here)}, not {_entry(field.name, there)} as"
    return "another specification than"


def _entry(name: str, value: Any) -> str:
    """An entry of a specification in a few characters."""
    if name == "activation":
        return f"({', '.join(map(label, value))})"
    return label(value) if name in ("output_activation", "loss") else repr(value)
