"""Exclusive or: what a network without a hidden layer cannot learn, and one with two hidden units can.

    python examples/xor.py [--save xor.png]

Both are trained online, one sample after the other, as the tutorial does it.
"""

import argparse
from pathlib import Path
from typing import Any

import backprop as bp

X = [[0, 0], [0, 1], [1, 0], [1, 1]]
T = [[0], [1], [1], [0]]


def trained(sizes: list[int], epochs: int) -> tuple[bp.Network, Any]:
    """A network after so many rounds through the four samples, and its error after each."""
    net = bp.Network(sizes, activation="tanh", loss="log_loss", random_state=0)
    return net, net.train(X, T, epochs=epochs, learning_rate=0.2)


def main() -> None:
    """Train, print, draw."""
    parser = argparse.ArgumentParser(description="Exclusive or by a network of two hidden units.")
    parser.add_argument("--save", type=Path, help="where to put a picture of the network and its error")
    save = parser.parse_args().save

    straight, _ = trained([2, 1], 3000)
    net, history = trained([2, 2, 1], 3000)
    print("inputs   target   no hidden layer   two hidden units")
    for x, t in zip(X, T, strict=True):
        print(f"{x}   {t[0]}        {straight.forward(x)[0]:.3f}             {net.forward(x)[0]:.3f}")
    right = sum(round(net.forward(x)[0]) == t[0] for x, t in zip(X, T, strict=True))
    print(f"with two hidden units {right} of 4 are right")

    if save:
        from matplotlib import pyplot

        figure, (left, right_side) = pyplot.subplots(
            1, 2, figsize=(10, 3.6), width_ratios=(3, 2), layout="constrained"
        )
        bp.NetworkDisplay.from_network(
            net, x=[0, 1], input_names=["a", "b"], output_names=["a xor b"], ax=left, colorbar=False
        )
        bp.LossCurveDisplay.from_history(history, ax=right_side, name="2-2-1", log=True)
        figure.savefig(save)


if __name__ == "__main__":
    main()
