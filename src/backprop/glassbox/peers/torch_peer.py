"""PyTorch as a peer: its own activations and losses, its automatic differentiation, its optimizers. On the CPU.

Nothing global is changed: tensors are made with an explicit dtype and device, no random number is drawn.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from ..update import Update
from . import KINKS, Arrays, Case, Variant, gradient_arrays, parameter_arrays, required
from . import Peer as AnyPeer

REDUCTION, SOFTPLUS, POISSON = "reduction", "softplus's threshold", "epsilon of the Poisson loss"
MOMENTUM, EPSILON = "momentum", "Adam's epsilon"

THRESHOLD = 20.0  # of softplus, torch's default
# Where exp of it is still a number; in float32 nothing is lost beyond 20.
TRANSLATED_THRESHOLD = {"float64": 700.0, "float32": THRESHOLD}
POISSON_EPSILON = 1e-8  # torch's default


class Peer(AnyPeer):
    """torch, with autograd and torch.optim."""

    name = "torch"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.torch = torch = required("torch", "torch", "torch")
        self.label = f"torch {torch.__version__}"
        self.tiny = float(np.finfo(case.dtype).tiny)
        self.threshold = TRANSLATED_THRESHOLD[case.dtype.name]
        self.activations = _activations(torch)
        self.losses = _losses(torch, case.config.huber_delta)
        self.only(self.activations, self.losses)
        self._loss_conventions()

    def figures(self) -> Arrays:
        """By autograd."""
        return self._figures(self.threshold, self.tiny)

    def variants(self) -> Iterator[Variant]:
        """Torch's defaults: its reductions, softplus's threshold, the Poisson loss's epsilon."""
        case = self.case
        if REDUCTION in self.conventions:
            with self._recording():
                weights, biases = self._parameters()
                net, out = self._forward(self._tensor(case.samples), weights, biases, self.threshold)
                reduced = self._default_loss()(net, out, self._tensor(case.targets))
            name = _DEFAULTS[case.loss]
            yield Variant(f"the loss as {name} returns it", {"loss": np.asarray(reduced.item())}, REDUCTION)
        if SOFTPLUS in self.conventions:
            arrays = self._figures(THRESHOLD, self.tiny)
            yield Variant("loss and gradient with softplus as torch has it by default", arrays, SOFTPLUS)
        if POISSON in self.conventions:
            arrays = self._figures(self.threshold, POISSON_EPSILON)
            yield Variant("loss and gradient with poisson_nll_loss's default epsilon", arrays, POISSON)

    def steps(self, update: Update) -> Iterator[Variant]:
        """By torch.optim, from the optimizer's state."""
        if update.method in ("momentum", "nesterov"):
            self.conventions[MOMENTUM] = (
                "torch keeps the rate outside of the velocity, which is -1/rate times backprop's; the steps are"
                " the same until the rate changes"
            )
            if update.rate == 0.0 and not update.fresh:
                raise ValueError(
                    "learning_rate=0.0 cannot be compared with torch's momentum, which multiplies the whole"
                    " velocity by it"
                )
        if update.method != "adam":
            yield Variant(update.title, self._step(update))
            return
        beta_2, epsilon = update.constants[1:]
        # In torch's formula this epsilon is the package's: sqrt(v/(1 - beta_2^t)) + e/sqrt(1 - beta_2^t).
        correction = math.sqrt(1.0 - update.powers[1] * beta_2)
        yield Variant(update.title, self._step(update, epsilon / correction))
        self.conventions[EPSILON] = (
            "torch adds it to sqrt(v/(1 - beta_2^t)), backprop and scikit-learn to sqrt(v): torch's"
            f" epsilon={epsilon / correction:.3g} would be backprop's {epsilon:g} in this step, and the two come"
            " together as t grows"
        )
        yield Variant(f"{update.title}, as torch.optim.Adam takes it", self._step(update, epsilon), EPSILON)

    # ---- conventions ---------------------------------------------------------------------------------------

    def _loss_conventions(self) -> None:
        case, config = self.case, self.case.config
        outputs = config.sizes[-1]
        mean = f"the mean over samples and over the {outputs} outputs" if outputs > 1 else "the mean"
        factor = 2.0 if config.loss == "squared_error" else 1.0
        softmax = (config.output_activation, config.loss) == ("softmax", "log_loss")
        what = f"{_DEFAULTS[case.loss]} is {mean}"
        if config.loss == "squared_error":
            what += " of the whole square, not of half of it"
        if config.loss == "poisson":
            what += " and leaves out t*log(t) - t, which has no gradient"
        if not softmax and (factor != outputs or config.loss == "poisson"):
            if case.sample_weight is None:
                self.conventions[REDUCTION] = (
                    f"{what}: its gradients are {factor / outputs:.6g} times backprop's, a sum over outputs"
                )
            else:
                self.conventions["sample weights"] = (
                    "torch's losses take none; compared is the weighted mean of what they give with"
                    " reduction='none'"
                )
        kinked = [name for name in ("relu", "leaky_relu") if name in case.activations]
        if kinked or config.loss == "absolute_error":
            self.conventions[KINKS] = (
                "where a net is 0 to within rounding, or an error of absolute_error, each takes the slope of the"
                " side it is on; at exactly 0 torch takes the same ones as backprop"
            )
        if self.threshold != THRESHOLD and any(
            name == "softplus" and (net > THRESHOLD).any()
            for name, net in zip(case.activations, case.nets, strict=True)
        ):
            self.conventions[SOFTPLUS] = (
                f"torch's softplus is the identity beyond {THRESHOLD:g}, with a slope of 1: off by up to 2.1e-09;"
                f" translated by threshold={self.threshold:g}"
            )
        if config.loss == "poisson" and config.output_activation != "exp":
            self.conventions[POISSON] = (
                f"torch takes log(out + {POISSON_EPSILON:g}) unless log_input=True; translated by an epsilon so"
                " small that it changes nothing but log(0)"
            )

    def _default_loss(self) -> Callable[..., Any]:
        """The loss as torch has it with default arguments."""
        functional, config = self.torch.nn.functional, self.case.config
        if config.loss == "log_loss":
            return lambda net, out, t: functional.binary_cross_entropy_with_logits(net, t)
        if config.loss == "poisson" and config.output_activation == "exp":
            return lambda net, out, t: functional.poisson_nll_loss(net, t)
        if config.loss == "poisson":
            return lambda net, out, t: functional.poisson_nll_loss(out, t, log_input=False)
        if config.loss == "huber":
            return lambda net, out, t: functional.huber_loss(out, t, delta=config.huber_delta)
        plain = functional.mse_loss if config.loss == "squared_error" else functional.l1_loss
        return lambda net, out, t: plain(out, t)

    # ---- computing -----------------------------------------------------------------------------------------

    def _recording(self) -> ExitStack:
        """A context in which gradients are recorded and computed on the CPU, whatever the caller has set."""
        stack = ExitStack()
        stack.enter_context(self.torch.inference_mode(False))
        stack.enter_context(self.torch.enable_grad())
        stack.enter_context(self.torch.autocast("cpu", enabled=False))
        return stack

    def _tensor(self, array: Any, requires_grad: bool = False) -> Any:
        """A copy, in the case's dtype."""
        dtype = getattr(self.torch, self.case.dtype.name)
        values = np.array(array, dtype=self.case.dtype)
        return self.torch.tensor(values, dtype=dtype, device="cpu", requires_grad=requires_grad)

    def _parameters(self) -> tuple[list[Any], list[Any]]:
        return (
            [self._tensor(array, True) for array in self.case.weights],
            [self._tensor(array, True) for array in self.case.biases],
        )

    def _forward(self, out: Any, weights: list[Any], biases: list[Any], threshold: float) -> tuple[Any, Any]:
        """The net and the out of the last layer."""
        net = out
        for w, b, name in zip(weights, biases, self.case.activations, strict=True):
            net = out @ w
            if b.numel():
                net = net + b
            out = self.activations[name](net, threshold)
        return net, out

    def _loss(self, inputs: Any, weights: Any, biases: Any, threshold: float, epsilon: float) -> Any:
        """The mean loss, of torch's unreduced ones."""
        case, config = self.case, self.case.config
        net, out = self._forward(inputs, weights, biases, threshold)
        losses = self.losses[case.loss](
            net, out, self._tensor(case.targets), activation=config.output_activation, epsilon=epsilon
        )
        if case.sample_weight is None:
            return losses.mean()
        counts = self._tensor(case.sample_weight)
        return (losses * counts).sum() / counts.sum()

    def _figures(self, threshold: float, epsilon: float) -> Arrays:
        with self._recording():
            weights, biases = self._parameters()
            inputs = self._tensor(self.case.samples, True)
            loss = self._loss(inputs, weights, biases, threshold, epsilon)
            loss.backward()
        found = (
            [np.zeros(p.shape) if p.grad is None else p.grad.numpy() for p in ps]
            for ps in (weights, biases, [inputs])
        )
        of_weights, of_biases, [of_inputs] = found
        return gradient_arrays(loss.item(), of_weights, of_biases, of_inputs)

    def _step(self, update: Update, epsilon: float = 0.0) -> Arrays:
        """The parameters after one step by torch's optimizer, from the state that `update` says."""
        torch = self.torch
        with self._recording():
            weights, biases = self._parameters()
            trained = [[k for k, p in enumerate(ps) if p.numel()] for ps in (weights, biases)]
            if not self.case.config.train_bias:
                trained[1] = []
            groups = [
                {"params": [ps[k] for k in which], "weight_decay": decay}
                for ps, which, decay in zip((weights, biases), trained, (update.l2, 0.0), strict=True)
                if which
            ]
            if update.method == "adam":
                optimizer = torch.optim.Adam(
                    groups, lr=update.rate, betas=update.constants[:2], eps=epsilon, foreach=False
                )
            else:
                momentum = update.constants[0] if update.constants else 0.0
                nesterov = update.method == "nesterov"
                optimizer = torch.optim.SGD(
                    groups, lr=update.rate, momentum=momentum, nesterov=nesterov, foreach=False
                )
            if not update.fresh:
                for kind, (ps, which) in enumerate(zip((weights, biases), trained, strict=True)):
                    for k in which:
                        optimizer.state[ps[k]] = self._state(update, [m[kind][k] for m in update.moments])
            inputs = self._tensor(self.case.samples)
            self._loss(inputs, weights, biases, self.threshold, self.tiny).backward()
            optimizer.step()
        return parameter_arrays(*([p.detach().numpy() for p in ps] for ps in (weights, biases)))

    def _state(self, update: Update, moments: list[Any]) -> dict[str, Any]:
        """The state of one parameter in torch's terms."""
        if update.method == "adam":
            step = self.torch.tensor(float(_steps_taken(update)), dtype=self.torch.float32, device="cpu")
            means = [self._tensor(moment) for moment in moments]
            return {"step": step, "exp_avg": means[0], "exp_avg_sq": means[1]}
        return {"momentum_buffer": self._tensor(-np.asarray(moments[0], dtype=np.float64) / update.rate)}


