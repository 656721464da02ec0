# The members of an ensemble, and the lanes that they are in.
#
# A block's state is (parts, spec.size, lanes): the parameters, then the optimizer's moments. All else is kept by
# member, and is gathered into lanes when a run enters a block. A member whose run has ended, because of its loss
# or its parameters, is copied out at once; its lane goes on empty, with nothing but zeros in it, and its
# neighbours do not notice.

cdef enum:
    SEATED_BYTES = 4096   # of samples that are laid out in lanes together


ctypedef struct Members:   # what is kept by member; shapes begin with n_members
    Py_ssize_t n_members, n_samples, batch_size
    Py_ssize_t parts       # of a member's state: the parameters and the moments
    Method method
    bint wanted            # whether losses are
    double stop_below
    const char* rates      # (epochs, n_members) of doubles, with these strides, for epochs from 0
    Py_ssize_t rates_by_epoch, rates_by_member
    const Py_ssize_t* orders  # (n_orders, n_epochs, n_samples), from `first_epoch` on; NULL: as they stand
    Py_ssize_t n_orders    # one for all, or one for each
    Py_ssize_t n_epochs, first_epoch
    const double* l2       # (n_members,)
    const double* constants  # (n_members, 3), as the method has them
    double* powers         # (n_members, 2): Adam's
    double* totals         # (n_members,): losses of the present epoch
    double* history        # (epochs, n_members)
    Py_ssize_t* ends       # (n_members, 3): status, epoch, sample; status 0 while a member runs
    void* blocks           # (n_members, parts, spec.size): where members are copied out to

ctypedef struct Lanes:     # the block at work
    Py_ssize_t* members    # (lanes,): who is in a lane; -1: nobody
    Py_ssize_t running     # how many are
    void* state
    void* sums             # (spec.size, lanes)
    Py_ssize_t rows        # samples whose outs and deltas are kept: a whole batch where the order is sequential
    void* nets             # (rows, spec.row, lanes)
    void* outs
    void* deltas
    Py_ssize_t seats       # samples that are laid out at once
    void* inputs           # (seats, n_inputs, lanes)
    void* targets          # (seats, n_outputs, lanes)
    void* numbers          # (N_NUMBERS, lanes)
    double* rates          # (lanes,), as they were given, in float64; and so on
    double* totals
    double* l2
    double* beta_1
    double* beta_2
    double* power_1
    double* power_2


# ---- who is in which lane ----------------------------------------------------------------------------------

cdef void c_fill_lane(
    const Spec* spec, const Members* members, Lanes* space, Py_ssize_t k, Py_ssize_t member, real zero
) noexcept nogil:
    """What an optimizer needs of the member in lane k; -1: numbers that do nothing and stay finite."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real)
    cdef real* numbers = <real*>space.numbers + k
    cdef const double* constants = members.constants + 3 * member
    cdef bint somebody = member >= 0
    space.members[k] = member
    space.totals[k] = members.totals[member] if somebody else 0.0
    space.rates[k] = 0.0
    space.l2[k] = members.l2[member] if somebody else 0.0
    space.beta_1[k] = constants[0] if somebody else 0.0
    space.beta_2[k] = constants[1] if somebody else 0.0
    space.power_1[k] = members.powers[2 * member] if somebody else 0.0
    space.power_2[k] = members.powers[2 * member + 1] if somebody else 0.0
    numbers[RATE * lanes] = zero
    numbers[ALPHA * lanes] = zero
    numbers[NO_ALPHA * lanes] = zero
    numbers[MOMENTUM_OR_BETA_1 * lanes] = <real>space.beta_1[k]
    numbers[BETA_2 * lanes] = <real>space.beta_2[k]
    numbers[EPSILON * lanes] = <real>constants[2] if somebody else <real>1
    numbers[REST_1 * lanes] = <real>(1.0 - space.beta_1[k])
    numbers[REST_2 * lanes] = <real>(1.0 - space.beta_2[k])


cdef void c_enter(
    const Spec* spec, const Members* members, Lanes* space, const Py_ssize_t* of_lanes, real* state
) noexcept nogil:
    """Enter a block: `of_lanes` says who is in each lane, or was before it ended."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), k, member
    cdef real zero = 0
    space.state = state
    space.running = 0
    for k in range(lanes):
        member = of_lanes[k]
        if member >= 0 and members.ends[3 * member] != 0:
            member = -1
        space.running += member >= 0
        c_fill_lane(spec, members, space, k, member, zero)


cdef void c_leave(const Members* members, const Lanes* space, Py_ssize_t lanes) noexcept nogil:
    """Leave a block; its state stays in its lanes."""
    cdef Py_ssize_t k, member
    for k in range(lanes):
        member = space.members[k]
        if member >= 0:
            members.totals[member] = space.totals[k]
            members.powers[2 * member] = space.power_1[k]
            members.powers[2 * member + 1] = space.power_2[k]


