"""A curve through points of which some are far off: squared error beside the Huber loss.

    python examples/regression.py [--save regression.png]

scikit-learn's MLPRegressor has the first loss alone; here the other is a parameter.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import mean_absolute_error

import backprop as bp


def main() -> None:
    """Train, print, draw."""
    parser = argparse.ArgumentParser(description="Regression with outliers, by two losses.")
    parser.add_argument("--save", type=Path, help="where to put a picture of the curves")
    save = parser.parse_args().save

    rng = np.random.RandomState(0)
    x = np.sort(rng.uniform(-3.0, 3.0, 200))
    truth = np.sin(2.0 * x)
    y = truth + rng.normal(0.0, 0.1, len(x))
    y[rng.permutation(len(x))[:30]] += 4.0  # measurements that went wrong
    X = x.reshape(-1, 1)
    curves = {}
    for loss in ("squared_error", "huber"):
        model = bp.MLPRegressor(
            loss,
            (10,),
            "tanh",
            solver="lbfgs",
            alpha=1e-3,
            max_iter=2000,
            tol=1e-3,
            huber_delta=0.2,
            random_state=1,
        )
        curves[loss] = model.fit(X, y).predict(X)
        print(f"{loss:<14} misses the true curve by {mean_absolute_error(truth, curves[loss]):.3f} on average")

    if save:
        from matplotlib import pyplot

        figure, ax = pyplot.subplots(figsize=(7, 4), layout="constrained")
        ax.plot(x, y, ".", color="0.6", label="data")
        ax.plot(x, truth, "k:", label="truth")
        for loss, curve in curves.items():
            ax.plot(x, curve, label=loss)
        ax.legend()
        figure.savefig(save)


if __name__ == "__main__":
    main()
