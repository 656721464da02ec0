"""Custom functions made into rows like those of `functions`, and the arguments that choose a function.

The user's objects are checked here, and called here. Whether such a function's derivative has been checked is the
business of `_standing`.
"""

import numbers
import pickle
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from math import isfinite, nan
from typing import Any, Protocol

from . import _checks as checks
from .functions import ACTIVATIONS, LARGEST, LOSSES, Activation, Loss

NEEDED = ("name", "formula", "value", "derivative")


class ActivationLike(Protocol):
    """What a custom activation must have. `CustomActivation` says what it may have."""

    @property
    def name(self) -> str:
        """Its name; none of the table's."""

    @property
    def formula(self) -> str:
        """f(net), in terms of ``net``."""

    @property
    def value(self) -> Callable[[float], float]:
        """f(net) of one unit, called as ``value(net)``."""

    @property
    def derivative(self) -> Callable[[float, float], float]:
        """f'(net) of one unit, called as ``derivative(net, out)``."""


class LossLike(Protocol):
    """What a custom loss must have. `CustomLoss` says what it may have."""

    @property
    def name(self) -> str:
        """Its name; none of the table's."""

    @property
    def formula(self) -> str:
        """The error of one output unit, in terms of ``out`` and ``target``."""

    @property
    def value(self) -> Callable[[float, float], float]:
        """The error of one output unit, called as ``value(out, target)``."""

    @property
    def derivative(self) -> Callable[[float, float], float]:
        """dE/dout of one output unit, called as ``derivative(out, target)``."""


# ---- rows like the table's ---------------------------------------------------------------------------------


class CustomActivationRow(Activation):
    """A custom activation as the engine, the checks and the glass box want it.

    Parameters
    ----------
    argument : str
        Who gave it, for errors.
    source : object
        What the user gave; `value` and `derivative` are looked up at each use.
    """

    def __init__(self, argument: str, source: Any) -> None:
        self.source = source
        self.name, self.formula = _name_and_formula(argument, source, "activation", ACTIVATIONS)
        self.what = f"activation {self.name!r}"
        self.derivative_formula = _derivative_formula(argument, source) or f"{self.name}'(net, out)"
        self.kinks = checked_kinks(argument, getattr(source, "kinks", ()))
        for flag in ("relu_like", "hidden", "output"):
            value = getattr(source, flag, getattr(Activation, flag))
            setattr(self, flag, checks.boolean(f"{argument}.{flag}", value))

    def value(self, net: float) -> float:
        return _asked(self.what, "value", self.source.value, ("net",), net)

    def derivative(self, net: float, out: float) -> float:
        return _asked(self.what, "derivative", self.source.derivative, ("net", "out"), net, out)


class CustomLossRow(Loss):
    """A custom loss, as `CustomActivationRow` is an activation."""

    def __init__(self, argument: str, source: Any) -> None:
        self.source = source
        self.name, self.formula = _name_and_formula(argument, source, "loss", LOSSES)
        self.what = f"loss {self.name!r}"
        self.gradient_formula = _derivative_formula(argument, source) or f"{self.name}'(out, target)"
        self.kinks = checked_kinks(argument, getattr(source, "kinks", ()))
        self.target_range = _range(f"{argument}.target_range", getattr(source, "target_range", None))
        names = getattr(source, "output_activations", None)
        if names is not None:
            expected = f"{argument}.output_activations must be names of activations, or None, not"
            if isinstance(names, str) or not isinstance(names, Collection):
                raise TypeError(f"{expected} {checks.shown(names)}")
            if not names or not all(isinstance(name, str) for name in names):
                raise ValueError(f"{expected} {checks.shown(names)}")
            self.output_activations = frozenset(names)

    def value(self, net: float, out: float, target: float) -> float:
        return _asked(self.what, "value", self.source.value, ("out", "target"), out, target)

    def gradient(self, out: float, target: float) -> float:
        return _asked(self.what, "derivative", self.source.derivative, ("out", "target"), out, target)


CustomRow = CustomActivationRow | CustomLossRow


