"""The names of a step's numbers, and which number a name means.

With one hidden layer they are the tutorial's: units i1, i2, ... (inputs), h1, ... and o1, ...; weights w1, w2,
..., unit by unit of the layer they lead to, so that w1 and w2 lead to h1 if there are two inputs; biases b1, b2
where a layer shares one, else b_h1, ..., b_o1, ... Otherwise names say the layer: net[l][j], w[l][i,j], with
inputs as layer 0. Everything is counted from 1. docs/trace.md has the whole table.

A number is named by what it is of: ``net_h1``, ``dE/dw5``. A + marks what an update made new, and @2 what belongs
to the second sample of a batch.
"""

import re
from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from .._config import NetworkConfig
from .latex import escaped
from .own_names import checked_names

__all__ = ["KINDS", "PER_SAMPLE", "Key", "Names"]


class Key(NamedTuple):
    """Which number of a step: its kind, and where it stands, counted from 1 as in its name.

    Attributes
    ----------
    kind : str
        A key of `UNIT_FORMS`, `PARAMETER_FORMS` or `SCALARS`, or "input", "part", "derivative", "loss",
        "sample_weight".
    layer : int or None
        The layer of the unit; of a weight or bias the layer that it leads to. Inputs are layer 0.
    indices : tuple of int
        (unit,); of a weight (from, to), of a shared bias (), of a part (unit, output).
    sample : int or None
        For what belongs to one sample.
    """

    kind: str
    layer: int | None = None
    indices: tuple[int, ...] = ()
    sample: int | None = None


# what belongs to a unit and a sample: the name before the unit's tag, and its LaTeX, {} being the unit's indices
UNIT_FORMS = {
    "target": ("target", r"\mathrm{{target}}{}"),
    "net": ("net", r"\mathrm{{net}}{}"),
    "out": ("out", r"\mathrm{{out}}{}"),
    "error": ("E", "E{}"),
    "out_gradient": ("dE/dout", r"\frac{{\partial E}}{{\partial \mathrm{{out}}{}}}"),
    "delta": ("delta", r"\delta{}"),
    "weighted_delta": ("weighted_delta", r"\tilde\delta{}"),
    "new_net": ("net", r"\mathrm{{net}}{}"),  # with a + after the unit
    "new_out": ("out", r"\mathrm{{out}}{}"),
    "new_error": ("E", "E{}"),
}
AFTER = frozenset({"new_net", "new_out", "new_error", "new_loss"})
# what belongs to a weight or a bias: the name around the parameter's, and its LaTeX
PARAMETER_FORMS = {
    "parameter": ("", "", "{}"),
    "new_parameter": ("", "+", "{}^{{+}}"),
    "contribution": ("dE/d", "", r"\frac{{\partial E}}{{\partial {}}}"),  # with a sample
    "sum": ("sum_dE/d", "", r"\sum \frac{{\partial E}}{{\partial {}}}"),
    "gradient": ("dE/d", "", r"\frac{{\partial E}}{{\partial {}}}"),
    "velocity": ("v_", "", "v({})"),
    "new_velocity": ("v_", "+", "v({})^{{+}}"),
    "first_moment": ("m_", "", "m({})"),
    "new_first_moment": ("m_", "+", "m({})^{{+}}"),
    "second_moment": ("v_", "", "v({})"),
    "new_second_moment": ("v_", "+", "v({})^{{+}}"),
}
# what there is once: the name, and its LaTeX
SCALARS = {
    "learning_rate": ("learning_rate", r"\eta"),
    "l2": ("l2", r"\lambda"),
    "momentum": ("momentum", r"\mu"),
    "beta_1": ("beta_1", r"\beta_1"),
    "beta_2": ("beta_2", r"\beta_2"),
    "epsilon": ("epsilon", r"\epsilon"),
    "power_1": ("beta_1^(t-1)", r"\beta_1^{t-1}"),
    "power_2": ("beta_2^(t-1)", r"\beta_2^{t-1}"),
    "new_power_1": ("beta_1^t", r"\beta_1^t"),
    "new_power_2": ("beta_2^t", r"\beta_2^t"),
    "rate_t": ("rate_t", r"\eta_t"),
    "batch_weight": ("B", "B"),
}
KINDS = (*SCALARS, "input", "sample_weight", "loss", "part", "derivative", *UNIT_FORMS, *PARAMETER_FORMS)
PER_SAMPLE = frozenset({*UNIT_FORMS, "input", "part", "derivative", "sample_weight", "contribution"})

