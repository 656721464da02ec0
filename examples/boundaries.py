"""Decision boundaries: two half moons, divided by networks that differ in activation and size.

    python examples/boundaries.py [--save boundaries.png]

scikit-learn's DecisionBoundaryDisplay works on our classifiers as on its own.
"""

import argparse
from pathlib import Path

from sklearn.datasets import make_moons

import backprop as bp

CASES = (
    ((), "no hidden layer"),
    ((2,), "two tanh"),
    ((8,), "eight tanh"),
    ((8,), "eight relu"),
    ((8, 8), "eight silu, eight tanh"),
)
ACTIVATIONS = ("tanh", "tanh", "tanh", "relu", ["silu", "tanh"])


def main() -> None:
    """Train, print, draw."""
    parser = argparse.ArgumentParser(description="Decision boundaries of small networks.")
    parser.add_argument("--save", type=Path, help="where to put the picture")
    save = parser.parse_args().save

    X, y = make_moons(300, noise=0.2, random_state=0)
    models = [
        bp.MLPClassifier(
            sizes, activation, learning_rate_init=0.02, batch_size=20, random_state=1, tol=0.0,
            callback=lambda model: model.n_iter_ == 150,
        ).fit(X, y)
        for (sizes, _), activation in zip(CASES, ACTIVATIONS, strict=True)
    ]  # fmt: skip
    for (_, words), model in zip(CASES, models, strict=True):
        print(f"{words:<24} {100 * model.score(X, y):.1f} % on the right side")

    if save:
        from matplotlib import pyplot
        from sklearn.inspection import DecisionBoundaryDisplay

        figure, places = pyplot.subplots(1, len(CASES), figsize=(3 * len(CASES), 3), layout="constrained")
        for place, (_, words), model in zip(places, CASES, models, strict=True):
            DecisionBoundaryDisplay.from_estimator(
                model, X, response_method="predict_proba", cmap="coolwarm", alpha=0.6, eps=0.3, ax=place
            )
            place.scatter(*X.T, c=y, cmap="coolwarm", s=8, edgecolor="k", linewidth=0.3)
            place.set_title(f"{words}: {100 * model.score(X, y):.0f} %", fontsize=9)
            place.set_axis_off()
        figure.savefig(save)


if __name__ == "__main__":
    main()
