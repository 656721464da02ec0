"""MLPClassifier and MLPRegressor: scikit-learn's, by one changed import, with the same numbers sooner, and more.

The parameters up to `max_fun` are scikit-learn's, in its order; what follows is new. docs/estimators.md says how
equal the numbers are and where the two differ.
"""

from ._classifier import MLPClassifier
from ._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
