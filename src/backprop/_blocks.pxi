# One layer of many samples: the loops of `_layers.pxi` in blocks that stay in registers.
#
# A block is a few rows by one or two vectors of columns. Each of its sums is taken in the same order as there: a
# block changes which sums go side by side, never what comes next within one. A block that hangs over the end takes
# its last row again, and writes the same numbers twice.

cdef enum:
    STRETCH = 8                # rows of weights whose gradients are summed, and updated, together
    PIECE = 128                # rows of weights that all samples go through at a time


cdef inline void c_copy(const Py_ssize_t count, const real* source, real* target) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(count):
        target[k] = source[k]


cdef inline void c_turn_four(
    const real* source, Py_ssize_t source_step, real* target, Py_ssize_t target_step
) noexcept nogil:
    """Four rows of four numbers, as columns."""
    cdef Py_ssize_t k
    cdef real[16] four
    if real is float:
        backprop_turn32(source, source_step, 2 * source_step, 3 * source_step, four)
    else:
        backprop_turn64(source, source_step, 2 * source_step, 3 * source_step, four)
    for k in range(4):
        c_copy(4, four + 4 * k, target + k * target_step)


cdef inline void c_end(const Py_ssize_t count, real* sums, const real* bias, real* target) noexcept nogil:
    """Sums and their bias, stored. In one loop they would be taken to memory: the target might be the bias."""
    cdef Py_ssize_t k
    for k in range(count):
        sums[k] = sums[k] + bias[k]
    c_copy(count, sums, target)


cdef inline void c_start(
    const Py_ssize_t count, const bint fresh, const real* before, real* sums
) noexcept nogil:
    """Where sums begin: at 0, or at what they were."""
    cdef Py_ssize_t k
    for k in range(count):
        sums[k] = 0 if fresh else before[k]


cdef inline const real* c_shared_row(const Layer* layer, const real* parameters, real* row) noexcept nogil:
    """A row of a shared bias: of each unit, and of no padding."""
    cdef Py_ssize_t j
    for j in range(layer.width):
        row[j] = parameters[layer.bias] if j < layer.fan_out else 0
    return row


cdef inline void c_nets_four(
    const Py_ssize_t columns, const bint fresh, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t width,
    const real* restrict w, const real* bias, const real** x, Py_ssize_t s, Py_ssize_t last, real* nets
) noexcept nogil:
    """net[s][j] += x[s][i]*w[i][j] for i from `first`, in order, then bias[j]: four samples (up to the last).

    Some columns, where w, bias and nets begin. A fresh sum begins with 0.
    """
    cdef Py_ssize_t i, j, s1 = min(s + 1, last), s2 = min(s + 2, last), s3 = min(s + 3, last)
    cdef const real* x0 = x[s]
    cdef const real* x1 = x[s1]
    cdef const real* x2 = x[s2]
    cdef const real* x3 = x[s3]
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    if first >= stop:  # a loop that may not run at all would keep its sums in memory
        return
    c_start(columns, fresh, nets + s * width, sum0)
    c_start(columns, fresh, nets + s1 * width, sum1)
    c_start(columns, fresh, nets + s2 * width, sum2)
    c_start(columns, fresh, nets + s3 * width, sum3)
    for i in range(first, stop):
        for j in range(columns):
            sum0[j] = sum0[j] + x0[i] * w[j]
            sum1[j] = sum1[j] + x1[i] * w[j]
            sum2[j] = sum2[j] + x2[i] * w[j]
            sum3[j] = sum3[j] + x3[i] * w[j]
        w += width
    c_end(columns, sum0, bias, nets + s * width)
    c_end(columns, sum1, bias, nets + s1 * width)
    c_end(columns, sum2, bias, nets + s2 * width)
    c_end(columns, sum3, bias, nets + s3 * width)


