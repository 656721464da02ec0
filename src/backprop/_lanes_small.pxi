# Plain SGD on one sample at a time for many networks with one hidden layer of constant sizes.
#
# `c_lanes_one` again, for a run of samples, with the same operations in the same order: loops over units are
# unrolled, and the functions' constants are loaded once a run.

cdef inline void c_lanes_small_run(
    const Py_ssize_t n_in, const Py_ssize_t n_hidden, const Py_ssize_t n_out, const Spec* spec,
    const Members* members, Lanes* space, Py_ssize_t rows, Py_ssize_t epoch, Py_ssize_t sample, real zero
) noexcept nogil:
    """An update from each of the samples in the first `rows` seats; n_hidden and n_out are at most 2."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), s, k
    cdef const Layer* layer1 = &spec.layers[0]
    cdef const Layer* layer2 = &spec.layers[1]
    cdef real* parameters = <real*>space.state
    cdef const real* rate = <const real*>space.numbers + RATE * lanes
    cdef const real* x = <const real*>space.inputs
    cdef const real* t = <const real*>space.targets
    cdef real[2 * MOST_LINE] net1
    cdef real[2 * MOST_LINE] out1
    cdef real[2 * MOST_LINE] delta1
    cdef real[2 * MOST_LINE] net2
    cdef real[2 * MOST_LINE] out2
    cdef real[2 * MOST_LINE] delta2
    cdef bint lost = False
    for s in range(rows):
        c_lanes_nets(layer1, spec.bias, n_in, n_hidden, parameters, x, net1)
        c_outs_of(layer1.activation, n_hidden, n_hidden * lanes, net1, out1)
        c_lanes_nets(layer2, spec.bias, n_hidden, n_out, parameters, out1, net2)
        c_outs_of(layer2.activation, n_out, n_out * lanes, net2, out2)
        if members.wanted:
            c_lanes_add_losses(spec.loss, <real>spec.huber_delta, n_out, net2, out2, t, space.totals)
            if not c_totals_are_finite(space.totals, lanes):
                lost = True
                c_end_lost(spec, members, space, epoch, sample + s, zero)
        if spec.shortcut:
            for k in range(n_out * lanes):
                delta2[k] = out2[k] - t[k]
        else:
            for k in range(n_out * lanes):
                delta2[k] = t[k]
            c_loss_gradients_of(spec.loss, <real>spec.huber_delta, n_out * lanes, out2, delta2)
            c_deltas_of(layer2.activation, n_out, n_out * lanes, net2, out2, delta2)
        c_lanes_back_and_update(layer2, n_hidden, n_out, parameters, out1, delta2, rate, delta1)
        c_lanes_update_bias(layer2, spec, n_out, parameters, delta2, rate)
        c_deltas_of(layer1.activation, n_hidden, n_hidden * lanes, net1, out1, delta1)
        c_lanes_update_weights(layer1, n_in, n_hidden, parameters, x, delta1, rate)
        c_lanes_update_bias(layer1, spec, n_hidden, parameters, delta1, rate)
        if lost:
            c_empty_lanes(spec, members, space, zero)
            lost = False
        x += n_in * lanes
        t += n_out * lanes


cdef widely c_lanes_small(
    const Spec* spec, const Members* members, Lanes* space, Py_ssize_t rows, Py_ssize_t epoch, Py_ssize_t sample,
    real zero
) noexcept nogil:
    """The same for networks 2-2-2; False, and nothing done, for all others."""
    if spec.n_layers != 2 or spec.n_inputs != 2 or spec.layers[0].fan_out != 2 or spec.n_outputs != 2:
        return False
    if spec.layers[1].activation == SOFTMAX:
        return False
    c_lanes_small_run(2, 2, 2, spec, members, space, rows, epoch, sample, zero)
    return True
