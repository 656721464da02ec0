"""Custom activations and losses: the table's own functions give the table's bits; no training before a check."""

import copy
import gc
import math
import pickle
import threading
from itertools import pairwise

import numpy as np
import pytest
from bits import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from strategies import OPTIMIZERS, RATES, cases, sample_weights

import backprop as bp
from backprop import _config, _custom, _engine, _standing
from backprop._single import Single
from backprop.functions import ACTIVATIONS, LOSSES, Huber
from backprop.glassbox.recording import record_step

X = np.random.RandomState(0).normal(size=(6, 3))
T = np.random.RandomState(1).uniform(0.1, 0.9, size=(6, 2))

# ---- functions of a user's -----------------------------------------------------------------------------------


def own(name: str) -> bp.CustomActivation:
    """A built-in activation, given as if it were a user's."""
    row = ACTIVATIONS[name]
    flags = {"relu_like": row.relu_like, "hidden": row.hidden, "output": row.output}
    return bp.CustomActivation(
        name=f"own_{name}",
        formula=row.formula,
        value=row.value,
        derivative=row.derivative,
        kinks=row.kinks,
        **flags,
    )


def own_loss(name: str, huber_delta: float = 1.0) -> bp.CustomLoss:
    """A built-in loss that does not look at net, given as if it were a user's."""
    row = Huber(huber_delta) if name == "huber" else LOSSES[name]
    return bp.CustomLoss(
        name=f"own_{name}", formula=row.formula, value=lambda out, target: row.value(math.nan, out, target),
        derivative=row.gradient, kinks=row.kinks, target_range=row.target_range,
        output_activations=row.output_activations,
    )  # fmt: skip


class Softsign:
    """As little as an object needs."""

    name = "softsign"
    formula = "net / (1 + |net|)"

    def value(self, net):
        return net / (1.0 + abs(net))

    def derivative(self, net, out):
        return (1.0 - abs(out)) * (1.0 - abs(out))


class GeluTanh:
    """Hendrycks and Gimpel (2016), with tanh for the normal distribution's."""

    name = "gelu_tanh"
    formula = "0.5*net * (1 + tanh(s))"
    derivative_formula = "0.5 * (1 + tanh(s)) + 0.5*net * (1 - tanh(s)^2) * s'"
    relu_like = True

    def value(self, net):
        return 0.5 * net * (1.0 + math.tanh(self.inner(net)))

    def derivative(self, net, out):
        tanh = math.tanh(self.inner(net))
        return 0.5 * (1.0 + tanh) + 0.5 * net * (1.0 - tanh * tanh) * 0.7978845608 * (1.0 + 0.134145 * net * net)

    def inner(self, net):
        return 0.7978845608 * (net + 0.044715 * net * net * net)


class LogCosh:
    name = "log_cosh"
    formula = "log(cosh(out - target))"

    def value(self, out, target):
        return math.log(math.cosh(out - target))

    def derivative(self, out, target):
        return math.tanh(out - target)


class Quantile:
    """Koenker and Bassett (1978)."""

    formula = "q*(target - out) if out < target else (1 - q)*(out - target)"
    kinks = (0.0,)

    def __init__(self, q):
        self.q, self.name = q, f"quantile_{q}"

    def value(self, out, target):
        return self.q * (target - out) if out < target else (1.0 - self.q) * (out - target)

    def derivative(self, out, target):
        return -self.q if out < target else 1.0 - self.q


def activation(value=lambda net: 2.0 * net, derivative=lambda net, out: 2.0, **more):
    return bp.CustomActivation(**{"name": "mine", "formula": "2*net", **more}, value=value, derivative=derivative)


def loss(
    value=lambda out, target: (out - target) ** 2, derivative=lambda out, target: 2.0 * (out - target), **more
):
    return bp.CustomLoss(**{"name": "mine", "formula": "d^2", **more}, value=value, derivative=derivative)


def small(**options):
    return bp.Network([3, 4, 2], **options, random_state=3)


# ---- the same bits as the table -------------------------------------------------------------------------------


def customised(options: dict, huber_delta: float) -> dict:
    """The same arguments with every function that can be a user's replaced by a user's."""
    hidden, output = options["activation"], options["output_activation"]
    made = options | {"activation": own(hidden) if isinstance(hidden, str) else [own(name) for name in hidden]}
    if options["loss"] != "log_loss":  # it is computed from net, which a user's is not told
        if output != "softmax" and options["loss"] != "poisson":
            made["output_activation"] = own(output)
        made["loss"] = own_loss(
            options["loss"], Single(huber_delta) if options["dtype"] == "float32" else huber_delta
        )
    return made


