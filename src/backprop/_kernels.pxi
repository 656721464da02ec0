# The compiled loops over layers, samples and batches. No Python, no allocation, nothing that can raise.
#
# `_functions.pxi` has the activations and losses, `_model.pxi` the structs, `_updates.pxi` the optimizers,
# `_layers.pxi` what happens in a layer, `_blocks.pxi` the same for many samples at once, `_threads.pxi` how a
# batch is shared, `_online.pxi` and `_small.pxi` runs of single samples, `_vectors.pxi` what the machine decides.

include "_functions.pxi"
include "_model.pxi"
include "_updates.pxi"
include "_layers.pxi"


cdef inline const void* c_below(const Workspace* space, Py_ssize_t level, Py_ssize_t s) noexcept nogil:
    """What the weights of a layer take in, for the sample in row s of the workspace."""
    return space.inputs[level * space.seats + s]


include "_blocks.pxi"

# ---- the caller's data -------------------------------------------------------------------------------------

cdef inline const void* c_row(
    const Spec* spec, const Table* table, Py_ssize_t row, char* converted
) noexcept nogil:
    """Where a row stands in the network's dtype: in the table itself, or rounded in `converted`."""
    cdef Py_ssize_t k, first = row * table.width
    cdef const float* singles = <const float*>table.start + first
    cdef const double* doubles = <const double*>table.start + first
    if table.single == spec.single:
        return table.start + first * spec.item
    for k in range(table.width):
        if spec.single:
            (<float*>converted)[k] = <float>doubles[k]
        else:
            (<double*>converted)[k] = singles[k]
    return converted


cdef inline double c_weight(const Spec* spec, const Data* data, Py_ssize_t row) noexcept nogil:
    """A sample's weight, rounded to the network's dtype."""
    if data.weights.single:
        return (<const float*>data.weights.start)[row]
    if spec.single:
        return <float>(<const double*>data.weights.start)[row]
    return (<const double*>data.weights.start)[row]


cdef inline void c_seat_row(
    const Spec* spec, Workspace* space, const Data* data, Py_ssize_t place, Py_ssize_t s
) noexcept nogil:
    """Seat the sample at a place of the order in row s of the workspace."""
    cdef Py_ssize_t row = data.order[place] if data.order != NULL else place
    cdef char* converted = <char*>space.converted + s * (spec.n_inputs + spec.n_outputs) * spec.item
    space.inputs[s] = c_row(spec, &data.X, row, converted)
    if data.T.start != NULL:
        space.targets[s] = c_row(spec, &data.T, row, converted + spec.n_inputs * spec.item)
    if data.weights.start != NULL:
        space.weights[s] = c_weight(spec, data, row)


cdef inline void c_seat_rows(
    const Spec* spec, Workspace* space, const Data* data, Py_ssize_t first, Py_ssize_t rows
) noexcept nogil:
    """Seat the samples first..first+rows-1 of the order in the workspace."""
    cdef Py_ssize_t s
    for s in range(rows):
        c_seat_row(spec, space, data, first + s, s)


cdef inline double c_add_weights(
    const Spec* spec, const Data* data, Py_ssize_t first, Py_ssize_t stop, double weight
) noexcept nogil:
    """`weight` plus the samples' weights, added in order; a sample without one counts 1."""
    cdef Py_ssize_t s
    if data.weights.start == NULL:
        return weight + <double>(stop - first)
    for s in range(first, stop):
        weight = weight + c_weight(spec, data, data.order[s] if data.order != NULL else s)
    return weight


cdef inline bint c_order_fits(
    const Data* data, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t n_samples
) noexcept nogil:
    """Whether every index is one of a sample: another would read foreign memory."""
    cdef Py_ssize_t s
    if data.order == NULL:
        return True
    for s in range(first, stop):
        if not 0 <= data.order[s] < n_samples:
            return False
    return True


# ---- one sample --------------------------------------------------------------------------------------------

cdef inline double c_measure(
    const Spec* spec, bint reported, const real* net, const real* out, const real* target
) noexcept nogil:
    """The loss of one sample, or what scikit-learn reports of it."""
    if reported:
        return <double>c_reported_loss(spec.loss, <real>spec.huber_delta, spec.n_outputs, net, out, target)
    return <double>c_loss(spec.loss, <real>spec.huber_delta, spec.n_outputs, net, out, target)


