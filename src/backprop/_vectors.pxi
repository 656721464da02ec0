# What depends on the instruction set and the compiler: how long vectors are, how large blocks of them, and the few
# operations that C has no words for.

cdef extern from *:
    """
    /* Sizes must be constants by the time the compiler looks at a loop. */
    #if defined(__GNUC__) || defined(__clang__)
    #undef CYTHON_INLINE
    #define CYTHON_INLINE inline __attribute__((always_inline))
    #endif

    #if defined(__AVX512F__)
    #define BLOCK_ROWS 8
    #define BLOCK_BYTES 128 /* columns of a block: 8 rows of 2 vectors are 16 of 32 registers */
    #define LINE_BYTES 256  /* columns of a block of one row */
    #elif defined(__AVX2__)
    #define BLOCK_ROWS 4
    #define BLOCK_BYTES 64  /* 4 rows of 2 vectors are 8 of 16 registers */
    #define LINE_BYTES 128
    #else
    #define BLOCK_ROWS 4
    #define BLOCK_BYTES 32
    #define LINE_BYTES 64
    #endif

    #if defined(__AVX512F__) && defined(__GNUC__) && !defined(__clang__)
    /* Within another function such a one would get that one's vectors. */
    #define WIDELY __attribute__((target("prefer-vector-width=512"), noinline)) int
    #elif defined(__GNUC__) || defined(__clang__)
    #define WIDELY __attribute__((noinline)) int
    #else
    #define WIDELY int
    #endif
    """
    const Py_ssize_t BLOCK_ROWS, BLOCK_BYTES, LINE_BYTES
    ctypedef int widely "WIDELY"  # returned by kernels with the longest vectors, functions of their own

cdef enum:
    VECTOR_BYTES = 32          # the facade pads every width to whole vectors
    MOST_LANES = 8             # numbers in such a vector, at most: float32
    WIDE_BYTES = 256           # of a layer whose functions are computed in the longest vectors
    MOST_COLUMNS = 32          # of a block: 128 bytes of float32
    MOST_NARROW = 12           # units of a layer whose gradients have the units below side by side
    MOST_FEW = 32              # units of a layer whose weights are turned on the way back, and not the deltas
    MOST_LINE = 64             # of a block of one row: 256 bytes of float32
    MOST_MORE = 16             # and what goes with it: two vectors


