# cython: language_level=3, binding=True, auto_pickle=False
"""The compiled engine: the doors of `_reference.py`, with the same bits.

One above the other: `_elementary.pxi` and `_elementary32.pxi` have the functions of one number, `_functions.pxi`
the activations and losses, `_model.pxi` the structs, `_kernels.pxi` and what it includes the loops over units,
samples and batches (C only, without the GIL), `_objects.pxi` plans, buffers and workspaces, `_quick.pxi` the short
way of single calls, and this file the doors that Python calls. A door checks that its buffers fit the plan, takes
one workspace, releases the GIL once and calls the loops of the network's dtype. It keeps no state: any number of
threads may be inside, as long as no two of them write to the same parameters.
"""

cimport cython

include "_kernels.pxi"
include "_objects.pxi"
include "_quick.pxi"

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #define BACKPROP_INSTRUCTION_SET "AVX-512"
    #elif defined(__AVX2__)
    #define BACKPROP_INSTRUCTION_SET "AVX2"
    #elif defined(__SSE2__) || defined(_M_X64)
    #define BACKPROP_INSTRUCTION_SET "SSE2 (the x86-64 baseline)"
    #elif defined(__aarch64__) || defined(_M_ARM64)
    #define BACKPROP_INSTRUCTION_SET "NEON (the arm64 baseline)"
    #else
    #define BACKPROP_INSTRUCTION_SET "this machine's baseline"
    #endif
    #if defined(_MSC_VER) && defined(_M_X64)
    #include <windows.h>
    #define BACKPROP_RUNS_AVX2 IsProcessorFeaturePresent(40) /* PF_AVX2_INSTRUCTIONS_AVAILABLE */
    #define BACKPROP_RUNS_AVX512 0 /* there is no build for it */
    #elif defined(__x86_64__)
    #define BACKPROP_RUNS_AVX2 __builtin_cpu_supports("avx2") /* and the system saves the registers */
    #define BACKPROP_RUNS_AVX512 (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") \\
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    #else
    #define BACKPROP_RUNS_AVX2 0
    #define BACKPROP_RUNS_AVX512 0
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
    bint BACKPROP_RUNS_AVX2, BACKPROP_RUNS_AVX512
    const char* BACKPROP_COMPILER

NAME = "compiled"
INSTRUCTION_SET = BACKPROP_INSTRUCTION_SET.decode()
BUILT_WITH = BACKPROP_COMPILER.decode()
# The levels beyond the baseline that this processor and system run, the widest first.
RUNS = ("avx512",) * bool(BACKPROP_RUNS_AVX512) + ("avx2",) * bool(BACKPROP_RUNS_AVX2)
SEES_SIGNALS = False
NANOSECONDS_PER_TERM = 1.0

FINISHED, PAUSED, LOSS_NOT_FINITE, PARAMETER_NOT_FINITE, STOPPED = 0, 1, 2, 3, 4
SCAN_EVERY = SCAN_EVERY_BATCHES

cdef enum:
    BAD_ORDER = -1  # a status that no caller sees


# ---- the doors ---------------------------------------------------------------------------------------------


def make_plan(
    sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, dtype, strides, weight_offsets,
    bias_offsets, size
):
    """A network's specification, and where its numbers stand in the parameter block."""
    return Plan(
        sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, dtype, strides,
        weight_offsets, bias_offsets, size
    )


def make_quick(Plan plan, parameters, list claim, new_array, double low, double high):
    """The short way for calls with one sample, or few."""
    return Quick(plan, parameters, claim, new_array, low, high)


def first_outside(values, double low, double high):
    """The index of the first value that is not within [low, high] (NaN never is), or -1."""
    cdef _Buffer buffer = _Buffer("values", values, 1, False)
    cdef Py_ssize_t found
    with nogil:
        if buffer.single:
            found = c_first_outside(<const float*>buffer.view.buf, buffer.length, low, high)
        else:
            found = c_first_outside(<const double*>buffer.view.buf, buffer.length, low, high)
    return found


