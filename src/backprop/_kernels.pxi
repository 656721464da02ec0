# The compiled loops: per layer, per sample, per batch. No Python, no allocation, nothing that can raise.
#
# Each is `_steps.py` again, with the same operations in the same order. Inner loops run over the units of a
# layer, j: there neighbouring lanes belong to different sums, so the compiler may vectorise them without
# reordering one. They run over the padded width of a row. The padding of weights, biases and output deltas is 0
# and stays 0: a padded unit may put out anything finite, but its delta is 0 times something.

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy, memset

include "_elementary.pxi"

cdef enum Activation:
    IDENTITY
    LOGISTIC
    TANH
    RELU
    LEAKY_RELU
    ELU
    SOFTPLUS
    SILU
    EXP
    SOFTMAX

cdef enum Loss:
    SQUARED_ERROR
    ABSOLUTE_ERROR
    HUBER
    LOG_LOSS           # of logistic outputs
    SOFTMAX_LOG_LOSS
    POISSON

cdef enum Bias:
    PER_UNIT
    SHARED
    NO_BIAS

cdef enum Method:
    PLAIN
    MOMENTUM
    NESTEROV
    ADAM

cdef enum:
    SCAN_EVERY_BATCHES = 1024

    LANES = 4                  # numbers in a vector; the facade pads every width to a multiple

ctypedef struct Layer:
    Py_ssize_t fan_in, fan_out
    Py_ssize_t width       # fan_out with its padding: from one row of weights to the next
    Py_ssize_t weights     # where they begin in the block: (fan_in, width)
    Py_ssize_t bias        # where it begins in the block: (width,), (1,) or nothing
    Py_ssize_t column      # where this layer begins in a row of the workspace
    Activation activation

ctypedef struct Spec:
    Py_ssize_t n_layers, n_inputs, n_outputs
    Py_ssize_t size        # items in the parameter block
    Py_ssize_t row         # items in a row of the workspace: the widths of all layers
    Layer* layers
    Loss loss
    Bias bias
    double huber_delta
    bint shortcut          # delta = out - target
    bint train_bias
    bint sequential

ctypedef struct Optimizer:
    Method method
    double momentum
    double beta_1, beta_2, epsilon
    double* first          # (spec.size,): the velocity, or the mean of the gradients
    double* second         # (spec.size,): the mean of their squares
    double* powers         # (2,): beta_1^t and beta_2^t
    double rate            # of the present batch; for Adam with its corrections

ctypedef struct Workspace:
    Py_ssize_t rows        # samples that fit at once
    double* weights        # (rows,): each sample's weight, where there are any
    const double** inputs  # (rows,): where each sample's x stands
    const double** targets
    double* nets           # (rows, spec.row)
    double* outs
    double* deltas
    double* back           # (spec.row,): dE/dout of one layer
    double* sums           # (spec.size,): S, a block like the parameters'


cdef inline Py_ssize_t whole_vectors(Py_ssize_t width) noexcept nogil:
    """`width` itself, said so that the compiler sees that no loop over it leaves a remainder."""
    return width & ~<Py_ssize_t>(LANES - 1)


# ---- one layer of one sample -------------------------------------------------------------------------------

cdef inline void c_narrow_sums(
    Py_ssize_t fan_in, const double* restrict row, const double* restrict below, double* restrict net
) noexcept nogil:
    """net[j] = sum over i of below[i]*w[i][j] for a layer of one vector group, its sums held in registers.

    Through memory, as in the wide case, each term would wait for the store of the one before.
    """
    cdef Py_ssize_t i
    cdef double x, net0 = 0.0, net1 = 0.0, net2 = 0.0, net3 = 0.0
    for i in range(fan_in):
        x = below[i]
        net0 = net0 + x * row[0]
        net1 = net1 + x * row[1]
        net2 = net2 + x * row[2]
        net3 = net3 + x * row[3]
        row += LANES
    net[0], net[1], net[2], net[3] = net0, net1, net2, net3


