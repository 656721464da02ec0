# One layer of one sample: its weighted sums, its deltas, its gradient, its update.
#
# Each is a function of `_steps.py` again. Inner loops run over the units of a layer, j: there neighbouring lanes
# belong to different sums, so the compiler may vectorise them without reordering one. They run over the padded
# width of a row. The padding of weights, biases and deltas is 0 and stays 0: a padded unit may put out anything
# finite, but its delta is 0 times something.


cdef inline Py_ssize_t c_columns(const Layer* layer, Py_ssize_t lanes) noexcept nogil:
    """The vectors that hold units, in numbers. A wide layer's rows may be longer, to be whole cache lines."""
    return (layer.fan_out + lanes - 1) // lanes * lanes


cdef inline void c_no_columns(Py_ssize_t rows, Py_ssize_t first, Py_ssize_t width, real* values) noexcept nogil:
    """The columns from the first on, which hold no unit, become 0: whole vectors, at most one by `Layout`."""
    cdef Py_ssize_t s
    while first < width:
        for s in range(rows):
            memset(values + s * width + first, 0, VECTOR_BYTES)
        first += VECTOR_BYTES // <Py_ssize_t>sizeof(real)


cdef inline void c_narrow_sums(
    Py_ssize_t fan_in, Py_ssize_t width, const real* restrict row, const real* restrict below, real* restrict net
) noexcept nogil:
    """net[j] = sum over i of below[i]*w[i][j] for four units, their sums held in registers.

    Through memory, as in the wide case, each term would wait for the store of the one before.
    """
    cdef Py_ssize_t i
    cdef real x, net0 = 0, net1 = 0, net2 = 0, net3 = 0
    for i in range(fan_in):
        x = below[i]
        net0 = net0 + x * row[0]
        net1 = net1 + x * row[1]
        net2 = net2 + x * row[2]
        net3 = net3 + x * row[3]
        row += width
    net[0], net[1], net[2], net[3] = net0, net1, net2, net3


cdef inline void c_wide_sums(
    Py_ssize_t fan_in, Py_ssize_t width, const real* restrict row, const real* restrict below, real* restrict net
) noexcept nogil:
    """The same for any width, four rows of weights at a time, so that a sum is loaded and stored once for four."""
    cdef Py_ssize_t i = 0, j
    cdef real x, x1, x2, x3
    cdef const real* restrict row1
    cdef const real* restrict row2
    cdef const real* restrict row3
    for j in range(width):
        net[j] = 0
    while i + 4 <= fan_in:
        x, x1, x2, x3 = below[i], below[i + 1], below[i + 2], below[i + 3]
        row1, row2, row3 = row + width, row + 2 * width, row + 3 * width
        for j in range(width):
            net[j] = (((net[j] + x * row[j]) + x1 * row1[j]) + x2 * row2[j]) + x3 * row3[j]
        row += 4 * width
        i += 4
    while i < fan_in:
        x = below[i]
        for j in range(width):
            net[j] = net[j] + x * row[j]
        row += width
        i += 1


cdef inline void c_add_bias(
    const Layer* layer, Bias bias, const real* restrict parameters, real* restrict net
) noexcept nogil:
    """net[j] = net[j] + bias[j]. Padding has none: its net stays 0, and what a function makes of 0 is finite."""
    cdef Py_ssize_t j, width = whole_vectors(layer.width, sizeof(real))
    cdef const real* restrict b = parameters + layer.bias
    cdef real shared
    if bias == PER_UNIT:
        for j in range(width):
            net[j] = net[j] + b[j]
    elif bias == SHARED:
        shared = b[0]
        for j in range(layer.fan_out):
            net[j] = net[j] + shared