cdef void c_forward(
    const Spec* spec, const real* parameters, const real* x, real* nets, real* outs
) noexcept nogil:
    """net and out of every layer, into one row of the workspace each."""
    cdef Py_ssize_t level
    cdef const real* below = x
    cdef const Layer* layer
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        c_layer_nets(layer, spec.bias, parameters, below, nets + layer.column)
        c_outs(layer.activation, layer.fan_out, layer.width, nets + layer.column, outs + layer.column)
        below = outs + layer.column


cdef bint c_train_one(
    const Spec* spec, Workspace* space, real* parameters, real rate, Meter* meter
) noexcept nogil:
    """A batch of one sample, without the detour through sums. False, and no update, if the loss is not finite."""
    cdef Py_ssize_t level
    cdef const Layer* layer
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef const real* target = <const real*>space.targets[0]
    cdef const real* below
    cdef real* nets = <real*>space.nets
    cdef real* outs = <real*>space.outs
    cdef real* deltas = <real*>space.deltas
    cdef real* back = <real*>space.back
    cdef real* delta
    c_forward(spec, parameters, <const real*>space.inputs[0], nets, outs)
    cdef double error
    if meter.wanted:
        error = c_measure(spec, meter.batch_loss_factor > 0, nets + last.column, outs + last.column, target)
        if meter.batch_loss_factor > 0:
            error = meter.batch_loss_factor * error
        meter.total = meter.total + error
        if meter.batch_loss_factor == 0 and not isfinite(meter.total):
            return False
    c_output_deltas(spec, nets + last.column, outs + last.column, target, back, deltas + last.column)
    for level in range(spec.n_layers - 1, -1, -1):
        layer = &spec.layers[level]
        delta = deltas + layer.column
        below = <const real*>c_below(space, level, 0)
        if spec.sequential:
            c_update_one(layer, spec, parameters, below, delta, rate)
        if level > 0:
            c_hidden_deltas(
                spec, parameters, level, delta, nets + spec.layers[level - 1].column, below, back,
                deltas + spec.layers[level - 1].column
            )
        if not spec.sequential:
            c_update_one(layer, spec, parameters, below, delta, rate)
    return True


include "_small.pxi"
include "_online.pxi"

# ---- one batch ---------------------------------------------------------------------------------------------

cdef void c_outs_rows(
    const Spec* spec, const Workspace* space, const real* parameters, Py_ssize_t rows
) noexcept nogil:
    """Forward passes of the samples in the workspace."""
    cdef Py_ssize_t s, level
    cdef const Layer* layer
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        c_nets_rows(spec, space, parameters, level, rows)
        for s in range(rows):
            c_outs(
                layer.activation, layer.fan_out, layer.width,
                <const real*>space.nets + s * spec.row + layer.column,
                <real*>space.outs + s * spec.row + layer.column
            )


cdef void c_forward_rows(
    const Spec* spec, Workspace* space, const real* parameters, Py_ssize_t rows, bint weighted, bint want_loss,
    bint reported
) noexcept nogil:
    """Forward passes, losses if wanted, and output deltas of the samples in the workspace, times their weights."""
    cdef Py_ssize_t s, j, level
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef const real* target
    cdef real* net
    cdef real* out
    cdef real* delta
    cdef real weight
    cdef double error
    c_outs_rows(spec, space, parameters, rows)
    for s in range(rows):
        net = <real*>space.nets + s * spec.row + last.column
        out = <real*>space.outs + s * spec.row + last.column
        delta = <real*>space.deltas + s * spec.row + last.column
        target = <const real*>space.targets[s]
        if want_loss:
            error = c_measure(spec, reported, net, out, target)
            space.losses[s] = space.weights[s] * error if weighted else error
        c_output_deltas(spec, net, out, target, <real*>space.back, delta)
        if weighted:
            weight = <real>space.weights[s]
            for j in range(last.width):
                delta[j] = weight * delta[j]


cdef double c_add_losses(const Workspace* space, Py_ssize_t rows, double total) noexcept nogil:
    """`total` plus the losses of the samples in the workspace, added one by one."""
    cdef Py_ssize_t s
    for s in range(rows):
        total = total + space.losses[s]
    return total


