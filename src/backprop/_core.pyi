"""The compiled engine's doors. `_reference.py` has their documentation, and the same names in readable form."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

# What has the layout that `_reference.py` names; NumPy's arrays count as buffers only from Python 3.12 on.
_Doubles: TypeAlias = NDArray[np.float64] | Buffer
_Reals: TypeAlias = NDArray[np.float64] | NDArray[np.float32] | Buffer  # of the network's dtype, or of either
_Indices: TypeAlias = NDArray[np.intp] | Buffer

NAME: Final[str]
INSTRUCTION_SET: Final[str]
BUILT_WITH: Final[str]
RUNS: Final[tuple[str, ...]]
SEES_SIGNALS: Final[bool]
NANOSECONDS_PER_TERM: Final[float]

FINISHED: Final[int]
PAUSED: Final[int]
LOSS_NOT_FINITE: Final[int]
PARAMETER_NOT_FINITE: Final[int]
STOPPED: Final[int]
SCAN_EVERY: Final[int]
LANE_BYTES: Final[int]

__test__: Final[dict[str, str]]  # Cython's, for doctest; empty

@final
class Plan: ...

def make_plan(
    sizes: Sequence[int],
    activations: Sequence[str],
    loss: str,
    shortcut: bool,
    bias: str,
    train_bias: bool,
    sequential: bool,
    huber_delta: float,
    dtype: str,
    strides: Sequence[int],
    weight_offsets: Sequence[int],
    bias_offsets: Sequence[int],
    size: int,
) -> Plan: ...

@final
class Quick:
    def step(self, x: object, t: object, learning_rate: object) -> float | None: ...
    def forward(self, X: object) -> NDArray[np.float64] | NDArray[np.float32] | None: ...

def make_quick(
    plan: Plan,
    parameters: _Reals,
    claim: list[object],
    new_array: Callable[..., object],
    low: float,
    high: float,
) -> Quick: ...
def first_outside(values: _Reals, low: float, high: float) -> int: ...
def elementary(name: str, values: _Reals, values_out: _Reals) -> None: ...
def first_bad_layer(plan: Plan, parameters: _Reals) -> int: ...
def forward(
    plan: Plan,
    parameters: _Reals,
    X: _Reals,
    start: int,
    stop: int,
    nets_out: Sequence[_Reals | None],
    outs_out: Sequence[_Reals | None],
) -> None: ...
def loss(
    plan: Plan,
    parameters: _Reals,
    X: _Reals,
    T: _Reals,
    sample_weight: _Reals | None,
    start: int,
    stop: int,
    total: float,
) -> float: ...
def gradients(
    plan: Plan,
    parameters: _Reals,
    X: _Reals,
    T: _Reals,
    sample_weight: _Reals | None,
    start: int,
    stop: int,
    sums_out: _Reals,
    inputs_out: _Reals | None,
    total_out: _Doubles | None = None,
) -> None: ...
def output_delta(plan: Plan, net: _Reals, out: _Reals, target: _Reals, delta_out: _Reals) -> None: ...
def hidden_delta(
    plan: Plan,
    parameters: _Reals,
    layer: int,
    delta: _Reals,
    net: _Reals,
    out: _Reals,
    gradient_out: _Reals,
    delta_out: _Reals,
) -> None: ...
def update(
    plan: Plan, parameters: _Reals, layer: int, below: _Reals, delta: _Reals, learning_rate: float
) -> None: ...
def train_epochs(
    plan: Plan,
    parameters: _Reals,
    X: _Reals,
    T: _Reals,
    sample_weight: _Reals | None,
    indices: _Indices | None,
    learning_rates: _Doubles,
    l2: float,
    optimizer: tuple[str, Sequence[float], Sequence[_Reals], _Doubles],
    batch_size: int,
    place: tuple[int, int, int, float, float],
    stop_epoch: int,
    max_batches: int,
    stop_below: float,
    history_out: _Doubles | None,
    batch_loss_factor: float = 0.0,
    clip_norm: float = 0.0,
    n_threads: int = 1,
) -> tuple[tuple[int, int, int, float, float], int]: ...
def train_lanes(
    plan: Plan,
    state: _Reals,
    members: _Indices,
    blocks_out: _Reals,
    X: _Reals,
    T: _Reals,
    indices: _Indices | None,
    first_epoch: int,
    learning_rates: _Doubles,
    l2: _Doubles,
    optimizer: tuple[str, _Doubles, _Doubles],
    batch_size: int,
    place: tuple[int, int, int],
    batches: int,
    stop_below: float,
    totals: _Doubles,
    history_out: _Doubles | None,
    ends_out: _Indices,
) -> None: ...