def custom_rows(rows: Iterable[Activation | Loss]) -> tuple[CustomRow, ...]:
    """The custom ones among some rows, each user's object once."""
    found = {id(row.source): row for row in rows if isinstance(row, CustomActivationRow | CustomLossRow)}
    return tuple(found.values())


def for_engine(row: Activation | Loss) -> Any:
    """What an engine is told of a row: its name, but a custom one itself."""
    return row if isinstance(row, CustomActivationRow | CustomLossRow) else row.name


def activation_row(activation: str | ActivationLike) -> Activation:
    """The row for a specified activation that has been checked."""
    return (
        ACTIVATIONS[activation] if isinstance(activation, str) else CustomActivationRow("activation", activation)
    )


def loss_row(loss: str | LossLike) -> Loss:
    """The row for a specified loss that has been checked."""
    return LOSSES[loss] if isinstance(loss, str) else CustomLossRow("loss", loss)


def label(function: str | ActivationLike | LossLike) -> str:
    """A specified function in a few characters: a name of the table in quotes, a custom one's in brackets."""
    return repr(function) if isinstance(function, str) else f"<{function.name}>"


def can_be_pickled(row: CustomRow) -> None:
    """Say which function it is that cannot be pickled, where pickle would speak of a lambda of nobody's."""
    try:
        pickle.dumps(row.source)
    except Exception as error:
        if _pickled_by_more_than_pickle():
            return
        raise pickle.PicklingError(
            f"the network's custom {row.what} cannot be pickled: {type(error).__name__}: {error}. A function must"
            " be defined by def at the top level of a module, and so must a class"
        ) from error


