# What the doors of the compiled engine hold on to: plans, workspaces, places to write to, optimizers.
#
# Extension types around the structs of `_model.pxi`: they translate names into codes, check that what they are
# given fits, own the memory and free it.

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
)
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree

cdef dict METHOD_CODES = {"sgd": PLAIN, "momentum": MOMENTUM, "nesterov": NESTEROV, "adam": ADAM}
cdef dict ITEM_BYTES = {"float64": sizeof(double), "float32": sizeof(float)}
cdef dict BIAS_CODES = {"per_unit": PER_UNIT, "shared": SHARED, "none": NO_BIAS}

cdef dict FUNCTION_CODES = {
    "exp": EXP_FUNCTION, "expm1": EXPM1_FUNCTION, "log": LOG_FUNCTION, "log1p": LOG1P_FUNCTION,
    "logistic": LOGISTIC_FUNCTION, "tanh": TANH_FUNCTION, "softplus": SOFTPLUS_FUNCTION,
}


cdef object _code(dict codes, name, what):
    """The code of a function, which must be in the table."""
    if not isinstance(name, str) or name not in codes:
        raise ValueError(f"the compiled engine has no {what} {name!r}")
    return codes[name]


cdef enum:
    ALIGNMENT = 64


@cython.final
cdef class Plan:
    """A network's specification as the kernels need it. See `_reference.Plan`."""

    cdef Spec spec

    def __cinit__(
        self, sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, dtype, strides,
        weight_offsets, bias_offsets, size
    ):
        cdef Py_ssize_t level, length, column = 0
        if not len(sizes) - 1 == len(activations) == len(strides) == len(weight_offsets) == len(bias_offsets) > 0:
            raise ValueError(f"{len(sizes)} sizes, and not one item for each layer of weights")
        cdef Layer* layer
        self.spec.n_layers = len(sizes) - 1
        self.spec.layers = <Layer*>PyMem_RawCalloc(self.spec.n_layers, sizeof(Layer))
        if self.spec.layers == NULL:
            raise MemoryError
        self.spec.item = ITEM_BYTES[dtype]
        self.spec.single = self.spec.item == sizeof(float)
        self.spec.n_inputs = sizes[0]
        self.spec.n_outputs = sizes[-1]
        self.spec.size = size
        self.spec.loss = _code(LOSS_CODES, loss, "loss")
        if loss == "log_loss" and activations[len(activations) - 1] == "softmax":
            self.spec.loss = SOFTMAX_LOG_LOSS
        self.spec.huber_delta = huber_delta
        self.spec.bias = BIAS_CODES[bias]
        self.spec.shortcut = shortcut
        self.spec.train_bias = train_bias
        self.spec.sequential = sequential
        for level in range(self.spec.n_layers):
            layer = &self.spec.layers[level]
            layer.fan_in = sizes[level]
            layer.fan_out = sizes[level + 1]
            layer.width = strides[level]
            layer.weights = weight_offsets[level]
            layer.bias = bias_offsets[level]
            layer.column = column
            layer.activation = _code(ACTIVATION_CODES, activations[level], "activation")
            column += layer.width
            if (
                layer.width < layer.fan_out or layer.width * self.spec.item % VECTOR_BYTES
                or min(layer.fan_in, layer.fan_out) < 1
            ):
                raise ValueError(
                    f"layer {level}: {layer.fan_in} to {layer.fan_out} units in rows of {layer.width}"
                )
            if layer.weights < 0 or layer.weights > size - layer.fan_in * layer.width:
                raise ValueError(f"layer {level}: weights at {layer.weights} of {size}")
            length = {"per_unit": layer.width, "shared": 1, "none": 0}[bias]
            if layer.bias < 0 or layer.bias > size - length:
                raise ValueError(f"layer {level}: bias at {layer.bias} of {size}")
        self.spec.row = column

    def __dealloc__(self):
        PyMem_RawFree(self.spec.layers)