cdef inline void c_wide_sums(
    Py_ssize_t fan_in, Py_ssize_t width, const double* restrict row, const double* restrict below,
    double* restrict net
) noexcept nogil:
    """The same for any width, a row of weights at a time."""
    cdef Py_ssize_t i, j
    cdef double x
    for j in range(width):
        net[j] = 0.0
    for i in range(fan_in):
        x = below[i]
        for j in range(width):
            net[j] = net[j] + x * row[j]
        row += width


cdef void c_layer_nets(
    const Layer* layer, Bias bias, const double* restrict parameters, const double* restrict below,
    double* restrict net
) noexcept nogil:
    """net[j] = sum over i of below[i]*w[i][j], then + bias[j]."""
    cdef Py_ssize_t j, width = whole_vectors(layer.width)
    cdef const double* restrict b = parameters + layer.bias
    cdef double shared
    if width == LANES:
        c_narrow_sums(layer.fan_in, parameters + layer.weights, below, net)
    else:
        c_wide_sums(layer.fan_in, width, parameters + layer.weights, below, net)
    if bias == PER_UNIT:
        for j in range(width):
            net[j] = net[j] + b[j]
    elif bias == SHARED:
        shared = b[0]
        for j in range(width):
            net[j] = net[j] + shared


cdef double c_greatest(Py_ssize_t n, const double* net) noexcept nogil:
    """The largest of n net inputs."""
    cdef Py_ssize_t j
    cdef double largest = net[0]
    for j in range(n):
        largest = net[j] if net[j] > largest else largest
    return largest


cdef void c_softmax(Py_ssize_t n, const double* restrict net, double* restrict out) noexcept nogil:
    """exp(net - max), divided by their sum in order; of real units only."""
    cdef Py_ssize_t j
    cdef double largest = c_greatest(n, net), total = 0.0
    for j in range(n):
        out[j] = c_exp(net[j] - largest)
    for j in range(n):
        total = total + out[j]
    for j in range(n):
        out[j] = out[j] / total


cdef void c_outs(const Layer* layer, const double* restrict net, double* restrict out) noexcept nogil:
    """out = f(net)."""
    cdef Activation activation = layer.activation
    cdef Py_ssize_t j, width = whole_vectors(layer.width)
    if activation == LOGISTIC:
        for j in range(width):
            out[j] = c_logistic(net[j])
    elif activation == TANH:
        for j in range(width):
            out[j] = c_tanh(net[j])
    elif activation == RELU:
        for j in range(width):
            out[j] = net[j] if net[j] > 0.0 else 0.0
    elif activation == LEAKY_RELU:
        for j in range(width):
            out[j] = net[j] if net[j] > 0.0 else 0.01 * net[j]
    elif activation == ELU:
        for j in range(width):
            out[j] = net[j] if net[j] > 0.0 else c_expm1(net[j])
    elif activation == SOFTPLUS:
        for j in range(width):
            out[j] = c_softplus(net[j])
    elif activation == SILU:
        for j in range(width):
            out[j] = net[j] * c_logistic(net[j])
    elif activation == EXP:
        for j in range(width):
            out[j] = c_exp(net[j])
    elif activation == SOFTMAX:
        c_softmax(layer.fan_out, net, out)
    else:  # IDENTITY
        for j in range(width):
            out[j] = net[j]


cdef void c_deltas(
    const Layer* layer, const double* restrict gradient, const double* restrict net, const double* restrict out,
    double* restrict delta
) noexcept nogil:
    """delta = dE/dout * f', the derivative first; for softmax the product with its Jacobian."""
    cdef Activation activation = layer.activation
    cdef Py_ssize_t j, width = whole_vectors(layer.width)
    cdef double s, mean
    if activation == LOGISTIC:
        for j in range(width):
            delta[j] = gradient[j] * (out[j] * (1.0 - out[j]))
    elif activation == TANH:
        for j in range(width):
            delta[j] = gradient[j] * (1.0 - out[j] * out[j])
    elif activation == RELU:
        for j in range(width):
            delta[j] = gradient[j] if net[j] > 0.0 else 0.0
    elif activation == LEAKY_RELU:
        for j in range(width):
            delta[j] = gradient[j] * (1.0 if net[j] > 0.0 else 0.01)
    elif activation == ELU:
        for j in range(width):
            delta[j] = gradient[j] * (1.0 if net[j] > 0.0 else out[j] + 1.0)
    elif activation == SOFTPLUS:
        for j in range(width):
            delta[j] = gradient[j] * c_logistic(net[j])
    elif activation == SILU:
        for j in range(width):
            s = c_logistic(net[j])
            delta[j] = gradient[j] * (s * (1.0 + net[j] * (1.0 - s)))
    elif activation == EXP:
        for j in range(width):
            delta[j] = gradient[j] * out[j]
    elif activation == SOFTMAX:
        mean = 0.0
        for j in range(layer.fan_out):
            mean = mean + gradient[j] * out[j]
        for j in range(layer.fan_out):
            delta[j] = out[j] * (gradient[j] - mean)
    else:  # IDENTITY
        for j in range(width):
            delta[j] = gradient[j]


