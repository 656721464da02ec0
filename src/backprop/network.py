"""Network: a small dense network, its parameters, and the calls on them.

Arguments are checked here, those that make its specification in `_config`; the engine (see `_engine`)
computes, and `_training` runs it.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _checks as checks
from . import _custom as custom
from . import _engine, _standing, _training
from ._config import NetworkConfig, checked_config
from ._custom import ActivationLike, LossLike, custom_rows, label
from ._draws import uniform
from ._layout import Layout
from ._machine import Machine
from ._views import LayerViews, apart
from .functions import LARGEST, SoftmaxLogLoss
from .optimizers import NAMES, Optimizer, of_name_or_instance

if TYPE_CHECKING:
    from .glassbox.trace import Trace

__all__ = ["Gradients", "Network", "NetworkConfig"]

Array = NDArray[np.floating[Any]]
LearningRate = float | ArrayLike | Callable[[int], float] | None
Callback = Callable[[int, "Network", float | None], Any]
RandomState = int | np.integer[Any] | np.random.RandomState | None

FUNCTIONS = ("output_activation", "loss")


class Gradients(NamedTuple):
    """The gradient of a mean loss.

    Attributes
    ----------
    weights : tuple of ndarray of shape (fan_in, fan_out)
        dE/dw, layer by layer.
    biases : tuple of ndarray of shape (fan_out,), (1,) or (0,)
        dE/db, for frozen biases too.
    inputs : ndarray of the samples' shape
        dE/dx.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    inputs: Array


