# One layer of many networks at once, a network in each lane.
#
# Where a network has a number, here are `lanes` of them side by side, one for each: w[i][j] of a layer begins at
# (layer.weights + i*layer.width + j)*lanes. A lane does what `_layers.pxi` does for a network alone, operation by
# operation and in the same order, so it has the same bits; lanes never meet. The functions of single numbers need
# nothing new: to them a layer is one of fan_out*lanes units.
#
# A row of lanes is LINE_BYTES long: as many vectors as keep a processor busy that takes four cycles to add.
# Sizes are arguments, so that the smallest networks can pass constants.


cdef inline void c_lanes_nets(
    const Layer* layer, Bias bias, const Py_ssize_t fan_in, const Py_ssize_t fan_out, const real* parameters,
    const real* below, real* net
) noexcept nogil:
    """net[j] = sum over i of below[i]*w[i][j], then + bias[j]."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), step = layer.width * lanes
    cdef Py_ssize_t i, j, k
    cdef const real* b = parameters + layer.bias * lanes
    cdef const real* restrict w
    cdef const real* restrict x
    cdef real[MOST_LINE] total
    for j in range(fan_out):
        w = parameters + (layer.weights + j) * lanes
        x = below
        for k in range(lanes):
            total[k] = 0
        for i in range(fan_in):
            for k in range(lanes):
                total[k] = total[k] + x[k] * w[k]
            w += step
            x += lanes
        if bias != NO_BIAS:
            for k in range(lanes):
                total[k] = total[k] + b[k]
        if bias == PER_UNIT:
            b += lanes
        for k in range(lanes):
            net[k] = total[k]
        net += lanes


cdef inline void c_lanes_back(
    const Layer* layer, const Py_ssize_t fan_in, const Py_ssize_t fan_out, const real* parameters,
    const real* deltas, real* back
) noexcept nogil:
    """back[i] = sum over j of delta[j]*w[i][j]."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), step = layer.width * lanes
    cdef Py_ssize_t i, j, k
    cdef const real* row = parameters + layer.weights * lanes
    cdef const real* restrict w
    cdef const real* restrict delta
    cdef real[MOST_LINE] total
    for i in range(fan_in):
        w = row
        delta = deltas
        for k in range(lanes):
            total[k] = 0
        for j in range(fan_out):
            for k in range(lanes):
                total[k] = total[k] + delta[k] * w[k]
            w += lanes
            delta += lanes
        for k in range(lanes):
            back[k] = total[k]
        back += lanes
        row += step


cdef inline void c_lanes_update_weights(
    const Layer* layer, const Py_ssize_t fan_in, const Py_ssize_t fan_out, real* parameters, const real* below,
    const real* deltas, const real* restrict rate
) noexcept nogil:
    """w = w - rate*(delta*x): plain SGD on one sample."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), step = layer.width * lanes
    cdef Py_ssize_t i, j, k
    cdef real* row = parameters + layer.weights * lanes
    cdef real* restrict w
    cdef const real* restrict delta
    cdef const real* restrict x = below
    for i in range(fan_in):
        w = row
        delta = deltas
        for j in range(fan_out):
            for k in range(lanes):
                w[k] = w[k] - rate[k] * (delta[k] * x[k])
            w += lanes
            delta += lanes
        x += lanes
        row += step


cdef inline void c_lanes_back_and_update(
    const Layer* layer, const Py_ssize_t fan_in, const Py_ssize_t fan_out, real* parameters, const real* below,
    const real* deltas, const real* restrict rate, real* back
) noexcept nogil:
    """Both, each weight read once: its part of `back` is taken before it changes."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), step = layer.width * lanes
    cdef Py_ssize_t i, j, k
    cdef real* row = parameters + layer.weights * lanes
    cdef real* restrict w
    cdef const real* restrict delta
    cdef const real* restrict x = below
    cdef real[MOST_LINE] total
    for i in range(fan_in):
        w = row
        delta = deltas
        for k in range(lanes):
            total[k] = 0
        for j in range(fan_out):
            for k in range(lanes):
                total[k] = total[k] + delta[k] * w[k]
                w[k] = w[k] - rate[k] * (delta[k] * x[k])
            w += lanes
            delta += lanes
        for k in range(lanes):
            back[k] = total[k]
        x += lanes
        back += lanes
        row += step