cdef void c_back(
    const Layer* layer, const double* restrict parameters, const double* restrict delta, double* restrict back
) noexcept nogil:
    """back[i] = sum over j of delta[j]*w[i][j]: dE/dout of the layer below; its padding becomes 0.

    Four rows at a time: four sums that do not wait for each other, and one store that the next loop, which
    reads whole vectors, does not have to wait for either. A row past the last stands in for none; its sum is
    thrown away.
    """
    cdef Py_ssize_t i, j, n = layer.fan_in, last = n - 1, width = layer.width
    cdef const double* w = parameters + layer.weights
    cdef const double* restrict row0
    cdef const double* restrict row1
    cdef const double* restrict row2
    cdef const double* restrict row3
    cdef double g0, g1, g2, g3
    i = 0
    while i < n:
        row0 = w + min(i, last) * width
        row1 = w + min(i + 1, last) * width
        row2 = w + min(i + 2, last) * width
        row3 = w + min(i + 3, last) * width
        g0 = g1 = g2 = g3 = 0.0
        for j in range(layer.fan_out):
            g0 = g0 + delta[j] * row0[j]
            g1 = g1 + delta[j] * row1[j]
            g2 = g2 + delta[j] * row2[j]
            g3 = g3 + delta[j] * row3[j]
        back[i] = g0 if i < n else 0.0
        back[i + 1] = g1 if i + 1 < n else 0.0
        back[i + 2] = g2 if i + 2 < n else 0.0
        back[i + 3] = g3 if i + 3 < n else 0.0
        i += LANES


cdef void c_update_one(
    const Layer* layer, const Spec* spec, double* restrict parameters, const double* restrict below,
    const double* restrict delta, double rate
) noexcept nogil:
    """w = w - rate*(delta*x): plain SGD on one sample."""
    cdef Py_ssize_t i, j, width = whole_vectors(layer.width)
    cdef double* restrict row = parameters + layer.weights
    cdef double* restrict b = parameters + layer.bias
    cdef double x, total
    for i in range(layer.fan_in):
        x = below[i]
        for j in range(width):
            row[j] = row[j] - rate * (delta[j] * x)
        row += width
    if not spec.train_bias:
        return
    if spec.bias == PER_UNIT:
        for j in range(width):
            b[j] = b[j] - rate * delta[j]
    elif spec.bias == SHARED:
        total = 0.0
        for j in range(layer.fan_out):
            total = total + delta[j]
        b[0] = b[0] - rate * total


cdef void c_add_gradient(
    const Layer* layer, Bias bias, const double* restrict below, const double* restrict delta,
    double* restrict sums
) noexcept nogil:
    """S[i][j] += delta[j]*below[i]: one sample's part of the sums over a batch, bias included."""
    cdef Py_ssize_t i, j, width = whole_vectors(layer.width)
    cdef double* restrict row = sums + layer.weights
    cdef double* restrict b = sums + layer.bias
    cdef double x, total
    for i in range(layer.fan_in):
        x = below[i]
        for j in range(width):
            row[j] = row[j] + delta[j] * x
        row += width
    if bias == PER_UNIT:
        for j in range(width):
            b[j] = b[j] + delta[j]
    elif bias == SHARED:
        total = 0.0
        for j in range(layer.fan_out):
            total = total + delta[j]
        b[0] = b[0] + total