def elementary(str name, values, values_out):
    """One of the package's own functions of each number, both buffers float64 or both float32."""
    cdef Function function = FUNCTION_CODES[name]
    cdef _Buffer given = _Buffer("values", values, 1, False), taken = _Buffer("values_out", values_out, 1, True)
    check_length("values_out", taken.length, given.length)
    if given.single != taken.single:
        raise ValueError("values_out of another dtype, expected that of values")
    with nogil:
        if given.single:
            c_apply(function, given.length, <const float*>given.view.buf, <float*>taken.view.buf)
        else:
            c_apply(function, given.length, <const double*>given.view.buf, <double*>taken.view.buf)


def first_bad_layer(Plan plan, parameters):
    """The first layer of weights that holds a parameter which is not finite, or -1."""
    cdef _Buffer block = block_of(plan, parameters)
    cdef Py_ssize_t found
    with nogil:
        if plan.spec.single:
            found = c_first_bad_layer(&plan.spec, <const float*>block.view.buf)
        else:
            found = c_first_bad_layer(&plan.spec, <const double*>block.view.buf)
    return found


def forward(Plan plan, parameters, X, Py_ssize_t start, Py_ssize_t stop, nets_out, outs_out):
    """The forward passes of the samples start..stop-1."""
    cdef _Buffer block = block_of(plan, parameters)
    cdef _Data samples = _Data(plan, X, None, None, start, stop)
    cdef _Scratch scratch = _Scratch(plan, 1, False, samples.converting)
    cdef _Sheets nets = _Sheets(plan, nets_out, samples.X.view.shape[0])
    cdef _Sheets outs = _Sheets(plan, outs_out, samples.X.view.shape[0])
    cdef const Spec* spec = &plan.spec
    with nogil:
        if spec.single:
            c_forward_range(
                spec, &scratch.space, <const float*>block.view.buf, &samples.data, start, stop, nets.starts,
                outs.starts
            )
        else:
            c_forward_range(
                spec, &scratch.space, <const double*>block.view.buf, &samples.data, start, stop, nets.starts,
                outs.starts
            )


def loss(Plan plan, parameters, X, T, sample_weight, Py_ssize_t start, Py_ssize_t stop, double total):
    """`total` plus the losses of the samples start..stop-1, each times its weight, added one by one."""
    cdef _Buffer block = block_of(plan, parameters)
    cdef _Data samples = _Data(plan, X, T, sample_weight, start, stop)
    cdef _Scratch scratch = _Scratch(plan, 1, False, samples.converting)
    cdef const Spec* spec = &plan.spec
    with nogil:
        if spec.single:
            total = c_loss_range(
                spec, &scratch.space, <const float*>block.view.buf, &samples.data, start, stop, total
            )
        else:
            total = c_loss_range(
                spec, &scratch.space, <const double*>block.view.buf, &samples.data, start, stop, total
            )
    return total


def gradients(
    Plan plan, parameters, X, T, sample_weight, Py_ssize_t start, Py_ssize_t stop, sums_out, inputs_out,
    double[::1] total_out=None
):
    """Add the samples' dE/dw and dE/db to `sums_out`; write dE/dx to `inputs_out`, losses to `total_out`."""
    cdef _Buffer block = block_of(plan, parameters), sums = block_of(plan, sums_out)
    cdef _Data samples = _Data(plan, X, T, sample_weight, start, stop)
    cdef _Buffer inputs
    cdef void* inputs_start = NULL
    cdef double* total = NULL
    cdef _Scratch scratch = _Scratch(plan, min(ROWS_AT_ONCE, stop - start + 1), False, samples.converting)
    cdef const Spec* spec = &plan.spec
    if inputs_out is not None:
        inputs = of_plan(plan, "inputs_out", inputs_out, 2, True)
        inputs_start = inputs.view.buf
        if inputs.view.shape[0] != samples.X.view.shape[0] or inputs.view.shape[1] != spec.n_inputs:
            raise ValueError(
                f"inputs_out ({inputs.view.shape[0]}, {inputs.view.shape[1]}), expected"
                f" ({samples.X.view.shape[0]}, {spec.n_inputs})"
            )
    if total_out is not None:
        check_length("total_out", total_out.shape[0], 1)
        total = &total_out[0]
    scratch.space.sums = sums.view.buf
    with nogil:
        if spec.single:
            c_gradient_range(
                spec, &scratch.space, <const float*>block.view.buf, &samples.data, start, stop,
                <float*>inputs_start, total
            )
        else:
            c_gradient_range(
                spec, &scratch.space, <const double*>block.view.buf, &samples.data, start, stop,
                <double*>inputs_start, total
            )


