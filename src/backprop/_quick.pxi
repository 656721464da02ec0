# `Network.step` and `Network.forward` on what they are nearly always given, without the long way through checks.
#
# Short is the way for arrays that need no conversion and hold calm numbers: so far from overflow that an update
# cannot leave the finite ones. Everything is looked at before anything changes, so there is never anything to take
# back. Any other call is answered with None, and goes the long way: to the same bits, or to its error.
#
# The GIL is held as long as a call is short, and so no other thread can be inside. A longer call gives it up;
# whoever comes meanwhile goes the long way too.

from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact

cdef extern from "Python.h":
    int PyBUF_STRIDES

cdef enum:
    PRODUCTS_WITH_GIL = 65536  # of a weight and what it is multiplied by; some 20 microseconds


cdef bint c_step(
    const Spec* spec, Workspace* space, real* parameters, double rate, double* loss
) noexcept nogil:
    """One update by plain SGD from the sample in the workspace, or False and no change.

    Weights that are not finite need no look of their own: each has its part in a net, with an input of 0 too.
    """
    cdef Py_ssize_t level, k, size = spec.size
    cdef double calm = CALM_IN_FLOAT32 if real is float else CALM
    cdef const Layer* last = &spec.layers[spec.n_layers - 1]
    cdef const Layer* layer
    cdef const Layer* lower
    cdef const real* target = <const real*>space.targets[0]
    cdef real* nets = <real*>space.nets
    cdef real* outs = <real*>space.outs
    cdef real* deltas = <real*>space.deltas
    cdef real* kept = <real*>space.sums
    c_forward(spec, space, parameters)
    if not (c_within(nets, spec.row, -calm, calm) and c_within(outs, spec.row, -calm, calm)):
        return False
    loss[0] = 0.0 + c_measure(spec, False, nets + last.column, outs + last.column, target)
    if not isfinite(loss[0]):
        return False
    if spec.sequential:  # the deltas of a layer are known only when the one above has been updated
        memcpy(kept, parameters, size * sizeof(real))
    c_output_deltas(spec, nets + last.column, outs + last.column, target, deltas + last.column)
    for level in range(spec.n_layers - 1, -1, -1):
        layer = &spec.layers[level]
        if not c_within(deltas + layer.column, layer.width, -calm, calm):
            if spec.sequential:
                memcpy(parameters, kept, size * sizeof(real))
            return False
        if spec.sequential:
            c_update_quick(spec, space, parameters, level, <real>rate)
        if level > 0:
            lower = &spec.layers[level - 1]
            c_hidden_deltas(
                spec, parameters, level, deltas + layer.column, nets + lower.column, outs + lower.column,
                deltas + lower.column
            )
    if not spec.sequential:
        for level in range(spec.n_layers):
            c_update_quick(spec, space, parameters, level, <real>rate)
    return True


cdef inline void c_update_quick(
    const Spec* spec, const Workspace* space, real* parameters, Py_ssize_t level, real rate
) noexcept nogil:
    """Update one layer. A user may have written -0.0: adding 0 is what every training call begins with."""
    cdef const Layer* layer = &spec.layers[level]
    cdef const real* restrict below = <const real*>c_below(space, level, 0)
    cdef const real* restrict delta = <const real*>space.deltas + layer.column
    cdef real* restrict row = parameters + layer.weights
    cdef real* b = parameters + layer.bias
    cdef Py_ssize_t i, j, width = whole_vectors(layer.width, sizeof(real))
    cdef Py_ssize_t n_bias = width if spec.bias == PER_UNIT else (1 if spec.bias == SHARED else 0)
    cdef real x, zero = 0
    for i in range(layer.fan_in):
        x = below[i]
        for j in range(width):
            row[j] = (row[j] + zero) - rate * (delta[j] * x)
        row += width
    for j in range(n_bias):
        b[j] = b[j] + zero
    c_update_bias_one(layer, spec, parameters, delta, rate)


cdef bint take(Py_buffer* view, values, int flags) except -1:
    """Whether the buffer of an array was to be had, and is now held."""
    try:
        PyObject_GetBuffer(values, view, PyBUF_STRIDES | PyBUF_FORMAT | flags)
    except (BufferError, ValueError):  # of a dtype that has none
        return False
    return True