cdef inline void c_nets_eight(
    const Py_ssize_t columns, const bint fresh, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t width,
    const real* restrict w, const real* bias, const real** x, real* nets
) noexcept nogil:
    """The same of eight samples, whose x and nets begin here."""
    cdef Py_ssize_t i, j
    cdef const real* x0 = x[0]
    cdef const real* x1 = x[1]
    cdef const real* x2 = x[2]
    cdef const real* x3 = x[3]
    cdef const real* x4 = x[4]
    cdef const real* x5 = x[5]
    cdef const real* x6 = x[6]
    cdef const real* x7 = x[7]
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    cdef real[MOST_COLUMNS] sum4
    cdef real[MOST_COLUMNS] sum5
    cdef real[MOST_COLUMNS] sum6
    cdef real[MOST_COLUMNS] sum7
    if first >= stop:
        return
    c_start(columns, fresh, nets, sum0)
    c_start(columns, fresh, nets + width, sum1)
    c_start(columns, fresh, nets + 2 * width, sum2)
    c_start(columns, fresh, nets + 3 * width, sum3)
    c_start(columns, fresh, nets + 4 * width, sum4)
    c_start(columns, fresh, nets + 5 * width, sum5)
    c_start(columns, fresh, nets + 6 * width, sum6)
    c_start(columns, fresh, nets + 7 * width, sum7)
    for i in range(first, stop):
        for j in range(columns):
            sum0[j] = sum0[j] + x0[i] * w[j]
            sum1[j] = sum1[j] + x1[i] * w[j]
            sum2[j] = sum2[j] + x2[i] * w[j]
            sum3[j] = sum3[j] + x3[i] * w[j]
        for j in range(columns):
            sum4[j] = sum4[j] + x4[i] * w[j]
            sum5[j] = sum5[j] + x5[i] * w[j]
            sum6[j] = sum6[j] + x6[i] * w[j]
            sum7[j] = sum7[j] + x7[i] * w[j]
        w += width
    c_end(columns, sum0, bias, nets)
    c_end(columns, sum1, bias, nets + width)
    c_end(columns, sum2, bias, nets + 2 * width)
    c_end(columns, sum3, bias, nets + 3 * width)
    c_end(columns, sum4, bias, nets + 4 * width)
    c_end(columns, sum5, bias, nets + 5 * width)
    c_end(columns, sum6, bias, nets + 6 * width)
    c_end(columns, sum7, bias, nets + 7 * width)


cdef inline void c_nets_columns(
    const Py_ssize_t columns, const bint fresh, const Spec* spec, const Workspace* space, const real* parameters,
    const real* bias, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t j
) noexcept nogil:
    """Some columns of the nets of all samples, from the rows first..stop-1 of the weights."""
    cdef const Layer* layer = &spec.layers[level]
    cdef const real* w = parameters + layer.weights + first * layer.width + j
    cdef real* nets = <real*>space.nets + c_spot(space, layer, 0) + j
    cdef const real** x = <const real**>space.inputs + level * space.seats
    cdef Py_ssize_t s = 0
    if BLOCK_ROWS == 8:
        while s + 8 <= rows:
            c_nets_eight(columns, fresh, first, stop, layer.width, w, bias + j, x + s, nets + s * layer.width)
            s += 8
    while s < rows:
        c_nets_four(columns, fresh, first, stop, layer.width, w, bias + j, x, s, rows - 1, nets)
        s += 4