@cython.final
cdef class _Buffer:
    """A caller's C-contiguous array of float64 or float32, held until this object goes."""

    cdef Py_buffer view
    cdef bint held, single
    cdef Py_ssize_t length  # items

    def __cinit__(self, str name, values, int n_dimensions, bint writable):
        PyObject_GetBuffer(
            values, &self.view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if writable else 0)
        )
        self.held = True
        self.single = self.view.format[0] == c"f"
        if (self.view.format[0] != c"d" and not self.single) or self.view.format[1] != 0:
            raise ValueError(f"{name} of format {self.view.format.decode()!r}, expected float64 or float32")
        if self.view.ndim != n_dimensions:
            raise ValueError(f"{name} of {self.view.ndim} dimensions, expected {n_dimensions}")
        self.length = self.view.len // self.view.itemsize

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef inline Py_ssize_t c_whole_lines(Py_ssize_t n_bytes) noexcept nogil:
    return (n_bytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


cdef class _Scratch:
    """A door's workspace: one zeroed, aligned allocation, freed with the object."""

    cdef Workspace space
    cdef void* memory

    def __cinit__(
        self, Plan plan, Py_ssize_t rows, bint with_sums, bint converting, Py_ssize_t n_threads=1,
        bint with_lists=False
    ):
        cdef Py_ssize_t row = plan.spec.row
        cdef Py_ssize_t stride = max(row, plan.spec.n_inputs + MOST_LANES)
        cdef Py_ssize_t back = n_threads * MOST_COLUMNS * stride, turned = n_threads * MOST_COLUMNS * row
        cdef Py_ssize_t sums = plan.spec.size if with_sums else 0
        cdef Py_ssize_t converted = rows * (plan.spec.n_inputs + plan.spec.n_outputs) if converting else 0
        cdef Py_ssize_t n_owed = plan.spec.n_inputs if with_lists else 0
        cdef Py_ssize_t most_owed = min(<Py_ssize_t>MOST_OWED, n_owed)  # no more than the layer's weights take
        cdef Py_ssize_t owed = c_whole_lines((most_owed + 1) * plan.spec.layers[0].width * plan.spec.item)
        cdef size_t numbers = (3 * rows * row + back + turned + sums + converted + n_owed) * plan.spec.item
        cdef Py_ssize_t listed = plan.spec.n_inputs + row
        cdef size_t wanted = (
            numbers + owed + rows * (2 * sizeof(double) + (plan.spec.n_layers + 1) * sizeof(void*))
            + (2 * (listed + plan.spec.n_layers) + n_owed) * sizeof(Py_ssize_t) + 2 * ALIGNMENT
        )
        cdef char* start
        cdef Py_ssize_t level, s
        if rows > (<Py_ssize_t>((~<size_t>0) >> 1)) // (
            64 * (row + plan.spec.n_inputs + plan.spec.n_outputs + 1)
        ):
            raise MemoryError(f"no memory for a workspace of {rows} samples")
        self.memory = PyMem_RawCalloc(wanted, 1)
        if self.memory == NULL:
            raise MemoryError(f"no memory for a workspace of {rows} samples")
        start = <char*>(<size_t>(<char*>self.memory + ALIGNMENT - 1) & ~<size_t>(ALIGNMENT - 1))
        self.space.seats = self.space.rows = rows
        self.space.owed_deltas = start
        self.space.most_owed = most_owed
        start += owed
        self.space.nets = start
        self.space.outs = <char*>self.space.nets + rows * row * plan.spec.item
        self.space.deltas = <char*>self.space.outs + rows * row * plan.spec.item
        self.space.back = <char*>self.space.deltas + rows * row * plan.spec.item
        self.space.back_stride = stride
        self.space.turned = <char*>self.space.back + back * plan.spec.item
        self.space.sums = <char*>self.space.turned + turned * plan.spec.item
        self.space.owed_below = <char*>self.space.sums + sums * plan.spec.item
        self.space.converted = <char*>self.space.owed_below + n_owed * plan.spec.item
        start = <char*>(<size_t>(start + numbers + ALIGNMENT - 1) & ~<size_t>(ALIGNMENT - 1))
        self.space.weights = <double*>start
        self.space.losses = self.space.weights + rows
        self.space.inputs = <const void**>(start + 2 * rows * sizeof(double))
        self.space.targets = self.space.inputs + plan.spec.n_layers * rows
        for level in range(1, plan.spec.n_layers):
            for s in range(rows):
                self.space.inputs[level * rows + s] = <char*>self.space.outs + (
                    c_spot(&self.space, &plan.spec.layers[level - 1], s)
                ) * plan.spec.item
        self.space.lists = <Py_ssize_t*>(self.space.targets + rows)
        self.space.counts = self.space.lists + 2 * listed
        self.space.owed = self.space.counts + 2 * plan.spec.n_layers
        for s in range(n_owed):
            self.space.owed[s] = most_owed

    def __dealloc__(self):
        PyMem_RawFree(self.memory)