cdef void c_gradient_rows(
    const Spec* spec, Workspace* space, const real* parameters, Py_ssize_t rows, bint weighted, bint want_loss,
    bint reported, double* total
) noexcept nogil:
    """Add the gradients of the samples in the workspace to the sums, every layer, with one set of parameters."""
    cdef Py_ssize_t level
    c_forward_rows(spec, space, parameters, rows, weighted, want_loss, reported)
    if want_loss:
        total[0] = c_add_losses(space, rows, total[0])
    for level in range(spec.n_layers - 1, -1, -1):
        c_add_gradients(spec, space, <real*>space.sums, level, rows, 0, spec.layers[level].fan_in, False)
        c_add_bias_gradients(spec, space, <real*>space.sums, level, rows, False)
        if level > 0:
            c_hidden_rows(spec, space, parameters, level, rows)


include "_threads.pxi"


cdef bint c_train_batch(
    const Spec* spec, Workspace* space, real* parameters, const Data* data, Py_ssize_t first, Py_ssize_t stop,
    double weight, Optimizer* optimizer, double rate, double l2, double clip_norm, Meter* meter, Team* team
) noexcept nogil:
    """One update from the samples first..stop-1 of the order. False, and no update, if the loss is not finite.

    A simultaneous batch may be larger than the workspace: its samples pass through in portions, in order. A
    sequential one needs all of its outputs until the end, and the workspace is made to hold them.
    """
    cdef Py_ssize_t level, rows, done = first, last = spec.n_layers - 1
    cdef bint by_batch = meter.batch_loss_factor > 0, clipping = clip_norm > 0.0
    cdef bint weighted = data.weights.start != NULL
    cdef double total = 0.0 if by_batch else meter.total, penalty = 0.0
    cdef Job job
    if stop - first == 1 and optimizer.method == PLAIN and l2 == 0.0 and not (weighted or clipping):
        c_seat_rows(spec, space, data, first, 1)
        return c_train_one(spec, space, parameters, <real>rate, meter)
    job.spec, job.space, job.parameters, job.data, job.optimizer = spec, space, parameters, data, optimizer
    job.weighted, job.want_loss, job.reported = weighted, meter.wanted, by_batch
    job.inverse = <real>(1.0 / weight)
    job.alpha = <real>(l2 if by_batch else l2 * weight)
    job.fresh = True
    while True:
        rows = min(space.rows, stop - done)
        job.first, job.rows, job.highest, job.lowest = done, rows, last, 0
        job.tasks = FORWARD if spec.sequential else FORWARD | BACK
        c_run(team, &job)
        if meter.wanted:
            total = c_add_losses(space, rows, total)
        done += rows
        if done == stop:
            break
        job.tasks = ADD
        c_run(team, &job)
        job.fresh = False
    if not by_batch:
        meter.total = total
        if not isfinite(total):
            return False
    elif meter.wanted:
        if l2 != 0.0:
            penalty = 0.5 * l2 * c_squares(spec, parameters, <real*>space.back)
        meter.total = meter.total + (stop - first) * ((meter.batch_loss_factor * total + penalty) / weight)
    c_begin_update(optimizer, rate)
    if spec.sequential:
        for level in range(last, -1, -1):
            job.highest, job.lowest, job.tasks = level, level, ADD | UPDATE
            c_run(team, &job)
            if level > 0:
                job.tasks = BACK
                c_run(team, &job)
        return True
    if clipping:
        job.tasks = ADD
        c_run(team, &job)
        c_clip(
            spec, parameters, <real*>space.sums, <real>job.inverse, <real>job.alpha, <real*>space.back, clip_norm
        )
        job.inverse, job.alpha, job.tasks = 1.0, 0.0, UPDATE
    else:
        job.tasks = ADD | UPDATE
    c_run(team, &job)
    return True


# ---- many samples, no update -------------------------------------------------------------------------------

cdef void c_write_sheets(
    const Spec* spec, char** sheets, Py_ssize_t row, const real* values
) noexcept nogil:
    """Copy one sample's row of the workspace to the sheets (n_samples, fan_out) that are not NULL."""
    cdef Py_ssize_t level
    cdef const Layer* layer
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        if sheets[level] != NULL:
            memcpy(<real*>sheets[level] + row * layer.fan_out, values + layer.column, layer.fan_out * sizeof(real))


