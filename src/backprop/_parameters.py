"""The parameters that both estimators have: what each may be, and the check before a fit."""

import inspect
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from ._engine import CHOICES
from .functions import ACTIVATIONS, LOSSES

HIDDEN = {name for name, row in ACTIVATIONS.items() if row.hidden}
OUTPUT = {name for name, row in ACTIVATIONS.items() if row.output}
STOCHASTIC = ("sgd", "adam")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(HIDDEN), list, tuple, np.ndarray],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose", StrOptions({"bar"})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "loss": [StrOptions(set(LOSSES))],
    "output_activation": [StrOptions(OUTPUT), None],
    "huber_delta": [Interval(Real, 0, None, closed="neither")],
    "scoring": [str, callable, None],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "callback": [callable, None],
    "engine": [StrOptions(set(CHOICES))],
}


@cache
def _right_defaults(kind: Any) -> dict[str, Any]:
    """The default of each parameter, or nothing where it is not right; reading a signature takes long."""
    found, signature = {}, inspect.signature(kind)
    for name in kind._get_param_names():
        found[name] = signature.parameters[name].default
        try:
            validate_parameter_constraints(kind._parameter_constraints, {name: found[name]}, kind.__name__)
        except InvalidParameterError:
            found[name] = inspect.Parameter.empty
    return found


def validate(estimator: Any) -> None:
    """What `BaseEstimator._validate_params` does, but for parameters that are still the default itself.

    Raises
    ------
    InvalidParameterError
        scikit-learn's, a ValueError and TypeError, with its words.
    """
    kind: Any = type(estimator)
    given = {name: (getattr(estimator, name), default) for name, default in _right_defaults(kind).items()}
    changed = {name: value for name, (value, default) in given.items() if value is not default}
    validate_parameter_constraints(estimator._parameter_constraints, changed, kind.__name__)
