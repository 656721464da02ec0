"""Mistakes on the way back to a hidden layer, and in the gradients of weights and biases."""

from collections.abc import Callable, Iterator

from ..altered import Function, Scaled, Variant
from ..names import Key
from ..ops import (
    BatchGradient,
    Sum,
    Unchanged,
    WeightedSum,
)  # fmt: skip
from .place import BACK, GRADIENTS, MOST, Misconception, Place

__all__ = ["BACKWARD"]


def _swap_in_pairs(place: Place, swap: Callable[[Key], Key], label: str) -> Iterator[Variant]:
    """All operands that `swap` changes, changed at once."""
    operands = tuple(swap(key) for key in place.operands)
    changed = [(new, old) for new, old in zip(operands, place.operands, strict=True) if new != old]
    if changed:
        yield Variant(place.op, operands, label, {"used": changed[0][0], "right": changed[0][1]})


def _updated_weights(place: Place) -> Iterator[Variant]:
    yield from _swap_in_pairs(
        place, lambda key: key._replace(kind="new_parameter") if key.kind == "parameter" else key, "updated"
    )


def _original_weights(place: Place) -> Iterator[Variant]:
    yield from _swap_in_pairs(
        place, lambda key: key._replace(kind="parameter") if key.kind == "new_parameter" else key, "original"
    )


def _weight_back(place: Place) -> Iterator[Variant]:
    if place.key.kind == "part" or isinstance(place.op, WeightedSum):
        for k, operand in enumerate(place.operands[: 2 * MOST]):
            if operand.kind in ("parameter", "new_parameter"):
                for other in place.others(operand):
                    yield place.with_operand(k, other)


def _transposed_back(place: Place) -> Iterator[Variant]:
    def flipped(key: Key) -> Key:
        if key.kind not in ("parameter", "new_parameter") or key.layer is None:
            return key
        i, j = key.indices
        fits = j <= place.size(key.layer - 1) and i <= place.size(key.layer)
        return key._replace(indices=(j, i)) if fits else key

    if place.key.kind == "part" or sum(flipped(key) != key for key in place.operands) > 1:
        yield from _swap_in_pairs(place, flipped, "transposed")


def _gradient_back(place: Place) -> Iterator[Variant]:
    def without(key: Key) -> Key:
        return key._replace(kind="out_gradient") if key.kind in ("delta", "weighted_delta") else key

    layer = place.key.layer or 0
    has = layer + 1 < place.graph.last or place.graph.step.loss_row.has_gradient
    if has and (place.key.kind == "part" or isinstance(place.op, WeightedSum)):
        yield from _swap_in_pairs(place, without, "gradient")


def _wrong_delta_back(place: Place) -> Iterator[Variant]:
    if place.key.kind == "part" or isinstance(place.op, WeightedSum):
        for k, operand in enumerate(place.operands[: 2 * MOST]):
            if operand.kind in ("delta", "weighted_delta"):
                for other in place.others(operand)[:4]:
                    yield place.with_operand(k, other)


def _weight_missing_back(place: Place) -> Iterator[Variant]:
    if place.key.kind == "part":
        yield Variant(Unchanged(), place.operands[:1], "")
    elif place.key.kind == "out_gradient" and isinstance(place.op, WeightedSum):
        yield Variant(Sum(), place.operands[::2], "")


def _delta_missing_back(place: Place) -> Iterator[Variant]:
    if place.key.kind == "part":
        yield Variant(Unchanged(), place.operands[1:], "")


def _only_one_output(place: Place) -> Iterator[Variant]:
    if place.key.kind == "out_gradient" and not place.at_output:
        if isinstance(place.op, Sum) and len(place.operands) > 1:
            for operand in place.operands[:MOST]:
                yield Variant(Unchanged(), (operand,), str(operand.indices[-1]), {"used": operand})
        elif isinstance(place.op, WeightedSum) and len(place.operands) > 2:
            for k in range(0, min(len(place.operands), 2 * MOST), 2):
                pair = place.operands[k : k + 2]
                yield Variant(WeightedSum(), pair, str(k), {"used": pair[0]})


def _one_output_left_out(place: Place) -> Iterator[Variant]:
    if place.key.kind == "out_gradient" and not place.at_output:
        step = 1 if isinstance(place.op, Sum) else 2
        n = len(place.operands) // step
        if n > 2:
            for k in range(min(n, MOST)):
                rest = place.operands[: step * k] + place.operands[step * (k + 1) :]
                yield Variant(place.op, rest, str(k), {"left_out": place.operands[step * k]})


