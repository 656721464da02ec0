"""Random networks and data for hypothesis."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import backprop as bp
from backprop.functions import ACTIVATIONS, LOSSES, pair_is_possible

HIDDEN = [name for name, row in ACTIVATIONS.items() if row.hidden]
PAIRS = [(activation, loss) for activation in ACTIVATIONS for loss in LOSSES if pair_is_possible(activation, loss)]
RATES = [0.1, 0.37, 0.5, 0.013, 1.0 / 3.0]  # a power of two alone would hide in which order factors are rounded


@dataclass
class Case:
    """A network's arguments and its data; `draw` makes the same numbers every time."""

    sizes: list[int]
    options: dict
    n_samples: int
    seed: int
    data_dtypes: tuple[str, str] = ("float64", "float64")  # of X and T; the network has its own

    @property
    def loss(self) -> str:
        return self.options["loss"]

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """X with some exact zeros of both signs, and T within what the loss allows."""
        rng = np.random.RandomState(self.seed)
        X = rng.normal(size=(self.n_samples, self.sizes[0]))
        X[rng.uniform(size=X.shape) < 0.2] = 0.0
        X[rng.uniform(size=X.shape) < 0.05] = -0.0
        T = targets_for(self.options, (self.n_samples, self.sizes[-1]), rng)
        return X.astype(self.data_dtypes[0]), T.astype(self.data_dtypes[1])


def targets_for(options: dict, shape: tuple[int, int], rng: np.random.RandomState) -> np.ndarray:
    """Random targets that the loss allows, its ends among them."""
    low, high = LOSSES[options["loss"]].target_range or (-1.5, 1.5)
    T = rng.uniform(low, min(high, 3.0), size=shape)
    T[rng.uniform(size=T.shape) < 0.2] = low
    if options["loss"] == "log_loss" and options.get("output_activation") == "softmax":
        T[:, 0] += T.sum(axis=1) == 0.0
        T /= T.sum(axis=1, keepdims=True)
    return T


DTYPES = ["float64", "float32"]
dtypes = st.sampled_from(DTYPES)
widths = st.integers(1, 9) | st.integers(1, 40)


@st.composite
def cases(draw, max_samples: int = 12, max_hidden: int = 3, width=widths, dtype=dtypes) -> Case:
    """A network of any shape and any specification, with a few samples."""
    sizes = draw(st.lists(width, min_size=2, max_size=2 + max_hidden))
    output_activation, loss = draw(st.sampled_from(PAIRS))
    hidden = draw(st.sampled_from(HIDDEN)) if draw(st.booleans()) else None
    options = {
        "activation": hidden or [draw(st.sampled_from(HIDDEN)) for _ in sizes[1:-1]],
        "output_activation": output_activation,
        "loss": loss,
        "bias": draw(st.sampled_from(["per_unit", "shared", "none"])),
        "train_bias": draw(st.booleans()),
        "update_order": draw(st.sampled_from(["simultaneous", "sequential"])),
        "huber_delta": draw(st.sampled_from([1.0, 0.37])),
        "dtype": draw(dtype),
    }
    seed = draw(st.integers(0, 2**32 - 1))
    return Case(sizes, options, draw(st.integers(1, max_samples)), seed, (draw(dtype), draw(dtype)))


OPTIMIZERS = [("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.37, "nesterov": True}), ("Adam", {})]
OPTIMIZERS += [("Adam", {"beta_1": 0.37, "beta_2": 0.83, "epsilon": 0.013})]


@st.composite
def runs(draw) -> dict:
    """Arguments of `train`, the optimizer's class and arguments apart; sample weights as seeds."""
    return {
        "optimizer": draw(st.sampled_from(OPTIMIZERS)),
        "learning_rate": draw(st.sampled_from(RATES) | st.floats(0.0, 2.0)),
        "l2": draw(st.sampled_from([0.0, 0.0, 0.01, 0.37])),
        "weighted": draw(st.booleans()),
        "batch_size": draw(st.integers(1, 14)),
        "epochs": draw(st.integers(1, 4)),
        "shuffle": draw(st.booleans()),
        "record_loss": draw(st.booleans()),
    }


def sample_weights(n_samples: int, seed: int) -> np.ndarray:
    """Weights with zeros among them, not all 0."""
    rng = np.random.RandomState(seed)
    weights = rng.uniform(0.0, 3.0, size=n_samples) * (rng.uniform(size=n_samples) < 0.6)
    weights[rng.randint(n_samples)] = 0.37
    return weights


def network_of(case: Case, engine: str) -> bp.Network:
    """The case's network, with biases that are not 0."""
    net = bp.Network(case.sizes, **case.options, random_state=case.seed, engine=engine)
    rng = np.random.RandomState(case.seed)
    for bias in net.biases:
        bias[:] = rng.normal(size=bias.shape)
    return net


def step_options(case: Case, run: dict) -> dict:
    """Arguments that both `trace` and `train` take."""
    kind, arguments = run["optimizer"]
    return {
        "optimizer": getattr(bp, kind)(**arguments),
        "learning_rate": run["learning_rate"],
        "l2": run["l2"],
        "sample_weight": sample_weights(case.n_samples, case.seed) if run["weighted"] else None,
    }