def pass_gradcheck(*functions):
    for function in functions:
        if not isinstance(function, str):
            _standing.record(function, "")


@given(cases(max_samples=5, max_hidden=2, width=st.integers(1, 5)), st.sampled_from(OPTIMIZERS), st.data())
def test_the_tables_functions_as_a_users_give_the_same_bits(case, optimizer, data):
    rate, l2 = data.draw(st.sampled_from(RATES)), data.draw(st.sampled_from([0.0, 0.37]))
    weights = sample_weights(case.n_samples, case.seed) if data.draw(st.booleans()) else None
    X, T = case.draw()
    own = customised(case.options, case.options["huber_delta"])
    found = []
    with pytest.MonkeyPatch.context() as patch:
        if case.options["loss"] != "log_loss":
            patch.setattr(_config, "SHORTCUTS", frozenset())  # a user's pair has none
        for options in (case.options, own):
            net = bp.Network(case.sizes, **options, random_state=case.seed, engine="python")
            pass_gradcheck(*net.config.activation, net.config.output_activation, net.config.loss)
            gradients = net.gradients(X, T, weights)
            numbers = [net.parameters, net.loss(X, T, weights), *net.nets(X), *net.activations(X)]
            numbers += [*gradients.weights, *gradients.biases, gradients.inputs]
            name, arguments = optimizer
            try:
                history = net.train(
                    X, T, optimizer=getattr(bp, name)(**arguments), learning_rate=rate, l2=l2, epochs=2,
                    batch_size=2, sample_weight=weights,
                )  # fmt: skip
            except bp.DivergenceError as error:
                history = [error.epoch, error.layer]
            found.append([*numbers, history, net.parameters])
    for builtin, custom in zip(*found, strict=True):
        assert_same_bits(builtin, custom)


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.per_unit])
def test_every_activation_of_the_table_passes_as_a_users(name):
    where = "activation" if ACTIVATIONS[name].hidden else "output_activation"
    net = small(**{where: own(name)})
    check = bp.gradcheck(net, X, T)
    assert check.ok, str(check)
    assert net.train(X, T, epochs=2).shape == (2,)


@pytest.mark.parametrize("name", [name for name, row in LOSSES.items() if row.has_gradient])
@pytest.mark.parametrize("output", ["identity", "logistic", "exp", "softmax"])
def test_every_loss_of_the_table_passes_as_a_users(name, output):
    made = own_loss(name)
    if made.output_activations and output not in made.output_activations:
        return
    net = small(loss=made, output_activation=output)
    check = bp.gradcheck(net, X, T)
    assert check.ok, str(check)
    assert net.train(X, T, epochs=2).shape == (2,)


@pytest.mark.parametrize("function", [Softsign(), GeluTanh()], ids=lambda each: each.name)
@pytest.mark.parametrize("where", ["activation", "output_activation"])
def test_a_users_activation(function, where):
    net = small(**{where: function})
    assert bp.gradcheck(net, X, T, inputs=True).ok
    history = net.train(X, T, epochs=300, batch_size=2, optimizer=bp.SGD(momentum=0.5), learning_rate=0.1)
    assert history[-1] < 0.7 * history[0]
    assert_same_bits(net.activations(X[0])[0 if where == "activation" else 1][0],
                     function.value(float(net.nets(X[0])[0 if where == "activation" else 1][0])))  # fmt: skip


@pytest.mark.parametrize("output", ["logistic", "softmax"])
def test_a_users_activation_below_a_loss_that_has_only_its_shortcut(output):
    net = small(activation=Softsign(), output_activation=output, loss="log_loss")
    targets = T / T.sum(axis=1, keepdims=True)
    assert bp.gradcheck(net, X, targets).ok
    history = net.train(X, targets, epochs=300, learning_rate=0.1)
    assert history[-1] < history[0]


@pytest.mark.parametrize("function", [LogCosh(), Quantile(0.9)], ids=lambda each: each.name)
def test_a_users_loss(function):
    net = small(output_activation="identity", loss=function)
    check = bp.gradcheck(net, X, T, sample_weight=np.arange(6.0))
    assert check.ok, str(check)
    history = net.train(X, T, epochs=300, optimizer="adam", learning_rate=0.01)
    assert history[-1] < 0.5 * history[0]
    assert net.loss(X[0], T[0]) == sum(map(function.value, net.forward(X[0]).tolist(), T[0].tolist()))


