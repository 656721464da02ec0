"""The displays: what is drawn is what the model holds, and scikit-learn's convention is kept."""

import sys
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import backprop as bp

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.colors import to_rgba

X, y = load_iris(return_X_y=True)
X = scale(X)


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def fitted(kind=bp.MLPClassifier, labels=y, **parameters):
    model = kind(**{"hidden_layer_sizes": (5,), "max_iter": 12, "random_state": 0, **parameters})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, labels)


def words(ax):
    return [text.get_text() for text in ax.texts]


# ---- loss curves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [bp.MLPClassifier, bp.MLPRegressor, neural_network.MLPClassifier])
def test_the_curve_is_the_estimators(kind):
    model = fitted(kind)
    display = bp.LossCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.line_.get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(display.line_.get_xdata(), np.arange(1, 13))
    assert display.ax_.get_xlabel() == "epoch"
    assert display.figure_ is display.ax_.figure
    assert display.score_ax_ is None
    assert display.line_.get_label() == kind.__name__


@pytest.mark.parametrize(
    ("kind", "scoring", "label"),
    [
        (bp.MLPClassifier, None, "accuracy, held out"),
        (bp.MLPRegressor, None, "R², held out"),
        (bp.MLPClassifier, "f1_macro", "f1_macro, held out"),
        (bp.MLPClassifier, lambda m, a, b: 0.5, "score, held out"),
    ],
)
def test_scores_stand_beside_the_loss(kind, scoring, label):
    model = fitted(kind, early_stopping=True, scoring=scoring)
    display = bp.LossCurveDisplay.from_estimator(model, log=True)
    assert display.ax_.get_yscale() == "log"
    np.testing.assert_array_equal(display.score_line_.get_ydata(), model.validation_scores_)
    assert display.score_ax_.get_ylabel() == label
    (mark,) = [line for line in display.score_ax_.lines if line is not display.score_line_]
    assert mark.get_ydata()[0] == model.best_validation_score_
    assert mark.get_xdata()[0] == np.argmax(model.validation_scores_) + 1


def test_scores_that_began_later_stand_at_their_epochs():
    model = fitted()
    model.partial_fit(X, y)
    model.partial_fit(X, y, X_val=X, y_val=y)
    display = bp.LossCurveDisplay.from_estimator(model)
    assert list(display.score_line_.get_xdata()) == [14]


def test_several_curves_share_axes():
    net, x, t = bp.examples.worked_example()
    _, ax = pyplot.subplots()
    history = net.train(x, t, epochs=50)
    display = bp.LossCurveDisplay.from_history(history, ax=ax, name="by one", color="red")
    again = display.plot(ax, name="again")
    assert again is display
    assert display.ax_ is ax
    assert [line.get_label() for line in ax.lines] == ["by one", "again"]
    assert ax.lines[0].get_color() == "red"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), history)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["by one", "again"]


def test_a_pipelines_last_step_counts():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = make_pipeline(StandardScaler(), bp.MLPClassifier((3,), max_iter=2)).fit(X, y)
    display = bp.LossCurveDisplay.from_estimator(pipeline, name="iris")
    assert display.loss_curve.tolist() == pipeline[-1].loss_curve_
    assert len(bp.NetworkDisplay.from_estimator(pipeline).units_[1]) == 3


def test_one_epoch_is_a_point():
    display = bp.LossCurveDisplay(loss_curve=[0.5]).plot()
    assert display.line_.get_marker() == "o"


@pytest.mark.parametrize(
    ("curve", "scores", "words_of_error"),
    [
        ([], None, r"loss_curve has shape \(0,\)"),
        ([[1.0]], None, r"loss_curve has shape \(1, 1\)"),
        ([1.0], [1.0, 2.0], "2 scores for 1 epochs"),
        ([1.0], [], "validation_scores has shape"),
    ],
)
def test_bad_curves(curve, scores, words_of_error):
    with pytest.raises(ValueError, match=words_of_error):
        bp.LossCurveDisplay(loss_curve=curve, validation_scores=scores)
    with pytest.raises(TypeError, match="loss_curve"):
        bp.LossCurveDisplay(loss_curve="abc")


