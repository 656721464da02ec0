# Samples that are mostly 0, one per update: rows of weights that they would multiply by 0 are passed over.
#
# Pixels, counts, the outs of relu: 0*w adds nothing to a sum, and rate*(delta*0) takes nothing from a weight, as
# long as both are finite. They are if all weights were when the door was entered and every step since, also of
# samples without a list, was calm; a run that grows beyond goes the dense way, to fail where the reference does.
#
# A row of the first layer's weights is not needed before the next sample that has its input. So its update is put
# off until then, and goes with that sample's product: a row is read and written once for both. Until then it owes
# that update, and the deltas of some samples are kept. Other layers' rows are all needed on the way back.

cdef enum:
    LEAST_FOR_LISTS = 32   # rows of weights
    MOST_SHARE = 3         # a list pays if at most one number in three is not 0
    MOST_WITHOUT = 32      # samples in a row without a list, after which no more are looked for


cdef inline Py_ssize_t c_is_not_zero(real x) noexcept nogil:
    """x != 0, from its pattern without the sign: floating-point numbers are compared with NaN in mind."""
    cdef Bits bits
    cdef Bits32 bits32
    if real is float:
        bits32.number = x
        return <uint32_t>(bits32.pattern << 1) != 0
    else:
        bits.number = x
        return (bits.pattern << 1) != 0


cdef bint c_list_nonzero(
    Py_ssize_t n, const real* restrict values, Py_ssize_t* restrict found, Py_ssize_t* count_out
) noexcept nogil:
    """Whether passing over the values that are 0 pays; if so, a list of where the others are, in order.

    There is none if a value is not calm.
    """
    cdef Py_ssize_t i, count = 0
    cdef double calm = CALM_IN_FLOAT32 if real is float else CALM
    cdef real largest = 0
    if LISTS_EIGHT_AT_ONCE:
        if real is float:
            count = backprop_list32(n, values, found, &largest)
        else:
            count = backprop_list64(n, values, found, &largest)
        count_out[0] = count
        if MOST_SHARE * count <= n and largest <= calm:
            return True
        count_out[0] = -1
        return False
    for i in range(n):  # packed code, unlike the list
        count += c_is_not_zero(values[i])
    if MOST_SHARE * count > n or not c_within(values, n, -calm, calm):
        return False
    count = 0
    for i in range(n):
        found[count] = i
        count += c_is_not_zero(values[i])
    count_out[0] = count
    return True


cdef inline bint c_may_be_listed(const Spec* spec, Py_ssize_t level) noexcept nogil:
    """Whether a layer has enough rows, and takes in what may be mostly 0: samples, or the outs of relu."""
    return spec.layers[level].fan_in >= LEAST_FOR_LISTS and (
        level == 0 or spec.layers[level - 1].activation == RELU
    )


cdef bint c_can_list(const Spec* spec, const real* parameters) noexcept nogil:
    """Whether there is such a layer, and every parameter is finite."""
    cdef Py_ssize_t level
    cdef double most = FLT_MAX if real is float else DBL_MAX
    for level in range(spec.n_layers):
        if c_may_be_listed(spec, level):
            return c_within(parameters, spec.size, -most, most)
    return False


cdef bint c_rate_is_calm(real rate) noexcept nogil:
    cdef double calm = CALM_IN_FLOAT32 if real is float else CALM
    return c_abs(rate) <= calm


cdef bint c_step_is_calm(const Layer* layer, const real* delta, const real* below, bint listed) noexcept nogil:
    """Whether a step at a calm rate, of all rows, leaves finite weights finite: three calm numbers' product does.

    What has a list is calm.
    """
    cdef double calm = CALM_IN_FLOAT32 if real is float else CALM
    return c_within(delta, layer.fan_out, -calm, calm) and (
        listed or c_within(below, layer.fan_in, -calm, calm)
    )


cdef widely c_sparse_sums(
    const Layer* layer, const real* restrict parameters, const real* restrict below,
    const Py_ssize_t* restrict rows, Py_ssize_t count, real* restrict net
) noexcept nogil:
    """net[j] = sum over the listed i of below[i]*w[i][j]."""
    cdef Py_ssize_t k = 0, j, width = whole_vectors(layer.width, sizeof(real))
    cdef const real* restrict w = parameters + layer.weights
    cdef const real* restrict row0
    cdef const real* restrict row1
    cdef const real* restrict row2
    cdef const real* restrict row3
    cdef real x0, x1, x2, x3
    for j in range(width):
        net[j] = 0
    while k + 4 <= count:
        row0, row1 = w + rows[k] * width, w + rows[k + 1] * width
        row2, row3 = w + rows[k + 2] * width, w + rows[k + 3] * width
        x0, x1, x2, x3 = below[rows[k]], below[rows[k + 1]], below[rows[k + 2]], below[rows[k + 3]]
        for j in range(width):
            net[j] = (((net[j] + x0 * row0[j]) + x1 * row1[j]) + x2 * row2[j]) + x3 * row3[j]
        k += 4
    while k < count:
        row0 = w + rows[k] * width
        x0 = below[rows[k]]
        for j in range(width):
            net[j] = net[j] + x0 * row0[j]
        k += 1
    return 0


