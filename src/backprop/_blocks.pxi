# Sums of products of many samples, over the units below on the way forward, above on the way back, in blocks
# that stay in registers.
#
# A block is a few rows by one or two vectors of columns. Each of its sums is taken in the same order as in
# `_layers.pxi`: a block changes which sums go side by side, never what comes next within one. A block that hangs
# over the end takes its last row again, and writes the same numbers twice.

cdef enum:
    PIECE = 128                # rows of weights that all samples go through at a time

cdef enum Ending:              # what becomes of a block's sums
    SUMS
    RELU_OF_SUMS
    SUMS_WHERE_RELU            # times relu's derivative, from its outs


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


cdef inline void c_start(
    const Py_ssize_t count, const bint fresh, const real* before, real* sums
) noexcept nogil:
    """Where sums begin: at 0, or at what they were."""
    cdef Py_ssize_t k
    for k in range(count):
        sums[k] = 0 if fresh else before[k]


cdef inline void c_add(const Py_ssize_t count, real* sums, const real* bias) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(count):
        sums[k] = sums[k] + bias[k]


cdef inline void c_end(
    const Py_ssize_t count, const Ending ending, const real* sums, const real* outs, real* target
) noexcept nogil:
    """Sums, stored. Mixed in one loop they would be taken to memory: what is read might be where they go."""
    cdef Py_ssize_t k
    cdef real s, zero = 0
    cdef real[MOST_COLUMNS] out
    if ending == SUMS_WHERE_RELU:
        c_copy(count, outs, out)
        for k in range(count):
            s = sums[k]  # loaded on both sides, or the loop would branch
            target[k] = s if out[k] > zero else zero
    elif ending == RELU_OF_SUMS:
        for k in range(count):
            target[k] = sums[k] if sums[k] > zero else zero
    else:
        c_copy(count, sums, target)


cdef inline void c_end_four(
    const Py_ssize_t count, const Ending ending, const real* sum0, const real* sum1, const real* sum2,
    const real* sum3, const real* outs, real* target, Py_ssize_t s1, Py_ssize_t s2, Py_ssize_t s3
) noexcept nogil:
    """Those of four rows, which are steps apart."""
    c_end(count, ending, sum0, outs, target)
    c_end(count, ending, sum1, outs + s1, target + s1)
    c_end(count, ending, sum2, outs + s2, target + s2)
    c_end(count, ending, sum3, outs + s3, target + s3)


cdef inline const real* c_shared_row(const Layer* layer, const real* parameters, real* row) noexcept nogil:
    """A row of a shared bias: of each unit, and of no padding."""
    cdef Py_ssize_t j
    for j in range(layer.width):
        row[j] = parameters[layer.bias] if j < layer.fan_out else 0
    return row


cdef inline void c_sums_two(
    const Py_ssize_t columns, const bint fresh, Ending ending, Py_ssize_t first, Py_ssize_t stop,
    Py_ssize_t width, const real* restrict w, const real* bias, const real** x, Py_ssize_t last, const real* outs,
    real* sums
) noexcept nogil:
    """sums[s][j] += x[s][i]*w[i][j] for i from `first`, in order, then bias[j]: two samples (up to the last).

    Some columns, where w, bias, outs and sums begin. A fresh sum begins with 0.
    """
    cdef Py_ssize_t i, j, s1 = min(<Py_ssize_t>1, last)
    cdef const real* x0 = x[0]
    cdef const real* x1 = x[s1]
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    if first >= stop:  # a loop that may not run at all would keep its sums in memory
        return
    s1 = s1 * width
    c_start(columns, fresh, sums, sum0)
    c_start(columns, fresh, sums + s1, sum1)
    for i in range(first, stop):
        for j in range(columns):
            sum0[j] = sum0[j] + x0[i] * w[j]
            sum1[j] = sum1[j] + x1[i] * w[j]
        w += width
    c_add(columns, sum0, bias)
    c_add(columns, sum1, bias)
    if ending == RELU_OF_SUMS:
        c_end(columns, RELU_OF_SUMS, sum0, outs, sums)
        c_end(columns, RELU_OF_SUMS, sum1, outs + s1, sums + s1)
    elif ending == SUMS_WHERE_RELU:
        c_end(columns, SUMS_WHERE_RELU, sum0, outs, sums)
        c_end(columns, SUMS_WHERE_RELU, sum1, outs + s1, sums + s1)
    else:
        c_end(columns, SUMS, sum0, outs, sums)
        c_end(columns, SUMS, sum1, outs + s1, sums + s1)


