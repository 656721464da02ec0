# exp, logistic and log1p of the compiled engine: `_elementary.py`, operation by operation.
#
# exp and logistic are branch-free, so that a loop around them vectorises. The clamps' bounds are module
# variables on purpose: with literal bounds gcc carries the constant through the whole polynomial and branches.

from libc.stdint cimport int64_t, uint64_t

cdef union Bits:
    double number
    uint64_t pattern

cdef double EXP_LOWEST = -746.0
cdef double EXP_HIGHEST = 710.0
cdef double LOGISTIC_REACH = 708.0
cdef double MINUS_LOGISTIC_REACH = -708.0

cdef extern from *:
    """
    #define LOG2_E 1.4426950408889634
    #define LN2_HIGH 0.6931471805601177
    #define LN2_LOW (-1.7239444525614835e-13)
    #define ROUND 6755399441055744.0
    #define Q0 0.5000000000000011
    #define Q1 0.16666666666666413
    #define Q2 0.041666666666530267
    #define Q3 0.008333333333494309
    #define Q4 0.0013888888943597501
    #define Q5 0.00019841269506821674
    #define Q6 2.480149313612561e-05
    #define Q7 2.7557586236448596e-06
    #define Q8 2.7630234007761434e-07
    #define Q9 2.5000080065490858e-08
    #define HALF_SQRT_PATTERN 0x3fe6a09e00000000ULL
    #define ONE_PATTERN 0x3ff0000000000000ULL
    #define MANTISSA 0x000fffffffffffffULL
    #define L1 0.6666666666666734
    #define L2 0.3999999999941638
    #define L3 0.2857142874201517
    #define L4 0.22222198610681831
    #define L5 0.18183562416162322
    #define L6 0.15314098429687012
    #define L7 0.1479548028677211
    """
    const double LOG2_E, LN2_HIGH, LN2_LOW, ROUND
    const double Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9
    const uint64_t HALF_SQRT_PATTERN, ONE_PATTERN, MANTISSA
    const double L1, L2, L3, L4, L5, L6, L7


cdef inline double c_power_of_two(double shifted) noexcept nogil:
    """2^k from k + ROUND, whose lowest bits are k; k in -1022..1023."""
    cdef Bits bits
    bits.number = shifted
    bits.pattern = (bits.pattern + 1023) << 52
    return bits.number


cdef inline double c_reduced_exp(double x, double shifted) noexcept nogil:
    """t such that e^x = 2^k * (1 + t), where shifted = k + ROUND."""
    cdef double k = shifted - ROUND
    cdef double high = x - k * LN2_HIGH
    cdef double low = k * LN2_LOW
    cdef double r = high - low
    cdef double r2 = r * r
    cdef double r4 = r2 * r2
    cdef double r6 = r4 * r2
    cdef double a = (Q0 + Q1 * r) + r2 * (Q2 + Q3 * r)
    cdef double b = ((Q4 + Q5 * r) + r2 * (Q6 + Q7 * r)) + r4 * (Q8 + Q9 * r)
    return high + ((r2 * a - low) + r6 * b)


cdef inline double c_exp(double x) noexcept nogil:
    cdef double shifted, k, half_shifted, half, t
    x = EXP_LOWEST if x < EXP_LOWEST else x  # in this order a NaN stays a NaN
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    shifted = x * LOG2_E + ROUND
    t = c_reduced_exp(x, shifted)
    k = shifted - ROUND
    half_shifted = k * 0.5 + ROUND
    half = half_shifted - ROUND
    return ((1.0 + t) * c_power_of_two(half_shifted)) * c_power_of_two((k - half) + ROUND)


cdef inline double c_logistic(double z) noexcept nogil:
    cdef double shifted, t, power
    z = MINUS_LOGISTIC_REACH if z < MINUS_LOGISTIC_REACH else z
    z = LOGISTIC_REACH if z > LOGISTIC_REACH else z
    z = -z
    shifted = z * LOG2_E + ROUND
    t = c_reduced_exp(z, shifted)
    power = c_power_of_two(shifted)
    return 1.0 / ((1.0 + power) + power * t)


cdef inline double c_log1p(double x) noexcept nogil:
    cdef Bits bits
    cdef double u, lost, k, f, s, z, z2, z4, tail, half_square, small
    if x != x or x < -1.0:
        return NAN
    if x == -1.0:
        return -INFINITY
    if x == INFINITY:
        return x
    u = 1.0 + x
    lost = x - (u - 1.0) if x < 1.0 else 1.0 - (u - x)
    bits.number = u
    bits.pattern += ONE_PATTERN - HALF_SQRT_PATTERN
    k = <double>(<int64_t>(bits.pattern >> 52) - 1023)
    bits.pattern = (bits.pattern & MANTISSA) + HALF_SQRT_PATTERN
    f = bits.number - 1.0
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    tail = z * (((L1 + L2 * z) + z2 * (L3 + L4 * z)) + z4 * ((L5 + L6 * z) + z2 * L7))
    half_square = (0.5 * f) * f
    small = half_square - (s * (half_square + tail) + (k * LN2_LOW + lost / u))
    return k * LN2_HIGH - (small - f)
