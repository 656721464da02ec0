# What an optimizer makes of a gradient: the update of a batch, number by number.
#
# `optimizers.py` has the formulas. Method and L2 are constants of the loops here, so that none of them branches.

cdef enum:  # an optimizer's numbers in the network's dtype; the rows of `Lanes.numbers` too
    RATE
    ALPHA                  # L2
    NO_ALPHA               # of biases: 0
    MOMENTUM_OR_BETA_1
    BETA_2
    EPSILON
    REST_1                 # 1 - beta_1
    REST_2
    N_NUMBERS


cdef inline void c_numbers(const Optimizer* optimizer, real alpha, real* numbers) noexcept nogil:
    """Round them, once."""
    numbers[RATE], numbers[ALPHA], numbers[NO_ALPHA] = <real>optimizer.rate, alpha, 0
    numbers[MOMENTUM_OR_BETA_1] = <real>(optimizer.beta_1 if optimizer.method == ADAM else optimizer.momentum)
    numbers[BETA_2], numbers[EPSILON] = <real>optimizer.beta_2, <real>optimizer.epsilon
    numbers[REST_1], numbers[REST_2] = <real>(1.0 - optimizer.beta_1), <real>(1.0 - optimizer.beta_2)


cdef inline void c_update_number(
    const Method method, const real* numbers, real g, real* w, real* first, real* second
) noexcept nogil:
    """A parameter's update from its gradient; `first` and `second` are its places in the optimizer's state."""
    cdef real v
    if method == MOMENTUM:
        v = numbers[MOMENTUM_OR_BETA_1] * first[0] - numbers[RATE] * g
        first[0] = v
        w[0] = w[0] + v
    elif method == NESTEROV:
        v = numbers[MOMENTUM_OR_BETA_1] * first[0] - numbers[RATE] * g
        first[0] = v
        w[0] = w[0] + (numbers[MOMENTUM_OR_BETA_1] * v - numbers[RATE] * g)
    elif method == ADAM:
        first[0] = numbers[MOMENTUM_OR_BETA_1] * first[0] + numbers[REST_1] * g
        second[0] = numbers[BETA_2] * second[0] + numbers[REST_2] * (g * g)
        w[0] = w[0] - (numbers[RATE] * first[0]) / (c_root(second[0]) + numbers[EPSILON])
    else:  # PLAIN
        w[0] = w[0] - numbers[RATE] * g


cdef void c_begin_update(Optimizer* optimizer, double rate) noexcept nogil:
    """What an optimizer does once per batch, before any layer is updated; in float64 for both dtypes."""
    cdef double* powers = optimizer.powers
    optimizer.rate = rate
    if optimizer.method == ADAM:
        powers[0] = powers[0] * optimizer.beta_1
        powers[1] = powers[1] * optimizer.beta_2
        optimizer.rate = rate * sqrt(1.0 - powers[1]) / (1.0 - powers[0])


cdef inline void c_update_run(
    const Method method, const bint decaying, Py_ssize_t count, real* restrict w, real* restrict first,
    real* restrict second, const real* restrict s, real inverse, const real* numbers
) noexcept nogil:
    """Neighbours in the block, all alike. Without L2 nothing is added: 0*w would make an infinite w NaN."""
    cdef Py_ssize_t k
    cdef real g
    for k in range(count):
        g = (s[k] + numbers[ALPHA] * w[k] if decaying else s[k]) * inverse
        c_update_number(method, numbers, g, w + k, first + k, second + k)


cdef inline real* c_state_of(void* state, Py_ssize_t start, real* parameters) noexcept nogil:
    """A stretch of the optimizer's state; for one that has none, the parameters stand in, and are not touched."""
    return (<real*>state if state != NULL else parameters) + start


cdef void c_update_part(
    const Optimizer* optimizer, Py_ssize_t start, Py_ssize_t count, real* parameters, const real* s, real inverse,
    real alpha
) noexcept nogil:
    """Update a stretch of the block from grad = (S + alpha*w)*(1/B); `s` is that stretch of S."""
    cdef real[N_NUMBERS] numbers
    cdef real* w = parameters + start
    cdef real* first = c_state_of(optimizer.first, start, parameters)
    cdef real* second = c_state_of(optimizer.second, start, parameters)
    c_numbers(optimizer, alpha, numbers)
    if alpha != 0:
        if optimizer.method == MOMENTUM:
            c_update_run(MOMENTUM, True, count, w, first, second, s, inverse, numbers)
        elif optimizer.method == NESTEROV:
            c_update_run(NESTEROV, True, count, w, first, second, s, inverse, numbers)
        elif optimizer.method == ADAM:
            c_update_run(ADAM, True, count, w, first, second, s, inverse, numbers)
        else:
            c_update_run(PLAIN, True, count, w, first, second, s, inverse, numbers)
    elif optimizer.method == MOMENTUM:
        c_update_run(MOMENTUM, False, count, w, first, second, s, inverse, numbers)
    elif optimizer.method == NESTEROV:
        c_update_run(NESTEROV, False, count, w, first, second, s, inverse, numbers)
    elif optimizer.method == ADAM:
        c_update_run(ADAM, False, count, w, first, second, s, inverse, numbers)
    else:
        c_update_run(PLAIN, False, count, w, first, second, s, inverse, numbers)