cdef inline void c_sums_four(
    const Py_ssize_t columns, const bint fresh, Ending ending, Py_ssize_t first, Py_ssize_t stop,
    Py_ssize_t width, const real* restrict w, const real* bias, const real** x, Py_ssize_t last, const real* outs,
    real* sums
) noexcept nogil:
    """The same of four samples (up to the last)."""
    cdef Py_ssize_t i, j
    cdef Py_ssize_t s1 = min(<Py_ssize_t>1, last), s2 = min(<Py_ssize_t>2, last), s3 = min(<Py_ssize_t>3, last)
    cdef const real* x0 = x[0]
    cdef const real* x1 = x[s1]
    cdef const real* x2 = x[s2]
    cdef const real* x3 = x[s3]
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    if first >= stop:
        return
    s1, s2, s3 = s1 * width, s2 * width, s3 * width
    c_start(columns, fresh, sums, sum0)
    c_start(columns, fresh, sums + s1, sum1)
    c_start(columns, fresh, sums + s2, sum2)
    c_start(columns, fresh, sums + s3, sum3)
    for i in range(first, stop):
        for j in range(columns):
            sum0[j] = sum0[j] + x0[i] * w[j]
            sum1[j] = sum1[j] + x1[i] * w[j]
            sum2[j] = sum2[j] + x2[i] * w[j]
            sum3[j] = sum3[j] + x3[i] * w[j]
        w += width
    c_add(columns, sum0, bias)
    c_add(columns, sum1, bias)
    c_add(columns, sum2, bias)
    c_add(columns, sum3, bias)
    if ending == RELU_OF_SUMS:
        c_end_four(columns, RELU_OF_SUMS, sum0, sum1, sum2, sum3, outs, sums, s1, s2, s3)
    elif ending == SUMS_WHERE_RELU:
        c_end_four(columns, SUMS_WHERE_RELU, sum0, sum1, sum2, sum3, outs, sums, s1, s2, s3)
    else:
        c_end_four(columns, SUMS, sum0, sum1, sum2, sum3, outs, sums, s1, s2, s3)


cdef inline void c_sums_eight(
    const Py_ssize_t columns, const bint fresh, Ending ending, Py_ssize_t first, Py_ssize_t stop,
    Py_ssize_t width, const real* restrict w, const real* bias, const real** x, const real* outs, real* sums
) noexcept nogil:
    """The same of eight samples."""
    cdef Py_ssize_t i, j, four = 4 * width
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
    c_start(columns, fresh, sums, sum0)
    c_start(columns, fresh, sums + width, sum1)
    c_start(columns, fresh, sums + 2 * width, sum2)
    c_start(columns, fresh, sums + 3 * width, sum3)
    c_start(columns, fresh, sums + 4 * width, sum4)
    c_start(columns, fresh, sums + 5 * width, sum5)
    c_start(columns, fresh, sums + 6 * width, sum6)
    c_start(columns, fresh, sums + 7 * width, sum7)
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
    c_add(columns, sum0, bias)
    c_add(columns, sum1, bias)
    c_add(columns, sum2, bias)
    c_add(columns, sum3, bias)
    c_add(columns, sum4, bias)
    c_add(columns, sum5, bias)
    c_add(columns, sum6, bias)
    c_add(columns, sum7, bias)
    if ending == RELU_OF_SUMS:
        c_end_four(columns, RELU_OF_SUMS, sum0, sum1, sum2, sum3, outs, sums, width, 2 * width, 3 * width)
        c_end_four(
            columns, RELU_OF_SUMS, sum4, sum5, sum6, sum7, outs + four, sums + four, width, 2 * width, 3 * width
        )
    elif ending == SUMS_WHERE_RELU:
        c_end_four(columns, SUMS_WHERE_RELU, sum0, sum1, sum2, sum3, outs, sums, width, 2 * width, 3 * width)
        c_end_four(
            columns, SUMS_WHERE_RELU, sum4, sum5, sum6, sum7, outs + four, sums + four, width, 2 * width, 3 * width
        )
    else:
        c_end_four(columns, SUMS, sum0, sum1, sum2, sum3, outs, sums, width, 2 * width, 3 * width)
        c_end_four(columns, SUMS, sum4, sum5, sum6, sum7, outs + four, sums + four, width, 2 * width, 3 * width)