def output_delta(Plan plan, net, out, target, delta_out):
    """One sample's dE/dnet of the output layer."""
    cdef Py_ssize_t n = plan.spec.n_outputs, n_bytes = n * plan.spec.item
    cdef _Buffer nets = row_of_plan(plan, "net", net, n, False), outs = row_of_plan(plan, "out", out, n, False)
    cdef _Buffer targets = row_of_plan(plan, "target", target, n, False)
    cdef _Buffer deltas = row_of_plan(plan, "delta_out", delta_out, n, True)
    cdef _Scratch scratch = _Scratch(plan, 1, False, False)
    cdef Workspace* space = &scratch.space
    memcpy(space.nets, nets.view.buf, n_bytes)  # with their padding
    memcpy(space.outs, outs.view.buf, n_bytes)
    if plan.spec.single:
        c_output_deltas(
            &plan.spec, <const float*>space.nets, <const float*>space.outs, <const float*>targets.view.buf,
            <float*>space.deltas
        )
    else:
        c_output_deltas(
            &plan.spec, <const double*>space.nets, <const double*>space.outs, <const double*>targets.view.buf,
            <double*>space.deltas
        )
    memcpy(deltas.view.buf, space.deltas, n_bytes)


def hidden_delta(Plan plan, parameters, Py_ssize_t layer, delta, net, out, gradient_out, delta_out):
    """One sample's dE/dout and dE/dnet of the units below the weights `layer`."""
    cdef _Buffer block = block_of(plan, parameters)
    if not 1 <= layer < plan.spec.n_layers:
        raise ValueError(f"layer={layer}, expected 1 to {plan.spec.n_layers - 1}")
    cdef const Layer* above = &plan.spec.layers[layer]
    cdef Py_ssize_t n = above.fan_in, n_bytes = n * plan.spec.item
    cdef _Buffer deltas = row_of_plan(plan, "delta", delta, above.fan_out, False)
    cdef _Buffer nets = row_of_plan(plan, "net", net, n, False), outs = row_of_plan(plan, "out", out, n, False)
    cdef _Buffer gradients = row_of_plan(plan, "gradient_out", gradient_out, n, True)
    cdef _Buffer deltas_below = row_of_plan(plan, "delta_out", delta_out, n, True)
    cdef _Scratch scratch = _Scratch(plan, 1, False, False)
    cdef Workspace* space = &scratch.space
    memcpy(space.nets, nets.view.buf, n_bytes)  # with their padding
    memcpy(space.outs, outs.view.buf, n_bytes)
    if plan.spec.single:
        c_back(above, <const float*>block.view.buf, <const float*>deltas.view.buf, <float*>space.back)
        c_hidden_deltas(
            &plan.spec, <const float*>block.view.buf, layer, <const float*>deltas.view.buf,
            <const float*>space.nets, <const float*>space.outs, <float*>space.deltas
        )
    else:
        c_back(above, <const double*>block.view.buf, <const double*>deltas.view.buf, <double*>space.back)
        c_hidden_deltas(
            &plan.spec, <const double*>block.view.buf, layer, <const double*>deltas.view.buf,
            <const double*>space.nets, <const double*>space.outs, <double*>space.deltas
        )
    memcpy(gradients.view.buf, space.back, n_bytes)
    memcpy(deltas_below.view.buf, space.deltas, n_bytes)


def update(Plan plan, parameters, Py_ssize_t layer, below, delta, double learning_rate):
    """One sample's plain SGD update of one layer of weights, and of its bias if that is trained."""
    cdef _Buffer block = block_of(plan, parameters)
    if not 0 <= layer < plan.spec.n_layers:
        raise ValueError(f"layer={layer}, expected 0 to {plan.spec.n_layers - 1}")
    cdef const Layer* updated = &plan.spec.layers[layer]
    cdef _Buffer outs = row_of_plan(plan, "below", below, updated.fan_in, False)
    cdef _Buffer deltas = row_of_plan(plan, "delta", delta, updated.fan_out, False)
    cdef _Scratch scratch = _Scratch(plan, 1, False, False)
    cdef Workspace* space = &scratch.space
    memcpy(space.deltas, deltas.view.buf, updated.fan_out * plan.spec.item)  # with its padding
    if plan.spec.single:
        c_update_one(
            updated, &plan.spec, <float*>block.view.buf, <const float*>outs.view.buf, <const float*>space.deltas,
            <float>learning_rate
        )
    else:
        c_update_one(
            updated, &plan.spec, <double*>block.view.buf, <const double*>outs.view.buf,
            <const double*>space.deltas, learning_rate
        )