cdef inline void c_lanes_shared_delta(
    const Py_ssize_t fan_out, const real* deltas, real* restrict total
) noexcept nogil:
    """The sum over j of delta[j]: what the gradient of a shared bias is for one sample."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), j, k
    cdef const real* restrict delta = deltas
    for k in range(lanes):
        total[k] = 0
    for j in range(fan_out):
        for k in range(lanes):
            total[k] = total[k] + delta[k]
        delta += lanes


cdef inline void c_lanes_update_bias(
    const Layer* layer, const Spec* spec, const Py_ssize_t fan_out, real* parameters, const real* deltas,
    const real* restrict rate
) noexcept nogil:
    """The same for the bias, whose x is 1, if it is trained."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), j, k
    cdef real* restrict b = parameters + layer.bias * lanes
    cdef const real* restrict delta = deltas
    cdef real[MOST_LINE] total
    if not spec.train_bias:
        return
    if spec.bias == PER_UNIT:
        for j in range(fan_out):
            for k in range(lanes):
                b[k] = b[k] - rate[k] * delta[k]
            b += lanes
            delta += lanes
    elif spec.bias == SHARED:
        c_lanes_shared_delta(fan_out, deltas, total)
        for k in range(lanes):
            b[k] = b[k] - rate[k] * total[k]


cdef void c_lanes_add_gradients(
    const Layer* layer, Bias bias, real* sums, const real* deltas, const real* below
) noexcept nogil:
    """S[i][j] += delta[j]*below[i], and the same for the bias: one sample's part."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), step = layer.width * lanes
    cdef Py_ssize_t i, j, k
    cdef real* row = sums + layer.weights * lanes
    cdef real* restrict s
    cdef const real* restrict delta
    cdef const real* restrict x = below
    cdef real[MOST_LINE] total
    for i in range(layer.fan_in):
        s = row
        delta = deltas
        for j in range(layer.fan_out):
            for k in range(lanes):
                s[k] = s[k] + delta[k] * x[k]
            s += lanes
            delta += lanes
        x += lanes
        row += step
    s = sums + layer.bias * lanes
    delta = deltas
    if bias == PER_UNIT:
        for k in range(layer.fan_out * lanes):
            s[k] = s[k] + delta[k]
    elif bias == SHARED:
        c_lanes_shared_delta(layer.fan_out, deltas, total)
        for k in range(lanes):
            s[k] = s[k] + total[k]


# ---- activations and losses: only what sums over the units of a layer is not there already ------------------

cdef void c_lanes_greatest(Py_ssize_t n, const real* restrict net, real* restrict largest) noexcept nogil:
    """The largest of n net inputs."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), j, k
    for k in range(lanes):
        largest[k] = net[k]
    for j in range(n):
        for k in range(lanes):
            largest[k] = net[k] if net[k] > largest[k] else largest[k]
        net += lanes


cdef void c_lanes_softmax(Py_ssize_t n, const real* net, real* out) noexcept nogil:
    """exp(net - max), divided by their sum in order."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), j, k
    cdef const real* restrict z = net
    cdef real* restrict o = out
    cdef real[MOST_LINE] largest
    cdef real[MOST_LINE] total
    c_lanes_greatest(n, net, largest)
    for k in range(lanes):
        total[k] = 0
    for j in range(n):
        for k in range(lanes):
            o[k] = c_exp(z[k] - largest[k])
        for k in range(lanes):
            total[k] = total[k] + o[k]
        z += lanes
        o += lanes
    o = out
    for j in range(n):
        for k in range(lanes):
            o[k] = o[k] / total[k]
        o += lanes


cdef void c_lanes_outs(Activation activation, Py_ssize_t n, const real* net, real* out) noexcept nogil:
    """out = f(net) of a layer of n units."""
    cdef Py_ssize_t width = n * (LINE_BYTES // <Py_ssize_t>sizeof(real))
    if activation == SOFTMAX:
        c_lanes_softmax(n, net, out)
    else:
        c_outs(activation, width, width, net, out)


cdef void c_lanes_softmax_deltas(Py_ssize_t n, const real* out, real* delta) noexcept nogil:
    """delta[j] = out[j]*(delta[j] - sum over k of delta[k]*out[k]), where dE/dout stood."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), j, k
    cdef const real* restrict o = out
    cdef real* restrict d = delta
    cdef real[MOST_LINE] mean
    for k in range(lanes):
        mean[k] = 0
    for j in range(n):
        for k in range(lanes):
            mean[k] = mean[k] + d[k] * o[k]
        d += lanes
        o += lanes
    d = delta
    o = out
    for j in range(n):
        for k in range(lanes):
            d[k] = o[k] * (d[k] - mean[k])
        o += lanes
        d += lanes


