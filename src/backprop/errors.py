"""What the package raises and warns with, beyond Python's own exceptions."""

__all__ = ["DivergenceError", "DivergenceWarning", "EngineWarning", "UncheckedFunctionError"]


class DivergenceError(ArithmeticError):
    """Training left the finite numbers. The network holds the parameters from the start of the call.

    Attributes
    ----------
    epoch : int
        The epoch in which it was seen, counted from 0.
    sample : int or None
        The row of X that stood first in the batch; None if the parameters were found so, not a loss.
    layer : int
        The first layer of weights, as in ``net.weights[layer]``, with a net input or a parameter that is not
        finite; if there is none (only the loss is not), the last layer.
    """

    def __init__(self, epoch: int, sample: int | None, layer: int) -> None:
        super().__init__(epoch, sample, layer)
        self.epoch, self.sample, self.layer = epoch, sample, layer

    def __str__(self) -> str:
        seen = "parameters" if self.sample is None else f"the loss of the batch that starts with X[{self.sample}]"
        verb = "are" if self.sample is None else "is"
        return (
            f"training diverged in epoch {self.epoch} (counted from 0): {seen} {verb} not finite, and layer"
            f" {self.layer} (net.weights[{self.layer}]) is the first to show it. The network is as it was before"
            " the call. A smaller learning_rate, smaller inputs or smaller initial weights help."
        )


class DivergenceWarning(UserWarning):
    """Members of an ensemble diverged in training; the others were trained. `failures` has an error for each."""


class EngineWarning(UserWarning):
    """The compiled engine is missing, so the pure-Python one serves: the same numbers, much slower."""


class UncheckedFunctionError(RuntimeError):
    """A network was to be trained with a custom function that has not passed `gradcheck`. Nothing has changed.

    Attributes
    ----------
    function : str
        Which one, as "activation 'softsign'".
    reason : str
        What is missing, or what the last check found.
    """

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(function, reason)
        self.function, self.reason = function, reason

    def __str__(self) -> str:
        return (
            f"the custom {self.function} must pass backprop.gradcheck(net, X, T) before a network is trained with"
            f" it: {self.reason}"
        )
