# The gradients of a layer of few units, samples in batches: the units below side by side in a vector.
#
# `_gradients.pxi` has a layer's own units side by side, of which one or three leave most of a vector empty. The
# sums are the same, each over the samples in order; at their ends they are turned to where S has them.


cdef inline bint c_is_narrow(const Layer* layer, Py_ssize_t lanes) noexcept nogil:
    """Whether this takes a quarter less at least: fan_out vectors of the units below, or each of them alone."""
    return (
        BLOCK_BYTES > 32 and layer.fan_out <= MOST_NARROW
        and 4 * layer.fan_out <= 3 * lanes * ((layer.fan_out + lanes - 1) // lanes)
    )


cdef inline bint c_is_narrow_stretch(const Layer* layer, Py_ssize_t count, size_t item) noexcept nogil:
    """Whether so many rows of weights are a narrow layer's stretch."""
    cdef Py_ssize_t columns = BLOCK_BYTES // <Py_ssize_t>item
    return count == columns and c_is_narrow(layer, columns // 2)


cdef inline Py_ssize_t c_stretch_from(
    const Layer* layer, Py_ssize_t i, Py_ssize_t stop, size_t item
) noexcept nogil:
    """How many rows of weights, from i on, have their gradients summed and updated together."""
    cdef Py_ssize_t rows = BLOCK_BYTES // <Py_ssize_t>item
    if stop - i >= rows and c_is_narrow(layer, rows // 2):
        return rows
    return min(<Py_ssize_t>STRETCH, stop - i)


cdef inline void c_narrow_block(
    const Py_ssize_t units, const Py_ssize_t below, const bint fresh, Py_ssize_t rows, const real** x,
    Py_ssize_t i, const real* delta, Py_ssize_t width, const real* before, real* after
) noexcept nogil:
    """`c_gradient_four` of up to four units, and of so many units below from i on."""
    cdef Py_ssize_t s, k
    cdef const real* values
    cdef real[4 * MOST_COLUMNS] sums
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    if rows < 1:  # a loop that may not run at all would keep its sums in memory
        return
    if not fresh:
        k = 0
        while k < below:
            c_turn_four(before + k * width, width, sums + k, below)
            k += 4
    c_start(below, fresh, sums, sum0)
    c_start(below, fresh, sums + below, sum1)
    c_start(below, fresh, sums + 2 * below, sum2)
    c_start(below, fresh, sums + 3 * below, sum3)
    for s in range(rows):
        values = x[s] + i
        for k in range(below):
            if units > 0:
                sum0[k] = sum0[k] + delta[0] * values[k]
            if units > 1:
                sum1[k] = sum1[k] + delta[1] * values[k]
            if units > 2:
                sum2[k] = sum2[k] + delta[2] * values[k]
            if units > 3:
                sum3[k] = sum3[k] + delta[3] * values[k]
        delta += width
    c_copy(below, sum0, sums)
    c_copy(below, sum1, sums + below)
    c_copy(below, sum2, sums + 2 * below)
    c_copy(below, sum3, sums + 3 * below)
    k = 0
    while k < below:
        c_turn_four(sums + k, below, after + k * width, width)
        k += 4


cdef widely c_narrow_stretch(
    const Layer* layer, const real** x, const real* delta, Py_ssize_t rows, Py_ssize_t i, bint fresh,
    const real* before, real* after
) noexcept nogil:
    """A stretch of S, of a narrow layer: as many rows from i on as a block has columns."""
    cdef Py_ssize_t j = 0, below = BLOCK_BYTES // <Py_ssize_t>sizeof(real), units, width = layer.width
    while j < width:
        units = layer.fan_out - j
        if fresh:
            if units >= 4:
                c_narrow_block(4, below, True, rows, x, i, delta + j, width, before + j, after + j)
            elif units == 3:
                c_narrow_block(3, below, True, rows, x, i, delta + j, width, before + j, after + j)
            elif units == 2:
                c_narrow_block(2, below, True, rows, x, i, delta + j, width, before + j, after + j)
            elif units == 1:
                c_narrow_block(1, below, True, rows, x, i, delta + j, width, before + j, after + j)
            else:
                c_narrow_block(0, below, True, rows, x, i, delta + j, width, before + j, after + j)
        elif units >= 4:
            c_narrow_block(4, below, False, rows, x, i, delta + j, width, before + j, after + j)
        elif units == 3:
            c_narrow_block(3, below, False, rows, x, i, delta + j, width, before + j, after + j)
        elif units == 2:
            c_narrow_block(2, below, False, rows, x, i, delta + j, width, before + j, after + j)
        elif units == 1:
            c_narrow_block(1, below, False, rows, x, i, delta + j, width, before + j, after + j)
        else:
            c_narrow_block(0, below, False, rows, x, i, delta + j, width, before + j, after + j)
        j += 4
    return 0
