"""``backprop demo``: the tutorial's example, from its network to the last figure that the tutorial prints.

Everything shown is computed while it is printed, except what is called the tutorial's own.
"""

import re
import sys
import warnings
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import median
from time import perf_counter
from types import ModuleType
from typing import Any

from .. import _engine
from ..errors import EngineWarning
from ..examples import worked_example
from ..network import Array, Network
from .formulas import Formula, shown
from .page import Page
from .record import Record
from .trace import Trace, trace_step
from .tutorial import CONVENTIONS, LEARNING_RATE, PRINTED, ROUNDS, agrees

__all__ = ["run"]

MILESTONES = (1, 2, 10, 100, 1_000, 10_000)
REPEATS = 7  # of a compiled run, which is over in a millisecond or two
HIDDEN, OUTPUT = 1, 2  # the example's layers

DRAWING = r"""
i1 -------- w1 .... -------> h1 -------- w5 .... -------> o1
    \                    /       \                    /
       \  w3 ....     /             \  w7 ....     /
          \        /                   \        /
             \  /                         \  /
             /  \                         /  \
          /        \                   /        \
       /  w2 ....     \             /  w6 ....     \
    /                    \       /                    \
i2 -------- w4 .... -------> h2 -------- w8 .... -------> o2
"""


@dataclass(frozen=True)
class Run:
    """The example trained for all rounds in one way.

    Attributes
    ----------
    net : Network
        As it is afterwards.
    errors : list of float
        The total error after 0, 1, 2, ... rounds.
    outputs : list of float
        After the last round.
    seconds : float
        How long the training took.
    """

    net: Network
    errors: list[float]
    outputs: list[float]
    seconds: float

    def bits(self) -> bytes:
        """Every error and every parameter, as they stand in memory."""
        return array("d", self.errors).tobytes() + self.net.parameters.tobytes()


def trained(engine: str, repeats: int = 1, **options: Any) -> Run:
    """Train the example in one way; the time is the median of the repeats."""
    seconds = []
    for _ in range(repeats):
        net, x, t = worked_example(engine=engine, **options)
        begin = perf_counter()
        history = net.train(x, t, epochs=ROUNDS, learning_rate=LEARNING_RATE)
        seconds.append(perf_counter() - begin)
    assert history is not None
    return Run(net, [*history.tolist(), net.loss(x, t)], net.forward(x).tolist(), median(seconds))


