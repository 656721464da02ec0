"""Who is timed: a module for each library, which knows it, and one protocol.

A peer is made for a case, goes back to its first weights when told to, and trains for so many epochs; only `run`
is timed. To add one: write a class here in a module of its own and name it in `PEERS`.
"""

from importlib import import_module
from typing import ClassVar

from cases import Array, Case, Data

# key: module and class. The order is that of the tables.
PEERS = {
    "backprop": "ours.Ours",
    "backprop-float64": "ours.Double",
    "backprop-alone": "ours.Alone",
    "reference": "ours.Reference",
    "tutorial": "tutorial_peer.Tutorial",
    "numpy": "numpy_peer.NumPy",
    "sklearn": "sklearn_peer.ScikitLearn",
    "torch": "torch_peer.Torch",
    "torch-compile": "torch_peer.Compiled",
    "jax": "jax_peer.Jax",
    "jax-unrolled": "jax_peer.Unrolled",
    "jax-step": "jax_peer.Step",
    "numba": "numba_peer.Numba",
    "fann": "fann_peer.Fann",
    "c": "c_peer.Loops",
    "c-table": "c_peer.Table",
}


class UnsupportedError(Exception):
    """The peer cannot train this case; the message says why."""


class Peer:
    """What all peers share.

    Attributes
    ----------
    title : str
        For tables.
    what : str
        What it does, in a line.
    slow : bool
        Whether it is timed on a few of the samples only.
    bits : bool
        Whether it must have this package's bits.
    tolerance : float
        How far its losses may be from this package's, relatively; 0 for the rule of the benches.
    """

    title: ClassVar[str]
    what: ClassVar[str]
    slow: ClassVar[bool] = False
    bits: ClassVar[bool] = False
    tolerance: ClassVar[float] = 0.0

    def __init__(self, case: Case, data: Data) -> None:
        """Make ready; `UnsupportedError` if it cannot be."""
        self.case, self.data = case, data

    @classmethod
    def version(cls) -> str:
        """Of the library, with what it was built for where that matters."""
        return ""

    @classmethod
    def instead(cls, case: Case) -> Case:
        """The case that it really computes, with as much work; the tables say so."""
        return case

    def reset(self) -> None:
        """Go back to the first weights."""
        raise NotImplementedError

    def run(self, epochs: int) -> None:
        """Train for so many epochs, with a fresh optimizer."""
        raise NotImplementedError

    def parameters(self) -> tuple[list[Array], list[Array]]:
        """Weights, (fan_in, fan_out), and biases of all layers now."""
        raise NotImplementedError


def find(key: str) -> type[Peer]:
    """The class of a peer; ImportError or OSError if what it needs is missing."""
    module, name = PEERS[key].split(".")
    found: type[Peer] = getattr(import_module(f"peers.{module}"), name)
    return found


def only(case: Case, **known: tuple[object, ...]) -> None:
    """Refuse a case unless each of its attributes is among those."""
    for name, values in known.items():
        if getattr(case, name) not in values:
            raise UnsupportedError(f"{name}: only {', '.join(map(str, values))}")
