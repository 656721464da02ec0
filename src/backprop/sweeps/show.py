"""Results for readers: a Markdown table, CSV, and the table that the terminal gets."""

import csv
import io
import json
from typing import Any

from .results import Results

__all__ = ["as_csv", "console_table", "markdown", "summary"]

SHORT = 12  # hexadecimal digits of a hash in a table
HEADS = ("row", "mean", "lowest", "highest", "n_iter", "weights")


def value(parameter: Any) -> str:
    """A parameter in a table: layers as 16-8, no hidden layer as none."""
    if isinstance(parameter, list):
        numbers = all(isinstance(item, int) for item in parameter)
        return ("-" if numbers else ", ").join(map(str, parameter)) or "none"
    return parameter if isinstance(parameter, str) else json.dumps(parameter, ensure_ascii=False)


def number(score: float) -> str:
    """A score to about five digits."""
    return f"{score:.4f}" if abs(score) < 1000 else f"{score:.5g}"


def cells(row: dict[str, Any], varied: list[str], digits: int = SHORT) -> list[str]:
    """A row's cells: number, varied parameters, scores, the most epochs of a fold, hash."""
    shown = [str(row["row"]), *(value(row["parameters"][name]) for name in varied)]
    if row["mean"] is None:
        return [*shown, "failed", "", "", "", ""]
    scores = [fold["score"] for fold in row["folds"]]
    epochs = max(fold["n_iter"] for fold in row["folds"])
    weights = row["weights_sha256"][:digits] + ("" if row["exact"] else "*")
    return [*shown, number(row["mean"]), number(min(scores)), number(max(scores)), str(epochs), weights]


def heads(results: Results) -> list[str]:
    """The names of the columns."""
    return [HEADS[0], *results.document["varied"], f"mean {results.score}", *HEADS[2:]]


def summary(results: Results) -> str:
    """The data and the folds in a sentence."""
    document, plan = results.document, results.document["plan"]
    data, validation = document["data"], plan["validation"]
    source = plan["data"].get("file") or plan["data"]["set"]
    what = f"{len(data['classes'])} classes" if data["classes"] else f"target {', '.join(data['target'])}"
    standardized = ", standardised" if plan["preprocessing"]["standardize"] else ""
    n_features = len(data["features"])
    return (
        f"{source}: {data['samples']} samples, {n_features} feature{'s' if n_features > 1 else ''}{standardized},"
        f" {what}; {validation['folds']} folds (seed {validation['seed']})"
    )


def shared(results: Results) -> dict[str, str]:
    """The parameters that all rows share and that are not the defaults."""
    from .grid import completed

    if not results.rows:
        return {}
    defaults = completed({}, results.document["plan"]["data"]["task"])
    first, varied = results.rows[0]["parameters"], results.document["varied"]
    return {
        name: value(first[name])
        for name in first
        if name not in varied and (name == "random_state" or first[name] != defaults.get(name, first[name]))
    }


def failures(results: Results) -> list[str]:
    """What became of rows without a score."""
    found = []
    for row in results.rows:
        errors = [(k, fold["error"]) for k, fold in enumerate(row["folds"], start=1) if "error" in fold]
        if errors:
            folds = ", ".join(str(k) for k, _ in errors)
            found.append(
                f"row {row['row']} failed in fold{'s' if len(errors) > 1 else ''} {folds}: {errors[0][1]}"
            )
    return found


def inexact(results: Results) -> list[str]:
    """Why the bits of some rows are not promised."""
    reasons = dict.fromkeys(row["inexact_because"] for row in results.rows if not row["exact"])
    return [f"* {reason}" for reason in reasons]


def markdown(results: Results) -> str:
    """A table of all rows, best first, below what they share."""
    table = [heads(results), *(cells(row, results.document["varied"]) for row in results.ranked())]
    table = [[cell.replace("|", "\\|") for cell in line] for line in table]
    widths = [max(3, *(len(line[k]) for line in table)) for k in range(len(table[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    same = ", ".join(f"{name} = {text}" for name, text in shared(results).items())
    notes = [*inexact(results), *failures(results)]
    parts = [
        f"{summary(results)}." + (f" {same}." if same else ""),
        "\n".join(lines),
        "\n\n".join(notes).replace("* ", "\\* "),
        f"backprop {results.document['made_with']['backprop']}; results file {results.sha256[:SHORT]}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_csv(results: Results) -> str:
    """A line for each row, in their order: every parameter, every score."""
    out = io.StringIO()
    n_folds = len(results.document["folds"])
    names = list(dict.fromkeys(name for row in results.rows for name in row["parameters"]))
    writer = csv.writer(out, lineterminator="\n")
    scores = [f"{results.score} {k}" for k in range(1, n_folds + 1)]
    writer.writerow(["row", *names, f"mean {results.score}", *scores, "weights_sha256", "error"])
    for row in results.rows:
        parameters = [value(row["parameters"][name]) if name in row["parameters"] else "" for name in names]
        of_folds = [repr(fold["score"]) if "score" in fold else "" for fold in row["folds"]]
        errors = "; ".join(fold["error"] for fold in row["folds"] if "error" in fold)
        mean = "" if row["mean"] is None else repr(row["mean"])
        writer.writerow([row["row"], *parameters, mean, *of_folds, row["weights_sha256"] or "", errors])
    return out.getvalue()


def console_table(results: Results, most: int, console: Any, gap: int = 1) -> Any:
    """The best rows, for rich to print: narrower than the Markdown table, to fit in 80 columns."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    varied = results.document["varied"]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, gap, 0, 0))
    left_out = len(varied) + HEADS.index("highest")
    for k, head in enumerate(heads(results)):
        if k != left_out:
            of_numbers = k == 0 or len(varied) < k < len(varied) + len(HEADS) - 1
            table.add_column(escape(broken(head)), justify="right" if of_numbers else "left", overflow="fold")
    for row in results.ranked()[:most]:
        line = cells(row, varied, digits=8)
        table.add_row(*(escape(cell) for k, cell in enumerate(line) if k != left_out))
    if gap and console.measure(table, options=console.options.update(max_width=1000)).maximum > console.width:
        return console_table(results, most, console, gap=0)
    return table


def broken(head: str) -> str:
    """A long name in two lines of about the same length."""
    places = [k + 1 for k, letter in enumerate(head) if letter in "_ "]
    if len(head) <= 10 or not places:
        return head
    middle = min(places, key=lambda place: abs(2 * place - len(head)))
    return f"{head[:middle].rstrip()}\n{head[middle:]}"
