# Runs of many networks at once: samples, batches and epochs of one block of them, a network in each lane.
#
# `_lanes.pxi` has what happens in a layer, `_members.pxi` who is where.

include "_lanes.pxi"
include "_members.pxi"

# ---- updates -----------------------------------------------------------------------------------------------

cdef inline void c_lanes_forward(
    const Spec* spec, const real* parameters, const real* x, real* nets, real* outs
) noexcept nogil:
    """net and out of every layer."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), level
    cdef const real* below = x
    cdef const Layer* layer
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        c_lanes_nets(
            layer, spec.bias, layer.fan_in, layer.fan_out, parameters, below, nets + layer.column * lanes
        )
        c_lanes_outs(
            layer.activation, layer.fan_out, nets + layer.column * lanes, outs + layer.column * lanes
        )
        below = outs + layer.column * lanes


cdef widely c_lanes_one(
    const Spec* spec, const Members* members, Lanes* space, const real* x, const real* t, Py_ssize_t epoch,
    Py_ssize_t sample
) noexcept nogil:
    """An update by plain SGD from one sample each."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), level
    cdef const Layer* layer
    cdef const Layer* under
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef real* parameters = <real*>space.state
    cdef real* nets = <real*>space.nets
    cdef real* outs = <real*>space.outs
    cdef real* deltas = <real*>space.deltas
    cdef const real* rate = <const real*>space.numbers + RATE * lanes
    cdef real* net = nets + last.column * lanes
    cdef real* out = outs + last.column * lanes
    cdef bint lost = False
    c_lanes_forward(spec, parameters, x, nets, outs)
    if members.wanted:
        c_lanes_add_losses(spec.loss, <real>spec.huber_delta, spec.n_outputs, net, out, t, space.totals)
        if not c_totals_are_finite(space.totals, lanes):
            lost = True
            c_end_lost(spec, members, space, epoch, sample, <real>0)
    c_lanes_output_deltas(spec, net, out, t, deltas + last.column * lanes)
    for level in range(spec.n_layers - 1, 0, -1):
        layer = &spec.layers[level]
        under = &spec.layers[level - 1]
        c_lanes_back_and_update(
            layer, layer.fan_in, layer.fan_out, parameters, outs + under.column * lanes,
            deltas + layer.column * lanes, rate, deltas + under.column * lanes
        )
        c_lanes_update_bias(layer, spec, layer.fan_out, parameters, deltas + layer.column * lanes, rate)
        c_lanes_deltas(
            under.activation, under.fan_out, nets + under.column * lanes, outs + under.column * lanes,
            deltas + under.column * lanes
        )
    layer = &spec.layers[0]
    c_lanes_update_weights(layer, layer.fan_in, layer.fan_out, parameters, x, deltas, rate)
    c_lanes_update_bias(layer, spec, layer.fan_out, parameters, deltas, rate)
    if lost:
        c_empty_lanes(spec, members, space, <real>0)
    return 0


cdef void c_lanes_update_rows(
    const Spec* spec, const Members* members, const Lanes* space, Py_ssize_t start, Py_ssize_t count,
    const real* restrict alpha, real inverse
) noexcept nogil:
    """Update a stretch of the parameters from grad = (S + alpha*w)*(1/B); without L2 nothing is added."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), n, k
    cdef const real* restrict numbers = <const real*>space.numbers
    cdef const real* rate = numbers + RATE * lanes
    cdef const real* momentum = numbers + MOMENTUM_OR_BETA_1 * lanes
    cdef const real* beta_2 = numbers + BETA_2 * lanes
    cdef const real* epsilon = numbers + EPSILON * lanes
    cdef const real* rest_1 = numbers + REST_1 * lanes
    cdef const real* rest_2 = numbers + REST_2 * lanes
    cdef real* restrict w = <real*>space.state + start * lanes
    cdef real* restrict first = <real*>space.state + (spec.size + start) * lanes  # if there is one
    cdef real* restrict second = <real*>space.state + (2 * spec.size + start) * lanes
    cdef const real* restrict s = <const real*>space.sums + start * lanes
    cdef real[MOST_LINE] gradient
    cdef real old
    for n in range(count):
        for k in range(lanes):
            old = s[k] + alpha[k] * w[k]
            gradient[k] = (old if alpha[k] != 0 else s[k]) * inverse
        if members.method == MOMENTUM:
            for k in range(lanes):
                first[k] = momentum[k] * first[k] - rate[k] * gradient[k]
                w[k] = w[k] + first[k]
        elif members.method == NESTEROV:
            for k in range(lanes):
                first[k] = momentum[k] * first[k] - rate[k] * gradient[k]
                w[k] = w[k] + (momentum[k] * first[k] - rate[k] * gradient[k])
        elif members.method == ADAM:
            for k in range(lanes):
                first[k] = momentum[k] * first[k] + rest_1[k] * gradient[k]
                second[k] = beta_2[k] * second[k] + rest_2[k] * (gradient[k] * gradient[k])
                w[k] = w[k] - (rate[k] * first[k]) / (c_root(second[k]) + epsilon[k])
        else:  # PLAIN
            for k in range(lanes):
                w[k] = w[k] - rate[k] * gradient[k]
        w += lanes
        first += lanes
        second += lanes
        s += lanes


cdef void c_lanes_update(
    const Spec* spec, const Members* members, const Lanes* space, Py_ssize_t level, real inverse
) noexcept nogil:
    """Update one layer's weights, with L2, and its bias, without, if it is trained."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), i
    cdef const Layer* layer = &spec.layers[level]
    cdef const real* numbers = <const real*>space.numbers
    for i in range(layer.fan_in):
        c_lanes_update_rows(
            spec, members, space, layer.weights + i * layer.width, layer.fan_out, numbers + ALPHA * lanes, inverse
        )
    if spec.train_bias and spec.bias != NO_BIAS:
        c_lanes_update_rows(
            spec, members, space, layer.bias, 1 if spec.bias == SHARED else layer.fan_out,
            numbers + NO_ALPHA * lanes, inverse
        )


