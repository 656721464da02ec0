"""The tables and curves: which cases, and who is timed on each."""

from dataclasses import replace

from cases import Case

LIBRARIES = ("numpy", "sklearn", "torch", "jax", "jax-unrolled", "numba")
EVERYONE = (
    "reference", "tutorial", "numpy", "sklearn", "torch", "jax-step", "jax", "jax-unrolled", "numba", "fann", "c",
    "c-table",
)  # fmt: skip
CURVES = ("numpy", "sklearn", "torch", "jax", "numba", "c")

# group: heading, and the peers that are timed beside backprop unless others are asked for
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "main": ("Logistic units, squared error, plain SGD, float64", EVERYONE),
    "variants": ("Other optimizers, functions and depths", LIBRARIES),
    "float32": ("float32", ("backprop-float64", *LIBRARIES, "fann", "c")),
    "networks": ("Many networks at once", ("backprop-alone", "numpy", "torch", "jax", "jax-unrolled", "numba")),
    "threads": ("Two cores", ("numpy", "sklearn", "torch", "jax")),
    "width": ("Width: 16-w-8, one sample at a time", CURVES),
    "width-batch": ("Width: 16-w-8, batches of 32", CURVES),
    "depth": ("Depth: hidden layers of 32 units, one sample at a time", CURVES),
    "batch": ("Samples in a batch, 64-32-10", CURVES),
    "samples": ("Samples in a call, 4-8-3, one at a time", CURVES),
    "many": ("Networks of 2-2-2 at once", ("backprop-alone", "numpy", "torch", "jax", "numba")),
}
IS_CURVE = {"width", "width-batch", "depth", "batch", "samples", "many"}

SMALL, MIDDLE, LARGE = (4, 8, 3), (64, 32, 10), (784, 100, 10)


def main_rows() -> list[Case]:
    """The project's aims, on a machine with AVX2."""
    m = "main"
    return [
        Case(m, (2, 2, 2), n_samples=1, inputs="worked example", aims=(("jax", 1.35),), aim_ns=63),
        Case(m, (2, 2, 2), aims=(("jax", 1.35),), aim_ns=63),
        Case(m, SMALL, aims=(("jax", 7), ("c-table", 2.2)), aim_ns=105),
        Case(m, MIDDLE, aims=(("jax", 3.5),), aim_ns=480),
        Case(m, LARGE, aims=(("jax", 1.5),), aim_ns=13_000),
        Case(m, LARGE, inputs="strokes", aims=(("jax", 4.5),), aim_ns=5_300),
        Case(m, SMALL, batch=32, n_samples=1024, aims=(("jax", 3),), aim_ns=55),
        Case(m, MIDDLE, batch=32, n_samples=1024, aims=(("jax", 1.7),), aim_ns=400),
        Case(m, LARGE, batch=32, n_samples=1024, aims=(("jax", 1.25),), aim_ns=9_200),
    ]


def variant_rows() -> list[Case]:
    """Each departure from the main table alone; none may be slower than a library."""
    rows = []
    for batch in (1, 32):
        for sizes in (SMALL, MIDDLE, LARGE):
            base = Case(
                "variants",
                sizes,
                batch=batch,
                n_samples=1024 if batch > 1 else 1000,
                aims=(("jax", 1), ("torch", 1)),
            )
            deep = (sizes[0], *3 * sizes[1:-1], sizes[-1])
            rows += [
                replace(base, optimizer="adam"),
                replace(base, optimizer="nesterov"),
                replace(base, l2=0.001),
                replace(base, hidden="relu"),
                replace(base, hidden="tanh"),
                replace(base, output="softmax", loss="log_loss"),
                replace(base, sizes=deep),
            ]
    return rows


def float32_rows() -> list[Case]:
    """The main table; half as long where the work is bound by memory or by lanes, so not for the smallest."""
    rows = []
    for case in main_rows():
        if case.inputs != "worked example":
            bound = case.sizes in (MIDDLE, LARGE)
            aims = (("jax", 1.0), *((("backprop-float64", 1.5),) if bound else ()))
            rows.append(replace(case, group="float32", dtype="float32", aims=aims, aim_ns=0))
    return rows


def network_rows() -> list[Case]:
    base = Case("networks", (2, 2, 2), n_samples=256, networks=64, aims=(("backprop-alone", 5),), aim_ns=11)
    return [base, replace(base, sizes=SMALL, aims=(), aim_ns=0)]


def thread_rows() -> list[Case]:
    base = Case("threads", LARGE, batch=256, n_samples=1024)
    return [base, replace(base, threads=2, aims=(("jax", 1), ("torch", 1)))]


def curve_rows() -> list[Case]:
    widths = [2**k for k in range(1, 11)]
    return [
        *(Case("width", (16, w, 8), at=w, n_samples=256) for w in widths),
        *(Case("width-batch", (16, w, 8), at=w, batch=32, n_samples=256) for w in widths),
        *(Case("depth", (16, *d * (32,), 8), at=d, n_samples=256) for d in (1, 2, 4, 8, 16)),
        *(Case("batch", MIDDLE, at=b, batch=b, n_samples=1024) for b in (2**k for k in range(10))),
        *(Case("samples", SMALL, at=n, n_samples=n, whole=True) for n in (4**k for k in range(9))),
        *(Case("many", (2, 2, 2), at=k, n_samples=256, networks=k) for k in (1, 4, 16, 64, 256)),
    ]


def all_rows() -> list[Case]:
    return [
        *main_rows(), *variant_rows(), *float32_rows(), *network_rows(), *thread_rows(), *curve_rows(),
    ]  # fmt: skip


def toy_rows() -> list[Case]:
    """A few of them, made small."""
    few = [*main_rows()[:3], main_rows()[6], *variant_rows()[:6], *float32_rows()[1:2], *curve_rows()[:2]]
    few.append(replace(network_rows()[1], networks=5))
    return [replace(case, n_samples=min(case.n_samples, 64), aim_ns=0, aims=()) for case in few]