def _steps_taken(update: Update) -> int:
    """t, from the powers of Adam's betas; where these have underflowed, enough for torch's to do so too."""
    beta, power = max(zip(update.constants[:2], update.powers, strict=True))
    if beta == 0.0:
        return 1
    steps = round(math.log(power or 5e-324) / math.log(beta))
    for base, known in zip(update.constants[:2], update.powers, strict=True):
        if abs(base**steps - known) > 1e-6 * known and known > 1e-300:
            raise ValueError(
                f"optimizer={update.optimizer}: its state comes from other betas, which torch cannot know; reset()"
                " it"
            )
    return steps


# ---- torch's functions, by this package's names ------------------------------------------------------------


def _activations(torch: Any) -> dict[str, Callable[[Any, float], Any]]:
    functional = torch.nn.functional
    plain = {
        "identity": lambda net: net,
        "logistic": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": functional.relu,
        "leaky_relu": functional.leaky_relu,
        "elu": functional.elu,
        "silu": functional.silu,
        "exp": torch.exp,
        "softmax": partial(torch.softmax, dim=1),
    }
    rows = {name: _without_threshold(function) for name, function in plain.items()}
    return rows | {"softplus": lambda net, threshold: functional.softplus(net, threshold=threshold)}


def _without_threshold(function: Callable[[Any], Any]) -> Callable[[Any, float], Any]:
    return lambda net, threshold: function(net)


