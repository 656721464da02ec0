# cython: language_level=3, binding=True, auto_pickle=False
"""The compiled engine: the doors of `_reference.py`, with the same bits.

Three layers, one above the other: `_elementary.pxi` and `_elementary32.pxi` have the functions of one number,
`_kernels.pxi` the loops over units, samples and batches (C only, without the GIL), and this file the doors that
Python calls. A door checks that its buffers fit the plan, takes one workspace, releases the GIL once and calls the
loops. It keeps no state: any number of threads may be inside, as long as no two of them write to the same
parameters.
"""

cimport cython

include "_kernels.pxi"

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree

cdef extern from *:
    """
    #if defined(__AVX2__)
    #define BACKPROP_INSTRUCTION_SET "AVX2"
    #elif defined(__SSE2__) || defined(_M_X64)
    #define BACKPROP_INSTRUCTION_SET "SSE2 (the x86-64 baseline)"
    #elif defined(__aarch64__) || defined(_M_ARM64)
    #define BACKPROP_INSTRUCTION_SET "NEON (the arm64 baseline)"
    #else
    #define BACKPROP_INSTRUCTION_SET "this machine's baseline"
    #endif
    #if defined(__clang__)
    #define BACKPROP_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define BACKPROP_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
    #define BACKPROP_COMPILER "MSVC"
    #else
    #define BACKPROP_COMPILER "an unknown compiler"
    #endif
    """
    const char* BACKPROP_INSTRUCTION_SET
    const char* BACKPROP_COMPILER

NAME = "compiled"
INSTRUCTION_SET = BACKPROP_INSTRUCTION_SET.decode()
BUILT_WITH = BACKPROP_COMPILER.decode()
SEES_SIGNALS = False
NANOSECONDS_PER_TERM = 1.0

FINISHED, PAUSED, LOSS_NOT_FINITE, PARAMETER_NOT_FINITE, STOPPED = 0, 1, 2, 3, 4
SCAN_EVERY = SCAN_EVERY_BATCHES

cdef dict ACTIVATION_CODES = {
    "identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU, "leaky_relu": LEAKY_RELU, "elu": ELU,
    "softplus": SOFTPLUS, "silu": SILU, "exp": EXP, "softmax": SOFTMAX,
}
cdef dict LOSS_CODES = {
    "squared_error": SQUARED_ERROR, "absolute_error": ABSOLUTE_ERROR, "huber": HUBER, "log_loss": LOG_LOSS,
    "poisson": POISSON,
}
cdef dict METHOD_CODES = {"sgd": PLAIN, "momentum": MOMENTUM, "nesterov": NESTEROV, "adam": ADAM}
cdef dict BIAS_CODES = {"per_unit": PER_UNIT, "shared": SHARED, "none": NO_BIAS}

cdef dict FUNCTION_CODES = {
    "exp": EXP_FUNCTION, "expm1": EXPM1_FUNCTION, "log": LOG_FUNCTION, "log1p": LOG1P_FUNCTION,
    "logistic": LOGISTIC_FUNCTION, "tanh": TANH_FUNCTION, "softplus": SOFTPLUS_FUNCTION,
}

cdef enum:
    BAD_ORDER = -1     # a status that no caller sees
    ROWS_AT_ONCE = 64  # samples of a simultaneous batch that pass through the workspace together
    ALIGNMENT = 64


@cython.final
cdef class Plan:
    """A network's specification as the kernels need it. See `_reference.Plan`."""

    cdef Spec spec

    def __cinit__(
        self, sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, strides,
        weight_offsets, bias_offsets, size
    ):
        cdef Py_ssize_t level, length, column = 0
        if not len(sizes) - 1 == len(activations) == len(strides) == len(weight_offsets) == len(bias_offsets) > 0:
            raise ValueError(f"{len(sizes)} sizes, and not one item for each layer of weights")
        cdef Layer* layer
        self.spec.n_layers = len(sizes) - 1
        self.spec.layers = <Layer*>PyMem_RawCalloc(self.spec.n_layers, sizeof(Layer))
        if self.spec.layers == NULL:
            raise MemoryError
        self.spec.n_inputs = sizes[0]
        self.spec.n_outputs = sizes[-1]
        self.spec.size = size
        self.spec.loss = LOSS_CODES[loss]
        if loss == "log_loss" and activations[len(activations) - 1] == "softmax":
            self.spec.loss = SOFTMAX_LOG_LOSS
        self.spec.huber_delta = huber_delta
        self.spec.bias = BIAS_CODES[bias]
        self.spec.shortcut = shortcut
        self.spec.train_bias = train_bias
        self.spec.sequential = sequential
        for level in range(self.spec.n_layers):
            layer = &self.spec.layers[level]
            layer.fan_in = sizes[level]
            layer.fan_out = sizes[level + 1]
            layer.width = strides[level]
            layer.weights = weight_offsets[level]
            layer.bias = bias_offsets[level]
            layer.column = column
            layer.activation = ACTIVATION_CODES[activations[level]]
            column += layer.width
            if layer.width < layer.fan_out or layer.width % LANES or min(layer.fan_in, layer.fan_out) < 1:
                raise ValueError(
                    f"layer {level}: {layer.fan_in} to {layer.fan_out} units in rows of {layer.width}"
                )
            if layer.weights < 0 or layer.weights > size - layer.fan_in * layer.width:
                raise ValueError(f"layer {level}: weights at {layer.weights} of {size}")
            length = {"per_unit": layer.width, "shared": 1, "none": 0}[bias]
            if layer.bias < 0 or layer.bias > size - length:
                raise ValueError(f"layer {level}: bias at {layer.bias} of {size}")
        self.spec.row = column

    def __dealloc__(self):
        PyMem_RawFree(self.spec.layers)


cdef class _Scratch:
    """A door's workspace: one zeroed, aligned allocation, freed with the object."""

    cdef Workspace space
    cdef void* memory

    def __cinit__(self, Plan plan, Py_ssize_t rows, bint with_sums):
        cdef Py_ssize_t row = plan.spec.row
        cdef Py_ssize_t back = max(row, plan.spec.n_inputs + LANES)
        cdef size_t numbers = 3 * rows * row + back + rows + (plan.spec.size if with_sums else 0)
        cdef size_t pointers = 2 * rows
        cdef double* start
        if rows > (<Py_ssize_t>((~<size_t>0) >> 1)) // (64 * (row + 1)):
            raise MemoryError(f"no memory for a workspace of {rows} samples")
        self.memory = PyMem_RawCalloc(numbers * sizeof(double) + pointers * sizeof(double*) + ALIGNMENT, 1)
        if self.memory == NULL:
            raise MemoryError(f"no memory for a workspace of {rows} samples")
        start = <double*>((<size_t>self.memory + ALIGNMENT - 1) & ~<size_t>(ALIGNMENT - 1))
        self.space.rows = rows
        self.space.nets = start
        self.space.outs = start + rows * row
        self.space.deltas = start + 2 * rows * row
        self.space.back = start + 3 * rows * row
        self.space.weights = start + 3 * rows * row + back
        self.space.sums = self.space.weights + rows
        self.space.inputs = <const double**>(start + numbers)
        self.space.targets = self.space.inputs + rows

    def __dealloc__(self):
        PyMem_RawFree(self.memory)


cdef class _Sheets:
    """Where a forward pass writes: for each layer the start of an array (n_samples, fan_out), or NULL."""

    cdef double** starts

    def __cinit__(self, Plan plan, buffers, Py_ssize_t n_samples):
        cdef Py_ssize_t level
        cdef double[:, ::1] view
        self.starts = <double**>PyMem_RawCalloc(plan.spec.n_layers, sizeof(double*))
        if self.starts == NULL:
            raise MemoryError
        for level in range(plan.spec.n_layers):
            if buffers[level] is None:
                continue
            view = buffers[level]
            if view.shape[0] != n_samples or view.shape[1] != plan.spec.layers[level].fan_out:
                raise ValueError(
                    f"a buffer ({view.shape[0]}, {view.shape[1]}) for layer {level},"
                    f" expected ({n_samples}, {plan.spec.layers[level].fan_out})"
                )
            self.starts[level] = &view[0, 0]

    def __dealloc__(self):
        PyMem_RawFree(self.starts)

    cdef void write(self, const Spec* spec, Py_ssize_t row, const double* values) noexcept nogil:
        """Copy one sample's row of the workspace to the sheets that are wanted."""
        cdef Py_ssize_t level
        cdef const Layer* layer
        for level in range(spec.n_layers):
            layer = &spec.layers[level]
            if self.starts[level] != NULL:
                memcpy(
                    self.starts[level] + row * layer.fan_out, values + layer.column, layer.fan_out * sizeof(double)
                )


# ---- what a door demands of its buffers; the facade has checked all of it with better words ------------------

cdef int check_block(Plan plan, double[::1] block) except -1:
    if block.shape[0] != plan.spec.size:
        raise ValueError(f"a block of {block.shape[0]} numbers, expected {plan.spec.size}")
    return 0


cdef int check_samples(Plan plan, const double[:, ::1] X, Py_ssize_t start, Py_ssize_t stop) except -1:
    if X.shape[1] != plan.spec.n_inputs:
        raise ValueError(f"samples of {X.shape[1]} numbers, expected {plan.spec.n_inputs}")
    if not 0 <= start <= stop <= X.shape[0]:
        raise ValueError(f"samples {start}..{stop - 1} of {X.shape[0]}")
    return 0


cdef int check_targets(
    Plan plan, const double[:, ::1] X, const double[:, ::1] T, const double[::1] sample_weight
) except -1:
    if T.shape[1] != plan.spec.n_outputs or T.shape[0] != X.shape[0]:
        raise ValueError(
            f"targets ({T.shape[0]}, {T.shape[1]}), expected ({X.shape[0]}, {plan.spec.n_outputs})"
        )
    if sample_weight is not None:
        check_length("sample_weight", sample_weight.shape[0], X.shape[0])
    return 0


cdef int check_length(str name, Py_ssize_t length, Py_ssize_t expected) except -1:
    if length != expected:
        raise ValueError(f"{name} of {length} numbers, expected {expected}")
    return 0


# ---- the doors ---------------------------------------------------------------------------------------------


def make_plan(
    sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, strides, weight_offsets,
    bias_offsets, size
):
    """A network's specification, and where its numbers stand in the parameter block."""
    return Plan(
        sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, strides, weight_offsets,
        bias_offsets, size
    )


def first_outside(const double[::1] values, double low, double high):
    """The index of the first value that is not within [low, high] (NaN never is), or -1."""
    cdef Py_ssize_t k, found = -1
    with nogil:
        for k in range(values.shape[0]):
            if not (low <= values[k] <= high):
                found = k
                break
    return found


def elementary(str name, values, values_out):
    """One of the package's own functions of each number, both buffers float64 or both float32."""
    cdef Function function = FUNCTION_CODES[name]
    cdef const float[::1] values32
    cdef float[::1] out32
    cdef const double[::1] values64
    cdef double[::1] out64
    check_length("values_out", len(memoryview(values_out)), len(memoryview(values)))
    if memoryview(values).format == "f":
        values32, out32 = values, values_out
        if out32.shape[0] > 0:
            with nogil:
                c_apply(function, out32.shape[0], &values32[0], &out32[0])
    else:
        values64, out64 = values, values_out
        if out64.shape[0] > 0:
            with nogil:
                c_apply(function, out64.shape[0], &values64[0], &out64[0])


def first_bad_layer(Plan plan, double[::1] parameters):
    """The first layer of weights that holds a parameter which is not finite, or -1."""
    cdef Py_ssize_t found
    check_block(plan, parameters)
    with nogil:
        found = c_first_bad_layer(&plan.spec, &parameters[0])
    return found


def forward(
    Plan plan, double[::1] parameters, const double[:, ::1] X, Py_ssize_t start, Py_ssize_t stop, nets_out,
    outs_out
):
    """The forward passes of the samples start..stop-1."""
    check_block(plan, parameters)
    check_samples(plan, X, start, stop)
    cdef const Spec* spec = &plan.spec
    cdef _Scratch scratch = _Scratch(plan, 1, False)
    cdef _Sheets nets = _Sheets(plan, nets_out, X.shape[0])
    cdef _Sheets outs = _Sheets(plan, outs_out, X.shape[0])
    cdef Py_ssize_t row
    with nogil:
        for row in range(start, stop):
            c_forward(spec, &parameters[0], &X[row, 0], scratch.space.nets, scratch.space.outs)
            nets.write(spec, row, scratch.space.nets)
            outs.write(spec, row, scratch.space.outs)


def loss(
    Plan plan, double[::1] parameters, const double[:, ::1] X, const double[:, ::1] T,
    const double[::1] sample_weight, Py_ssize_t start, Py_ssize_t stop, double total
):
    """`total` plus the losses of the samples start..stop-1, each times its weight, added one by one."""
    check_block(plan, parameters)
    check_samples(plan, X, start, stop)
    check_targets(plan, X, T, sample_weight)
    cdef const Spec* spec = &plan.spec
    cdef _Scratch scratch = _Scratch(plan, 1, False)
    cdef const double* weights = NULL if sample_weight is None else &sample_weight[0]
    cdef Py_ssize_t row, last = spec.layers[spec.n_layers - 1].column
    cdef double error
    with nogil:
        for row in range(start, stop):
            c_forward(spec, &parameters[0], &X[row, 0], scratch.space.nets, scratch.space.outs)
            error = c_loss(spec, scratch.space.nets + last, scratch.space.outs + last, &T[row, 0])
            total = total + (weights[row] * error if weights != NULL else error)
    return total


def gradients(
    Plan plan, double[::1] parameters, const double[:, ::1] X, const double[:, ::1] T,
    const double[::1] sample_weight, Py_ssize_t start, Py_ssize_t stop, double[::1] sums_out,
    double[:, ::1] inputs_out
):
    """Add the samples' dE/dw and dE/db to `sums_out`; write dE/dx to `inputs_out`."""
    check_block(plan, parameters)
    check_block(plan, sums_out)
    check_samples(plan, X, start, stop)
    check_samples(plan, inputs_out, start, stop)
    check_targets(plan, X, T, sample_weight)
    cdef const Spec* spec = &plan.spec
    cdef _Scratch scratch = _Scratch(plan, 1, False)
    cdef Data data
    cdef Py_ssize_t row
    cdef double unused = 0.0
    data.X, data.T, data.order = &X[0, 0], &T[0, 0], NULL
    data.weights = NULL if sample_weight is None else &sample_weight[0]
    scratch.space.sums = &sums_out[0]
    with nogil:
        for row in range(start, stop):
            c_seat_rows(spec, &scratch.space, &data, row, 1)
            c_gradient_rows(spec, &scratch.space, &parameters[0], 1, data.weights != NULL, False, &unused)
            c_back(&spec.layers[0], &parameters[0], scratch.space.deltas, scratch.space.back)
            memcpy(&inputs_out[row, 0], scratch.space.back, spec.n_inputs * sizeof(double))


def output_delta(
    Plan plan, const double[::1] net, const double[::1] out, const double[::1] target, double[::1] delta_out
):
    """One sample's dE/dnet of the output layer."""
    cdef Py_ssize_t n = plan.spec.n_outputs
    cdef _Scratch scratch = _Scratch(plan, 1, False)
    check_length("net", net.shape[0], n)
    check_length("out", out.shape[0], n)
    check_length("target", target.shape[0], n)
    check_length("delta_out", delta_out.shape[0], n)
    memcpy(scratch.space.nets, &net[0], n * sizeof(double))  # with their padding
    memcpy(scratch.space.outs, &out[0], n * sizeof(double))
    c_output_deltas(
        &plan.spec, scratch.space.nets, scratch.space.outs, &target[0], scratch.space.back, scratch.space.deltas
    )
    memcpy(&delta_out[0], scratch.space.deltas, n * sizeof(double))


def hidden_delta(
    Plan plan, double[::1] parameters, Py_ssize_t layer, const double[::1] delta, const double[::1] net,
    const double[::1] out, double[::1] gradient_out, double[::1] delta_out
):
    """One sample's dE/dout and dE/dnet of the units below the weights `layer`."""
    check_block(plan, parameters)
    if not 1 <= layer < plan.spec.n_layers:
        raise ValueError(f"layer={layer}, expected 1 to {plan.spec.n_layers - 1}")
    cdef const Layer* above = &plan.spec.layers[layer]
    check_length("delta", delta.shape[0], above.fan_out)
    check_length("net", net.shape[0], above.fan_in)
    check_length("out", out.shape[0], above.fan_in)
    check_length("gradient_out", gradient_out.shape[0], above.fan_in)
    check_length("delta_out", delta_out.shape[0], above.fan_in)
    cdef _Scratch scratch = _Scratch(plan, 1, False)
    c_back(above, &parameters[0], &delta[0], scratch.space.back)
    memcpy(&gradient_out[0], scratch.space.back, above.fan_in * sizeof(double))
    memcpy(scratch.space.nets, &net[0], above.fan_in * sizeof(double))  # with their padding
    memcpy(scratch.space.outs, &out[0], above.fan_in * sizeof(double))
    c_deltas(
        &plan.spec.layers[layer - 1], scratch.space.back, scratch.space.nets, scratch.space.outs,
        scratch.space.deltas
    )
    memcpy(&delta_out[0], scratch.space.deltas, above.fan_in * sizeof(double))


def update(
    Plan plan, double[::1] parameters, Py_ssize_t layer, const double[::1] below, const double[::1] delta,
    double learning_rate
):
    """One sample's plain SGD update of one layer of weights, and of its bias if that is trained."""
    check_block(plan, parameters)
    if not 0 <= layer < plan.spec.n_layers:
        raise ValueError(f"layer={layer}, expected 0 to {plan.spec.n_layers - 1}")
    cdef const Layer* updated = &plan.spec.layers[layer]
    check_length("below", below.shape[0], updated.fan_in)
    check_length("delta", delta.shape[0], updated.fan_out)
    cdef _Scratch scratch = _Scratch(plan, 1, False)
    memcpy(scratch.space.deltas, &delta[0], updated.fan_out * sizeof(double))  # with its padding
    c_update_one(updated, &plan.spec, &parameters[0], &below[0], scratch.space.deltas, learning_rate)


cdef class _Moments:
    """An optimizer as C sees it; keeps its buffers alive."""

    cdef Optimizer optimizer
    cdef double[::1] first, second, powers

    def __cinit__(self, Plan plan, description):
        method, constants, moments, powers = description
        self.optimizer.method = METHOD_CODES[method]
        if len(moments) != {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}[method]:
            raise ValueError(f"{len(moments)} blocks of state for {method!r}")
        if method == "adam":
            self.optimizer.beta_1, self.optimizer.beta_2, self.optimizer.epsilon = constants
            self.powers = powers
            check_length("powers", self.powers.shape[0], 2)
            self.optimizer.powers = &self.powers[0]
            self.second = moments[1]
            check_block(plan, self.second)
            self.optimizer.second = &self.second[0]
        elif method != "sgd":
            self.optimizer.momentum = constants[0]
        if moments:
            self.first = moments[0]
            check_block(plan, self.first)
            self.optimizer.first = &self.first[0]


def train_epochs(
    Plan plan, double[::1] parameters, const double[:, ::1] X, const double[:, ::1] T,
    const double[::1] sample_weight, const Py_ssize_t[:, ::1] indices, const double[:] learning_rates, double l2,
    optimizer, Py_ssize_t batch_size, place, Py_ssize_t stop_epoch, Py_ssize_t max_batches, double stop_below,
    double[::1] history_out
):
    """Train from a place in the run until `stop_epoch`, or until `max_batches` batches are done."""
    cdef Py_ssize_t epoch, sample, batch, n_samples = X.shape[0]
    cdef double total, weight, batch_weight
    epoch, sample, batch, total, weight = place
    check_block(plan, parameters)
    check_samples(plan, X, sample, n_samples - 1)
    check_targets(plan, X, T, sample_weight)
    if indices is not None:
        if indices.shape[0] < stop_epoch - epoch or indices.shape[1] != n_samples:
            raise ValueError(f"indices ({indices.shape[0]}, {indices.shape[1]})")
    if epoch < 0 or learning_rates.shape[0] < stop_epoch or batch_size < 1:
        raise ValueError(f"epochs {epoch}..{stop_epoch - 1}, batch_size={batch_size}")
    if history_out is not None and history_out.shape[0] < stop_epoch:
        raise ValueError(f"a history of {history_out.shape[0]} epochs, expected {stop_epoch}")
    cdef const Spec* spec = &plan.spec
    cdef _Moments moments = _Moments(plan, optimizer)
    cdef Py_ssize_t largest = min(batch_size, n_samples)
    cdef bint plain = moments.optimizer.method == PLAIN and l2 == 0.0 and sample_weight is None
    cdef _Scratch scratch = _Scratch(
        plan, largest if spec.sequential else min(largest, ROWS_AT_ONCE), largest > 1 or not plain
    )
    cdef Py_ssize_t k, stop, first_epoch = epoch, last_batch = batch + max_batches
    cdef double* block = &parameters[0]
    cdef Data data
    cdef bint want_loss = history_out is not None
    cdef int status = 0  # FINISHED
    data.X, data.T, data.order = &X[0, 0], &T[0, 0], NULL
    data.weights = NULL if sample_weight is None else &sample_weight[0]
    with nogil:
        if batch == 0:  # no parameter is -0.0 from here on
            for k in range(spec.size):
                block[k] = block[k] + 0.0
        while epoch < stop_epoch and status == 0:
            if batch == last_batch:
                status = 1  # PAUSED
                break
            if indices is not None:
                data.order = &indices[epoch - first_epoch, 0]
            stop = min(sample + batch_size, n_samples)
            if not c_order_fits(&data, sample, stop, n_samples):
                status = BAD_ORDER
                break
            batch_weight = c_add_weights(&data, sample, stop, 0.0)
            # A batch whose weights are all 0 is passed over.
            if batch_weight != 0.0 and not c_train_batch(
                spec, &scratch.space, block, &data, sample, stop, batch_weight, &moments.optimizer,
                learning_rates[epoch], l2, want_loss, &total
            ):
                status = 2  # LOSS_NOT_FINITE
                break
            batch += 1
            if batch % SCAN_EVERY_BATCHES == 0 and c_first_bad_layer(spec, block) >= 0:
                status = 3  # PARAMETER_NOT_FINITE
                break
            weight = c_add_weights(&data, sample, stop, weight)
            sample = stop
            if sample == n_samples:
                if want_loss:
                    history_out[epoch] = total / weight
                    if history_out[epoch] < stop_below:
                        status = 4  # STOPPED
                epoch += 1
                sample = 0
                total = 0.0
                weight = 0.0
    if status == BAD_ORDER:
        raise ValueError(f"an index outside 0..{n_samples - 1}")
    return (epoch, sample, batch, total, weight), status