cdef inline void c_nets_piece(
    const bint fresh, const Spec* spec, const Workspace* space, const real* parameters, const real* bias,
    Py_ssize_t level, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop
) noexcept nogil:
    """All columns."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t j = 0, columns = c_columns(layer, VECTOR_BYTES // <Py_ssize_t>sizeof(real))
    while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= columns:
        c_nets_columns(
            BLOCK_BYTES // <Py_ssize_t>sizeof(real), fresh, spec, space, parameters, bias, level, rows, first,
            stop, j
        )
        j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    if j + BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real) <= columns:
        c_nets_columns(
            BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real), fresh, spec, space, parameters, bias, level, rows, first,
            stop, j
        )
        j += BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real)
    while j < columns:
        c_nets_columns(
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), fresh, spec, space, parameters, bias, level, rows, first,
            stop, j
        )
        j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)
    c_no_columns(rows, columns, layer.width, <real*>space.nets + c_spot(space, layer, 0))


cdef widely c_nets_rows(
    const Spec* spec, const Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """The nets of one layer, of the samples in the workspace.

    The weights are taken in pieces, of which the first cache holds a block's columns while all samples go through.
    The bias comes with the last; to what is not the last, 0 is added, as a sum that began with 0 is never -0.0.
    """
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t first = 0, stop
    cdef real* none = <real*>space.turned
    cdef const real* bias = none
    if rows == 1:  # a block would take it four times
        c_layer_nets(
            layer, spec.bias, parameters, <const real*>c_below(space, level, 0),
            <real*>space.nets + c_spot(space, layer, 0)
        )
        return 0
    if spec.bias == NO_BIAS or layer.fan_in > PIECE:
        memset(none, 0, layer.width * sizeof(real))
    if spec.bias == PER_UNIT:
        bias = parameters + layer.bias
    elif spec.bias == SHARED:
        bias = c_shared_row(layer, parameters, <real*>space.back)
    while first < layer.fan_in:
        stop = min(first + PIECE, layer.fan_in)
        if first == 0:
            c_nets_piece(
                True, spec, space, parameters, bias if stop == layer.fan_in else none, level, rows, first, stop
            )
        else:
            c_nets_piece(
                False, spec, space, parameters, bias if stop == layer.fan_in else none, level, rows, first, stop
            )
        first = stop
    return 0


cdef inline void c_gradient_four(
    const Py_ssize_t columns, const bint fresh, Py_ssize_t rows, const real** x, Py_ssize_t i, Py_ssize_t last,
    const real* delta, Py_ssize_t width, const real* before, real* after
) noexcept nogil:
    """S[i][j] = before[i][j] + sum over the samples of delta[s][j]*x[s][i], of four rows, up to the last.

    Some columns, where `delta`, `before` and `after` begin; these two at row i. A fresh sum begins with 0.
    """
    cdef Py_ssize_t s, k, i1 = min(i + 1, last), i2 = min(i + 2, last), i3 = min(i + 3, last)
    cdef Py_ssize_t row1 = (i1 - i) * width, row2 = (i2 - i) * width, row3 = (i3 - i) * width
    cdef real x0, x1, x2, x3
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    if rows < 1:  # a loop that may not run at all would keep its sums in memory
        return
    c_start(columns, fresh, before, sum0)
    c_start(columns, fresh, before + row1, sum1)
    c_start(columns, fresh, before + row2, sum2)
    c_start(columns, fresh, before + row3, sum3)
    for s in range(rows):
        x0, x1, x2, x3 = x[s][i], x[s][i1], x[s][i2], x[s][i3]
        for k in range(columns):
            sum0[k] = sum0[k] + delta[k] * x0
            sum1[k] = sum1[k] + delta[k] * x1
            sum2[k] = sum2[k] + delta[k] * x2
            sum3[k] = sum3[k] + delta[k] * x3
        delta += width
    c_copy(columns, sum0, after)
    c_copy(columns, sum1, after + row1)
    c_copy(columns, sum2, after + row2)
    c_copy(columns, sum3, after + row3)


cdef inline void c_gradient_eight(
    const Py_ssize_t columns, const bint fresh, Py_ssize_t rows, const real** x, Py_ssize_t i,
    const real* delta, Py_ssize_t width, const real* before, real* after
) noexcept nogil:
    """The same of eight rows."""
    cdef Py_ssize_t s, k
    cdef real x0, x1, x2, x3
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    cdef real[MOST_COLUMNS] sum4
    cdef real[MOST_COLUMNS] sum5
    cdef real[MOST_COLUMNS] sum6
    cdef real[MOST_COLUMNS] sum7
    if rows < 1:
        return
    c_start(columns, fresh, before, sum0)
    c_start(columns, fresh, before + width, sum1)
    c_start(columns, fresh, before + 2 * width, sum2)
    c_start(columns, fresh, before + 3 * width, sum3)
    c_start(columns, fresh, before + 4 * width, sum4)
    c_start(columns, fresh, before + 5 * width, sum5)
    c_start(columns, fresh, before + 6 * width, sum6)
    c_start(columns, fresh, before + 7 * width, sum7)
    for s in range(rows):
        x0, x1, x2, x3 = x[s][i], x[s][i + 1], x[s][i + 2], x[s][i + 3]
        for k in range(columns):
            sum0[k] = sum0[k] + delta[k] * x0
            sum1[k] = sum1[k] + delta[k] * x1
            sum2[k] = sum2[k] + delta[k] * x2
            sum3[k] = sum3[k] + delta[k] * x3
        x0, x1, x2, x3 = x[s][i + 4], x[s][i + 5], x[s][i + 6], x[s][i + 7]
        for k in range(columns):
            sum4[k] = sum4[k] + delta[k] * x0
            sum5[k] = sum5[k] + delta[k] * x1
            sum6[k] = sum6[k] + delta[k] * x2
            sum7[k] = sum7[k] + delta[k] * x3
        delta += width
    c_copy(columns, sum0, after)
    c_copy(columns, sum1, after + width)
    c_copy(columns, sum2, after + 2 * width)
    c_copy(columns, sum3, after + 3 * width)
    c_copy(columns, sum4, after + 4 * width)
    c_copy(columns, sum5, after + 5 * width)
    c_copy(columns, sum6, after + 6 * width)
    c_copy(columns, sum7, after + 7 * width)


cdef inline void c_gradient_columns(
    const Py_ssize_t columns, const bint fresh, Py_ssize_t rows, const real** x, Py_ssize_t i, Py_ssize_t last,
    const real* delta, Py_ssize_t width, const real* before, real* after
) noexcept nogil:
    """A stretch's rows from i to the last, some columns."""
    cdef Py_ssize_t from_i = 0
    if BLOCK_ROWS == STRETCH and i + STRETCH - 1 == last:
        c_gradient_eight(columns, fresh, rows, x, i, delta, width, before, after)
        return
    while i <= last:
        c_gradient_four(
            columns, fresh, rows, x, i, last, delta, width, before + from_i, after + from_i
        )
        i += 4
        from_i += 4 * width


