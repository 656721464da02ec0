"""NetworkDisplay: a network's units and weights, drawn; weights by colour and width.

Of a large layer the first and the last units are drawn, and a gap says how many are between.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _checks as checks
from .._config import NetworkConfig
from ..glassbox.names import Names
from ..network import Network
from ._axes import axes_for, refuse_without_matplotlib

__all__ = ["NetworkDisplay"]

RADIUS = 0.3  # of a unit; rows are 1 apart
COLUMN = 2.8  # layers are this far apart
THINNEST, WIDEST = 0.4, 4.0  # lines, in points
RIM = 2.5  # of a unit, in points
NUMBERED = 12  # up to so many weights between two layers are written on their lines
SMALLER = 0.8  # the size of numbers, beside that of names
INCHES = 0.75  # of a new figure, for a row
LETTER = 0.012  # of a name, roughly, in rows for each point of its size


class Column(NamedTuple):
    """A layer as it is drawn: which units, where, and where the left out ones are mentioned."""

    units: NDArray[np.intp]  # counted from 0
    x: float
    heights: NDArray[np.float64]
    gap: float
    left_out: int


class NetworkDisplay:
    """A network's units in columns, joined by its weights.

    Weights above 0 are red lines and those below are blue; the larger they are, the wider and darker. A unit's rim
    has the colour of its bias. With a sample, units are filled by what they put out, in the same colours, scaled
    to the largest of their layer, and numbers say how much.

    Make it with `from_network`, `from_estimator` or `from_trace`.

    Parameters
    ----------
    config : NetworkConfig
        The network's specification.
    weights : sequence of ndarray of shape (fan_in, fan_out)
    biases : sequence of ndarray of shape (fan_out,), (1,) or (0,)
        As in `Network`: per unit, shared or none.
    unit_names : sequence of sequence of str, optional
        For each layer, inputs first. By default i1, i2, ..., h1, ... (h1_1 if there are several hidden layers)
        and o1, ...
    values : sequence of array-like of shape (units,), optional
        What the units of each layer put out, inputs first.
    title : str, optional
        By default the sizes of the layers and their activations.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    lines_ : list of matplotlib LineCollection
        The weights that are drawn, a collection for each layer of weights.
    units_ : list of list of matplotlib Circle
        The units that are drawn, layer by layer.
    colorbar_ : matplotlib Colorbar or None

    Raises
    ------
    ValueError
        If there are not as many names or values as units.

    Examples
    --------
    >>> import backprop as bp
    >>> net, x, t = bp.examples.worked_example()
    >>> display = bp.NetworkDisplay.from_network(net, x=x)
    >>> [len(column) for column in display.units_]
    [2, 2, 2]
    """

    def __init__(
        self,
        *,
        config: NetworkConfig,
        weights: Sequence[Any],
        biases: Sequence[Any],
        unit_names: Sequence[Sequence[str]] | None = None,
        values: Sequence[ArrayLike] | None = None,
        title: str | None = None,
    ) -> None:
        self.config = config
        self.weights, self.biases = [np.array(w) for w in weights], [np.array(b) for b in biases]
        if unit_names is None:
            unit_names = _default_names(config)
        self.unit_names = [list(map(str, names)) for names in unit_names]
        self.values = None if values is None else [np.array(value, float) for value in values]
        counts = list(config.sizes)
        if list(map(len, self.unit_names)) != counts:
            raise ValueError(f"unit_names must hold {counts} names, not {list(map(len, self.unit_names))}")
        if self.values is not None and [value.shape for value in self.values] != [(n,) for n in counts]:
            raise ValueError(f"values must hold {counts} numbers, one for each unit of a layer")
        self.title = _title(config) if title is None else title

    # ---- where it comes from -------------------------------------------------------------------------------

    @classmethod
    def from_network(
        cls,
        network: Network,
        *,
        x: ArrayLike | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        title: str | None = None,
        ax: Any = None,
        **plot_kw: Any,
    ) -> Self:
        """Draw a network, with the weights that it has now.

        Parameters
        ----------
        network : Network
        x : array-like of shape (n_inputs,), optional
            A sample whose way through the network is shown.
        input_names, output_names : sequence of str, optional
            By default i1, i2, ... and o1, o2, ...
        title : str, optional
            By default the sizes of the layers and their activations.
        ax : matplotlib Axes, optional
            Where; by default in a new figure.
        **plot_kw
            As in `plot`.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If an argument is not as above.
        """
        refuse_without_matplotlib(f"{cls.__name__}.from_network")
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, not {checks.shown(network)}")
        names = _default_names(network.config)
        for place, given, argument in ((0, input_names, "input_names"), (-1, output_names, "output_names")):
            if given is not None:
                if isinstance(given, str) or len(given) != len(names[place]):
                    expected = f"{argument} must be {len(names[place])} names, one for each unit"
                    raise ValueError(f"{expected}, not {checks.shown(given)}")
                names[place] = list(given)
        values = None
        if x is not None:
            sample = checks.float_array("x", x)
            if sample.shape != (network.config.sizes[0],):
                raise ValueError(f"x has shape {sample.shape}, expected ({network.config.sizes[0]},): one sample")
            values = [sample, *network.activations(sample)]
        display = cls(
            config=network.config,
            weights=network.weights,
            biases=network.biases,
            unit_names=names,
            values=values,
            title=title,
        )
        return display.plot(ax, **plot_kw)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **more: Any) -> Self:
        """Draw the network of a fitted `MLPClassifier` or `MLPRegressor`.

        Inputs have the names of the features, and outputs those of the classes, unless `input_names` or
        `output_names` say otherwise.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline
            Of a pipeline the last step counts, and `x` is what reaches that.
        ax, **more
            As in `from_network`.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If there is no network yet.
        TypeError
            If the estimator has no `network_`.
        """
        refuse_without_matplotlib(f"{cls.__name__}.from_estimator")
        model = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
        if not hasattr(type(model), "network_"):
            raise TypeError(f"estimator must be one of backprop's, not {checks.shown(model)}")
        network = model.network_
        names: dict[str, Any] = {"input_names": getattr(model, "feature_names_in_", None)}
        n_outputs, classes = network.config.sizes[-1], getattr(model, "classes_", None)
        if classes is not None and (n_outputs > 1 or len(classes) == 2):
            names["output_names"] = classes[-n_outputs:]  # the one output of two classes is for the second
        return cls.from_network(network, ax=ax, **{**names, **more})

    @classmethod
    def from_trace(cls, trace: Any, *, title: str | None = None, ax: Any = None, **plot_kw: Any) -> Self:
        """Draw the network of a `Trace`: its names, the weights before the step, the numbers of the first sample.

        See `from_network` for the other arguments.
        """
        refuse_without_matplotlib(f"{cls.__name__}.from_trace")
        step = trace.step
        sizes = trace.config.sizes
        display = cls(
            config=trace.config,
            weights=step.weights,
            biases=step.biases,
            unit_names=[[trace.names.tail(layer, k + 1) for k in range(n)] for layer, n in enumerate(sizes)],
            values=[step.inputs[0], *(outs[0] for outs in step.outs)],
            title=title,
        )
        return display.plot(ax, **plot_kw)

    # ---- the picture ---------------------------------------------------------------------------------------

    def plot(
        self,
        ax: Any = None,
        *,
        max_units: int = 12,
        cmap: Any = "coolwarm",
        colorbar: bool = True,
        numbers: bool = True,
        fontsize: float = 9.0,
    ) -> Self:
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; by default in a new figure of fitting size.
        max_units : int, default=12
            Units of a layer that are drawn.
        cmap : str or matplotlib Colormap, default="coolwarm"
            Its middle stands for 0.
        colorbar : bool, default=True
            Whether a bar says which weight has which colour.
        numbers : bool, default=True
            Whether weights and biases are written down where there is room.
        fontsize : float, default=9.0
            Of names, in points; numbers are smaller.

        Returns
        -------
        self : NetworkDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If `max_units` is not an integer of at least 2.
        """
        columns = self._columns(checks.integer("max_units", max_units, 2))
        rows = max(len(column.units) + bool(column.left_out) for column in columns)
        size = (INCHES * (COLUMN * (len(columns) - 1) + 3.6), INCHES * rows + 0.9)
        ax = axes_for(ax, f"{type(self).__name__}.plot", figsize=size, layout="constrained")
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        largest = _largest([*self.weights, *self.biases])
        colours = ScalarMappable(Normalize(-largest, largest), cmap)
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_ = [
            self._draw_weights(layer, below, above, colours, numbers, SMALLER * fontsize)
            for layer, (below, above) in enumerate(pairwise(columns))
        ]
        self.units_ = [
            self._draw_units(layer, column, colours, numbers, fontsize) for layer, column in enumerate(columns)
        ]
        left, right = (
            RADIUS + 0.3 + LETTER * fontsize * max(map(len, names))
            for names in self.unit_names[:: len(columns) - 1]
        )
        ax.set_xlim(-left, columns[-1].x + right)
        ax.set_ylim(-rows / 2 - 0.1, rows / 2 + 0.1)
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.set_title(self.title, fontsize=fontsize)
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(colours, ax=ax, shrink=0.7, label="weight, bias (rim)")
        return self

    def _columns(self, most: int) -> list[Column]:
        found = []
        for layer, size in enumerate(self.config.sizes):
            if size <= most:
                units = np.arange(size)
                places = np.arange(size, dtype=float)
                gap, n_places = 0.0, size
            else:  # a place more, between the first and the last units
                above = (most + 1) // 2
                units = np.r_[:above, size - (most - above) : size]
                places = np.r_[:above, above + 1 : most + 1].astype(float)
                gap, n_places = float(above), most + 1
            middle = (n_places - 1) / 2
            found.append(Column(units, COLUMN * layer, middle - places, middle - gap, size - len(units)))
        return found

    def _draw_weights(
        self, layer: int, below: Column, above: Column, colours: Any, numbers: bool, size: float
    ) -> Any:
        """The lines into a layer, the widest on top."""
        from matplotlib.collections import LineCollection

        w = self.weights[layer][np.ix_(below.units, above.units)]
        largest = colours.norm.vmax
        places = sorted(np.ndindex(*w.shape), key=lambda place: abs(w[place]))
        ends: Any = [((below.x, below.heights[i]), (above.x, above.heights[j])) for i, j in places]
        values = np.array([w[place] for place in places], float)
        shares = np.nan_to_num(np.abs(values) / largest, nan=1.0, posinf=1.0)
        lines = LineCollection(
            ends, colors=colours.to_rgba(values), linewidths=THINNEST + (WIDEST - THINNEST) * shares, zorder=1
        )
        self.ax_.add_collection(lines)
        if numbers and w.size <= NUMBERED:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
            for (i, j), ((x0, y0), (x1, y1)) in zip(places, ends, strict=True):
                t = 0.22 + 0.56 * (j + 0.5) / w.shape[1]  # at another distance for each unit above
                x, y = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
                self.ax_.text(x, y, f"{w[i, j]:.3g}", size=size, ha="center", va="center", bbox=box, zorder=2)
        return lines

    def _draw_units(self, layer: int, column: Column, colours: Any, numbers: bool, size: float) -> list[Any]:
        """The circles of a layer, with names and numbers."""
        from matplotlib.colors import to_rgb
        from matplotlib.patches import Circle

        last = len(self.config.sizes) - 1
        bias = np.zeros(0) if layer == 0 else self.biases[layer - 1]
        of_layer = None if self.values is None else self.values[layer]
        largest = 1.0 if of_layer is None else _largest([of_layer])
        circles = []
        for k, y in zip(column.units, column.heights, strict=True):
            b = None if bias.size == 0 else float(bias[k if bias.size > 1 else 0])
            rim = "0.4" if b is None else colours.to_rgba(b)
            fill = "white" if of_layer is None else colours.to_rgba(of_layer[k] / largest * colours.norm.vmax)
            circle = Circle((column.x, y), RADIUS, facecolor=fill, edgecolor=rim, linewidth=RIM, zorder=3)
            circles.append(self.ax_.add_patch(circle))
            name = self.unit_names[layer][k]
            inside = name if 0 < layer < last else ""
            if of_layer is not None:
                inside = _short(float(of_layer[k]))
                dark = sum(to_rgb(fill)) < 1.5
                self._text(column.x, y, inside, SMALLER * size, color="white" if dark else "black")
            elif inside:
                self._text(column.x, y, inside, SMALLER * size)
            if layer in (0, last):
                side = -1 if layer == 0 else 1
                aside = column.x + side * (RADIUS + 0.12)
                self._text(aside, y, name, size, ha="right" if layer == 0 else "left")
            elif of_layer is not None:
                self._text(column.x, y + RADIUS + 0.04, name, SMALLER * size, va="bottom")
            if numbers and b is not None and len(column.units) <= NUMBERED // 2:
                self._text(column.x, y - RADIUS - 0.04, f"b {b:.3g}", SMALLER * size, va="top")
        if column.left_out:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
            self._text(column.x, column.gap, f"… {column.left_out:,} more …", size, bbox=box)
        return circles

    def _text(self, x: float, y: float, words: str, size: float, **style: Any) -> None:
        self.ax_.text(x, y, words, size=size, zorder=4, **{"ha": "center", "va": "center", **style})


def _default_names(config: NetworkConfig) -> list[list[str]]:
    """The glass box's: i1, h1, o1."""
    names = Names(config, tutorial=True)
    return [names.units(layer) for layer in range(len(config.sizes))]


def _title(config: NetworkConfig) -> str:
    hidden = list(dict.fromkeys(row.name for row in config.rows[:-1]))
    return f"{'-'.join(map(str, config.sizes))}: {', '.join([*hidden, config.rows[-1].name])}"


def _short(value: float) -> str:
    """A number that fits into a unit."""
    return f"{value:.3g}" if value == 0.0 or 1e-3 <= abs(value) < 1e4 else f"{value:.0e}"


def _largest(arrays: Sequence[NDArray[np.floating[Any]]]) -> float:
    """The largest finite absolute value, or 1."""
    values = np.concatenate([np.abs(array).ravel() for array in arrays])
    return float(max(values[np.isfinite(values)], default=0.0)) or 1.0
