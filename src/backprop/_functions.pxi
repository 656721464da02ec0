# The activations and losses of `functions.py`, a case each: outs, derivatives, errors.
#
# The same operations in the same order. A loop over the units of a layer runs over whole vectors, padding
# included. Constants are variables of the network's dtype: beside a float a literal would make C compute in
# double, and round too late.

from libc.float cimport DBL_MAX, FLT_MAX
from libc.math cimport NAN, fabs, fabsf, isfinite, sqrt, sqrtf

include "_vectors.pxi"
include "_elementary.pxi"

cdef extern from *:
    """
    #define FLOAT64_EPSILON 2.220446049250313e-16  /* 2^-52 */
    #define FLOAT32_EPSILON 1.1920928955078125e-07 /* 2^-23 */
    """
    const double FLOAT64_EPSILON, FLOAT32_EPSILON

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

cdef dict ACTIVATION_CODES = {
    "identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU, "leaky_relu": LEAKY_RELU, "elu": ELU,
    "softplus": SOFTPLUS, "silu": SILU, "exp": EXP, "softmax": SOFTMAX,
}
cdef dict LOSS_CODES = {
    "squared_error": SQUARED_ERROR, "absolute_error": ABSOLUTE_ERROR, "huber": HUBER, "log_loss": LOG_LOSS,
    "poisson": POISSON,
}


cdef inline real c_abs(real x) noexcept nogil:
    return fabsf(x) if real is float else fabs(x)


cdef inline real c_root(real x) noexcept nogil:
    return sqrtf(x) if real is float else sqrt(x)


cdef real c_greatest(Py_ssize_t n, const real* net) noexcept nogil:
    """The largest of n net inputs."""
    cdef Py_ssize_t j
    cdef real largest = net[0]
    for j in range(n):
        largest = net[j] if net[j] > largest else largest
    return largest


cdef void c_softmax(Py_ssize_t n, Py_ssize_t places, const real* restrict net, real* restrict out) noexcept nogil:
    """exp(net - max), divided by their sum in order; of n units, and 0 in the other places."""
    cdef Py_ssize_t j
    cdef real largest = c_greatest(n, net), total = 0
    for j in range(n):
        out[j] = c_exp(net[j] - largest)
    for j in range(n):
        total = total + out[j]
    for j in range(n):
        out[j] = out[j] / total
    for j in range(n, places):
        out[j] = 0


cdef inline void c_outs_of(
    Activation activation, const Py_ssize_t n, const Py_ssize_t width, const real* net, real* out
) noexcept nogil:
    """out = f(net), of n units in `width` places."""
    cdef Py_ssize_t j
    cdef real zero = 0, leak = <real>0.01
    if activation == LOGISTIC:
        for j in range(width):
            out[j] = c_logistic(net[j])
    elif activation == TANH:
        for j in range(width):
            out[j] = c_tanh(net[j])
    elif activation == RELU:
        for j in range(width):
            out[j] = net[j] if net[j] > zero else zero
    elif activation == LEAKY_RELU:
        for j in range(width):
            out[j] = net[j] if net[j] > zero else leak * net[j]
    elif activation == ELU:
        for j in range(width):
            out[j] = net[j] if net[j] > zero else c_expm1(net[j])
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
        c_softmax(n, width, net, out)
    else:  # IDENTITY
        for j in range(width):
            out[j] = net[j]


cdef widely c_outs_wide(
    Activation activation, Py_ssize_t n, Py_ssize_t padded, const real* restrict net, real* restrict out
) noexcept nogil:
    """The same for a padded layer of many units."""
    c_outs_of(activation, n, whole_vectors(padded, sizeof(real)), net, out)
    return 0


cdef void c_outs(
    Activation activation, Py_ssize_t n, Py_ssize_t padded, const real* restrict net, real* restrict out
) noexcept nogil:
    """The same for a padded layer of any width. In few units, long vectors find nothing to do side by side."""
    if padded * <Py_ssize_t>sizeof(real) >= WIDE_BYTES:
        c_outs_wide(activation, n, padded, net, out)
    else:
        c_outs_of(activation, n, whole_vectors(padded, sizeof(real)), net, out)