cdef void c_forward_range(
    const Spec* spec, Workspace* space, const real* parameters, const Data* data, Py_ssize_t start,
    Py_ssize_t stop, char** nets_out, char** outs_out
) noexcept nogil:
    """The forward passes of the samples start..stop-1, to the sheets."""
    cdef Py_ssize_t row
    for row in range(start, stop):
        c_seat_rows(spec, space, data, row, 1)
        c_forward(spec, parameters, <const real*>space.inputs[0], <real*>space.nets, <real*>space.outs)
        c_write_sheets(spec, nets_out, row, <const real*>space.nets)
        c_write_sheets(spec, outs_out, row, <const real*>space.outs)


cdef double c_loss_range(
    const Spec* spec, Workspace* space, const real* parameters, const Data* data, Py_ssize_t start,
    Py_ssize_t stop, double total
) noexcept nogil:
    """`total` plus the losses of the samples start..stop-1, each times its weight, added one by one."""
    cdef Py_ssize_t row, last = spec.layers[spec.n_layers - 1].column
    cdef real* nets = <real*>space.nets
    cdef real* outs = <real*>space.outs
    cdef double error
    for row in range(start, stop):
        c_seat_rows(spec, space, data, row, 1)
        c_forward(spec, parameters, <const real*>space.inputs[0], nets, outs)
        error = <double>c_loss(
            spec.loss, <real>spec.huber_delta, spec.n_outputs, nets + last, outs + last,
            <const real*>space.targets[0]
        )
        total = total + (space.weights[0] * error if data.weights.start != NULL else error)
    return total


cdef void c_gradient_range(
    const Spec* spec, Workspace* space, const real* parameters, const Data* data, Py_ssize_t start,
    Py_ssize_t stop, real* inputs_out, double* total_out
) noexcept nogil:
    """Add the gradients of the samples start..stop-1 to the sums; write each one's dE/dx to its row.

    Neither `inputs_out` nor `total_out`, for the sum of the reported losses, is needed.
    """
    cdef Py_ssize_t row = start, s, rows
    cdef bint weighted = data.weights.start != NULL
    while row < stop:
        rows = min(space.rows, stop - row)
        c_seat_rows(spec, space, data, row, rows)
        c_gradient_rows(spec, space, parameters, rows, weighted, total_out != NULL, True, total_out)
        if inputs_out != NULL:
            for s in range(rows):
                c_back(
                    &spec.layers[0], parameters, <const real*>space.deltas + s * spec.row, <real*>space.back
                )
                memcpy(inputs_out + (row + s) * spec.n_inputs, space.back, spec.n_inputs * sizeof(real))
        row += rows


# ---- the parameter block -----------------------------------------------------------------------------------

cdef void c_clear_minus_zeros(const Spec* spec, real* parameters) noexcept nogil:
    """No parameter is -0.0 from here on."""
    cdef Py_ssize_t k
    cdef real zero = 0
    for k in range(spec.size):
        parameters[k] = parameters[k] + zero


cdef bint c_all_finite(const real* values, Py_ssize_t count) noexcept nogil:
    """Whether no value is infinite or NaN."""
    cdef Py_ssize_t k
    for k in range(count):
        if not isfinite(values[k]):
            return False
    return True


cdef Py_ssize_t c_first_bad_layer(const Spec* spec, const real* parameters) noexcept nogil:
    """The first layer with a parameter that is not finite, or -1."""
    cdef Py_ssize_t level, i
    cdef const Layer* layer
    cdef Py_ssize_t n_bias
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        for i in range(layer.fan_in):
            if not c_all_finite(parameters + layer.weights + i * layer.width, layer.fan_out):
                return level
        n_bias = layer.fan_out if spec.bias == PER_UNIT else (1 if spec.bias == SHARED else 0)
        if not c_all_finite(parameters + layer.bias, n_bias):
            return level
    return -1


cdef Py_ssize_t c_first_outside(const real* values, Py_ssize_t count, double low, double high) noexcept nogil:
    """The index of the first value that is not within [low, high], or -1. A block is looked at side by side."""
    cdef Py_ssize_t k, start = 0, stop
    cdef int within
    while start < count:
        stop = min(start + 256, count)
        within = 1
        for k in range(start, stop):
            within &= (low <= values[k]) & (values[k] <= high)
        if not within:
            for k in range(start, stop):
                if not low <= values[k] <= high:
                    return k
        start = stop
    return -1


include "_ensemble.pxi"
