"""The race of `bench/` refuses to time what does not compute the same, and all get the same numbers."""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent / "bench"))
from cases import Case, Data, mean_loss
from race import check, tolerance
from rows import all_rows, toy_rows

CASE = Case("main", (4, 8, 3), n_samples=64)
LOSSES = [0.5, 0.4, 0.3]


class Answers:
    """A worker that has its answer ready."""

    def __init__(self, losses=LOSSES, digest="a", computed=CASE, bits=False, tolerance=0.0, **answer):
        self.hello = {"bits": bits, "tolerance": tolerance}
        self.answer = answer or {"losses": losses, "digest": digest, "computed": asdict(computed)}

    def ask(self, do, **_):
        assert do == "losses"
        return self.answer


def judged(us=None, **options):
    return check(CASE, Answers(**options), us or Answers())


def test_equal_losses_pass():
    time = judged(digest="another")
    assert not time.failure
    assert not time.refusal
    assert time.difference == 0


def test_a_loss_that_differs_by_more_than_a_billionth_fails():
    assert not judged(losses=[0.5, 0.4, 0.3 * (1 + 9e-10)]).failure
    assert "not the same" in judged(losses=[0.5, 0.4, 0.3 * (1 + 2e-9)]).failure
    assert "not the same" in judged(losses=[0.5, 0.4, float("nan")]).failure


def test_other_numbers_have_a_tolerance_of_their_own():
    assert not judged(losses=[0.5, 0.4, 0.301], tolerance=1e-2).failure
    assert judged(losses=[0.5, 0.4, 0.31], tolerance=1e-2).failure


def test_the_reference_must_have_the_same_bits():
    assert not judged(digest="a", bits=True).failure
    assert judged(digest="b", bits=True).failure == "not the same bits"


def test_losses_that_do_not_move_prove_nothing():
    still = [0.5, 0.5, 0.5]
    assert "hardly move" in judged(us=Answers(losses=still), losses=still).failure


def test_what_a_peer_computes_instead_is_said():
    assert judged(computed=replace(CASE, output="identity")).computed == "identity"
    assert judged(computed=replace(CASE, dtype="float32")).computed == "float32"


def test_a_refusal_and_a_failure_are_passed_on():
    assert judged(unsupported="no batch 32").refusal == "no batch 32"
    assert judged(failed="KeyError: 1").failure == "KeyError: 1"


def test_float32_may_differ_by_its_rounding():
    assert tolerance(CASE, 0.0) == 1e-9
    assert 32 * 2**-23 < tolerance(replace(CASE, dtype="float32"), 0.0) < 1e-4


@pytest.mark.parametrize("case", [*toy_rows(), *all_rows()[:9]], ids=lambda case: f"{case.name}, {case.batch}")
def test_a_cut_case_has_the_first_samples_of_the_whole(case):
    few = case.cut(max(2 * case.batch, 32))
    assert few.n_samples % case.batch == 0
    whole, part = Data.of(case), Data.of(few)
    assert np.array_equal(whole.X[: few.n_samples], part.X)
    assert np.array_equal(whole.T[: few.n_samples], part.T)
    for a, b in zip(whole.weights + whole.biases, part.weights + part.biases, strict=True):
        assert np.array_equal(a, b)


def test_strokes_leave_four_fifths_of_the_pixels_empty():
    X = Data.of(Case("main", (784, 5, 3), n_samples=100, inputs="strokes")).X
    assert 0.78 < (X == 0).mean() < 0.81
    assert X.min() == 0
    assert X.max() <= 1
    # In runs, as ink is: most pixels with ink have one with ink beside them.
    ink = X.reshape(100, 28, 28) > 0
    assert (ink[:, :, :-1] & ink[:, :, 1:]).sum() > 0.6 * ink.sum()


def test_the_common_formula_is_the_networks_loss():
    import backprop as bp

    for output, loss in (("logistic", "squared_error"), ("softmax", "log_loss"), ("identity", "squared_error")):
        for hidden in ("logistic", "tanh", "relu"):
            case = replace(CASE, hidden=hidden, output=output, loss=loss)
            data = Data.of(case)
            net = bp.Network(case.sizes, activation=hidden, output_activation=output, loss=loss)
            net.weights, net.biases = data.weights, data.biases
            assert mean_loss(case, data, data.weights, data.biases) == pytest.approx(
                net.loss(data.X, data.T), rel=1e-13
            )
