"""Write docs/golden/*.json: every number of chosen rounds of the worked example, under each convention.

    python tools/write_golden.py            # write the files
    python tools/write_golden.py --check    # exit 1 if a file differs from what is computed

docs/golden/README.md describes them.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backprop.examples import four_samples, worked_example
from backprop.glassbox.record import Record
from backprop.glassbox.trace import Trace
from backprop.glassbox.tutorial import CONVENTIONS, LEARNING_RATE
from backprop.network import Array, Network

FOLDER = Path(__file__).parent.parent / "docs/golden"
ROUNDS = (1, 2, 3, 100, 1_000, 10_000)

Number = list[Any]  # [0.3775, "0x1.828f5c28f5c29p-2"]: a JSON number, and the same in hexadecimal


def numbers(values: dict[str, float]) -> dict[str, Number]:
    """Each value in decimal, with as many digits as bring back the same float64, and in hexadecimal."""
    return {name: [value, value.hex()] for name, value in values.items()}


def by_name(records: Iterable[Record]) -> dict[str, float]:
    """Values by the names that the files have: the tutorial's E_total, and the sample left out."""
    return {"E_total" if r.kind == "loss" else r.name.partition("@")[0]: r.value for r in records}


def of_parameters(trace: Trace, kind: str, sample: int | None = None) -> dict[str, float]:
    """One number for each parameter: the weights by their number, and then the biases."""
    records = trace.select(kind=kind, sample=sample)
    return by_name(sorted(records, key=lambda record: (len(record.indices) < 2, record.layer)))


def one_round(net: Network, X: Array, T: Array) -> dict[str, Any]:
    """Every number of the step that takes the samples as one batch; `net` then is as it was before."""
    trace = net.trace(X, T, learning_rate=LEARNING_RATE)
    after = net.copy()
    after.weights, after.biases = trace.step.new_weights, trace.step.new_biases
    alone = len(X) == 1
    samples = []
    for s, (x, t) in enumerate(zip(X, T, strict=True), start=1):
        values: dict[str, float] = {}
        for phase in ("given", "forward", "loss", "backward"):
            values |= by_name(trace.select(phase=phase, sample=s))
            if alone and phase == "loss":
                values |= by_name([trace["E"]])
        values |= of_parameters(trace, "gradient") if alone else of_parameters(trace, "contribution", s)
        outs = zip(trace.names.units(2), after.forward(x).tolist(), strict=True)
        samples.append(
            numbers(values | {f"out_{unit}+": out for unit, out in outs} | {"E_total+": after.loss(x, t)})
        )
    mean = {"E_total": trace["E"].value, **of_parameters(trace, "gradient"), "E_total+": after.loss(X, T)}
    return {
        "before": numbers(of_parameters(trace, "parameter")),
        "samples": samples,
        "mean": numbers(mean),
        "after": numbers(of_parameters(trace, "new_parameter")),
    }


def golden(rounds: tuple[int, ...], net: Network, X: Array, T: Array) -> dict[str, Any]:
    """What a file holds: the options, and the rounds asked for of one training run."""
    config = net.config
    recorded = []
    done = 0
    for k in rounds:
        if k - 1 > done:
            net.train(X, T, epochs=k - 1 - done, learning_rate=LEARNING_RATE, batch_size=len(X))
        done = k - 1
        recorded.append({"round": k, **one_round(net, X, T)})
    return {
        "options": {
            "sizes": list(config.sizes),
            "activation": list(config.activation),
            "output_activation": config.output_activation,
            "loss": config.loss,
            "bias": config.bias,
            "train_bias": config.train_bias,
            "update_order": config.update_order,
            "learning_rate": LEARNING_RATE,
            "batch_size": len(X),
        },
        "rounds": recorded,
    }


def as_json(value: Any, indent: str = "") -> str:
    """JSON with a line for each number."""
    inner = indent + " "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {as_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and isinstance(value[0], dict):
        return "[\n" + ",\n".join(inner + as_json(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value)


def files(engine: str = "auto") -> dict[str, str]:
    """Each file's name and content, as one engine computes it."""
    contents = {}
    for convention in CONVENTIONS:
        net, x, t = worked_example(engine=engine, **convention.options)
        contents[convention.key] = golden(ROUNDS, net, x.reshape(1, -1), t.reshape(1, -1))
    net, x, t = worked_example(engine=engine, loss="log_loss")
    contents["cross_entropy"] = golden(ROUNDS, net, x.reshape(1, -1), t.reshape(1, -1))
    net, _, _ = worked_example(engine=engine, bias="per_unit", train_bias=True)
    contents["mini_batch"] = golden((1,), net, *four_samples())
    return {f"{name}.json": as_json(content) + "\n" for name, content in contents.items()}


def main() -> None:
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    check = bool(sys.argv[1:])
    different = []
    for name, text in files().items():
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_text(encoding="ascii") != text:
                different.append(name)
        else:
            path.write_text(text, encoding="ascii", newline="\n")
    if different:
        sys.exit(f"not what is computed: {', '.join(different)} in docs/golden; write them anew")


if __name__ == "__main__":
    main()
