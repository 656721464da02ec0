# What is done unit by unit, for the samples of a batch together: outs, losses, deltas, biases.
#
# A layer's samples follow one another without a gap, so that most of it is one long loop over all of their units,
# whatever the layer's width. What belongs to a sample (softmax, its loss) adds up its units in order.


cdef inline void c_softmax_columns(
    const Py_ssize_t columns, Py_ssize_t n, real* restrict net, real* restrict out, real* restrict total
) noexcept nogil:
    """`c_softmax` of some samples side by side: (n, columns). Nets become net - max; the totals are kept."""
    cdef Py_ssize_t s, j
    cdef real x
    cdef real[MOST_COLUMNS] largest
    c_copy(columns, net, largest)
    for j in range(1, n):
        for s in range(columns):
            x = net[j * columns + s]
            largest[s] = x if x > largest[s] else largest[s]
    for j in range(n):
        for s in range(columns):
            net[j * columns + s] = net[j * columns + s] - largest[s]
    for s in range(n * columns):
        out[s] = c_exp(net[s])
    for s in range(columns):
        total[s] = 0
    for j in range(n):
        for s in range(columns):
            total[s] = total[s] + out[j * columns + s]
    for j in range(n):
        for s in range(columns):
            out[j * columns + s] = out[j * columns + s] / total[s]


cdef inline void c_turn_back(
    const Py_ssize_t columns, Py_ssize_t rows, Py_ssize_t n, const real* turned, Py_ssize_t width, real* values
) noexcept nogil:
    """Samples that stood side by side, one after the other: n of their units, or whole fours of both."""
    cdef Py_ssize_t s = 0, j
    while s + 4 <= rows:
        j = 0
        while j < n:
            c_turn_four(turned + j * columns + s, columns, values + s * width + j, width)
            j += 4
        s += 4
    while s < rows:
        for j in range(n):
            values[s * width + j] = turned[j * columns + s]
        s += 1


