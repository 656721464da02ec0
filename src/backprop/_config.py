"""The specification of a network: what it is made of, checked, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import DTypeLike

from . import _checks as checks
from . import _custom as custom
from ._custom import ActivationLike, LossLike, label
from .functions import ACTIVATIONS, SHORTCUTS, Activation, Loss

BIASES = ("per_unit", "shared", "none")
UPDATE_ORDERS = ("simultaneous", "sequential")


@dataclass(frozen=True)
class NetworkConfig:
    """The specification of a network; see `Network` for what each entry means."""

    sizes: tuple[int, ...]
    activation: tuple[str | ActivationLike, ...]
    output_activation: str | ActivationLike
    loss: str | LossLike
    bias: str
    train_bias: bool
    update_order: str
    huber_delta: float = 1.0
    dtype: str = "float64"

    @property
    def rows(self) -> tuple[Activation, ...]:
        """The row of the table for each layer of weights, or what stands for one."""
        return tuple(
            custom.activation_row(activation) for activation in (*self.activation, self.output_activation)
        )

    @property
    def loss_row(self) -> Loss:
        """The row of the loss, configured."""
        output = self.output_activation
        name = output if isinstance(output, str) else output.name
        return custom.loss_row(self.loss).configured(name, self.huber_delta)

    @property
    def shortcut(self) -> bool:
        """Whether the output deltas are out - target, without the factors."""
        return (self.rows[-1].name, self.loss_row.name) in SHORTCUTS


def checked_config(
    sizes: Sequence[int],
    *,
    activation: str | ActivationLike | Sequence[str | ActivationLike],
    output_activation: str | ActivationLike,
    loss: str | LossLike,
    bias: str,
    train_bias: bool,
    update_order: str,
    huber_delta: float,
    dtype: DTypeLike,
) -> NetworkConfig:
    """The specification that a network's arguments give; TypeError or ValueError if they give none."""
    checked_sizes, checked_dtype = checks.layer_sizes(sizes), checks.dtype(dtype)
    config = NetworkConfig(
        sizes=checked_sizes,
        activation=custom.hidden_activations(activation, len(checked_sizes) - 2),
        output_activation=custom.checked_activation("output_activation", output_activation, "output"),
        loss=custom.checked_loss(loss),
        bias=checks.choice("bias", bias, BIASES),
        train_bias=checks.boolean("train_bias", train_bias),
        update_order=checks.choice("update_order", update_order, UPDATE_ORDERS),
        huber_delta=checks.rate("huber_delta", huber_delta, above=True, dtype=checked_dtype),
        dtype=checked_dtype,
    )
    rows, of_loss = config.rows, config.loss_row
    if not of_loss.goes_with(rows[-1].name):
        needed = of_loss.output_activations or frozenset()
        allowed = [*(name for name in ACTIVATIONS if name in needed), *sorted(needed - {*ACTIVATIONS})]
        raise ValueError(
            f"loss={label(config.loss)} needs output_activation {' or '.join(map(repr, allowed))}, not"
            f" {label(config.output_activation)}"
        )
    return config