cdef inline void c_sums_columns(
    const Py_ssize_t columns, const bint fresh, Ending ending, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop,
    Py_ssize_t width, const real* w, const real* bias, const real** x, const real* outs, real* sums
) noexcept nogil:
    """The same of all samples. Of SSE2's two rows gcc would keep some sums in memory: there they are four."""
    cdef Py_ssize_t s = 0, most_two = 2 if BLOCK_BYTES > 32 else 0
    if BLOCK_ROWS == 8:
        while s + 8 <= rows:
            c_sums_eight(
                columns, fresh, ending, first, stop, width, w, bias, x + s, outs + s * width, sums + s * width
            )
            s += 8
    while s + most_two < rows:
        c_sums_four(
            columns, fresh, ending, first, stop, width, w, bias, x + s, rows - 1 - s, outs + s * width,
            sums + s * width
        )
        s += 4
    if s < rows:
        c_sums_two(
            columns, fresh, ending, first, stop, width, w, bias, x + s, rows - 1 - s, outs + s * width,
            sums + s * width
        )


cdef inline void c_sums_of(
    const bint fresh, Ending ending, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t columns,
    Py_ssize_t width, const real* w, const real* bias, const real** x, const real* outs, real* sums
) noexcept nogil:
    """All columns."""
    cdef Py_ssize_t j = 0
    while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= columns:
        c_sums_columns(
            BLOCK_BYTES // <Py_ssize_t>sizeof(real), fresh, ending, rows, first, stop, width, w + j, bias + j, x,
            outs + j, sums + j
        )
        j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    if j + BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real) <= columns:
        c_sums_columns(
            BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real), fresh, ending, rows, first, stop, width, w + j, bias + j,
            x, outs + j, sums + j
        )
        j += BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real)
    while j < columns:
        c_sums_columns(
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), fresh, ending, rows, first, stop, width, w + j, bias + j, x,
            outs + j, sums + j
        )
        j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)
    c_no_columns(rows, columns, width, sums)


cdef widely c_sums_rows(
    bint fresh, Ending ending, Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t columns,
    Py_ssize_t width, const real* w, const real* bias, const real** x, const real* outs, real* sums
) noexcept nogil:
    """sums[s][j] += x[s][i]*w[i][j] for first <= i < stop, in order, then bias[j], of some samples.

    The weights begin at row `first`; `outs` is for the ending that needs them. Columns are whole vectors, and what
    a row of sums has beyond them becomes 0.
    """
    if fresh:
        c_sums_of(True, ending, rows, first, stop, columns, width, w, bias, x, outs, sums)
    else:
        c_sums_of(False, ending, rows, first, stop, columns, width, w, bias, x, outs, sums)
    return 0


