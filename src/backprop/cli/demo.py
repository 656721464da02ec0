"""``backprop demo``: the tutorial's worked example."""

from time import perf_counter

from .app import app


@app.command()
def demo() -> None:
    """Go through the tutorial's worked example, every number of it."""
    begin = perf_counter()
    from .. import examples  # noqa: F401  (it brings the network and NumPy)

    import_seconds = perf_counter() - begin
    from ..glassbox.demo import run

    run(import_seconds)
