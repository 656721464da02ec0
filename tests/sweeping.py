"""What the tests of sweeps share: two small data sets made of whole numbers, and specs for them."""

from pathlib import Path

FLOWERS = """\
[data]
file = "flowers.csv"
task = "classification"
target = "kind"
exclude = ["id"]

[validation]
folds = 3
seed = 7

[[parameters]]
hidden_layer_sizes = [[4], [5, 3]]
activation = ["tanh", "relu"]
learning_rate_init = 0.05
max_iter = 30

[[parameters]]
hidden_layer_sizes = 6
solver = "sgd"
learning_rate = "invscaling"
learning_rate_init = 0.3
power_t = 0.3
batch_size = 8
early_stopping = [false, true]
class_weight = "balanced"
random_state = 3
max_iter = 30
"""

PRICES = """\
[data]
file = "prices.csv"
task = "regression"
target = "price"

[preprocessing]
standardize_target = true

[validation]
folds = 4

[parameters]
hidden_layer_sizes = [[6], []]
activation = "softplus"
solver = "sgd"
loss = ["squared_error", "huber"]
clip_norm = 1.0
learning_rate_init = 0.1
max_iter = 25
"""


def flowers() -> str:
    """Sixty samples of three kinds, the first two of which overlap; and a column that is no number."""
    lines = ["id,length,width,height,kind"]
    for k in range(60):
        kind = k * k % 7 % 3
        length, width, height = 10 * kind + k * 37 % 17, 500 - 3 * k + k * 11 % 23 - 40 * kind, k * 29 % 13
        lines.append(f"no{k},{length / 4},{width / 100:.2f},{height}e-3,{('rose', 'iris', 'tulip')[kind]}")
    return "\n".join(lines) + "\n"


def prices() -> str:
    """Forty samples with a target that is nearly a product."""
    lines = ["area,rooms,price"]
    for k in range(40):
        area, rooms = 40 + k * 31 % 97, 1 + k * 7 % 5
        lines.append(f"{area},{rooms},{area * rooms + k * 13 % 10}.5")
    return "\n".join(lines) + "\n"


def written(directory: Path) -> Path:
    """The specs and their data in a directory, which comes back."""
    for name, text in {
        "flowers.toml": FLOWERS,
        "flowers.csv": flowers(),
        "prices.toml": PRICES,
        "prices.csv": prices(),
    }.items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory
