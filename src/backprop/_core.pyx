# cython: language_level=3, binding=True, auto_pickle=False
"""The compiled engine: the doors of `_reference.py`, with the same bits.

One above the other: `_elementary.pxi` and `_elementary32.pxi` have the functions of one number, `_kernels.pxi`
the loops over units, samples and batches (C only, without the GIL), `_objects.pxi` plans and workspaces, and this
file the doors that Python calls. A door checks that its buffers fit the plan, takes one workspace, releases the
GIL once and calls the loops. It keeps no state: any number of threads may be inside, as long as no two of them
write to the same parameters.
"""

cimport cython

include "_kernels.pxi"
include "_objects.pxi"

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

cdef enum:
    BAD_ORDER = -1  # a status that no caller sees


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
