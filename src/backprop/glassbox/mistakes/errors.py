"""Mistakes in the error, and in what goes back from it: dE/dout and delta of the outputs, dout/dnet."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import log

from ...functions import ACTIVATIONS
from ..altered import Function, Scaled, Variant
from ..names import Key
from ..ops import (
    Delta,
    Product,
    Sum,
    Unchanged,
)  # fmt: skip
from .place import ERRORS, LOSSES, MOST, Found, Misconception, Place, wrong_unit

__all__ = ["AT_OUTPUTS"]


def _is_loss(place: Place, *names: str) -> bool:
    return place.graph.config.loss in names


def _error_arguments(place: Place) -> tuple[Key, Key]:
    return place.unit(f"{place.new}out"), place.unit("target")


def _scaled(factor: float, *losses: str) -> Callable[[Place], Found]:
    def variants(place: Place) -> Iterator[Variant]:
        if not losses or _is_loss(place, *losses):
            yield place.as_is(Scaled(place.op, factor))

    return variants


def _square_missing(place: Place) -> Iterator[Variant]:
    if _is_loss(place, "squared_error"):
        out, target = _error_arguments(place)
        yield place.applied(lambda o, t: 0.5 * (t - o), out, target, label="half")
        yield place.applied(lambda o, t: t - o, out, target, label="bare")
        yield place.applied(lambda o, t: 0.5 * abs(t - o), out, target, label="half abs")
        yield place.applied(lambda o, t: abs(t - o), out, target, label="abs")


def _squares_apart(place: Place) -> Iterator[Variant]:
    if _is_loss(place, "squared_error"):
        out, target = _error_arguments(place)
        yield place.applied(lambda o, t: 0.5 * (t * t - o * o), out, target)
        yield place.applied(lambda o, t: 0.5 * abs(t * t - o * o), out, target, label="abs")
        yield place.applied(lambda o, t: (0.5 * (t - o)) ** 2, out, target, label="half inside")
        yield place.applied(lambda o, t: 0.5 * (t + o) ** 2, out, target, label="plus")


def _half_of_log_loss(place: Place) -> Iterator[Variant]:
    if _is_loss(place, "log_loss", "absolute_error", "poisson"):
        yield place.as_is(Scaled(place.op, 0.5))


def _log_terms(place: Place) -> Iterator[Variant]:
    if _is_loss(place, "log_loss"):
        out, target = _error_arguments(place)
        if place.graph.config.output_activation != "softmax":
            yield place.applied(lambda o, t: -t * log(o), out, target, label="first")
            yield place.applied(lambda o, t: -(1.0 - t) * log(1.0 - o), out, target, label="second")
        else:
            yield place.applied(lambda o, t: -t * log(o) - (1.0 - t) * log(1.0 - o), out, target, label="binary")


def _log_slips(place: Place) -> Iterator[Variant]:
    if _is_loss(place, "log_loss"):
        out, target = _error_arguments(place)
        yield place.as_is(Scaled(place.op, 1.0 / log(10.0)), "log10")
        yield place.as_is(Scaled(place.op, 1.0 / log(2.0)), "log2")
        yield place.applied(lambda o, t: -o * log(t) - (1.0 - o) * log(1.0 - t), out, target, label="exchanged")


def _wrong_loss(place: Place) -> Iterator[Variant]:
    out, target = _error_arguments(place)
    loss = place.graph.config.loss
    if loss != "squared_error":
        yield Variant(
            Function(lambda v: 0.5 * (v[1] - v[0]) ** 2), (out, target), "squared", {"other": "squared error"}
        )
    if loss not in ("absolute_error", "squared_error"):
        yield Variant(Function(lambda v: abs(v[1] - v[0])), (out, target), "absolute", {"other": "absolute error"})
    if loss != "log_loss":
        yield Variant(
            Function(lambda v: -v[1] * log(v[0]) - (1.0 - v[1]) * log(1.0 - v[0])), (out, target), "log",
            {"other": "cross-entropy"},
        )  # fmt: skip


def _loss_mean(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Sum) and len(place.operands) > 1:
        yield place.as_is(Scaled(place.op, 1.0 / len(place.operands)))


def _loss_one(place: Place) -> Iterator[Variant]:
    for operand in place.operands[:MOST]:
        if len(place.operands) > 1 and operand.kind.endswith(("error", "loss")):
            yield Variant(Unchanged(), (operand,), "", {"used": operand})


def _loss_slips(place: Place) -> Iterator[Variant]:
    n = len(place.operands)
    if isinstance(place.op, Sum) and n > 1:
        if _is_loss(place, "squared_error"):
            pairs = [
                key
                for e in place.operands
                for key in (e._replace(kind=f"{place.new}out"), e._replace(kind="target"))
            ]
            yield Variant(Function(lambda v: 0.5 * sum(t - o for o, t in zip(v[::2], v[1::2], strict=True)) ** 2),
                          tuple(pairs), "sum squared")  # fmt: skip
        yield Variant(Function(lambda v: v[0] - sum(v[1:])), place.operands, "difference")
        yield Variant(Function(lambda v: sum(v) ** 0.5), place.operands, "root")


def _batch_sum(place: Place) -> Iterator[Variant]:
    if place.key.sample is None and not isinstance(place.op, Sum) and len(place.operands) > 2:
        terms = place.operands[:-1]
        if not (place.graph.quantities.order.weighted):
            yield Variant(Sum(), terms, "")


def _gradient_of_loss(place: Place) -> bool:
    return place.key.kind == "out_gradient" and place.at_output


def _gradient_sign(place: Place) -> Iterator[Variant]:
    yield place.as_is(Scaled(place.op, -1.0), "negated")


def _gradient_scaled(factor: float) -> Callable[[Place], Found]:
    def variants(place: Place) -> Iterator[Variant]:
        shortcut = place.key.kind == "delta" and place.at_output and place.graph.step.shortcut
        if (_gradient_of_loss(place) or shortcut) and _is_loss(place, "squared_error", "huber"):
            yield place.as_is(Scaled(place.op, factor))

    return variants


def _gradient_is_error(place: Place) -> Iterator[Variant]:
    if place.at_output:
        error = place.unit("error")
        if place.key.kind == "out_gradient":
            yield Variant(Unchanged(), (error,), "")
        elif isinstance(place.op, Delta):
            yield Variant(Product(), (error, place.operands[1]), "")


def _gradient_slips(place: Place) -> Iterator[Variant]:
    if _gradient_of_loss(place) or (place.kind == "delta" and place.at_output and place.graph.step.shortcut):
        out, target = place.unit("out"), place.unit("target")
        yield place.applied(lambda o, t: o + t, out, target, label="plus")
        yield place.applied(lambda o, t: abs(o - t), out, target, label="absolute")
        yield place.applied(lambda o, t: (o - t) ** 2, out, target, label="squared")
        yield Variant(place.op, tuple(place.unit("net") if k == out else k for k in place.operands), "net")


def _log_loss_gradient(place: Place) -> Iterator[Variant]:
    out, target = place.unit("out"), place.unit("target")
    if _gradient_of_loss(place) and not _is_loss(place, "log_loss"):
        yield place.applied(lambda o, t: (o - t) / (o * (1.0 - o)), out, target)


def _derivative_at_net(place: Place) -> Iterator[Variant]:
    row = place.graph.step.activations[(place.key.layer or 1) - 1]
    net, out = place.unit("net"), place.unit("out")
    if "out" in row.derivative_formula and row.name != "exp":
        yield place.applied(lambda x: row.derivative(x, x), net, label="net")
        if row.name == "logistic":
            yield place.applied(lambda x: ACTIVATIONS["logistic"].value(x) * (1.0 - x), net, label="half net")
    yield place.applied(lambda x: row.derivative(x, row.value(x)), out, label="out again")


def _derivative_slips(place: Place) -> Iterator[Variant]:
    row = place.graph.step.activations[(place.key.layer or 1) - 1]
    out = place.unit("out")
    slips: dict[str, list[tuple[str, Callable[[float], float]]]] = {
        "logistic": [
            ("plus", lambda o: o * (1.0 + o)), ("1 - out", lambda o: 1.0 - o), ("square", lambda o: o * o),
            ("both squared", lambda o: (1.0 - o) ** 2), ("minus", lambda o: o * (o - 1.0)), ("out", lambda o: o),
            ("1 - out^2", lambda o: 1.0 - o * o),
        ],
        "tanh": [
            ("plus", lambda o: 1.0 + o * o), ("1 - out", lambda o: 1.0 - o),
            ("(1 - out)^2", lambda o: (1.0 - o) ** 2),
            ("square", lambda o: o * o), ("out", lambda o: o), ("logistic's", lambda o: o * (1.0 - o)),
        ],
    }  # fmt: skip
    for label, function in slips.get(row.name, []):
        yield place.applied(function, out, label=label)


def _wrong_derivative(place: Place) -> Iterator[Variant]:
    own = place.graph.step.activations[(place.key.layer or 1) - 1].name
    for name, row in ACTIVATIONS.items():
        done = own in ("logistic", "tanh") and name in ("logistic", "tanh")
        if name != own and row.per_unit and name != "identity" and not done:
            found = place.applied(row.derivative, place.unit("net"), place.unit("out"), label=name)
            yield replace(found, words={"other": name, "own": own})


def _derivative_missing(place: Place) -> Iterator[Variant]:
    gradient = place.unit("out_gradient")
    if place.key.kind == "delta" and gradient in place.operands and not isinstance(place.op, Function):
        yield Variant(Unchanged(), (gradient,), "")


def _derivative_twice(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Delta):
        yield Variant(Function(lambda v: v[0] * v[1] * v[1]), place.operands, "")


def _derivative_only(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Delta):
        yield Variant(Unchanged(), (place.operands[1],), "derivative")
        yield Variant(Sum(), place.operands, "added")


def _delta_out(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Delta):
        yield Variant(Product(), (place.operands[0], place.unit("out")), "out")
        yield Variant(Product(), (place.operands[0], place.unit("net")), "net")


def _wrong_operand(place: Place) -> Iterator[Variant]:
    if isinstance(place.op, Delta):
        for k in (0, 1):
            for other in place.others(place.operands[k])[:4]:
                yield place.with_operand(k, other)


def _shortcut(place: Place) -> Iterator[Variant]:
    if place.at_output and not place.graph.step.shortcut:
        yield place.applied(lambda o, t: o - t, place.unit("out"), place.unit("target"))


def _shortcut_and_derivative(place: Place) -> Iterator[Variant]:
    if place.at_output and place.graph.step.shortcut:
        row = place.graph.step.activations[-1]
        if row.per_unit and row.name != "identity":
            keys = (place.unit("net"), place.unit("out"), place.unit("target"))
            yield place.applied(lambda n, o, t: (o - t) * row.derivative(n, o), *keys)
        elif row.name == "softmax":
            yield place.applied(lambda o, t: (o - t) * o * (1.0 - o), place.unit("out"), place.unit("target"))


def _softmax_independent(place: Place) -> Iterator[Variant]:
    row = place.graph.step.activations[-1]
    if place.at_output and not row.per_unit and not place.graph.step.shortcut:
        gradient, out = place.unit("out_gradient"), place.unit("out")
        yield place.applied(lambda g, o: g * o * (1.0 - o), gradient, out, label="own")
        yield place.applied(lambda g, o: g * o, gradient, out, label="out")


AT_OUTPUTS: tuple[Misconception, ...] = (
    Misconception("half_missing", "You left out the 1/2 in the error.",
                  ERRORS, _scaled(2.0, "squared_error", "huber")),
    Misconception("half_twice", "You took the 1/2 twice.",
                  (*ERRORS, *LOSSES), _scaled(0.5, "squared_error", "huber"), 0.5),
    Misconception("half_missing", "You left out the 1/2 in the errors.",
                  LOSSES, _scaled(2.0, "squared_error", "huber"), 0.4),
    Misconception("half_extra", "There is no 1/2 in this error.", ERRORS, _half_of_log_loss, 0.6),
    Misconception("square_missing", "You left out the square: the difference is squared.",
                  ERRORS, _square_missing),
    Misconception("squares_apart", "The difference target - out is squared as a whole, and then halved.",
                  ERRORS, _squares_apart, 0.2),
    Misconception("wrong_target", "You compared with {used}; this output's target is {right}.",
                  ERRORS, wrong_unit("target")),
    Misconception("wrong_out", "You used {used} where {right} belongs: target and out are of the same unit.",
                  ERRORS, wrong_unit("out")),
    Misconception("log_term", "Look at the terms of the cross-entropy: logistic outputs have one for target and"
                  " one for 1 - target, softmax only the first.", ERRORS, _log_terms, 0.7),
    Misconception("log_slip", "Cross-entropy takes the natural logarithm, of out, times target.",
                  ERRORS, _log_slips, 0.4),
    Misconception("wrong_loss", "You used the {other}; this network's loss is another.",
                  ERRORS, _wrong_loss, 0.5),
    Misconception("mean_over_outputs", "You took the mean of the outputs' errors: the total error is their sum.",
                  LOSSES, _loss_mean, 0.7),
    Misconception("only_one_error", "You took {used} alone: the error is that of all of them together.",
                  LOSSES, _loss_one),
    Misconception("loss_slip", "The total error is the sum of the errors: nothing is subtracted, and no root or"
                  " square is taken of it.", LOSSES, _loss_slips, 0.2),
    Misconception("sum_for_mean", "You added up the samples: the loss of a batch is the mean over them.",
                  LOSSES, _batch_sum),
    Misconception("sign", "The sign is wrong: dE/dout is out - target, the minus of the inner derivative"
                  " included.", ("out_gradient",), _gradient_sign, 1.0),
    Misconception("half_missing", "There is a factor 2 too much: the 1/2 of the error cancels it.",
                  ("out_gradient", "delta"), _gradient_scaled(2.0)),
    Misconception("half_extra", "You kept the 1/2: the square's derivative has a factor 2 that cancels it.",
                  ("out_gradient", "delta"), _gradient_scaled(0.5)),
    Misconception("error_for_gradient", "You went on with the error itself: what goes back is its derivative.",
                  ("out_gradient", "delta"), _gradient_is_error, 0.6),
    Misconception("gradient_slip", "The difference out - target, with its sign, is what goes back.",
                  ("out_gradient", "delta"), _gradient_slips, 0.3),
    Misconception("wrong_target", "You used {used}; this output's target is {right}.",
                  ("out_gradient", "delta"), wrong_unit("target")),
    Misconception("wrong_out", "You used {used} where {right} belongs: target and out are of the same unit.",
                  ("out_gradient", "derivative"), wrong_unit("out"), 0.8),
    Misconception("wrong_loss", "That is the derivative of cross-entropy; this network's loss is another.",
                  ("out_gradient",), _log_loss_gradient, 0.4),
    Misconception("derivative_at_net", "You took the derivative of the activation at the wrong number: its"
                  " formula is {formula}.", ("derivative",), _derivative_at_net),
    Misconception("derivative_slip", "The derivative is {formula}.", ("derivative",), _derivative_slips, 0.5),
    Misconception("wrong_activation", "You used the derivative of {other}; this layer's activation is {own}.",
                  ("derivative",), _wrong_derivative, 0.3),
    Misconception("derivative_missing", "You left out the activation's derivative dout/dnet: delta is dE/dout *"
                  " dout/dnet.", ("delta",), _derivative_missing),
    Misconception("derivative_twice", "You multiplied by the activation's derivative twice.",
                  ("delta",), _derivative_twice, 0.4),
    Misconception("gradient_forgotten", "Both factors belong in delta: dE/dout and dout/dnet, multiplied.",
                  ("delta",), _derivative_only, 0.4),
    Misconception("out_for_derivative", "You multiplied by out or net instead of the derivative dout/dnet.",
                  ("delta",), _delta_out, 0.4),
    Misconception("wrong_unit", "You used {used} where {right} belongs: both factors are of the same unit.",
                  ("delta",), _wrong_operand, 0.5),
    Misconception("shortcut_delta", "The short form out - target is delta only where loss and activation fit,"
                  " such as cross-entropy with logistic units; here it is {formula}.", ("delta",), _shortcut, 0.5),
    Misconception("shortcut_and_derivative", "For this loss and activation delta is out - target: the"
                  " derivative has cancelled already.", ("delta",), _shortcut_and_derivative),
    Misconception("softmax_independent", "You treated the softmax units as independent: each out depends on"
                  " every net, so delta takes all the outputs' dE/dout.", ("delta",), _softmax_independent),
)  # fmt: skip