cdef void c_layer_nets(
    const Layer* layer, Bias bias, const real* restrict parameters, const real* restrict below, real* restrict net
) noexcept nogil:
    """net[j] = sum over i of below[i]*w[i][j], then + bias[j]."""
    cdef Py_ssize_t width = whole_vectors(layer.width, sizeof(real))
    cdef const real* restrict w = parameters + layer.weights
    if width == VECTOR_BYTES // <Py_ssize_t>sizeof(real):
        c_narrow_sums(layer.fan_in, VECTOR_BYTES // <Py_ssize_t>sizeof(real), w, below, net)
        if real is float:
            c_narrow_sums(layer.fan_in, VECTOR_BYTES // <Py_ssize_t>sizeof(real), w + 4, below, net + 4)
    else:
        c_wide_sums(layer.fan_in, width, w, below, net)
    c_add_bias(layer, bias, parameters, net)


cdef inline void c_back_eight(
    Py_ssize_t n, Py_ssize_t width, const real* w, const real* restrict delta, real* restrict back
) noexcept nogil:
    """See `c_back`: eight rows, which begin at `w`."""
    cdef Py_ssize_t j = 0, k, r
    cdef real[8] total
    cdef real[32] turned
    for r in range(8):
        total[r] = 0
    while j < n:
        if real is float:
            backprop_turn32_eight(w + j, width, turned)
        else:
            backprop_turn64_eight(w + j, width, turned)
        for k in range(min(<Py_ssize_t>4, n - j)):
            for r in range(8):
                total[r] = total[r] + delta[j + k] * turned[8 * k + r]
        j += 4
    for r in range(8):
        back[r] = total[r]


cdef widely c_back(
    const Layer* layer, const real* restrict parameters, const real* restrict delta, real* restrict back
) noexcept nogil:
    """back[i] = sum over j of delta[j]*w[i][j]: dE/dout of the layer below; its last vector's padding becomes 0.

    Four rows at a time (eight where vectors are long), turned: their sums are the lanes of a vector, and each
    takes its terms in order. The last row stands in for missing ones; their sums are thrown away.
    """
    cdef Py_ssize_t i, j, k, r, w1, w2, w3, n = layer.fan_in, last = n - 1, width = layer.width
    cdef const real* row
    cdef real[4] total
    cdef real[16] turned
    i = 0
    if EIGHT_AT_ONCE:
        while i + 8 <= n:
            c_back_eight(layer.fan_out, width, parameters + layer.weights + i * width, delta, back + i)
            i += 8
    while i < n:
        row = parameters + layer.weights + i * width
        w1, w2 = (min(i + 1, last) - i) * width, (min(i + 2, last) - i) * width
        w3 = (min(i + 3, last) - i) * width
        for r in range(4):
            total[r] = 0
        j = 0
        while j < layer.fan_out:
            if real is float:
                backprop_turn32(row + j, w1, w2, w3, turned)
            else:
                backprop_turn64(row + j, w1, w2, w3, turned)
            for k in range(min(<Py_ssize_t>4, layer.fan_out - j)):
                for r in range(4):
                    total[r] = total[r] + delta[j + k] * turned[4 * k + r]
            j += 4
        for r in range(4):
            back[i + r] = total[r] if i + r < n else 0
        i += 4
    if real is float:
        if i % MOST_LANES:
            back[i] = back[i + 1] = back[i + 2] = back[i + 3] = 0
    return 0


cdef inline void c_pad_target(
    const real* restrict target, const real* restrict out, Py_ssize_t n, Py_ssize_t width, real* restrict padded
) noexcept nogil:
    """The targets in whole vectors; where there is no unit, its own output: the error there is 0.

    Four scalars make one vector store, which the loops over whole vectors can read without waiting.
    """
    cdef Py_ssize_t j = 0
    cdef real t0, t1, t2, t3
    while j + 4 <= n:
        t0, t1, t2, t3 = target[j], target[j + 1], target[j + 2], target[j + 3]
        padded[j], padded[j + 1], padded[j + 2], padded[j + 3] = t0, t1, t2, t3
        j += 4
    while j < width:
        t0 = target[j] if j < n else out[j]
        t1 = target[j + 1] if j + 1 < n else out[j + 1]
        t2 = target[j + 2] if j + 2 < n else out[j + 2]
        t3 = target[j + 3] if j + 3 < n else out[j + 3]
        padded[j], padded[j + 1], padded[j + 2], padded[j + 3] = t0, t1, t2, t3
        j += 4


cdef void c_output_deltas(
    const Spec* spec, const real* restrict net, const real* restrict out, const real* target, real* restrict delta
) noexcept nogil:
    """dE/dnet of the output layer."""
    cdef const Layer* layer = &spec.layers[spec.n_layers - 1]
    cdef Py_ssize_t j, width = whole_vectors(layer.width, sizeof(real))
    c_pad_target(target, out, spec.n_outputs, width, delta)
    if spec.shortcut:
        for j in range(width):
            delta[j] = out[j] - delta[j]
        return
    c_loss_gradients(spec.loss, <real>spec.huber_delta, layer.width, out, delta)
    c_deltas(layer.activation, layer.fan_out, layer.width, net, out, delta)


cdef void c_hidden_deltas(
    const Spec* spec, const real* parameters, Py_ssize_t level, const real* delta, const real* net,
    const real* out, real* delta_below
) noexcept nogil:
    """dE/dnet of the layer below `level`, whose net and out these are, from the deltas of `level`."""
    cdef const Layer* below = &spec.layers[level - 1]
    cdef Py_ssize_t columns = c_columns(below, VECTOR_BYTES // <Py_ssize_t>sizeof(real))
    c_back(&spec.layers[level], parameters, delta, delta_below)
    c_no_columns(1, columns, below.width, delta_below)
    c_deltas(below.activation, below.fan_out, below.width, net, out, delta_below)


cdef void c_update_weights_one(
    const Layer* layer, real* restrict parameters, const real* restrict below, const real* restrict delta,
    real rate
) noexcept nogil:
    """w = w - rate*(delta*x): plain SGD on one sample."""
    cdef Py_ssize_t i, j, width = whole_vectors(layer.width, sizeof(real))
    cdef real* restrict row = parameters + layer.weights
    cdef real x
    for i in range(layer.fan_in):
        x = below[i]
        for j in range(width):
            row[j] = row[j] - rate * (delta[j] * x)
        row += width


cdef inline void c_update_bias_one(
    const Layer* layer, const Spec* spec, real* restrict parameters, const real* restrict delta, real rate
) noexcept nogil:
    """The same for the bias, whose x is 1, if it is trained."""
    cdef Py_ssize_t j, width = whole_vectors(layer.width, sizeof(real))
    cdef real* restrict b = parameters + layer.bias
    cdef real total
    if not spec.train_bias:
        return
    if spec.bias == PER_UNIT:
        for j in range(width):
            b[j] = b[j] - rate * delta[j]
    elif spec.bias == SHARED:
        total = 0
        for j in range(layer.fan_out):
            total = total + delta[j]
        b[0] = b[0] - rate * total


cdef void c_update_one(
    const Layer* layer, const Spec* spec, real* parameters, const real* below, const real* delta, real rate
) noexcept nogil:
    """Both."""
    c_update_weights_one(layer, parameters, below, delta, rate)
    c_update_bias_one(layer, spec, parameters, delta, rate)


cdef double c_add_squares(
    Py_ssize_t rows, Py_ssize_t count, Py_ssize_t width, const real* values, real* sums, double total
) noexcept nogil:
    """`total` plus the squares of a layer's weights, or gradients: down each column, then over the columns.

    A single vector's columns are held in registers: through memory each would wait for the store before.
    """
    cdef Py_ssize_t i, j, whole = whole_vectors(width, sizeof(real))
    cdef const real* restrict row = values
    cdef real* restrict columns = sums
    cdef real sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0
    if whole == 4:
        for i in range(rows):
            sum0 = sum0 + row[0] * row[0]
            sum1 = sum1 + row[1] * row[1]
            sum2 = sum2 + row[2] * row[2]
            sum3 = sum3 + row[3] * row[3]
            row += 4
        columns[0], columns[1], columns[2], columns[3] = sum0, sum1, sum2, sum3
    else:
        for j in range(whole):
            columns[j] = row[j] * row[j]
        for i in range(1, rows):
            row += whole
            for j in range(whole):
                columns[j] = columns[j] + row[j] * row[j]
    for j in range(count):
        total = total + columns[j]
    return total


cdef double c_squares(const Spec* spec, const real* parameters, real* scratch) noexcept nogil:
    """The sum of all weights' squares."""
    cdef Py_ssize_t level
    cdef double total = 0.0
    cdef const Layer* layer
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        total = c_add_squares(
            layer.fan_in, layer.fan_out, layer.width, parameters + layer.weights, scratch, total
        )
    return total


cdef void c_clip(
    const Spec* spec, const real* parameters, real* sums, real inverse, real alpha, real* scratch, double clip_norm
) noexcept nogil:
    """Turn sums into the gradient, with L2, and scale it down if its norm is above `clip_norm`."""
    cdef Py_ssize_t level, k, start, n_bias
    cdef const Layer* layer
    cdef double total = 0.0, norm
    cdef real scale
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        for k in range(layer.weights, layer.weights + layer.fan_in * layer.width):
            sums[k] = (sums[k] + alpha * parameters[k] if alpha != 0 else sums[k]) * inverse
        total = c_add_squares(layer.fan_in, layer.fan_out, layer.width, sums + layer.weights, scratch, total)
        n_bias = layer.fan_out if spec.bias == PER_UNIT else (1 if spec.bias == SHARED else 0)
        for k in range(layer.bias, layer.bias + n_bias):
            sums[k] = sums[k] * inverse
            if spec.train_bias:
                total = total + <double>(sums[k] * sums[k])
    norm = sqrt(total)
    if not norm > clip_norm:
        return
    scale = <real>(clip_norm / norm)
    for k in range(spec.size):
        sums[k] = sums[k] * scale


# The product of three calm numbers is less than half the last place of the largest finite number, so that a finite
# number less such a product is finite.
cdef double CALM = 1e90, CALM_IN_FLOAT32 = 1e10


cdef bint c_within(const real* values, Py_ssize_t count, double low, double high) noexcept nogil:
    """Whether all values are within [low, high], as no NaN is. All are looked at, side by side."""
    cdef Py_ssize_t k
    cdef real least = <real>low, most = <real>high
    cdef int within = 1
    for k in range(count):
        within &= (values[k] >= least) & (values[k] <= most)
    return within
