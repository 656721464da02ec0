"""The command line, in processes of its own: what the demo shows, how it looks, how it ends."""

import os
import re
import signal
import subprocess
import sys

import pytest
from conftest import needs_compiled

import backprop as bp
from backprop.glassbox.demo import lines
from backprop.glassbox.formulas import shown
from backprop.glassbox.tutorial import CONVENTIONS, PRINTED, ROUNDS

MODULE = [sys.executable, "-m", "backprop"]
# As if the extension had never been built.
WITHOUT_EXTENSION = """
import sys
sys.modules["backprop._core"] = None
sys.argv[0] = "backprop"
from backprop.cli import main
main()
"""
SHAPING = ("BACKPROP_ENGINE", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "GITHUB_ACTIONS", "PYTHONIOENCODING")


def environment(**extra: str) -> dict[str, str]:
    """This process's, without what would change how a terminal looks."""
    return {name: value for name, value in os.environ.items() if name not in SHAPING} | extra


def run(*command: str, **extra: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, env=environment(**extra), capture_output=True, text=True, timeout=60)


def demo(**extra: str) -> str:
    done = run(*MODULE, "demo", **extra)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def page() -> str:
    """The demo as it is without any wishes."""
    return demo()


@pytest.fixture(scope="module")
def page_without_extension() -> str:
    done = run(sys.executable, "-W", "error", "-c", WITHOUT_EXTENSION, "demo")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def section(page: str, number: int) -> str:
    """The text from one numbered heading to the next."""
    start = page.index(f"\n{number}. ")
    end = page.find(f"\n{number + 1}. ", start)
    return page[start : end if end > 0 else len(page)]


def one_space(text: str) -> str:
    return " ".join(text.split())


# ---- what it shows -------------------------------------------------------------------------------------------


def test_every_formula_of_the_step_is_there_with_its_numbers(page, engine):
    net, x, t = bp.examples.worked_example(engine=engine)
    trace = net.trace(x, t)
    places = {
        2: [*lines(trace, "net"), *lines(trace, "out")],
        3: [*lines(trace, "error"), *lines(trace, "loss")],
        4: [],
        5: lines(trace, "part"),
    }
    for kind in ("out_gradient", "derivative", "delta", "gradient", "new_parameter"):
        places[4] += lines(trace, kind, 2)
        places[5] += lines(trace, kind, 1)
    assert [len(formulas) for formulas in places.values()] == [8, 3, 14, 18]
    for number, expected in places.items():
        text = one_space(section(page, number))
        for f in expected:
            assert f"{f.name} = {f.symbols} = {f.numbers} = {shown(f.value)}" in text


def test_the_cross_entropy_is_there(page, engine):
    net, x, t = bp.examples.worked_example(loss="log_loss", engine=engine)
    trace = net.trace(x, t)
    text = one_space(section(page, 8))
    expected = [*lines(trace, "error"), *lines(trace, "loss"), *lines(trace, "delta")]
    assert len(expected) == 7
    for f in (*expected, *lines(trace, "gradient"), *lines(trace, "new_parameter")):
        assert f"{f.name} = {f.symbols} = {f.numbers} = {shown(f.value)}" in text
    history = net.train(x, t, epochs=ROUNDS)
    for error in (history[0], history[1], history[100], net.loss(x, t)):
        assert repr(float(error)) in text
    assert "0.010000000 and 0.990000000" in text


def test_the_network_is_drawn_with_its_numbers(page):
    text = section(page, 1)
    for k, weight in enumerate(["0.15", "0.20", "0.25", "0.30", "0.40", "0.45", "0.50", "0.55"], start=1):
        assert f"w{k} {weight} " in text
    for name, number in {
        "i1": "0.05",
        "i2": "0.1",
        "target_o1": "0.01",
        "target_o2": "0.99",
        "b1": "0.35",
        "b2": "0.6",
    }.items():
        assert f"{name} = {number}" in text