cdef void c_nets_rows(
    const Spec* spec, const Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """The nets of one layer, of the samples in the workspace; relu's outs, where they take the nets' place.

    The weights are taken in pieces, of which the first cache holds a block's columns while all samples go through.
    The bias comes with the last; to what is not the last, 0 is added, as a sum that began with 0 is never -0.0.
    """
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t first = 0, stop, columns = c_columns(layer, VECTOR_BYTES // <Py_ssize_t>sizeof(real))
    cdef real* nets = <real*>c_nets_of(spec, space, level)
    cdef real* none = <real*>space.turned
    cdef const real* bias = none
    cdef const real** x = <const real**>space.inputs + level * space.seats
    cdef Ending ending = RELU_OF_SUMS if layer.activation == RELU and c_in_place(spec, level) else SUMS
    cdef bint whole = False
    if spec.bias == NO_BIAS or layer.fan_in > PIECE:
        memset(none, 0, layer.width * sizeof(real))
    if spec.bias == PER_UNIT:
        bias = parameters + layer.bias
    elif spec.bias == SHARED:
        bias = c_shared_row(layer, parameters, <real*>space.back)
    while not whole:
        stop = min(first + PIECE, layer.fan_in)
        whole = stop == layer.fan_in
        c_sums_rows(
            first == 0, ending if whole else SUMS, rows, first, stop, columns, layer.width,
            parameters + layer.weights + first * layer.width, bias if whole else none, x, nets, nets
        )
        first = stop


# ---- the way back ----------------------------------------------------------------------------------------------

cdef inline void c_turn_rows(
    Py_ssize_t rows, Py_ssize_t n, Py_ssize_t width, const real* values, Py_ssize_t columns, real* turned
) noexcept nogil:
    """Rows of n numbers, side by side: (n, columns). The last row stands in for missing ones."""
    cdef Py_ssize_t s = 0, j, k, row1, row2, row3
    cdef const real* row
    cdef real[16] four
    while s < rows:
        row = values + s * width
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


cdef void c_back_from_few(
    const Layer* above, const real* parameters, const real* deltas, Py_ssize_t rows, Py_ssize_t columns,
    Py_ssize_t width, Ending ending, const real* outs, real* turned, real* none, real* back
) noexcept nogil:
    """back[s][i] = sum over j of delta[s][j]*w[i][j]: the way forward, through turned weights without a bias.

    The outs below are for the ending that needs them.
    """
    cdef Py_ssize_t first = 0, count, s
    cdef const void* x[ROWS_AT_ONCE]
    c_turn_rows(above.fan_in, above.fan_out, above.width, parameters + above.weights, width, turned)
    memset(none, 0, width * sizeof(real))
    while first < rows:
        count = min(<Py_ssize_t>ROWS_AT_ONCE, rows - first)
        for s in range(count):
            x[s] = deltas + (first + s) * above.width
        c_sums_rows(
            True, ending, count, 0, above.fan_out, columns, width, turned, none, <const real**>x,
            outs + first * width, back + first * width
        )
        first += count


cdef inline void c_back_block(
    const Py_ssize_t columns, Py_ssize_t fan_out, const real* restrict turned, const real* restrict row0,
    const real* restrict row1, const real* restrict row2, const real* restrict row3, real* restrict back,
    Py_ssize_t stride
) noexcept nogil:
    """The same of some samples and four rows of weights.

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


cdef widely c_back_from_many(
    const Layer* above, const real* parameters, const real* deltas, Py_ssize_t rows, Py_ssize_t width,
    real* turned, real* scratch, real* back
) noexcept nogil:
    """The same where there are more weights to turn than deltas: samples side by side, some at a time."""
    cdef Py_ssize_t columns = BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t first = 0, count, i, last = above.fan_in - 1, step = above.width
    cdef const real* w = parameters + above.weights
    cdef real* block
    while first < rows:
        count = min(columns, rows - first)
        c_turn_rows(count, above.fan_out, step, deltas + first * step, columns, turned)
        block = back + first * width
        if count < columns:  # the block goes on where other samples' deltas are
            block = scratch
        i = 0
        while i <= last:
            c_back_block(
                BLOCK_BYTES // <Py_ssize_t>sizeof(real), above.fan_out, turned, w + i * step,
                w + min(i + 1, last) * step, w + min(i + 2, last) * step, w + min(i + 3, last) * step,
                block + i, width
            )
            i += 4
        if count < columns:
            memcpy(back + first * width, block, count * width * sizeof(real))
        first += count
    return 0


cdef void c_hidden_rows(
    const Spec* spec, Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """Deltas of the layer below `level`, of the samples in the workspace."""
    cdef const Layer* above = &spec.layers[level]
    cdef const Layer* below = &spec.layers[level - 1]
    cdef Py_ssize_t columns = c_columns(below, VECTOR_BYTES // <Py_ssize_t>sizeof(real)), s, i, width = below.width
    cdef const real* deltas = <const real*>space.deltas + c_spot(space, above, 0)
    cdef const real* nets = <const real*>c_nets_of(spec, space, level - 1)
    cdef const real* outs = <const real*>space.outs + c_spot(space, below, 0)
    cdef real* deltas_below = <real*>space.deltas + c_spot(space, below, 0)
    cdef real* turned = <real*>space.turned
    cdef real* scratch = <real*>space.back
    cdef bint few = above.fan_out <= MOST_FEW
    cdef Ending ending = SUMS_WHERE_RELU if few and below.activation == RELU else SUMS
    if rows == 1:
        c_hidden_deltas(spec, parameters, level, deltas, nets, outs, deltas_below)
        return
    if few:
        c_back_from_few(
            above, parameters, deltas, rows, columns, width, ending, outs, turned, scratch, deltas_below
        )
    else:
        c_back_from_many(above, parameters, deltas, rows, width, turned, scratch, deltas_below)
        c_no_columns(rows, columns, width, deltas_below)
    for s in range(rows):
        for i in range(below.fan_out, columns):
            deltas_below[s * width + i] = 0
    if ending == SUMS:
        c_deltas_rows(below, rows, nets, outs, deltas_below)
