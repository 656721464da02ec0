"""Reading and writing text files, with the errors that a command tells."""

import sys
from pathlib import Path

from .._input_errors import InputError, Place
from .._text import clean

__all__ = ["LARGEST", "Text", "read_text", "write_text"]

LARGEST = 5_000_000  # bytes: 100,000 numbers with their names
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
MARK = "\ufeff"  # a byte order mark, as some editors write one before UTF-8


class Text:
    """A text that was read.

    Attributes
    ----------
    source : str
        Where it is from, for messages.
    suffix : str
        ``.json``, in small letters; empty for standard input.
    text : str
    """

    def __init__(self, source: str, suffix: str, text: str) -> None:
        self.source, self.suffix, self.text = source, suffix, text

    def place(self, offset: int) -> Place:
        """The line and column of a character."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return Place(self.source, self.text.count("\n", 0, offset) + 1, offset - line_start + 1)


def read_text(path: str) -> Text:
    """The text of a file, or for ``-`` of standard input.

    Raises
    ------
    InputError
        If it is not there, no file, larger than `LARGEST`, empty, or not UTF-8.
    """
    source = "standard input" if path == "-" else clean(path)
    try:
        if path == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise InputError(source, "there is no such file") from None
    except IsADirectoryError:
        raise InputError(source, "is a directory, not a file") from None
    except OSError as error:
        raise InputError(source, f"cannot be read ({error.strerror or error})") from None
    except ValueError as error:  # a NUL in the path
        raise InputError(source, f"is no name of a file ({error})") from None
    if len(data) > LARGEST:
        raise InputError(source, f"is larger than {LARGEST // 10**6} MB, the most that is read")
    if data.startswith(UTF_16):
        raise InputError(source, "is UTF-16; save it as UTF-8 (in a spreadsheet: CSV UTF-8)")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        place = Text(source, "", before).place(len(before))
        raise InputError(place, f"byte {data[error.start]:#x} is not UTF-8; save the file as UTF-8") from None
    text = text.removeprefix(MARK)
    if not text.strip():
        raise InputError(source, "is empty")
    return Text(source, "" if path == "-" else Path(path).suffix.lower(), text)


def write_text(path: str | None, text: str) -> None:
    """Write a text to a file, or without one to standard output.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if path is None or path == "-":
        sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise InputError(clean(path), f"cannot be written ({getattr(error, 'strerror', None) or error})") from None