def test_no_curve_to_draw():
    with pytest.raises(ValueError, match="fit it first"):
        bp.LossCurveDisplay.from_estimator(bp.MLPClassifier())
    with pytest.raises(ValueError, match="lbfgs"):
        bp.LossCurveDisplay.from_estimator(fitted(solver="lbfgs"))
    with pytest.raises(TypeError, match="ax must be matplotlib Axes"):
        bp.LossCurveDisplay(loss_curve=[1.0]).plot("here")


# ---- networks -----------------------------------------------------------------------------------------------


def test_every_weight_is_a_line_by_colour_and_width():
    net = bp.Network([3, 4, 2], random_state=0)
    net.weights[0][1, 2] = 5.0
    net.weights[1][3, 0] = -5.0
    display = bp.NetworkDisplay.from_network(net)
    assert [len(lines.get_segments()) for lines in display.lines_] == [12, 8]
    colours = mpl.colormaps["coolwarm"]
    for w, lines in zip(net.weights, display.lines_, strict=True):
        drawn = sorted(w.ravel(), key=abs)
        widths = lines.get_linewidths()
        assert (np.diff(widths) >= 0).all()
        np.testing.assert_allclose(widths, 0.4 + 3.6 * np.abs(drawn) / 5.0)
        expected = [colours((value + 5.0) / 10.0) for value in drawn]
        np.testing.assert_allclose(lines.get_colors(), expected, atol=1 / 255)
    start, end = display.lines_[0].get_segments()[-1]  # the widest leads from unit 1 to unit 2
    np.testing.assert_allclose(start, display.units_[0][1].center)
    np.testing.assert_allclose(end, display.units_[1][2].center)


def test_rims_are_biases_and_numbers_stand_there():
    net, _, _ = bp.examples.worked_example()
    display = bp.NetworkDisplay.from_network(net)
    found = words(display.ax_)
    for text in ("i1", "i2", "h1", "h2", "o1", "o2", "0.15", "0.55", "b 0.35", "b 0.6"):
        assert text in found
    assert display.units_[1][0].get_edgecolor() == mpl.colormaps["coolwarm"]((0.35 / 0.6 + 1) / 2)
    assert display.units_[0][0].get_edgecolor() == to_rgba("0.4")
    without = bp.NetworkDisplay.from_network(bp.Network([2, 2, 2], bias="none"), numbers=False, colorbar=False)
    assert not [word for word in words(without.ax_) if word.startswith("b ")]
    assert without.units_[1][0].get_edgecolor() == to_rgba("0.4")
    assert without.colorbar_ is None
    assert display.colorbar_.mappable.get_clim() == (-0.6, 0.6)


def test_a_sample_fills_the_units():
    net, x, t = bp.examples.worked_example()
    for display in (bp.NetworkDisplay.from_network(net, x=x), bp.NetworkDisplay.from_trace(net.trace(x, t))):
        found = words(display.ax_)
        for text in ("0.05", "0.1", "0.593", "0.597", "0.751", "0.773"):
            assert text in found
        np.testing.assert_allclose(display.values[1], [0.5932699921071872, 0.596884378259767], rtol=1e-14)
        assert display.units_[2][1].get_facecolor() == mpl.colormaps["coolwarm"](1.0)


def test_names_come_from_the_data():
    frame = pd.DataFrame(X, columns=["sepal length", "sepal width", "petal length", "petal width"])
    labels = load_iris().target_names[y]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = bp.MLPClassifier((3,), max_iter=3).fit(frame, labels)
        two = bp.MLPClassifier((3,), max_iter=3).fit(frame, labels == "virginica")
    found = words(bp.NetworkDisplay.from_estimator(model).ax_)
    assert {*frame.columns, "setosa", "versicolor", "virginica"} <= set(found)
    assert "True" in words(bp.NetworkDisplay.from_estimator(two).ax_)
    mine = bp.NetworkDisplay.from_estimator(model, input_names=list("abcd"), output_names=list("xyz"), title="!")
    assert {*"abcd", *"xyz"} <= set(words(mine.ax_))
    assert mine.ax_.get_title() == "!"
    assert "y1" in words(bp.NetworkDisplay.from_trace(
        bp.Network([1, 1]).trace([1.0], [0.0], names={"outputs": ["y1"]})).ax_)  # fmt: skip
    several = fitted(labels=np.c_[y == 0, y == 1].astype(int))
    assert words(bp.NetworkDisplay.from_estimator(several, numbers=False).ax_)[-2:] == ["0", "1"]
    assert words(bp.NetworkDisplay.from_estimator(fitted(bp.MLPRegressor)).ax_)[-2] == "o1"


