"""This package: as a user would call it, in float64 instead of float32, network by network, in pure Python."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from cases import BETA_1, BETA_2, EPSILON, MOMENTUM, Array, Case, Data

import backprop as bp
from backprop import _engine

from . import Peer, UnsupportedError


def network(case: Case, engine: str) -> bp.Network:
    """Biases that are not trained are the tutorial's, one for a layer."""
    return bp.Network(
        case.sizes,
        activation=case.hidden,
        output_activation=case.output,
        loss=case.loss,
        bias="per_unit" if case.train_bias else "shared",
        train_bias=case.train_bias,
        dtype=case.dtype,
        random_state=0,
        engine=engine,
    )


def optimizer(case: Case) -> bp.SGD | bp.Adam:
    if case.optimizer == "adam":
        return bp.Adam(case.rate, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON)
    nesterov = case.optimizer == "nesterov"
    return bp.SGD(case.rate, momentum=MOMENTUM if nesterov else 0, nesterov=nesterov)


def threads(case: Case, train: Callable[..., Any]) -> dict[str, int]:
    """The argument for them, where there is one."""
    if "n_threads" in inspect.signature(train).parameters:
        return {"n_threads": case.threads}
    if case.threads > 1:
        raise UnsupportedError("no n_threads")
    return {}


class Ours(Peer):
    """The compiled engine; many networks at once as an ensemble."""

    title = "backprop"
    what = "`net.train`, one call, compiled engine; many networks as a `NetworkEnsemble`"
    engine = "compiled"

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        self.nets = [network(case, self.engine) for _ in range(case.networks)]
        self.reset()
        self.options: dict[str, Any] = {
            "X": data.X,
            "T": data.T,
            "batch_size": case.batch,
            "l2": case.l2,
            "record_loss": False,
        }
        self.prepare()

    def prepare(self) -> None:
        """Find out what trains the networks."""
        self.net: Any = self.nets[0] if self.case.networks == 1 else self.ensemble()
        self.options |= threads(self.case, self.net.train)

    def ensemble(self) -> Any:
        if not hasattr(bp, "NetworkEnsemble"):
            raise UnsupportedError("no NetworkEnsemble")
        return bp.NetworkEnsemble(self.nets)

    @classmethod
    def version(cls) -> str:
        engine = _engine.pick(cls.engine)
        return f"{bp.__version__}, {engine.BUILT_WITH}, {engine.INSTRUCTION_SET}"

    def reset(self) -> None:
        for k, net in enumerate(self.nets):
            weights, biases = self.data.weights, self.data.biases
            if self.case.networks > 1:
                weights, biases = [w[k] for w in weights], [b[k] for b in biases]
            net.weights = weights
            net.biases = biases if self.case.train_bias else [bias[:1] for bias in biases]

    def run(self, epochs: int) -> None:
        each = [optimizer(self.case) for _ in self.nets]
        self.net.train(epochs=epochs, optimizer=each[0] if len(each) == 1 else each, **self.options)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        widths = self.case.sizes[1:]
        weights = [[w.copy() for w in net.weights] for net in self.nets]
        biases = [
            [np.broadcast_to(bias, (n,)).copy() for bias, n in zip(net.biases, widths, strict=True)]
            for net in self.nets
        ]
        if self.case.networks == 1:
            return weights[0], biases[0]
        return [np.stack(layer) for layer in zip(*weights, strict=True)], [
            np.stack(layer) for layer in zip(*biases, strict=True)
        ]


class Alone(Ours):
    """Many networks one after the other, whose bits an ensemble must have."""

    title = "backprop, one by one"
    what = "`net.train` for each network in turn; the bits must be the same"
    bits = True

    def prepare(self) -> None:
        if self.case.networks == 1:
            raise UnsupportedError("one network is always alone")
        self.options |= threads(self.case, bp.Network.train)

    def run(self, epochs: int) -> None:
        for net in self.nets:
            net.train(epochs=epochs, optimizer=optimizer(self.case), **self.options)


class Double(Ours):
    """What is asked for in float32, in float64."""

    title = "backprop in float64"
    what = "the same case in float64"

    def __init__(self, case: Case, data: Data) -> None:
        if case.dtype == "float64":
            raise UnsupportedError("float64 already")
        double = self.instead(case)
        super().__init__(double, Data.of(double))

    @classmethod
    def instead(cls, case: Case) -> Case:
        return replace(case, dtype="float64")


class Reference(Ours):
    """The pure-Python engine, whose bits the compiled one must have."""

    title = "backprop, pure Python"
    what = '`net.train` with `engine="python"`, the reference; the bits must be the same'
    engine = "python"
    slow = True
    bits = True

    @classmethod
    def version(cls) -> str:
        return str(bp.__version__)
