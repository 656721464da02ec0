"""The short way of plain arrays, default parameters and seeds: what it does is what the long one does."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.preprocessing import LabelBinarizer, scale
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import validate_data

import backprop as bp
from backprop import _parameters, _plain
from backprop._draws import seeded

X, y = load_iris(return_X_y=True)
X = scale(X)
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")


def of(kind="MLPClassifier", **parameters):
    return getattr(bp, kind)(**{"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, **parameters})


@pytest.mark.parametrize(
    "values",
    [
        y,
        y[::-1],
        y.astype(np.int8),
        y.astype(np.uint16) + 300,
        -y,
        y > 0,
        np.zeros(5, int),
        np.array([3]),
        y.astype(float),
        y.tolist(),
        np.array(["b", "a", "c"])[y],
        np.eye(3, dtype=int)[y],
    ],
)
def test_labels_are_those_of_scikit_learn(values):
    mine, theirs = _plain.binarizer_of(values), LabelBinarizer().fit(values)
    assert vars(mine).keys() == vars(theirs).keys()
    for name, value in vars(theirs).items():
        found = vars(mine)[name]
        if isinstance(value, np.ndarray):
            assert found.dtype == value.dtype
            assert found.tolist() == value.tolist()
        else:
            assert found == value
    labels = _plain.labels(values)
    assert labels.dtype == unique_labels(values).dtype
    assert labels.tolist() == unique_labels(values).tolist()
    assert (mine.transform(values) == theirs.transform(values)).all()


@pytest.mark.parametrize(
    ("samples", "targets"),
    [
        (X, y),
        (X.astype(np.float32), y.astype(np.float32)),
        (np.asfortranarray(X), y[:, np.newaxis]),
        (X[::2], y[::2] > 0),
        (np.full((3, 2), 1e308), np.array([1e308, 1e308, 0.0])),  # their sum is not finite
    ],
)
def test_plain_arrays_are_taken_as_they_are(samples, targets):
    for kind in ("MLPClassifier", "MLPRegressor"):
        mine, theirs = of(kind), of(kind)
        found = _plain.validated(mine, samples, targets, reset=True)
        expected = validate_data(theirs, samples, targets, multi_output=True, dtype=(np.float64, np.float32))
        for a, b, given in zip(found, expected, (samples, targets), strict=True):
            assert a is given
            assert a.dtype == b.dtype
            assert (a == b).all()
        assert vars(mine) == vars(theirs)


@pytest.mark.parametrize(
    ("samples", "targets", "words"),
    [
        (np.where(X > 1.5, np.nan, X), y, "Input X contains NaN"),
        (np.where(X > 1.5, np.inf, X), y, "Input X contains infinity"),
        (X, np.where(y > 1, np.nan, y), "Input y contains NaN"),
        (X[:9], y, "inconsistent numbers of samples"),
        (X[0], y[:1], "Expected 2D array"),
        (X[:0], y[:0], "minimum of 1 is required"),
        (X[:, :0], y, "minimum of 1 is required"),
        (X, np.zeros((150, 1, 1)), "dim 3"),
        (X * 1j, y, "Complex data"),
        (X, None, "requires y"),
    ],
)
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_what_is_not_in_order_is_refused_in_the_usual_words(kind, samples, targets, words):
    model = of(kind)
    with pytest.raises(ValueError, match=words):
        model.fit(samples, targets)
    assert vars(model) == vars(of(kind))


def test_the_number_of_features_is_compared():
    model = of().fit(X, y)
    assert model.n_features_in_ == 4
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        model.partial_fit(X[:, :3], y)
    assert model.fit(X[:, :3], y).n_features_in_ == 3


def test_names_of_features_go_and_are_missed():
    pd = pytest.importorskip("pandas")
    named = pd.DataFrame(X, columns=list("abcd"))
    model = of().fit(named, y)
    with pytest.warns(UserWarning, match="was fitted with feature names"):
        model.partial_fit(X, y)
    assert not hasattr(model.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_defaults_need_no_look_because_they_are_right(kind):
    model = getattr(bp, kind)()
    validate_parameter_constraints(model._parameter_constraints, model.get_params(), caller_name=kind)
    assert _parameters._right_defaults(type(model)) == model.get_params()


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_each_parameter_that_is_not_the_default_is_looked_at(kind):
    for name in getattr(bp, kind)().get_params():
        model = clone(of(kind)).set_params(**{name: object()})
        with pytest.raises(ValueError, match=f"The '{name}' parameter of {kind} must be"):
            model.fit(X, y)


class Narrow(bp.MLPClassifier):
    """With a default that is not allowed."""

    def __init__(self, hidden_layer_sizes=(2,), alpha=-1.0):
        super().__init__(hidden_layer_sizes, max_iter=1, random_state=0, alpha=alpha)


@pytest.mark.parametrize("parameters", [{}, {"alpha": -2.0}, {"alpha": -1.0}])
def test_a_parameter_of_a_subclass_is_looked_at(parameters):
    assert Narrow(alpha=0.5).fit(X, y).coefs_[0].shape == (4, 2)
    with pytest.raises(ValueError, match="The 'alpha' parameter of Narrow must be"):
        Narrow(**parameters).fit(X, y)


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1])
def test_a_seeded_generator_is_numpys(seed):
    mine, theirs = seeded(seed), np.random.RandomState(seed)
    for rng in (mine, pickle.loads(pickle.dumps(mine))):
        for a, b in zip(rng.get_state(), theirs.get_state(), strict=True):
            assert np.array_equal(a, b)
    assert mine.normal() == theirs.normal()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused_as_numpy_does(seed):
    with pytest.raises(ValueError, match="Seed must be between 0 and 2"):
        seeded(seed)
