"""The command line run in this process, with its exit code and what it prints."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from backprop.cli import main


class Done:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str):
        self.code, self.out, self.err = code, out, err

    def __iter__(self):
        return iter((self.code, self.out, self.err))


def backprop(*arguments: str, stdin: bytes = b"") -> Done:
    """Run ``backprop`` with these arguments. Whatever it raises but an exit comes out."""
    out, err = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin))
    with (
        mock.patch.object(sys, "argv", ["backprop", *arguments]),
        mock.patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if end.code is not None else 0
    return Done(code, out.getvalue(), err.getvalue())


def refused(*arguments: str, stdin: bytes = b"") -> str:
    """What is said of input that cannot be used: one printable line, exit code 2, nothing on standard output."""
    code, out, err = backprop(*arguments, stdin=stdin)
    assert (code, out) == (2, ""), (code, out, err)
    assert err.startswith("backprop: ")
    assert err.count("\n") == 1
    assert err[:-1].isprintable()
    return err.removeprefix("backprop: ").rstrip("\n")
