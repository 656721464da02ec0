# What the compiled loops know of a network, its optimizer, its data and their workspace: codes and structs.
#
# A network computes in one dtype, float64 or float32; the loops are written once, for the fused type `real`. What
# is `void*` here points to numbers of the network's dtype.

from libc.string cimport memcpy, memset

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
    ROWS_AT_ONCE = 64          # samples of a batch that a thread takes through the workspace together
    MOST_OWED = 256            # samples, at most, whose deltas are kept for the updates that rows still owe

ctypedef struct Layer:
    Py_ssize_t fan_in, fan_out
    Py_ssize_t width       # fan_out with its padding: from one row of weights to the next
    Py_ssize_t weights     # where they begin in the block: (fan_in, width)
    Py_ssize_t bias        # where it begins in the block: (width,), (1,) or nothing
    Py_ssize_t column      # the widths of all layers below
    Activation activation

ctypedef struct Spec:
    bint single            # float32
    Py_ssize_t item        # bytes of a number
    Py_ssize_t n_layers, n_inputs, n_outputs
    Py_ssize_t size        # items in the parameter block
    Py_ssize_t row         # the widths of all layers: what a sample takes in the workspace
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
    void* first            # (spec.size,): the velocity, or the mean of the gradients
    void* second           # (spec.size,): the mean of their squares
    double* powers         # (2,): beta_1^t and beta_2^t
    double rate            # of the present batch; for Adam with its corrections

ctypedef struct Table:     # what a caller passes: C-contiguous rows, of the dtype they happen to have
    const char* start
    Py_ssize_t width
    bint single

ctypedef struct Data:
    Table X                # (n_samples, n_inputs)
    Table T                # (n_samples, n_outputs)
    Table weights          # (n_samples, 1); start NULL: none
    const Py_ssize_t* order  # (n_samples,): which sample comes when; NULL: as they stand

ctypedef struct Meter:     # what a training run measures on its way
    bint wanted
    double total           # of this epoch
    double batch_loss_factor  # above 0: losses counted batch by batch, as scikit-learn does

ctypedef struct Course:    # whole epochs, one after the other
    Py_ssize_t count
    const double* rates    # the first epoch's learning rate; each `rate_step` further
    Py_ssize_t rate_step
    double* history        # (count,): mean losses; NULL: not wanted, or not whole epochs
    double stop_below      # an epoch whose mean loss is below this is the last one

ctypedef struct Workspace:  # layer by layer, and in each its samples: (seats, width) of the layer, see `c_spot`
    Py_ssize_t seats       # for samples in the whole workspace
    Py_ssize_t first, rows  # those that are in use here, or in a part of it
    # In a part, weights, losses, the rows of inputs, targets and converted begin with the first in use.
    double* weights        # (rows,): each sample's weight, where there are any, as a number of the network's dtype
    double* losses         # (rows,): each sample's loss, times its weight; before that, softmax's sums
    const void** inputs    # (n_layers, seats): where what a layer takes in stands; in the first row the samples
    const void** targets   # (seats,)
    void* nets             # (seats * spec.row,); of a batch not those that become outs in place, see `c_nets_of`
    void* outs
    void* deltas
    void* back             # (n_threads, MOST_COLUMNS, back_stride): dE/dout of a block of samples, and scratch
    Py_ssize_t back_stride
    void* turned           # (n_threads, spec.row * MOST_COLUMNS): what has been turned; scratch
    void* sums             # (spec.size,): S, a block like the parameters'
    Py_ssize_t* lists      # (2, n_inputs + spec.row): where what each layer takes in is not 0, of two samples
    Py_ssize_t* counts     # (2, n_layers): how long these are; -1: there is none
    Py_ssize_t most_owed   # how many samples' deltas can be kept
    Py_ssize_t owing       # how many are
    void* owed_deltas      # (most_owed + 1, width) of the first layer; the last one is 0
    void* owed_below       # (n_inputs,): what goes with the delta that a row owes
    Py_ssize_t* owed       # (n_inputs,): which of the deltas each row of the first layer owes; most_owed: none
    void* converted        # (rows, n_inputs + n_outputs): samples of the other dtype, rounded
