"""The part of the estimators' docstrings that both share: most parameters, and attributes."""

from textwrap import indent
from typing import TypeVar

SCIKIT_LEARN = """
hidden_layer_sizes : int or array-like of int, default=(100,)
    Units of each hidden layer; ``()`` for none.
activation : str or list of str, default="relu"
    Of the hidden layers: "identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "softplus" or "silu"; one
    for all, or one for each.
solver : {"lbfgs", "sgd", "adam"}, default="adam"
    SciPy's L-BFGS on the whole data, or gradient descent in batches.
alpha : float, default=0.0001
    Half of it times the sum of the squared weights, divided by the weight of the batch, is added to the loss.
batch_size : int or "auto", default="auto"
    Samples per update; "auto" is 200, or all of them.
learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
    The schedule of "sgd". "invscaling" divides the rate by ``(samples seen + 1)**power_t`` after each epoch.
    "adaptive" divides it by 5 whenever there has been no progress, and stops when it is below 1e-6.
learning_rate_init : float, default=0.001
    The rate at first.
power_t : float, default=0.5
    Of "invscaling".
max_iter : int, default=200
    Epochs, or iterations of "lbfgs", at most.
shuffle : bool, default=True
    Whether each epoch visits the samples in a new order.
random_state : int, RandomState or None, default=None
    For initial weights, the held-out part and the order of samples. An int starts anew at each call.
tol : float, default=0.0001
    What counts as progress of the loss or the score; for "lbfgs" the largest gradient at the end.
verbose : bool, int or "bar", default=False
    Print each epoch's loss, or show a progress bar.
warm_start : bool, default=False
    Whether `fit` goes on from the weights it left.
momentum : float, default=0.9
    Of "sgd", from 0 to 1.
nesterovs_momentum : bool, default=True
    Nesterov's or plain momentum.
early_stopping : bool, default=False
    Whether a score on held-out samples decides when to stop and which weights to keep, not the training loss.
validation_fraction : float, default=0.1
    The part of X that is then held out.
beta_1, beta_2 : float, default=0.9 and 0.999
    Of "adam".
epsilon : float, default=1e-8
    Of "adam".
n_iter_no_change : int, default=10
    Training stops after more epochs than this without progress.
max_fun : int, default=15000
    Evaluations by "lbfgs", at most.
"""

NEW = """
huber_delta : float, default=1.0
    Where the loss "huber" passes from squared to absolute error.
scoring : str, callable or None, default=None
    The score on held-out samples, `early_stopping`'s or `X_val` and `y_val`: a scorer, or the name of one. None:
    accuracy, or R2.
clip_norm : float or None, default=None
    The greatest Euclidean norm of a batch's gradient; a longer one is scaled down. Not for "lbfgs".
callback : callable or None, default=None
    Called after each epoch, or iteration of "lbfgs", as ``callback(estimator)``; training ends when it returns
    True. It may write into `coefs_` and `intercepts_`, but not with "lbfgs".
engine : {"auto", "compiled", "python"}, default="auto"
    As in `Network`; both give the same bits.
"""

ATTRIBUTES = """
coefs_, intercepts_ : list of ndarray
    Per layer (fan_in, fan_out) and (fan_out,): views of the network's parameters. Writing into them, or an array
    in an item's place, changes the model; what does not fit is refused at the next call.
network_ : Network
    The network itself, for every call that a `Network` has. Its `loss` is the mean over samples of the sum over
    outputs; without the penalty, without clipping.
loss_ : float
    The last epoch's loss as scikit-learn reports it: with the penalty, log_loss clipped, squared errors as a mean
    over outputs (their gradient is that of the sum).
loss_curve_ : list of float
    The loss of each epoch. Not for "lbfgs".
best_loss_ : float or None
    The smallest of them; None if held-out samples decide.
validation_scores_ : list of float or None
    The score after each epoch, or iteration of "lbfgs", if there are held-out samples.
best_validation_score_ : float or None
    The greatest of them.
n_iter_ : int
    Epochs, or iterations, of the last call.
t_ : int
    Samples seen.
n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
    As in scikit-learn.
"""

Class = TypeVar("Class", bound=type)


def with_parameters(cls: Class) -> Class:
    """Fill in what the docstrings share."""
    if cls.__doc__ is not None:  # it is under python -OO
        parts = {"{scikit_learn}": SCIKIT_LEARN, "{new}": NEW, "{attributes}": ATTRIBUTES}
        for place, text in parts.items():
            cls.__doc__ = cls.__doc__.replace("    " + place, indent(text.strip(), "    "))
    return cls
