"""Which engine is chosen, said and forced; each case in a process of its own, where nothing is loaded yet."""

import os
import subprocess
import sys

import pytest
from conftest import needs_compiled

import backprop as bp
from backprop import _engine

# Makes the extension's import fail, as where it was never built.
WITHOUT_EXTENSION = "import sys; sys.modules['backprop._core'] = None; "


def run(code: str, *flags: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if name not in ("BACKPROP_ENGINE", "BACKPROP_SIMD")}
    return subprocess.run(
        [sys.executable, *flags, "-c", code], env=clean | environment, capture_output=True, text=True, timeout=60
    )


NAME = "import backprop; print(backprop.Network([2, 1]).engine)"


@pytest.mark.parametrize("forced", [pytest.param("compiled", marks=needs_compiled), "python"])
def test_the_environment_forces_an_engine(forced):
    done = run(NAME, "-W", "error", BACKPROP_ENGINE=forced)
    assert done.stdout == forced + "\n", done.stderr


@needs_compiled
def test_the_compiled_engine_is_the_default():
    for environment in ({}, {"BACKPROP_ENGINE": ""}, {"BACKPROP_ENGINE": "auto"}):
        assert run(NAME, "-W", "error", **environment).stdout == "compiled\n"


@needs_compiled
def test_the_argument_beats_the_environment():
    names = "('compiled', 'python', 'auto')"
    code = f"import backprop as bp; print(*(bp.Network([2, 1], engine=e).engine for e in {names}))"
    assert run(code, BACKPROP_ENGINE="python").stdout == "compiled python python\n"
    assert run(code, BACKPROP_ENGINE="compiled").stdout == "compiled python compiled\n"


def test_an_unknown_engine_in_the_environment():
    done = run(NAME, BACKPROP_ENGINE="gpu")
    assert done.returncode == 1
    assert "ValueError: the environment variable BACKPROP_ENGINE must be one of 'auto'" in done.stderr


def test_without_the_extension_python_serves_and_warns_once():
    code = WITHOUT_EXTENSION + "import backprop as bp\nfor _ in range(3):\n    print(bp.Network([2, 1]).engine)"
    assert run(code, "-W", "always").stderr.count("EngineWarning") == 1  # not thanks to Python's own filter
    done = run(code)
    assert done.stdout == "python\n" * 3
    assert done.stderr.count("EngineWarning") == 1
    assert "slower" in done.stderr
    assert "<string>" in done.stderr  # the warning points at the user's line, not at the package


def test_no_warning_where_python_was_asked_for():
    for code in (NAME, NAME.replace("[2, 1]", "[2, 1], engine='python'")):
        done = run(WITHOUT_EXTENSION + code, "-W", "error", BACKPROP_ENGINE="python")
        assert (done.stdout, done.stderr) == ("python\n", "")


def test_demanding_a_missing_extension_fails():
    for done in (
        run(WITHOUT_EXTENSION + NAME, BACKPROP_ENGINE="compiled"),
        run(WITHOUT_EXTENSION + NAME.replace("[2, 1]", "[2, 1], engine='compiled'")),
    ):
        assert done.returncode == 1
        assert "ImportError" in done.stderr
        assert "BACKPROP_REQUIRE_EXTENSION=1" in done.stderr


def test_a_pickle_opens_where_the_extension_is_missing(tmp_path):
    import pickle

    net, x, t = bp.examples.worked_example()
    net.train(x, t, epochs=100)
    path = tmp_path / "net.pickle"
    path.write_bytes(pickle.dumps(net))
    code = (
        f"import pickle; net = pickle.load(open({str(path)!r}, 'rb')); print(net.engine, *net.parameters.tolist())"
    )
    done = run(WITHOUT_EXTENSION + code, BACKPROP_ENGINE="python")
    assert done.stdout.split() == ["python", *map(repr, net.parameters.tolist())], done.stderr


