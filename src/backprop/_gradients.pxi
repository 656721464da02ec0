# The gradients of many samples: the sums of products over the samples, in blocks that stay in registers, and the
# update of what has just been summed. Blocks are what they are in `_blocks.pxi`.

cdef enum:
    STRETCH = 8                # rows of weights whose gradients are summed, and updated, together


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
