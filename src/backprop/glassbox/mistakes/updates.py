"""Mistakes in the update, and those that can be made at any number."""

from collections.abc import Callable, Iterator

from ..altered import Function, Scaled, Variant
from ..names import Key
from ..ops import (
    AdamSquare,
    AdamUpdate,
    MomentumUpdate,
    NesterovUpdate,
    PlainUpdate,
    Unchanged,
    Velocity,
)  # fmt: skip
from .place import COMPUTED, MOST, SIGNED, UPDATES, Found, Misconception, Place

__all__ = ["UPDATING"]


def _update(place: Place) -> tuple[Key, Key, Key]:
    """Old value, rate and gradient of an update, whatever the optimizer, and of a bias that is not trained."""
    old, gradient = place.key._replace(kind="parameter"), place.key._replace(kind="gradient")
    return old, Key("learning_rate"), gradient


def _update_function(function: Callable[[float, float, float], float]) -> Callable[[Place], Found]:
    def variants(place: Place) -> Iterator[Variant]:
        if isinstance(place.op, PlainUpdate):
            yield Variant(Function(lambda v: function(*v)), _update(place))
        elif isinstance(place.op, Unchanged) and place.graph.step.method == "sgd":
            yield Variant(Function(lambda v: function(*v)), _update(place), "frozen")  # a bias, trained as well

    return variants


def _velocity_added(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, MomentumUpdate):
        yield Variant(Function(lambda v: v[0] - v[1]), place.operands, "")
    elif isinstance(place.op, Velocity):
        yield Variant(Function(lambda v: v[0] * v[1] + v[2] * v[3]), place.operands, "")
    elif isinstance(place.op, NesterovUpdate):
        yield Variant(Function(lambda v: v[0] - (v[1] * v[2] - v[3] * v[4])), place.operands, "")
    elif isinstance(place.op, AdamUpdate):
        yield Variant(Function(lambda v: v[0] + v[1] * v[2] / (v[3] ** 0.5 + v[4])), place.operands, "")


def _update_with_delta(place: Place) -> Iterator[Variant]:
    if (
        isinstance(place.op, PlainUpdate)
        and len(place.key.indices) == 2
        and not place.graph.quantities.order.batch
    ):
        old, rate, _ = _update(place)
        _, j = place.key.indices
        yield Variant(PlainUpdate(), (old, rate, Key("delta", place.key.layer, (j,), 1)), "delta")


def _bias_update_with_gradient(place: Place) -> Iterator[Variant]:
    order = place.graph.quantities.order
    plain = isinstance(place.op, PlainUpdate | Unchanged) and place.graph.step.method == "sgd" and not order.batch
    has = not place.at_output or place.graph.step.loss_row.has_gradient
    if len(place.key.indices) < 2 and plain and has:
        units = place.key.indices or range(1, place.size(place.key.layer or 1) + 1)
        gradients = tuple(Key("out_gradient", place.key.layer, (j,), 1) for j in units)
        old, rate, _ = _update(place)
        yield Variant(Function(lambda v: v[0] - v[1] * sum(v[2:])), (old, rate, *gradients), "gradient")


def _wrong_gradient(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, PlainUpdate):
        for other in place.others(place.operands[2]):
            yield place.with_operand(2, other)


def _wrong_old(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, PlainUpdate | MomentumUpdate | NesterovUpdate | AdamUpdate):
        for other in place.others(place.operands[0]):
            yield place.with_operand(0, other)


def _not_updated(place: Place) -> Iterator[Variant]:
    if not isinstance(place.op, Unchanged):
        yield Variant(Unchanged(), (place.key._replace(kind="parameter"),), "")


def _momentum_missing(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, MomentumUpdate | NesterovUpdate):
        yield Variant(PlainUpdate(), _update(place), "")
    elif isinstance(place.op, Velocity):
        yield Variant(Function(lambda v: -v[2] * v[3]), place.operands, "")


def _nesterov_slip(place: Place) -> Iterator[Variant]:
    velocity = place.key._replace(kind="new_velocity")
    old = place.key._replace(kind="parameter")
    if isinstance(place.op, NesterovUpdate):
        yield Variant(MomentumUpdate(), (old, velocity), "classical")
    elif isinstance(place.op, MomentumUpdate):
        keys = (old, Key("momentum"), velocity, Key("learning_rate"), place.key._replace(kind="gradient"))
        yield Variant(NesterovUpdate(), keys, "nesterov")


def _adam_uncorrected(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, AdamUpdate):
        yield place.with_operand(1, Key("learning_rate"))


def _adam_slips(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, AdamUpdate):
        yield Variant(Function(lambda v: v[0] - v[1] * v[2] / (v[3] + v[4])), place.operands, "root")
        yield Variant(PlainUpdate(), _update(place), "plain")
    elif isinstance(place.op, AdamSquare):
        yield Variant(Function(lambda v: v[0] * v[1] + (1.0 - v[0]) * v[2]), place.operands, "not squared")