def _back_mean(place: Place) -> Iterator[Variant]:
    n = len(place.operands) // (1 if isinstance(place.op, Sum) else 2)
    if not place.at_output and n > 1:
        yield place.as_is(Scaled(place.op, 1.0 / n))


def _back_difference(place: Place) -> Iterator[Variant]:
    if not place.at_output and isinstance(place.op, Sum) and len(place.operands) > 1:
        yield Variant(Function(lambda v: v[0] - sum(v[1:])), place.operands, "difference")
        yield Variant(Function(lambda v: sum(abs(x) for x in v)), place.operands, "absolute")
    elif not place.at_output and isinstance(place.op, WeightedSum) and len(place.operands) > 2:
        yield Variant(Function(lambda v: v[0] * v[1] - sum(a * b for a, b in zip(v[2::2], v[3::2], strict=True))),
                      place.operands, "difference")  # fmt: skip


def _of_weight(place: Place) -> bool:
    return len(place.key.indices) == 2 and len(place.operands) == 2 and place.operands[0].kind.endswith("delta")


def _wrong_source_gradient(place: Place) -> Iterator[Variant]:
    if _of_weight(place):
        for other in place.others(place.operands[1]):
            yield place.with_operand(1, other)


def _wrong_delta_gradient(place: Place) -> Iterator[Variant]:
    if _of_weight(place):
        for other in place.others(place.operands[0]):
            yield place.with_operand(0, other)


def _gradient_with(place: Place) -> Iterator[Variant]:
    if _of_weight(place):
        _, j = place.key.indices
        delta, source = place.operands
        layer = place.key.layer
        yield Variant(place.op, (delta, Key("out", layer, (j,), source.sample)), "out above")
        if source.kind == "out":
            yield Variant(place.op, (delta, source._replace(kind="net")), "net")
        yield Variant(place.op, (delta, Key("parameter", layer, place.key.indices)), "weight")


def _source_missing(place: Place) -> Iterator[Variant]:
    if _of_weight(place):
        yield Variant(Unchanged(), place.operands[:1], "")


def _gradient_without_derivative(place: Place) -> Iterator[Variant]:
    deltas = [key for key in place.operands if key.kind in ("delta", "weighted_delta")]
    at_output = place.at_output and not place.graph.step.loss_row.has_gradient
    if deltas and not at_output and place.graph.step.activations[(place.key.layer or 1) - 1].per_unit:
        swapped = tuple(key._replace(kind="out_gradient") if key in deltas else key for key in place.operands)
        yield Variant(place.op, swapped, "gradient")


def _bias_one_delta(place: Place) -> Iterator[Variant]:
    of_units = place.operands[0].kind.endswith("delta")  # and not of samples
    if len(place.key.indices) < 2 and isinstance(place.op, Sum) and len(place.operands) > 1 and of_units:
        for operand in place.operands[:MOST]:
            yield Variant(Unchanged(), (operand,), "", {"used": operand})
        yield place.as_is(Scaled(place.op, 1.0 / len(place.operands)), "mean")


def _bias_times(place: Place) -> Iterator[Variant]:
    if (
        len(place.key.indices) < 2
        and isinstance(place.op, Sum)
        and all(k.kind.endswith("delta") for k in place.operands)
    ):
        bias = place.key._replace(kind="parameter", sample=None)
        yield Variant(Function(lambda v: sum(v[:-1]) * v[-1]), (*place.operands, bias), "bias")
        outs = tuple(key._replace(kind="out") for key in place.operands)
        yield Variant(
            WeightedSum(), tuple(k for pair in zip(place.operands, outs, strict=True) for k in pair), "out"
        )


def _sum_for_mean(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, BatchGradient) and len(place.operands) == 2:
        yield Variant(Unchanged(), place.operands[:1], "")


def _batch_slips(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, BatchGradient):
        yield Variant(Function(lambda v: place.op(v) / v[1]), place.operands, "twice")
        for s in place.graph.quantities.order.samples if place.graph.quantities.order.batch else []:
            if s <= MOST:
                yield Variant(Unchanged(), (place.key._replace(kind="contribution", sample=s),), "one")