cdef void c_lanes_deltas(
    Activation activation, Py_ssize_t n, const real* net, const real* out, real* delta
) noexcept nogil:
    """delta = dE/dout * f' of a layer of n units, where dE/dout stood."""
    cdef Py_ssize_t width = n * (LINE_BYTES // <Py_ssize_t>sizeof(real))
    if activation == SOFTMAX:
        c_lanes_softmax_deltas(n, out, delta)
    else:
        c_deltas(activation, width, width, net, out, delta)


cdef inline void c_lanes_output_deltas(
    const Spec* spec, const real* net, const real* restrict out, const real* restrict target, real* restrict delta
) noexcept nogil:
    """dE/dnet of the output layer."""
    cdef Py_ssize_t k, width = whole_vectors(
        spec.n_outputs * (LINE_BYTES // <Py_ssize_t>sizeof(real)), sizeof(real)
    )
    if spec.shortcut:
        for k in range(width):
            delta[k] = out[k] - target[k]
        return
    memcpy(delta, target, width * sizeof(real))
    c_loss_gradients(spec.loss, <real>spec.huber_delta, width, out, delta)
    c_lanes_deltas(spec.layers[spec.n_layers - 1].activation, spec.n_outputs, net, out, delta)


cdef void c_lanes_add_losses(
    Loss loss, real h, Py_ssize_t n, const real* net, const real* out, const real* target, double* restrict totals
) noexcept nogil:
    """Add each network's loss of its sample, a sum over its outputs in order, to its total."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), j, k
    cdef const real* restrict z = net
    cdef const real* restrict o = out
    cdef const real* restrict t = target
    cdef real[MOST_LINE] error
    cdef real[MOST_LINE] largest
    cdef real[MOST_LINE] log_total
    for k in range(lanes):
        error[k] = 0
    if loss == SOFTMAX_LOG_LOSS:
        c_lanes_greatest(n, net, largest)
        for k in range(lanes):
            log_total[k] = 0
        for j in range(n):
            for k in range(lanes):
                log_total[k] = log_total[k] + c_exp(z[k] - largest[k])
            z += lanes
        for k in range(lanes):
            log_total[k] = c_log(log_total[k])
        z = net
    for j in range(n):
        if loss == LOG_LOSS:
            for k in range(lanes):
                error[k] = error[k] + c_error(LOG_LOSS, h, z[k], o[k], t[k])
        elif loss == SOFTMAX_LOG_LOSS:
            for k in range(lanes):
                error[k] = error[k] + t[k] * (log_total[k] - (z[k] - largest[k]))
        elif loss == POISSON:
            for k in range(lanes):
                error[k] = error[k] + c_error(POISSON, h, z[k], o[k], t[k])
        elif loss == ABSOLUTE_ERROR:
            for k in range(lanes):
                error[k] = error[k] + c_error(ABSOLUTE_ERROR, h, z[k], o[k], t[k])
        elif loss == HUBER:
            for k in range(lanes):
                error[k] = error[k] + c_error(HUBER, h, z[k], o[k], t[k])
        else:
            for k in range(lanes):
                error[k] = error[k] + c_error(SQUARED_ERROR, h, z[k], o[k], t[k])
        z += lanes
        o += lanes
        t += lanes
    for k in range(lanes):
        totals[k] = totals[k] + <double>error[k]
