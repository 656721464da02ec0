# One layer of many samples: the loops of `_layers.pxi` in blocks that stay in registers.
#
# A block is a few rows by one or two vectors of columns. Each of its sums is taken in the same order as there: a
# block changes which sums go side by side, never what comes next within one. A block that hangs over the end takes
# its last row again, and writes the same numbers twice.

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #define BLOCK_BYTES 128 /* columns of a block: 4 rows of 2 vectors are 8 of 32 registers */
    #define LINE_BYTES 256
    #elif defined(__AVX2__)
    #define BLOCK_BYTES 64 /* columns of a block: 4 rows of 2 vectors are 8 of 16 registers */
    #define LINE_BYTES 128 /* columns of a block of one row */
    #else
    #define BLOCK_BYTES 32
    #define LINE_BYTES 64
    #endif
    #if defined(__AVX512F__) && defined(__GNUC__) && !defined(__clang__)
    #define WIDELY __attribute__((target("prefer-vector-width=512"))) int
    #else
    #define WIDELY int
    #endif
    #if defined(__GNUC__) || defined(__clang__)
    #define PREFETCH(address) __builtin_prefetch(address, 1)
    #else
    #define PREFETCH(address) ((void)0)
    #endif
    """
    const Py_ssize_t BLOCK_BYTES, LINE_BYTES
    ctypedef int widely "WIDELY"  # returned by functions that are to use vectors of 512 bits
    void PREFETCH(const void* address) noexcept nogil

cdef enum:
    PIECE = 128           # rows of weights that all samples go through at a time
    MOST_COLUMNS = 32      # of a block: 128 bytes of float32
    MOST_LINE = 64          # of a block of one row: 256 bytes of float32


cdef inline void c_nets_block(
    const Py_ssize_t columns, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t width, const real* restrict w,
    const real* x0, const real* x1, const real* x2, const real* x3, real* net0, real* net1, real* net2, real* net3
) noexcept nogil:
    """net[s][j] += x[s][i]*w[i][j] for i from `first`, in order, of four samples and some columns; 0 at first."""
    cdef Py_ssize_t i, j
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    if first >= stop:
        return
    for j in range(columns):
        sum0[j] = net0[j]
    for j in range(columns):
        sum1[j] = net1[j]
    for j in range(columns):
        sum2[j] = net2[j]
    for j in range(columns):
        sum3[j] = net3[j]
    w += first * width
    for i in range(first, stop):
        for j in range(columns):
            sum0[j] = sum0[j] + x0[i] * w[j]
            sum1[j] = sum1[j] + x1[i] * w[j]
            sum2[j] = sum2[j] + x2[i] * w[j]
            sum3[j] = sum3[j] + x3[i] * w[j]
        w += width
    for j in range(columns):
        net0[j] = sum0[j]
    for j in range(columns):
        net1[j] = sum1[j]
    for j in range(columns):
        net2[j] = sum2[j]
    for j in range(columns):
        net3[j] = sum3[j]


cdef inline void c_nets_columns(
    const Py_ssize_t columns, const Spec* spec, const Workspace* space, const real* parameters, Py_ssize_t level,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t j
) noexcept nogil:
    """Some columns of the nets of all samples, from the rows first..stop-1 of the weights."""
    cdef const Layer* layer = &spec.layers[level]
    cdef const real* w = parameters + layer.weights + j
    cdef real* nets = <real*>space.nets + layer.column + j
    cdef Py_ssize_t s = 0, s1, s2, s3, last = rows - 1
    while s < rows:
        s1, s2, s3 = min(s + 1, last), min(s + 2, last), min(s + 3, last)
        c_nets_block(
            columns, first, stop, layer.width, w,
            <const real*>c_below(spec, space, level, s), <const real*>c_below(spec, space, level, s1),
            <const real*>c_below(spec, space, level, s2), <const real*>c_below(spec, space, level, s3),
            nets + s * spec.row, nets + s1 * spec.row, nets + s2 * spec.row, nets + s3 * spec.row
        )
        s += 4


cdef widely c_nets_rows(
    const Spec* spec, const Workspace* space, const real* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """The nets of one layer, of the samples in the workspace.

    The weights are taken in pieces that the first cache holds while all samples go through them.
    """
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t first = 0, stop, s, j, width = layer.width
    if rows == 1:  # a block would take it four times
        c_layer_nets(
            layer, spec.bias, parameters, <const real*>c_below(spec, space, level, 0),
            <real*>space.nets + layer.column
        )
        return 0
    for s in range(rows):
        memset(<real*>space.nets + layer.column + s * spec.row, 0, width * sizeof(real))
    while first < layer.fan_in:
        stop = min(first + PIECE, layer.fan_in)
        j = 0
        while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= width:
            c_nets_columns(
                BLOCK_BYTES // <Py_ssize_t>sizeof(real), spec, space, parameters, level, rows, first, stop, j
            )
            j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
        if j + BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real) <= width:
            c_nets_columns(
                BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real), spec, space, parameters, level, rows, first, stop, j
            )
            j += BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real)
        while j < width:
            c_nets_columns(
                VECTOR_BYTES // <Py_ssize_t>sizeof(real), spec, space, parameters, level, rows, first, stop, j
            )
            j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)
        first = stop
    if spec.bias == NO_BIAS:
        return 0
    for s in range(rows):
        c_add_bias(
            spec.bias, width, parameters + layer.bias, <real*>space.nets + layer.column + s * spec.row
        )
    return 0


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
    const Py_ssize_t columns, const bint fresh, const Spec* spec, const Workspace* space, Py_ssize_t level,
    Py_ssize_t rows, Py_ssize_t i, Py_ssize_t last, Py_ssize_t j, const real* before, real* after
) noexcept nogil:
    """S[i][j] = before[i][j] + sum over the samples of delta[s][j]*below[s][i], of four rows and some columns.

    `before` and `after` point to row i, column 0; a fresh sum begins with 0.
    """
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t s, k, stride = spec.row, width = layer.width
    cdef Py_ssize_t i1 = min(i + 1, last), i2 = min(i + 2, last), i3 = min(i + 3, last)
    cdef Py_ssize_t row1 = (i1 - i) * width + j, row2 = (i2 - i) * width + j, row3 = (i3 - i) * width + j
    cdef const real* delta = <const real*>space.deltas + layer.column + j
    cdef const real* below
    cdef real x0, x1, x2, x3
    cdef real[MOST_COLUMNS] sum0
    cdef real[MOST_COLUMNS] sum1
    cdef real[MOST_COLUMNS] sum2
    cdef real[MOST_COLUMNS] sum3
    if rows < 1:
        return
    if fresh:
        for k in range(columns):
            sum0[k] = sum1[k] = sum2[k] = sum3[k] = 0
    else:
        for k in range(columns):
            sum0[k] = before[j + k]
            sum1[k] = before[row1 + k]
            sum2[k] = before[row2 + k]
            sum3[k] = before[row3 + k]
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
        after[j + k] = sum0[k]
    for k in range(columns):
        after[row1 + k] = sum1[k]
    for k in range(columns):
        after[row2 + k] = sum2[k]
    for k in range(columns):
        after[row3 + k] = sum3[k]


cdef inline void c_gradient_columns(
    const bint fresh, const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t i,
    Py_ssize_t last, const real* before, real* after
) noexcept nogil:
    """All columns of four rows."""
    cdef Py_ssize_t j = 0, width = spec.layers[level].width
    while j + BLOCK_BYTES // <Py_ssize_t>sizeof(real) <= width:
        c_gradient_block(
            BLOCK_BYTES // <Py_ssize_t>sizeof(real), fresh, spec, space, level, rows, i, last, j, before, after
        )
        j += BLOCK_BYTES // <Py_ssize_t>sizeof(real)
    if j + BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real) <= width:
        c_gradient_block(
            BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real), fresh, spec, space, level, rows, i, last, j, before,
            after
        )
        j += BLOCK_BYTES // 2 // <Py_ssize_t>sizeof(real)
    while j < width:
        c_gradient_block(
            VECTOR_BYTES // <Py_ssize_t>sizeof(real), fresh, spec, space, level, rows, i, last, j, before, after
        )
        j += VECTOR_BYTES // <Py_ssize_t>sizeof(real)


cdef widely c_gradient_stretch(
    const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t rows, Py_ssize_t i, Py_ssize_t last,
    bint fresh, const real* before, real* after
) noexcept nogil:
    """The four rows of S from row i, or as many as there are up to the last, all columns."""
    if fresh:
        c_gradient_columns(True, spec, space, level, rows, i, last, before, after)
    else:
        c_gradient_columns(False, spec, space, level, rows, i, last, before, after)
    return 0


cdef void c_gradient_one(
    const Layer* layer, const real* delta, const real* below, Py_ssize_t i, Py_ssize_t last, real* restrict after
) noexcept nogil:
    """The same of a single sample: 0 + delta[j]*below[i]."""
    cdef Py_ssize_t k, j, width = whole_vectors(layer.width, sizeof(real))
    cdef real x, zero = 0
    for k in range(i, min(i + 3, last) + 1):
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
    cdef Py_ssize_t i = first
    cdef real* stretch
    while i < stop:
        stretch = sums + layer.weights + i * layer.width
        c_gradient_stretch(spec, space, level, rows, i, stop - 1, fresh, stretch, stretch)
        i += 4


cdef void c_add_bias_gradients(
    const Spec* spec, const Workspace* space, real* sums, Py_ssize_t level, Py_ssize_t rows, bint fresh
) noexcept nogil:
    """The same for the layer's bias."""
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t s
    if spec.bias == NO_BIAS:
        return
    if fresh:
        memset(sums + layer.bias, 0, (1 if spec.bias == SHARED else layer.width) * sizeof(real))
    for s in range(rows):
        c_add_bias_gradient(
            layer, spec.bias, <const real*>space.deltas + s * spec.row + layer.column, sums + layer.bias
        )


