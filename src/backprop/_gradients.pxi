# The gradients of many samples: the sums of products over the samples, in blocks that stay in registers, and the
# update of what has just been summed. Blocks are what they are in `_blocks.pxi`.

cdef enum:
    STRETCH = 8                # rows of weights whose gradients are summed, and updated, together

cdef enum Summing:
    MORE                       # added to what there was
    FRESH                      # begins with 0
    STEPPING                   # the same, and the weights take a step of plain SGD at once


cdef inline void c_end_sums(
    const Py_ssize_t columns, const Summing how, const real* sums, const real* w, real rate, real inverse,
    real* after
) noexcept nogil:
    """Sums, stored where S has them; or w - rate*(S*(1/B)), stored where the weights are."""
    cdef Py_ssize_t k
    if how == STEPPING:
        for k in range(columns):
            after[k] = w[k] - rate * (sums[k] * inverse)
    else:
        c_copy(columns, sums, after)


cdef inline void c_end_four_sums(
    const Py_ssize_t columns, const Summing how, const real* sum0, const real* sum1, const real* sum2,
    const real* sum3, real rate, real inverse, real* after, Py_ssize_t row1, Py_ssize_t row2, Py_ssize_t row3
) noexcept nogil:
    """Those of four rows. All weights are read first: a row that stands in for another takes one step, not two."""
    cdef real[MOST_COLUMNS] w0
    cdef real[MOST_COLUMNS] w1
    cdef real[MOST_COLUMNS] w2
    cdef real[MOST_COLUMNS] w3
    if how == STEPPING:
        c_copy(columns, after, w0)
        c_copy(columns, after + row1, w1)
        c_copy(columns, after + row2, w2)
        c_copy(columns, after + row3, w3)
    c_end_sums(columns, how, sum0, w0, rate, inverse, after)
    c_end_sums(columns, how, sum1, w1, rate, inverse, after + row1)
    c_end_sums(columns, how, sum2, w2, rate, inverse, after + row2)
    c_end_sums(columns, how, sum3, w3, rate, inverse, after + row3)


