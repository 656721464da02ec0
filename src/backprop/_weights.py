"""An estimator's weights: the lists `coefs_` and `intercepts_`, and the `Network` they belong to.

The arrays in the lists are views of the network's parameters, so writing into them needs nothing more. An array
put in a view's place, or lists from elsewhere (a pickle, a user), are noticed at the next call: they are checked,
copied into the network, and replaced by its views.
"""

from collections.abc import Sequence
from operator import is_not
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from . import _checks as checks
from ._config import NetworkConfig
from ._layout import Array
from ._machine import Machine
from .functions import ACTIVATIONS, pair_is_possible
from .network import Network, _restored


class Weights:
    """The part of an estimator that holds its weights."""

    _network: Network
    coefs_: list[Array]
    intercepts_: list[Array]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    @property
    def network_(self) -> Network:
        """The network at work: its parameters are those of `coefs_` and `intercepts_`, its loss its own."""
        check_is_fitted(self)
        return self._in_step()

    @property
    def _machine(self) -> Machine:
        return self._network._machine

    # ---- from numbers --------------------------------------------------------------------------------------

    def set_weights(self, coefs: Sequence[ArrayLike], intercepts: Sequence[ArrayLike]) -> Self:
        """Give the weights to start from, once, or to go on with.

        The next `fit` that would draw initial weights starts from these instead. A fitted estimator takes them
        at once, too.

        Parameters
        ----------
        coefs : sequence of array-like of shape (fan_in, fan_out)
        intercepts : sequence of array-like of shape (fan_out,)

        Returns
        -------
        self : object

        Raises
        ------
        TypeError, ValueError
            If the arrays do not fit each other, or a fitted estimator, or hold anything but finite numbers.
        """
        coefs, intercepts = chained(coefs, intercepts, ("coefs", "intercepts"))
        if hasattr(self, "coefs_"):
            network = self._in_step()
            expected = network.config.sizes
            if sizes_of(coefs) != expected:
                raise ValueError(f"coefs has layers of {sizes_of(coefs)} units, expected {expected}")
            network.weights, network.biases = coefs, intercepts
        self._start = (coefs, intercepts)
        return self

    def _take_start(self, network: Network) -> None:
        """Use the weights of `set_weights`, if there are any, in place of those drawn."""
        start = self.__dict__.get("_start")
        if start is not None:
            if sizes_of(start[0]) != network.config.sizes:
                raise ValueError(
                    f"set_weights gave layers of {sizes_of(start[0])} units, expected {network.config.sizes}:"
                    " the features of X, hidden_layer_sizes, and the outputs that y needs"
                )
            network.weights, network.biases = start

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        if isinstance(state, dict):  # a copy's arrays are views of nothing until its next call
            state = {name: value for name, value in state.items() if name != "_views"}
        return state

    # ---- in step -------------------------------------------------------------------------------------------

    def _specification(self, sizes: tuple[int, ...], dtype: str) -> NetworkConfig:
        """What the network is, by the parameters as they are now."""
        estimator: Any = self
        activation, n_hidden = estimator.activation, len(sizes) - 2
        if isinstance(activation, str):
            names: tuple[str, ...] = (activation,) * n_hidden
        elif np.shape(activation) == (n_hidden,):
            hidden = [name for name, row in ACTIVATIONS.items() if row.hidden]
            names = tuple(checks.choice(f"activation[{k}]", name, hidden) for k, name in enumerate(activation))
        else:
            raise ValueError(
                f"activation must be one name, or one for each of the {n_hidden} hidden layers, not {activation!r}"
            )
        outputs = [name for name, row in ACTIVATIONS.items() if row.output]
        output, loss = checks.choice("out_activation_", estimator.out_activation_, outputs), estimator.loss
        if output == "softmax" and sizes[-1] == 1:
            raise ValueError("output_activation='softmax' needs two outputs or more: they sum to 1")
        if not pair_is_possible(output, loss):
            raise ValueError(f"loss={loss!r} is not defined for output_activation={output!r}")
        huber_delta = float(estimator.huber_delta)
        return NetworkConfig(sizes, names, output, loss, "per_unit", True, "simultaneous", huber_delta, dtype)

    def _open(self, sizes: tuple[int, ...], dtype: str) -> Network:
        """A network of these sizes for this estimator, all of its parameters 0."""
        estimator: Any = self
        config = self._specification(sizes, dtype)
        network = Network.__new__(Network)
        network._open(config, estimator.engine)
        self._show(network)
        return network

    def _show(self, network: Network) -> None:
        """Make this the network, and the lists its views."""
        self._network, self.n_layers_ = network, len(network.config.sizes)
        self.coefs_, self.intercepts_ = list(network.weights), list(network.biases)
        self._views = (*self.coefs_, *self.intercepts_)

    def _in_step(self) -> Network:
        """The network, after whatever was put into the lists since the last call, if all of it is finite."""
        network = self._adopt_lists()
        layer = network._machine.first_bad_layer()
        if layer >= 0:
            raise ValueError(
                f"coefs_[{layer}] or intercepts_[{layer}] holds NaN or infinity; a model needs finite weights"
            )
        return network

    def _adopt_lists(self) -> Network:
        """The network with the numbers of the lists."""
        state = self.__dict__
        network: Network | None = state.get("_network")
        coefs, intercepts, views = state.get("coefs_"), state.get("intercepts_"), state.get("_views", ())
        arrays = (*coefs, *intercepts) if type(coefs) is list and type(intercepts) is list else ()
        if not views or len(arrays) != len(views) or any(map(is_not, arrays, views)):
            network = self._adopted(network, coefs, intercepts)
        assert network is not None
        config = network.config
        if not self._is_specified_by(config):
            estimator: Any = self
            estimator._validate_params()
            config = self._specification(config.sizes, config.dtype)
            network = _restored(Network, config, network.engine, network.parameters)
            self._show(network)
        return network

    def _is_specified_by(self, config: NetworkConfig) -> bool:
        """Whether parameters that say what the network is are those that it was made with."""
        estimator: Any = self
        activation = estimator.activation
        if isinstance(activation, str):
            same = all(name == activation for name in config.activation)
        else:
            same = isinstance(activation, list | tuple | np.ndarray) and tuple(activation) == config.activation
        return (
            same
            and config.loss == estimator.loss
            and config.output_activation == estimator.out_activation_
            and config.huber_delta == estimator.huber_delta
        )

    def _adopted(self, network: Network | None, coefs: Any, intercepts: Any) -> Network:
        """The network with the numbers of the lists, whose items become its views."""
        arrays = chained(coefs, intercepts, ("coefs_", "intercepts_"))
        estimator: Any = self
        sizes = sizes_of(arrays[0])
        if network is None or network.config.sizes != sizes:
            ends = (getattr(estimator, "n_features_in_", sizes[0]), estimator.n_outputs_)
            if (sizes[0], sizes[-1]) != ends:
                raise ValueError(
                    f"coefs_ leads from {sizes[0]} features to {sizes[-1]} outputs, expected {ends[0]} and"
                    f" {ends[1]}"
                )
            single = all(array.dtype == np.float32 for array in (*arrays[0], *arrays[1]))
            config = self._specification(sizes, "float32" if single else "float64")
            network = Network.__new__(Network)
            network._open(config, estimator.engine)
        network.weights, network.biases = arrays
        if isinstance(coefs, list) and isinstance(intercepts, list):  # who holds the lists keeps them
            coefs[:], intercepts[:] = network.weights, network.biases
            self._network, self._views, self.n_layers_ = network, (*coefs, *intercepts), len(sizes)
        else:
            self._show(network)
        return network


