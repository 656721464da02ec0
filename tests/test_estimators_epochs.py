"""Several epochs go to the engine in one call; nothing tells that from epochs that come one by one."""

import itertools
import signal
import sys
import threading

import numpy as np
import pytest
from bits import assert_same_bits
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

import backprop as bp
from backprop._epochs import Passes

X, y = load_iris(return_X_y=True)
X = scale(X)
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")


def of(kind="MLPClassifier", **parameters):
    return getattr(bp, kind)(**{"hidden_layer_sizes": (6,), "max_iter": 60, **parameters})


def outcome(model):
    """All that a fit leaves, but what says how it was asked."""
    left = {name: value for name, value in vars(model).items() if name not in model.get_params()}
    steps, rng = left.pop("_optimizer"), left.pop("_random_state")
    for name in ("_network", "_views", "_label_binarizer"):
        left.pop(name, None)
    left["steps"] = [steps.learning_rate, steps.powers, *steps.moments]
    left["rng"] = rng.random_sample(3)
    return left


def assert_same_outcome(one, other, but=None):
    one, other = outcome(one), outcome(other)
    one.pop(but, None), other.pop(but, None)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, list):
            assert len(value) == len(other[name]), name
            for a, b in zip(value, other[name], strict=True):
                assert_same_bits(a, b, name)
        elif isinstance(value, np.ndarray | float):
            assert_same_bits(value, other[name], name)
        else:
            assert value == other[name], name


@pytest.fixture
def epochs_of_calls(monkeypatch):
    """How many epochs each call was asked for, as they come."""
    asked, original = [], Passes.epochs

    def counting(self, indices, steps, batch_size, clip_norm, losses_out):
        asked.append(len(losses_out))
        return original(self, indices, steps, batch_size, clip_norm, losses_out)

    monkeypatch.setattr(Passes, "epochs", counting)
    return asked


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"tol": 0.01, "n_iter_no_change": 3},
        {"tol": 1.0, "n_iter_no_change": 1},
        {"learning_rate": "adaptive", "tol": 0.01, "n_iter_no_change": 2, "learning_rate_init": 0.5},
        {"learning_rate": "invscaling", "learning_rate_init": 0.5},
        {"n_iter_no_change": np.inf, "max_iter": 130},
        {"shuffle": False, "batch_size": 17},
        {"batch_size": 1, "max_iter": 7},
    ],
)
def test_epochs_together_are_epochs_one_by_one(solver, parameters):
    """A callback that looks after each epoch makes them come one by one."""
    generators = np.random.RandomState(5), np.random.RandomState(5)
    together, apart = (of(solver=solver, random_state=rng, **parameters) for rng in generators)
    apart.set_params(callback=lambda model: False)
    for model in (together, apart):
        model.fit(X, y)
    assert_same_outcome(together, apart)
    assert generators[0].random_sample() == generators[1].random_sample()
    for model in (together, apart):
        model.set_params(warm_start=True).fit(X, y)
    assert_same_outcome(together, apart)


def test_most_calls_take_as_many_epochs_as_surely_come(epochs_of_calls):
    model = of(random_state=0, max_iter=200).fit(X, y)
    assert sum(epochs_of_calls) == model.n_iter_ == 200
    assert max(epochs_of_calls) == 11  # n_iter_no_change, and the one that would be one too many
    assert len(epochs_of_calls) < 40


def test_no_call_takes_more_than_a_hundred(epochs_of_calls):
    of(random_state=0, max_iter=250, n_iter_no_change=np.inf).fit(X, y)
    assert epochs_of_calls == [100, 100, 50]


