"""Activations and losses of your own, as Python objects.

Any object with a name, a formula, a value and a derivative will do; these two are ready ones, for people who have
two functions.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ._custom import CustomActivationRow, CustomLossRow, checked_kinks

__all__ = ["CustomActivation", "CustomLoss"]


@dataclass(frozen=True, kw_only=True)
class CustomActivation:
    """An activation from two functions of one unit.

    Parameters
    ----------
    name : str
        Not one of the table's.
    formula : str
        What is shown for f(net), in terms of ``net``.
    value : callable
        ``value(net)``, a number. It is called with finite floats only; float32 networks call it with floats that
        round to float32 after every ``+ - * /``, and its result is rounded to the network's dtype.
    derivative : callable
        ``derivative(net, out)``, where out is ``value(net)``.
    derivative_formula : str, optional
        What is shown for f'(net), in terms of ``net`` and ``out``.
    kinks : collection of float, default=()
        The nets at which the slope, or the slope's slope, jumps: `gradcheck` names them, and does not take them
        for errors.
    relu_like : bool, default=False
        Whether it passes positive numbers about as they are and negative ones hardly: larger initial weights.
    hidden, output : bool, default=True
        Whether hidden layers and output layers may use it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Notes
    -----
    An object of any other class serves as well, if it has the attributes `name`, `formula`, `value` and
    `derivative`; the others may be missing.

    Examples
    --------
    >>> import backprop as bp
    >>> softsign = bp.CustomActivation(
    ...     name="softsign",
    ...     formula="net / (1 + |net|)",
    ...     value=lambda net: net / (1.0 + abs(net)),
    ...     derivative=lambda net, out: 1.0 / (1.0 + abs(net)) ** 2,
    ...     kinks=[0.0],
    ... )
    >>> net = bp.Network([2, 3, 1], activation=softsign, random_state=0)
    >>> X, T = [[0.1, 0.2], [0.3, -0.4]], [[0.0], [1.0]]
    >>> bp.gradcheck(net, X, T).ok
    True
    >>> history = net.train(X, T, epochs=10)
    """

    name: str
    formula: str
    value: Callable[[float], float]
    derivative: Callable[[float, float], float]
    derivative_formula: str = ""
    kinks: Collection[float] = ()
    relu_like: bool = False
    hidden: bool = True
    output: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinks", checked_kinks(type(self).__name__, self.kinks))
        CustomActivationRow(type(self).__name__, self)


@dataclass(frozen=True, kw_only=True)
class CustomLoss:
    """A loss from two functions of one output unit; a sample's loss is their sum over the outputs.

    Parameters
    ----------
    name : str
        Not one of the table's.
    formula : str
        What is shown for the error, in terms of ``out`` and ``target``.
    value : callable
        ``value(out, target)``, a number; called as an activation's is.
    derivative : callable
        ``derivative(out, target)``, the derivative of value with respect to out.
    derivative_formula : str, optional
        What is shown for it, in terms of ``out`` and ``target``.
    kinks : collection of float, default=()
        The values of ``out - target`` at which the slope, or the slope's slope, jumps.
    target_range : tuple of float, optional
        The lowest and the highest target it allows; None: any finite number.
    output_activations : collection of str, optional
        The names of the output activations it goes with; None: any.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Notes
    -----
    As for `CustomActivation`, any other object with the first four attributes serves as well.

    Examples
    --------
    >>> import backprop as bp
    >>> median_like = bp.CustomLoss(
    ...     name="quantile",
    ...     formula="max(0.9*(target - out), 0.1*(out - target))",
    ...     value=lambda out, target: max(0.9 * (target - out), 0.1 * (out - target)),
    ...     derivative=lambda out, target: 0.1 if out > target else -0.9,
    ...     kinks=[0.0],
    ... )
    >>> bp.Network([2, 3, 1], loss=median_like, random_state=0).engine
    'python'
    """

    name: str
    formula: str
    value: Callable[[float, float], float]
    derivative: Callable[[float, float], float]
    derivative_formula: str = ""
    kinks: Collection[float] = ()
    target_range: tuple[float, float] | None = None
    output_activations: Collection[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinks", checked_kinks(type(self).__name__, self.kinks))
        CustomLossRow(type(self).__name__, self)
