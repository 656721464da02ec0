"""Ready networks with their data: the worked example, four samples for a mini-batch, exclusive or."""

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .network import Network

__all__ = ["four_samples", "worked_example", "xor"]

Array = NDArray[np.float64]


def worked_example(
    *,
    activation: str = "logistic",
    output_activation: str = "logistic",
    loss: str = "squared_error",
    bias: str = "shared",
    train_bias: bool = False,
    update_order: str = "simultaneous",
    dtype: DTypeLike = "float64",
    engine: str = "auto",
) -> tuple[Network, Array, Array]:
    """The network of M. Mazur's "A Step by Step Backpropagation Example", with its one sample.

    Without arguments it is what the tutorial's text describes: one bias per layer, never updated. The
    tutorial's learning rate is 0.5, the default everywhere.

    Parameters
    ----------
    activation, output_activation, loss, bias, train_bias, update_order, dtype, engine
        As in `Network`. With ``bias="per_unit"`` every unit starts with its layer's bias.

    Returns
    -------
    net : Network
        2-2-2; ``net.weights[0] == [[.15, .25], [.20, .30]]``, since w1 and w2 both lead to h1.
    x, t : ndarray of shape (2,)
        The inputs (.05, .10) and the targets (.01, .99).

    Examples
    --------
    >>> import backprop as bp
    >>> net, x, t = bp.examples.worked_example()
    >>> round(net.loss(x, t), 9)
    0.298371109
    """
    net = Network(
        [2, 2, 2],
        activation=activation,
        output_activation=output_activation,
        loss=loss,
        bias=bias,
        train_bias=train_bias,
        update_order=update_order,
        dtype=dtype,
        random_state=0,
        engine=engine,
    )
    net.weights = [[[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]]
    for view, value in zip(net.biases, (0.35, 0.60), strict=True):
        view[...] = value
    return net, np.array([0.05, 0.10]), np.array([0.01, 0.99])


def four_samples() -> tuple[Array, Array]:
    """Four samples for the worked example's network, the tutorial's first: X and T, of shape (4, 2).

    The other three are ours, made up so that no two terms of the batch's gradient are alike.
    """
    X = np.array([[0.05, 0.10], [0.90, 0.20], [0.35, 0.75], [0.60, 0.45]])
    T = np.array([[0.01, 0.99], [0.80, 0.15], [0.25, 0.60], [0.95, 0.40]])
    return X, T


def xor(*, random_state: int = 1, engine: str = "auto") -> tuple[Network, Array, Array]:
    """Exclusive or, the smallest problem that needs a hidden layer: a 2-4-1 network, X (4, 2) and T (4, 1)."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    T = np.array([[0.0], [1.0], [1.0], [0.0]])
    return Network([2, 4, 1], random_state=random_state, engine=engine), X, T