def test_the_quantile_is_what_is_learnt():
    """A network of a bias alone finds the quantile of its targets: 0.9 of them are below it."""
    net = bp.Network([1, 1], output_activation="identity", loss=Quantile(0.9), random_state=0)
    targets = np.random.RandomState(0).permutation(np.linspace(0.5, 1.5, 101))
    inputs = np.zeros((101, 1))
    assert bp.gradcheck(net, inputs, targets).ok
    net.train(inputs, targets, epochs=400, batch_size=101, learning_rate=0.02)
    assert abs(float((targets < net.forward([0.0])[0]).mean()) - 0.9) < 0.03


def test_initial_weights_follow_relu_like():
    like, unlike = small(activation=activation(relu_like=True)), small(activation=activation())
    assert_same_bits(like.parameters, small(activation="relu").parameters)
    assert_same_bits(unlike.parameters, small(activation="tanh").parameters)


def test_float32_numbers_come_back_as_such():
    row = _custom.CustomActivationRow("activation", Softsign())
    net = Single(0.3)
    assert type(row.value(net)) is Single
    assert row.value(net) == np.float32(0.3) / (np.float32(1.0) + np.float32(0.3))
    assert type(row.derivative(net, row.value(net))) is Single
    exact = _custom.CustomLossRow("loss", LogCosh()).value(Single(0.0), Single(0.7), Single(0.1))
    assert (type(exact), exact) == (Single, np.float32(exact))
    assert type(_custom.CustomActivationRow("", activation(lambda net: 1)).value(0.5)) is float


@pytest.mark.parametrize("options", [{"activation": Softsign()}, {"loss": LogCosh()}], ids=["activation", "loss"])
def test_a_float32_network_is_checked_and_trained(options):
    net = small(**options, dtype="float32")
    assert bp.gradcheck(net, X, T).ok
    history = net.train(X, T, epochs=100)
    assert history[-1] < history[0]
    assert net.forward(X).dtype == np.float32


# ---- no training before a check ---------------------------------------------------------------------------------


def test_nothing_that_updates_works_before_a_check_and_everything_else_does():
    net = small(activation=Softsign(), loss=LogCosh())
    before = net.parameters
    optimizer = bp.SGD(momentum=0.5)
    for call in (lambda: net.step(X[0], T[0]), lambda: net.train(X, T, optimizer=optimizer)):
        with pytest.raises(bp.UncheckedFunctionError, match=r"activation 'softsign'.*gradcheck.*not been checked"):
            call()
    assert_same_bits(net.parameters, before)
    small().train(X, T, optimizer=optimizer)  # it does not belong to the network that refused
    assert net.forward(X).shape == (6, 2)
    assert net.gradients(X, T).inputs.shape == X.shape
    step = record_step(net, X, T)
    assert_same_bits(net.parameters, before)
    assert bp.gradcheck(net, X, T).ok
    net.train(X, T, batch_size=6, learning_rate=0.5)
    assert_same_bits(net.weights[0], step.new_weights[0])


def test_the_check_is_remembered_of_the_object():
    softsign = Softsign()
    assert bp.gradcheck(small(activation=softsign), X, T).ok
    gc.collect()
    net = bp.Network([3, 2, 2, 2], activation=["tanh", softsign])
    net.train(X, T)
    for twin in (net.copy(), copy.deepcopy(net)):
        twin.train(X, T)
        assert twin.config.activation[1] is softsign
    for other in (Softsign(), copy.deepcopy(softsign), pickle.loads(pickle.dumps(softsign))):
        with pytest.raises(bp.UncheckedFunctionError, match="not been checked"):
            small(activation=other).train(X, T)
    with pytest.raises(bp.UncheckedFunctionError, match="not been checked"):
        pickle.loads(pickle.dumps(net)).train(X, T)


def test_both_functions_of_a_network_must_have_passed():
    softsign = Softsign()
    bp.gradcheck(small(activation=softsign), X, T)
    with pytest.raises(bp.UncheckedFunctionError, match="loss 'log_cosh'") as caught:
        small(activation=softsign, loss=LogCosh()).train(X, T)
    assert caught.value.function == "loss 'log_cosh'"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_it_is_forgotten_with_the_object():
    made = [Softsign() for _ in range(50)]
    for each in made:
        _standing.record(each, "")
    ids = {id(each) for each in made}
    assert ids <= set(_standing._STANDINGS)
    del made, each
    gc.collect()
    assert not ids & set(_standing._STANDINGS)


