"""JAX as a peer: its own activations and automatic differentiation, on the CPU.

It has no losses or optimizers (those are a library apart, optax): the losses are written here in jax.numpy, and a
step is plain SGD, written out.
Nothing global is changed: 64-bit numbers and the device are set within a context.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from ..update import Update
from . import KINKS, Arrays, Case, Variant, gradient_arrays, parameter_arrays, required
from . import Peer as AnyPeer


class Peer(AnyPeer):
    """JAX, with value_and_grad."""

    name = "jax"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.jax = jax = required("jax", "jax", "jax")
        self.label = f"jax {jax.__version__}"
        self.activations, self.losses = _activations(jax), _losses(jax, case.config.huber_delta)
        self.only(self.activations, self.losses)
        texts = []
        if "leaky_relu" in case.activations:
            texts.append("JAX's leaky_relu has the slope 1 at a net of exactly 0, backprop's 0.01")
        if case.config.loss == "absolute_error":
            texts.append("JAX's abs has the slope 1 at 0, backprop's 0")
        if texts or "relu" in case.activations:
            texts.append("where rounding decides the sign, each takes the slope of the side it is on")
            self.conventions[KINKS] = "; ".join(texts)
        self._found: Any = None

    def figures(self) -> Arrays:
        """By value_and_grad."""
        loss, (weights, biases, inputs) = self._differentiated()
        return gradient_arrays(loss, weights, biases, inputs)

    def steps(self, update: Update) -> Iterator[Variant]:
        """Plain SGD's, of JAX's gradient."""
        self.plain_sgd_only(update)
        _, (weights, biases, _) = self._differentiated()
        case = self.case
        rate, l2 = case.dtype.type(update.rate), case.dtype.type(update.l2)
        new = [w - rate * (g + l2 * w) for w, g in zip(case.weights, weights, strict=True)]
        kept = case.biases
        if case.config.train_bias:
            kept = [b - rate * g for b, g in zip(kept, biases, strict=True)]
        yield Variant(f"{update.title}, of JAX's gradient", parameter_arrays(new, kept))

    def _differentiated(self) -> Any:
        """The loss and its gradient as NumPy arrays, computed once."""
        if self._found is None:
            jax, case = self.jax, self.case
            with ExitStack() as stack:
                if hasattr(jax, "enable_x64"):
                    stack.enter_context(jax.enable_x64(True))
                else:  # before JAX 0.8
                    stack.enter_context(import_experimental(jax).enable_x64())
                stack.enter_context(jax.default_device(jax.devices("cpu")[0]))
                arguments = case.weights, case.biases, case.samples
                found = jax.jit(jax.value_and_grad(self._loss, argnums=(0, 1, 2)))(*arguments)
                self._found = jax.tree_util.tree_map(np.asarray, found)
        return self._found

    def _loss(self, weights: Any, biases: Any, out: Any) -> Any:
        jnp, case, config = self.jax.numpy, self.case, self.case.config
        net = out
        for w, b, name in zip(weights, biases, case.activations, strict=True):
            net = jnp.matmul(out, w, precision="highest")
            if b.size:
                net = net + b
            out = self.activations[name](net)
        losses = self.losses[case.loss](net, out, case.targets, config.output_activation).sum(axis=1)
        if case.sample_weight is None:
            return losses.mean()
        return (losses * case.sample_weight).sum() / case.sample_weight.sum()


def import_experimental(jax: Any) -> Any:
    """`jax.experimental`, which ``import jax`` alone does not load."""
    return required("jax.experimental", "jax", "jax")


# ---- JAX's functions, by this package's names --------------------------------------------------------------


def _activations(jax: Any) -> dict[str, Callable[[Any], Any]]:
    return {
        "identity": lambda net: net,
        "logistic": jax.nn.sigmoid,
        "tanh": jax.numpy.tanh,
        "relu": jax.nn.relu,
        "leaky_relu": jax.nn.leaky_relu,
        "elu": jax.nn.elu,
        "softplus": jax.nn.softplus,
        "silu": jax.nn.silu,
        "exp": jax.numpy.exp,
        "softmax": partial(jax.nn.softmax, axis=1),
    }


def _losses(jax: Any, huber_delta: float) -> dict[str, Callable[..., Any]]:
    """Each output's loss."""
    jnp = jax.numpy

    def squared_error(net: Any, out: Any, t: Any, activation: str) -> Any:
        return 0.5 * (t - out) ** 2

    def absolute_error(net: Any, out: Any, t: Any, activation: str) -> Any:
        return jnp.abs(t - out)

    def huber(net: Any, out: Any, t: Any, activation: str) -> Any:
        error = jnp.abs(t - out)
        return jnp.where(error <= huber_delta, 0.5 * error**2, huber_delta * (error - 0.5 * huber_delta))

    def log_loss(net: Any, out: Any, t: Any, activation: str) -> Any:
        if activation == "softmax":
            return -t * jax.nn.log_softmax(net, axis=1)
        return -t * jax.nn.log_sigmoid(net) - (1.0 - t) * jax.nn.log_sigmoid(-net)

    def poisson(net: Any, out: Any, t: Any, activation: str) -> Any:
        xlogy = jax.scipy.special.xlogy
        of_out = t * net if activation == "exp" else xlogy(t, out + jnp.finfo(out.dtype).tiny)  # 0*log(0) is 0
        return xlogy(t, t) - of_out - t + out

    return {
        "squared_error": squared_error,
        "absolute_error": absolute_error,
        "huber": huber,
        "log_loss": log_loss,
        "poisson": poisson,
    }