cdef inline Py_ssize_t whole_vectors(Py_ssize_t width, size_t item) noexcept nogil:
    """`width` itself, said so that the compiler sees that no loop over it leaves a remainder."""
    return width & ~<Py_ssize_t>(VECTOR_BYTES // item - 1)


cdef extern from *:
    """
    /* Four numbers of each of four rows, turned: the first of each row, the second of each, and so on. */
    #if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)
    #define BACKPROP_TURN(name, real, vector, size) \
        typedef real vector __attribute__((vector_size(size), aligned(sizeof(real)), may_alias)); \
        static CYTHON_INLINE void name( \
            const real* row, Py_ssize_t to_1, Py_ssize_t to_2, Py_ssize_t to_3, real* turned \
        ) { \
            vector a = *(const vector*)row, b = *(const vector*)(row + to_1); \
            vector c = *(const vector*)(row + to_2), d = *(const vector*)(row + to_3); \
            vector ab = __builtin_shufflevector(a, b, 0, 4, 2, 6); \
            vector cd = __builtin_shufflevector(c, d, 0, 4, 2, 6); \
            vector ba = __builtin_shufflevector(a, b, 1, 5, 3, 7); \
            vector dc = __builtin_shufflevector(c, d, 1, 5, 3, 7); \
            *(vector*)turned = __builtin_shufflevector(ab, cd, 0, 1, 4, 5); \
            *(vector*)(turned + 4) = __builtin_shufflevector(ba, dc, 0, 1, 4, 5); \
            *(vector*)(turned + 8) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7); \
            *(vector*)(turned + 12) = __builtin_shufflevector(ba, dc, 2, 3, 6, 7); \
        }
    #else
    #define BACKPROP_TURN(name, real, vector, size) \
        static CYTHON_INLINE void name( \
            const real* row, Py_ssize_t to_1, Py_ssize_t to_2, Py_ssize_t to_3, real* turned \
        ) { \
            int k; \
            for (k = 0; k < 4; k++) { \
                turned[4 * k] = row[k]; \
                turned[4 * k + 1] = row[to_1 + k]; \
                turned[4 * k + 2] = row[to_2 + k]; \
                turned[4 * k + 3] = row[to_3 + k]; \
            } \
        }
    #endif
    BACKPROP_TURN(backprop_turn64, double, backprop_four64, 32)
    BACKPROP_TURN(backprop_turn32, float, backprop_four32, 16)

    /* The same of eight rows, where vectors have room for eight numbers. */
    #if defined(__AVX512F__) && (defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12))
    #define EIGHT_AT_ONCE 1
    #define BACKPROP_TURN_EIGHT(name, real, four, vector, size) \
        typedef real vector __attribute__((vector_size(size), aligned(sizeof(real)), may_alias)); \
        static CYTHON_INLINE vector name##_pair(const real* row, Py_ssize_t to_other) { \
            four a = *(const four*)row, b = *(const four*)(row + to_other); \
            return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7); \
        } \
        static CYTHON_INLINE void name(const real* row, Py_ssize_t width, real* turned) { \
            vector a = name##_pair(row, 4 * width), b = name##_pair(row + width, 4 * width); \
            vector c = name##_pair(row + 2 * width, 4 * width), d = name##_pair(row + 3 * width, 4 * width); \
            vector ab = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14); \
            vector cd = __builtin_shufflevector(c, d, 0, 8, 2, 10, 4, 12, 6, 14); \
            vector ba = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15); \
            vector dc = __builtin_shufflevector(c, d, 1, 9, 3, 11, 5, 13, 7, 15); \
            *(vector*)turned = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13); \
            *(vector*)(turned + 8) = __builtin_shufflevector(ba, dc, 0, 1, 8, 9, 4, 5, 12, 13); \
            *(vector*)(turned + 16) = __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15); \
            *(vector*)(turned + 24) = __builtin_shufflevector(ba, dc, 2, 3, 10, 11, 6, 7, 14, 15); \
        }
    BACKPROP_TURN_EIGHT(backprop_turn64_eight, double, backprop_four64, backprop_eight64, 64)
    BACKPROP_TURN_EIGHT(backprop_turn32_eight, float, backprop_four32, backprop_eight32, 32)
    #else
    #define EIGHT_AT_ONCE 0
    static void backprop_turn64_eight(const double* row, Py_ssize_t width, double* turned) {}
    static void backprop_turn32_eight(const float* row, Py_ssize_t width, float* turned) {}
    #endif
    """
    const bint EIGHT_AT_ONCE
    void backprop_turn64(const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*) noexcept nogil
    void backprop_turn32(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*) noexcept nogil
    void backprop_turn64_eight(const double*, Py_ssize_t, double*) noexcept nogil
    void backprop_turn32_eight(const float*, Py_ssize_t, float*) noexcept nogil


cdef extern from *:
    """
    /* Where the numbers are not 0, in order; and the largest of them without its sign, NaN if there is one. */
    #if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__x86_64__)
    #include <immintrin.h>
    #define LISTS_EIGHT_AT_ONCE 1
    #define BACKPROP_LIST(name, real, pattern, vector, load, test, most, and, every, store) \
        static Py_ssize_t name(Py_ssize_t n, const real* values, Py_ssize_t* found, real* largest_out) { \
            const vector unsigned_bits = every(~(pattern)0 >> 1); \
            vector largest = every(0); \
            __m512i places = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0); \
            pattern patterns[8], greatest = 0, bits; \
            Py_ssize_t i = 0, k, count = 0; \
            for (; i + 8 <= n; i += 8) { \
                vector eight = load((const void*)(values + i)); \
                __mmask8 there = test(eight, unsigned_bits); \
                _mm512_storeu_si512(found + count, _mm512_maskz_compress_epi64(there, places)); \
                count += __builtin_popcount(there); \
                largest = most(largest, and(eight, unsigned_bits)); \
                places = _mm512_add_epi64(places, _mm512_set1_epi64(8)); \
            } \
            store((void*)patterns, largest); \
            for (k = 0; k < 8; k++) \
                greatest = patterns[k] > greatest ? patterns[k] : greatest; \
            for (; i < n; i++) { \
                memcpy(&bits, values + i, sizeof(bits)); \
                bits &= ~(pattern)0 >> 1; \
                found[count] = i; \
                count += bits != 0; \
                greatest = bits > greatest ? bits : greatest; \
            } \
            memcpy(largest_out, &greatest, sizeof(greatest)); \
            return count; \
        }
    BACKPROP_LIST(backprop_list64, double, uint64_t, __m512i, _mm512_loadu_si512, _mm512_test_epi64_mask, \
                  _mm512_max_epu64, _mm512_and_si512, _mm512_set1_epi64, _mm512_storeu_si512)
    BACKPROP_LIST(backprop_list32, float, uint32_t, __m256i, _mm256_loadu_si256, _mm256_test_epi32_mask, \
                  _mm256_max_epu32, _mm256_and_si256, _mm256_set1_epi32, _mm256_storeu_si256)
    #else
    #define LISTS_EIGHT_AT_ONCE 0
    static Py_ssize_t backprop_list64(Py_ssize_t n, const double* values, Py_ssize_t* found, double* largest) {
        return 0;
    }
    static Py_ssize_t backprop_list32(Py_ssize_t n, const float* values, Py_ssize_t* found, float* largest) {
        return 0;
    }
    #endif
    """
    const bint LISTS_EIGHT_AT_ONCE
    Py_ssize_t backprop_list64(Py_ssize_t, const double*, Py_ssize_t*, double*) noexcept nogil
    Py_ssize_t backprop_list32(Py_ssize_t, const float*, Py_ssize_t*, float*) noexcept nogil
