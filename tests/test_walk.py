"""The engines keep the same bits on a random walk over all arguments: several calls in a row on one network.

The reference walks once, and after it each build of the extension that this processor runs (with BACKPROP_SIMD
that one alone). HYPOTHESIS_PROFILE=long takes twenty times as many walks, and longer ones; a failure
prints the shortest that shows it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from bits import assert_same_bits
from builds import builds, in_force
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import DTYPES, HIDDEN, PAIRS, RATES, sample_weights, targets_for

import backprop as bp
from backprop import DivergenceError, _pacing, _training

pytestmark = [pytest.mark.usefixtures("both"), pytest.mark.every_build]

LONG = settings.default.max_examples > 100
WORK = 1_000_000 if LONG else 200_000  # of a call at most: weights and units gone through
EDGES = [15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 79, 80, 81, 95, 96, 97, 127, 128, 129, 130]
AROUND = [31, 32, 33, 63, 64, 65, 127, 128, 129]
BATCHES = [1, 2, 3, 4, 5, *AROUND, 1000]
SHARES = [0.0, 0.2, 0.5, 0.65, 0.7, 0.9, 1.0]  # of zeros; the compiled engine lists what is not 0 from 2/3 on
LAYOUTS = {
    "rows": lambda array: array,
    "columns": np.asfortranarray,
    "strided": lambda array: np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3],
}


@dataclass
class Walk:
    """A network's arguments, how its data and parameters are drawn, and the calls with their arguments."""

    sizes: list[int]
    options: dict[str, Any]
    data: dict[str, Any]
    optimizer: tuple[str, dict[str, Any]]  # the one that is kept from call to call
    calls: list[tuple[str, dict[str, Any]]]
    slice_seconds: float
    seed: int

    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """X, its rows of two kinds, and T."""
        rng = np.random.RandomState(self.seed)
        n = self.data["n_samples"]
        X = rng.normal(size=(n, self.sizes[0])) * self.data["scale"]
        X = np.abs(X) if self.data["positive"] else X
        zeros = np.where(rng.uniform(size=(n, 1)) < 0.5, *self.data["zeros"])
        X[rng.uniform(size=X.shape) < zeros] = 0.0
        X[rng.uniform(size=X.shape) < 0.03] = -0.0
        X[:, rng.uniform(size=self.sizes[0]) < self.data["zero_columns"]] = 0.0
        T = targets_for(self.options, (n, self.sizes[-1]), rng)
        X, T = X.astype(self.data["dtypes"][0]), T.astype(self.data["dtypes"][1])
        return LAYOUTS[self.data["layout"]](X), LAYOUTS[self.data["layout"]](T)

    def network(self, engine: str) -> bp.Network:
        """The network, with biases that are not 0, units that relu silences, and zeros of both signs."""
        net = bp.Network(self.sizes, **self.options, random_state=self.seed, engine=engine)
        rng = np.random.RandomState(self.seed)
        for weights, bias in zip(net.weights, net.biases, strict=True):
            bias[:] = rng.normal(size=bias.shape) + self.data["bias_shift"]
            silent = rng.uniform(size=weights.shape[1]) < self.data["silent"]
            weights[:, silent] = -np.abs(weights[:, silent])
        for view in (*net.weights, *net.biases):
            chance = rng.uniform(size=view.shape)
            view[chance < self.data["zero_weights"]] = 0.0
            view[chance < self.data["zero_weights"] / 2] = -0.0
        return net


widths = st.integers(1, 9) | st.integers(1, 40) | st.sampled_from(EDGES) | st.integers(41, 130)
rates = st.sampled_from([*RATES, 0.037, 0.003]) | st.floats(0.0, 2.0)
optimizers = st.one_of(
    st.tuples(st.just("SGD"), st.fixed_dictionaries({"momentum": st.sampled_from([0.0, 0.37, 0.9])})),
    st.tuples(
        st.just("SGD"), st.fixed_dictionaries({"momentum": st.floats(0.01, 0.99), "nesterov": st.booleans()})
    ),
    st.tuples(
        st.just("Adam"),
        st.fixed_dictionaries(
            {
                "beta_1": st.sampled_from([0.0, 0.37, 0.9]),
                "beta_2": st.sampled_from([0.0, 0.83, 0.999]),
                "epsilon": st.sampled_from([1e-8, 0.013]),
            }
        ),
    ),
)