def run(import_seconds: float) -> None:
    """Print the demo.

    Parameters
    ----------
    import_seconds : float
        How long the import of the package with NumPy took.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EngineWarning)  # the last section says it in its own words
        engine = worked_example()[0].engine
    page = Page()
    one_step(page, engine)
    runs = {engine: trained(engine, REPEATS if engine == "compiled" else 1)}
    falling_error(page, runs[engine])
    conventions(page, engine, runs[engine])
    cross_entropy(page, engine)
    speed(page, engine, runs)
    loaded = "was loaded too" if "sklearn" in sys.modules else "was not loaded"
    page.prose(f"Importing backprop with NumPy took {1000 * import_seconds:.0f} ms; scikit-learn {loaded}.")


# ---- the step that the tutorial's text goes through ----------------------------------------------------------


def lines(trace: Trace, kind: str, layer: int | None = None) -> list[Formula]:
    """The formulas of one kind of number, written as the tutorial does: without those of its fixed biases."""
    records: Sequence[Record] = trace.select(kind=kind, layer=layer)
    if kind in ("gradient", "new_parameter"):
        records = [r for r in records if len(r.indices) == 2]
    rate = shown(trace.step.learning_rate)
    return [
        Formula(
            "E_total" if r.name == "E" else r.name,
            r.formula.replace("learning_rate", rate),
            r.numbers,
            r.value,
        )
        for r in records
    ]


def value(trace: Trace, name: str) -> str:
    """A number, as it is shown."""
    return shown(trace[name].value)


def one_step(page: Page, engine: str) -> None:
    """The network, the forward pass, the error, the backward pass and the new weights."""
    net, x, t = worked_example(engine=engine)
    trace = trace_step(net, x, t, learning_rate=LEARNING_RATE)
    page.heading("The worked example of backpropagation, number by number")
    page.prose(
        'Matt Mazur, "A Step by Step Backpropagation Example" (2015): the same network, the same names, the'
        " same order. w5+ is the new value of w5, and delta_o1 is dE/dnet_o1.",
        "Numbers are shown to nine decimals, as the tutorial prints them, and computed to sixteen digits. If you"
        " put the rounded ones into a formula, the last decimal may come out differently.",
    )

    page.heading("1. The network")
    draw(page, trace)
    page.lines(
        listed(trace, "inputs    ", "i1", "i2"),
        listed(trace, "targets   ", "target_o1", "target_o2"),
        f"biases     b1 = {value(trace, 'b1')} into h1 and h2, b2 = {value(trace, 'b2')} into o1 and o2",
    )
    page.prose(f"Every unit is logistic, the error is squared, the learning rate is {shown(LEARNING_RATE)}.")

    page.heading("2. Forward pass")
    page.formulas(*(lines(trace, kind, layer) for layer in (HIDDEN, OUTPUT) for kind in ("net", "out")))

    page.heading("3. The error")
    page.formulas(lines(trace, "error"), lines(trace, "loss"))
    page.prose(compared(trace, "E_total"))

    page.heading("4. Backward pass: the output layer")
    page.formulas(*(lines(trace, kind, OUTPUT) for kind in ("out_gradient", "derivative", "delta")))
    page.prose(
        "By the chain rule dE/dw5 = dE/dout_o1 * dout_o1/dnet_o1 * dnet_o1/dw5. The first two factors are"
        " delta_o1, the last is out_h1:"
    )
    page.formulas(*(lines(trace, kind, OUTPUT) for kind in ("gradient", "new_parameter")))
    page.prose(
        compared(trace, "w5+", "w6+", "w7+", "w8+"),
        "They are kept aside for now: the hidden layer still needs w5 to w8.",
    )

    page.heading("5. Backward pass: the hidden layer")
    page.prose("Each hidden unit feeds both outputs, so both errors have a part in its dE/dout:")
    kinds = ("part", "out_gradient", "derivative", "delta", "gradient", "new_parameter")
    page.formulas(*(lines(trace, kind, HIDDEN) for kind in kinds))
    page.prose(compared(trace, "w1+", "w2+", "w3+", "w4+"), "The biases stay as they are, as in the tutorial.")


def draw(page: Page, trace: Trace) -> None:
    """The network with its weights; a list of them where the drawing does not fit."""
    drawing = re.sub(r"(w\d) \.{4}", lambda name: f"{name[1]} {trace[name[1]].value:.2f}", DRAWING)
    rows = drawing.strip().split("\n")
    if max(map(len, rows)) + 2 <= page.width:
        page.lines(*rows)
        return
    names = trace.names
    for layer in (HIDDEN, OUTPUT):
        weights = [r for r in trace.select(kind="parameter", layer=layer) if len(r.indices) == 2]
        for j, unit in enumerate(names.units(layer), start=1):
            into = [r for r in weights if r.indices[1] == j]
            page.lines(
                *(f"{names.unit(layer - 1, r.indices[0])} -- {r.name} {r.value:.2f} -> {unit}" for r in into)
            )


def listed(trace: Trace, title: str, *names: str) -> str:
    """``title  a = 1, b = 2``."""
    return f"{title} {', '.join(f'{name} = {value(trace, name)}' for name in names)}"


def compared(trace: Trace, *names: str) -> str:
    """What the tutorial prints for some numbers, and whether it is the same."""
    *others, last = (PRINTED[name] for name in names)
    printed = f"{', '.join(others)} and {last}" if others else last
    same = all(agrees(trace[name].value, PRINTED[name]) for name in names)
    verdict = "the same, to every digit printed" if same else "NOT the same"
    return f"The tutorial prints {printed}: {verdict}."


# ---- ten thousand rounds -----------------------------------------------------------------------------------


def falling_error(page: Page, main: Run) -> None:
    """The error as it falls."""
    page.heading(f"6. The error over {ROUNDS:,} rounds")
    error_table(page, main)
    first, last = PRINTED["error after 1"], PRINTED["error after 10,000"]
    page.prose(
        "The author's script prints these errors, rounded to nine decimals. The tutorial's text has other"
        f" figures: {first} after the first round and {last} after {ROUNDS:,}. The next section shows"
        " where they are from."
    )


def error_table(page: Page, one: Run) -> None:
    """The error before training and after some of the rounds."""
    rows = [[f"{k:,}", repr(one.errors[k]), f"{one.errors[k]:.9f}"] for k in (0, *MILESTONES)]
    page.table(["rounds done", "E_total", "to nine decimals"], rows)


def conventions(page: Page, engine: str, main: Run) -> None:
    """The four conventions beside the tutorial's figures, and why they differ."""
    runs = [main, *(trained(engine, **convention.options) for convention in CONVENTIONS[1:])]
    first, last = PRINTED["error after 1"], PRINTED["error after 10,000"]
    outputs = [PRINTED[f"out_{unit} after 10,000"] for unit in ("o1", "o2")]
    rows = [["   the tutorial prints", first, last, "\n".join(outputs)]]
    for letter, convention, one in zip("ABCD", CONVENTIONS, runs, strict=True):
        rows.append(
            [
                f"{letter}  {convention.updates},\n   {convention.biases}",
                marked(one.errors[1], first),
                marked(one.errors[-1], last),
                "\n".join(marked(*pair) for pair in zip(one.outputs, outputs, strict=True)),
            ]
        )
    page.heading("7. The same example under four conventions")
    page.table(["   convention", "error\nafter 1", f"error\nafter {ROUNDS:,}", f"outputs\nafter {ROUNDS:,}"], rows)
    simultaneous, sequential, *_ = runs
    page.prose(
        "* what the tutorial prints, digit for digit.",
        "A is what the tutorial's text describes: all deltas are computed with the original weights, and then all"
        " weights are updated. Sections 1 to 6 are A's, and so are the new weights that the tutorial prints.",
        "B is where its closing figures come from: an older version of the author's script, which updated the"
        " output weights first and sent the deltas back through the new ones (here:"
        f' update_order="sequential"). His later script computes A and prints {simultaneous.errors[1]:.9f} after'
        " the first round.",
        f"{last} is B's {sequential.errors[-1]:.9f} with a stray 1 in it. By accident it is also A's error one"
        f" round earlier: {simultaneous.errors[ROUNDS - 1]:.10f} after {ROUNDS - 1:,} rounds.",
        "C and D train the biases too, which many readers ask for and the tutorial never does: C gives each unit"
        " its own, D keeps one for each layer, as the tutorial draws it.",
    )


