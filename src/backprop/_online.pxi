# One sample per update, a run of samples in one go, with any optimizer.
#
# The update of a sample and the forward pass of the next go through the weights together: each weight is read and
# written once a sample, not read twice and written once. The last sample's update is made up for at the end.
# Nothing else sees the weights in between, but for the way back, which needs those that the forward pass used.
#
# Where most of what a layer takes in is exactly 0, `_lists.pxi` has another way.


cdef inline void c_fused_numbers(
    const Py_ssize_t columns, const Method method, const bint decaying, real* restrict w, real* restrict first,
    real* restrict second, const real* restrict d, real before, const real* numbers, real below,
    real* restrict total
) noexcept nogil:
    """Update one row's weights; add those of the next sample's products that come of them."""
    cdef Py_ssize_t j
    cdef real g, zero = 0
    for j in range(columns):
        g = d[j] * before
        if method != PLAIN:  # the sum begins with 0, which shows in the sign of a velocity of 0
            g = zero + g
        if decaying:
            g = g + numbers[ALPHA] * w[j]
        c_update_number(method, numbers, g, w + j, first + j, second + j)
        total[j] = total[j] + below * w[j]


cdef inline void c_fused_block(
    const Py_ssize_t columns, const Py_ssize_t more, const Method method, const bint decaying,
    Py_ssize_t fan_in, Py_ssize_t width, real* restrict w, real* restrict first, real* restrict second,
    const real* restrict delta, const real* restrict before, const real* numbers, const real* restrict below,
    real* restrict net
) noexcept nogil:
    """Update w[i][j] from delta[j]*before[i]; net[j] = sum over i of below[i]*w[i][j], with the new weights.

    The columns beyond the first have loops of their own: gcc keeps four vectors of a loop in registers, not five.
    """
    cdef Py_ssize_t i, j
    cdef real[MOST_LINE] total
    cdef real[MOST_LINE] d
    cdef real[MOST_MORE] total_of_more
    cdef real[MOST_MORE] d_of_more
    for j in range(columns):
        total[j] = 0
        d[j] = delta[j]
    for j in range(more):
        total_of_more[j] = 0
        d_of_more[j] = delta[columns + j]
    for i in range(fan_in):
        c_fused_numbers(columns, method, decaying, w, first, second, d, before[i], numbers, below[i], total)
        c_fused_numbers(
            more, method, decaying, w + columns, first + columns, second + columns, d_of_more, before[i], numbers,
            below[i], total_of_more
        )
        w += width
        first += width
        second += width
    for j in range(columns):
        net[j] = total[j]
    for j in range(more):
        net[columns + j] = total_of_more[j]