cdef widely c_outs_in_place(Activation activation, Py_ssize_t padded, real* values) noexcept nogil:
    """The same of many samples' nets that nobody needs any more: f takes their place. Not for softmax."""
    c_outs_of(activation, padded, whole_vectors(padded, sizeof(real)), values, values)
    return 0


cdef inline bint c_knows_from_out(Activation activation) noexcept nogil:
    """Whether f' needs f alone, or which nets are above 0: so are their outs. (Softmax is not made in place.)"""
    return activation != SOFTPLUS and activation != SILU and activation != SOFTMAX


cdef inline void c_deltas_of(
    Activation activation, const Py_ssize_t n, const Py_ssize_t width, const real* restrict net,
    const real* restrict out, real* restrict delta
) noexcept nogil:
    """delta = dE/dout * f', where dE/dout stood; for softmax the product with its Jacobian."""
    cdef Py_ssize_t j
    cdef real s, mean, zero = 0, one = 1, leak = <real>0.01
    if activation == LOGISTIC:
        for j in range(width):
            delta[j] = delta[j] * (out[j] * (one - out[j]))
    elif activation == TANH:
        for j in range(width):
            delta[j] = delta[j] * (one - out[j] * out[j])
    elif activation == RELU:
        for j in range(width):
            s = delta[j]  # loaded on both sides, or the loop would branch
            delta[j] = s if net[j] > zero else zero
    elif activation == LEAKY_RELU:
        for j in range(width):
            delta[j] = delta[j] * (one if net[j] > zero else leak)
    elif activation == ELU:
        for j in range(width):
            delta[j] = delta[j] * (one if net[j] > zero else out[j] + one)
    elif activation == SOFTPLUS:
        for j in range(width):
            delta[j] = delta[j] * c_logistic(net[j])
    elif activation == SILU:
        for j in range(width):
            s = c_logistic(net[j])
            delta[j] = delta[j] * (s * (one + net[j] * (one - s)))
    elif activation == EXP:
        for j in range(width):
            delta[j] = delta[j] * out[j]
    elif activation == SOFTMAX:
        mean = 0
        for j in range(n):
            mean = mean + delta[j] * out[j]
        for j in range(n):
            delta[j] = out[j] * (delta[j] - mean)
        for j in range(n, width):
            delta[j] = 0
    # IDENTITY: f' is 1


cdef widely c_deltas_wide(
    Activation activation, Py_ssize_t n, Py_ssize_t padded, const real* net, const real* out, real* delta
) noexcept nogil:
    """The same for a padded layer of many units."""
    c_deltas_of(activation, n, whole_vectors(padded, sizeof(real)), net, out, delta)
    return 0


cdef void c_deltas(
    Activation activation, Py_ssize_t n, Py_ssize_t padded, const real* net, const real* out, real* delta
) noexcept nogil:
    """The same for a padded layer of any width."""
    if padded * <Py_ssize_t>sizeof(real) >= WIDE_BYTES:
        c_deltas_wide(activation, n, padded, net, out, delta)
    else:
        c_deltas_of(activation, n, whole_vectors(padded, sizeof(real)), net, out, delta)


cdef inline real c_error(const Loss loss, real h, real net, real out, real target) noexcept nogil:
    """The error of one output unit; h is huber's threshold. Softmax's has more to it than one unit."""
    cdef real zero = 0, half = <real>0.5, d
    if loss == LOG_LOSS:
        d = net if net > zero else zero
        return d - net * target + c_log1p(c_exp(-c_abs(net)))
    if loss == POISSON:
        d = target * c_log(target / out)
        return (d if target > zero else zero) - target + out
    d = target - out
    if loss == ABSOLUTE_ERROR:
        return c_abs(d)
    if loss == HUBER:
        return half * (d * d) if c_abs(d) <= h else h * (c_abs(d) - half * h)
    return half * (d * d)  # SQUARED_ERROR