def test_an_attribute_that_changes_ends_it():
    quantile = Quantile(0.9)
    net = small(output_activation="identity", loss=quantile)
    assert bp.gradcheck(net, X, T).ok
    quantile.q = 0.9 + 0.0  # an equal number is no change
    net.train(X, T)
    quantile.q = 0.8
    with pytest.raises(bp.UncheckedFunctionError, match="attribute 'q' has changed"):
        net.train(X, T)
    assert bp.gradcheck(net, X, T).ok
    net.train(X, T)
    quantile.derivative = lambda out, target: 0.0
    with pytest.raises(bp.UncheckedFunctionError, match="attribute 'derivative' has changed"):
        net.train(X, T)


def test_an_attribute_in_a_slot_and_an_object_without_weak_references():
    class Bare:
        __slots__ = ("slope",)
        name, formula, value, derivative = (
            "bare",
            "s*net",
            lambda s, net: s.slope * net,
            lambda s, net, out: s.slope,
        )

    bare = Bare()
    bare.slope = 1.5
    net = small(activation=bare)
    assert bp.gradcheck(net, X, T).ok
    net.train(X, T)
    bare.slope = 2.5
    with pytest.raises(bp.UncheckedFunctionError, match="attribute 'slope' has changed"):
        net.train(X, T)


@pytest.mark.parametrize("factor", [1.0 + 1e-5, -1.0, 0.0, 0.5])
def test_a_wrong_derivative_is_refused(factor):
    wrong = activation(Softsign().value, lambda net, out: factor * Softsign().derivative(net, out))
    net = small(activation=wrong)
    check = bp.gradcheck(net, X, T)
    assert not check.ok
    assert not check
    assert [each.verdict for each in check.functions] == ["differs"]
    assert "activation 'mine' differs" in repr(check)
    assert "activation 'mine' differs: at net=" in str(check)
    with pytest.raises(bp.UncheckedFunctionError, match="differences of the value say"):
        net.train(X, T)


@pytest.mark.parametrize("factor", [1.0 + 1e-5, -1.0, 0.0, 0.5])
def test_a_wrong_derivative_of_a_loss_is_refused(factor):
    wrong = loss(derivative=lambda out, target: factor * 2.0 * (out - target))
    check = bp.gradcheck(small(loss=wrong), X, T)
    assert not check.ok
    assert "loss 'mine' differs: at out=" in str(check)
    with pytest.raises(bp.UncheckedFunctionError):
        small(loss=wrong).step(X[0], T[0])


def test_a_derivative_that_is_wrong_where_the_network_does_not_go_is_refused():
    hinge = activation(lambda net: net, lambda net, out: 1.0 if net < 5.0 else 1.001)
    check = bp.gradcheck(small(activation=hinge), X, T)
    assert not check.differing  # no gradient of the network shows it
    assert not check.ok
    huge = loss(derivative=lambda out, target: 2.0 * (out - target) if out - target < 2.0 else 4.0)
    check = bp.gradcheck(small(loss=huge, output_activation="identity"), X, T)
    assert not check.differing
    assert not check.ok
    assert bp.gradcheck(small(loss=huge, output_activation="logistic"), X, T).ok  # whose outs do not go there


def test_a_failing_check_takes_a_passing_one_back():
    fickle = activation()
    net = small(activation=fickle)
    assert bp.gradcheck(net, X, T).ok
    net.train(X, T)
    wrong = net.gradients(X, T)
    net.gradients = lambda *_: wrong._replace(weights=tuple(2.0 * array for array in wrong.weights))
    assert not bp.gradcheck(net, X, T).ok
    with pytest.raises(bp.UncheckedFunctionError, match=r"\d+ of 26 derivatives of the network differ"):
        net.train(X, T)
    del net.gradients
    assert bp.gradcheck(net, X, T).ok
    net.train(X, T)
    with pytest.raises(ValueError, match="T has shape"):
        bp.gradcheck(net, X, T[:, :1])  # no check: nothing was computed
    net.train(X, T)