cdef void c_lanes_begin(const Members* members, Lanes* space, Py_ssize_t batch, real zero) noexcept nogil:
    """What an optimizer does once per batch of so many samples; in float64 for both dtypes."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), k
    cdef real* rate = <real*>space.numbers + RATE * lanes
    cdef real* alpha = <real*>space.numbers + ALPHA * lanes
    for k in range(lanes):
        alpha[k] = <real>(space.l2[k] * <double>batch)
    if members.method == ADAM:
        for k in range(lanes):
            space.power_1[k] = space.power_1[k] * space.beta_1[k]
            space.power_2[k] = space.power_2[k] * space.beta_2[k]
            rate[k] = <real>(space.rates[k] * sqrt(1.0 - space.power_2[k]) / (1.0 - space.power_1[k]))


cdef bint c_lanes_batch(
    const Spec* spec, const Members* members, Lanes* space, const Data* data, Py_ssize_t epoch, Py_ssize_t sample,
    Py_ssize_t batch, real zero
) noexcept nogil:
    """An update from the `batch` samples that begin at `sample`. False if an index is none of a sample's."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t done = 0, rows, s, level
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef real* parameters = <real*>space.state
    cdef const real* x
    cdef const real* t
    cdef Py_ssize_t at  # where in nets, outs and deltas
    cdef real inverse = <real>(1.0 / <double>batch)
    cdef bint lost = False
    memset(space.sums, 0, spec.size * lanes * sizeof(real))
    while done < batch:
        rows = min(space.seats, batch - done)
        if not c_seat_lanes(spec, members, space, data, epoch, sample + done, rows, zero):
            return False
        for s in range(rows):
            x = <const real*>space.inputs + s * spec.n_inputs * lanes
            t = <const real*>space.targets + s * spec.n_outputs * lanes
            at = s * spec.row * lanes if spec.sequential else 0
            c_lanes_forward(spec, parameters, x, <real*>space.nets + at, <real*>space.outs + at)
            at += last.column * lanes
            if members.wanted:
                c_lanes_add_losses(
                    spec.loss, <real>spec.huber_delta, spec.n_outputs, <const real*>space.nets + at,
                    <const real*>space.outs + at, t, space.totals
                )
            c_lanes_output_deltas(
                spec, <const real*>space.nets + at, <const real*>space.outs + at, t, <real*>space.deltas + at
            )
            if spec.sequential:
                continue
            for level in range(spec.n_layers - 1, -1, -1):
                c_lanes_add_gradients(
                    &spec.layers[level], spec.bias, <real*>space.sums,
                    <const real*>space.deltas + spec.layers[level].column * lanes,
                    <const real*>c_lanes_below(spec, space, level, s, 0, zero)
                )
                if level > 0:
                    c_lanes_hidden(spec, space, level, 0, zero)
        done += rows
    if members.wanted and not c_totals_are_finite(space.totals, lanes):
        lost = True
        c_end_lost(spec, members, space, epoch, sample, zero)
    c_lanes_begin(members, space, batch, zero)
    for level in range(spec.n_layers - 1, -1, -1):
        if spec.sequential:
            for s in range(batch):
                c_lanes_add_gradients(
                    &spec.layers[level], spec.bias, <real*>space.sums,
                    <const real*>space.deltas + (s * spec.row + spec.layers[level].column) * lanes,
                    <const real*>c_lanes_below(spec, space, level, s, s, zero)
                )
        c_lanes_update(spec, members, space, level, inverse)
        if spec.sequential and level > 0:
            for s in range(batch):
                c_lanes_hidden(spec, space, level, s, zero)
    if lost:
        c_empty_lanes(spec, members, space, zero)
    return True


