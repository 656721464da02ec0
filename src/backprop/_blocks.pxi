# One layer of many samples: the loops of `_layers.pxi` in blocks that stay in registers.
#
# A block is a few rows by one or two vectors of columns. Each of its sums is taken in the same order as there: a
# block changes which sums go side by side, never what comes next within one. A block that hangs over the end takes
# its last row again, and writes the same numbers twice.

cdef extern from *:
    """
    #if defined(__AVX2__)
    #define BLOCK_BYTES 64 /* columns of a block: 4 rows of 2 vectors are 8 of 16 registers */
    #define LINE_BYTES 128 /* columns of a block of one row */
    #else
    #define BLOCK_BYTES 32
    #define LINE_BYTES 64
    #endif
    """
    const Py_ssize_t BLOCK_BYTES, LINE_BYTES

cdef enum:
    MOST_COLUMNS = 16      # of a block: 64 bytes of float32
    MOST_LINE = 32         # of a block of one row


cdef inline void c_nets_block(
    const Py_ssize_t columns, Py_ssize_t fan_in, Py_ssize_t width, const real* restrict w, const real* x0,
    const real* x1, const real* x2, const real* x3, real* net0, real* net1, real* net2, real* net3
) noexcept nogil:
    """net[s][j] = sum over i of x[s][i]*w[i][j], of four samples and some columns."""
    cdef Py_ssize_t i, j
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    for j in range(columns):
        sum0[j] = sum1[j] = sum2[j] = sum3[j] = 0
    for i in range(fan_in):
        for j in range(columns):
            sum0[j] = sum0[j] + x0[i] * w[j]
            sum1[j] = sum1[j] + x1[i] * w[j]
            sum2[j] = sum2[j] + x2[i] * w[j]
            sum3[j] = sum3[j] + x3[i] * w[j]
        w += width
    for j in range(columns):
        net0[j] = sum0[j]
        net1[j] = sum1[j]
        net2[j] = sum2[j]
        net3[j] = sum3[j]


