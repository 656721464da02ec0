"""What batches have, "lbfgs" has after each of its iterations: scores, a callback, a bar."""

import numpy as np
import pytest
from bits import assert_same_bits
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

import backprop as bp

X, y = load_iris(return_X_y=True)
X = scale(X)
TRAIN, VALID = np.arange(150) % 2 == 0, np.arange(150) % 2 == 1


def of(**parameters):
    return bp.MLPClassifier(**{"hidden_layer_sizes": (6,), "solver": "lbfgs", "random_state": 0, **parameters})


def test_a_callback_sees_every_iteration_and_can_stop():
    seen = []

    def stop_at_seven(model):
        seen.append((model.n_iter_, model.loss_, model.network_.parameters))
        return len(seen) == 7

    model = of(callback=stop_at_seven).fit(X, y)
    assert [number for number, *_ in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert model.n_iter_ == 7
    assert_same_bits(model.network_.parameters, seen[-1][2])
    losses = [loss for _, loss, _ in seen]
    assert losses == sorted(losses, reverse=True)
    alone = of(max_iter=7, callback=lambda _: None)
    with pytest.warns(UserWarning, match="lbfgs failed to converge"):
        alone.fit(X, y)
    assert_same_bits(alone.network_.parameters, model.network_.parameters)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_held_out_samples(early_stopping):
    scores, parameters = [], []

    def note(model):
        scores.append(-log_loss(y[VALID], model.predict_proba(X[VALID])))
        parameters.append(model.network_.parameters)

    model = of(callback=note, scoring="neg_log_loss", early_stopping=early_stopping, n_iter_no_change=2, tol=1e-6)
    for _ in range(2):  # a second fit starts afresh
        scores.clear()
        parameters.clear()
        model.fit(X[TRAIN], y[TRAIN], X_val=X[VALID], y_val=y[VALID])
        np.testing.assert_allclose(model.validation_scores_, scores, rtol=1e-12)
        best = int(np.argmax(scores))
        assert best < len(scores) - 1
        assert_same_bits(model.network_.parameters, parameters[best])
        assert model.best_validation_score_ == model.validation_scores_[best]
        assert not hasattr(model, "loss_curve_")
        worse = np.array(scores) < np.maximum.accumulate([-np.inf, *scores[:-1]]) + 1e-6
        assert (early_stopping and worse[-3:].all()) or (not early_stopping and len(scores) == model.n_iter_ > 20)


def test_without_held_out_samples_early_stopping_is_ignored_as_theirs_is():
    assert_same_bits(of(early_stopping=True).fit(X, y).coefs_[0], of().fit(X, y).coefs_[0])


def test_a_bar(capsys):
    with pytest.warns(UserWarning, match="lbfgs"):
        of(verbose="bar", max_iter=5).fit(X, y, X_val=X, y_val=y)
    printed = capsys.readouterr().out
    for words in ("5/5", "loss", "score"):
        assert words in printed
