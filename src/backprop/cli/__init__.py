"""The command line, ``backprop``: one file for each command, and `main`, which runs them.

To add a command, write its file, with a function under ``@app.command()``, and name the file in the import below.
Exit codes: 0; 1 for "no", as `check` says of a wrong sheet; 2 for input that cannot be used; 130 after Ctrl-C.
"""

import io
import sys

from .._input_errors import one_line
from . import check, demo, exercise, sheet, sweep, trace, verify  # noqa: F401  (each adds its command)
from .app import app

__all__ = ["main"]


def main() -> None:
    """Run the command line; errors of use are told in a line, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 shows what it can
    try:
        app(prog_name="backprop")
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImportError, MemoryError, OSError, ValueError, ArithmeticError) as error:
        print(f"backprop: {one_line(error)}", file=sys.stderr)
        sys.exit(2)