cdef void c_nets_rows(
    const Spec* spec, const Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """The nets of one layer, of the samples in the workspace."""
    cdef const Layer* layer = &spec.layers[level]
    cdef const real* w = parameters + layer.weights
    cdef const real* b = parameters + layer.bias
    cdef Py_ssize_t s = 0, last = rows - 1, j, width = layer.width
    cdef Py_ssize_t s1, s2, s3
    cdef const real* x0
    cdef const real* x1
    cdef const real* x2
    cdef const real* x3
    cdef real* nets = <real*>space.nets + layer.column
    cdef real* net
    while s < rows:
        s1, s2, s3 = min(s + 1, last), min(s + 2, last), min(s + 3, last)
        x0 = <const real*>c_below(spec, space, level, s)
        x1 = <const real*>c_below(spec, space, level, s1)
        x2 = <const real*>c_below(spec, space, level, s2)
        x3 = <const real*>c_below(spec, space, level, s3)
        j = 0
        while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= width:
            c_nets_block(
                BLOCK_BYTES // <Py_ssize_t>sizeof(real), layer.fan_in, width, w + j, x0, x1, x2, x3,
                nets + s * spec.row + j, nets + s1 * spec.row + j, nets + s2 * spec.row + j,
                nets + s3 * spec.row + j
            )
            j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
        if j < width:
            c_nets_block(
                VECTOR_BYTES // <Py_ssize_t>sizeof(real), layer.fan_in, width, w + j, x0, x1, x2, x3,
                nets + s * spec.row + j, nets + s1 * spec.row + j, nets + s2 * spec.row + j,
                nets + s3 * spec.row + j
            )
        s += 4
    if spec.bias == NO_BIAS:
        return
    for s in range(rows):
        c_add_bias(spec.bias, width, b, nets + s * spec.row)


cdef inline void c_add_bias(
    Bias bias, Py_ssize_t padded, const real* restrict b, real* restrict net
) noexcept nogil:
    """net[j] = net[j] + bias[j]."""
    cdef Py_ssize_t j, width = whole_vectors(padded, sizeof(real))
    cdef real shared
    if bias == PER_UNIT:
        for j in range(width):
            net[j] = net[j] + b[j]
    elif bias == SHARED:
        shared = b[0]
        for j in range(width):
            net[j] = net[j] + shared


cdef inline void c_gradient_block(
    const Py_ssize_t columns, const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows,
    Py_ssize_t i, Py_ssize_t j, real* row0, real* row1, real* row2, real* row3
) noexcept nogil:
    """S[i][j] += sum over the samples of delta[s][j]*below[s][i], of four rows of weights and some columns."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t s, k, last = layer.fan_in - 1, stride = spec.row
    cdef Py_ssize_t i1 = min(i + 1, last), i2 = min(i + 2, last), i3 = min(i + 3, last)
    cdef const real* delta = <const real*>space.deltas + layer.column + j
    cdef const real* below
    cdef real x0, x1, x2, x3
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    for k in range(columns):
        sum0[k] = row0[k]
        sum1[k] = row1[k]
        sum2[k] = row2[k]
        sum3[k] = row3[k]
    for s in range(rows):
        below = <const real*>c_below(spec, space, level, s)
        x0, x1, x2, x3 = below[i], below[i1], below[i2], below[i3]
        for k in range(columns):
            sum0[k] = sum0[k] + delta[k] * x0
            sum1[k] = sum1[k] + delta[k] * x1
            sum2[k] = sum2[k] + delta[k] * x2
            sum3[k] = sum3[k] + delta[k] * x3
        delta += stride
    for k in range(columns):
        row0[k] = sum0[k]
        row1[k] = sum1[k]
        row2[k] = sum2[k]
        row3[k] = sum3[k]


cdef void c_add_gradients(
    const Spec* spec, const Workspace* space, real* sums, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """Add one layer's gradients of the samples in the workspace, in order, to the sums, bias included."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t i = 0, j, s, last = layer.fan_in - 1, width = layer.width
    cdef real* row0
    cdef real* row1
    cdef real* row2
    cdef real* row3
    while i <= last:
        row0 = sums + layer.weights + i * width
        row1 = sums + layer.weights + min(i + 1, last) * width
        row2 = sums + layer.weights + min(i + 2, last) * width
        row3 = sums + layer.weights + min(i + 3, last) * width
        j = 0
        while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= width:
            c_gradient_block(
                BLOCK_BYTES // <Py_ssize_t>sizeof(real), spec, space, level, rows, i, j, row0 + j, row1 + j,
                row2 + j, row3 + j
            )
            j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
        if j < width:
            c_gradient_block(
                VECTOR_BYTES // <Py_ssize_t>sizeof(real), spec, space, level, rows, i, j, row0 + j, row1 + j,
                row2 + j, row3 + j
            )
        i += 4
    for s in range(rows):
        c_add_bias_gradient(
            layer, spec.bias, <const real*>space.deltas + s * spec.row + layer.column, sums + layer.bias
        )


cdef inline void c_add_bias_gradient(
    const Layer* layer, Bias bias, const real* restrict delta, real* restrict b
) noexcept nogil:
    """One sample's part of the sum of a bias's gradients."""
    cdef Py_ssize_t j, width = whole_vectors(layer.width, sizeof(real))
    cdef real total
    if bias == PER_UNIT:
        for j in range(width):
            b[j] = b[j] + delta[j]
    elif bias == SHARED:
        total = 0
        for j in range(layer.fan_out):
            total = total + delta[j]
        b[0] = b[0] + total


cdef inline void c_back_block(
    const Py_ssize_t columns, Py_ssize_t fan_out, const real* restrict turned, const real* restrict row0,
    const real* restrict row1, const real* restrict row2, const real* restrict row3, real* restrict back,
    Py_ssize_t stride
) noexcept nogil:
    """back[s][i] = sum over j of delta[s][j]*w[i][j], of some samples and four rows of weights.

    `turned` has the deltas with the samples side by side: (fan_out, columns).
    """
    cdef Py_ssize_t j, s
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    for s in range(columns):
        sum0[s] = sum1[s] = sum2[s] = sum3[s] = 0
    for j in range(fan_out):
        for s in range(columns):
            sum0[s] = sum0[s] + turned[s] * row0[j]
            sum1[s] = sum1[s] + turned[s] * row1[j]
            sum2[s] = sum2[s] + turned[s] * row2[j]
            sum3[s] = sum3[s] + turned[s] * row3[j]
        turned += columns
    for s in range(columns):
        back[s * stride] = sum0[s]
        back[s * stride + 1] = sum1[s]
        back[s * stride + 2] = sum2[s]
        back[s * stride + 3] = sum3[s]


cdef void c_hidden_rows(
    const Spec* spec, Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """Deltas of the layer below `level`, of the samples in the workspace."""
    cdef const Layer* above = &spec.layers[level]
    cdef const Layer* below = &spec.layers[level - 1]
    cdef Py_ssize_t columns = BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t first = 0, count, s, i, j, last = above.fan_in - 1, width = above.width
    cdef const real* w = parameters + above.weights
    cdef const real* nets = <const real*>space.nets + below.column
    cdef const real* outs = <const real*>space.outs + below.column
    cdef real* deltas = <real*>space.deltas
    cdef real* back = <real*>space.back
    cdef real* turned = <real*>space.turned
    while first < rows:
        count = min(columns, rows - first)
        for j in range(above.fan_out):
            for s in range(count):
                turned[j * columns + s] = deltas[(first + s) * spec.row + above.column + j]
        i = 0
        while i <= last:
            c_back_block(
                BLOCK_BYTES // <Py_ssize_t>sizeof(real), above.fan_out, turned, w + i * width,
                w + min(i + 1, last) * width, w + min(i + 2, last) * width, w + min(i + 3, last) * width,
                back + i, space.back_stride
            )
            i += 4
        for s in range(count):
            for i in range(above.fan_in, below.width):
                back[s * space.back_stride + i] = 0
            c_deltas(
                below.activation, below.fan_out, below.width, back + s * space.back_stride,
                nets + (first + s) * spec.row, outs + (first + s) * spec.row,
                deltas + (first + s) * spec.row + below.column
            )
        first += count
