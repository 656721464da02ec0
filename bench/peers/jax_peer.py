"""JAX: a whole training run as one jitted `lax.scan`, or a jitted step called from Python."""

from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
from cases import BETA_1, BETA_2, EPSILON, MOMENTUM, Array, Case, Data

from . import Peer

jax.config.update("jax_enable_x64", True)

ACTIVATIONS: dict[str, Any] = {
    "logistic": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "identity": lambda net: net,
}


class Jax(Peer):
    """All batches by `lax.scan`, all epochs by `fori_loop`, in one jitted call."""

    title = "JAX `lax.scan`"
    what = "`jax.grad`, `lax.scan` over the batches, a loop over the epochs, all in one jitted call"
    unroll = 1

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        steps = case.n_samples // case.batch
        self.X = jnp.asarray(data.X.reshape(steps, case.batch, -1))
        self.T = jnp.asarray(data.T.reshape(steps, case.batch, -1))
        self.train = jax.jit(self.trained)
        self.reset()

    @classmethod
    def version(cls) -> str:
        return f"{jax.__version__}, jaxlib {jaxlib.__version__}"

    def reset(self) -> None:
        self.now = jax.device_put((self.data.weights, self.data.biases))

    def run(self, epochs: int) -> None:
        self.now = jax.block_until_ready(self.train(self.now, self.X, self.T, epochs))

    def trained(self, parameters: Any, X: Any, T: Any, epochs: int) -> Any:
        """The parameters after so many epochs."""

        def epoch(_: Any, carry: Any) -> Any:
            return jax.lax.scan(lambda c, xt: (self.step(c, *xt), None), carry, (X, T), unroll=self.unroll)[0]

        return jax.lax.fori_loop(0, epochs, epoch, self.start(parameters))[0]

    def start(self, parameters: Any) -> Any:
        """What a loop carries: parameters, the optimizer's arrays, and Adam's running powers."""
        arrays = {"sgd": 0, "nesterov": 1, "adam": 2}[self.case.optimizer]
        zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(arrays)]
        one = jnp.ones((), self.case.dtype)
        return parameters, zeros, (one, one)

    def loss(self, parameters: Any, x: Any, t: Any) -> Any:
        case, (weights, biases) = self.case, parameters
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            x = x @ w + b
            if layer < len(weights) - 1:
                x = ACTIVATIONS[case.hidden](x)
        if case.loss == "log_loss":
            return -jnp.sum(t * jax.nn.log_softmax(x)) / case.batch
        return 0.5 * jnp.sum((ACTIVATIONS[case.output](x) - t) ** 2) / case.batch

    def step(self, carry: Any, x: Any, t: Any) -> Any:
        """One update of all networks."""
        case, (parameters, state, powers) = self.case, carry
        gradient_of = jax.grad(self.loss)
        if case.networks > 1:
            gradient_of = jax.vmap(gradient_of, in_axes=(0, None, None))
        gradient = gradient_of(parameters, x, t)
        if case.l2:
            gradient = jax.tree.map(lambda g, w: g + case.l2 * w, gradient[0], parameters[0]), gradient[1]
        rate, tree = case.rate, jax.tree.map
        if case.optimizer == "sgd":
            new = tree(lambda w, g: w - rate * g, parameters, gradient)
        elif case.optimizer == "nesterov":
            [v] = state
            v = tree(lambda v, g: MOMENTUM * v - rate * g, v, gradient)
            new = tree(lambda w, v, g: w + (MOMENTUM * v - rate * g), parameters, v, gradient)
            state = [v]
        else:
            m, v = state
            powers = powers[0] * BETA_1, powers[1] * BETA_2
            now = rate * jnp.sqrt(1 - powers[1]) / (1 - powers[0])
            m = tree(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, m, gradient)
            v = tree(lambda v, g: BETA_2 * v + (1 - BETA_2) * (g * g), v, gradient)
            new = tree(lambda w, m, v: w - now * m / (jnp.sqrt(v) + EPSILON), parameters, m, v)
            state = [m, v]
        return (new if case.train_bias else (new[0], parameters[1])), state, powers

    def parameters(self) -> tuple[list[Array], list[Array]]:
        weights, biases = self.now
        return [np.array(w) for w in weights], [np.array(b) for b in biases]


class Unrolled(Jax):
    """Four batches to a turn of the loop, which XLA can fuse."""

    title = "JAX, unrolled"
    what = "the same with `unroll=4`"
    unroll = 4


class Step(Jax):
    """The loops in Python."""

    title = "JAX, a call per step"
    what = "a jitted step, called for each batch"
    slow = True

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        self.batches = list(zip(self.X, self.T, strict=True))
        self.jitted = jax.jit(self.step)

    def run(self, epochs: int) -> None:
        carry = self.start(self.now)
        for _ in range(epochs):
            for x, t in self.batches:
                carry = self.jitted(carry, x, t)
        self.now = jax.block_until_ready(carry[0])