cdef void c_begin_update(Optimizer* optimizer, double rate) noexcept nogil:
    """What an optimizer does once per batch, before any layer is updated."""
    cdef double* powers = optimizer.powers
    optimizer.rate = rate
    if optimizer.method == ADAM:
        powers[0] = powers[0] * optimizer.beta_1
        powers[1] = powers[1] * optimizer.beta_2
        optimizer.rate = rate * sqrt(1.0 - powers[1]) / (1.0 - powers[0])


cdef void c_update_part(
    const Optimizer* optimizer, Py_ssize_t start, Py_ssize_t count, double* parameters, const double* sums,
    double inverse, double alpha
) noexcept nogil:
    """Update a stretch of the block from grad = (S + alpha*w)*(1/B).

    Without L2 alpha is 0 and adds 0*w: S is never -0.0, so that changes no bit.
    """
    cdef Py_ssize_t k
    cdef double* restrict w = parameters + start
    cdef const double* restrict s = sums + start
    cdef double* restrict v
    cdef double* restrict m
    cdef double rate = optimizer.rate, momentum = optimizer.momentum, epsilon = optimizer.epsilon
    cdef double beta_1 = optimizer.beta_1, beta_2 = optimizer.beta_2
    cdef double rest_1 = 1.0 - beta_1, rest_2 = 1.0 - beta_2
    cdef double g
    if optimizer.method == MOMENTUM:
        v = optimizer.first + start
        for k in range(count):
            v[k] = momentum * v[k] - rate * ((s[k] + alpha * w[k]) * inverse)
            w[k] = w[k] + v[k]
    elif optimizer.method == NESTEROV:
        v = optimizer.first + start
        for k in range(count):
            g = (s[k] + alpha * w[k]) * inverse
            v[k] = momentum * v[k] - rate * g
            w[k] = w[k] + (momentum * v[k] - rate * g)
    elif optimizer.method == ADAM:
        m = optimizer.first + start
        v = optimizer.second + start
        for k in range(count):
            g = (s[k] + alpha * w[k]) * inverse
            m[k] = beta_1 * m[k] + rest_1 * g
            v[k] = beta_2 * v[k] + rest_2 * (g * g)
            w[k] = w[k] - (rate * m[k]) / (sqrt(v[k]) + epsilon)
    else:  # PLAIN
        for k in range(count):
            w[k] = w[k] - rate * ((s[k] + alpha * w[k]) * inverse)


cdef void c_update_layer(
    const Layer* layer, const Spec* spec, const Optimizer* optimizer, double* parameters, const double* sums,
    double inverse, double alpha
) noexcept nogil:
    """Update one layer's weights, with L2, and its bias, without, if it is trained."""
    c_update_part(optimizer, layer.weights, layer.fan_in * layer.width, parameters, sums, inverse, alpha)
    if spec.train_bias and spec.bias != NO_BIAS:
        c_update_part(
            optimizer, layer.bias, 1 if spec.bias == SHARED else layer.width, parameters, sums, inverse, 0.0
        )


# ---- one sample --------------------------------------------------------------------------------------------

cdef void c_forward(
    const Spec* spec, const double* parameters, const double* x, double* nets, double* outs
) noexcept nogil:
    """net and out of every layer, into one row of the workspace each."""
    cdef Py_ssize_t level
    cdef const double* below = x
    cdef const Layer* layer
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        c_layer_nets(layer, spec.bias, parameters, below, nets + layer.column)
        c_outs(layer, nets + layer.column, outs + layer.column)
        below = outs + layer.column