_DEFAULTS = {
    "squared_error": "mse_loss",
    "absolute_error": "l1_loss",
    "huber": "huber_loss",
    "log_loss": "binary_cross_entropy_with_logits",
    "poisson": "poisson_nll_loss",
}


def _losses(torch: Any, huber_delta: float) -> dict[str, Callable[..., Any]]:
    """Each sample's loss, from torch's with reduction="none"."""
    functional = torch.nn.functional

    def squared_error(net: Any, out: Any, t: Any, **_: Any) -> Any:
        return 0.5 * functional.mse_loss(out, t, reduction="none").sum(dim=1)

    def absolute_error(net: Any, out: Any, t: Any, **_: Any) -> Any:
        return functional.l1_loss(out, t, reduction="none").sum(dim=1)

    def huber(net: Any, out: Any, t: Any, **_: Any) -> Any:
        return functional.huber_loss(out, t, reduction="none", delta=huber_delta).sum(dim=1)

    def log_loss(net: Any, out: Any, t: Any, activation: str, **_: Any) -> Any:
        if activation == "softmax":
            return functional.cross_entropy(net, t, reduction="none")
        return functional.binary_cross_entropy_with_logits(net, t, reduction="none").sum(dim=1)

    def poisson(net: Any, out: Any, t: Any, activation: str, epsilon: float) -> Any:
        loss = partial(functional.poisson_nll_loss, reduction="none")
        off = loss(net, t) if activation == "exp" else loss(out, t, log_input=False, eps=epsilon)
        return (off + (torch.xlogy(t, t) - t)).sum(dim=1)

    return {
        "squared_error": squared_error,
        "absolute_error": absolute_error,
        "huber": huber,
        "log_loss": log_loss,
        "poisson": poisson,
    }
