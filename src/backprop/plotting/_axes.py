"""Where matplotlib comes in: the axes to draw on."""

from typing import Any

__all__ = ["axes_for", "refuse_without_matplotlib"]


def refuse_without_matplotlib(caller: str) -> None:
    """Raise ImportError, with what to do, if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed: python -m pip install 'backprop-mlp[plot]',"
            " or python -m pip install matplotlib"
        ) from error


def axes_for(ax: Any, caller: str, **figure_kw: Any) -> Any:
    """The given axes, or those of a new figure, which takes the keywords.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `ax` is something else.
    """
    refuse_without_matplotlib(caller)
    from matplotlib.axes import Axes

    if ax is None:
        from matplotlib import pyplot

        return pyplot.subplots(**figure_kw)[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes or None, not {type(ax).__name__}")
    return ax
