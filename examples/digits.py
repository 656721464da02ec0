"""Handwritten digits, learned online: one image at a time, no batches, plain gradient descent.

    python examples/digits.py [--save digits.png]

The 1,797 images of 8 x 8 pixels come with scikit-learn; every fourth is held out.
"""

import argparse
from pathlib import Path
from time import process_time

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import backprop as bp


def main() -> None:
    """Train, print, draw."""
    parser = argparse.ArgumentParser(description="Handwritten digits by online gradient descent.")
    parser.add_argument("--save", type=Path, help="where to put a picture of what is not recognised")
    save = parser.parse_args().save

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, random_state=0, stratify=y)
    model = bp.MLPClassifier(
        (32,), "tanh", solver="sgd", batch_size=1, momentum=0.0, learning_rate_init=0.05, random_state=0,
        callback=lambda model: model.n_iter_ == 20,
    )  # fmt: skip
    begin = process_time()
    model.fit(X_train, y_train)
    seconds = process_time() - begin
    accuracy = model.score(X_test, y_test)
    print(
        f"{model.t_:,} updates in {seconds:.2f} s of the processor's time, {1e6 * seconds / model.t_:.1f} us each"
    )
    print(f"held out: {100 * accuracy:.1f} % of {len(y_test)} digits are right")

    if save:
        from matplotlib import pyplot

        predicted = model.predict(X_test)
        wrong = (predicted != y_test).nonzero()[0][:10]
        figure, places = pyplot.subplots(2, 5, figsize=(7, 3.4), layout="constrained")
        for place in places.flat:
            place.set_axis_off()
        for place, k in zip(places.flat, wrong, strict=False):
            place.imshow(X_test[k].reshape(8, 8), cmap="gray_r")
            place.set_title(f"a {y_test[k]}, taken for {predicted[k]}", fontsize=8)
        figure.savefig(save)


if __name__ == "__main__":
    main()
