"""Mistakes in the data and on the way forward: net and out."""

from collections.abc import Callable, Iterator
from math import exp

from ...functions import ACTIVATIONS
from ..altered import Constant, Function, Scaled, Variant
from ..names import Key
from ..ops import (
    Sum,
    Unchanged,
    WeightedSum,
)  # fmt: skip
from ..row_ops import Activate, ActivateLayer
from .place import MOST, NETS, OUTS, Found, Misconception, Place, around, wrong_unit

__all__ = ["FORWARD"]


def _wrong_datum(place: Place) -> Iterator[Variant]:
    value = place.graph.value(place.key)
    for factor, label in ((10.0, "x10"), (0.1, "/10")):
        yield Variant(Constant(value * factor), (place.key,), label, {"used": f"{value * factor:.9g}"})
    for other in place.others(place.key)[:4]:
        yield Variant(Constant(place.graph.value(other)), (place.key,), "other", {"used": other})


def _sign_lost(place: Place) -> Iterator[Variant]:
    value = place.graph.value(place.key)
    if value < 0.0:
        yield Variant(Constant(-value), (place.key,), "", {"used": f"{-value:.9g}"})


def _sign_too_much(place: Place) -> Iterator[Variant]:
    value = place.graph.value(place.key)
    if value > 0.0:
        yield Variant(Constant(-value), (place.key,), "", {"used": f"{-value:.9g}"})


def _one_minus_target(place: Place) -> Iterator[Variant]:
    value = place.graph.value(place.key)
    yield Variant(Constant(1.0 - value), (place.key,), "", {"used": f"{1.0 - value:.9g}"})


def _terms(place: Place) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """The operands of a net: weights and what they multiply, and the bias."""
    bias = isinstance(place.op, WeightedSum) and place.op.bias
    cut = len(place.operands) - bias
    return place.operands[:cut], place.operands[cut:]


