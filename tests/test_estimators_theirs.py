"""scikit-learn's own tests of its MLP, with our two classes in place of theirs.

The file comes with the installed package. It is loaded a second time, under another name, while
`sklearn.neural_network` holds our classes; its tests become this module's.
"""

from importlib.util import find_spec, module_from_spec, spec_from_file_location

import pytest
from sklearn import neural_network

import backprop as bp

THEIRS = find_spec("sklearn.neural_network.tests.test_mlp").origin
pytestmark = pytest.mark.filterwarnings("default")  # their suite does not make errors of warnings


def _loaded():
    spec = spec_from_file_location("their_test_mlp", THEIRS)
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLPClassifier", "MLPRegressor"):
            patch.setattr(neural_network, name, getattr(bp, name))
        spec.loader.exec_module(module)
    return module


_module = _loaded()
_tests = {name: value for name, value in vars(_module).items() if name.startswith("test_")}
globals().update(_tests)


@pytest.fixture
def global_random_seed():
    """Their suite takes it from an environment variable; 42 is what it takes by default."""
    return 42


def test_our_classes_are_what_is_tested():
    assert _module.MLPClassifier is bp.MLPClassifier
    assert _module.MLPRegressor is bp.MLPRegressor
    assert neural_network.MLPClassifier.__module__.startswith("sklearn.")
    assert len(_tests) >= 40