def _negated(place: Place) -> Iterator[Variant]:
    yield place.as_is(Scaled(place.op, -1.0), "negated")


def _other_answer(place: Place) -> Iterator[Variant]:
    for other in place.others(place.key)[:MOST]:
        yield Variant(Unchanged(), (other,), "swapped", {"used": other})


def _wrong_place(*factors: tuple[float, str]) -> Callable[[Place], Found]:
    def variants(place: Place) -> Iterator[Variant]:
        for factor, words in factors:
            yield Variant(Scaled(place.op, factor), place.operands, words, {"times": words})

    return variants


UPDATING: tuple[Misconception, ...] = (
    Misconception("added", "You added: the step goes against the gradient, w - learning_rate * dE/dw.",
                  UPDATES, _update_function(lambda w, r, g: w + r * g)),
    Misconception("rate_missing", "You left out the learning rate.",
                  UPDATES, _update_function(lambda w, r, g: w - g)),
    Misconception("rate_twice", "You multiplied by the learning rate twice.",
                  UPDATES, _update_function(lambda w, r, g: w - r * r * g)),
    Misconception("rate_missing_added", "You left out the learning rate, and added: it is w - learning_rate *"
                  " dE/dw.", UPDATES, _update_function(lambda w, r, g: w + g), 0.2),
    Misconception("step_only", "That is the step: it is subtracted from the old value.",
                  UPDATES, _update_function(lambda w, r, g: r * g), 0.3),
    Misconception("step_only", "That is minus the step: the old value is added to it.",
                  UPDATES, _update_function(lambda w, r, g: -r * g), 0.3),
    Misconception("gradient_for_update", "That is the gradient: the new value is w - learning_rate * dE/dw.",
                  UPDATES, _update_function(lambda w, r, g: g), 0.2),
    Misconception("update_scaled", "The step is learning_rate * dE/dw, and the old value is left whole.",
                  UPDATES, _update_function(lambda w, r, g: r * (w - g)), 0.1),
    Misconception("update_scaled", "The step is learning_rate * dE/dw; the old value is no factor of it.",
                  UPDATES, _update_function(lambda w, r, g: w * (1.0 - r * g)), 0.1),
    Misconception("rate_divides", "You divided by the learning rate.",
                  UPDATES, _update_function(lambda w, r, g: w - g / r if r else w), 0.2),
    Misconception("added", "The step has the wrong sign.", ("new_parameter", "new_velocity"), _velocity_added),
    Misconception("update_with_delta", "You used delta instead of dE/dw.", UPDATES, _update_with_delta, 0.8),
    Misconception("bias_from_out_gradient", "You used dE/dout for the bias: its gradient is delta = dE/dout *"
                  " dout/dnet (the sum of them if units share it).", UPDATES, _bias_update_with_gradient),
    Misconception("wrong_gradient", "You used {used} where {right} belongs.", UPDATES, _wrong_gradient, 0.7),
    Misconception("wrong_old_value", "You began from {used} where {right} belongs.", UPDATES, _wrong_old, 0.7),
    Misconception("not_updated", "That is the old value: the step has not been taken.", UPDATES, _not_updated),
    Misconception("momentum_missing", "You left out the velocity from the steps before.",
                  ("new_parameter", "new_velocity"), _momentum_missing),
    Misconception("nesterov_slip", "Nesterov's momentum and the classical one differ in what is added to w:"
                  " here it is {formula}.", UPDATES, _nesterov_slip, 0.7),
    Misconception("adam_uncorrected", "You left out Adam's correction of the first steps: rate_t is the rate"
                  " here.", UPDATES, _adam_uncorrected),
    Misconception("adam_slip", "Adam divides by the root of the mean square, and squares the gradient in it.",
                  ("new_parameter", "new_second_moment"), _adam_slips, 0.5),
    Misconception("sign", "The sign is wrong.", SIGNED, _negated, 0.6),
    Misconception("sign", "The sign is wrong. (Texts that keep the minus outside have it like this, in every"
                  " delta.)", ("delta", "weighted_delta"), _negated, 0.6),
    Misconception("swapped", "That is {used}: have you exchanged the two?", COMPUTED, _other_answer, 0.5),
    Misconception("decimal_point", "The decimal point is in the wrong place: that is {times} the number.",
                  COMPUTED, _wrong_place((10.0, "ten times"), (0.1, "a tenth of"))),
    Misconception("decimal_point", "The decimal point is in the wrong place: that is {times} the number.",
                  COMPUTED, _wrong_place((100.0, "a hundred times"), (0.01, "a hundredth of")), 0.5),
)  # fmt: skip
