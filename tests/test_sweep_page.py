"""docs/sweep.md: its commands, run on its files, print what the page shows, in 80 columns."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs/sweep.md"
BLOCK = re.compile(r"(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ backprop (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def run(arguments: str, place: Path) -> str:
    """What a command prints, on either stream."""
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "backprop", *arguments.split()],
        cwd=place,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


def test_the_commands(tmp_path):
    commands = 0
    for name, language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language == "console":
            for arguments, expected in COMMAND.findall(text):
                printed = run(arguments, tmp_path)
                assert printed == expected
                assert max(map(len, printed.splitlines())) <= 80 or "verify" not in arguments
                commands += 1
    assert commands == 4
    assert (tmp_path / "iris.results.md").exists()
