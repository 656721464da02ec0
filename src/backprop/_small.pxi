# Plain SGD on one sample at a time for networks with one hidden layer of a vector or two: sizes are constants and
# numbers stay in registers.
#
# `c_train_ones` again, with the same operations in the same order. What it saves is the way through memory between
# the loops, which on such a network takes longer than the arithmetic; and where an epoch is a sample or a few, the
# way from epoch to epoch.

cdef inline Py_ssize_t c_small_run(
    const Py_ssize_t n_in, const Py_ssize_t n_hidden, const Py_ssize_t n_out, const Py_ssize_t hidden_places,
    const Py_ssize_t out_places, const Py_ssize_t width, const Py_ssize_t out_width, const Spec* spec,
    Workspace* space, real* parameters, const Data* data, Py_ssize_t first, Py_ssize_t stop,
    const Course* course, Meter* meter
) noexcept nogil:
    """See `c_train_ones`. Loops over units run to `hidden_places` and `out_places`: padded widths, or sizes."""
    cdef real[MOST_LANES] net1
    cdef real[MOST_LANES] out1
    cdef real[MOST_LANES] delta1
    cdef real[MOST_LANES] net2
    cdef real[MOST_LANES] out2
    cdef real[MOST_LANES] delta2
    cdef real* w1 = parameters + spec.layers[0].weights
    cdef real* b1 = parameters + spec.layers[0].bias
    cdef real* w2 = parameters + spec.layers[1].weights
    cdef real* b2 = parameters + spec.layers[1].bias
    cdef const real* x
    cdef const real* t
    cdef Activation hidden = spec.layers[0].activation, output = spec.layers[1].activation
    cdef Bias bias = spec.bias
    cdef bint per_unit = spec.train_bias and bias == PER_UNIT, shared = spec.train_bias and bias == SHARED
    cdef bint wanted = meter.wanted, reported = meter.batch_loss_factor > 0
    cdef Py_ssize_t epoch, s, i, j
    cdef real g, rate
    cdef double error
    for epoch in range(course.count):
        rate = <real>course.rates[epoch * course.rate_step]
        for s in range(first, stop):
            c_seat_row(spec, space, data, s, 0)
            x = <const real*>space.inputs[0]
            t = <const real*>space.targets[0]
            for j in range(hidden_places):
                net1[j] = 0
            for i in range(n_in):
                for j in range(hidden_places):
                    net1[j] = net1[j] + x[i] * w1[i * width + j]
            if bias == PER_UNIT:
                for j in range(hidden_places):
                    net1[j] = net1[j] + b1[j]
            elif bias == SHARED:
                for j in range(n_hidden):
                    net1[j] = net1[j] + b1[0]
            c_outs_of(hidden, n_hidden, hidden_places, net1, out1)
            for j in range(out_places):
                net2[j] = 0
            for i in range(n_hidden):
                for j in range(out_places):
                    net2[j] = net2[j] + out1[i] * w2[i * out_width + j]
            if bias == PER_UNIT:
                for j in range(out_places):
                    net2[j] = net2[j] + b2[j]
            elif bias == SHARED:
                for j in range(n_out):
                    net2[j] = net2[j] + b2[0]
            c_outs_of(output, n_out, out_places, net2, out2)
            if wanted:
                error = c_measure(spec, reported, net2, out2, t)
                meter.total = meter.total + (meter.batch_loss_factor * error if reported else error)
                if not reported and not isfinite(meter.total):
                    return epoch * (stop - first) + s - first
            for j in range(out_places):
                delta2[j] = t[j] if j < n_out else out2[j]
            if spec.shortcut:
                for j in range(out_places):
                    delta2[j] = out2[j] - delta2[j]
            else:
                c_loss_gradients_of(spec.loss, <real>spec.huber_delta, out_places, out2, delta2)
                c_deltas_of(output, n_out, out_places, net2, out2, delta2)
            for i in range(n_hidden):
                g = 0
                for j in range(n_out):
                    g = g + delta2[j] * w2[i * out_width + j]
                delta1[i] = g
            for i in range(n_hidden, hidden_places):
                delta1[i] = 0
            c_deltas_of(hidden, n_hidden, hidden_places, net1, out1, delta1)
            for i in range(n_hidden):
                for j in range(out_places):
                    w2[i * out_width + j] = w2[i * out_width + j] - rate * (delta2[j] * out1[i])
            for i in range(n_in):
                for j in range(hidden_places):
                    w1[i * width + j] = w1[i * width + j] - rate * (delta1[j] * x[i])
            if per_unit:
                for j in range(hidden_places):
                    b1[j] = b1[j] - rate * delta1[j]
                for j in range(out_places):
                    b2[j] = b2[j] - rate * delta2[j]
            elif shared:
                g = 0
                for j in range(n_hidden):
                    g = g + delta1[j]
                b1[0] = b1[0] - rate * g
                g = 0
                for j in range(n_out):
                    g = g + delta2[j]
                b2[0] = b2[0] - rate * g
        if course.history != NULL:
            course.history[epoch] = meter.total / <double>(stop - first)
            meter.total = 0.0
            if course.history[epoch] < course.stop_below:
                return (epoch + 1) * (stop - first)
    return course.count * (stop - first)


cdef inline bint c_is_small(const Spec* spec) noexcept nogil:
    """Whether `c_small_ones` takes this network."""
    cdef Py_ssize_t lanes = VECTOR_BYTES // spec.item
    return (
        spec.n_layers == 2 and not spec.sequential and spec.layers[1].width == lanes
        and spec.layers[0].width <= MOST_LANES and spec.layers[0].width <= 2 * lanes
    )


cdef Py_ssize_t c_small_ones(
    const Spec* spec, Workspace* space, real* parameters, const Data* data, Py_ssize_t first, Py_ssize_t stop,
    const Course* course, Meter* meter
) noexcept nogil:
    """`c_train_ones` for a small network, and as many times as the course has epochs. How many samples were done.

    It does not ask whether parameters are finite, and the order is the same in each epoch.
    """
    cdef Py_ssize_t n_in = spec.n_inputs, n_hidden = spec.layers[0].fan_out, n_out = spec.n_outputs
    if n_in == 2 and n_hidden == 2 and n_out == 2 and spec.layers[1].activation != SOFTMAX:
        return c_small_run(
            2, 2, 2, 2, 2, VECTOR_BYTES // <Py_ssize_t>sizeof(real), VECTOR_BYTES // <Py_ssize_t>sizeof(real),
            spec, space, parameters, data, first, stop, course, meter
        )
    if spec.layers[0].width == VECTOR_BYTES // <Py_ssize_t>sizeof(real):
        return c_small_run(
            n_in, n_hidden, n_out, VECTOR_BYTES // <Py_ssize_t>sizeof(real),
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), VECTOR_BYTES // <Py_ssize_t>sizeof(real),
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), spec, space, parameters, data, first, stop, course, meter
        )
    return c_small_run(
        n_in, n_hidden, n_out, 2 * VECTOR_BYTES // <Py_ssize_t>sizeof(real),
        VECTOR_BYTES // <Py_ssize_t>sizeof(real), 2 * VECTOR_BYTES // <Py_ssize_t>sizeof(real),
        VECTOR_BYTES // <Py_ssize_t>sizeof(real), spec, space, parameters, data, first, stop, course, meter
    )