def test_large_layers_are_cut_and_say_so():
    net = bp.Network([64, 100, 10], random_state=0)
    display = bp.NetworkDisplay.from_network(net, x=np.linspace(0, 1, 64))
    assert [len(units) for units in display.units_] == [12, 12, 10]
    assert [len(lines.get_segments()) for lines in display.lines_] == [144, 120]
    found = words(display.ax_)
    assert "… 52 more …" in found
    assert "… 88 more …" in found
    assert {"i1", "i6", "i59", "i64"} <= set(found)
    assert not {"i7", "i58"} & set(found)
    widest = net.weights[0][np.ix_(*[[*range(6), *range(n - 6, n)] for n in (64, 100)])]
    largest = max(abs(view).max() for view in net.weights)
    np.testing.assert_allclose(display.lines_[0].get_linewidths()[-1], 0.4 + 3.6 * abs(widest).max() / largest)
    whole = display.plot(max_units=100, numbers=False)
    assert [len(units) for units in whole.units_] == [64, 100, 10]


def test_a_picture_does_not_change_with_the_network():
    net, x, t = bp.examples.worked_example()
    display = bp.NetworkDisplay.from_network(net)
    net.train(x, t, epochs=100)
    assert "0.15" in words(display.plot().ax_)


def test_a_diverged_network_can_be_looked_at():
    net = bp.Network([2, 2, 1], random_state=0)
    net.weights[0][0, 0] = np.inf
    net.weights[0][1, 1] = np.nan
    widths = bp.NetworkDisplay.from_network(net).lines_[0].get_linewidths()
    assert sorted(widths)[-2:] == [4.0, 4.0]


@pytest.mark.parametrize(
    ("options", "error", "words_of_error"),
    [
        ({"x": [1.0]}, ValueError, r"x has shape \(1,\), expected \(2,\)"),
        ({"x": "ab"}, TypeError, "x must be an array"),
        ({"input_names": ["a"]}, ValueError, "input_names must be 2 names"),
        ({"output_names": "ab"}, ValueError, "output_names must be 2 names"),
        ({"max_units": 1}, ValueError, "max_units"),
        ({"ax": 3}, TypeError, "ax must be"),
    ],
)
def test_bad_arguments(options, error, words_of_error):
    with pytest.raises(error, match=words_of_error):
        bp.NetworkDisplay.from_network(bp.Network([2, 2, 2]), **options)


def test_what_is_no_network():
    with pytest.raises(TypeError, match="network must be a Network"):
        bp.NetworkDisplay.from_network([2, 2])
    with pytest.raises(NotFittedError):
        bp.NetworkDisplay.from_estimator(bp.MLPClassifier())
    with pytest.raises(TypeError, match="one of backprop's"):
        bp.NetworkDisplay.from_estimator(neural_network.MLPClassifier())
    net = bp.Network([2, 2])
    for more in ({"unit_names": [["a"], ["b"]]}, {"values": [[1.0], [1.0, 2.0]]}):
        with pytest.raises(ValueError, match=next(iter(more))):
            bp.NetworkDisplay(config=net.config, weights=net.weights, biases=net.biases, **more)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bp.LossCurveDisplay(loss_curve=[1.0]).plot(),
        lambda: bp.LossCurveDisplay.from_history([1.0]),
        lambda: bp.LossCurveDisplay.from_estimator(None),
        lambda: bp.NetworkDisplay.from_network(None),
        lambda: bp.NetworkDisplay.from_estimator(None),
        lambda: bp.NetworkDisplay.from_trace(None),
    ],
)
def test_without_matplotlib_one_is_told_what_to_install(monkeypatch, call):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"Display.*pip install 'backprop-mlp\[plot\]'"):
        call()
