"""The options that say which network a command is about: a file's, the tutorial's or a random one, and changes."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._input_errors import InputError, Place

if TYPE_CHECKING:
    from .problem import Problem

__all__ = ["FUNCTIONS", "numbers", "of_network", "sizes_of"]

FUNCTIONS = "identity, logistic, tanh, relu, leaky_relu, elu, softplus, silu"
WHICH = """

The options from --network to --after say which network and step. Without them it is the tutorial's 2-2-2 network,
with them alone a change of that one: --loss log_loss is its step with cross-entropy.
"""


def option(help_text: str, *names: str, metavar: str | None = None) -> Any:
    """An option of the network."""
    return typer.Option(*names, help=help_text, metavar=metavar)


def network_options(
    network: Annotated[
        str | None, option("A network file, JSON or TOML.", "--network", "-n", metavar="FILE")
    ] = None,
    sizes: Annotated[
        str | None, option("Units per layer, such as 2-3-1, with random numbers.", metavar="SIZES")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=2**32 - 1, help="For --sizes: which random numbers. [default: 1]"),
    ] = None,
    activation: Annotated[
        str | None, option(f"Of the hidden units: {FUNCTIONS}; tanh,relu for two layers.", metavar="NAME")
    ] = None,
    output_activation: Annotated[
        str | None, option("Of the outputs: one of these, softmax or exp.", metavar="NAME")
    ] = None,
    loss: Annotated[
        str | None, option("squared_error, log_loss, absolute_error, huber or poisson.", metavar="NAME")
    ] = None,
    bias: Annotated[str | None, option("per_unit, shared (by a layer) or none.", metavar="KIND")] = None,
    train_bias: Annotated[
        bool | None, typer.Option("--train-bias/--freeze-bias", help="Whether biases learn.")
    ] = None,
    update_order: Annotated[str | None, option("simultaneous or sequential.", metavar="ORDER")] = None,
    x: Annotated[
        str | None, option("Inputs, such as 0.05,0.1; several samples: 0,1;1,1.", "--x", metavar="NUMBERS")
    ] = None,
    t: Annotated[str | None, option("Targets, in the same way.", "--t", metavar="NUMBERS")] = None,
    learning_rate: Annotated[float | None, option("By default the optimizer's own.", metavar="RATE")] = None,
    optimizer: Annotated[str | None, option("sgd or adam.", metavar="NAME")] = None,
    momentum: Annotated[float | None, option("For sgd.", metavar="NUMBER")] = None,
    nesterov: Annotated[bool | None, typer.Option("--nesterov", help="For sgd with momentum.")] = None,
    l2: Annotated[float | None, option("L2 penalty.", metavar="NUMBER")] = None,
    after: Annotated[int | None, option("Train for K updates first.", metavar="K")] = None,
) -> None:
    """The options; `of_network` gives them to a command."""


def of_network(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the network options. Its first argument becomes the `Problem` that they describe."""
    shared = inspect.signature(network_options).parameters
    first, *own = inspect.signature(command).parameters.values()

    @wraps(command)
    def with_options(**values: Any) -> None:
        flags = {name: values.pop(name) for name in shared}
        command(**{first.name: described(flags)}, **values)

    options = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in (*own, *shared.values())]
    with_options.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    before, mark, rest = (command.__doc__ or "").partition("\n\n\b\n")
    with_options.__doc__ = f"{before}{WHICH}{mark}{rest}"
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in options}
    return with_options


def described(flags: Mapping[str, Any]) -> "Problem":
    """The problem that the options describe.

    Raises
    ------
    InputError
        If they, or the file that they name, cannot be used.
    """
    from .network_file import mapping_of, read_document
    from .problem import nowhere, problem_of

    changes = changed(flags)
    where: Callable[..., Place]
    if flags["network"] is not None:
        for name in ("sizes", "seed"):
            if flags[name] is not None:
                raise InputError(f"--{name}", "goes with a random network, not with --network")
        data, where = read_document(flags["network"])
    elif flags["sizes"] is not None:
        network = ("activation", "output_activation", "loss", "bias", "train_bias", "update_order")
        chosen = {name: changes[name] for name in network if name in changes}
        data = random_network(1 if flags["seed"] is None else flags["seed"], flags["sizes"], chosen)
        where = nowhere
    else:
        from ..examples import worked_example

        if flags["seed"] is not None:
            raise InputError("--seed", "goes with --sizes")
        data, where = mapping_of(*worked_example(), learning_rate=0.5), nowhere
        if "optimizer" in changes:
            del data["learning_rate"]  # it is plain gradient descent's
    if changes.get("bias") == "none":
        data = {key: value for key, value in data.items() if key != "biases"}

    def place(path: Any, **options: Any) -> Place:
        return Place(f"--{path[0].replace('_', '-')}") if path and path[0] in changes else where(path, **options)

    return problem_of({**data, **changes}, place)


def changed(flags: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say, as keys of a network file."""
    found = {
        name: value
        for name, value in flags.items()
        if value is not None and name not in ("network", "sizes", "seed")
    }
    for name in ("x", "t"):
        if name in found:
            found[name] = numbers(f"--{name}", found[name])
    if "," in found.get("activation", ""):
        found["activation"] = [name.strip() for name in found["activation"].split(",")]
    return found


def random_network(seed: int, sizes: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """A random network as the mapping of a network file.

    Raises
    ------
    InputError
        If an option cannot be used.
    """
    from ..glassbox.exercise import exercise
    from .problem import check_words, placed

    def place(path: Any, **_: Any) -> Place:
        return Place(f"--{path[0].replace('_', '-')}" if path else "the network")

    check_words(options, place)
    try:
        return exercise(seed, None if sizes is None else sizes_of(sizes), **options)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise placed(error, place) from None


def sizes_of(given: str) -> list[int]:
    """Layer sizes as a user writes them: 2-3-1, or with commas.

    Raises
    ------
    InputError
        If they are not such.
    """
    parts = given.replace(",", "-").split("-")
    if len(parts) < 2 or not all(
        part.strip().isascii() and part.strip().isdecimal() and len(part) < 10 for part in parts
    ):
        raise InputError("--sizes", f"expected layer sizes such as 2-3-1, not {given!r}")
    return [int(part) for part in parts]


def numbers(flag: str, given: str) -> list[Any]:
    """Numbers as a user writes them: 0.05,0.1, and for several samples 0,1;1,1.

    Raises
    ------
    InputError
        If they are not such.
    """
    try:
        rows = [[float(part) for part in row.split(",")] for row in given.split(";")]
    except ValueError:
        raise InputError(flag, f"expected numbers such as 0.05,0.1, not {given!r}") from None
    return rows if len(rows) > 1 else rows[0]