cdef inline void c_gradient_rows_of(
    const bint fresh, const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t i,
    Py_ssize_t last, const real* before, real* after
) noexcept nogil:
    """A stretch's rows from i to the last, all columns."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t j = 0, width = layer.width
    cdef Py_ssize_t columns = c_columns(layer, VECTOR_BYTES // <Py_ssize_t>sizeof(real))
    cdef const real** x = <const real**>space.inputs + level * space.seats
    cdef const real* delta = <const real*>space.deltas + c_spot(space, layer, 0)
    while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= columns:
        c_gradient_columns(
            BLOCK_BYTES // <Py_ssize_t>sizeof(real), fresh, rows, x, i, last, delta + j, width,
            before + j, after + j
        )
        j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    if j + BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real) <= columns:
        c_gradient_columns(
            BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real), fresh, rows, x, i, last, delta + j, width,
            before + j, after + j
        )
        j += BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real)
    while j < columns:
        c_gradient_columns(
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), fresh, rows, x, i, last, delta + j, width,
            before + j, after + j
        )
        j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)
    c_no_columns(last + 1 - i, columns, width, after)


cdef widely c_gradient_stretch(
    const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t i, Py_ssize_t last,
    bint fresh, const real* before, real* after
) noexcept nogil:
    """A stretch of S: its rows from i to the last."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t columns = BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    if last - i + 1 == columns and c_is_narrow(layer, columns // 2):
        c_narrow_stretch(
            layer, <const real**>space.inputs + level * space.seats,
            <const real*>space.deltas + c_spot(space, layer, 0), rows, i, fresh, before, after
        )
    elif fresh:
        c_gradient_rows_of(True, spec, space, level, rows, i, last, before, after)
    else:
        c_gradient_rows_of(False, spec, space, level, rows, i, last, before, after)
    return 0


cdef void c_gradient_one(
    const Layer* layer, const real* delta, const real* below, Py_ssize_t i, Py_ssize_t last, real* restrict after
) noexcept nogil:
    """The same of a single sample: 0 + delta[j]*below[i]."""
    cdef Py_ssize_t k, j, width = whole_vectors(layer.width, sizeof(real))
    cdef real x, zero = 0
    for k in range(i, last + 1):
        x = below[k]
        for j in range(width):
            after[j] = zero + delta[j] * x
        after += width


