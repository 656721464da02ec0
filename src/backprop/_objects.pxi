# What the doors of the compiled engine hold on to: plans, workspaces, places to write to, optimizers.
#
# Extension types around the structs of `_kernels.pxi`: they translate names into codes, check that what they are
# given fits, own the memory and free it.

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree

cdef dict ACTIVATION_CODES = {
    "identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU, "leaky_relu": LEAKY_RELU, "elu": ELU,
    "softplus": SOFTPLUS, "silu": SILU, "exp": EXP, "softmax": SOFTMAX,
}
cdef dict LOSS_CODES = {
    "squared_error": SQUARED_ERROR, "absolute_error": ABSOLUTE_ERROR, "huber": HUBER, "log_loss": LOG_LOSS,
    "poisson": POISSON,
}
cdef dict METHOD_CODES = {"sgd": PLAIN, "momentum": MOMENTUM, "nesterov": NESTEROV, "adam": ADAM}
cdef dict BIAS_CODES = {"per_unit": PER_UNIT, "shared": SHARED, "none": NO_BIAS}

cdef dict FUNCTION_CODES = {
    "exp": EXP_FUNCTION, "expm1": EXPM1_FUNCTION, "log": LOG_FUNCTION, "log1p": LOG1P_FUNCTION,
    "logistic": LOGISTIC_FUNCTION, "tanh": TANH_FUNCTION, "softplus": SOFTPLUS_FUNCTION,
}

cdef enum:
    ROWS_AT_ONCE = 64  # samples of a simultaneous batch that pass through the workspace together
    ALIGNMENT = 64


@cython.final
cdef class Plan:
    """A network's specification as the kernels need it. See `_reference.Plan`."""

    cdef Spec spec

    def __cinit__(
        self, sizes, activations, loss, shortcut, bias, train_bias, sequential, huber_delta, strides,
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
        self.spec.n_inputs = sizes[0]
        self.spec.n_outputs = sizes[-1]
        self.spec.size = size
        self.spec.loss = LOSS_CODES[loss]
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
            layer.activation = ACTIVATION_CODES[activations[level]]
            column += layer.width
            if layer.width < layer.fan_out or layer.width % LANES or min(layer.fan_in, layer.fan_out) < 1:
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


cdef class _Scratch:
    """A door's workspace: one zeroed, aligned allocation, freed with the object."""

    cdef Workspace space
    cdef void* memory

    def __cinit__(self, Plan plan, Py_ssize_t rows, bint with_sums):
        cdef Py_ssize_t row = plan.spec.row
        cdef Py_ssize_t back = max(row, plan.spec.n_inputs + LANES)
        cdef size_t numbers = 3 * rows * row + back + rows + (plan.spec.size if with_sums else 0)
        cdef size_t pointers = 2 * rows
        cdef double* start
        if rows > (<Py_ssize_t>((~<size_t>0) >> 1)) // (64 * (row + 1)):
            raise MemoryError(f"no memory for a workspace of {rows} samples")
        self.memory = PyMem_RawCalloc(numbers * sizeof(double) + pointers * sizeof(double*) + ALIGNMENT, 1)
        if self.memory == NULL:
            raise MemoryError(f"no memory for a workspace of {rows} samples")
        start = <double*>((<size_t>self.memory + ALIGNMENT - 1) & ~<size_t>(ALIGNMENT - 1))
        self.space.rows = rows
        self.space.nets = start
        self.space.outs = start + rows * row
        self.space.deltas = start + 2 * rows * row
        self.space.back = start + 3 * rows * row
        self.space.weights = start + 3 * rows * row + back
        self.space.sums = self.space.weights + rows
        self.space.inputs = <const double**>(start + numbers)
        self.space.targets = self.space.inputs + rows

    def __dealloc__(self):
        PyMem_RawFree(self.memory)


cdef class _Sheets:
    """Where a forward pass writes: for each layer the start of an array (n_samples, fan_out), or NULL."""

    cdef double** starts

    def __cinit__(self, Plan plan, buffers, Py_ssize_t n_samples):
        cdef Py_ssize_t level
        cdef double[:, ::1] view
        self.starts = <double**>PyMem_RawCalloc(plan.spec.n_layers, sizeof(double*))
        if self.starts == NULL:
            raise MemoryError
        for level in range(plan.spec.n_layers):
            if buffers[level] is None:
                continue
            view = buffers[level]
            if view.shape[0] != n_samples or view.shape[1] != plan.spec.layers[level].fan_out:
                raise ValueError(
                    f"a buffer ({view.shape[0]}, {view.shape[1]}) for layer {level},"
                    f" expected ({n_samples}, {plan.spec.layers[level].fan_out})"
                )
            self.starts[level] = &view[0, 0]

    def __dealloc__(self):
        PyMem_RawFree(self.starts)

    cdef void write(self, const Spec* spec, Py_ssize_t row, const double* values) noexcept nogil:
        """Copy one sample's row of the workspace to the sheets that are wanted."""
        cdef Py_ssize_t level
        cdef const Layer* layer
        for level in range(spec.n_layers):
            layer = &spec.layers[level]
            if self.starts[level] != NULL:
                memcpy(
                    self.starts[level] + row * layer.fan_out, values + layer.column, layer.fan_out * sizeof(double)
                )


cdef class _Moments:
    """An optimizer as C sees it; keeps its buffers alive."""

    cdef Optimizer optimizer
    cdef double[::1] first, second, powers

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
            self.second = moments[1]
            check_block(plan, self.second)
            self.optimizer.second = &self.second[0]
        elif method != "sgd":
            self.optimizer.momentum = constants[0]
        if moments:
            self.first = moments[0]
            check_block(plan, self.first)
            self.optimizer.first = &self.first[0]


# ---- what a door demands of its buffers; the facade has checked all of it with better words ------------------

cdef int check_block(Plan plan, double[::1] block) except -1:
    if block.shape[0] != plan.spec.size:
        raise ValueError(f"a block of {block.shape[0]} numbers, expected {plan.spec.size}")
    return 0


cdef int check_samples(Plan plan, const double[:, ::1] X, Py_ssize_t start, Py_ssize_t stop) except -1:
    if X.shape[1] != plan.spec.n_inputs:
        raise ValueError(f"samples of {X.shape[1]} numbers, expected {plan.spec.n_inputs}")
    if not 0 <= start <= stop <= X.shape[0]:
        raise ValueError(f"samples {start}..{stop - 1} of {X.shape[0]}")
    return 0


cdef int check_targets(
    Plan plan, const double[:, ::1] X, const double[:, ::1] T, const double[::1] sample_weight
) except -1:
    if T.shape[1] != plan.spec.n_outputs or T.shape[0] != X.shape[0]:
        raise ValueError(
            f"targets ({T.shape[0]}, {T.shape[1]}), expected ({X.shape[0]}, {plan.spec.n_outputs})"
        )
    if sample_weight is not None:
        check_length("sample_weight", sample_weight.shape[0], X.shape[0])
    return 0


cdef int check_length(str name, Py_ssize_t length, Py_ssize_t expected) except -1:
    if length != expected:
        raise ValueError(f"{name} of {length} numbers, expected {expected}")
    return 0