cdef widely c_sparse_update(
    const Layer* layer, real* restrict parameters, const real* restrict below, const Py_ssize_t* restrict rows,
    Py_ssize_t count, const real* restrict delta, real rate
) noexcept nogil:
    """w[i][j] = w[i][j] - rate*(delta[j]*below[i]) for the listed i."""
    cdef Py_ssize_t k, j, width = whole_vectors(layer.width, sizeof(real))
    cdef real* restrict row
    cdef real x
    for k in range(count):
        row = parameters + layer.weights + rows[k] * width
        x = below[rows[k]]
        for j in range(width):
            row[j] = row[j] - rate * (delta[j] * x)
    return 0


cdef inline Py_ssize_t* c_list(
    const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t turn
) noexcept nogil:
    """Where the list of a layer and a turn begins."""
    cdef Py_ssize_t begin = spec.n_inputs + spec.layers[level - 1].column if level > 0 else 0
    return space.lists + turn * (spec.n_inputs + spec.row) + begin


cdef widely c_pay_and_sum(
    const Layer* layer, Workspace* space, real* restrict parameters, const real* restrict below,
    const Py_ssize_t* restrict rows, Py_ssize_t count, real rate, real* restrict net
) noexcept nogil:
    """The updates that the listed rows owe; then net[j] = sum over the listed i of below[i]*w[i][j].

    From now on they owe this sample's, whose delta comes later. Who owes nothing owes a delta of 0.
    """
    cdef Py_ssize_t k = 0, j, width = whole_vectors(layer.width, sizeof(real)), owing = space.owing
    cdef real* restrict w = parameters + layer.weights
    cdef const real* restrict deltas = <const real*>space.owed_deltas
    cdef real* restrict owed_below = <real*>space.owed_below
    cdef Py_ssize_t* restrict owed = space.owed
    cdef real* restrict row0
    cdef real* restrict row1
    cdef real* restrict row2
    cdef real* restrict row3
    cdef const real* restrict delta0
    cdef const real* restrict delta1
    cdef const real* restrict delta2
    cdef const real* restrict delta3
    cdef real x0, x1, x2, x3, before0, before1, before2, before3, w0, w1, w2, w3
    for j in range(width):
        net[j] = 0
    while k + 4 <= count:
        row0, row1 = w + rows[k] * width, w + rows[k + 1] * width
        row2, row3 = w + rows[k + 2] * width, w + rows[k + 3] * width
        delta0, delta1 = deltas + owed[rows[k]] * width, deltas + owed[rows[k + 1]] * width
        delta2, delta3 = deltas + owed[rows[k + 2]] * width, deltas + owed[rows[k + 3]] * width
        before0, before1 = owed_below[rows[k]], owed_below[rows[k + 1]]
        before2, before3 = owed_below[rows[k + 2]], owed_below[rows[k + 3]]
        x0, x1, x2, x3 = below[rows[k]], below[rows[k + 1]], below[rows[k + 2]], below[rows[k + 3]]
        for j in range(width):
            w0 = row0[j] - rate * (delta0[j] * before0)
            w1 = row1[j] - rate * (delta1[j] * before1)
            w2 = row2[j] - rate * (delta2[j] * before2)
            w3 = row3[j] - rate * (delta3[j] * before3)
            row0[j], row1[j], row2[j], row3[j] = w0, w1, w2, w3
            net[j] = (((net[j] + x0 * w0) + x1 * w1) + x2 * w2) + x3 * w3
        k += 4
    while k < count:
        row0, delta0 = w + rows[k] * width, deltas + owed[rows[k]] * width
        before0, x0 = owed_below[rows[k]], below[rows[k]]
        for j in range(width):
            w0 = row0[j] - rate * (delta0[j] * before0)
            row0[j] = w0
            net[j] = net[j] + x0 * w0
        k += 1
    for k in range(count):
        owed[rows[k]] = owing
        owed_below[rows[k]] = below[rows[k]]
    return 0


cdef widely c_pay(const Layer* layer, Workspace* space, real* restrict parameters, real rate) noexcept nogil:
    """All that is owed."""
    cdef Py_ssize_t i, j, width = whole_vectors(layer.width, sizeof(real))
    cdef real* restrict row = parameters + layer.weights
    cdef const real* restrict delta
    cdef real before
    if space.owing == 0:
        return 0
    for i in range(layer.fan_in):
        if space.owed[i] != space.most_owed:
            delta = <const real*>space.owed_deltas + space.owed[i] * width
            before = (<const real*>space.owed_below)[i]
            for j in range(width):
                row[j] = row[j] - rate * (delta[j] * before)
            space.owed[i] = space.most_owed
        row += width
    space.owing = 0
    return 0


cdef void c_owe(
    const Layer* layer, Workspace* space, real* parameters, const real* delta, bint nothing, real rate
) noexcept nogil:
    """The delta that the last sample's rows owe, or none; if no more can be kept, all is paid."""
    cdef real* kept = <real*>space.owed_deltas + space.owing * layer.width
    if nothing:
        memset(kept, 0, layer.width * sizeof(real))
    else:
        memcpy(kept, delta, layer.width * sizeof(real))
    space.owing += 1
    if nothing or space.owing == space.most_owed:
        c_pay(layer, space, parameters, rate)