cdef widely c_softmax_rows(
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t width, real* net, real* out, real* turned_net, real* turned_out,
    double* totals
) noexcept nogil:
    """Softmax of some samples; their nets become net - max, and the sums of the exponentials are kept.

    Samples go side by side, as their units would fill few vectors, and the rest would be left to single numbers.
    """
    cdef Py_ssize_t first = 0, count, s, j, columns = BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    cdef real[MOST_COLUMNS] total
    for j in range(n * columns, (n + 3) // 4 * 4 * columns):
        turned_out[j] = 0
    while first < rows:
        count = min(columns, rows - first)
        c_turn_rows(count, n, width, net, columns, turned_net)
        c_softmax_columns(BLOCK_BYTES // <Py_ssize_t>sizeof(real), n, turned_net, turned_out, total)
        c_turn_back(BLOCK_BYTES // <Py_ssize_t>sizeof(real), count, n, turned_net, width, net)
        c_turn_back(BLOCK_BYTES // <Py_ssize_t>sizeof(real), count, n, turned_out, width, out)
        for s in range(count):
            totals[first + s] = total[s]
            for j in range(n, width):
                out[s * width + j] = 0
        net += count * width
        out += count * width
        first += count
    return 0


cdef void c_deltas_rows(
    const Layer* layer, Py_ssize_t rows, const real* net, const real* out, real* delta
) noexcept nogil:
    """delta = dE/dout * f', of some samples, where dE/dout stood."""
    cdef Py_ssize_t s, at
    if layer.activation == SOFTMAX:
        for s in range(rows):
            at = s * layer.width
            c_deltas(SOFTMAX, layer.fan_out, layer.width, net + at, out + at, delta + at)
    else:
        c_deltas(layer.activation, layer.fan_out, rows * layer.width, net, out, delta)


cdef inline void c_errors_of(
    const Loss loss, real h, Py_ssize_t count, const real* restrict net, const real* restrict out,
    const real* restrict target, real* restrict error
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(count):
        error[j] = c_error(loss, h, net[j], out[j], target[j])


cdef inline void c_reported_errors_of(
    const Loss loss, Py_ssize_t count, const real* restrict out, const real* restrict target, real* restrict error
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(count):
        error[j] = c_reported_error(loss, out[j], target[j])


cdef inline void c_softmax_errors(
    Py_ssize_t rows, Py_ssize_t width, const real* restrict net, const real* restrict target,
    real* restrict error, double* totals
) noexcept nogil:
    """target * (log(sum) - (net - max)), where the nets have become net - max, and the sums stand in `totals`."""
    cdef Py_ssize_t s, j
    cdef real log_total
    for s in range(rows):
        log_total = <real>totals[s]
        totals[s] = c_log(log_total)
    for s in range(rows):
        log_total = <real>totals[s]
        for j in range(width):
            error[s * width + j] = target[s * width + j] * (log_total - net[s * width + j])


cdef widely c_errors(
    const Spec* spec, bint reported, Py_ssize_t rows, Py_ssize_t padded, const real* net, const real* out,
    const real* target, real* error, double* totals
) noexcept nogil:
    """The error of each output unit of some samples, padding included."""
    cdef Py_ssize_t width = whole_vectors(padded, sizeof(real)), count = rows * width
    cdef real h = <real>spec.huber_delta
    if spec.loss == SOFTMAX_LOG_LOSS:
        if reported:
            c_reported_errors_of(SOFTMAX_LOG_LOSS, count, out, target, error)
        else:
            c_softmax_errors(rows, width, net, target, error, totals)
    elif spec.loss == LOG_LOSS:
        if reported:
            c_reported_errors_of(LOG_LOSS, count, out, target, error)
        else:
            c_errors_of(LOG_LOSS, h, count, net, out, target, error)
    elif spec.loss == POISSON:
        c_errors_of(POISSON, h, count, net, out, target, error)
    elif spec.loss == ABSOLUTE_ERROR:
        c_errors_of(ABSOLUTE_ERROR, h, count, net, out, target, error)
    elif spec.loss == HUBER:
        c_errors_of(HUBER, h, count, net, out, target, error)
    else:
        c_errors_of(SQUARED_ERROR, h, count, net, out, target, error)
    return 0


cdef inline void c_first_of_each(
    Py_ssize_t rows, Py_ssize_t width, const real* values, real* gathered
) noexcept nogil:
    """The first number of each row; the last row's where there are no more."""
    cdef Py_ssize_t s
    for s in range(rows):
        gathered[s] = values[s * width]
    for s in range(rows, MOST_COLUMNS):
        gathered[s] = gathered[rows - 1]


cdef void c_losses_rows(
    const Spec* spec, bint reported, Py_ssize_t rows, const real* net, const real* out, const real* target,
    real* error, double* losses
) noexcept nogil:
    """The losses of some samples, whose targets are in whole vectors; `error` is scratch.

    Softmax has left its sums in `losses`.
    """
    cdef Py_ssize_t s, j, n = spec.n_outputs
    cdef Py_ssize_t step = spec.layers[spec.n_layers - 1].width, width = step
    cdef bint taken_away = reported and (spec.loss == LOG_LOSS or spec.loss == SOFTMAX_LOG_LOSS)
    cdef real total
    cdef real[MOST_COLUMNS] nets
    cdef real[MOST_COLUMNS] outs
    cdef real[MOST_COLUMNS] targets
    if n == 1 and (spec.loss == LOG_LOSS or spec.loss == POISSON):  # logarithms of padding would take their time
        c_first_of_each(rows, width, net, nets)
        c_first_of_each(rows, width, out, outs)
        c_first_of_each(rows, width, target, targets)
        width = 1
        c_errors(spec, reported, 1, MOST_COLUMNS, nets, outs, targets, error, losses)
    else:
        c_errors(spec, reported, rows, width, net, out, target, error, losses)
    for s in range(rows):
        total = 0
        if taken_away:
            for j in range(n):
                total = total - error[s * width + j]
        else:
            for j in range(n):
                total = total + error[s * width + j]
        losses[s] = total
    if reported and spec.loss == POISSON:
        for s in range(rows):
            if c_has_no_reported_loss(POISSON, n, out + s * step, target + s * step):
                losses[s] = <real>NAN


cdef inline void c_take_from(Py_ssize_t padded, const real* restrict out, real* restrict delta) noexcept nogil:
    """delta = out - target, where the target stood."""
    cdef Py_ssize_t j
    for j in range(whole_vectors(padded, sizeof(real))):
        delta[j] = out[j] - delta[j]


cdef void c_ends_rows(
    const Spec* spec, Py_ssize_t rows, bint want_loss, bint reported, const void** targets, const real* net,
    const real* out, real* delta, double* losses, real* scratch
) noexcept nogil:
    """Losses, if wanted, and output deltas of at most MOST_COLUMNS samples."""
    cdef const Layer* layer = &spec.layers[spec.n_layers - 1]
    cdef Py_ssize_t s, at, width = layer.width
    for s in range(rows):
        at = s * width
        c_pad_target(<const real*>targets[s], out + at, spec.n_outputs, width, delta + at)
    if want_loss:
        c_losses_rows(spec, reported, rows, net, out, delta, scratch, losses)
    if spec.shortcut:
        c_take_from(rows * width, out, delta)
    else:
        c_loss_gradients(spec.loss, <real>spec.huber_delta, rows * width, out, delta)
        c_deltas_rows(layer, rows, net, out, delta)


# ---- biases --------------------------------------------------------------------------------------------------

cdef inline void c_bias_gradients_of(
    const Py_ssize_t columns, Py_ssize_t rows, Py_ssize_t width, const real* restrict delta, real* restrict b
) noexcept nogil:
    """b[j] = b[j] + delta[s][j] for each sample in order, some columns."""
    cdef Py_ssize_t s, k
    cdef real[MOST_COLUMNS] total
    if rows < 1:
        return
    for k in range(columns):
        total[k] = b[k]
    for s in range(rows):
        for k in range(columns):
            total[k] = total[k] + delta[k]
        delta += width
    for k in range(columns):
        b[k] = total[k]


cdef widely c_add_bias_gradients(
    const Spec* spec, const Workspace* space, real* sums, Py_ssize_t level, Py_ssize_t rows, bint fresh
) noexcept nogil:
    """Add the gradients of the layer's bias, of the samples in the workspace in order, to its sums."""
    cdef const Layer* layer = &spec.layers[level]
    cdef const real* delta = <const real*>space.deltas + c_spot(space, layer, 0)
    cdef Py_ssize_t s, j = 0, width = layer.width
    cdef real total
    cdef real* b = sums + layer.bias
    if spec.bias == NO_BIAS:
        return 0
    if fresh:
        memset(b, 0, (1 if spec.bias == SHARED else width) * sizeof(real))
    if spec.bias == SHARED:
        for s in range(rows):
            total = 0
            for j in range(layer.fan_out):
                total = total + delta[s * width + j]
            b[0] = b[0] + total
        return 0
    while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= width:
        c_bias_gradients_of(BLOCK_BYTES // <Py_ssize_t>sizeof(real), rows, width, delta + j, b + j)
        j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    while j < width:
        c_bias_gradients_of(VECTOR_BYTES // <Py_ssize_t>sizeof(real), rows, width, delta + j, b + j)
        j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)
    return 0