def test_a_function_that_raises_in_its_check_has_failed():
    moody = activation(lambda net: net if net < 100.0 else [][1], lambda net, out: 1.0)
    net = small(activation=moody)
    assert bp.gradcheck(net, X, T).ok
    with pytest.raises(IndexError):
        bp.gradcheck(net, 1e4 * X, T)
    with pytest.raises(bp.UncheckedFunctionError, match="IndexError"):
        net.train(X, T)


def test_a_function_that_is_not_reached_has_not_passed():
    relu = own("relu")
    dead = small(activation=relu)
    dead.biases[0][...] = -100.0
    check = bp.gradcheck(dead, X, T)
    assert not check.differing
    assert not check.ok
    assert [each.verdict for each in check.functions] == ["unreached"]
    with pytest.raises(bp.UncheckedFunctionError, match="not been checked"):
        dead.train(X, T)
    assert bp.gradcheck(small(activation=relu), X, T).ok
    bp.gradcheck(dead, X, T)  # says nothing about it, so takes nothing back
    dead.train(X, T)


def test_a_function_whose_gradients_are_all_at_a_kink_has_not_passed():
    relu = own("relu")
    net = bp.Network([2, 2, 1], activation=relu, random_state=0)
    net.weights[0] = [[1.0, -1.0], [-1.0, 1.0]]  # both nets are exactly 0
    check = bp.gradcheck(net, [0.3, 0.3], [1.0])
    assert check.kinks
    assert "(own_relu) crosses a kink" in check.kinks[0].kink
    assert [each.verdict for each in check.functions] == ["unreached"]


def test_a_function_that_is_only_kinks_has_not_passed():
    ragged = activation(lambda net: net, lambda net, out: 1.0, kinks=[0.25 * k for k in range(-200, 201)])
    net = bp.Network([1, 1, 1], activation=ragged, random_state=0)
    net.weights[0] = [[1.0]]
    check = bp.gradcheck(net, [0.25], [1.0])
    assert [(each.verdict, each.points) for each in check.functions] == [("unreached", 0)]


def test_a_kink_that_is_not_declared_is_pointed_out():
    undeclared = activation(lambda net: max(net, 0.0), lambda net, out: float(net > 0.0))
    check = bp.gradcheck(small(activation=undeclared), X, T)
    assert not check.ok
    assert "at net=0.0" in check.functions[0].detail
    assert "kinks" in check.functions[0].detail
    several = activation(
        lambda net: min(max(net, -1.0), 1.0), lambda net, out: float(-1.0 < net < 1.0), kinks=[-1.0, 1.0]
    )
    assert bp.gradcheck(small(activation=several), X, T).ok


def test_a_function_that_is_not_defined_everywhere():
    root = activation(lambda net: math.sqrt(net), lambda net, out: 0.5 / out, name="root", hidden=False)
    net = small(activation="softplus", output_activation=root)
    net.weights[1] = np.abs(net.weights[1])
    check = bp.gradcheck(net, X, T)
    assert check.ok, str(check)
    assert check.functions[0].left_out > 40  # half the grid, and 0


@pytest.mark.parametrize("threads", [4])
def test_checks_in_several_threads(threads):
    functions = [Softsign() for _ in range(threads)]
    done = []

    def work(function):
        bp.gradcheck(small(activation=function), X[:2], T[:2])
        done.append(small(activation=function).step(X[0], T[0]))

    each = [threading.Thread(target=work, args=(function,)) for function in functions]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    assert len(set(done)) == 1
    assert len(done) == threads


# ---- what goes wrong inside a function --------------------------------------------------------------------------


def fails_after(calls, how):
    """A value function that works a number of times and then fails."""
    counter = iter(range(10**9))

    def value(net):
        return net if next(counter) < calls else how()

    return value


def raises():
    raise LookupError("a table of the user's")


WRONG = [
    (raises, LookupError, "a table of the user's"),
    (lambda: math.nan, ValueError, r"value\(net=.*\) of the custom activation 'mine' returned NaN"),
    (lambda: 1j, TypeError, r"value\(net=.*\) of the custom activation 'mine' returned 1j, not a number"),
    (lambda: np.zeros(1), TypeError, r"returned array\(\[0\.\]\), not a number"),
    (lambda: None, TypeError, "returned None, not a number"),
    (lambda: "1.0", TypeError, "returned '1.0', not a number"),
    (lambda: 10**400, ValueError, "beyond the range of floats"),
]


