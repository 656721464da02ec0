# A mini-batch shared among threads, with the bits of one: no sum is ever divided.
#
# What is done sample by sample (forward passes, losses, deltas) is divided among the samples; what is a sum over
# all samples (gradients) and what follows from it (updates), among the rows of the weights. Between the two all
# wait for all. A thread has parts of its own, neighbours in memory, and takes others' when it is done with them:
# who does a part changes no bit of it. Without others, everything is one part.
#
# A team lives as long as one call of a door: nothing is left behind that a fork could break. Its threads run no
# Python and see no signals.

cdef extern from *:
    """
    #include "pythread.h"

    /* A thread that can be waited for: what POSIX and Windows have in common. */
    #if defined(_WIN32)
    #include <windows.h>
    #include <process.h>
    typedef HANDLE backprop_handle;
    #else
    #include <pthread.h>
    #include <signal.h>
    typedef pthread_t backprop_handle;
    #endif
    typedef struct {
        void (*run)(void*);
        void* argument;
        backprop_handle handle;
    } backprop_thread;

    #if defined(_WIN32)
    static unsigned __stdcall backprop_enter(void* thread) {
        ((backprop_thread*)thread)->run(((backprop_thread*)thread)->argument);
        return 0;
    }
    static int backprop_start(backprop_thread* thread) {
        thread->handle = (HANDLE)_beginthreadex(NULL, 0, backprop_enter, thread, 0, NULL);
        return thread->handle != 0;
    }
    static void backprop_join(backprop_thread* thread) {
        WaitForSingleObject(thread->handle, INFINITE);
        CloseHandle(thread->handle);
    }
    #else
    static void* backprop_enter(void* thread) {
        ((backprop_thread*)thread)->run(((backprop_thread*)thread)->argument);
        return NULL;
    }
    static int backprop_start(backprop_thread* thread) {
        sigset_t all, before;
        int failed;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
        failed = pthread_create(&thread->handle, NULL, backprop_enter, thread);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return !failed;
    }
    static void backprop_join(backprop_thread* thread) {
        pthread_join(thread->handle, NULL);
    }
    #endif

    /* A flag that one thread raises and another waits for, in turns. For some microseconds the other looks again
       and again, as one that sleeps needs longer than that to wake; then it sleeps in the lock. */
    typedef struct {
        volatile long state;
        PyThread_type_lock lock; /* held, but for the moment in which the sleeper is to wake */
    } backprop_flag;
    enum { BACKPROP_DOWN, BACKPROP_UP, BACKPROP_ASLEEP, BACKPROP_LOOKS = 1000 };

    #if defined(_MSC_VER)
    #include <intrin.h>
    #define backprop_exchange(place, value) _InterlockedExchange(place, value)
    #define backprop_add(place, value) _InterlockedExchangeAdd(place, value)
    #define backprop_replace(place, old, value) (_InterlockedCompareExchange(place, value, old) == (old))
    #define backprop_pause() YieldProcessor()
    #else
    #define backprop_exchange(place, value) __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST)
    #define backprop_add(place, value) __atomic_fetch_add(place, value, __ATOMIC_SEQ_CST)
    #define backprop_replace(place, old, value) __sync_bool_compare_and_swap(place, old, value)
    #if defined(__x86_64__) || defined(__i386__)
    #define backprop_pause() __builtin_ia32_pause()
    #else
    #define backprop_pause() ((void)0)
    #endif
    #endif

    static int backprop_flag_make(backprop_flag* flag) {
        flag->state = BACKPROP_DOWN;
        flag->lock = PyThread_allocate_lock();
        return flag->lock != NULL && PyThread_acquire_lock(flag->lock, WAIT_LOCK);
    }
    static void backprop_flag_free(backprop_flag* flag) {
        if (flag->lock != NULL) {
            PyThread_free_lock(flag->lock);
            flag->lock = NULL;
        }
    }
    static void backprop_raise(backprop_flag* flag) {
        if (backprop_exchange(&flag->state, BACKPROP_UP) == BACKPROP_ASLEEP)
            PyThread_release_lock(flag->lock);
    }
    static void backprop_wait(backprop_flag* flag) {
        int looks;
        for (looks = 0; looks < BACKPROP_LOOKS && flag->state != BACKPROP_UP; looks++)
            backprop_pause();
        if (backprop_replace(&flag->state, BACKPROP_DOWN, BACKPROP_ASLEEP))
            PyThread_acquire_lock(flag->lock, WAIT_LOCK);
        backprop_exchange(&flag->state, BACKPROP_DOWN);
    }
    """
    ctypedef struct backprop_flag:
        pass
    ctypedef long backprop_count "volatile long"
    long backprop_add(backprop_count*, long) noexcept nogil
    bint backprop_flag_make(backprop_flag*)
    void backprop_flag_free(backprop_flag*)
    void backprop_raise(backprop_flag*) noexcept nogil
    void backprop_wait(backprop_flag*) noexcept nogil
    ctypedef struct backprop_thread:
        void (*run)(void*) noexcept nogil
        void* argument
    bint backprop_start(backprop_thread*)
    void backprop_join(backprop_thread*)