cdef double c_loss(const Spec* spec, const double* net, const double* out, const double* target) noexcept nogil:
    """The errors of the output units, added in order; net and out are the output layer's."""
    cdef Py_ssize_t j, n = spec.n_outputs
    cdef double total = 0.0, d, z, largest, log_total, h = spec.huber_delta
    if spec.loss == LOG_LOSS:
        for j in range(n):
            z = net[j]
            d = z if z > 0.0 else 0.0
            total = total + (d - z * target[j] + c_log1p(c_exp(-fabs(z))))
    elif spec.loss == SOFTMAX_LOG_LOSS:
        largest = c_greatest(n, net)
        log_total = 0.0
        for j in range(n):
            log_total = log_total + c_exp(net[j] - largest)
        log_total = c_log(log_total)
        for j in range(n):
            total = total + target[j] * (log_total - (net[j] - largest))
    elif spec.loss == POISSON:
        for j in range(n):
            d = target[j] * c_log(target[j] / out[j]) if target[j] > 0.0 else 0.0
            total = total + (d - target[j] + out[j])
    elif spec.loss == ABSOLUTE_ERROR:
        for j in range(n):
            total = total + fabs(target[j] - out[j])
    elif spec.loss == HUBER:
        for j in range(n):
            d = target[j] - out[j]
            total = total + (0.5 * (d * d) if fabs(d) <= h else h * (fabs(d) - 0.5 * h))
    else:  # SQUARED_ERROR
        for j in range(n):
            d = target[j] - out[j]
            total = total + 0.5 * (d * d)
    return total


cdef inline void c_pad_target(
    const double* restrict target, const double* restrict out, Py_ssize_t n, double* restrict padded
) noexcept nogil:
    """The targets in whole vectors; where there is no unit, its own output: the error there is 0.

    Four scalars make one vector store, which the loops over whole vectors can read without waiting.
    """
    cdef Py_ssize_t j = 0
    cdef double t0, t1, t2, t3
    while j < n:
        t0 = target[j]
        t1 = target[j + 1] if j + 1 < n else out[j + 1]
        t2 = target[j + 2] if j + 2 < n else out[j + 2]
        t3 = target[j + 3] if j + 3 < n else out[j + 3]
        padded[j], padded[j + 1], padded[j + 2], padded[j + 3] = t0, t1, t2, t3
        j += LANES


cdef void c_output_deltas(
    const Spec* spec, const double* restrict net, const double* restrict out, const double* target,
    double* restrict gradient, double* restrict delta
) noexcept nogil:
    """dE/dnet of the output layer; `gradient` is scratch. log_loss always has its shortcut."""
    cdef const Layer* layer = &spec.layers[spec.n_layers - 1]
    cdef Py_ssize_t j, width = whole_vectors(layer.width)
    cdef double d, t, h = spec.huber_delta
    c_pad_target(target, out, spec.n_outputs, gradient)
    if spec.shortcut:
        for j in range(width):
            delta[j] = out[j] - gradient[j]
        return
    if spec.loss == ABSOLUTE_ERROR:
        for j in range(width):
            t = gradient[j]
            gradient[j] = (1.0 if out[j] > t else 0.0) - (1.0 if out[j] < t else 0.0)
    elif spec.loss == HUBER:
        for j in range(width):
            d = out[j] - gradient[j]
            gradient[j] = d if fabs(d) <= h else (h if d > 0.0 else -h)
    elif spec.loss == POISSON:
        for j in range(width):
            t = gradient[j]
            gradient[j] = 1.0 - t / out[j] if t > 0.0 else 1.0
    else:  # SQUARED_ERROR
        for j in range(width):
            gradient[j] = out[j] - gradient[j]
    c_deltas(layer, gradient, net, out, delta)


cdef void c_hidden_deltas(
    const Spec* spec, const double* parameters, Py_ssize_t level, const double* delta, const double* net,
    const double* out, double* back, double* delta_below
) noexcept nogil:
    """dE/dnet of the layer below `level`, whose net and out these are, from the deltas of `level`."""
    cdef const Layer* below = &spec.layers[level - 1]
    c_back(&spec.layers[level], parameters, delta, back)
    c_deltas(below, back, net, out, delta_below)


cdef inline const double* c_below(
    const Spec* spec, const Workspace* space, Py_ssize_t level, Py_ssize_t s
) noexcept nogil:
    """What the weights of a layer take in, for the sample in row s of the workspace."""
    if level == 0:
        return space.inputs[s]
    return space.outs + s * spec.row + spec.layers[level - 1].column