cdef bint rows_fit(const Py_buffer* view, int most_dimensions, Py_ssize_t width) noexcept:
    """Whether these are numbers of float64 or float32 side by side, `width` in a row."""
    cdef char kind = view.format[0]
    cdef Py_ssize_t item = view.itemsize
    if view.format[1] != 0 or (kind != c"d" and kind != c"f") or <size_t>view.buf % item:
        return False
    if view.ndim == 1:
        return view.shape[0] == width and (width == 1 or view.strides[0] == item)
    return (
        view.ndim == 2 and most_dimensions == 2 and view.shape[0] > 0 and view.shape[1] == width
        and (width == 1 or view.strides[1] == item) and view.strides[0] == width * item
    )


cdef bint all_within(const Py_buffer* view, double low, double high) noexcept:
    """Whether all numbers of such rows are within [low, high]."""
    cdef Py_ssize_t count = view.len // view.itemsize
    if view.format[0] == c"f":  # a float64 network's bounds may be infinite there
        return c_within(<const float*>view.buf, count, max(low, -<double>FLT_MAX), min(high, <double>FLT_MAX))
    return c_within(<const double*>view.buf, count, low, high)


cdef bint sums_to_one(const Py_buffer* view) noexcept:
    """Whether it does beyond doubt; the long way decides about doubts."""
    cdef Py_ssize_t k, count = view.len // view.itemsize
    cdef bint single = view.format[0] == c"f"
    cdef double total = 0.0, tolerance = 0.5 * (1e-6 if single else 1e-8)
    for k in range(count):
        total += (<const float*>view.buf)[k] if single else (<const double*>view.buf)[k]
    return fabs(total - 1.0) <= tolerance * count


cdef Table table_of(const Py_buffer* view) noexcept:
    """Such rows as the kernels see them."""
    cdef Table table
    table.start = <const char*>view.buf
    table.width = view.shape[view.ndim - 1]
    table.single = view.format[0] == c"f"
    return table


