# The door to `_ensemble.pxi`: what it demands of its buffers, and the memory it works in.

LANE_BYTES = LINE_BYTES


@cython.final
cdef class _LaneSpace:
    """Room for one block at work: one zeroed, aligned allocation, freed with the object."""

    cdef Lanes space
    cdef void* memory

    def __cinit__(self, Plan plan, Py_ssize_t batch_size):
        cdef const Spec* spec = &plan.spec
        cdef Py_ssize_t line = LINE_BYTES, lanes = LINE_BYTES // spec.item  # bytes, and numbers, of a row of lanes
        cdef Py_ssize_t rows = batch_size if spec.sequential else 1
        cdef Py_ssize_t sample = (spec.n_inputs + spec.n_outputs) * line
        cdef Py_ssize_t seats = max(rows, max(1, SEATED_BYTES // sample))
        cdef Py_ssize_t n_lines
        cdef char* start
        cdef Py_ssize_t numbers = 3 * spec.row + spec.n_inputs + spec.n_outputs + 1  # of a sample, at most
        if seats > (<Py_ssize_t>((~<size_t>0) >> 1)) // (8 * line * numbers):
            raise MemoryError(f"no memory for a workspace of {seats} samples")
        n_lines = spec.size + 3 * rows * spec.row + N_NUMBERS
        self.memory = PyMem_RawCalloc(
            n_lines * line + seats * sample + 8 * lanes * sizeof(double) + ALIGNMENT, 1
        )
        if self.memory == NULL:
            raise MemoryError(f"no memory for a workspace of {seats} samples")
        start = <char*>(<size_t>(<char*>self.memory + ALIGNMENT - 1) & ~<size_t>(ALIGNMENT - 1))
        self.space.rows = rows
        self.space.seats = seats
        self.space.nets = start
        self.space.outs = <char*>self.space.nets + rows * spec.row * line
        self.space.deltas = <char*>self.space.outs + rows * spec.row * line
        self.space.sums = <char*>self.space.deltas + rows * spec.row * line
        self.space.numbers = <char*>self.space.sums + spec.size * line
        self.space.inputs = <char*>self.space.numbers + N_NUMBERS * line
        self.space.targets = <char*>self.space.inputs + seats * spec.n_inputs * line
        self.space.rates = <double*>(<char*>self.space.targets + seats * spec.n_outputs * line)
        self.space.totals = self.space.rates + lanes
        self.space.l2 = self.space.totals + lanes
        self.space.beta_1 = self.space.l2 + lanes
        self.space.beta_2 = self.space.beta_1 + lanes
        self.space.power_1 = self.space.beta_2 + lanes
        self.space.power_2 = self.space.power_1 + lanes
        self.space.members = <Py_ssize_t*>(self.space.power_2 + lanes)

    def __dealloc__(self):
        PyMem_RawFree(self.memory)


def train_lanes(
    Plan plan, state, const Py_ssize_t[::1] members, blocks_out, X, T, const Py_ssize_t[:, :, ::1] indices,
    Py_ssize_t first_epoch, const double[:, :] learning_rates, const double[::1] l2, optimizer,
    Py_ssize_t batch_size, place, Py_ssize_t batches, double stop_below, double[::1] totals,
    double[:, ::1] history_out, Py_ssize_t[:, ::1] ends_out
):
    """Train many networks at once, for some batches from a place in the run.

    What `train_epochs` would do for each of them alone. This engine only: it has no other meaning.

    Parameters
    ----------
    state : buffer (n_blocks, parts, size, lanes)
        LANE_BYTES of lanes, a network in each: its parameters, without -0.0, and its optimizer's moments. 0 where
        there is nobody.
    members : buffer of intp (n_blocks*lanes,)
        Who is in a lane; -1: nobody. Everything else is by member.
    blocks_out : buffer (n_members, parts, size)
        A member whose run ends on the way is copied to it; its lane is then empty.
    indices : buffer of intp (1 or n_members, n_epochs, n_samples), or None
        Orders of the samples, from `first_epoch` on; one for all or one for each.
    learning_rates : buffer (epochs, n_members)
        For epochs from 0; its strides may be anything.
    l2 : buffer (n_members,)
    optimizer : tuple
        The method, its constants (n_members, 3), and Adam's powers (n_members, 2).
    place : tuple
        The epoch, how many of its samples are done, how many batches the run has done.
    totals : buffer (n_members,)
        The losses of the place's epoch so far.
    history_out : buffer (n_epochs, n_members), or None
    ends_out : buffer of intp (n_members, 3)
        LOSS_NOT_FINITE, PARAMETER_NOT_FINITE or STOPPED, epoch and sample, for members whose run has ended; 0s for
        the others. Only a network whose parameters are not finite has been updated by the batch in question.
    """
    cdef Py_ssize_t epoch, sample, batch, lanes = LINE_BYTES // plan.spec.item, n_blocks, block, k
    epoch, sample, batch = place
    method, constants, powers = optimizer
    cdef const double[:, ::1] of_method = constants
    cdef double[:, ::1] running_powers = powers
    cdef _Data samples = _Data(plan, X, T, None, 0, 0)
    cdef _Buffer of_blocks = of_plan(plan, "state", state, 4, True)
    cdef _Buffer copied = of_plan(plan, "blocks_out", blocks_out, 3, True)
    cdef Members run
    cdef const Spec* spec = &plan.spec
    run.method = METHOD_CODES[method]
    run.parts = 1 + {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}[method]
    run.n_members = copied.view.shape[0]
    run.n_samples = samples.X.view.shape[0]
    run.batch_size = min(batch_size, run.n_samples)
    n_blocks = of_blocks.view.shape[0]
    check_shape("state", of_blocks, (n_blocks, run.parts, spec.size, lanes))
    check_shape("blocks_out", copied, (run.n_members, run.parts, spec.size))
    check_length("members", members.shape[0], n_blocks * lanes)
    for k in range(members.shape[0]):
        if not -1 <= members[k] < run.n_members:
            raise ValueError(f"members[{k}] is {members[k]}, expected -1 to {run.n_members - 1}")
    for name, length in (
        ("l2", l2.shape[0]), ("totals", totals.shape[0]), ("constants", of_method.shape[0]),
        ("powers", running_powers.shape[0]), ("ends_out", ends_out.shape[0]),
        ("learning_rates", learning_rates.shape[1]),
    ):
        check_length(name, length, run.n_members)
    if not (of_method.shape[1] == 3 and running_powers.shape[1] == 2 and ends_out.shape[1] == 3):
        raise ValueError("constants, powers or ends_out of another width than 3, 2 and 3")
    if batch_size < 1 or batches < 1 or run.n_members < 1 or epoch < 0 or not 0 <= sample < run.n_samples:
        raise ValueError(
            f"batch_size={batch_size}, {batches} batches from sample {sample} of epoch {epoch}, {run.n_members}"
            " members"
        )
    # Batches from the beginning of the place's epoch on, and the epochs that they take.
    cdef Py_ssize_t in_epoch = (run.n_samples + run.batch_size - 1) // run.batch_size
    cdef Py_ssize_t stop_epoch = epoch + (
        (sample + run.batch_size - 1) // run.batch_size + batches + in_epoch - 1
    ) // in_epoch
    if stop_epoch > learning_rates.shape[0]:
        raise ValueError(f"learning rates of {learning_rates.shape[0]} epochs, expected {stop_epoch}")
    run.orders = NULL
    run.n_orders = 1
    run.first_epoch = first_epoch
    if indices is not None:
        run.n_orders = indices.shape[0]
        run.n_epochs = indices.shape[1]
        if run.n_orders not in (1, run.n_members):
            raise ValueError(f"{run.n_orders} orders, expected 1 or {run.n_members}")
        if not first_epoch <= epoch < stop_epoch <= first_epoch + run.n_epochs:
            raise ValueError(
                f"indices of {run.n_epochs} epochs from {first_epoch} on, for {epoch}..{stop_epoch - 1}"
            )
        if indices.shape[2] != run.n_samples:
            raise ValueError(f"indices of {indices.shape[2]} samples, expected {run.n_samples}")
        run.orders = &indices[0, 0, 0]
    run.wanted = history_out is not None
    run.history = NULL
    if history_out is not None:
        if history_out.shape[0] < stop_epoch or history_out.shape[1] != run.n_members:
            raise ValueError(f"a history ({history_out.shape[0]}, {history_out.shape[1]})")
        run.history = &history_out[0, 0]
    run.stop_below = stop_below
    run.rates = <const char*>&learning_rates[0, 0]
    run.rates_by_epoch = learning_rates.strides[0]
    run.rates_by_member = learning_rates.strides[1]
    run.l2 = &l2[0]
    run.constants = &of_method[0, 0]
    run.powers = &running_powers[0, 0]
    run.totals = &totals[0]
    run.ends = &ends_out[0, 0]
    run.blocks = copied.view.buf
    cdef bint online = run.method == PLAIN and run.batch_size == 1 and not spec.sequential
    for k in range(run.n_members):
        online = online and l2[k] == 0.0
    cdef _LaneSpace workspace = _LaneSpace(plan, run.batch_size)
    cdef Lanes* space = &workspace.space
    cdef bint in_order = True
    with nogil:
        for block in range(n_blocks):
            if not in_order:
                break
            if spec.single:
                c_enter(
                    spec, &run, space, &members[block * lanes],
                    <float*>of_blocks.view.buf + block * run.parts * spec.size * lanes
                )
                in_order = c_train_lanes(
                    spec, &run, space, &samples.data, epoch, sample, batch, batches, online, <float>0
                )
            else:
                c_enter(
                    spec, &run, space, &members[block * lanes],
                    <double*>of_blocks.view.buf + block * run.parts * spec.size * lanes
                )
                in_order = c_train_lanes(
                    spec, &run, space, &samples.data, epoch, sample, batch, batches, online, <double>0
                )
            c_leave(&run, space, lanes)
    if not in_order:
        raise ValueError(f"an index outside 0..{run.n_samples - 1}")


cdef int check_shape(str name, _Buffer buffer, tuple expected) except -1:
    cdef Py_ssize_t k
    shape = tuple([buffer.view.shape[k] for k in range(buffer.view.ndim)])
    if shape != expected:
        raise ValueError(f"{name} {shape}, expected {expected}")
    return 0