cdef bint c_train_one(
    const Spec* spec, Workspace* space, double* parameters, double rate, bint want_loss, double* total
) noexcept nogil:
    """A batch of one sample, without the detour through sums. False, and no update, if the loss is not finite."""
    cdef Py_ssize_t level
    cdef const Layer* layer
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef const double* x = space.inputs[0]
    cdef const double* below
    cdef double* delta
    c_forward(spec, parameters, x, space.nets, space.outs)
    if want_loss:
        total[0] = total[0] + c_loss(spec, space.nets + last.column, space.outs + last.column, space.targets[0])
        if not isfinite(total[0]):
            return False
    c_output_deltas(
        spec, space.nets + last.column, space.outs + last.column, space.targets[0], space.back,
        space.deltas + last.column
    )
    for level in range(spec.n_layers - 1, -1, -1):
        layer = &spec.layers[level]
        delta = space.deltas + layer.column
        below = c_below(spec, space, level, 0)
        if spec.sequential:
            c_update_one(layer, spec, parameters, below, delta, rate)
        if level > 0:
            c_hidden_deltas(
                spec, parameters, level, delta, space.nets + spec.layers[level - 1].column, below, space.back,
                space.deltas + spec.layers[level - 1].column
            )
        if not spec.sequential:
            c_update_one(layer, spec, parameters, below, delta, rate)
    return True


# ---- one batch ---------------------------------------------------------------------------------------------

cdef void c_forward_rows(
    const Spec* spec, Workspace* space, const double* parameters, Py_ssize_t rows, bint weighted, bint want_loss,
    double* total
) noexcept nogil:
    """Forward passes, losses if wanted, and output deltas of the samples in the workspace, times their weights."""
    cdef Py_ssize_t s, j
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef double* net
    cdef double* out
    cdef double* delta
    cdef double error
    for s in range(rows):
        c_forward(spec, parameters, space.inputs[s], space.nets + s * spec.row, space.outs + s * spec.row)
        net = space.nets + s * spec.row + last.column
        out = space.outs + s * spec.row + last.column
        delta = space.deltas + s * spec.row + last.column
        if want_loss:
            error = c_loss(spec, net, out, space.targets[s])
            total[0] = total[0] + (space.weights[s] * error if weighted else error)
        c_output_deltas(spec, net, out, space.targets[s], space.back, delta)
        if weighted:
            for j in range(last.width):
                delta[j] = space.weights[s] * delta[j]


cdef void c_add_gradients(const Spec* spec, Workspace* space, Py_ssize_t level, Py_ssize_t rows) noexcept nogil:
    """Add one layer's gradients of the samples in the workspace, in order, to the sums."""
    cdef Py_ssize_t s
    cdef const Layer* layer = &spec.layers[level]
    for s in range(rows):
        c_add_gradient(
            layer, spec.bias, c_below(spec, space, level, s), space.deltas + s * spec.row + layer.column,
            space.sums
        )


cdef void c_hidden_rows(
    const Spec* spec, Workspace* space, const double* parameters, Py_ssize_t level, Py_ssize_t rows
) noexcept nogil:
    """Deltas of the layer below `level`, of the samples in the workspace."""
    cdef Py_ssize_t s
    cdef Py_ssize_t column = spec.layers[level].column, below = spec.layers[level - 1].column
    for s in range(rows):
        c_hidden_deltas(
            spec, parameters, level, space.deltas + s * spec.row + column, space.nets + s * spec.row + below,
            space.outs + s * spec.row + below, space.back, space.deltas + s * spec.row + below
        )


cdef void c_gradient_rows(
    const Spec* spec, Workspace* space, const double* parameters, Py_ssize_t rows, bint weighted, bint want_loss,
    double* total
) noexcept nogil:
    """Add the gradients of the samples in the workspace to the sums, every layer, with one set of parameters."""
    cdef Py_ssize_t level
    c_forward_rows(spec, space, parameters, rows, weighted, want_loss, total)
    for level in range(spec.n_layers - 1, -1, -1):
        c_add_gradients(spec, space, level, rows)
        if level > 0:
            c_hidden_rows(spec, space, parameters, level, rows)


ctypedef struct Data:
    const double* X              # (n_samples, n_inputs)
    const double* T              # (n_samples, n_outputs)
    const double* weights        # (n_samples,), or NULL
    const Py_ssize_t* order      # (n_samples,): which sample comes when; NULL: as they stand


