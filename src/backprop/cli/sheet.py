"""``backprop sheet``: a blank sheet of the numbers of a step."""

from typing import TYPE_CHECKING, Annotated

import typer

from .._input_errors import InputError
from .app import app, examples
from .files import write_text
from .options import of_network

if TYPE_CHECKING:
    from .problem import Problem

FORMS = {".csv": "csv", ".md": "markdown", ".json": "json"}
Out = Annotated[
    str | None, typer.Option("--out", "-o", metavar="FILE", help="Write to a file instead of the screen.")
]


def form_of(form: str | None, path: str | None) -> str:
    """The form that was asked for, or the one that a file's name says.

    Raises
    ------
    InputError
        If it is none.
    """
    known = [*FORMS.values()]
    if form is not None and form not in known:
        raise InputError("--format", f"must be one of {', '.join(known)}, not {form!r}")
    suffix = f".{path.rpartition('.')[2].lower()}" if path else ""
    return form or FORMS.get(suffix, "csv")


@app.command(short_help="Print a blank sheet of the numbers to calculate.")
@of_network
@examples(
    "backprop sheet --out sheet.csv          for a spreadsheet",
    "backprop sheet --out sheet.md           for paper",
    "backprop sheet --phase forward --formulas",
    "backprop sheet --network net.toml --filled",
    "backprop sheet --sizes 2-3-1 --seed 5 --activation tanh",
)
def sheet(
    problem: "Problem",
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="FORM", help="csv, markdown or json. [default: as FILE, or csv]"),
    ] = None,
    out: Out = None,
    formulas: Annotated[bool, typer.Option("--formulas", help="With the formula of each number.")] = False,
    filled: Annotated[bool, typer.Option("--filled", help="With the numbers: the answer key.")] = False,
    phase: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only forward, loss, backward, gradient or update.")
    ] = None,
    layer: Annotated[int | None, typer.Option(metavar="L", help="Only this layer; inputs are layer 0.")] = None,
) -> None:
    """Print a blank sheet: what to calculate, in order, with room for each number.

    Fill in the column "value" and give the sheet to "backprop check". Empty cells are fine. Names are the
    tutorial's: net_h1 is the weighted sum of the first hidden unit, dE/dw5 a gradient, w5+ a new weight.
    """
    from ..glassbox.worksheet import worksheet

    form = form_of(form, out)
    trace = problem.trace()
    try:
        text = worksheet(trace, form, filled=filled, formulas=formulas, phase=phase, layer=layer)
    except (TypeError, ValueError) as error:
        raise InputError("--phase or --layer", error) from None
    write_text(out, text)