@pytest.mark.parametrize(("how", "error", "message"), WRONG, ids=lambda each: getattr(each, "__name__", None))
def test_a_function_that_fails_in_a_run_leaves_all_as_it_was(how, error, message):
    failing = activation(fails_after(2000, how), lambda net, out: 1.0)
    net = small(activation=failing)
    pass_gradcheck(failing)
    optimizer = bp.Adam()
    net.train(X, T, optimizer=optimizer)
    before = net.parameters
    moments, powers = copy.deepcopy(optimizer._moments), optimizer._powers.copy()
    with pytest.raises(error, match=message) as caught:
        net.train(X, T, epochs=10**6, optimizer=optimizer, callback=lambda *_: None)
    if error is LookupError:
        assert caught.value.__notes__[0].startswith("raised by value(net=")
        assert caught.value.__notes__[0].endswith("of the custom activation 'mine'")
    assert_same_bits(net.parameters, before)
    for kept, moment in zip(moments, optimizer._moments, strict=True):
        assert_same_bits(kept, moment)
    assert_same_bits(powers, optimizer._powers)
    with pytest.raises(error, match=message):
        net.train(X, T)  # not "being trained by another call"
    with pytest.raises(error, match=message):
        net.forward(X)


NAMED = [
    ({"activation": activation(derivative=lambda net, out: None)}, r"derivative\(net=.*, out=.*\) .*activation"),
    ({"loss": loss(derivative=lambda out, target: None)}, r"derivative\(out=.*, target=.*\) .*loss 'mine'"),
    ({"loss": loss(lambda out, target: None)}, r"value\(out=.*, target=.*\) .*loss 'mine'"),
]


@pytest.mark.parametrize(("wrong", "words"), NAMED, ids=["derivative", "loss derivative", "loss value"])
def test_each_function_is_named_with_its_arguments(wrong, words):
    call = "loss" if "value" in words else "gradients"
    with pytest.raises(TypeError, match=words):
        getattr(small(**wrong), call)(X, T)


def test_divergence_is_found_as_of_any_network():
    steep = activation(lambda net: net * net * net, lambda net, out: 3.0 * net * net, name="cubic")
    net = small(activation=steep, output_activation="identity")
    assert bp.gradcheck(net, X, T).ok
    before = net.parameters
    for record_loss in (True, False):
        with pytest.raises(bp.DivergenceError):
            net.train(X, T, epochs=50, learning_rate=1.0, record_loss=record_loss)
        assert_same_bits(net.parameters, before)


def test_a_function_is_never_asked_about_infinity():
    asked = []
    watching = activation(lambda net: asked.append(net) or net, lambda net, out: 1.0)
    net = small(activation=["tanh"], output_activation=watching)
    net.weights[1] = np.full((4, 2), 1e308)
    net.biases[0][...] = 5.0
    assert np.isnan(net.forward(X)).any()
    assert np.isfinite(asked).all()


# ---- the network around it --------------------------------------------------------------------------------------


def test_engine(monkeypatch, both):
    softsign = Softsign()
    assert small(activation=softsign).engine == "python"
    assert small(activation=softsign, engine="python").engine == "python"
    with pytest.raises(ValueError, match=r"engine='compiled'.*activation 'softsign'"):
        small(activation=softsign, engine="compiled")
    monkeypatch.setenv("BACKPROP_ENGINE", "compiled")
    assert small(activation=softsign).engine == "python"
    assert small().engine == "compiled"
    with pytest.raises(TypeError, match="engine"):
        small(activation=softsign, engine=3)


def test_doors_name_an_unknown_function(both):
    rest = (False, "none", True, False, 1.0, "float64", (4,), (0,), (4,), 4)
    for name in both:
        door = _engine.pick(name).make_plan
        for wrong in ("softsign", Softsign()):
            with pytest.raises(ValueError, match="has no activation"):
                door((1, 1), (wrong,), "squared_error", *rest)
            with pytest.raises(ValueError, match="has no loss"):
                door((1, 1), ("tanh",), wrong, *rest)


