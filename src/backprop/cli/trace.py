"""``backprop trace``: every number of a step, in one of its views."""

import csv
import io
import json
from html import escape
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._input_errors import InputError
from .app import app, examples
from .files import write_text
from .options import of_network
from .sheet import Out

if TYPE_CHECKING:
    from ..glassbox.trace import Trace
    from .problem import Problem

FORMS = ("text", "markdown", "html", "svg", "json", "csv")
PAGE = '<!doctype html>\n<meta charset="utf-8">\n<title>{}</title>\n{}'
SUFFIXES = {".txt": "text", ".md": "markdown"} | {f".{form}": form for form in FORMS[2:]}


@app.command(short_help="Show every number of one training step.")
@of_network
@examples(
    "backprop trace",
    "backprop trace --phase backward --layer 1",
    "backprop trace --path w1",
    "backprop trace --optimizer adam --after 100",
    "backprop trace --network net.toml --out trace.html",
)
def trace(
    problem: "Problem",
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="FORM", help=f"{', '.join(FORMS)}. [default: as FILE, or text]"),
    ] = None,
    out: Out = None,
    path: Annotated[
        str | None, typer.Option(metavar="WEIGHT", help="All paths from a weight or bias to the error.")
    ] = None,
    phase: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only given, forward, loss, backward, gradient or update.")
    ] = None,
    layer: Annotated[int | None, typer.Option(metavar="L", help="Only this layer; inputs are layer 0.")] = None,
    sample: Annotated[int | None, typer.Option(metavar="S", help="Only this sample of a batch, from 1.")] = None,
    full: Annotated[bool, typer.Option("--full", help="A large network whole.")] = False,
) -> None:
    """Show every number of one training step, with its formula and what went in.

    Forward pass, error, backward pass, gradients, new weights, in the order of calculation. csv has a row for each
    number, json the whole trace to the bit, svg a diagram of the network.
    """
    suffix = f".{out.rpartition('.')[2].lower()}" if out else ""
    form = form or SUFFIXES.get(suffix, "text")
    if form not in FORMS:
        raise InputError("--format", f"must be one of {', '.join(FORMS)}, not {form!r}")
    selection = {"phase": phase, "layer": layer, "sample": sample}
    whole = problem.trace()
    if path is not None:
        if form != "text" or phase is not None or layer is not None or full:
            raise InputError("--path", "goes with text and --sample alone")
        write_text(out, paths(whole, path, sample))
    else:
        write_text(out, view(whole, form, selection, full=full))


def paths(whole: "Trace", name: str, sample: int | None) -> str:
    """Every path from a weight.

    Raises
    ------
    InputError
        If it is none, or there are too many.
    """
    try:
        return f"{whole.path(name, sample)}\n"
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("--sample" if str(error).startswith("sample") else "--path", error) from None


def view(whole: "Trace", form: str, selection: dict[str, Any], *, full: bool) -> str:
    """A trace, or a part of it, in a form.

    Raises
    ------
    InputError
        If the selection is none, or finds nothing, or the form shows the whole alone.
    """
    given = [f"--{name}" for name, value in selection.items() if value is not None]
    try:
        if given and not whole.select(**selection):
            raise InputError(" ".join(given), "there is no such number in this step")
        if form == "svg":
            if given:
                raise InputError(given[0], "the diagram is of the whole network")
            return whole.svg() + "\n"
        if form == "json":
            rows = whole.rows(**selection) if given else None
            return (json.dumps(rows, indent=2) if given else whole.to_json(records=True if full else None)) + "\n"
        if form == "csv":
            return csv_rows(whole, selection)
        of_form = {"text": whole.text, "markdown": whole.markdown, "html": whole.html}[form]
        text = of_form(full=full, **selection)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        name = str(error).split(" ")[0]
        raise InputError(f"--{name}" if f"--{name}" in given else "trace", error) from None
    if form == "html":
        text = PAGE.format(escape(repr(whole).strip("<>")), text)
    return text if text.endswith("\n") else f"{text}\n"


def csv_rows(whole: "Trace", selection: dict[str, Any]) -> str:
    """A row for each record; indices and operands separated by spaces."""
    rows = whole.rows(**selection)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        cells = {**row, "indices": " ".join(map(str, row["indices"])), "operands": " ".join(row["operands"])}
        writer.writerow(repr(float(cell)) if isinstance(cell, float) else cell for cell in cells.values())
    return out.getvalue()
