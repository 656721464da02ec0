"""PyTorch: eager with autograd, and with its loss compiled.

Plain tensors and updates in place, a third faster here than modules with `torch.optim`, whose steps are the same.
"""

from typing import Any

import torch
from cases import BETA_1, BETA_2, EPSILON, MOMENTUM, Array, Case, Data

from . import Peer, only

ACTIVATIONS: dict[str, Any] = {
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda net: net,
}


class Torch(Peer):
    """A graph for each batch."""

    title = "PyTorch"
    what = "eager; tensors, `torch.autograd.grad`, updates in place"
    slow = True

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        torch.set_num_threads(case.threads)
        X, T = torch.from_numpy(data.X), torch.from_numpy(data.T)
        self.batches = list(zip(X.split(case.batch), T.split(case.batch), strict=True))
        self.weights = [torch.from_numpy(w.copy()).requires_grad_() for w in data.weights]
        # With many networks the biases need an axis for the samples.
        of_units = [b if case.networks == 1 else b[:, None, :] for b in data.biases]
        self.biases = [torch.from_numpy(b.copy()).requires_grad_(case.train_bias) for b in of_units]
        self.trained = [*self.weights, *(self.biases if case.train_bias else [])]
        self.loss_of = self.loss

    @classmethod
    def version(cls) -> str:
        return str(torch.__version__)

    def reset(self) -> None:
        given = [*self.data.weights, *self.data.biases]
        with torch.no_grad():
            for tensor, array in zip(self.weights + self.biases, given, strict=True):
                tensor.copy_(torch.from_numpy(array).view_as(tensor))

    def loss(self, x: Any, t: Any) -> Any:
        """The batch's mean, summed over the networks."""
        case, last = self.case, len(self.weights) - 1
        for layer, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.addmm(b, x, w) if case.networks == 1 else torch.matmul(x, w) + b
            if layer < last:
                x = ACTIVATIONS[case.hidden](x)
        if case.loss == "log_loss":
            return -(t * torch.log_softmax(x, -1)).sum() / case.batch
        d = ACTIVATIONS[case.output](x) - t
        return (d * d).sum() * (0.5 / case.batch)

    def run(self, epochs: int) -> None:
        update = {"sgd": self.sgd, "nesterov": self.nesterov, "adam": self.adam}[self.case.optimizer]
        self.powers = [1.0, 1.0]
        self.first = [torch.zeros_like(p) for p in self.trained]
        self.second = [torch.zeros_like(p) for p in self.trained]
        for _ in range(epochs):
            for x, t in self.batches:
                gradients = torch.autograd.grad(self.loss_of(x, t), self.trained)
                with torch.no_grad():
                    if self.case.l2:
                        for w, g in zip(self.weights, gradients, strict=False):
                            g.add_(w, alpha=self.case.l2)
                    update(gradients)

    def sgd(self, gradients: Any) -> None:
        for p, g in zip(self.trained, gradients, strict=True):
            p.sub_(g, alpha=self.case.rate)

    def nesterov(self, gradients: Any) -> None:
        rate = self.case.rate
        for p, g, v in zip(self.trained, gradients, self.first, strict=True):
            v.mul_(MOMENTUM).sub_(g, alpha=rate)
            p.add_(v, alpha=MOMENTUM).sub_(g, alpha=rate)

    def adam(self, gradients: Any) -> None:
        self.powers = [self.powers[0] * BETA_1, self.powers[1] * BETA_2]
        rate = self.case.rate * (1 - self.powers[1]) ** 0.5 / (1 - self.powers[0])
        for p, g, m, v in zip(self.trained, gradients, self.first, self.second, strict=True):
            m.mul_(BETA_1).add_(g, alpha=1 - BETA_1)
            v.mul_(BETA_2).addcmul_(g, g, value=1 - BETA_2)
            p.addcdiv_(m, v.sqrt().add_(EPSILON), value=-rate)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        biases = [b.detach().numpy().copy().reshape(given.shape) for b, given in self.both_biases()]
        return [w.detach().numpy().copy() for w in self.weights], biases

    def both_biases(self) -> Any:
        return zip(self.biases, self.data.biases, strict=True)


class Compiled(Torch):
    """The loss through torch.compile; asked for by name only, for it compiles for half a minute a case."""

    title = "torch.compile"
    what = "the same with its loss through `torch.compile`"

    def __init__(self, case: Case, data: Data) -> None:
        super().__init__(case, data)
        only(case, networks=(1,))
        torch._dynamo.reset()
        self.loss_of = torch.compile(self.loss)
