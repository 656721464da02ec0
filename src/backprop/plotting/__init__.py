"""Pictures by matplotlib, which is loaded when one is drawn: loss curves and networks.

They keep to scikit-learn's convention for displays: a class method makes one, `plot` draws it on axes and leaves
`ax_` and `figure_`, so that a picture can be drawn again, elsewhere, without computing anything again.
"""

from .loss_curve import LossCurveDisplay
from .network import NetworkDisplay

__all__ = ["LossCurveDisplay", "NetworkDisplay"]