def _l2_missing(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, BatchGradient) and len(place.operands) == 4:
        yield Variant(place.op, place.operands[:2], "missing")
        yield Variant(Function(lambda v: v[0] / v[1] - v[2] * v[3]), place.operands, "minus")
        yield Variant(Function(lambda v: v[0] / v[1] + 2.0 * v[2] * v[3]), place.operands, "twice")
        yield Variant(Function(lambda v: v[0] / v[1] + v[2]), place.operands, "no weight")
        yield Variant(Function(lambda v: (v[0] + v[2] * v[3]) / v[1]), place.operands, "divided")


BACKWARD: tuple[Misconception, ...] = (
    Misconception("updated_weights", "You used the already updated weights: the deltas of a hidden layer go"
                  " back through the weights that were there before the step. (The tutorial's own closing"
                  " figures, such as the error 0.291027924, come from this mistake.)", BACK, _updated_weights),
    Misconception("original_weights", "This network updates each layer before it goes further back: here the"
                  " new weights belong.", BACK, _original_weights),
    Misconception("wrong_weight", "You used {used} where {right} belongs: an error goes back through the weight"
                  " that joins the two units.", BACK, _weight_back),
    Misconception("wrong_weight", "You used {used} where {right} belongs, as if you read the table of weights"
                  " the other way round: what goes back to a unit takes the weights that lead away from it.",
                  BACK, _transposed_back, 0.4),
    Misconception("derivative_missing", "You sent dE/dout back without the activation's derivative: what goes"
                  " back is delta = dE/dout * dout/dnet.", BACK, _gradient_back),
    Misconception("wrong_delta", "You used {used} where {right} belongs.", BACK, _wrong_delta_back, 0.6),
    Misconception("weight_missing", "You did not multiply by the weight through which the error goes back.",
                  BACK, _weight_missing_back, 0.6),
    Misconception("delta_missing", "That is the weight alone: it is multiplied by delta.",
                  BACK, _delta_missing_back, 0.3),
    Misconception("only_one_output", "You used {used} alone: a hidden unit's out changes the error of every"
                  " unit above it, so all their parts are added.", ("out_gradient",), _only_one_output),
    Misconception("output_left_out", "You left out {left_out}: all units above count.",
                  ("out_gradient",), _one_output_left_out, 0.6),
    Misconception("mean_for_sum", "You took a mean: the parts that come back from the units above are added.",
                  ("out_gradient",), _back_mean, 0.5),
    Misconception("sign_lost", "You lost a sign: the parts are added with the signs that they have.",
                  ("out_gradient",), _back_difference, 0.4),
    Misconception("wrong_source", "You multiplied by {used} where {right} belongs: the gradient of a weight"
                  " takes what the weight multiplied on the way forward.",
                  GRADIENTS, _wrong_source_gradient, 0.8),
    Misconception("wrong_delta", "You used {used} where {right} belongs: the gradient of a weight takes the"
                  " delta of the unit that it leads to.", GRADIENTS, _wrong_delta_gradient, 0.8),
    Misconception("wrong_factor", "In a gradient delta is multiplied by what the weight multiplied before:"
                  " {formula}.", GRADIENTS, _gradient_with, 0.6),
    Misconception("source_missing", "That is delta: the gradient of a weight is delta times what the weight"
                  " multiplied.", GRADIENTS, _source_missing, 0.6),
    Misconception("gradient_without_derivative", "You used dE/dout instead of delta: the activation's"
                  " derivative is missing.", GRADIENTS, _gradient_without_derivative),
    Misconception("shared_bias_gradient", "A bias that several units share gets the sum of all their deltas.",
                  GRADIENTS, _bias_one_delta, 0.6),
    Misconception("bias_gradient_factor", "The gradient of a bias is delta alone: a bias multiplies nothing.",
                  GRADIENTS, _bias_times, 0.4),
    Misconception("sum_for_mean", "You added up the samples: the gradient of a batch is the mean over them.",
                  ("gradient",), _sum_for_mean),
    Misconception("batch_slip", "The gradient of a batch is the mean of all its samples' gradients, divided"
                  " once by their number.", ("gradient",), _batch_slips, 0.4),
    Misconception("l2_slip", "L2 adds l2*w to the mean gradient.", ("gradient",), _l2_missing, 0.8),
)  # fmt: skip
