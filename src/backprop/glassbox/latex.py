r"""LaTeX for the formulas of activations and losses, and for names and numbers.

A row of `functions` that has no entry here (one's own) is shown with its plain formula.
"""

import re

from ..functions import Activation, Loss
from .formulas import shown

__all__ = ["escaped", "number", "of_row"]

LOGISTIC = r"\frac{1}{1 + e^{-net}}"
FORMULAS = {
    ("identity", "formula"): "net",
    ("identity", "derivative_formula"): "1",
    ("logistic", "formula"): LOGISTIC,
    ("logistic", "derivative_formula"): r"out \cdot (1 - out)",
    ("tanh", "formula"): r"\tanh(net)",
    ("tanh", "derivative_formula"): r"1 - {out}^2",
    ("relu", "formula"): r"\max(net, 0)",
    ("relu", "derivative_formula"): r"[net > 0]",
    ("leaky_relu", "formula"): r"\begin{cases} net & net > 0 \\ 0.01 \cdot net & \text{else} \end{cases}",
    ("leaky_relu", "derivative_formula"): r"\begin{cases} 1 & net > 0 \\ 0.01 & \text{else} \end{cases}",
    ("elu", "formula"): r"\begin{cases} net & net > 0 \\ e^{net} - 1 & \text{else} \end{cases}",
    ("elu", "derivative_formula"): r"\begin{cases} 1 & net > 0 \\ out + 1 & \text{else} \end{cases}",
    ("softplus", "formula"): r"\ln\left(1 + e^{net}\right)",
    ("softplus", "derivative_formula"): LOGISTIC,
    ("silu", "formula"): r"\frac{net}{1 + e^{-net}}",
    ("silu", "derivative_formula"): rf"s \cdot (1 + net \cdot (1 - s)), \quad s = {LOGISTIC}",
    ("exp", "formula"): "e^{net}",
    ("exp", "derivative_formula"): "out",
    ("softmax", "formula"): r"\frac{e^{net - m}}{sum of e^{net - m} over the layer}"
    r", \quad m = \max(list of net over the layer)",
    ("squared_error", "formula"): r"\tfrac{1}{2} (target - out)^2",
    ("squared_error", "gradient_formula"): "out - target",
    ("absolute_error", "formula"): r"\left|target - out\right|",
    ("absolute_error", "gradient_formula"): r"\operatorname{sign}(out - target)",
    ("huber", "formula"): r"\begin{cases} \tfrac{1}{2} d^2 & |d| \le h \\ h \cdot (|d| - \tfrac{1}{2} \cdot h) &"
    r" \text{else} \end{cases}, \quad d = target - out",
    ("huber", "gradient_formula"): r"\min(\max(out - target, -h), h)",
    ("poisson", "formula"): r"target \cdot \ln\frac{target}{out} - target + out",
    ("poisson", "gradient_formula"): r"1 - \frac{target}{out}",
    ("log_loss", "formula"): r"\max(net, 0) - net \cdot target + \ln\left(1 + e^{-|net|}\right)",
}
SOFTMAX_LOG_LOSS = (
    r"target \cdot \left(\ln\left(sum of e^{net - m} over the layer\right) - (net - m)\right)"
    r", \quad m = \max(list of net over the layer)"
)


def of_row(row: Activation | Loss, which: str) -> str:
    """A row's formula in LaTeX, with the words net, out and target where these stand."""
    if row.name == "log_loss" and "sum of" in row.formula:
        return SOFTMAX_LOG_LOSS
    plain: str = getattr(row, which)
    return FORMULAS.get((row.name, which)) or plain.replace("*", r"\cdot ")


def number(value: float) -> str:
    """A number to as many digits as in plain text."""
    mantissa, e, exponent = shown(value).partition("e")
    words = {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{NaN}"}
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else words.get(mantissa, mantissa)


def escaped(text: str) -> str:
    r"""Any text as LaTeX for a formula: ``\text{...}``, with what has a meaning there written as itself.

    Nothing in it is HTML, as a page may look for tags before it looks for formulas.
    """
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    pieces = re.split(
        r"([<>])", re.sub(r"[\\{}$&#%_~^]", lambda match: special.get(match[0], rf"\{match[0]}"), text)
    )
    signs = {"<": r"\lt ", ">": r"\gt "}
    return "".join(signs.get(piece) or rf"\text{{{piece}}}" for piece in pieces if piece)