def _pickled_by_more_than_pickle() -> bool:
    """Whether cloudpickle or dill is at work, which can do more; what they cannot they say themselves."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if not {"cloudpickle", "dill"}.isdisjoint(frame.f_globals.get("__name__", "").split(".")):
            return True
    return False


def _asked(what: str, method: str, function: Callable[..., Any], names: tuple[str, ...], *values: float) -> float:
    """What a user's function says, as a number of the arguments' kind; NaN, unasked, if one is not finite.

    A network that diverges is thus found out by its nets and losses, like any other, and not by what a function
    does with infinity.
    """
    number = type(values[0]) if isinstance(values[0], float) else float
    for value in values:
        if not isfinite(value):
            return number(nan)
    try:
        result = function(*values)
    except Exception as error:
        error.add_note(f"raised by {_call(what, method, names, values)}")
        raise
    if type(result) is not number:
        if not isinstance(result, numbers.Real):
            call = _call(what, method, names, values)
            raise TypeError(f"{call} returned {checks.shown(result)}, not a number")
        try:
            result = number(result)
        except OverflowError:
            call = _call(what, method, names, values)
            raise ValueError(f"{call} returned a number beyond the range of floats") from None
    if result != result:
        raise ValueError(f"{_call(what, method, names, values)} returned NaN")
    return result


def _call(what: str, method: str, names: tuple[str, ...], values: tuple[float, ...]) -> str:
    """A call in words."""
    shown = ", ".join(f"{name}={float(value)!r}" for name, value in zip(names, values, strict=True))
    return f"{method}({shown}) of the custom {what}"


# ---- arguments -----------------------------------------------------------------------------------------------


def checked_activation(argument: str, activation: Any, where: str) -> Any:
    """The name of an activation that may be used in "hidden" or "output" layers, or a custom one."""
    names = [name for name, row in ACTIVATIONS.items() if getattr(row, where)]
    if not is_custom(activation):
        return checks.choice(argument, activation, names, or_else="a custom activation")
    if not getattr(CustomActivationRow(argument, activation), where):
        raise ValueError(
            f"{argument} is {label(activation)}, which is not for {where} layers: its {where} is False"
        )
    return activation


def checked_loss(loss: Any) -> Any:
    """The name of a loss, or a custom one."""
    if not is_custom(loss):
        return checks.choice("loss", loss, LOSSES, or_else="a custom loss")
    CustomLossRow("loss", loss)
    return loss


def hidden_activations(activation: Any, n_hidden: int) -> tuple[Any, ...]:
    """One name or custom activation per hidden layer."""
    if hasattr(activation, "tolist"):  # NumPy's array
        activation = activation.tolist()
    if is_custom(activation) or isinstance(activation, str) or not isinstance(activation, Sequence):
        return (checked_activation("activation", activation, "hidden"),) * n_hidden
    if len(activation) != n_hidden:
        raise ValueError(
            f"activation must be one name, or one for each of the {n_hidden} hidden layers, not"
            f" {checks.shown(activation)}"
        )
    return tuple(checked_activation(f"activation[{k}]", each, "hidden") for k, each in enumerate(activation))


def is_custom(value: Any) -> bool:
    """Whether an argument seems to be meant as a custom function, rather than as a name or a list of them."""
    return not isinstance(value, str) and (hasattr(value, "value") or hasattr(value, "derivative"))


# ---- checks of the parts -----------------------------------------------------------------------------------


def _name_and_formula(argument: str, source: Any, kind: str, table: Collection[str]) -> tuple[str, str]:
    """The name and the formula of a custom function that has all that it needs."""
    if isinstance(source, type):
        raise TypeError(
            f"{argument} must be an object, not a class: {source.__name__}(...), not {source.__name__}"
        )
    for attribute in NEEDED:
        if not hasattr(source, attribute):
            raise TypeError(
                f"{argument} has no attribute {attribute!r}: a custom {kind} needs {', '.join(NEEDED[:-1])} and"
                f" {NEEDED[-1]}, and it was {checks.shown(source)}"
            )
    for attribute in ("value", "derivative"):
        if not callable(getattr(source, attribute)):
            raise TypeError(
                f"{argument}.{attribute} must be callable, not {checks.shown(getattr(source, attribute))}"
            )
    texts = source.name, source.formula
    for attribute, text in zip(NEEDED, texts, strict=False):
        if not isinstance(text, str):
            raise TypeError(f"{argument}.{attribute} must be a string, not {checks.shown(text)}")
        if not text.strip() or not text.isprintable():
            raise ValueError(f"{argument}.{attribute} must be a line of text, not {checks.shown(text)}")
    if source.name in table:
        raise ValueError(
            f"{argument}.name is {source.name!r}, the name of a built-in {kind}: give the custom one another, or"
            f" pass the string for the built-in one"
        )
    return texts


def _derivative_formula(argument: str, source: Any) -> str:
    """The derivative as text; empty if the object has none."""
    text = getattr(source, "derivative_formula", "")
    if not isinstance(text, str):
        raise TypeError(f"{argument}.derivative_formula must be a string, not {checks.shown(text)}")
    return text


def checked_kinks(argument: str, kinks: Any) -> tuple[float, ...]:
    """Finite numbers."""
    expected = f"{argument}.kinks must be finite numbers, such as (0.0,), not {checks.shown(kinks)}"
    if isinstance(kinks, str) or not isinstance(kinks, Collection):
        raise TypeError(expected)
    values = tuple(kinks)
    if not all(isinstance(kink, numbers.Real) and not isinstance(kink, bool) for kink in values):
        raise TypeError(expected)
    if not all(isfinite(kink) for kink in values):
        raise ValueError(expected)
    return tuple(map(float, values))


def _range(argument: str, limits: Any) -> tuple[float, float] | None:
    """The lowest and the highest target, infinite ones as the largest finite numbers."""
    if limits is None:
        return None
    expected = f"{argument} must be None or two numbers, the lowest target and the highest, not"
    try:
        low, high = limits
    except (TypeError, ValueError):
        raise TypeError(f"{expected} {checks.shown(limits)}") from None
    if not (isinstance(low, numbers.Real) and isinstance(high, numbers.Real)):
        raise TypeError(f"{expected} {checks.shown(limits)}")
    if not low < high:
        raise ValueError(f"{expected} {checks.shown(limits)}")
    return max(float(low), -LARGEST), min(float(high), LARGEST)