NUMBER = r"([1-9][0-9]{0,8})"
UNIT_TAG = re.compile(rf"\[{NUMBER}\]\[{NUMBER}\]")
WEIGHT = re.compile(rf"w\[{NUMBER}\]\[{NUMBER},{NUMBER}\]")
BIAS = re.compile(rf"b\[{NUMBER}\](?:\[{NUMBER}\])?")
INPUT = re.compile(rf"x\[{NUMBER}\]")


class Names:
    """The names of one network's numbers.

    Parameters
    ----------
    config : NetworkConfig
        The specification.
    own : mapping, optional
        One's own names: ``{"inputs": [...], "hidden": [...], "outputs": [...]}``, each of them optional. "hidden"
        is a list of names if there is one hidden layer, else a list of such lists.
    batch : bool, default=False
        Whether what belongs to a sample says to which one.
    tutorial : bool, optional
        Whether units and parameters without a name of their own have the tutorial's. By default this is so for
        networks with one hidden layer. Otherwise h1_2 is the second unit of the first hidden layer.

    Raises
    ------
    TypeError, ValueError
        If `own` is not as above, or a name of it is empty, long, holds a character that means something in
        formulas or cannot be printed, or is taken.
    """

    def __init__(
        self,
        config: NetworkConfig,
        own: Mapping[str, Any] | None = None,
        *,
        batch: bool = False,
        tutorial: bool | None = None,
    ) -> None:
        self.sizes, self.bias = config.sizes, config.bias
        self.last = len(config.sizes) - 1  # the layer of the outputs
        self.batch = batch
        self.tutorial = self.last == 2 if tutorial is None else tutorial
        self.own = checked_names(own, config.sizes)
        self._first = [1, *accumulate((i * j for i, j in pairwise(self.sizes)), initial=1)]  # of w's per layer
        self._units: dict[str, tuple[int, int]] = {}
        for layer, names in self.own.items():
            for k, name in enumerate(names, start=1):
                if name in self._units or self._default_unit(name) is not None:
                    raise ValueError(f"names: {name!r} would be the name of two units")
                self._units[name] = layer, k
        for k, name in enumerate(self.own.get(0, ()), start=1):  # an input's name stands alone
            if self.key(name) != Key("input", 0, (k,)):
                raise ValueError(f"names: {name!r} is the name of another number already")

    # ---- units and parameters ------------------------------------------------------------------------------

    def unit(self, layer: int, k: int) -> str:
        """A unit's name; empty if it has none but its layer and number."""
        if layer in self.own:
            return self.own[layer][k - 1]
        if not self.tutorial:
            return ""
        if layer in (0, self.last):
            return f"{'o' if layer else 'i'}{k}"
        return f"h{k}" if self.last == 2 else f"h{layer}_{k}"

    def units(self, layer: int) -> list[str]:
        """The names of a layer's units, as `unit` has them."""
        return [self.unit(layer, k) for k in range(1, self.sizes[layer] + 1)]

    def tag(self, layer: int, k: int) -> str:
        """What follows net, out, delta ...: ``_h1`` or ``[1][1]``."""
        name = self.unit(layer, k)
        return f"_{name}" if name else f"[{layer}][{k}]"

    def parameter(self, layer: int, index: tuple[int, ...]) -> str:
        """The name of a weight (index (i, j)), of a unit's bias (j,) or of a layer's ()."""
        if len(index) == 2:
            i, j = index
            if self.tutorial:
                return f"w{self._first[layer] + (j - 1) * self.sizes[layer - 1] + i - 1}"
            return f"w[{layer}][{i},{j}]"
        if index:
            name = self.unit(layer, index[0])
            return f"b_{name}" if name else f"b[{layer}][{index[0]}]"
        return f"b{layer}" if self.tutorial else f"b[{layer}]"

    # ---- from a number to its name -------------------------------------------------------------------------

    def name(self, key: Key) -> str:
        """The name of a number."""
        kind, layer, index, sample = key
        at = f"@{sample}" if self.batch and sample is not None else ""
        if kind in SCALARS:
            return SCALARS[kind][0]
        if kind in ("loss", "new_loss", "sample_weight"):
            return f"{ {'loss': 'E', 'new_loss': 'E+'}.get(kind, kind) }{at}"
        assert layer is not None
        if kind in PARAMETER_FORMS:
            before, after, _ = PARAMETER_FORMS[kind]
            return f"{before}{self.parameter(layer, index)}{after}{at}"
        if kind == "input":
            return f"{self.unit(0, index[0]) or f'x[{index[0]}]'}{at}"
        tag = self.tag(layer, index[0])
        if kind == "part":
            return f"dE{self.tail(self.last, index[1])}/dout{tag}{at}"
        if kind == "derivative":
            return f"dout{tag}/dnet{tag}{at}"
        return f"{UNIT_FORMS[kind][0]}{tag}{'+' if kind in AFTER else ''}{at}"

    def tail(self, layer: int, k: int) -> str:
        """A unit in ``dEo1/dout_h1``: its bare name, or its layer and number."""
        return self.unit(layer, k) or f"[{layer}][{k}]"

    def symbol(self, key: Key) -> str:
        """The same in LaTeX, with all indices."""
        kind, layer, index, sample = key
        at = f"({sample})" if self.batch and sample is not None else ""
        if kind in SCALARS:
            return SCALARS[kind][1]
        at += "+" if kind in AFTER else ""
        if kind in ("loss", "new_loss", "sample_weight"):
            return f"{'s' if kind == 'sample_weight' else 'E'}{_indices('', at)}"
        assert layer is not None
        if kind in PARAMETER_FORMS:
            if kind in ("parameter", "new_parameter"):
                return self._parameter_symbol(layer, index, at, "+" if kind == "new_parameter" else "")
            return PARAMETER_FORMS[kind][2].format(self._parameter_symbol(layer, index, at))
        if kind == "input":
            name = self.unit(0, index[0])
            if name and 0 in self.own:
                return f"{_latex_name(name)}{_indices('', at)}"
            return f"{'i' if name else 'x'}{_indices(str(index[0]), at)}"
        of_unit = self._unit_indices(layer, index[0], at)
        if kind == "part":
            of_output = self._unit_indices(self.last, index[1], at)
            return rf"\frac{{\partial E{of_output}}}{{\partial \mathrm{{out}}{of_unit}}}"
        if kind == "derivative":
            return rf"\frac{{\partial \mathrm{{out}}{of_unit}}}{{\partial \mathrm{{net}}{of_unit}}}"
        return UNIT_FORMS[kind][1].format(of_unit)

    def _unit_indices(self, layer: int, k: int, at: str) -> str:
        name = self.unit(layer, k)
        return _indices(_latex_name(name), at) if name else _indices(str(k), f"[{layer}]{at}")

    def _parameter_symbol(self, layer: int, index: tuple[int, ...], at: str, plus: str = "") -> str:
        letter = "w" if len(index) == 2 else "b"
        if self.tutorial and (len(index) != 1):
            return f"{letter}{_indices(self.parameter(layer, index)[1:], at + plus)}"
        if len(index) == 1 and self.unit(layer, index[0]):
            return f"b{_indices(_latex_name(self.unit(layer, index[0])), at + plus)}"
        return f"{letter}{_indices(','.join(map(str, index)), f'[{layer}]{at}{plus}')}"

    # ---- from a name to its number -------------------------------------------------------------------------

    def key(self, name: str) -> Key | None:
        """Which number a name means, or None. Systematic names are understood for every network."""
        bare, at, digits = name.rpartition("@")
        if not at:
            bare, sample = name, None
        elif re.fullmatch(NUMBER, digits):
            sample = int(digits)
        else:
            return None
        found = self._key(bare)
        if found is None:
            return None
        kind = found.kind
        if kind == "gradient" and sample is not None:
            return found._replace(kind="contribution", sample=sample)
        if kind in ("loss", "new_loss") or kind in PER_SAMPLE:
            return found._replace(sample=sample)
        return found if sample is None else None

    def _key(self, name: str) -> Key | None:
        """The number that a name without a sample means, its sample left open."""
        for kind, (of_kind, _) in SCALARS.items():
            if name == of_kind:
                return Key(kind)
        if name in ("E", "E+", "sample_weight"):
            return Key({"E": "loss", "E+": "new_loss"}.get(name, name))
        for kind, (before, after, _) in PARAMETER_FORMS.items():
            if kind != "contribution" and name.startswith(before) and name.endswith(after):
                found = self._parameter_key(name[len(before) : len(name) - len(after)])
                if found:
                    return Key(kind, *found)
        for kind, (before, _) in UNIT_FORMS.items():
            new, of_outputs = kind in AFTER, kind in ("target", "error", "new_error", "weighted_delta")
            if not name.startswith(before) or name.endswith("+") != new:
                continue
            unit = self._unit_of_tag(name.removeprefix(before).removesuffix("+"))
            if unit and unit[0] > 0 and (unit[0] == self.last or not of_outputs):
                return Key(kind, unit[0], (unit[1],))
        if match := re.fullmatch(r"d(out|E)(.+)/d(net|out)(.+)", name):
            return self._quotient_key(*match.groups())
        if match := INPUT.fullmatch(name):
            return Key("input", 0, (int(match[1]),)) if int(match[1]) <= self.sizes[0] else None
        unit = self._unit_of_name(name)
        if unit and unit[0] == 0:
            return Key("input", 0, (unit[1],))
        return {"E_total": Key("loss"), "E_total+": Key("new_loss")}.get(name)  # as the tutorial writes it

    def _quotient_key(self, of: str, first: str, by: str, second: str) -> Key | None:
        """dout_h1/dnet_h1, or dEo1/dout_h1."""
        below = self._unit_of_tag(second)
        if not below or below[0] == 0:
            return None
        if of == "out" and by == "net":
            return Key("derivative", below[0], (below[1],)) if self._unit_of_tag(first) == below else None
        above = (self._unit_of_tag(first) if first.startswith("[") else None) or self._unit_of_name(first)
        if of == "E" and by == "out" and above and above[0] == self.last and below[0] == self.last - 1:
            return Key("part", below[0], (below[1], above[1]))
        return None

    def _unit_of_tag(self, tag: str) -> tuple[int, int] | None:
        if match := UNIT_TAG.fullmatch(tag):
            layer, k = int(match[1]), int(match[2])
            return (layer, k) if layer <= self.last and k <= self.sizes[layer] else None
        return self._unit_of_name(tag[1:]) if tag.startswith("_") else None

    def _unit_of_name(self, name: str) -> tuple[int, int] | None:
        return self._units.get(name) or self._default_unit(name)

    def _default_unit(self, name: str) -> tuple[int, int] | None:
        match = re.fullmatch(rf"([iho])(?:{NUMBER}_)?{NUMBER}", name) if self.tutorial else None
        if not match or (match[2] is not None) != (match[1] == "h" and self.last > 2):
            return None
        layer = {"i": 0, "h": int(match[2] or 1), "o": self.last}[match[1]]
        if layer in self.own or (match[1] == "h" and not 0 < layer < self.last):
            return None
        return (layer, int(match[3])) if int(match[3]) <= self.sizes[layer] else None

    def _parameter_key(self, name: str) -> tuple[int, tuple[int, ...]] | None:
        """The layer and index of a weight or bias."""
        if match := WEIGHT.fullmatch(name):
            layer, i, j = map(int, match.groups())
            known = layer <= self.last and i <= self.sizes[layer - 1] and j <= self.sizes[layer]
            return (layer, (i, j)) if known else None
        if self.tutorial and (match := re.fullmatch(rf"w{NUMBER}", name)):
            number = int(match[1])
            for layer in range(1, self.last + 1):
                if number < self._first[layer + 1]:
                    j, i = divmod(number - self._first[layer], self.sizes[layer - 1])
                    return layer, (i + 1, j + 1)
            return None
        return self._bias_key(name)

    def _bias_key(self, name: str) -> tuple[int, tuple[int, ...]] | None:
        if match := BIAS.fullmatch(name):
            layer, j = int(match[1]), int(match[2] or 0)
        elif self.tutorial and self.bias == "shared" and (match := re.fullmatch(rf"b{NUMBER}", name)):
            layer, j = int(match[1]), 0
        elif name.startswith("b_") and (unit := self._unit_of_name(name[2:])):
            layer, j = unit
        else:
            return None
        if not 1 <= layer <= self.last or self.bias == "none" or (j == 0) != (self.bias == "shared"):
            return None
        return (layer, (j,) if j else ()) if j <= self.sizes[layer] else None


def _indices(below: str, above: str) -> str:
    """LaTeX's sub- and superscript."""
    return (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _latex_name(name: str) -> str:
    """A unit's name as it stands in an index."""
    return name if re.fullmatch(r"[a-z][0-9]*", name) else escaped(name)
