# Plain SGD on one sample at a time, a run of samples in one go.
#
# The update of a sample and the forward pass of the next go through the weights together: each weight is read and
# written once a sample, not read twice and written once. The last sample's update is made up for at the end.
# Nothing else sees the weights in between, but for the way back, which needs those that the forward pass used.


cdef inline void c_fused_block(
    const Py_ssize_t columns, Py_ssize_t fan_in, Py_ssize_t width, real* restrict w, const real* restrict delta,
    const real* restrict before, real rate, const real* restrict below, real* restrict net
) noexcept nogil:
    """w[i][j] = w[i][j] - rate*(delta[j]*before[i]), and net[j] = sum over i of below[i]*w[i][j] with the new."""
    cdef Py_ssize_t i, j
    cdef real[MOST_LINE] total
    cdef real[MOST_LINE] d
    for j in range(columns):
        total[j] = 0
        d[j] = delta[j]
    for i in range(fan_in):
        for j in range(columns):
            w[j] = w[j] - rate * (d[j] * before[i])
            total[j] = total[j] + below[i] * w[j]
        w += width
    for j in range(columns):
        net[j] = total[j]


cdef void c_fused_layer(
    const Layer* layer, real* parameters, const real* delta, const real* before, real rate, const real* below,
    real* net
) noexcept nogil:
    """The update of one layer's weights by the sample before, and its weighted sums for this one."""
    cdef Py_ssize_t j = 0, width = layer.width
    cdef real* w = parameters + layer.weights
    while j + LINE_BYTES // <Py_ssize_t>sizeof(real) <= width:
        c_fused_block(
            LINE_BYTES // <Py_ssize_t>sizeof(real), layer.fan_in, width, w + j, delta + j, before, rate, below,
            net + j
        )
        j += LINE_BYTES // <Py_ssize_t>sizeof(real)
    while j < width:
        c_fused_block(
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), layer.fan_in, width, w + j, delta + j, before, rate, below,
            net + j
        )
        j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)


cdef Py_ssize_t c_train_ones(
    const Spec* spec, Workspace* space, real* parameters, const Data* data, Py_ssize_t first, Py_ssize_t stop,
    real rate, Meter* meter
) noexcept nogil:
    """An update from each of the samples first..stop-1 of the order.

    Returns how many were done; fewer than all if the loss is not finite, and then without that sample's update.
    """
    cdef Py_ssize_t s, level, now = 0, done = 0
    cdef bint pending = False, reported = meter.batch_loss_factor > 0
    cdef const Layer* layer
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef const real* below
    cdef const real* target
    cdef real* nets = <real*>space.nets
    cdef real* outs
    cdef real* deltas
    cdef real* outs_before = NULL
    cdef real* deltas_before = NULL
    cdef const real* x_before = NULL
    cdef double error
    if c_is_small(spec):
        return c_small_ones(spec, space, parameters, data, first, stop, rate, meter)
    for s in range(first, stop):
        c_seat_row(spec, space, data, s, now)
        outs = <real*>space.outs + now * spec.row
        deltas = <real*>space.deltas + now * spec.row
        below = <const real*>space.inputs[now]
        target = <const real*>space.targets[now]
        for level in range(spec.n_layers):
            layer = &spec.layers[level]
            if pending:
                c_fused_layer(
                    layer, parameters, deltas_before + layer.column,
                    outs_before + spec.layers[level - 1].column if level > 0 else x_before, rate, below,
                    nets + layer.column
                )
                c_add_bias(spec.bias, layer.width, parameters + layer.bias, nets + layer.column)
            else:
                c_layer_nets(layer, spec.bias, parameters, below, nets + layer.column)
            c_outs(layer.activation, layer.fan_out, layer.width, nets + layer.column, outs + layer.column)
            below = outs + layer.column
        pending = False
        if meter.wanted:
            error = c_measure(spec, reported, nets + last.column, below, target)
            meter.total = meter.total + (meter.batch_loss_factor * error if reported else error)
            if not reported and not isfinite(meter.total):
                return done
        c_output_deltas(spec, nets + last.column, below, target, <real*>space.back, deltas + last.column)
        for level in range(spec.n_layers - 1, 0, -1):
            layer = &spec.layers[level - 1]
            c_hidden_deltas(
                spec, parameters, level, deltas + spec.layers[level].column, nets + layer.column,
                outs + layer.column, <real*>space.back, deltas + layer.column
            )
        for level in range(spec.n_layers):
            c_update_bias_one(&spec.layers[level], spec, parameters, deltas + spec.layers[level].column, rate)
        pending = True
        outs_before = outs
        deltas_before = deltas
        x_before = <const real*>space.inputs[now]
        now = 1 - now
        done += 1
    if pending:
        for level in range(spec.n_layers):
            layer = &spec.layers[level]
            c_update_weights_one(
                layer, parameters, outs_before + spec.layers[level - 1].column if level > 0 else x_before,
                deltas_before + layer.column, rate
            )
    return done