cdef const void* c_lanes_below(
    const Spec* spec, const Lanes* space, Py_ssize_t level, Py_ssize_t seat, Py_ssize_t row, real zero
) noexcept nogil:
    """What the weights of a layer take in, for the sample in a seat whose outs are in a row."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real)
    if level == 0:
        return <const real*>space.inputs + seat * spec.n_inputs * lanes
    return <const real*>space.outs + (row * spec.row + spec.layers[level - 1].column) * lanes


cdef void c_lanes_hidden(
    const Spec* spec, Lanes* space, Py_ssize_t level, Py_ssize_t row, real zero
) noexcept nogil:
    """Deltas of the layer below `level`, of the sample whose outs are in a row."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real)
    cdef const Layer* layer = &spec.layers[level]
    cdef const Layer* under = &spec.layers[level - 1]
    cdef Py_ssize_t above_at = (row * spec.row + layer.column) * lanes
    cdef Py_ssize_t under_at = (row * spec.row + under.column) * lanes
    c_lanes_back(
        layer, layer.fan_in, layer.fan_out, <const real*>space.state, <const real*>space.deltas + above_at,
        <real*>space.deltas + under_at
    )
    c_lanes_deltas(
        under.activation, under.fan_out, <const real*>space.nets + under_at,
        <const real*>space.outs + under_at, <real*>space.deltas + under_at
    )


include "_lanes_small.pxi"

# ---- epochs ------------------------------------------------------------------------------------------------

cdef void c_begin_epoch(const Members* members, Lanes* space, Py_ssize_t epoch, real zero) noexcept nogil:
    """The learning rates of an epoch."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), k
    cdef real* rate = <real*>space.numbers + RATE * lanes
    cdef const char* of_epoch = members.rates + epoch * members.rates_by_epoch
    for k in range(lanes):
        if space.members[k] >= 0:
            space.rates[k] = (<const double*>(of_epoch + space.members[k] * members.rates_by_member))[0]
            rate[k] = <real>space.rates[k]


cdef void c_end_epoch(
    const Spec* spec, const Members* members, Lanes* space, Py_ssize_t epoch, real zero
) noexcept nogil:
    """Each member's mean loss of the epoch, and the end of the run for those where it is low enough."""
    cdef Py_ssize_t k, lanes = LINE_BYTES // <Py_ssize_t>sizeof(real)
    cdef double[MOST_LINE] means
    if not members.wanted:
        return
    for k in range(lanes):
        means[k] = space.totals[k] / <double>members.n_samples
        space.totals[k] = 0.0
    for k in range(lanes):
        if space.members[k] >= 0:
            members.history[epoch * members.n_members + space.members[k]] = means[k]
            if means[k] < members.stop_below:
                c_end_lane(spec, members, space, k, 4, epoch, 0, zero)  # STOPPED


cdef bint c_train_lanes(
    const Spec* spec, const Members* members, Lanes* space, const Data* data, Py_ssize_t epoch, Py_ssize_t sample,
    Py_ssize_t batch, Py_ssize_t batches, bint online, real zero
) noexcept nogil:
    """Train the block that was entered for some batches, from a place. False if an index is none of a sample's.

    `online`: plain SGD, one sample per update, no L2, all layers updated at once.
    """
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), rows, s
    c_begin_epoch(members, space, epoch, zero)
    while batches > 0 and space.running > 0:
        rows = members.n_samples - sample
        if online:  # as many as there are until someone wants to look
            rows = min(min(rows, batches), min(space.seats, SCAN_EVERY_BATCHES - batch % SCAN_EVERY_BATCHES))
            if not c_seat_lanes(spec, members, space, data, epoch, sample, rows, zero):
                return False
            if not c_lanes_small(spec, members, space, rows, epoch, sample, zero):
                for s in range(rows):
                    c_lanes_one(
                        spec, members, space, <const real*>space.inputs + s * spec.n_inputs * lanes,
                        <const real*>space.targets + s * spec.n_outputs * lanes, epoch, sample + s
                    )
            batches -= rows
            batch += rows
        else:
            rows = min(rows, members.batch_size)
            if not c_lanes_batch(spec, members, space, data, epoch, sample, rows, zero):
                return False
            batches -= 1
            batch += 1
        if batch % SCAN_EVERY_BATCHES == 0:
            c_scan_lanes(spec, members, space, epoch, sample, zero)
        sample += rows
        if sample == members.n_samples:
            c_end_epoch(spec, members, space, epoch, zero)
            epoch += 1
            sample = 0
            if batches > 0 and members.rates_by_epoch != 0:  # else they are the same for all
                c_begin_epoch(members, space, epoch, zero)
    return True