cdef inline void c_seat_rows(
    const Spec* spec, Workspace* space, const Data* data, Py_ssize_t first, Py_ssize_t rows
) noexcept nogil:
    """Seat the samples first..first+rows-1 of the order in the workspace."""
    cdef Py_ssize_t s, row
    for s in range(rows):
        row = data.order[first + s] if data.order != NULL else first + s
        space.inputs[s] = data.X + row * spec.n_inputs
        space.targets[s] = data.T + row * spec.n_outputs
        if data.weights != NULL:
            space.weights[s] = data.weights[row]


cdef double c_add_weights(const Data* data, Py_ssize_t first, Py_ssize_t stop, double weight) noexcept nogil:
    """`weight` plus the samples' weights, added in order; a sample without one counts 1."""
    cdef Py_ssize_t s
    if data.weights == NULL:
        return weight + <double>(stop - first)
    for s in range(first, stop):
        weight = weight + data.weights[data.order[s] if data.order != NULL else s]
    return weight


cdef bint c_order_fits(
    const Data* data, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t n_samples
) noexcept nogil:
    """Whether every index is one of a sample: another would read foreign memory."""
    cdef Py_ssize_t s
    if data.order == NULL:
        return True
    for s in range(first, stop):
        if not 0 <= data.order[s] < n_samples:
            return False
    return True


cdef bint c_train_batch(
    const Spec* spec, Workspace* space, double* parameters, const Data* data, Py_ssize_t first, Py_ssize_t stop,
    double weight, Optimizer* optimizer, double rate, double l2, bint want_loss, double* total
) noexcept nogil:
    """One update from the samples first..stop-1 of the order. False, and no update, if the loss is not finite.

    A simultaneous batch may be larger than the workspace: its samples pass through in portions, in order. A
    sequential one needs all of its outputs until the end, and the workspace is made to hold them.
    """
    cdef Py_ssize_t level, rows, done = first
    cdef bint weighted = data.weights != NULL
    cdef double inverse, alpha
    if stop - first == 1 and optimizer.method == PLAIN and l2 == 0.0 and not weighted:
        c_seat_rows(spec, space, data, first, 1)
        return c_train_one(spec, space, parameters, rate, want_loss, total)
    memset(space.sums, 0, spec.size * sizeof(double))
    while done < stop:
        rows = min(space.rows, stop - done)
        c_seat_rows(spec, space, data, done, rows)
        if spec.sequential:
            c_forward_rows(spec, space, parameters, rows, weighted, want_loss, total)
        else:
            c_gradient_rows(spec, space, parameters, rows, weighted, want_loss, total)
        done += rows
    if not isfinite(total[0]):
        return False
    inverse = 1.0 / weight
    alpha = l2 * weight
    c_begin_update(optimizer, rate)
    for level in range(spec.n_layers - 1, -1, -1):
        if spec.sequential:
            c_add_gradients(spec, space, level, stop - first)
        c_update_layer(&spec.layers[level], spec, optimizer, parameters, space.sums, inverse, alpha)
        if spec.sequential and level > 0:
            c_hidden_rows(spec, space, parameters, level, stop - first)
    return True


# ---- the parameter block -----------------------------------------------------------------------------------

cdef bint c_all_finite(const double* values, Py_ssize_t count) noexcept nogil:
    """Whether no value is infinite or NaN."""
    cdef Py_ssize_t k
    for k in range(count):
        if not isfinite(values[k]):
            return False
    return True


cdef Py_ssize_t c_first_bad_layer(const Spec* spec, const double* parameters) noexcept nogil:
    """The first layer with a parameter that is not finite, or -1."""
    cdef Py_ssize_t level, i
    cdef const Layer* layer
    cdef Py_ssize_t n_bias
    for level in range(spec.n_layers):
        layer = &spec.layers[level]
        for i in range(layer.fan_in):
            if not c_all_finite(parameters + layer.weights + i * layer.width, layer.fan_out):
                return level
        n_bias = layer.fan_out if spec.bias == PER_UNIT else (1 if spec.bias == SHARED else 0)
        if not c_all_finite(parameters + layer.bias, n_bias):
            return level
    return -1