def _wrong_weight(place: Place) -> Iterator[Variant]:
    pairs, _ = _terms(place)
    n = min(len(pairs) // 2, MOST)
    found = [(k, other) for k in range(n) for other in place.others(pairs[2 * k])]
    # Of two that give the same number the transposed one is told: the table read the other way round.
    found.sort(key=lambda change: change[1].indices != pairs[2 * change[0]].indices[::-1])
    for k, other in found:
        yield place.with_operand(2 * k, other)


def _transposed_weights(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    assert place.key.layer is not None
    if len(pairs) // 2 <= place.size(place.key.layer) and place.key.indices[0] <= len(pairs) // 2 > 1:
        flipped = [key._replace(indices=key.indices[::-1]) for key in pairs[::2]]
        mixed = [key for pair in zip(flipped, pairs[1::2], strict=True) for key in pair]
        if sum(a != b for a, b in zip(flipped, pairs[::2], strict=True)) > 1:  # one alone is a wrong weight
            yield Variant(place.op, (*mixed, *bias), "transposed")
    for other in around(place.key.indices[0], place.size(place.key.layer))[:4]:
        row = [key._replace(indices=(key.indices[0], other)) for key in pairs[::2]]
        mixed = [key for pair in zip(row, pairs[1::2], strict=True) for key in pair]
        yield Variant(place.op, (*mixed, *bias), "other unit")


def _wrong_source(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    n = len(pairs) // 2
    for k in range(min(n, MOST)):
        for other in place.others(pairs[2 * k + 1])[:4]:
            yield place.with_operand(2 * k + 1, other)
    if n > 1:
        backwards = [key for pair in zip(pairs[::2], pairs[::-2], strict=True) for key in pair]
        yield Variant(place.op, (*backwards, *bias), "swapped", {"used": pairs[-1], "right": pairs[1]})


def _term_left_out(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    if len(pairs) > 2:
        for k in range(min(len(pairs) // 2, MOST)):
            rest = (*pairs[: 2 * k], *pairs[2 * k + 2 :], *bias)
            yield Variant(place.op, rest, "", {"weight": pairs[2 * k], "source": pairs[2 * k + 1]})


def _term_subtracted(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    for k in range(min(len(pairs) // 2, MOST) if len(pairs) > 2 or bias else 0):

        def net(values: list[float], k: int = k) -> float:
            total = sum(a * b for a, b in zip(values[: len(pairs) : 2], values[1 : len(pairs) : 2], strict=True))
            return total - 2.0 * values[2 * k] * values[2 * k + 1] + sum(values[len(pairs) :])

        yield Variant(Function(net), place.operands, "", {"weight": pairs[2 * k], "source": pairs[2 * k + 1]})


def _bias_left_out(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    if bias:
        yield Variant(WeightedSum(), pairs, "", {"bias": bias[0]})


def _bias_altered(factor: float) -> Callable[[Place], Found]:
    def variants(place: Place) -> Iterator[Variant]:
        _, bias = _terms(place)
        if bias:

            def net(values: list[float]) -> float:
                total = sum(a * b for a, b in zip(values[:-1:2], values[1:-1:2], strict=True))
                return total + factor * values[-1]

            yield Variant(Function(net), place.operands, "", {"bias": bias[0]})

    return variants


def _bias_per_term(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    if bias and len(pairs) > 4:
        yield from _bias_altered(len(pairs) / 2.0)(place)


def _wrong_bias(place: Place) -> Iterator[Variant]:
    _, bias = _terms(place)
    if bias:
        k, right = len(place.operands) - 1, bias[0]
        others = place.others(right)
        for layer in range(1, place.graph.last + 1):
            if layer != right.layer and (not right.indices or right.indices[0] <= place.size(layer)):
                others.append(right._replace(layer=layer))
        for other in others:
            yield place.with_operand(k, other)


def _bias_times_weight(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    if bias:
        sums = (*pairs, *bias)
        yield Variant(
            Function(lambda v: sum(v[:-1:2][k] * (v[1:-1:2][k] + v[-1]) for k in range(len(v) // 2))), sums, "",
            {"bias": bias[0]},
        )  # fmt: skip


def _weights_forgotten(place: Place) -> Iterator[Variant]:
    pairs, bias = _terms(place)
    yield Variant(Sum(), (*pairs[1::2], *bias), "sources")
    yield Variant(Sum(), (*pairs[::2], *bias), "weights")
    yield Variant(Function(sum), place.operands, "added")


def _net_averaged(place: Place) -> Iterator[Variant]:
    pairs, _ = _terms(place)
    n = len(pairs) // 2
    if n > 1:
        yield place.as_is(Scaled(place.op, 1.0 / n))


def _not_activated(place: Place) -> Iterator[Variant]:
    layer = place.key.layer
    if layer and layer > 1:
        kinds = {"out": "net", "new_out": "new_net"}
        yield Variant(
            place.op, tuple(key._replace(kind=kinds.get(key.kind, key.kind)) for key in place.operands), ""
        )


def _old_parameter(place: Place) -> Iterator[Variant]:
    operands = tuple(
        key._replace(kind="parameter") if key.kind == "new_parameter" else key for key in place.operands
    )
    if operands != place.operands:
        yield Variant(place.op, operands, "")


def _old_out(place: Place) -> Iterator[Variant]:
    operands = tuple(key._replace(kind="out") if key.kind == "new_out" else key for key in place.operands)
    if operands != place.operands:
        yield Variant(place.op, operands, "")


def _activation_forgotten(place: Place) -> Iterator[Variant]:
    yield Variant(Unchanged(), (place.unit(f"{place.new}net"),), "")


def _exp_sign(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Activate | ActivateLayer) and "exp" in place.op.row.formula:
        function = place.op
        yield Variant(Function(lambda v: function([-x for x in v])), place.operands, "")


def _logistic_slip(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Activate) and place.op.row.name == "logistic":
        net = place.operands
        yield Variant(Function(lambda v: 1.0 + exp(-v[0])), net, "not divided")
        yield Variant(Function(lambda v: exp(-v[0]) / (1.0 + exp(-v[0]))), net, "exp above")
        yield Variant(Function(lambda v: 1.0 / (1.0 - exp(-v[0]))), net, "minus")
        yield Variant(Function(lambda v: 1.0 / (1.0 + 10.0 ** -v[0])), net, "ten")
        yield Variant(Function(lambda v: 1.0 / exp(-v[0])), net, "one left out")
        yield Variant(Function(lambda v: exp(-v[0])), net, "exp only")
        yield Variant(Function(lambda v: 1.0 / (1.0 + 2.718 ** -v[0])), net, "e short")


def _activated_twice(place: Place) -> Iterator[Variant]:
    function = place.op
    if isinstance(function, Activate):
        yield Variant(Function(lambda v: function([function(v)])), place.operands, "")


def _wrong_activation(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Activate | ActivateLayer):
        own = place.op.row.name
        for name, row in ACTIVATIONS.items():
            if (
                name != own
                and row.per_unit
                and not (name == "identity" or (own == "softmax" and name == "logistic"))
            ):
                yield Variant(Activate(row), (place.unit(f"{place.new}net"),), name, {"other": name, "own": own})


def _softmax_per_unit(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, ActivateLayer):
        net = place.unit(f"{place.new}net")
        yield Variant(Activate(ACTIVATIONS["logistic"]), (net,), "logistic")


def _softmax_without_exp(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, ActivateLayer):
        k = place.op.unit
        yield Variant(Function(lambda v: v[k] / sum(v)), place.operands, "")


def _softmax_not_normalised(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, ActivateLayer):
        k = place.op.unit
        yield Variant(Function(lambda v: exp(v[k])), place.operands, "exp")
        yield Variant(Function(lambda v: exp(v[k]) / (sum(map(exp, v)) - exp(v[k]))), place.operands, "others")
        yield Variant(Function(lambda v: exp(v[k] - max(v))), place.operands, "shifted")


FORWARD: tuple[Misconception, ...] = (
    Misconception("wrong_target", "You used {used} as the target of {of}; it is {value}.",
                  ("target",), _wrong_datum),
    Misconception("target_complement", "You used 1 - target ({used}) as the target of {of}; it is {value}.",
                  ("target",), _one_minus_target, 0.1),
    Misconception("wrong_input", "You used {used} as the input {of}; it is {value}.",
                  ("input",), _wrong_datum, 0.5),
    Misconception("wrong_parameter", "You used {used} as the value of {of}; it is {value}.",
                  ("parameter",), _wrong_datum, 0.15),
    Misconception("wrong_target", "You used {used} as the target of {of}; it is {value}.",
                  ("target",), _sign_lost, 0.3),
    Misconception("wrong_target", "You used {used} as the target of {of}; it is {value}.",
                  ("target",), _sign_too_much, 0.1),
    Misconception("wrong_input", "You used {used} as the input {of}; it is {value}: a sign is lost.",
                  ("input",), _sign_lost, 0.5),
    Misconception("wrong_input", "You used {used} as the input {of}; it is {value}.",
                  ("input",), _sign_too_much, 0.05),
    Misconception("wrong_parameter", "You used {used} as the value of {of}; it is {value}: a sign is lost.",
                  ("parameter",), _sign_lost, 0.5),
    Misconception("wrong_parameter", "You used {used} as the value of {of}; it is {value}.",
                  ("parameter",), _sign_too_much, 0.05),
    Misconception("wrong_rate", "You used {used} as the learning rate; it is {value}.",
                  ("learning_rate",), _wrong_datum, 0.3),
    Misconception("wrong_weight", "You used {used} where {right} belongs: look which units each weight joins.",
                  NETS, _wrong_weight),
    Misconception("wrong_weight", "You used the weights of another unit, or read the table of weights the other"
                  " way round: {name} takes the weights that lead into its own unit.",
                  NETS, _transposed_weights, 0.7),
    Misconception("wrong_source", "You multiplied by {used} where {right} belongs: a weight is multiplied by"
                  " the unit that it comes from.", NETS, _wrong_source, 0.7),
    Misconception("term_left_out", "You left out {weight}*{source}: every unit of the layer below counts.",
                  NETS, _term_left_out, 0.6),
    Misconception("term_subtracted", "You subtracted {weight}*{source}: all products are added, each with its"
                  " own sign.", NETS, _term_subtracted, 0.03),
    Misconception("bias_left_out", "You left out the bias {bias}: it is added to the weighted sum.",
                  NETS, _bias_left_out),
    Misconception("bias_twice", "You added the bias {bias} twice: each unit adds it once.",
                  NETS, _bias_altered(2.0)),
    Misconception("bias_subtracted", "You subtracted the bias {bias}: it is added.",
                  NETS, _bias_altered(-1.0), 0.5),
    Misconception("bias_per_term", "You added the bias {bias} once for every product: each unit adds it once.",
                  NETS, _bias_per_term, 0.2),
    Misconception("wrong_bias", "You added the bias {used} where {right} belongs.", NETS, _wrong_bias),
    Misconception("bias_multiplied", "You added the bias {bias} to each source before multiplying: it is added"
                  " to the sum, without a weight.", NETS, _bias_times_weight, 0.1),
    Misconception("weights_forgotten", "You added numbers that should be multiplied: each source is multiplied"
                  " by its weight, and the products are added.", NETS, _weights_forgotten, 0.2),
    Misconception("net_averaged", "You divided by the number of sources: net is a sum, not a mean.",
                  NETS, _net_averaged, 0.2),
    Misconception("not_activated", "You used net of the layer below where its out belongs: what a unit passes"
                  " on is its out, after the activation.", NETS, _not_activated, 0.7),
    Misconception("old_weights_after", "You used the old weights: the error after the step is computed with the"
                  " new ones, in every layer.", ("new_net",), _old_parameter),
    Misconception("old_outs_after", "You used the old outs of the layer below: after the step they have changed"
                  " too.", ("new_net",), _old_out, 0.5),
    Misconception("activation_forgotten", "That is net: {name} is the activation of it.",
                  OUTS, _activation_forgotten),
    Misconception("exp_sign", "The sign in the exponent is wrong.", OUTS, _exp_sign),
    Misconception("logistic_slip", "The logistic function is 1 / (1 + exp(-net)): look at the fraction, the 1,"
                  " the exponent and its base e.", OUTS, _logistic_slip, 0.6),
    Misconception("activated_twice", "You applied the activation twice.", OUTS, _activated_twice, 0.2),
    Misconception("wrong_activation", "You used the activation {other}; this layer's is {own}.",
                  OUTS, _wrong_activation, 0.4),
    Misconception("wrong_net", "You used {used} where {right} belongs: out is computed from the same unit's"
                  " net.", OUTS, wrong_unit("net"), 0.5),
    Misconception("softmax_as_logistic", "You treated the unit as if it were alone (logistic): softmax divides"
                  " by the sum of exp(net) over all outputs.", OUTS, _softmax_per_unit),
    Misconception("softmax_without_exp", "You divided the nets by their sum: softmax divides exp(net).",
                  OUTS, _softmax_without_exp, 0.3),
    Misconception("softmax_not_normalised", "Softmax is divided by the sum of exp(net) over all outputs, its"
                  " own among them.", OUTS, _softmax_not_normalised, 0.5),
)  # fmt: skip
