"""Texts that come from outside, made fit to be shown."""

__all__ = ["clean"]


def clean(text: str) -> str:
    """A text that can be shown anywhere: what is no printable character is written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