cdef inline void c_fused_columns(
    const Method method, const bint decaying, const Layer* layer, const Optimizer* optimizer, real alpha,
    real* parameters, const real* delta, const real* before, const real* below, real* net
) noexcept nogil:
    """All columns of a layer: a line at a time, then less."""
    cdef Py_ssize_t line = LINE_BYTES // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t vector = VECTOR_BYTES // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t fan_in = layer.fan_in, width = layer.width, columns = c_columns(layer, vector)
    cdef Py_ssize_t j = 0, more = 0, stop = columns
    cdef real* w = parameters + layer.weights
    cdef real* first = c_state_of(optimizer.first, layer.weights, parameters)
    cdef real* second = c_state_of(optimizer.second, layer.weights, parameters)
    cdef real[N_NUMBERS] numbers
    c_numbers(optimizer, alpha, numbers)
    # One or two vectors on their own would wait for each of their additions: they go with a whole line, which
    # comes last, so that the others begin where cache lines do.
    if columns > line:
        if columns % (line // 2) == 2 * vector:
            more = 2 * vector
        elif columns % (2 * vector) == vector:
            more = vector
        if more > 0:
            stop = columns - line - more
    while j + line <= stop:
        c_fused_block(
            line, 0, method, decaying, fan_in, width, w + j, first + j, second + j, delta + j, before, numbers,
            below, net + j
        )
        j += line
    if j + line // 2 <= stop:
        c_fused_block(
            line // 2, 0, method, decaying, fan_in, width, w + j, first + j, second + j, delta + j, before,
            numbers, below, net + j
        )
        j += line // 2
    if line // 2 > 2 * vector and j + 2 * vector <= stop:
        c_fused_block(
            2 * vector, 0, method, decaying, fan_in, width, w + j, first + j, second + j, delta + j, before,
            numbers, below, net + j
        )
        j += 2 * vector
    if j < stop:
        c_fused_block(
            vector, 0, method, decaying, fan_in, width, w + j, first + j, second + j, delta + j, before, numbers,
            below, net + j
        )
        j += vector
    if more == 2 * vector:
        c_fused_block(
            line, 2 * vector, method, decaying, fan_in, width, w + j, first + j, second + j, delta + j, before,
            numbers, below, net + j
        )
    elif more == vector:
        c_fused_block(
            line, vector, method, decaying, fan_in, width, w + j, first + j, second + j, delta + j, before,
            numbers, below, net + j
        )
    c_no_columns(1, columns, width, net)


cdef widely c_fused_layer(
    const Layer* layer, const Optimizer* optimizer, real alpha, real* parameters, const real* delta,
    const real* before, const real* below, real* net
) noexcept nogil:
    """The update of one layer's weights by the sample before, and its weighted sums for this one."""
    if alpha != 0:
        if optimizer.method == MOMENTUM:
            c_fused_columns(MOMENTUM, True, layer, optimizer, alpha, parameters, delta, before, below, net)
        elif optimizer.method == NESTEROV:
            c_fused_columns(NESTEROV, True, layer, optimizer, alpha, parameters, delta, before, below, net)
        elif optimizer.method == ADAM:
            c_fused_columns(ADAM, True, layer, optimizer, alpha, parameters, delta, before, below, net)
        else:
            c_fused_columns(PLAIN, True, layer, optimizer, alpha, parameters, delta, before, below, net)
    elif optimizer.method == MOMENTUM:
        c_fused_columns(MOMENTUM, False, layer, optimizer, alpha, parameters, delta, before, below, net)
    elif optimizer.method == NESTEROV:
        c_fused_columns(NESTEROV, False, layer, optimizer, alpha, parameters, delta, before, below, net)
    elif optimizer.method == ADAM:
        c_fused_columns(ADAM, False, layer, optimizer, alpha, parameters, delta, before, below, net)
    else:
        c_fused_columns(PLAIN, False, layer, optimizer, alpha, parameters, delta, before, below, net)
    return 0


cdef void c_update_late(
    const Spec* spec, Workspace* space, Py_ssize_t level, Py_ssize_t turn, const Optimizer* optimizer,
    real alpha, real* parameters
) noexcept nogil:
    """The update of one layer's weights by the sample of a turn, by its list if it has one; all that rows owe."""
    cdef Workspace part = c_rows_from(spec, space, turn, 1)
    cdef const Layer* layer = &spec.layers[level]
    cdef const real* below = <const real*>c_below(&part, level, 0)
    cdef const real* delta = <const real*>part.deltas + c_spot(&part, layer, 0)
    cdef Py_ssize_t count = space.counts[turn * spec.n_layers + level]
    if count >= 0 and level == 0:
        c_pay(layer, space, parameters, <real>optimizer.rate)
    elif count >= 0:
        c_sparse_update(
            layer, parameters, below, c_list(spec, space, level, turn), count, delta, <real>optimizer.rate
        )
    elif optimizer.method == PLAIN and alpha == 0:
        c_update_weights_one(layer, parameters, below, delta, <real>optimizer.rate)
    else:
        c_update_rows(spec, &part, optimizer, parameters, level, 1, 0, layer.fan_in, True, 1, alpha)


cdef inline void c_update_bias_now(
    const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t turn, const Optimizer* optimizer,
    real* parameters
) noexcept nogil:
    """The update of one layer's bias by the sample of a turn."""
    cdef Workspace part
    cdef const Layer* layer = &spec.layers[level]
    if optimizer.method == PLAIN:
        c_update_bias_one(
            layer, spec, parameters, <const real*>space.deltas + c_spot(space, layer, turn),
            <real>optimizer.rate
        )
    elif spec.train_bias and spec.bias != NO_BIAS:
        part = c_rows_from(spec, space, turn, 1)
        c_add_bias_gradients(spec, &part, <real*>space.sums, level, 1, True)
        c_update_part(
            optimizer, layer.bias, layer.width if spec.bias == PER_UNIT else 1, parameters,
            <const real*>space.sums + layer.bias, 1, 0
        )


cdef Py_ssize_t c_train_ones(
    const Spec* spec, Workspace* space, real* parameters, const Data* data, Py_ssize_t first, Py_ssize_t stop,
    Optimizer* optimizer, double rate, double l2, Meter* meter, bint* lists
) noexcept nogil:
    """An update from each of the samples first..stop-1 of the order.

    `lists` says whether every weight is finite, so that rows may be passed over; it becomes False when that is not
    certain any more, or after many samples for which lists would not pay, and is never true but for plain SGD
    without L2. Returns how many were done; fewer than all if the loss is not finite, and then without that
    sample's update.
    """
    cdef Py_ssize_t s, level, now = 0, done = 0, without = 0
    cdef Py_ssize_t* counts
    cdef bint pending = False, listed, owing, reported = meter.batch_loss_factor > 0
    cdef const Layer* layer
    cdef const real* below
    cdef const real* target
    cdef real* net = <real*>space.nets
    cdef real* out = <real*>space.outs
    cdef real* delta
    cdef real alpha = <real>l2
    cdef double error
    if not c_rate_is_calm(<real>rate):
        lists[0] = False
    for s in range(first, stop):
        c_seat_row(spec, space, data, s, now)
        counts = space.counts + now * spec.n_layers
        below = <const real*>space.inputs[now]
        target = <const real*>space.targets[now]
        without += 1
        for level in range(spec.n_layers):
            layer = &spec.layers[level]
            net = <real*>space.nets + c_spot(space, layer, 0)
            out = <real*>space.outs + c_spot(space, layer, now)
            counts[level] = -1
            listed = (
                lists[0] and c_may_be_listed(spec, level)
                and c_list_nonzero(layer.fan_in, below, c_list(spec, space, level, now), counts + level)
            )
            owing = pending and space.counts[(1 - now) * spec.n_layers + level] >= 0
            if pending and not listed and not owing:
                c_fused_layer(
                    layer, optimizer, alpha, parameters,
                    <const real*>space.deltas + c_spot(space, layer, 1 - now),
                    <const real*>c_below(space, level, 1 - now), below, net
                )
                c_add_bias(layer, spec.bias, parameters, net)
            else:
                if pending and not (listed and owing and level == 0):
                    c_update_late(spec, space, level, 1 - now, optimizer, alpha, parameters)
                if not listed:
                    c_layer_nets(layer, spec.bias, parameters, below, net)
                else:
                    without = 0
                    if level == 0:
                        c_pay_and_sum(
                            layer, space, parameters, below, c_list(spec, space, 0, now), counts[0], <real>rate,
                            net
                        )
                    else:
                        c_sparse_sums(
                            layer, parameters, below, c_list(spec, space, level, now), counts[level], net
                        )
                    c_add_bias(layer, spec.bias, parameters, net)
            c_outs(layer.activation, layer.fan_out, layer.width, net, out)
            below = out
        pending = False
        if meter.wanted:
            error = c_measure(spec, reported, net, out, target)
            if reported:
                error = meter.batch_loss_factor * error
                if l2 != 0.0:
                    error = error + 0.5 * l2 * c_squares(spec, parameters, <real*>space.back)
            meter.total = meter.total + error
            if not reported and not isfinite(meter.total):
                if counts[0] >= 0:
                    c_owe(spec.layers, space, parameters, NULL, True, <real>rate)
                return done
        delta = <real*>space.deltas + c_spot(space, &spec.layers[spec.n_layers - 1], now)
        c_output_deltas(spec, net, out, target, delta)
        for level in range(spec.n_layers - 1, 0, -1):
            layer = &spec.layers[level - 1]
            net = <real*>space.nets + c_spot(space, layer, 0)
            out = <real*>space.outs + c_spot(space, layer, now)
            c_hidden_deltas(
                spec, parameters, level, delta, net, out, <real*>space.deltas + c_spot(space, layer, now)
            )
            delta = <real*>space.deltas + c_spot(space, layer, now)
        c_begin_update(optimizer, rate)
        owing = counts[0] >= 0
        for level in range(spec.n_layers):
            layer = &spec.layers[level]
            c_update_bias_now(spec, space, level, now, optimizer, parameters)
            if (lists[0] or counts[level] >= 0) and c_may_be_listed(spec, level) and not c_step_is_calm(
                layer, <const real*>space.deltas + c_spot(space, layer, now),
                <const real*>c_below(space, level, now), counts[level] >= 0
            ):
                counts[level] = -1
                lists[0] = False
        if owing:
            c_owe(
                spec.layers, space, parameters, <const real*>space.deltas + c_spot(space, spec.layers, now),
                counts[0] < 0, <real>rate
            )
        if without == MOST_WITHOUT:
            lists[0] = False
        pending = True
        now = 1 - now
        done += 1
    if pending:
        for level in range(spec.n_layers):
            c_update_late(spec, space, level, 1 - now, optimizer, alpha, parameters)
    return done


cdef inline Py_ssize_t c_train_singly(
    const Spec* spec, Workspace* space, real* parameters, const Data* data, Py_ssize_t first, Py_ssize_t stop,
    Optimizer* optimizer, double rate, double l2, Meter* meter, bint* lists
) noexcept nogil:
    """The same, of whatever network."""
    cdef Course course
    if optimizer.method == PLAIN and l2 == 0.0 and c_is_small(spec):
        course.count, course.rates, course.rate_step, course.history, course.stop_below = 1, &rate, 0, NULL, 0.0
        return c_small_ones(spec, space, parameters, data, first, stop, &course, meter)
    return c_train_ones(spec, space, parameters, data, first, stop, optimizer, rate, l2, meter, lists)
