"""``backprop check``: a learner's numbers, judged."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._input_errors import InputError, one_line
from .app import EXIT_CODES, app, examples
from .files import write_text
from .options import of_network

if TYPE_CHECKING:
    from ..glassbox.report import Report
    from ..glassbox.trace import Trace
    from .problem import Problem


@app.command(short_help="Judge numbers that were calculated by hand.", epilog=EXIT_CODES)
@of_network
@examples(
    "backprop check sheet.csv",
    "backprop check answers.json --network net.toml",
    'echo "net_h1,0.3825" | backprop check -',
    'backprop check --quiet anna.csv && echo "all right"',
)
def check(
    problem: "Problem",
    answers: Annotated[list[str], typer.Argument(metavar="ANSWERS", help="Files; - is standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON, a line for each file.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing of right and wrong; see the exit code.")
    ] = False,
) -> None:
    """Judge numbers that were calculated by hand, and name the first mistake.

    ANSWERS is a filled-in sheet, or any CSV with the columns name and value, or JSON such as {"net_h1": "0.3775"}.
    Any of the numbers will do, and empty cells are skipped. Give at least three digits: rounding is allowed for,
    at every step, and what follows from an earlier mistake is not counted again.

    The network must be the one that the sheet is of: give the same options, or the same --network.
    """
    trace = problem.trace()
    worst = 0
    for path in answers:
        try:
            report = judged(path, trace)
        except InputError as error:
            if len(answers) == 1:
                raise
            print(f"backprop: {one_line(error)}", file=sys.stderr)
            worst = 2
            continue
        worst = max(worst, 0 if report.ok else 1)
        if not quiet:
            write_text(None, as_text(report, path, as_json=as_json, several=len(answers) > 1))
    raise typer.Exit(worst)


def judged(path: str, trace: "Trace") -> "Report":
    """The report on a file of answers.

    Raises
    ------
    InputError
        If the file cannot be used.
    """
    from ..glassbox.check import check as check_answers
    from .answers_file import check_given, checked_answers, read_answers

    answers, given = read_answers(path)
    check_given(given, trace)
    return check_answers(checked_answers(answers, trace), trace)


def as_text(report: "Report", path: str, *, as_json: bool, several: bool) -> str:
    """A report as it is printed."""
    from .._text import clean

    if not as_json:
        return (f"{clean(path)}\n{'-' * min(len(clean(path)), 80)}\n{report}\n\n") if several else f"{report}\n"
    findings = [
        {
            "name": finding.name,
            "given": finding.given,
            "expected": finding.expected,
            "verdict": finding.verdict,
            "mistake": finding.mistake,
            "alternatives": [*finding.alternatives],
            "message": finding.message,
            "follows_from": [*finding.follows_from],
        }
        for finding in report.findings
    ]
    whole: dict[str, Any] = {
        "file": clean(path),
        "ok": report.ok,
        "first": None,
        "conventions": [*report.conventions],
    }
    whole["first"] = report.first.name if report.first else None
    return json.dumps({**whole, "findings": findings}) + "\n"