@cython.final
cdef class Quick:
    """The short way of one network's calls. See `_reference.make_quick`."""

    cdef Plan plan
    cdef _Buffer block
    cdef list claim
    cdef object kind, new_array, one_shape, dtype
    cdef double low, high, calm
    cdef _Scratch scratch
    cdef bint busy  # a call has given up the GIL and works in the scratch

    def __cinit__(self, Plan plan, parameters, list claim, new_array, double low, double high):
        self.plan = plan
        self.block = block_of(plan, parameters)
        self.claim = claim
        self.kind = type(parameters)  # and nothing that inherits from it: a masked array means more
        self.dtype = parameters.dtype
        self.new_array = new_array
        self.one_shape = (plan.spec.n_outputs,)
        self.calm = CALM_IN_FLOAT32 if plan.spec.single else CALM
        self.low, self.high = max(low, -self.calm), min(high, self.calm)

    cdef bint ready(self) except -1:
        """Whether the scratch is there to be used, and no other call is under way."""
        if self.scratch is None:
            self.scratch = _Scratch(self.plan, 1, self.plan.spec.sequential, True)
        return not self.busy

    def step(self, x, t, learning_rate):
        """The loss before the update that `Network.step` makes, or None, and then no update."""
        cdef Py_buffer of_x, of_t
        cdef double rate, loss = 0.0
        cdef bint done = False
        if type(x) is not self.kind or type(t) is not self.kind:
            return None
        if PyFloat_CheckExact(learning_rate):
            rate = PyFloat_AS_DOUBLE(learning_rate)
        elif PyFloat_Check(learning_rate) or PyLong_CheckExact(learning_rate):
            try:
                rate = float(learning_rate)
            except OverflowError:
                return None
        else:
            return None
        if not (0.0 <= rate <= self.calm and self.ready() and take(&of_x, x, 0)):
            return None
        try:
            if take(&of_t, t, 0):
                try:
                    done = self.stepped(&of_x, &of_t, rate, &loss)
                finally:
                    PyBuffer_Release(&of_t)
        finally:
            PyBuffer_Release(&of_x)
        return loss if done else None

    cdef bint stepped(self, const Py_buffer* x, const Py_buffer* t, double rate, double* loss):
        """The step, if these are a sample and its target that it can be made from. Runs no Python."""
        cdef const Spec* spec = &self.plan.spec
        cdef Workspace* space = &self.scratch.space
        cdef Data data
        cdef bint done
        if not (rows_fit(x, 1, spec.n_inputs) and rows_fit(t, 1, spec.n_outputs)):
            return False
        if self.is_inside(x) or self.is_inside(t):
            return False
        if not (all_within(x, -self.calm, self.calm) and all_within(t, self.low, self.high)):
            return False
        if spec.loss == SOFTMAX_LOG_LOSS and not sums_to_one(t):
            return False
        if self.claim[0] is not None:
            return False
        memset(&data, 0, sizeof(Data))
        data.X, data.T = table_of(x), table_of(t)
        if 3 * spec.size <= PRODUCTS_WITH_GIL:
            return c_step_of(spec, space, self.block.view.buf, &data, rate, loss)
        self.claim[0] = self
        self.busy = True
        with nogil:
            done = c_step_of(spec, space, self.block.view.buf, &data, rate, loss)
        self.busy = False
        self.claim[0] = None
        return done

    cdef bint is_inside(self, const Py_buffer* view):
        """Whether an array shares memory with the parameters, which are about to change."""
        cdef size_t start = <size_t>view.buf, block = <size_t>self.block.view.buf
        return start < block + self.block.view.len and block < start + view.len

    def forward(self, X):
        """The outputs as `Network.forward` gives them, or None."""
        cdef const Spec* spec = &self.plan.spec
        cdef Py_buffer of_X, of_out
        cdef Py_ssize_t rows
        cdef bint done = False
        if type(X) is not self.kind or not take(&of_X, X, 0):
            return None
        try:
            if not (rows_fit(&of_X, 2, spec.n_inputs) and all_within(&of_X, -self.calm, self.calm)):
                return None
            rows = 1 if of_X.ndim == 1 else of_X.shape[0]
            if rows > 1 and rows * spec.size > PRODUCTS_WITH_GIL:  # the long way lets Ctrl-C through
                return None
            out = self.new_array(self.one_shape if of_X.ndim == 1 else (rows, spec.n_outputs), self.dtype)
            if self.ready() and take(&of_out, out, PyBUF_WRITABLE):
                self.run_forward(&of_X, rows, of_out.buf)
                PyBuffer_Release(&of_out)
                done = True
        finally:
            PyBuffer_Release(&of_X)
        return out if done else None

    cdef void run_forward(self, const Py_buffer* X, Py_ssize_t rows, void* out) noexcept:
        """Runs no Python."""
        cdef const Spec* spec = &self.plan.spec
        cdef Data data
        memset(&data, 0, sizeof(Data))
        data.X = table_of(X)
        if rows * spec.size <= PRODUCTS_WITH_GIL:
            c_forward_of(spec, &self.scratch.space, self.block.view.buf, &data, rows, out)
            return
        self.busy = True
        with nogil:
            c_forward_of(spec, &self.scratch.space, self.block.view.buf, &data, rows, out)
        self.busy = False


cdef bint c_step_of(
    const Spec* spec, Workspace* space, void* parameters, const Data* data, double rate, double* loss
) noexcept nogil:
    """`c_step` of the network's dtype, with the only sample of the data."""
    c_seat_row(spec, space, data, 0, 0)
    if spec.single:
        return c_step(spec, space, <float*>parameters, rate, loss)
    return c_step(spec, space, <double*>parameters, rate, loss)


cdef void c_forward_of(
    const Spec* spec, Workspace* space, const void* parameters, const Data* data, Py_ssize_t rows, void* out
) noexcept nogil:
    """The outputs of some samples, one after the other, in the network's dtype."""
    cdef Py_ssize_t s, column = spec.layers[spec.n_layers - 1].column, n_bytes = spec.n_outputs * spec.item
    for s in range(rows):
        c_seat_row(spec, space, data, s, 0)
        if spec.single:
            c_forward(spec, space, <const float*>parameters)
        else:
            c_forward(spec, space, <const double*>parameters)
        memcpy(<char*>out + s * n_bytes, <const char*>space.outs + column * spec.item, n_bytes)
