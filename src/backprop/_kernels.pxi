# The compiled loops over layers, samples and batches. No Python, no allocation, nothing that can raise.
#
# `_functions.pxi` has the activations and losses, `_model.pxi` the structs, `_updates.pxi` the optimizers,
# `_layers.pxi` what happens in a layer; for many samples at once, `_blocks.pxi` has the sums over units,
# `_gradients.pxi` and `_narrow.pxi` those over samples, `_rows.pxi` what is done unit by unit, `_batch.pxi` a
# batch, `_threads.pxi` how it is shared; `_online.pxi`, `_small.pxi` and `_lists.pxi` have runs of single samples,
# `_vectors.pxi` what the machine decides.

include "_functions.pxi"
include "_model.pxi"
include "_updates.pxi"
include "_layers.pxi"


cdef inline Py_ssize_t c_spot(const Workspace* space, const Layer* layer, Py_ssize_t s) noexcept nogil:
    """Where in nets, outs and deltas a layer begins for the s-th sample in use; the next one follows at once."""
    return space.seats * layer.column + (space.first + s) * layer.width


cdef inline const void* c_below(const Workspace* space, Py_ssize_t level, Py_ssize_t s) noexcept nogil:
    """What the weights of a layer take in, for the sample in row s of the workspace."""
    return space.inputs[level * space.seats + s]


cdef inline bint c_in_place(const Spec* spec, Py_ssize_t level) noexcept nogil:
    """Whether a layer's nets become its outs in place, in a batch: nobody else needs them."""
    return level < spec.n_layers - 1 and c_knows_from_out(spec.layers[level].activation)


cdef inline void* c_nets_of(const Spec* spec, const Workspace* space, Py_ssize_t level) noexcept nogil:
    """Where the nets of a batch go."""
    cdef const Layer* layer = &spec.layers[level]
    return <char*>(space.outs if c_in_place(spec, level) else space.nets) + c_spot(space, layer, 0) * spec.item


include "_rows.pxi"
include "_blocks.pxi"
include "_narrow.pxi"
include "_gradients.pxi"

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
    cdef Py_ssize_t s, bytes_X = data.X.width * spec.item, bytes_T = data.T.width * spec.item
    cdef const char* X = data.X.start
    cdef const char* T = data.T.start
    cdef const Py_ssize_t* order = data.order
    cdef const void** inputs = space.inputs
    cdef const void** targets = space.targets
    if data.X.single != spec.single or data.T.single != spec.single or T == NULL or data.weights.start != NULL:
        for s in range(rows):
            c_seat_row(spec, space, data, first + s, s)
    elif order != NULL:
        for s in range(rows):
            inputs[s] = X + order[first + s] * bytes_X
            targets[s] = T + order[first + s] * bytes_T
    else:
        for s in range(rows):
            inputs[s] = X + (first + s) * bytes_X
            targets[s] = T + (first + s) * bytes_T


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


cdef void c_forward(const Spec* spec, Workspace* space, const real* parameters) noexcept nogil:
    """net and out of every layer, of the first sample in the workspace."""
    cdef Py_ssize_t level
    cdef const real* below = <const real*>space.inputs[0]
    cdef const Layer* layer
    cdef real* net
    cdef real* out
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        net = <real*>space.nets + c_spot(space, layer, 0)
        out = <real*>space.outs + c_spot(space, layer, 0)
        c_layer_nets(layer, spec.bias, parameters, below, net)
        c_outs(layer.activation, layer.fan_out, layer.width, net, out)
        below = out


cdef bint c_train_one(
    const Spec* spec, Workspace* space, real* parameters, real rate, Meter* meter
) noexcept nogil:
    """A batch of one sample, without the detour through sums. False, and no update, if the loss is not finite."""
    cdef Py_ssize_t level
    cdef const Layer* layer
    cdef const real* target = <const real*>space.targets[0]
    cdef const real* below
    cdef const real* net = <const real*>space.nets + c_spot(space, &spec.layers[spec.n_layers - 1], 0)
    cdef const real* out = <const real*>space.outs + c_spot(space, &spec.layers[spec.n_layers - 1], 0)
    cdef real* delta = <real*>space.deltas + c_spot(space, &spec.layers[spec.n_layers - 1], 0)
    cdef real* delta_below = delta
    cdef double error
    c_forward(spec, space, parameters)
    if meter.wanted:
        error = c_measure(spec, meter.batch_loss_factor > 0, net, out, target)
        if meter.batch_loss_factor > 0:
            error = meter.batch_loss_factor * error
        meter.total = meter.total + error
        if meter.batch_loss_factor == 0 and not isfinite(meter.total):
            return False
    c_output_deltas(spec, net, out, target, delta)
    for level in range(spec.n_layers - 1, -1, -1):
        layer = &spec.layers[level]
        below = <const real*>c_below(space, level, 0)
        if spec.sequential:
            c_update_one(layer, spec, parameters, below, delta, rate)
        if level > 0:
            net = <const real*>space.nets + c_spot(space, layer - 1, 0)
            delta_below = <real*>space.deltas + c_spot(space, layer - 1, 0)
            c_hidden_deltas(spec, parameters, level, delta, net, below, delta_below)
        if not spec.sequential:
            c_update_one(layer, spec, parameters, below, delta, rate)
        delta = delta_below
    return True


include "_small.pxi"
include "_lists.pxi"
include "_online.pxi"

include "_batch.pxi"

# ---- many samples, no update -------------------------------------------------------------------------------

cdef void c_write_sheets(
    const Spec* spec, const Workspace* space, char** sheets, Py_ssize_t row, const real* values
) noexcept nogil:
    """Copy the first sample's nets or outs to the sheets (n_samples, fan_out) that are not NULL."""
    cdef Py_ssize_t level
    cdef const Layer* layer
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        if sheets[level] != NULL:
            memcpy(
                <real*>sheets[level] + row * layer.fan_out, values + c_spot(space, layer, 0),
                layer.fan_out * sizeof(real)
            )


cdef void c_forward_range(
    const Spec* spec, Workspace* space, const real* parameters, const Data* data, Py_ssize_t start,
    Py_ssize_t stop, char** nets_out, char** outs_out
) noexcept nogil:
    """The forward passes of the samples start..stop-1, to the sheets."""
    cdef Py_ssize_t row
    for row in range(start, stop):
        c_seat_rows(spec, space, data, row, 1)
        c_forward(spec, space, parameters)
        c_write_sheets(spec, space, nets_out, row, <const real*>space.nets)
        c_write_sheets(spec, space, outs_out, row, <const real*>space.outs)


cdef double c_loss_range(
    const Spec* spec, Workspace* space, const real* parameters, const Data* data, Py_ssize_t start,
    Py_ssize_t stop, double total
) noexcept nogil:
    """`total` plus the losses of the samples start..stop-1, each times its weight, added one by one."""
    cdef Py_ssize_t row, last = c_spot(space, &spec.layers[spec.n_layers - 1], 0)
    cdef double error
    for row in range(start, stop):
        c_seat_rows(spec, space, data, row, 1)
        c_forward(spec, space, parameters)
        error = c_measure(
            spec, False, <const real*>space.nets + last, <const real*>space.outs + last,
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
                    &spec.layers[0], parameters, <const real*>space.deltas + c_spot(space, &spec.layers[0], s),
                    <real*>space.back
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