def test_copies_comparison_config_repr():
    softsign, quantile = Softsign(), Quantile(0.9)
    net = bp.Network([3, 4, 4, 2], activation=[softsign, "tanh"], loss=quantile, random_state=0)
    assert net.config.activation == (softsign, "tanh")
    assert net.config.loss is quantile
    assert (
        repr(net) == "<Network([3, 4, 4, 2], activation=[<softsign>, 'tanh'], loss=<quantile_0.9>): 46 parameters>"
    )
    assert net.copy() == net
    assert net.copy().config.loss is quantile
    other = bp.Network([3, 4, 4, 2], activation=[softsign, "tanh"], loss=Quantile(0.9), random_state=0)
    assert net != other
    assert "activation=<softsign>" in repr(small(activation=softsign))
    assert small(activation=np.array([softsign], dtype=object)).config.activation == (softsign,)


def test_one_object_in_two_layers_is_one_function():
    softsign = Softsign()
    net = bp.Network([3, 4, 4, 2], activation=softsign, output_activation=softsign, random_state=0)
    assert len(bp.gradcheck(net, X, T).functions) == 1
    net.train(X, T)


def test_functions_that_cannot_be_hashed_or_compared():
    class Odd(Softsign):
        __hash__ = None

        def __eq__(self, other):
            raise TypeError("not comparable")

    net = small(activation=Odd(), output_activation=Odd())
    assert bp.gradcheck(net, X, T).ok
    net.train(X, T)
    assert net.copy() == net
    assert "output_activation=<softsign>" in repr(net)


def test_pickle():
    net = small(activation=Softsign(), loss=Quantile(0.7))
    bp.gradcheck(net, X, T)
    again = pickle.loads(pickle.dumps(net))
    assert_same_bits(again.forward(X), net.forward(X))
    assert again.config.loss.q == 0.7
    assert again != net  # other objects, which do not say that they equal these
    with pytest.raises(pickle.PicklingError, match=r"custom loss 'mine' cannot be pickled: .*lambda.*top level"):
        pickle.dumps(small(loss=loss()))


def test_the_glass_box_shows_name_and_formula():
    net = bp.Network([2, 2, 1], activation=GeluTanh(), loss=Quantile(0.9), random_state=0)
    trace = net.trace([0.3, -0.2], [0.7], learning_rate=0.1)
    step = trace.step
    assert trace["out_h1"].formula == "0.5*net_h1 * (1 + tanh(s))"
    assert_same_bits(trace["out_h1"].value, GeluTanh().value(float(step.nets[0][0, 0])))
    assert trace["dout_h2/dnet_h2"].formula.startswith("0.5 * (1 + tanh(s)) + 0.5*net_h2")
    assert (
        trace["E_o1"].formula == "q*(target_o1 - out_o1) if out_o1 < target_o1 else (1 - q)*(out_o1 - target_o1)"
    )
    assert trace["dE/dout_o1"].formula == "quantile_0.9'(out_o1, target_o1)"
    assert [row.name for row in step.activations] == ["gelu_tanh", "logistic"]
    for layer, (row, nets) in enumerate(zip(step.activations, step.nets, strict=True)):
        expected = [
            row.derivative(*pair) for pair in zip(nets[0].tolist(), step.outs[layer][0].tolist(), strict=True)
        ]
        assert_same_bits(step.derivatives[layer][0], expected)


def test_callback_stops_and_losses_fall():
    softsign = Softsign()
    net = small(activation=softsign)
    bp.gradcheck(net, X, T)
    seen = []
    net.train(X, T, epochs=9, callback=lambda epoch, _, loss: seen.append(loss) or epoch == 3)
    assert len(seen) == 4
    assert all(b < a for a, b in pairwise(seen))


# ---- bad input --------------------------------------------------------------------------------------------------


class Nothing:
    name, formula, value, derivative = "mine", "f", staticmethod(abs), staticmethod(abs)


def but(**attributes):
    """An object with one thing wrong; None: missing."""
    made = type("Wrong", (), {**vars(Nothing), **attributes})()
    for key, value in attributes.items():
        if value is None:
            delattr(type(made), key)
    return made