cdef void c_update_rows(
    const Spec* spec, const Workspace* space, const Optimizer* optimizer, real* parameters, Py_ssize_t level,
    Py_ssize_t rows, Py_ssize_t first, Py_ssize_t stop, bint fresh, real inverse, real alpha
) noexcept nogil:
    """`c_add_gradients` for the last samples of a batch, and each stretch is updated while its sums are at hand.

    They do not go back to the sums' own memory.
    """
    cdef const Layer* layer = &spec.layers[level]
    cdef Py_ssize_t i = first, start, width = layer.width
    cdef real* sums = <real*>space.sums
    cdef real* stretch = <real*>space.back
    while i < stop:
        start = layer.weights + i * width
        if rows == 1 and fresh:
            c_gradient_one(
                layer, <const real*>space.deltas + layer.column, <const real*>c_below(spec, space, level, 0), i,
                stop - 1, stretch
            )
        else:
            c_gradient_stretch(spec, space, level, rows, i, stop - 1, fresh, sums + start, stretch)
        c_update_part(optimizer, start, min(4, stop - i) * width, parameters, stretch, inverse, alpha)
        i += 4


cdef inline void c_prefetch_rows(const real* w, Py_ssize_t count) noexcept nogil:
    """Ask for weights that are needed in a while: their way from the second cache is as long as the sums take."""
    cdef Py_ssize_t k
    for k in range(0, count * <Py_ssize_t>sizeof(real), 64):
        PREFETCH(<const char*>w + k)


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


cdef widely c_hidden_rows(
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
    if rows == 1:
        c_hidden_deltas(
            spec, parameters, level, deltas + above.column, nets, outs, back, deltas + below.column
        )
        return 0
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
    return 0