cdef void c_end_lane(
    const Spec* spec, const Members* members, Lanes* space, Py_ssize_t k, Py_ssize_t status, Py_ssize_t epoch,
    Py_ssize_t sample, real zero
) noexcept nogil:
    """The run of the member in lane k ends here: copy it out, and empty its lane."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), n, member = space.members[k]
    cdef Py_ssize_t count = members.parts * spec.size
    cdef real* lane = <real*>space.state + k
    cdef real* block = <real*>members.blocks + member * count
    for n in range(count):
        block[n] = lane[n * lanes]
        lane[n * lanes] = 0
    members.powers[2 * member] = space.power_1[k]
    members.powers[2 * member + 1] = space.power_2[k]
    members.ends[3 * member] = status
    members.ends[3 * member + 1] = epoch
    members.ends[3 * member + 2] = sample
    space.running -= 1
    c_fill_lane(spec, members, space, k, -1, zero)


cdef inline bint c_totals_are_finite(const double* totals, Py_ssize_t lanes) noexcept nogil:
    """Whether all of them are: 0 times one that is not is NaN."""
    cdef Py_ssize_t k, n
    cdef double[4] sums
    for n in range(4):
        sums[n] = 0.0
    for k in range(0, lanes, 4):
        for n in range(4):
            sums[n] = sums[n] + totals[k + n] * 0.0
    return (sums[0] + sums[1]) + (sums[2] + sums[3]) == 0.0


cdef void c_end_lost(
    const Spec* spec, const Members* members, Lanes* space, Py_ssize_t epoch, Py_ssize_t sample, real zero
) noexcept nogil:
    """End the runs of the members whose losses are not finite any more, before they are updated.

    The update that follows fills their lanes with what is not finite; `c_empty_lanes` comes after it.
    """
    cdef Py_ssize_t k
    for k in range(LINE_BYTES // <Py_ssize_t>sizeof(real)):
        if space.members[k] >= 0 and not isfinite(space.totals[k]):
            c_end_lane(spec, members, space, k, 2, epoch, sample, zero)  # LOSS_NOT_FINITE


cdef void c_empty_lanes(const Spec* spec, const Members* members, Lanes* space, real zero) noexcept nogil:
    """Nothing but zeros where there is nobody."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), n, k
    cdef real* state = <real*>space.state
    for n in range(members.parts * spec.size):
        for k in range(lanes):
            state[k] = state[k] if space.members[k] >= 0 else zero
        state += lanes


cdef void c_scan_lanes(
    const Spec* spec, const Members* members, Lanes* space, Py_ssize_t epoch, Py_ssize_t sample, real zero
) noexcept nogil:
    """End the runs of the members that have a parameter which is not finite. (Padding always is.)"""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), n, k
    cdef const real* restrict parameters = <const real*>space.state
    cdef real[MOST_LINE] sums
    for k in range(lanes):
        sums[k] = 0
    for n in range(spec.size):
        for k in range(lanes):
            sums[k] = sums[k] + parameters[k] * zero
        parameters += lanes
    for k in range(lanes):
        if space.members[k] >= 0 and not isfinite(sums[k]):
            c_end_lane(spec, members, space, k, 3, epoch, sample, zero)  # PARAMETER_NOT_FINITE


# ---- samples -----------------------------------------------------------------------------------------------

cdef inline void c_spread(
    const Table* table, Py_ssize_t row, Py_ssize_t width, real* restrict places
) noexcept nogil:
    """One row of the caller's data into all lanes: (width, lanes)."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), i, k
    cdef real value
    for i in range(width):
        if table.single:
            value = <real>(<const float*>table.start)[row * width + i]
        else:
            value = <real>(<const double*>table.start)[row * width + i]
        for k in range(lanes):
            places[k] = value
        places += lanes


cdef inline void c_gather(
    const Table* table, const Py_ssize_t* restrict rows, Py_ssize_t width, real* restrict places
) noexcept nogil:
    """A row for each lane: (width, lanes)."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real), i, k
    cdef const float* singles = <const float*>table.start
    cdef const double* doubles = <const double*>table.start
    for i in range(width):
        if table.single:
            for k in range(lanes):
                places[k] = <real>singles[rows[k] * width + i]
        else:
            for k in range(lanes):
                places[k] = <real>doubles[rows[k] * width + i]
        places += lanes


cdef bint c_seat_lanes(
    const Spec* spec, const Members* members, const Lanes* space, const Data* data, Py_ssize_t epoch,
    Py_ssize_t first, Py_ssize_t rows, real zero
) noexcept nogil:
    """Lay out the samples first..first+rows-1 of each member's order. False if an index is none of a sample's."""
    cdef Py_ssize_t lanes = LINE_BYTES // <Py_ssize_t>sizeof(real)
    cdef Py_ssize_t k, s, row, last = members.n_samples - 1, signs
    cdef real* x = <real*>space.inputs
    cdef real* t = <real*>space.targets
    cdef const Py_ssize_t* orders = members.orders
    cdef Py_ssize_t[MOST_LINE] starts
    cdef Py_ssize_t[MOST_LINE] of_lanes
    if orders != NULL:
        orders += (epoch - members.first_epoch) * members.n_samples + first
    for k in range(lanes):
        starts[k] = max(space.members[k], 0) * members.n_epochs * members.n_samples
    for s in range(rows):
        if members.n_orders > 1:
            signs = 0
            for k in range(lanes):
                row = orders[starts[k] + s]
                signs = signs | row | (last - row)
                of_lanes[k] = row
            if signs < 0:
                return False
            c_gather(&data.X, of_lanes, spec.n_inputs, x)
            c_gather(&data.T, of_lanes, spec.n_outputs, t)
        else:
            row = orders[s] if orders != NULL else first + s
            if not 0 <= row <= last:
                return False
            c_spread(&data.X, row, spec.n_inputs, x)
            c_spread(&data.T, row, spec.n_outputs, t)
        x += spec.n_inputs * lanes
        t += spec.n_outputs * lanes
    return True