@st.composite
def training(draw, room: int, n_samples: int) -> dict[str, Any]:
    """Arguments of `train`, as what they are made from.

    Each way through the engine is chosen before what leads to it: by chance so many options rarely meet.
    """
    way = draw(st.sampled_from(["single samples", "single samples", "plain", "any", "any"]))
    most = min(max(1, room // n_samples), 1100)
    epochs = draw(st.integers(1, min(most, 4)) | st.integers(1, most) | st.just(most))
    rate = draw(rates)
    single, plain = way == "single samples", way != "any"
    return {
        "epochs": epochs,
        "learning_rate": draw(st.sampled_from([None, rate, rate, [rate, 0.5 * rate, 0.1], "called"])),
        "batch_size": 1 if single else draw(st.sampled_from(BATCHES) | st.integers(1, 70)),
        "optimizer": "sgd" if plain else draw(st.sampled_from(["kept", "kept", "adam"]) | optimizers),
        "momentum": draw(st.none() | st.sampled_from([0.0, 0.5])),  # from now on, of the kept one
        "l2": 0.0 if plain else draw(st.sampled_from([0.0, 0.01, 0.37]) | st.floats(0.0, 1.0)),
        "shuffle": draw(st.booleans()),
        "random_state": draw(st.sampled_from(["kept", 0, 2**32 - 1])),
        "weights": None if single else draw(st.sampled_from([None, "some 0", "ones", *DTYPES])),
        "n_threads": draw(st.integers(1, 3)),
        "callback": draw(st.sampled_from([None, None, "looks", "stops", "writes"])),
        "stop_below": draw(st.none() | st.sampled_from([0.5, 0.9, 1.0, 1.1])),  # times the loss before
        "record_loss": draw(st.booleans()),
    }


@st.composite
def walks(draw) -> Walk:
    """A network of any specification, any data, and up to six calls, a training call among them."""
    small = st.lists(st.integers(1, 9), min_size=3, max_size=3)
    sizes = draw(st.lists(widths, min_size=2, max_size=5) | st.lists(widths, min_size=3, max_size=4) | small)
    pair = draw(st.sampled_from(PAIRS))
    options = {
        "activation": draw(
            st.sampled_from(["relu", *HIDDEN, [draw(st.sampled_from(HIDDEN)) for _ in sizes[1:-1]]])
        ),
        "output_activation": pair[0],
        "loss": pair[1],
        "bias": draw(st.sampled_from(["per_unit", "shared", "none"])),
        "train_bias": draw(st.booleans()),
        "update_order": draw(st.sampled_from(["simultaneous", "simultaneous", "sequential"])),
        "huber_delta": draw(st.sampled_from([1.0, 0.37]) | st.floats(0.001, 3.0)),
        "dtype": draw(st.sampled_from(DTYPES)),
    }
    work = WORK if options["dtype"] == "float64" else WORK // 4  # where the reference takes so much longer
    room = max(1, work // sum(fan_in * fan_out + 30 * fan_out for fan_in, fan_out in pairwise(sizes)))
    n_samples = min(room, draw(st.integers(1, 12) | st.sampled_from(AROUND) | st.integers(1, 140)))
    data = {
        "n_samples": n_samples,
        "dtypes": draw(st.tuples(st.sampled_from(DTYPES), st.sampled_from(DTYPES))),
        "layout": draw(st.sampled_from(["rows", *LAYOUTS])),
        "scale": draw(st.sampled_from([1.0, 1.0, 0.01, 20.0])),
        "positive": draw(st.booleans()),
        "zeros": draw(st.tuples(st.sampled_from(SHARES), st.sampled_from(SHARES))),
        "zero_columns": draw(st.sampled_from([0.0, 0.0, 0.5])),
        "bias_shift": draw(st.sampled_from([0.0, 0.0, -2.0])),
        "silent": draw(st.sampled_from([0.0, 0.0, 0.5, 0.75, 0.95])),
        "zero_weights": draw(st.sampled_from([0.0, 0.0, 0.2])),
    }
    rows = st.integers(1, min(9, n_samples)) | st.just(n_samples)
    train = st.tuples(st.just("train"), training(room, n_samples))
    step = {"rows": rows, "rate": rates, "form": st.sampled_from(["arrays", "lists"])}
    some = {"rows": rows, "single": st.booleans()}
    weighted = {"rows": rows, "weights": st.sampled_from([None, "some 0", *DTYPES])}
    other = st.one_of(
        st.tuples(st.just("step"), st.fixed_dictionaries(step)),
        st.tuples(st.sampled_from(["forward", "nets", "activations"]), st.fixed_dictionaries(some)),
        st.tuples(st.sampled_from(["loss", "gradients"]), st.fixed_dictionaries(weighted)),
        st.tuples(st.just("scale"), st.fixed_dictionaries({"factor": st.sampled_from([0.5, -1.0, 0.0])})),
    )
    before, after = draw(st.lists(other, max_size=2)), draw(st.lists(train | other, max_size=3))
    return Walk(
        sizes,
        options,
        data,
        draw(optimizers),
        [*before, draw(train), *after],
        draw(st.sampled_from([_pacing.SLICE_SECONDS, 1e-4, 1e-9])),  # the last: a pause after each batch
        draw(st.integers(0, 2**32 - 1)),
    )


def weights_of(kind: str | None, n: int, seed: int) -> np.ndarray | None:
    """Sample weights of a kind."""
    if kind is None or kind == "ones":
        return None if kind is None else np.ones(n)
    if kind == "some 0":
        return sample_weights(n, seed)
    return np.random.RandomState(seed).uniform(0.1, 3.0, size=n).astype(kind)


def where(error: DivergenceError) -> np.ndarray:
    """Where a run diverged."""
    return np.array([error.epoch, -1 if error.sample is None else error.sample, error.layer])


def trained(walk: Walk, net: bp.Network, kept: Any, rng: Any, X: Any, T: Any, **given_: Any) -> list[np.ndarray]:
    """What one call of `train` gives: the history, or where it diverged; what a callback saw; a new optimizer."""
    optimizer = given_.pop("optimizer")
    if isinstance(optimizer, tuple):
        optimizer = getattr(bp, optimizer[0])(**optimizer[1])
    elif optimizer == "kept":
        optimizer = kept
    momentum = given_.pop("momentum")
    if optimizer is kept and momentum is not None and isinstance(kept, bp.SGD):
        kept.momentum, kept.nesterov = momentum, False
    rate = given_.pop("learning_rate")
    if isinstance(rate, list):
        rate = np.resize(rate, given_["epochs"])
    elif rate == "called":

        def rate(epoch: int) -> float:
            return 0.1 / (1 + epoch)

    if given_["random_state"] == "kept":
        given_["random_state"] = rng
    weights = weights_of(given_.pop("weights"), len(X), walk.seed)
    seen: list[np.ndarray] = []

    def callback(epoch: int, network: bp.Network, loss: float | None, kind=given_["callback"]) -> bool:
        seen.append(np.array([np.nan if loss is None else loss]))
        if kind == "writes":
            network.weights[0][0, 0] = -0.0
        return kind == "stops" and epoch == 1

    given_["callback"] = callback if given_["callback"] else None
    threshold, factor = None, given_.pop("stop_below")
    if factor is not None and given_["record_loss"]:
        threshold = factor * net.loss(X, T)
        threshold = threshold if 0.0 <= threshold < np.inf else None
    try:
        history = net.train(
            X, T, optimizer=optimizer, learning_rate=rate, sample_weight=weights, stop_below=threshold, **given_
        )
    except DivergenceError as error:
        history = where(error)
    found = [np.zeros(0) if history is None else history, *seen]
    if isinstance(optimizer, bp.optimizers.Optimizer):
        found += [*(moment.copy() for moment in optimizer._moments), optimizer._powers.copy()]
    return found


def stepped(net: bp.Network, X: Any, T: Any, rows: int, rate: float, form: str) -> list[np.ndarray]:
    """The losses of single steps, given as arrays or lists, or where one diverged."""
    found = []
    for x, t in zip(X[:rows], T[:rows], strict=True):
        try:
            pair = (x.tolist(), t.tolist()) if form == "lists" and x.dtype == t.dtype == np.float64 else (x, t)
            found.append(np.array([net.step(*pair, rate)]))
        except DivergenceError as error:
            found.append(where(error))
    return found


def called(walk: Walk, net: bp.Network, kept: Any, rng: Any, X: Any, T: Any, name: str, given_: dict[str, Any]):
    """The arrays that one call gives."""
    if name == "train":
        return trained(walk, net, kept, rng, X, T, **given_)
    if name == "step":
        return stepped(net, X, T, **given_)
    if name == "scale":
        for view in net.weights:
            view *= given_["factor"]
        return []
    X, T = X[: given_["rows"]], T[: given_["rows"]]
    if name in ("loss", "gradients"):
        result = getattr(net, name)(X, T, weights_of(given_["weights"], len(X), walk.seed))
        return [np.array([result])] if name == "loss" else [*result.weights, *result.biases, result.inputs]
    result = getattr(net, name)(X[0] if given_["single"] else X)
    return [result] if name == "forward" else result


def taken(walk: Walk, engine: str) -> list[tuple[str, list[np.ndarray]]]:
    """What each call of a walk gives, and the parameters that it leaves, padding included."""
    net, (X, T) = walk.network(engine), walk.drawn()
    kept, rng = getattr(bp, walk.optimizer[0])(**walk.optimizer[1]), np.random.RandomState(walk.seed)
    found = []
    for k, (name, given_) in enumerate(walk.calls):
        results = called(walk, net, kept, rng, X, T, name, dict(given_))
        found.append((f"call {k}, {name}", [*results, net._machine.block.copy()]))
    return found


@given(walks())
def test_every_build_walks_like_the_reference(walk):
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(_training, "PRODUCTS_PER_THREAD", 1)  # as many threads as are asked for
        patch.setattr(_training, "SAMPLES_PER_THREAD", 1)
        expected = taken(walk, "python")
        patch.setattr(_pacing, "SLICE_SECONDS", walk.slice_seconds)
        for build in builds():
            with in_force(build):
                found = taken(walk, "compiled")
            for (what, mine), (_, theirs) in zip(found, expected, strict=True):
                assert len(mine) == len(theirs), f"{build.__name__}, {what}"
                for place, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                    assert_same_bits(a, b, f"{build.__name__}, {what}, array {place} of {len(mine)}")