def sizes_of(coefs: Sequence[Array]) -> tuple[int, ...]:
    """Units per layer, of arrays that fit each other."""
    return (coefs[0].shape[0], *(array.shape[1] for array in coefs))


def chained(coefs: Any, intercepts: Any, names: tuple[str, str]) -> tuple[list[Array], list[Array]]:
    """Arrays of finite numbers in which each layer takes in what the one before puts out.

    Raises
    ------
    TypeError, ValueError
        Naming the array, what it was and what was expected.
    """
    found: list[list[Array]] = []
    for name, arrays in zip(names, (coefs, intercepts), strict=True):
        if isinstance(arrays, str | bytes) or not isinstance(arrays, Sequence | np.ndarray):
            raise TypeError(f"{name} must be a list of arrays, one a layer, not {checks.shown(arrays)}")
        found.append([checks.float_array(f"{name}[{k}]", array) for k, array in enumerate(arrays)])
    if len(found[0]) != len(found[1]) or not found[0]:
        raise ValueError(
            f"{names[0]} has {len(found[0])} arrays and {names[1]} {len(found[1])}; both need one for each layer"
        )
    for k, (w, b) in enumerate(zip(*found, strict=True)):
        above = found[0][k - 1].shape[1] if k else None
        if w.ndim != 2 or 0 in w.shape or (k and w.shape[0] != above):
            expected = f"({above}, fan_out)" if k else "(fan_in, fan_out)"
            raise ValueError(f"{names[0]}[{k}] has shape {w.shape}, expected {expected}")
        if b.shape != w.shape[1:]:
            raise ValueError(f"{names[1]}[{k}] has shape {b.shape}, expected {w.shape[1:]}")
        for name, array in ((f"{names[0]}[{k}]", w), (f"{names[1]}[{k}]", b)):
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds NaN or infinity; a model needs finite weights")
    return found[0], found[1]