cdef enum:
    PARTS_EACH = 8  # of a job, for each thread: whoever is done sooner helps the others

cdef enum Task:  # what a job consists of, as bits
    FORWARD = 1  # by samples: nets, outs, losses if wanted, output deltas
    BACK = 2     # by samples: the deltas below the job's layers
    ADD = 4      # by rows of weights: the gradients of the job's layers, added to the sums
    UPDATE = 8   # by rows of weights

ctypedef struct Job:
    int tasks
    Py_ssize_t highest, lowest  # layers
    const Spec* spec
    Workspace* space
    void* parameters
    const Data* data
    Py_ssize_t first, rows      # samples: where they begin in the order, and how many are in the workspace
    bint weighted, want_loss, reported
    bint fresh                  # the sums begin with these samples
    const Optimizer* optimizer
    double inverse, alpha       # as numbers of the network's dtype

ctypedef struct Worker:
    backprop_thread thread
    Team* team
    Py_ssize_t k
    backprop_flag go, done  # raised by the caller, and by the worker
    backprop_count taken    # how many of its parts have been begun, by itself or others

ctypedef struct Team:
    Py_ssize_t n      # threads, the caller's included
    const Job* job    # NULL: go home
    Worker* workers   # (n,); the first is the caller


cdef inline Py_ssize_t c_share(Py_ssize_t count, Py_ssize_t k, Py_ssize_t n) noexcept nogil:
    """Where the k-th of n parts begins; parts are of whole blocks of four."""
    return min((count + 3) // 4 * k // n * 4, count)


cdef inline Workspace c_rows_from(
    const Spec* spec, const Workspace* space, Py_ssize_t first, Py_ssize_t rows
) noexcept nogil:
    """Some samples of a workspace, as one of their own."""
    cdef Workspace part = space[0]
    part.first += first
    part.rows = rows
    part.weights += first
    part.losses += first
    part.inputs += first
    part.targets += first
    part.converted = <char*>part.converted + first * (spec.n_inputs + spec.n_outputs) * spec.item
    return part


cdef inline void* c_back_of(const Job* job, Py_ssize_t thread) noexcept nogil:
    """A thread's own scratch."""
    return <char*>job.space.back + thread * MOST_COLUMNS * job.space.back_stride * job.spec.item


cdef void c_part_of_samples(
    const Job* job, Py_ssize_t k, Py_ssize_t n, Py_ssize_t thread, real* parameters
) noexcept nogil:
    """The k-th of n parts of a job that goes by samples."""
    cdef const Spec* spec = job.spec
    cdef Py_ssize_t first = c_share(job.rows, k, n), rows = c_share(job.rows, k + 1, n) - first, level
    cdef Workspace part = c_rows_from(spec, job.space, first, rows)
    if rows == 0:
        return
    part.back = c_back_of(job, thread)
    part.turned = <char*>part.turned + thread * MOST_COLUMNS * spec.row * spec.item
    if job.tasks & FORWARD:
        c_seat_rows(spec, &part, job.data, job.first + first, rows)
        c_forward_rows(spec, &part, parameters, rows, job.weighted, job.want_loss, job.reported)
    if job.tasks & BACK:
        for level in range(job.highest, max(job.lowest, 1) - 1, -1):
            c_hidden_rows(spec, &part, parameters, level, rows)


cdef void c_part_of_rows(
    const Job* job, Py_ssize_t k, Py_ssize_t n, Py_ssize_t thread, real* parameters
) noexcept nogil:
    """The k-th of n parts of a job that goes by rows of weights. The last one sees to the biases."""
    cdef const Spec* spec = job.spec
    cdef const Layer* layer
    cdef real* sums = <real*>job.space.sums
    cdef real inverse = <real>job.inverse, alpha = <real>job.alpha, none = 0
    cdef Workspace part
    cdef Py_ssize_t level, first, stop, start, n_bias, s
    cdef bint add = (job.tasks & ADD) != 0, update = (job.tasks & UPDATE) != 0, fresh
    for level in range(job.highest, job.lowest - 1, -1):
        layer = &spec.layers[level]
        first, stop = c_share(layer.fan_in, k, n), c_share(layer.fan_in, k + 1, n)
        start = layer.weights + first * layer.width
        s = 0
        while add and s < job.rows:  # in portions that are few enough for their deltas to stay in the cache
            part = c_rows_from(spec, job.space, s, min(job.rows - s, <Py_ssize_t>ROWS_AT_ONCE))
            part.back = c_back_of(job, thread)
            fresh = job.fresh and s == 0
            if update and s + part.rows == job.rows:
                c_update_rows(
                    spec, &part, job.optimizer, parameters, level, part.rows, first, stop, fresh, inverse, alpha
                )
            else:
                c_add_gradients(spec, &part, sums, level, part.rows, first, stop, fresh)
            if k == n - 1:
                c_add_bias_gradients(spec, &part, sums, level, part.rows, fresh)
            s += part.rows
        if update and not add:
            c_update_part(
                job.optimizer, start, (stop - first) * layer.width, parameters, sums + start, inverse, alpha
            )
        if update and k == n - 1 and spec.train_bias and spec.bias != NO_BIAS:
            n_bias = layer.width if spec.bias == PER_UNIT else 1
            c_update_part(job.optimizer, layer.bias, n_bias, parameters, sums + layer.bias, inverse, none)


cdef void c_part(const Job* job, Py_ssize_t k, Py_ssize_t n, Py_ssize_t thread) noexcept nogil:
    """The k-th of n parts of a job, done by one of the team's threads."""
    if job.tasks & (FORWARD | BACK):
        if job.spec.single:
            c_part_of_samples(job, k, n, thread, <float*>job.parameters)
        else:
            c_part_of_samples(job, k, n, thread, <double*>job.parameters)
    elif job.spec.single:
        c_part_of_rows(job, k, n, thread, <float*>job.parameters)
    else:
        c_part_of_rows(job, k, n, thread, <double*>job.parameters)


cdef void c_take_part(Team* team, Py_ssize_t thread) noexcept nogil:
    """One thread's own parts of the job, and then what the others have not yet begun."""
    cdef Py_ssize_t k, part, owner
    for k in range(team.n):
        owner = (thread + k) % team.n
        while True:
            part = backprop_add(&team.workers[owner].taken, 1)
            if part >= PARTS_EACH:
                break
            c_part(team.job, owner * PARTS_EACH + part, team.n * PARTS_EACH, thread)


cdef void c_run(Team* team, const Job* job) noexcept nogil:
    """All parts of a job."""
    cdef Py_ssize_t k
    if team.n == 1:
        c_part(job, 0, 1, 0)
        return
    team.job = job
    for k in range(team.n):
        team.workers[k].taken = 0
    for k in range(1, team.n):
        backprop_raise(&team.workers[k].go)
    c_take_part(team, 0)
    for k in range(1, team.n):
        backprop_wait(&team.workers[k].done)


cdef void c_work(void* argument) noexcept nogil:
    """A worker's life: its share of every job, until there is none."""
    cdef Worker* worker = <Worker*>argument
    while True:
        backprop_wait(&worker.go)
        if worker.team.job == NULL:
            return
        c_take_part(worker.team, worker.k)
        backprop_raise(&worker.done)


cdef class _Team:
    """The threads of one call, the caller's and others; fewer than wanted where the system has no more."""

    cdef Team team

    def __cinit__(self, Py_ssize_t n_threads):
        cdef Worker* worker
        self.team.n = 1
        self.team.workers = <Worker*>PyMem_RawCalloc(n_threads, sizeof(Worker))
        if self.team.workers == NULL:
            raise MemoryError
        while self.team.n < n_threads:
            worker = &self.team.workers[self.team.n]
            worker.team, worker.k = &self.team, self.team.n
            worker.thread.run, worker.thread.argument = c_work, worker
            if not (
                backprop_flag_make(&worker.go) and backprop_flag_make(&worker.done)
                and backprop_start(&worker.thread)
            ):
                free_flags(worker)
                return
            self.team.n += 1

    def __dealloc__(self):
        cdef Py_ssize_t k
        self.team.job = NULL
        for k in range(1, self.team.n):
            backprop_raise(&self.team.workers[k].go)
            backprop_join(&self.team.workers[k].thread)
            free_flags(&self.team.workers[k])
        PyMem_RawFree(self.team.workers)


cdef void free_flags(Worker* worker) noexcept:
    backprop_flag_free(&worker.go)
    backprop_flag_free(&worker.done)