def test_the_new_weights_are_the_tutorials(page):
    assert f"The tutorial prints {PRINTED['E_total']}: the same" in one_space(section(page, 3))
    for number, first in ((4, 5), (5, 1)):
        text = one_space(section(page, number))
        *others, last = (PRINTED[f"w{k}+"] for k in range(first, first + 4))
        assert f"The tutorial prints {', '.join(others)} and {last}: the same, to every digit printed." in text
    assert "NOT the same" not in page


def test_the_error_falls_as_the_script_prints_it(page):
    text = section(page, 6)
    printed = {
        "1": "0.291027774",
        "2": "0.283547133",
        "100": "0.020046828",
        "1,000": "0.001114349",
        "10,000": "0.000035102",  # the script's 3.5102e-05
    }
    for rounds, error in printed.items():
        assert re.search(rf"^ +{rounds} +\S+ +{error}$", text, re.MULTILINE), rounds
    assert re.search(r"^ +10 ", text, re.MULTILINE)
    for figure in (PRINTED["error after 1"], PRINTED["error after 10,000"]):
        assert f" {figure} " in one_space(text)


def test_the_table_of_conventions(page, engine):
    text = section(page, 7)
    rows = re.split(r"\n\s*\n  (?=[A-D]  )", text[: text.index("* what the tutorial prints")])
    assert len(rows) == 1 + len(CONVENTIONS)
    for figure in ("error after 1", "error after 10,000", "out_o1 after 10,000", "out_o2 after 10,000"):
        assert PRINTED[figure] in rows[0]
    starred = {}
    for row, convention in zip(rows[1:], CONVENTIONS, strict=True):
        net, x, t = bp.examples.worked_example(engine=engine, **convention.options)
        net.step(x, t)
        figures = [net.loss(x, t)]
        net.train(x, t, epochs=ROUNDS - 1)
        figures += [net.loss(x, t), *net.forward(x)]
        for figure in figures:
            assert f" {figure:.9f}" in row
        starred[convention.key] = re.findall(r"\* (\S+)", row)
    closing = [PRINTED["out_o1 after 10,000"], PRINTED["error after 1"], PRINTED["out_o2 after 10,000"]]
    assert starred.pop("sequential") == closing
    assert not any(starred.values())


def test_what_the_text_says_of_the_stray_digit_is_so(page, engine):
    printed = PRINTED["error after 10,000"]
    net, x, t = bp.examples.worked_example(update_order="sequential", engine=engine)
    net.train(x, t, epochs=ROUNDS)
    sequential = f"{net.loss(x, t):.9f}"
    assert sequential in [printed[:k] + printed[k + 1 :] for k, digit in enumerate(printed) if digit == "1"]
    net, x, t = bp.examples.worked_example(engine=engine)
    net.train(x, t, epochs=ROUNDS - 1)
    assert f"{net.loss(x, t):.10f}" == printed
    text = one_space(section(page, 7))
    assert f"{printed} is B's {sequential} with a stray 1" in text
    assert f"{printed} after 9,999 rounds" in text


# ---- engines, imports ----------------------------------------------------------------------------------------


@needs_compiled
def test_both_engines_are_timed_and_compared(page):
    text = section(page, 9)
    for name in ("compiled", "pure Python"):
        assert re.search(rf"^  {name} +[\d.,]+ ms +[\d.]+ us ", text, re.MULTILINE)
    assert "The same bits from both: all 10,001 errors and the final weights." in one_space(text)
    assert "computed by the compiled engine." in one_space(text)


@needs_compiled
def test_the_other_engine_shows_the_same_numbers(page):
    other = demo(BACKPROP_ENGINE="python")
    assert other.split("\n9. ")[0] == page.split("\n9. ")[0]
    assert "by the pure-Python engine, as BACKPROP_ENGINE says." in one_space(other)


def test_without_the_extension_one_sentence_says_so(page, page_without_extension):
    text = one_space(section(page_without_extension, 9))
    assert text.count("The compiled engine is not installed here") == 1
    assert "_core" in text
    assert page_without_extension.split("\n9. ")[0] == page.split("\n9. ")[0]