cdef inline void c_gradient_four(
    const Py_ssize_t columns, const Summing how, Py_ssize_t rows, const real** x, Py_ssize_t i, Py_ssize_t last,
    const real* delta, Py_ssize_t width, real rate, real inverse, const real* before, real* after
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
    c_start(columns, how != MORE, before, sum0)
    c_start(columns, how != MORE, before + row1, sum1)
    c_start(columns, how != MORE, before + row2, sum2)
    c_start(columns, how != MORE, before + row3, sum3)
    for s in range(rows):
        x0, x1, x2, x3 = x[s][i], x[s][i1], x[s][i2], x[s][i3]
        for k in range(columns):
            sum0[k] = sum0[k] + delta[k] * x0
            sum1[k] = sum1[k] + delta[k] * x1
            sum2[k] = sum2[k] + delta[k] * x2
            sum3[k] = sum3[k] + delta[k] * x3
        delta += width
    c_end_four_sums(columns, how, sum0, sum1, sum2, sum3, rate, inverse, after, row1, row2, row3)


cdef inline void c_gradient_eight(
    const Py_ssize_t columns, const Summing how, Py_ssize_t rows, const real** x, Py_ssize_t i,
    const real* delta, Py_ssize_t width, real rate, real inverse, const real* before, real* after
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
    c_start(columns, how != MORE, before, sum0)
    c_start(columns, how != MORE, before + width, sum1)
    c_start(columns, how != MORE, before + 2 * width, sum2)
    c_start(columns, how != MORE, before + 3 * width, sum3)
    c_start(columns, how != MORE, before + 4 * width, sum4)
    c_start(columns, how != MORE, before + 5 * width, sum5)
    c_start(columns, how != MORE, before + 6 * width, sum6)
    c_start(columns, how != MORE, before + 7 * width, sum7)
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
    c_end_four_sums(columns, how, sum0, sum1, sum2, sum3, rate, inverse, after, width, 2 * width, 3 * width)
    c_end_four_sums(
        columns, how, sum4, sum5, sum6, sum7, rate, inverse, after + 4 * width, width, 2 * width, 3 * width
    )


cdef inline void c_gradient_columns(
    const Py_ssize_t columns, const Summing how, Py_ssize_t rows, const real** x, Py_ssize_t i, Py_ssize_t last,
    const real* delta, Py_ssize_t width, real rate, real inverse, const real* before, real* after
) noexcept nogil:
    """A stretch's rows from i to the last, some columns."""
    cdef Py_ssize_t from_i = 0
    if BLOCK_ROWS == STRETCH and i + STRETCH - 1 == last:
        c_gradient_eight(columns, how, rows, x, i, delta, width, rate, inverse, before, after)
        return
    while i <= last:
        c_gradient_four(
            columns, how, rows, x, i, last, delta, width, rate, inverse, before + from_i, after + from_i
        )
        i += 4
        from_i += 4 * width


cdef inline void c_gradient_rows_of(
    const Summing how, const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t i,
    Py_ssize_t last, real rate, real inverse, const real* before, real* after
) noexcept nogil:
    """A stretch's rows from i to the last, all columns."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t j = 0, width = layer.width
    cdef Py_ssize_t columns = c_columns(layer, VECTOR_BYTES // <Py_ssize_t>sizeof(real))
    cdef const real** x = <const real**>space.inputs + level * space.seats
    cdef const real* delta = <const real*>space.deltas + c_spot(space, layer, 0)
    while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= columns:
        c_gradient_columns(
            BLOCK_BYTES // <Py_ssize_t>sizeof(real), how, rows, x, i, last, delta + j, width,
            rate, inverse, before + j, after + j
        )
        j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    if j + BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real) <= columns:
        c_gradient_columns(
            BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real), how, rows, x, i, last, delta + j, width,
            rate, inverse, before + j, after + j
        )
        j += BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real)
    while j < columns:
        c_gradient_columns(
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), how, rows, x, i, last, delta + j, width,
            rate, inverse, before + j, after + j
        )
        j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)
    c_no_columns(last + 1 - i, columns, width, after)


cdef widely c_gradient_stretch(
    const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t i, Py_ssize_t last,
    bint fresh, const real* before, real* after
) noexcept nogil:
    """A stretch of S: its rows from i to the last."""
    cdef const Layer* layer = &spec.layers[level]
    if c_is_narrow_stretch(layer, last + 1 - i, sizeof(real)):
        c_narrow_stretch(
            layer, <const real**>space.inputs + level * space.seats,
            <const real*>space.deltas + c_spot(space, layer, 0), rows, i, fresh, before, after
        )
    elif fresh:
        c_gradient_rows_of(FRESH, spec, space, level, rows, i, last, 0, 0, before, after)
    else:
        c_gradient_rows_of(MORE, spec, space, level, rows, i, last, 0, 0, before, after)
    return 0


cdef widely c_step_stretch(
    const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t i, Py_ssize_t last,
    real rate, real inverse, real* w
) noexcept nogil:
    """A stretch of weights takes a step of plain SGD, w = w - rate*(S*(1/B)), with S from these samples alone."""
    c_gradient_rows_of(STEPPING, spec, space, level, rows, i, last, rate, inverse, w, w)
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
    cdef bint plain = fresh and rows > 1 and optimizer.method == PLAIN and alpha == 0
    while i < stop:
        count = c_stretch_from(layer, i, stop, sizeof(real))
        start = layer.weights + i * width
        if plain and not c_is_narrow_stretch(layer, count, sizeof(real)):
            c_step_stretch(
                spec, space, level, rows, i, i + count - 1, <real>optimizer.rate, inverse, parameters + start
            )
            i += count
            continue
        if rows == 1 and fresh:
            c_gradient_one(
                layer, <const real*>space.deltas + c_spot(space, layer, 0), <const real*>c_below(space, level, 0),
                i, i + count - 1, stretch
            )
        else:
            c_gradient_stretch(spec, space, level, rows, i, i + count - 1, fresh, sums + start, stretch)
        c_update_part(optimizer, start, count * width, parameters, stretch, inverse, alpha)
        i += count