cdef class _Data:
    """The samples that a door was given, checked against the plan; keeps their buffers."""

    cdef Data data
    cdef _Buffer X, T, weights
    cdef bint converting  # whether a row has another dtype than the network

    def __cinit__(self, Plan plan, X, T, sample_weight, Py_ssize_t start, Py_ssize_t stop):
        cdef Py_ssize_t n_samples
        self.X = _Buffer("X", X, 2, False)
        n_samples = self.X.view.shape[0]
        if self.X.view.shape[1] != plan.spec.n_inputs:
            raise ValueError(f"samples of {self.X.view.shape[1]} numbers, expected {plan.spec.n_inputs}")
        if not 0 <= start <= stop <= n_samples:
            raise ValueError(f"samples {start}..{stop - 1} of {n_samples}")
        self.data.X = table(self.X)
        self.converting = self.X.single != plan.spec.single
        if T is not None:
            self.T = _Buffer("T", T, 2, False)
            if self.T.view.shape[1] != plan.spec.n_outputs or self.T.view.shape[0] != n_samples:
                raise ValueError(
                    f"targets ({self.T.view.shape[0]}, {self.T.view.shape[1]}), expected ({n_samples},"
                    f" {plan.spec.n_outputs})"
                )
            self.data.T = table(self.T)
            self.converting |= self.T.single != plan.spec.single
        if sample_weight is not None:
            self.weights = _Buffer("sample_weight", sample_weight, 1, False)
            check_length("sample_weight", self.weights.length, n_samples)
            self.data.weights = table(self.weights)


cdef Table table(_Buffer buffer) noexcept:
    """A buffer as the kernels see it."""
    cdef Table table
    table.start = <const char*>buffer.view.buf
    table.width = buffer.view.shape[buffer.view.ndim - 1]
    table.single = buffer.single
    return table


cdef class _Sheets:
    """Where a forward pass writes: for each layer the start of an array (n_samples, fan_out), or NULL."""

    cdef char** starts
    cdef list held

    def __cinit__(self, Plan plan, buffers, Py_ssize_t n_samples):
        cdef Py_ssize_t level
        cdef _Buffer sheet
        self.held = []
        self.starts = <char**>PyMem_RawCalloc(plan.spec.n_layers, sizeof(char*))
        if self.starts == NULL:
            raise MemoryError
        for level in range(plan.spec.n_layers):
            if buffers[level] is None:
                continue
            sheet = of_plan(plan, "a sheet", buffers[level], 2, True)
            if sheet.view.shape[0] != n_samples or sheet.view.shape[1] != plan.spec.layers[level].fan_out:
                raise ValueError(
                    f"a buffer ({sheet.view.shape[0]}, {sheet.view.shape[1]}) for layer {level},"
                    f" expected ({n_samples}, {plan.spec.layers[level].fan_out})"
                )
            self.held.append(sheet)
            self.starts[level] = <char*>sheet.view.buf

    def __dealloc__(self):
        PyMem_RawFree(self.starts)


cdef class _Moments:
    """An optimizer as C sees it; keeps its buffers alive."""

    cdef Optimizer optimizer
    cdef _Buffer first, second
    cdef double[::1] powers

    def __cinit__(self, Plan plan, description):
        method, constants, moments, powers = description
        self.optimizer.method = METHOD_CODES[method]
        if len(moments) != {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}[method]:
            raise ValueError(f"{len(moments)} blocks of state for {method!r}")
        if method == "adam":
            self.optimizer.beta_1, self.optimizer.beta_2, self.optimizer.epsilon = constants
            self.powers = powers
            check_length("powers", self.powers.shape[0], 2)
            self.optimizer.powers = &self.powers[0]
            self.second = block_of(plan, moments[1])
            self.optimizer.second = self.second.view.buf
        elif method != "sgd":
            self.optimizer.momentum = constants[0]
        if moments:
            self.first = block_of(plan, moments[0])
            self.optimizer.first = self.first.view.buf


# ---- what a door demands of its buffers; the facade has checked all of it with better words ------------------

cdef _Buffer of_plan(Plan plan, str name, values, int n_dimensions, bint writable):
    """A buffer of the network's dtype."""
    cdef _Buffer buffer = _Buffer(name, values, n_dimensions, writable)
    if buffer.single != plan.spec.single:
        raise ValueError(
            f"{name} of format {buffer.view.format.decode()!r}, expected"
            f" {'float32' if plan.spec.single else 'float64'}, as the network has it"
        )
    return buffer


cdef _Buffer block_of(Plan plan, block):
    """A block like the parameters'."""
    cdef _Buffer buffer = of_plan(plan, "a block", block, 1, True)
    check_length("a block", buffer.length, plan.spec.size)
    return buffer


cdef _Buffer row_of_plan(Plan plan, str name, values, Py_ssize_t length, bint writable):
    """A number for each of some units."""
    cdef _Buffer buffer = of_plan(plan, name, values, 1, writable)
    check_length(name, buffer.length, length)
    return buffer


cdef int check_length(str name, Py_ssize_t length, Py_ssize_t expected) except -1:
    if length != expected:
        raise ValueError(f"{name} of {length} numbers, expected {expected}")
    return 0