cdef void c_add_gradients(
    const Spec* spec, const Workspace* space, real* sums, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t first,
    Py_ssize_t stop, bint fresh
) noexcept nogil:
    """Add the gradients of the samples in the workspace, in order, to the sums of a layer's rows first..stop-1."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t i = first, count
    cdef real* stretch
    while i < stop:
        count = c_stretch_from(layer, i, stop, sizeof(real))
        stretch = sums + layer.weights + i * layer.width
        c_gradient_stretch(spec, space, level, rows, i, i + count - 1, fresh, stretch, stretch)
        i += count


cdef void c_update_rows(
    const Spec* spec, const Workspace* space, const Optimizer* optimizer, real* parameters, Py_ssize_t level,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop, bint fresh, real inverse, real alpha
) noexcept nogil:
    """`c_add_gradients` for the last samples of a batch, and each stretch is updated while its sums are at hand.

    They do not go back to the sums' own memory.
    """
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t i = first, start, count, width = layer.width
    cdef real* sums = <real*>space.sums
    cdef real* stretch = <real*>space.back
    while i < stop:
        count = c_stretch_from(layer, i, stop, sizeof(real))
        start = layer.weights + i * width
        if rows == 1 and fresh:
            c_gradient_one(
                layer, <const real*>space.deltas + c_spot(space, layer, 0), <const real*>c_below(space, level, 0),
                i, i + count - 1, stretch
            )
        else:
            c_gradient_stretch(spec, space, level, rows, i, i + count - 1, fresh, sums + start, stretch)
        c_update_part(optimizer, start, count * width, parameters, stretch, inverse, alpha)
        i += count


cdef inline void c_back_block(
    const Py_ssize_t columns, Py_ssize_t fan_out, const real* restrict turned, const real* restrict row0,
    const real* restrict row1, const real* restrict row2, const real* restrict row3, real* restrict back,
    Py_ssize_t stride
) noexcept nogil:
    """back[s][i] = sum over j of delta[s][j]*w[i][j], of some samples and four rows of weights.

    `turned` has the deltas with the samples side by side: (fan_out, columns). The sums are turned back by fours.
    """
    cdef Py_ssize_t j, s
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    cdef real[4 * MOST_COLUMNS] sums
    if fan_out < 1:
        return
    for s in range(columns):
        sum0[s] = sum1[s] = sum2[s] = sum3[s] = 0
    for j in range(fan_out):
        for s in range(columns):
            sum0[s] = sum0[s] + turned[s] * row0[j]
            sum1[s] = sum1[s] + turned[s] * row1[j]
            sum2[s] = sum2[s] + turned[s] * row2[j]
            sum3[s] = sum3[s] + turned[s] * row3[j]
        turned += columns
    c_copy(columns, sum0, sums)
    c_copy(columns, sum1, sums + columns)
    c_copy(columns, sum2, sums + 2 * columns)
    c_copy(columns, sum3, sums + 3 * columns)
    s = 0
    while s < columns:
        c_turn_four(sums + s, columns, back + s * stride, stride)
        s += 4


cdef inline void c_turn_rows(
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t width, const real* deltas, const Py_ssize_t columns, real* turned
) noexcept nogil:
    """Some samples' deltas of n units, samples side by side: (n, columns). The last stands in for missing ones."""
    cdef Py_ssize_t s = 0, j, k, row1, row2, row3
    cdef const real* row
    cdef real[16] four
    while s < rows:
        row = deltas + s * width
        row1, row2 = (min(s + 1, rows - 1) - s) * width, (min(s + 2, rows - 1) - s) * width
        row3 = (min(s + 3, rows - 1) - s) * width
        j = 0
        while j < n:
            if real is float:
                backprop_turn32(row + j, row1, row2, row3, four)
            else:
                backprop_turn64(row + j, row1, row2, row3, four)
            for k in range(4):
                c_copy(4, four + 4 * k, turned + (j + k) * columns + s)
            j += 4
        s += 4


cdef widely c_hidden_rows(
    const Spec* spec, Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """Deltas of the layer below `level`, of the samples in the workspace."""
    cdef const Layer* above = &spec.layers[level]
    cdef const Layer* below = &spec.layers[level - 1]
    cdef Py_ssize_t columns = BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t first = 0, count, s, i, j, last = above.fan_in - 1, width = above.width
    cdef const real* w = parameters + above.weights
    cdef const real* nets = <const real*>space.nets + c_spot(space, below, 0)
    cdef const real* outs = <const real*>space.outs + c_spot(space, below, 0)
    cdef const real* deltas = <const real*>space.deltas + c_spot(space, above, 0)
    cdef real* deltas_below = <real*>space.deltas + c_spot(space, below, 0)
    cdef real* back
    cdef real* turned = <real*>space.turned
    if rows == 1:
        c_hidden_deltas(spec, parameters, level, deltas, nets, outs, deltas_below)
        return 0
    while first < rows:
        count = min(columns, rows - first)
        c_turn_rows(count, above.fan_out, width, deltas + first * width, columns, turned)
        back = deltas_below + first * below.width
        if count < columns:  # the block goes on where other samples' deltas are
            back = <real*>space.back
        i = 0
        while i <= last:
            c_back_block(
                BLOCK_BYTES // <Py_ssize_t>sizeof(real), above.fan_out, turned, w + i * width,
                w + min(i + 1, last) * width, w + min(i + 2, last) * width, w + min(i + 3, last) * width,
                back + i, below.width
            )
            i += 4
        for s in range(count):
            for i in range(above.fan_in, below.width):
                back[s * below.width + i] = 0
        if count < columns:
            memcpy(deltas_below + first * below.width, back, count * below.width * sizeof(real))
        c_deltas_rows(
            below, count, nets + first * below.width, outs + first * below.width,
            deltas_below + first * below.width
        )
        first += count
    return 0
