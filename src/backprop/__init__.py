"""Train small neural networks by backpropagation, in compiled code, and see every number.

The public names, loaded when first used, so that ``import backprop`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import examples as examples
    from ._engine import show_config as show_config
    from .custom import CustomActivation as CustomActivation
    from .custom import CustomLoss as CustomLoss
    from .ensemble import NetworkEnsemble as NetworkEnsemble
    from .errors import DivergenceError as DivergenceError
    from .errors import DivergenceWarning as DivergenceWarning
    from .errors import EngineWarning as EngineWarning
    from .errors import UncheckedFunctionError as UncheckedFunctionError
    from .estimators import MLPClassifier as MLPClassifier
    from .estimators import MLPRegressor as MLPRegressor
    from .glassbox.check import check as check
    from .glassbox.compare import compare as compare
    from .glassbox.gradcheck import gradcheck as gradcheck
    from .glassbox.trace import Trace as Trace
    from .network import Gradients as Gradients
    from .network import Network as Network
    from .optimizers import SGD as SGD
    from .optimizers import Adam as Adam
    from .plotting.loss_curve import LossCurveDisplay as LossCurveDisplay
    from .plotting.network import NetworkDisplay as NetworkDisplay
    from .sweeps.run import sweep as sweep
    from .sweeps.verification import verify as verify

# public name: the module that defines it; "" for a module of the package
_HOMES = {
    "Adam": "optimizers",
    "CustomActivation": "custom",
    "CustomLoss": "custom",
    "DivergenceError": "errors",
    "DivergenceWarning": "errors",
    "EngineWarning": "errors",
    "Gradients": "network",
    "LossCurveDisplay": "plotting.loss_curve",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "Network": "network",
    "NetworkDisplay": "plotting.network",
    "NetworkEnsemble": "ensemble",
    "SGD": "optimizers",
    "Trace": "glassbox.trace",
    "UncheckedFunctionError": "errors",
    "check": "glassbox.check",
    "compare": "glassbox.compare",
    "examples": "",
    "gradcheck": "glassbox.gradcheck",
    "show_config": "_engine",
    "sweep": "sweeps.run",
    "verify": "sweeps.verification",
}
__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("backprop-mlp")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    value = getattr(import_module(f"{__name__}.{home}"), name) if home else import_module(f"{__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