class Network:
    """A small dense network (multi-layer perceptron), trained by backpropagation.

    Every result is the same, bit for bit, from the compiled engine and from the pure-Python one.

    Parameters
    ----------
    sizes : sequence of int
        Units per layer, inputs first: ``[2, 2, 2]`` has two inputs, one hidden layer of two units, two outputs.
        ``[2, 1]`` has no hidden layer.
    activation : str, object, or sequence of them, default="logistic"
        Of the hidden layers: one name, or one per hidden layer. ``"identity"``, ``"logistic"``, ``"tanh"``,
        ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"softplus"`` or ``"silu"``. Instead of a name an object of
        your own, as `CustomActivation` describes it: such a network is computed by the pure-Python engine, and
        trained only once `gradcheck` has passed on the object.
    output_activation : str or object, default="logistic"
        Of the output layer; the same names, and ``"softmax"`` and ``"exp"``; or an object.
    loss : str or object, default="squared_error"
        A sample's loss is a sum over its outputs. ``"squared_error"`` (half the square), ``"absolute_error"``
        and ``"huber"`` go with every output. ``"log_loss"``, the cross-entropy, needs logistic outputs and
        targets within [0, 1], or softmax outputs and targets that sum to 1. ``"poisson"`` (half the deviance)
        needs exp, softplus, logistic or softmax outputs and targets of at least 0. Or an object, as
        `CustomLoss` describes it.
    bias : {"per_unit", "shared", "none"}, default="per_unit"
        One bias for each unit, or one for each layer, shared by its units as in Mazur's tutorial, or none.
    train_bias : bool, default=True
        Whether updates change the biases. The tutorial's never do.
    update_order : {"simultaneous", "sequential"}, default="simultaneous"
        Whether every delta is computed with the weights from before the step, which is the gradient, or each
        layer is updated before its delta goes further back.
    huber_delta : float, default=1.0
        Where the loss ``"huber"`` passes from squared to absolute error; above 0.
    dtype : {"float64", "float32"}, default="float64"
        Of the parameters, the outputs and every operation; as a name, a type or a `numpy.dtype`. X, T and
        sample weights may have either: rows of the other are rounded one by one as they are read. Losses are
        added up over samples in float64.
    random_state : int, RandomState or None, default=None
        For the initial weights, uniform within ``sqrt(6/(fan_in + fan_out))``, for relu, leaky_relu, elu and
        silu layers within ``sqrt(6/fan_in)``, on either side of 0; biases start at 0. None: different at each
        call.
    engine : {"auto", "compiled", "python"}, default="auto"
        Which engine computes. "auto": as the environment variable BACKPROP_ENGINE says, else the compiled
        engine if it is installed; for a network with a custom function always the Python engine.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above, the pair of output activation and loss is not possible, or the
        parameters would not fit into memory.
    ImportError
        If the compiled engine is demanded and not installed.

    Notes
    -----
    One network may be used by several threads at once, as long as only one of them trains it or writes to its
    parameters; a second training call raises RuntimeError. The compiled engine releases the GIL.

    References
    ----------
    Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323 (1986).
    M. Mazur, "A Step by Step Backpropagation Example" (2015).

    Examples
    --------
    Exclusive or, one sample at a time:

    >>> import backprop as bp
    >>> X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    >>> net = bp.Network([2, 4, 1], random_state=1)
    >>> history = net.train(X, T, epochs=5000)
    >>> net.forward(X).round().ravel()
    array([0., 1., 1., 0.])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | ActivationLike | Sequence[str | ActivationLike] = "logistic",
        output_activation: str | ActivationLike = "logistic",
        loss: str | LossLike = "squared_error",
        bias: str = "per_unit",
        train_bias: bool = True,
        update_order: str = "simultaneous",
        huber_delta: float = 1.0,
        dtype: DTypeLike = "float64",
        random_state: RandomState = None,
        engine: str = "auto",
    ) -> None:
        config = checked_config(
            sizes,
            activation=activation,
            output_activation=output_activation,
            loss=loss,
            bias=bias,
            train_bias=train_bias,
            update_order=update_order,
            huber_delta=huber_delta,
            dtype=dtype,
        )
        rng = checks.random_state(random_state)
        self._open(config, engine)
        for view, row in zip(self.weights, config.rows, strict=True):
            bound = row.initial_bound(*view.shape)
            view[...] = uniform(rng, bound, view.shape)

    def _open(self, config: NetworkConfig, engine: str) -> None:
        """Set up the machine for a checked specification, with all parameters 0."""
        rows, of_loss = config.rows, config.loss_row
        self._custom = custom_rows((*rows, of_loss))
        if self._custom and engine == "compiled":
            raise ValueError(
                f"engine='compiled' cannot compute the custom {self._custom[0].what}: it knows the built-in"
                " functions alone. Leave engine='auto', which is 'python' for this network"
            )
        module = _engine.pick("python" if self._custom and engine == "auto" else engine)
        layout = Layout(config.sizes, config.bias, config.dtype)
        what = f"a network of {layout.n_parameters:,} parameters"
        checks.memory("sizes", what, layout.size, layout.dtype.itemsize)
        self._config = config
        self._loss_row = of_loss
        self._machine = Machine(
            module,
            layout,
            sizes=config.sizes,
            activations=tuple(map(custom.for_engine, rows)),
            loss=custom.for_engine(of_loss),
            shortcut=config.shortcut,
            bias=config.bias,
            train_bias=config.train_bias,
            sequential=config.update_order == "sequential",
            huber_delta=config.huber_delta,
            dtype=config.dtype,
        )
        self._claim: list[object] = [None]  # a token of the training call under way
        self._quick = self._machine.quick(self._claim, of_loss.target_range or (-LARGEST, LARGEST))

    # ---- what it is ----------------------------------------------------------------------------------------

    @property
    def config(self) -> NetworkConfig:
        """The specification; immutable."""
        return self._config

    @property
    def engine(self) -> str:
        """The name of the engine that computes: "compiled" or "python"."""
        return str(self._machine.engine.NAME)

    @property
    def n_parameters(self) -> int:
        """The number of weights and biases, frozen ones included."""
        return self._machine.layout.n_parameters

    @property
    def weights(self) -> LayerViews:
        """One writable view (fan_in, fan_out) per layer; ``weights[l][i, j]`` leads from unit i to unit j."""
        machine = self._machine
        return LayerViews("weights", machine.layout.weights(machine.block), machine)

    @weights.setter
    def weights(self, values: Iterable[ArrayLike]) -> None:
        self.weights.assign(values)

    @property
    def biases(self) -> LayerViews:
        """One writable view per layer: (fan_out,) per unit, (1,) shared, (0,) none."""
        machine = self._machine
        return LayerViews("biases", machine.layout.biases(machine.block), machine)

    @biases.setter
    def biases(self, values: Iterable[ArrayLike]) -> None:
        self.biases.assign(values)

    @property
    def parameters(self) -> Array:
        """A packed copy (n_parameters,): weights in C order and then biases, layer by layer. Can be set."""
        return self._machine.layout.pack(self._machine.block)

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        packed = checks.float_array("parameters", values)
        if packed.shape != (self.n_parameters,):
            raise ValueError(f"parameters has shape {packed.shape}, expected ({self.n_parameters},)")
        checks.finite("parameters", packed, self._machine.engine, self._config.dtype)
        self._machine.layout.unpack(apart(packed, self._machine.block), self._machine.block)

    # ---- what it computes ----------------------------------------------------------------------------------

    def forward(self, X: ArrayLike) -> Array:
        """The network's outputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs) or (n_inputs,)
            Samples, or one of them.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs) or (n_outputs,)

        Raises
        ------
        TypeError, ValueError
            If X has another shape, is empty, or holds anything but finite real numbers.
        """
        if self._quick is not None:
            out: Array | None = self._quick.forward(X)
            if out is not None:
                return out
        return self._layers(X, layers=slice(-1, None))[0]

    predict = forward

    def nets(self, X: ArrayLike) -> list[Array]:
        """The net inputs (weighted sum plus bias) of every layer of units but the inputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs) or (n_inputs,)

        Returns
        -------
        list of ndarray of shape (n_samples, fan_out) or (fan_out,)
            One for each layer of weights. Errors as in `forward`.
        """
        return self._layers(X, nets=True)

    def activations(self, X: ArrayLike) -> list[Array]:
        """The outputs of every layer of units but the inputs; shapes and errors as in `nets`."""
        return self._layers(X)

    def _layers(self, X: ArrayLike, **wanted: Any) -> list[Array]:
        samples, single = checks.samples("X", X, self._config.sizes[0], self._machine.engine, self._config.dtype)
        sheets = self._machine.forward(samples, **wanted)
        return [sheet[0] for sheet in sheets] if single else sheets

    def loss(self, X: ArrayLike, T: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The mean over the samples of their losses; for one sample the tutorial's total error. L2 is not in it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs) or (n_inputs,)
        T : array-like of shape (n_samples, n_outputs) or (n_outputs,)
            Targets; (n_samples,) will do for a single output.
        sample_weight : array-like of shape (n_samples,), optional
            At least 0 and not all 0. The mean is then ``sum(weight*loss)/sum(weight)``.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If an argument has another shape, is empty, holds anything but finite real numbers, or T holds a
            target that the loss does not allow.
        """
        samples, targets, _ = self._samples_and_targets(X, T)
        return self._machine.loss(samples, targets, self._weights_of_samples(sample_weight, len(samples)))

    def gradients(self, X: ArrayLike, T: ArrayLike, sample_weight: ArrayLike | None = None) -> Gradients:
        """The gradient of `loss`, with all deltas from the present weights, whatever `update_order` says.

        Parameters
        ----------
        X, T, sample_weight : array-like
            As in `loss`; errors too.

        Returns
        -------
        Gradients
            ``.weights`` and ``.biases`` per layer, ``.inputs`` like X. A step of plain SGD is exactly
            ``w - learning_rate*gradient``.
        """
        samples, targets, single = self._samples_and_targets(X, T)
        weights = self._weights_of_samples(sample_weight, len(samples))
        block, inputs = self._machine.gradients(samples, targets, weights)
        layout = self._machine.layout
        return Gradients(
            tuple(layout.weights(block)), tuple(layout.biases(block)), inputs[0] if single else inputs
        )

    def step(self, x: ArrayLike, t: ArrayLike, learning_rate: float = 0.5) -> float:
        """Learn from one sample: one update by plain SGD.

        Parameters
        ----------
        x : array-like of shape (n_inputs,)
        t : array-like of shape (n_outputs,)
        learning_rate : float, default=0.5

        Returns
        -------
        float
            The sample's loss before the update.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as above. Nothing has changed then.
        DivergenceError
            If the loss or a parameter is not finite. Nothing has changed then.
        UncheckedFunctionError
            If a custom function has not passed `gradcheck`. Nothing has changed then.
        """
        if self._quick is not None:
            loss: float | None = self._quick.step(x, t, learning_rate)
            if loss is not None:
                return loss
        samples, targets, single = self._samples_and_targets(x, t, names=("x", "t"))
        if not single:
            raise ValueError(f"x has shape {samples.shape}, expected ({self._config.sizes[0]},): one sample")
        rate = checks.rate("learning_rate", learning_rate, dtype=self._config.dtype)
        history = self._train(
            samples,
            targets,
            sample_weight=None,
            epochs=1,
            learning_rates=np.full(1, rate),
            l2=0.0,
            optimizer=NAMES["sgd"](),
            batch_size=1,
            shuffle=None,
            record_loss=True,
            stop_below=-np.inf,
            after_epoch=None,
        )
        assert history is not None
        return float(history[0])

    def train(
        self,
        X: ArrayLike,
        T: ArrayLike,
        *,
        epochs: int = 1,
        learning_rate: LearningRate = None,
        batch_size: int = 1,
        optimizer: str | Optimizer = "sgd",
        l2: float = 0.0,
        shuffle: bool = False,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        n_threads: int = 1,
        callback: Callback | None = None,
        stop_below: float | None = None,
        record_loss: bool = True,
    ) -> Array | None:
        """Train by stochastic gradient descent, one sample or one mini-batch at a time.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_inputs) or (n_inputs,)
        T : array-like of shape (n_samples, n_outputs) or (n_outputs,)
            Targets; (n_samples,) will do for a single output.
        epochs : int, default=1
            How many times all samples are visited, at most.
        learning_rate : float, array-like of shape (epochs,), callable or None, default=None
            One for all epochs, one for each, or a function of the epoch (from 0), asked for every epoch before
            training begins. None: the optimizer's own, 0.5 for "sgd" and 0.001 for "adam". A step of plain SGD
            is ``w - learning_rate*gradient``, with the gradient of the batch's *mean* loss: a batch of n moves
            n times less than a sum would.
        batch_size : int, default=1
            Samples per update. The last batch of an epoch may be shorter; more than n_samples means all.
        optimizer : {"sgd", "adam"}, SGD or Adam, default="sgd"
            A name starts afresh at each call. An instance keeps its state (momentum's velocity, Adam's means)
            from call to call and belongs to the first network that it trains.
        l2 : float, default=0.0
            Adds ``0.5*l2*sum(w*w)`` over all weights, not the biases, to the mean loss whose gradient is
            followed, whatever the batch size. Recorded losses are without it.
        shuffle : bool, default=False
            Whether each epoch visits the samples in a new random order, each permuting the last.
        random_state : int, RandomState or None, default=None
            For `shuffle`. An int starts anew at each call; a RandomState advances.
        sample_weight : array-like of shape (n_samples,), optional
            At least 0 and not all 0. A batch follows the gradient of ``sum(weight*loss)/sum(weight)`` over its
            samples; one whose weights are all 0 is passed over.
        n_threads : int, default=1
            How many threads may share the work of a mini-batch in the compiled engine. The results have the same
            bits whatever it is. Batches of little work are left to fewer, or to one; see docs/performance.md.
        callback : callable, optional
            Called after each epoch as ``callback(epoch, network, loss)``, with the epoch from 0 and its recorded
            loss (None if losses are not recorded). Training ends when it returns True.
        stop_below : float, optional
            End after the first epoch whose recorded loss is below this.
        record_loss : bool, default=True
            Whether to compute and return the losses.

        Returns
        -------
        ndarray of shape (n_epochs,) or None
            Per epoch, the mean of the losses that its forward passes measured, each before its update. So
            ``history[0]`` of one sample is the loss before training, and the loss after it is ``net.loss(X, T)``.
            Shorter than `epochs` if the run was ended early.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as above, or a parameter is not finite. Nothing has changed then.
        DivergenceError
            If a loss or a parameter leaves the finite numbers. The parameters and the optimizer's state are
            those from before the call.
        UncheckedFunctionError
            If a custom function has not passed `gradcheck`. Nothing has changed then. What such a function raises
            in the run comes out as it is, and all is as it was before the call.
        RuntimeError
            If another call is training this network.
        KeyboardInterrupt
            After Ctrl-C; the network then holds the result of the last complete batch.
        """
        samples, targets, _ = self._samples_and_targets(X, T)
        epochs = checks.integer("epochs", epochs, maximum=2**53)
        batch_size = checks.integer("batch_size", batch_size)
        n_threads = checks.integer("n_threads", n_threads)
        by_optimizer = of_name_or_instance(optimizer)
        l2 = checks.rate("l2", l2, dtype=self._config.dtype)
        shuffle = checks.boolean("shuffle", shuffle)
        record_loss = checks.boolean("record_loss", record_loss)
        weights = self._weights_of_samples(sample_weight, len(samples))
        rates = by_optimizer.rates(learning_rate, epochs, self._config.dtype)
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable, as callback(epoch, network, loss), not {callback!r}")
        threshold = -np.inf if stop_below is None else checks.rate("stop_below", stop_below)
        if stop_below is not None and not record_loss:
            raise ValueError("stop_below needs record_loss=True: without losses nothing can fall below it")
        rng = None
        if shuffle or random_state is not None:  # a fresh one costs more than a short run
            rng = checks.random_state(random_state)
        checks.memory("epochs", f"a history of {epochs:,} epochs", epochs if record_loss else 0)
        return self._train(
            samples,
            targets,
            sample_weight=weights,
            epochs=epochs,
            learning_rates=apart(rates, self._machine.block),
            l2=l2,
            optimizer=by_optimizer,
            batch_size=batch_size,
            shuffle=rng if shuffle else None,
            record_loss=record_loss,
            stop_below=threshold,
            after_epoch=None if callback is None else lambda epoch, loss: callback(epoch, self, loss) is True,
            n_threads=n_threads,
        )

    def trace(
        self,
        x: ArrayLike,
        t: ArrayLike,
        *,
        learning_rate: LearningRate = None,
        optimizer: str | Optimizer = "sgd",
        l2: float = 0.0,
        sample_weight: ArrayLike | None = None,
        batch_size: int | None = None,
        shuffle: bool = False,
        random_state: RandomState = None,
        after: int = 0,
        names: Mapping[str, Any] | None = None,
    ) -> "Trace":
        """Every number of one training step, with the formula and the numbers that it was computed from.

        The step is taken on a copy: neither the network nor the optimizer changes.

        Parameters
        ----------
        x : array-like of shape (n_inputs,) or (n_samples, n_inputs)
            One sample, or a mini-batch.
        t : array-like of shape (n_outputs,) or (n_samples, n_outputs)
        learning_rate, optimizer, l2, sample_weight, shuffle, random_state
            As in `train`. An optimizer's instance shows its next step, from the state that it has.
        batch_size : int, optional
            Samples per update; all of them if it is not given.
        after : int, default=0
            How many updates come first, made as `train` would make them with these arguments: ``after=4710`` shows
            the 4,711th. If one of them leaves the finite numbers, it is that one which is shown.
        names : dict, optional
            Your own names, ``{"inputs": [...], "hidden": [...], "outputs": [...]}``, each of them optional;
            "hidden" is a list of lists if there are several hidden layers. docs/trace.md says what each number is
            called.

        Returns
        -------
        Trace

        Raises
        ------
        TypeError, ValueError
            If an argument is not as above, or a parameter of the network is not finite.

        Examples
        --------
        >>> import backprop as bp
        >>> net, x, t = bp.examples.worked_example()
        >>> print(net.trace(x, t)["net_h1"])
        net_h1 = w1*i1 + w2*i2 + b1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775
        """
        from .glassbox.trace import trace_step  # above this module, and not needed to train

        return trace_step(
            self,
            x,
            t,
            learning_rate=learning_rate,
            optimizer=optimizer,
            l2=l2,
            sample_weight=sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            random_state=random_state,
            after=after,
            names=names,
        )

    def _train(self, samples: Array, targets: Array, *, optimizer: Optimizer, **options: Any) -> Array | None:
        """Run `_training.train` with the parameters and functions checked and no second run beside it."""
        if self._custom:
            _standing.refuse_unchecked(self._custom)
        # Ctrl-C may come at any call. What claims the network and what frees it has none, so that it cannot stay
        # claimed, nor (as threads change at the same places) be claimed twice.
        claim, token = self._claim, object()
        try:
            if claim[0] is None:
                claim[0] = token
            if claim[0] is not token:
                raise RuntimeError("this network is being trained by another call; train a copy() instead")
            layer = self._machine.first_bad_layer()
            if layer >= 0:
                raise ValueError(
                    f"weights[{layer}] or biases[{layer}] holds a number that is not finite; set it before"
                    " training"
                )
            of_optimizer = optimizer._state(self, self._machine.layout)
            return _training.train(self._machine, samples, targets, optimizer=of_optimizer, **options)
        finally:
            if claim[0] is token:
                claim[0] = None

    def _weights_of_samples(self, sample_weight: ArrayLike | None, n_samples: int) -> Array | None:
        """Checked sample weights."""
        if sample_weight is None:
            return None
        weights = checks.float_array("sample_weight", sample_weight)
        if weights.shape != (n_samples,):
            raise ValueError(f"sample_weight has shape {weights.shape}, expected ({n_samples},)")
        engine = self._machine.engine
        largest = checks.LARGEST[self._config.dtype] / n_samples  # so that their sum is finite
        checks.within("sample_weight", weights, engine, 0.0, largest, "finite numbers of at least 0")
        if self._machine.layout.dtype.type(weights.max()) == 0.0:  # a tiny one may round to 0
            raise ValueError("sample_weight is 0 for every sample; at least one must count")
        return apart(weights, self._machine.block)

    def _samples_and_targets(
        self, X: ArrayLike, T: ArrayLike, names: tuple[str, str] = ("X", "T")
    ) -> tuple[Array, Array, bool]:
        """X and T as two-dimensional arrays, and whether they were one sample."""
        config, engine = self._config, self._machine.engine
        samples, single = checks.samples(names[0], X, config.sizes[0], engine, config.dtype)
        targets = checks.targets(names[1], T, len(samples), config.sizes[-1], single, engine, config.dtype)
        allowed = self._loss_row.target_range
        if allowed is not None:
            low, high = allowed
            limits = f"from {low:g} to {high:g}" if high < LARGEST else f"of at least {low:g}"
            limits = limits if low > -LARGEST else f"of at most {high:g}"
            checks.within(names[1], targets, engine, low, high, f"targets {limits} for loss={label(config.loss)}")
        if isinstance(self._loss_row, SoftmaxLogLoss):
            checks.rows_sum_to_one(names[1], targets)
        return apart(samples, self._machine.block), apart(targets, self._machine.block), single

    # ---- copies, comparison, pickle ------------------------------------------------------------------------

    def copy(self) -> "Network":
        """A network of the same specification, engine and parameters, independent of this one."""
        return _restored(type(self), self._config, self.engine, self.parameters)

    def __copy__(self) -> "Network":
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Network":
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        for row in self._custom:
            custom.can_be_pickled(row)
        # The engine is chosen anew where the pickle is opened: the compiled one may be missing there.
        return _restored, (type(self), self._config, "auto", self.parameters)

    def __eq__(self, other: object) -> bool:
        """Whether the other network has the same specification and equal parameters."""
        if not isinstance(other, Network):
            return NotImplemented
        return self._config == other._config and np.array_equal(self.parameters, other.parameters)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        config = self._config
        shown = [f"{list(config.sizes)}"]
        hidden = [label(activation) for activation in config.activation]
        if len(set(hidden)) > 1:
            shown.append(f"activation=[{', '.join(hidden)}]")
        elif hidden and hidden[0] != "'logistic'":
            shown.append(f"activation={hidden[0]}")
        defaults = {
            name: parameter.default for name, parameter in inspect.signature(Network.__init__).parameters.items()
        }
        for name in ("output_activation", "loss", "bias", "train_bias", "update_order", "huber_delta", "dtype"):
            value = label(getattr(config, name)) if name in FUNCTIONS else repr(getattr(config, name))
            if value != repr(defaults[name]):
                shown.append(f"{name}={value}")
        return f"<Network({', '.join(shown)}): {self.n_parameters} parameters>"


def _restored(kind: type[Network], config: NetworkConfig, engine: str, parameters: Array) -> Network:
    """A network from its parts, whatever is in its parameters."""
    network = kind.__new__(kind)
    network._open(config, engine)
    network._machine.layout.unpack(parameters, network._machine.block)
    return network