BAD = [
    (but(name=None), TypeError, "no attribute 'name'"),
    (but(formula=None), TypeError, "no attribute 'formula'"),
    (but(value=None), TypeError, "no attribute 'value'"),
    (but(derivative=None), TypeError, "no attribute 'derivative'"),
    (but(name=3), TypeError, r"\.name must be a string, not 3"),
    (but(name=" "), ValueError, r"\.name must be a line of text, not ' '"),
    (but(formula=b"net"), TypeError, r"\.formula must be a string, not b'net'"),
    (but(formula="a\nb"), ValueError, r"\.formula must be a line of text"),
    (but(value=0.5), TypeError, r"\.value must be callable, not 0\.5"),
    (but(derivative="1"), TypeError, r"\.derivative must be callable, not '1'"),
    (but(derivative_formula=1), TypeError, r"\.derivative_formula must be a string, not 1"),
    (but(kinks=0.0), TypeError, r"\.kinks must be finite numbers, such as \(0\.0,\), not 0\.0"),
    (but(kinks=["0"]), TypeError, r"\.kinks must be finite numbers"),
    (but(kinks=[math.nan]), ValueError, r"\.kinks must be finite numbers"),
    (Softsign, TypeError, "an object, not a class"),
]
BAD_ACTIVATIONS = [
    *BAD,
    (but(name="relu"), ValueError, "'relu', the name of a built-in activation"),
    (but(relu_like=1), TypeError, r"\.relu_like must be True or False, not 1"),
    (but(hidden=False, output=False), ValueError, "not for .* layers: its .* is False"),
    (3, TypeError, "'identity'.* or a custom activation, not 3"),
]
BAD_LOSSES = [
    *BAD,
    (but(name="huber"), ValueError, "'huber', the name of a built-in loss"),
    (but(target_range=1.0), TypeError, r"\.target_range must be None or two numbers.*not 1\.0"),
    (but(target_range=("0", "1")), TypeError, r"\.target_range must be"),
    (but(target_range=(1.0, 0.0)), ValueError, r"\.target_range must be"),
    (but(target_range=(0.0, math.nan)), ValueError, r"\.target_range must be"),
    (but(output_activations="tanh"), TypeError, r"\.output_activations must be names .*'tanh'"),
    (but(output_activations=[1]), ValueError, r"\.output_activations must be names"),
    (but(output_activations=[]), ValueError, r"\.output_activations must be names"),
    (but(output_activations=["tanh"]), ValueError, r"loss=<mine> needs output_activation 'tanh', not 'logistic'"),
    (3, TypeError, "'squared_error'.* or a custom loss, not 3"),
]


@pytest.mark.parametrize("where", ["activation", "output_activation"])
@pytest.mark.parametrize(("wrong", "error", "message"), BAD_ACTIVATIONS)
def test_bad_activations(where, wrong, error, message):
    with pytest.raises(error, match=rf"^{where}.*{message}"):
        small(**{where: wrong})
    if where == "activation":
        with pytest.raises(error, match=r"^activation\[1\]"):
            bp.Network([2, 2, 2, 2], activation=["tanh", wrong])


@pytest.mark.parametrize(("wrong", "error", "message"), BAD_LOSSES)
def test_bad_losses(wrong, error, message):
    with pytest.raises(error, match=f"^loss.*{message}|^{message}"):
        small(loss=wrong)


def test_the_ready_classes_check_at_once():
    with pytest.raises(TypeError, match=r"CustomActivation\.value must be callable"):
        activation(value=2.0)
    with pytest.raises(ValueError, match=r"CustomLoss\.name is 'poisson', the name of a built-in loss"):
        loss(name="poisson")
    with pytest.raises(TypeError, match="positional"):
        bp.CustomActivation("mine", "net", abs, abs)
    assert activation(kinks=[1, 2]).kinks == (1.0, 2.0)


def test_pairs_that_are_not_possible():
    with pytest.raises(
        ValueError, match=r"loss='poisson' needs output_activation 'logistic' or .*, not <own_exp>"
    ):
        small(loss="poisson", output_activation=own("exp"))
    with pytest.raises(ValueError, match=r"loss='log_loss' needs output_activation 'logistic'"):
        small(loss="log_loss", output_activation=own("logistic"))
    small(loss=loss(output_activations=["own_exp"]), output_activation=own("exp"))


@pytest.mark.parametrize(
    ("limits", "words"),
    [((0.0, math.inf), "of at least 0"), ((-math.inf, 0.5), "of at most 0.5"), ((0, 1), "0 to 1")],
)
def test_targets_outside_a_custom_losss_range(limits, words):
    net = small(loss=loss(target_range=limits))
    inside = np.full((6, 2), 0.5)
    outside = inside.copy()
    outside[4, 1] = -3.0 if limits[0] == 0 else 3.0
    net.loss(X, inside)
    with pytest.raises(ValueError, match=rf"T\[4, 1\].*targets .*{words} for loss=<mine>"):
        net.loss(X, outside)
