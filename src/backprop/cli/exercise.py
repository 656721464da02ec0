"""``backprop exercise``: a random network to calculate by hand, and its answer key."""

from typing import Annotated, Any

import typer

from .._text import clean
from .app import app, examples
from .files import write_text
from .options import FUNCTIONS, random_network
from .sheet import form_of

NAMES = {  # by whether they are the tutorial's
    True: "w1, w2, ... are counted unit by unit of the layer that they lead to: the first ones lead to h1.",
    False: "w[l][i,j] leads from unit i of layer l-1 to unit j of layer l, inputs being layer 0.",
}


@app.command(short_help="Make an exercise with its answer key.")
@examples(
    "backprop exercise --seed 7",
    "backprop exercise --seed 7 --out ex7.toml --sheet ex7.csv --key ex7-key.csv",
    "backprop check ex7.csv --network ex7.toml      when it is filled in",
    "backprop exercise --sizes 3-2 --activation tanh --output-activation softmax --loss log_loss",
)
def exercise(
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=2**32 - 1, help="Which exercise. [default: any; it says which]"),
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(metavar="SIZES", help="Units per layer, such as 2-3-1. [default: as the seed says]"),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Of the hidden units: {FUNCTIONS}.")
    ] = None,
    output_activation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the outputs: one of these, softmax or exp.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="squared_error, log_loss, absolute_error, huber or poisson.")
    ] = None,
    bias: Annotated[
        str | None, typer.Option(metavar="KIND", help="per_unit, shared (by a layer) or none.")
    ] = None,
    train_bias: Annotated[
        bool | None, typer.Option("--train-bias/--freeze-bias", help="Whether biases learn.")
    ] = None,
    formulas: Annotated[bool, typer.Option("--formulas", help="With the formula of each number.")] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE", help="Write the network, as TOML or JSON.")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the blank sheet: .csv, .md or .json.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the answer key: .csv, .md or .json.")
    ] = None,
) -> None:
    """Make an exercise: a random network with numbers of one or two digits, and its answer key.

    The same seed gives the same exercise, byte for byte. Without --out, --sheet and --key the sheet and
    the key are printed, in Markdown.
    """
    import random

    from ..glassbox.worksheet import worksheet
    from .network_file import write_network
    from .problem import nowhere, problem_of

    seed = random.SystemRandom().randrange(10_000) if seed is None else seed
    options = {"activation": activation, "output_activation": output_activation, "loss": loss, "bias": bias}
    chosen = {name: value for name, value in {**options, "train_bias": train_bias}.items() if value is not None}
    data = random_network(seed, sizes, chosen)
    trace = problem_of(data, nowhere).trace()
    shape = "-".join(map(str, trace.config.sizes))
    of_sheet: dict[str, Any] = {"formulas": formulas, "heading": f"Exercise {seed}: a {shape} network"}
    of_key: dict[str, Any] = {"formulas": formulas, "heading": f"Exercise {seed}: the answers", "filled": True}
    forms = {path: form_of(None, path) for path in (sheet, key) if path is not None}
    if out is not None:
        write_network(
            out, data, [f"Exercise {seed}: {command_of(seed, sizes, chosen)}", NAMES[trace.names.tutorial]]
        )
    if sheet is not None:
        write_text(sheet, worksheet(trace, forms[sheet], **of_sheet))
    if key is not None:
        write_text(key, worksheet(trace, forms[key], **of_key))
    written = [path for path in (out, sheet, key) if path is not None]
    if written:
        typer.echo(clean(f"Exercise {seed}: wrote {', '.join(written)}."))
    else:
        pages = (worksheet(trace, "markdown", **of_page) for of_page in (of_sheet, of_key))
        write_text(None, "\n---\n\n".join(pages))


def command_of(seed: int, sizes: str | None, options: dict[str, Any]) -> str:
    """The command that makes the same exercise again."""
    words = ["backprop exercise --seed", str(seed), *(["--sizes", sizes] if sizes else [])]
    for name, value in options.items():
        flag = name.replace("_", "-")
        words += [f"--{flag}" if value else "--freeze-bias"] if name == "train_bias" else [f"--{flag}", value]
    return " ".join(words)