def train_epochs(
    Plan plan, parameters, X, T, sample_weight, const Py_ssize_t[:, ::1] indices, const double[:] learning_rates,
    double l2, optimizer, Py_ssize_t batch_size, place, Py_ssize_t stop_epoch, Py_ssize_t max_batches,
    double stop_below, double[::1] history_out, double batch_loss_factor=0.0, double clip_norm=0.0,
    Py_ssize_t n_threads=1
):
    """Train from a place in the run until `stop_epoch`, or until `max_batches` batches are done."""
    cdef Py_ssize_t epoch, sample, batch
    cdef double weight, batch_weight
    cdef Meter meter
    epoch, sample, batch, meter.total, weight = place
    cdef _Buffer parameter_block = block_of(plan, parameters)
    cdef _Data samples = _Data(plan, X, T, sample_weight, sample, sample + 1)
    cdef Py_ssize_t n_samples = samples.X.view.shape[0]
    if indices is not None:
        if indices.shape[0] < stop_epoch - epoch or indices.shape[1] != n_samples:
            raise ValueError(f"indices ({indices.shape[0]}, {indices.shape[1]})")
    if epoch < 0 or learning_rates.shape[0] < stop_epoch or batch_size < 1 or n_threads < 1:
        raise ValueError(f"epochs {epoch}..{stop_epoch - 1}, batch_size={batch_size}, n_threads={n_threads}")
    meter.wanted = history_out is not None
    meter.batch_loss_factor = batch_loss_factor
    if clip_norm > 0.0 and plan.spec.sequential:
        raise ValueError("clip_norm with a sequential plan")
    if history_out is not None and history_out.shape[0] < stop_epoch:
        raise ValueError(f"a history of {history_out.shape[0]} epochs, expected {stop_epoch}")
    cdef const Spec* spec = &plan.spec
    cdef Data* data = &samples.data
    cdef _Moments moments = _Moments(plan, optimizer)
    cdef Py_ssize_t largest = min(batch_size, n_samples)
    cdef bint single = batch_size == 1 and sample_weight is None and clip_norm == 0.0
    cdef bint online = single and not plan.spec.sequential
    cdef bint plain = single and moments.optimizer.method == PLAIN and l2 == 0.0
    n_threads = min(n_threads, (largest + 3) // 4)  # no part of a batch is smaller than a block of four samples
    cdef _Team team = _Team(n_threads)
    cdef Py_ssize_t rows = min(largest, ROWS_AT_ONCE if n_threads == 1 else 2 * ROWS_AT_ONCE * n_threads)
    if online:
        rows = 2
    elif spec.sequential:
        rows = largest
    cdef _Scratch scratch = _Scratch(
        plan, rows, largest > 1 or not plain, samples.converting, n_threads,
        online and plain and spec.n_inputs >= LEAST_FOR_LISTS and not c_is_small(spec),
    )
    cdef Py_ssize_t stop, done, batches, first_epoch = epoch, last_batch = batch + max_batches
    cdef float* block32 = <float*>parameter_block.view.buf
    cdef double* block64 = <double*>parameter_block.view.buf
    cdef bint finite, lists = False
    cdef int status = 0  # FINISHED
    cdef Course course
    # small networks have runs of whole epochs, if nothing but the learning rate differs between them
    cdef bint courses = online and plain and indices is None and batch_loss_factor == 0.0 and c_is_small(spec)
    course.rate_step = learning_rates.strides[0] // <Py_ssize_t>sizeof(double)
    course.stop_below = stop_below
    if learning_rates.strides[0] % <Py_ssize_t>sizeof(double):
        courses = False
    with nogil:
        if batch == 0:
            if spec.single:
                c_clear_minus_zeros(spec, block32)
            else:
                c_clear_minus_zeros(spec, block64)
        if online and plain:
            lists = c_can_list(spec, block32) if spec.single else c_can_list(spec, block64)
        while epoch < stop_epoch and status == 0:
            if batch == last_batch:
                status = 1  # PAUSED
                break
            if courses and sample == 0:  # up to, and without, the batch after which parameters are looked at
                batches = min(last_batch - batch, SCAN_EVERY_BATCHES - 1 - batch % SCAN_EVERY_BATCHES)
                course.count = min(stop_epoch - epoch, batches // n_samples)
                if course.count > 1:
                    course.rates = &learning_rates[epoch]
                    course.history = &history_out[epoch] if meter.wanted else NULL
                    if spec.single:
                        done = c_small_ones(spec, &scratch.space, block32, data, 0, n_samples, &course, &meter)
                    else:
                        done = c_small_ones(spec, &scratch.space, block64, data, 0, n_samples, &course, &meter)
                    batch += done
                    epoch += done // n_samples
                    sample = done % n_samples
                    weight = <double>sample
                    if meter.wanted and sample == 0 and done > 0 and history_out[epoch - 1] < stop_below:
                        status = 4  # STOPPED
                    elif done < course.count * n_samples:
                        status = 2  # LOSS_NOT_FINITE
                    continue
            if indices is not None:
                data.order = &indices[epoch - first_epoch, 0]
            if online:  # as many as there are until someone wants to look
                batches = min(last_batch - batch, SCAN_EVERY_BATCHES - batch % SCAN_EVERY_BATCHES)
                stop = min(sample + batches, n_samples)
            else:
                stop = min(sample + batch_size, n_samples)
            if not c_order_fits(data, sample, stop, n_samples):
                status = BAD_ORDER
                break
            finite = True
            if online:
                if spec.single:
                    done = c_train_singly(
                        spec, &scratch.space, block32, data, sample, stop, &moments.optimizer,
                        learning_rates[epoch], l2, &meter, &lists
                    )
                else:
                    done = c_train_singly(
                        spec, &scratch.space, block64, data, sample, stop, &moments.optimizer,
                        learning_rates[epoch], l2, &meter, &lists
                    )
                if done < stop - sample:
                    finite = False
                    weight += done
                    batch += done
                    sample += done
                batches = done
            else:
                batches = 1
                batch_weight = c_add_weights(spec, data, sample, stop, 0.0)
                if batch_weight == 0.0:  # all of its weights are: it is passed over
                    pass
                elif spec.single:
                    finite = c_train_batch(
                        spec, &scratch.space, block32, data, sample, stop, batch_weight, &moments.optimizer,
                        learning_rates[epoch], l2, clip_norm, &meter, &team.team
                    )
                else:
                    finite = c_train_batch(
                        spec, &scratch.space, block64, data, sample, stop, batch_weight, &moments.optimizer,
                        learning_rates[epoch], l2, clip_norm, &meter, &team.team
                    )
            if not finite:
                status = 2  # LOSS_NOT_FINITE
                break
            batch += batches
            if batch_loss_factor == 0.0 and batch % SCAN_EVERY_BATCHES == 0 and (
                c_first_bad_layer(spec, block32) if spec.single else c_first_bad_layer(spec, block64)
            ) >= 0:
                status = 3  # PARAMETER_NOT_FINITE
                break
            weight = c_add_weights(spec, data, sample, stop, weight)
            sample = stop
            if sample == n_samples:
                if meter.wanted:
                    history_out[epoch] = meter.total / (weight if batch_loss_factor == 0.0 else <double>n_samples)
                    if history_out[epoch] < stop_below:
                        status = 4  # STOPPED
                epoch += 1
                sample = 0
                meter.total = 0.0
                weight = 0.0
                if batch_loss_factor > 0.0 and status == 0 and (
                    c_first_bad_layer(spec, block32) if spec.single else c_first_bad_layer(spec, block64)
                ) >= 0:
                    status = 3  # PARAMETER_NOT_FINITE
    if status == BAD_ORDER:
        raise ValueError(f"an index outside 0..{n_samples - 1}")
    return (epoch, sample, batch, meter.total, weight), status


include "_ensemble_door.pxi"