cdef inline real c_reported_error(const Loss loss, real out, real target) noexcept nogil:
    """What scikit-learn takes from the loss for one unit: log_loss, outputs kept off 0 and 1 by epsilon."""
    cdef real zero = 0, one = 1, p, error, rest
    cdef real epsilon = <real>(FLOAT32_EPSILON if real is float else FLOAT64_EPSILON), top = one - epsilon
    p = epsilon if out < epsilon else out
    p = top if p > top else p
    error = target * c_log(p)
    error = error if target > zero else zero
    if loss == LOG_LOSS:
        rest = error + (one - target) * c_log(one - p)
        error = rest if target < one else error
    return error


cdef real c_loss(
    Loss loss, real h, Py_ssize_t n, const real* net, const real* out, const real* target
) noexcept nogil:
    """The errors of the output units, added in order."""
    cdef Py_ssize_t j
    cdef real total = 0, largest, log_total
    if loss == LOG_LOSS:
        for j in range(n):
            total = total + c_error(LOG_LOSS, h, net[j], out[j], target[j])
    elif loss == SOFTMAX_LOG_LOSS:
        largest = c_greatest(n, net)
        log_total = 0
        for j in range(n):
            log_total = log_total + c_exp(net[j] - largest)
        log_total = c_log(log_total)
        for j in range(n):
            total = total + target[j] * (log_total - (net[j] - largest))
    elif loss == POISSON:
        for j in range(n):
            total = total + c_error(POISSON, h, net[j], out[j], target[j])
    elif loss == ABSOLUTE_ERROR:
        for j in range(n):
            total = total + c_error(ABSOLUTE_ERROR, h, net[j], out[j], target[j])
    elif loss == HUBER:
        for j in range(n):
            total = total + c_error(HUBER, h, net[j], out[j], target[j])
    else:
        for j in range(n):
            total = total + c_error(SQUARED_ERROR, h, net[j], out[j], target[j])
    return total


cdef inline bint c_has_no_reported_loss(
    Loss loss, Py_ssize_t n, const real* out, const real* target
) noexcept nogil:
    """scikit-learn's poisson loss is NaN where target and output are 0."""
    cdef Py_ssize_t j
    cdef real zero = 0
    if loss == POISSON:
        for j in range(n):
            if target[j] == zero and out[j] == zero:
                return True
    return False


cdef real c_reported_loss(
    Loss loss, real h, Py_ssize_t n, const real* net, const real* out, const real* target
) noexcept nogil:
    """The same as scikit-learn reports it."""
    cdef Py_ssize_t j
    cdef real total = 0
    if c_has_no_reported_loss(loss, n, out, target):
        return <real>NAN
    if loss == LOG_LOSS:
        for j in range(n):
            total = total - c_reported_error(LOG_LOSS, out[j], target[j])
    elif loss == SOFTMAX_LOG_LOSS:
        for j in range(n):
            total = total - c_reported_error(SOFTMAX_LOG_LOSS, out[j], target[j])
    else:
        return c_loss(loss, h, n, net, out, target)
    return total


cdef inline void c_loss_gradients_of(
    Loss loss, real h, const Py_ssize_t width, const real* restrict out, real* restrict gradient
) noexcept nogil:
    """dE/dout, in the place of the targets. log_loss has none: it always has its shortcut."""
    cdef Py_ssize_t j
    cdef real d, t, zero = 0, one = 1
    if loss == ABSOLUTE_ERROR:
        for j in range(width):
            t = gradient[j]
            gradient[j] = (one if out[j] > t else zero) - (one if out[j] < t else zero)
    elif loss == HUBER:
        for j in range(width):
            d = out[j] - gradient[j]
            gradient[j] = d if c_abs(d) <= h else (h if d > zero else -h)
    elif loss == POISSON:
        for j in range(width):
            t = gradient[j]
            gradient[j] = one - t / out[j] if t > zero else one
    else:  # SQUARED_ERROR
        for j in range(width):
            gradient[j] = out[j] - gradient[j]


cdef void c_loss_gradients(Loss loss, real h, Py_ssize_t padded, const real* out, real* gradient) noexcept nogil:
    """The same for a padded layer of any width."""
    c_loss_gradients_of(loss, h, whole_vectors(padded, sizeof(real)), out, gradient)
