# A batch: from the samples in the workspace to an update.

cdef void c_outs_rows(
    const Spec* spec, const Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """The nets and outs of one layer, of the samples in the workspace. Softmax leaves its sums in the losses."""
    cdef const Layer* layer = &spec.layers[level]
    cdef real* net = <real*>c_nets_of(spec, space, level)
    cdef real* out = <real*>space.outs + c_spot(space, layer, 0)
    if rows == 1:  # a block would take it four times
        c_layer_nets(layer, spec.bias, parameters, <const real*>c_below(space, level, 0), net)
    else:
        c_nets_rows(spec, space, parameters, level, rows)
    if layer.activation == SOFTMAX:
        c_softmax_rows(
            rows, layer.fan_out, layer.width, net, out, <real*>space.turned, <real*>space.back, space.losses
        )
    elif not c_in_place(spec, level):
        c_outs(layer.activation, layer.fan_out, rows * layer.width, net, out)
    elif layer.activation != RELU or rows == 1:
        c_outs_in_place(layer.activation, rows * layer.width, out)


cdef void c_forward_rows(
    const Spec* spec, Workspace* space, const real* parameters, Py_ssize_t rows, bint weighted, bint want_loss,
    bint reported
) noexcept nogil:
    """Forward passes, losses if wanted, and output deltas of the samples in the workspace, times their weights."""
    cdef Py_ssize_t s, j, at, level
    cdef const Layer* layer = &spec.layers[spec.n_layers - 1]
    cdef real* delta
    cdef real weight
    for level in range(spec.n_layers):
        c_outs_rows(spec, space, parameters, level, rows)
    s = 0
    while s < rows:
        at = c_spot(space, layer, s)
        c_ends_rows(
            spec, min(<Py_ssize_t>MOST_COLUMNS, rows - s), want_loss, reported, space.targets + s,
            <const real*>space.nets + at, <const real*>space.outs + at, <real*>space.deltas + at,
            space.losses + s, <real*>space.back
        )
        s += MOST_COLUMNS
    if weighted:
        for s in range(rows):
            space.losses[s] = space.weights[s] * space.losses[s]
            weight = <real>space.weights[s]
            delta = <real*>space.deltas + c_spot(space, layer, s)
            for j in range(layer.width):
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