def test_show_config(capsys, both):
    bp.show_config()
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["backprop"] == bp.__version__
    assert rows["engine"] in both
    assert {"instruction", "compiled", "Python", "NumPy", "platform", "BACKPROP_ENGINE"} <= set(rows)


def test_show_config_without_the_extension():
    done = run(WITHOUT_EXTENSION + "import backprop; backprop.show_config()", BACKPROP_ENGINE="python")
    assert "engine           python (no compiled engine: " in done.stdout


# ---- instruction sets --------------------------------------------------------------------------------------

SET = "from backprop import _engine; print(_engine.pick('compiled').INSTRUCTION_SET)"
RUNS = getattr(_engine.compiled_engine(), "RUNS", ())  # the widest first
NAMES = {"avx512": "AVX-512\n", "avx2": "AVX2\n"}
needs_avx2 = pytest.mark.skipif("avx2" not in RUNS, reason="this processor does not run AVX2")


@needs_compiled
@needs_avx2
def test_the_widest_instruction_set_is_the_default_and_any_can_be_forced():
    assert run(SET).stdout == run(SET, BACKPROP_SIMD="auto").stdout == NAMES[RUNS[0]]
    for level in RUNS:
        assert run(SET, BACKPROP_SIMD=level).stdout == NAMES[level]
    assert run(SET, BACKPROP_SIMD="baseline").stdout.startswith("SSE2")


@needs_compiled
def test_an_unknown_instruction_set():
    done = run(SET, BACKPROP_SIMD="mmx")
    assert done.returncode == 1
    assert (
        "ValueError: the environment variable BACKPROP_SIMD must be one of 'auto', 'baseline', 'avx2', 'avx512'"
        in done.stderr
    )


@needs_compiled
def test_an_instruction_set_that_is_not_there():
    """No poor processor is at hand: the extensions are taken away, or the processor denies what it runs."""
    missing = "import sys; sys.modules.update({f'backprop._core_{name}': None for name in ('avx2', 'avx512')}); "
    assert run(missing + SET).stdout == run(SET, BACKPROP_SIMD="baseline").stdout
    denying = "import backprop._core as core; core.RUNS = (); "
    assert run(denying + SET).stdout == run(SET, BACKPROP_SIMD="baseline").stdout
    for level in ("avx2", "avx512"):
        for taken_away, words in ((missing, f"_core_{level}"), (denying, "does not run")):
            done = run(taken_away + SET, BACKPROP_SIMD=level)
            assert done.returncode == 1
            assert "ImportError" in done.stderr
            if level in RUNS or taken_away is denying:
                assert words in done.stderr


@needs_compiled
@needs_avx2
def test_a_build_that_is_missing_gives_way_to_the_next():
    widest_missing = f"import sys; sys.modules['backprop._core_{RUNS[0]}'] = None; "
    rest = {**NAMES, "baseline": run(SET, BACKPROP_SIMD="baseline").stdout}
    assert run(widest_missing + SET).stdout == rest[[*RUNS, "baseline"][1]]


@needs_compiled
@needs_avx2
def test_every_instruction_set_gives_the_same_bits():
    code = """
import backprop as bp, numpy as np
rng = np.random.RandomState(5)
for dtype in ("float64", "float32"):
    for sizes in ([2, 2, 2], [5, 9, 3], [33, 17, 6, 4]):
        for optimizer in ("sgd", "adam"):
            X, T = rng.normal(size=(40, sizes[0])), rng.uniform(size=(40, sizes[-1]))
            net = bp.Network(sizes, activation="tanh", dtype=dtype, random_state=rng)
            history = net.train(X, T, epochs=5, batch_size=7, optimizer=optimizer, learning_rate=0.37, l2=0.01)
            print(history.tobytes().hex(), net.parameters.tobytes().hex())
"""
    expected = run(code, BACKPROP_SIMD="baseline").stdout
    assert expected != ""
    for level in RUNS:
        assert run(code, BACKPROP_SIMD=level).stdout == expected