@pytest.mark.parametrize(
    ("parameters", "data"),
    [
        ({"early_stopping": True}, {}),
        ({"callback": lambda model: None}, {}),
        ({"verbose": True}, {}),
        ({"learning_rate": "invscaling", "solver": "sgd"}, {}),
        ({}, {"X": csr_matrix(X)}),
        ({}, {"sample_weight": (y > 0).astype(float)}),
        ({}, {"X_val": X[:9], "y_val": y[:9]}),
    ],
)
def test_whoever_looks_at_each_epoch_sees_each(epochs_of_calls, parameters, data):
    model = of(random_state=0, max_iter=5, **parameters).fit(**{"X": X, "y": y, **data})
    assert epochs_of_calls == [1] * model.n_iter_


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "sgd", "learning_rate_init": 30.0, "activation": "identity"},
        {"solver": "sgd", "learning_rate_init": 1e60, "activation": "identity", "batch_size": 150},
        {"solver": "adam", "learning_rate_init": 1e300},
    ],
)
def test_a_divergence_among_several_epochs_is_found_in_its_own(engine, parameters):
    together = of("MLPRegressor", **{"random_state": 5, "engine": engine, "max_iter": 40, **parameters})
    apart = clone(together).set_params(callback=lambda model: False)
    words = []
    for model in (together, apart):
        with pytest.raises(ValueError, match="diverged") as caught, np.errstate(all="ignore"):
            model.fit(X, 50.0 * y)
        words.append(str(caught.value))
    assert words[0] == words[1]
    assert f"epoch {together.n_iter_} " in words[0]
    assert together.n_iter_ < 40
    assert_same_outcome(together, apart, but="rng")  # orders are drawn ahead


class InterruptError(Exception):
    pass


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupt_leaves_as_many_epochs_as_it_counts(engine):
    """A signal at a random moment; an epoch is one batch here, so the parameters are those after whole epochs."""

    def handler(*_):
        raise InterruptError

    old = signal.signal(signal.SIGINT, handler)
    try:
        for wait in (0.02, 0.033, 0.05):
            model = of(random_state=3, max_iter=10**6, tol=0.0, n_iter_no_change=10**6, engine=engine)
            timer = threading.Timer(wait, lambda: signal.raise_signal(signal.SIGINT))
            timer.start()
            with pytest.raises(InterruptError):
                model.fit(X, y)
            timer.join()
            counted = getattr(model, "n_iter_", 0)
            if not counted:  # the Python engine's first epoch takes longer than this
                continue
            again = of(random_state=3, max_iter=counted, tol=0.0, n_iter_no_change=10**6, engine=engine).fit(X, y)
            assert model.loss_curve_ == again.loss_curve_
            assert model.best_loss_ == again.best_loss_
            assert model.t_ == again.t_ == counted * 150
            for a, b in itertools.chain(
                zip(model.coefs_, again.coefs_, strict=True),
                zip(model.intercepts_, again.intercepts_, strict=True),
            ):
                assert_same_bits(a, b)
    finally:
        signal.signal(signal.SIGINT, old)


def test_an_interrupt_before_the_last_loss_is_compared(engine, monkeypatch):
    model = of(random_state=3, max_iter=50, tol=0.0, engine=engine)
    judged = []

    def interrupted(machine):
        if not getattr(model, "loss_curve_", None):  # before training
            return -1
        judged.append(len(model.loss_curve_))
        raise InterruptError

    monkeypatch.setattr("backprop._machine.Machine.first_bad_layer", interrupted)
    with pytest.raises(InterruptError):
        model.fit(X, y)
    assert judged == [len(model.loss_curve_)]
    assert model.best_loss_ == min(model.loss_curve_) == model.loss_curve_[-1]
    assert model._no_improvement_count == 0


def test_an_epoch_whose_loss_is_minus_infinity_counts():
    """A sample weight below 0 makes one; it also stands for a loss that is not there yet."""
    weights, far = np.where(np.arange(150) == 3, -1.0, 1.0), X.copy()
    far[3] = 1e200
    model = of("MLPRegressor", activation="identity", random_state=0)
    with pytest.raises(ValueError, match="diverged in epoch 1 "), np.errstate(all="ignore"):
        model.fit(far, y, weights)
    assert model.loss_curve_ == [-np.inf]
    assert model.n_iter_ == 1