def marked(value: float, printed: str) -> str:
    """A number to nine decimals, with a star if it is what the tutorial prints."""
    return f"{'* ' if agrees(value, printed) else ''}{value:.9f}"


def cross_entropy(page: Page, engine: str) -> None:
    """The same network with the loss that suits logistic outputs better."""
    net, x, t = worked_example(loss="log_loss", engine=engine)
    trace = trace_step(net, x, t, learning_rate=LEARNING_RATE)
    squared = trace_step(*worked_example(engine=engine), learning_rate=LEARNING_RATE)
    long_run = trained(engine, loss="log_loss")
    page.heading("8. The same network with cross-entropy")
    page.prose('With loss="log_loss" the error of an output is')
    page.lines("E = -(target*log(out) + (1 - target)*log(1 - out))")
    page.prose("computed from net, in a form that loses no digits when out comes close to 0 or 1:")
    page.formulas(lines(trace, "error"), lines(trace, "loss"))
    page.prose(
        "Its dE/dout is (out - target) / (out * (1 - out)), whose denominator is dout/dnet. The two cancel, and"
        f" delta is just out - target. With squared error delta_o1 was {value(squared, 'delta_o1')}; an output"
        " that is far off now learns faster."
    )
    page.formulas(*(lines(trace, kind, OUTPUT) for kind in ("delta", "gradient", "new_parameter")))
    page.prose("The rest is as before, with these deltas:")
    kinds = ("part", "out_gradient", "delta", "gradient", "new_parameter")
    page.formulas(*(lines(trace, kind, HIDDEN) for kind in kinds))
    error_table(page, long_run)
    page.prose(
        f"After {ROUNDS:,} rounds the outputs are {long_run.outputs[0]:.9f} and {long_run.outputs[1]:.9f}. The"
        f" error cannot fall below {lowest_cross_entropy(t):.9f}: targets other than 0 and 1 have an entropy of"
        " their own, so only errors of the same loss can be compared."
    )


def lowest_cross_entropy(targets: Array) -> float:
    """The cross-entropy of outputs that equal their targets."""
    chances: list[float] = targets.tolist()
    return sum(-(t * log(t) + (1.0 - t) * log(1.0 - t)) for t in chances)


# ---- how long it took --------------------------------------------------------------------------------------


def speed(page: Page, engine: str, runs: dict[str, Run]) -> None:
    """How long the rounds took in each engine, and that both computed the same."""
    core = _engine.compiled_engine()
    available = ["compiled", "python"] if isinstance(core, ModuleType) else ["python"]
    for name in available:
        if name not in runs:
            runs[name] = trained(name, REPEATS if name == "compiled" else 1)
    page.heading("9. The two engines")
    page.table(
        ["engine", f"{ROUNDS:,} rounds", "one round", "measured"],
        [
            [
                {"compiled": "compiled", "python": "pure Python"}[name],
                f"{1e3 * runs[name].seconds:,.1f} ms",
                f"{1e6 * runs[name].seconds / ROUNDS:,.3f} us",
                f"median of {REPEATS}" if name == "compiled" else "one run",
            ]
            for name in available
        ],
    )
    if isinstance(core, ModuleType):
        fast, slow = runs["compiled"], runs["python"]
        same = fast.bits() == slow.bits()
        verdict = "The same bits" if same else "NOT the same bits"
        page.prose(
            f"{verdict} from both: all {len(fast.errors):,} errors and the final weights. The compiled engine was"
            f" {slow.seconds / fast.seconds:.0f} times as fast. Sections 1 to 8 were computed by the"
            f" {'compiled engine' if engine == 'compiled' else 'pure-Python engine, as BACKPROP_ENGINE says'}."
        )
    else:
        page.prose(
            "The compiled engine is not installed here, so everything was computed in pure Python: the same"
            f" numbers, only slower. ({core}.) To have it, install backprop where a C compiler is."
        )
