"""``python -m backprop`` is the command ``backprop``."""

from .cli import main

main()