def test_what_the_commands_import():
    ending = "\ntry: main()\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    code = "import sys; from backprop.cli import main" + ending
    for arguments in (["--version"], ["--help"], ["check", "--help"]):
        assert "numpy" not in run(sys.executable, "-c", code, *arguments).stderr.split()
    for command in (["sheet"], ["exercise"], ["trace"], ["check", "no file"]):
        loaded = run(sys.executable, "-c", code, *command).stderr.split()
        assert "numpy" in loaded
        assert not {"sklearn", "scipy", "pandas"} & set(loaded)
    done = run(sys.executable, "-c", code, "demo")
    assert "numpy" in done.stderr.split()
    assert "sklearn" not in done.stderr.split()
    assert re.search(r"Importing backprop with NumPy took \d+ ms; scikit-learn was not loaded\.", done.stdout)


# ---- how it looks --------------------------------------------------------------------------------------------


def test_it_is_plain_ascii_of_eighty_columns(page, page_without_extension):
    for text in (page, page_without_extension):
        assert text.isascii()
        assert text.replace("\n", "").isprintable()  # no escape codes
        assert max(map(len, text.splitlines())) <= 80


def test_an_encoding_that_is_not_utf8_changes_nothing(page):
    assert demo(PYTHONIOENCODING="ascii").split("\n9. ")[0] == page.split("\n9. ")[0]
    done = run(*MODULE, "--help", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


@pytest.mark.parametrize("columns", [66, 40, 24])
def test_a_narrow_terminal_gets_the_same_words(page, columns):
    narrow = demo(COLUMNS=str(columns))
    assert max(map(len, narrow.splitlines())) <= columns
    for number in (2, 3, 4, 5):
        words = re.sub(r"[-\s]", "", section(narrow, number))
        assert words == re.sub(r"[-\s]", "", section(page, number))


def test_a_wide_terminal_gets_eighty_columns(page):
    assert demo(COLUMNS="200").split("\n9. ")[0] == page.split("\n9. ")[0]


def test_colours_only_where_they_are_wanted(page):
    escapes = re.compile(r"\x1b\[[\d;]*m")
    coloured = demo(FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b[" in coloured
    assert escapes.sub("", coloured).split("\n9. ")[0] == page.split("\n9. ")[0]
    assert "\x1b" not in demo(FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1")


# ---- how it ends ---------------------------------------------------------------------------------------------


def test_version_and_help():
    assert run(*MODULE, "--version").stdout == f"backprop {bp.__version__}\n"
    first = run(*MODULE, "--help")
    commands = re.findall(r"^  (\w+)  ", first.stdout.partition("Commands:")[2], re.MULTILINE)
    assert {"demo", "sheet", "exercise", "trace", "check"} <= set(commands)
    for done in (first, *(run(*MODULE, command, "--help") for command in commands)):
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage: backprop" in done.stdout
        usual = [line for line in done.stdout.splitlines() if not line.startswith("    backprop ")]
        assert max(map(len, usual)) <= 80
        assert "..." not in first.stdout.partition("Commands:")[2]  # no description is cut off


def test_the_console_command_is_the_same():
    from importlib.metadata import entry_points

    from backprop.cli import main

    (command,) = entry_points(group="console_scripts", name="backprop")
    assert command.load() is main


def test_wrong_use_is_told_without_a_traceback():
    done = run(*MODULE, "nonsense")
    assert done.returncode == 2
    assert "No such command 'nonsense'" in done.stderr
    for done in (
        run(*MODULE, "demo", BACKPROP_ENGINE="gpu"),
        run(sys.executable, "-c", WITHOUT_EXTENSION, "demo", BACKPROP_ENGINE="compiled"),
    ):
        assert done.returncode == 2
        assert done.stderr.startswith("backprop: the environment variable BACKPROP_ENGINE ")
        assert done.stderr.count("\n") == 1


def start(*command: str) -> subprocess.Popen:
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def test_a_reader_that_has_seen_enough():
    with start(*MODULE, "demo") as process:
        assert [process.stdout.readline() for _ in range(2)][1].startswith("The worked example")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_ends_it_quietly():
    # In pure Python it has far to go when the first line is out. A background job's children ignore the signal.
    attend = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    with start(sys.executable, "-c", attend + WITHOUT_EXTENSION, "demo") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (130, "")
        assert "9. The two engines" not in stdout
