# The functions of the compiled engine: `_elementary.py`, operation by operation; here float64, then both dtypes.
#
# All are branch-free, so that a loop around them vectorises: both sides of a selection are computed. The clamps'
# bounds are module variables on purpose: with literal bounds gcc carries the constant through the whole polynomial
# and branches.

from libc.math cimport INFINITY, NAN, copysign, fabs
from libc.stdint cimport uint64_t

include "_elementary32.pxi"

cdef union Bits:
    double number
    uint64_t pattern

cdef double EXP_LOWEST = -746.0
cdef double EXP_HIGHEST = 710.0
cdef double EXPM1_LOWEST = -40.0
cdef double LOGISTIC_REACH = 708.0
cdef double MINUS_LOGISTIC_REACH = -708.0
cdef double LOGISTIC_MOST = 3.023383144276055e+307  # 1 + e^708, as the formula has it

cdef extern from *:
    """
    #define LOG2_E 1.4426950408889634
    #define LN2_HIGH 0.6931471805601177
    #define LN2_LOW (-1.7239444525614835e-13)
    #define ROUND 6755399441055744.0
    #define CENTRE_FROM 0.34375
    #define CENTRE_TO 0.46875
    #define CENTRE 0.3750000000000013
    #define CENTRE_EXPM1 0.4549914146182032
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
    #define E0 0.5
    #define E1 0.16666666666666677
    #define E2 0.04166666666666651
    #define E3 0.0083333333333217
    #define E4 0.0013888888888962307
    #define E5 0.00019841269885939301
    #define E6 2.4801587172624604e-05
    #define E7 2.7557244403866954e-06
    #define E8 2.7557402602636593e-07
    #define E9 2.5108967617906928e-08
    #define E10 2.0875332324400193e-09
    #define EXPM1_LARGE 8.0
    #define HALF_SQRT_PATTERN 0x3fe6a09e00000000ULL
    #define ONE_PATTERN 0x3ff0000000000000ULL
    #define MANTISSA 0x000fffffffffffffULL
    #define INTEGER_PATTERN 0x4330000000000000ULL /* 2^52 + n has n in its lowest bits */
    #define INTEGER_BIAS 4503599627371519.0 /* 2^52 + 1023 */
    #define SMALLEST_NORMAL 2.2250738585072014e-308
    #define UP_FROM_SUBNORMAL 18014398509481984.0 /* 2^54 */
    #define L1 0.6666666666666734
    #define L2 0.3999999999941638
    #define L3 0.2857142874201517
    #define L4 0.22222198610681831
    #define L5 0.18183562416162322
    #define L6 0.15314098429687012
    #define L7 0.1479548028677211
    """
    const double LOG2_E, LN2_HIGH, LN2_LOW, ROUND
    const double CENTRE_FROM, CENTRE_TO, CENTRE, CENTRE_EXPM1
    const double Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8, Q9
    const double E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10
    const double EXPM1_LARGE
    const uint64_t HALF_SQRT_PATTERN, ONE_PATTERN, MANTISSA, INTEGER_PATTERN
    const double INTEGER_BIAS, SMALLEST_NORMAL, UP_FROM_SUBNORMAL
    const double L1, L2, L3, L4, L5, L6, L7


cdef inline double c_power_of_two64(double shifted) noexcept nogil:
    """2^k from k + ROUND, whose lowest bits are k; k in -1022..1023."""
    cdef Bits bits
    bits.number = shifted
    bits.pattern = (bits.pattern + 1023) << 52
    return bits.number


cdef inline double c_reduced_exp64(double x, double shifted) noexcept nogil:
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


cdef inline double c_exp64(double x) noexcept nogil:
    cdef double shifted, k, half_shifted, half, t
    x = EXP_LOWEST if x < EXP_LOWEST else x  # in this order a NaN stays a NaN
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    shifted = x * LOG2_E + ROUND
    t = c_reduced_exp64(x, shifted)
    k = shifted - ROUND
    half_shifted = k * 0.5 + ROUND
    half = half_shifted - ROUND
    return ((1.0 + t) * c_power_of_two64(half_shifted)) * c_power_of_two64((k - half) + ROUND)


cdef inline double c_expm1_64(double x) noexcept nogil:
    cdef double centre, shifted, k, high, low, r, r2, r4, r6, a, b, small, t, power, large, result
    x = EXPM1_LOWEST if x < EXPM1_LOWEST else x
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    centre = CENTRE if x > CENTRE_FROM else 0.0
    centre = centre if x < CENTRE_TO else 0.0
    x = x - centre
    shifted = x * LOG2_E + ROUND
    k = shifted - ROUND
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    r2 = r * r
    r4 = r2 * r2
    r6 = r4 * r2
    a = (E0 + E1 * r) + r2 * (E2 + E3 * r)
    b = ((E4 + E5 * r) + r2 * (E6 + E7 * r)) + r4 * ((E8 + E9 * r) + r2 * E10)
    small = (r2 * a - low) + r6 * b
    t = high + small
    power = c_power_of_two64(shifted - 1.0)
    large = (power + (power * high + (power * small - 0.5))) * 2.0
    result = ((power - 0.5) + power * t) * 2.0
    result = large if k > EXPM1_LARGE else result
    result = t if k == 0.0 else result
    return CENTRE_EXPM1 + (t + CENTRE_EXPM1 * t) if centre > 0.0 else result


cdef inline double c_logistic64(double z) noexcept nogil:
    """The bounds are looked at beside the chain: beyond one, the divisor is what it is at it."""
    cdef double shifted = -z * LOG2_E + ROUND
    cdef double t = c_reduced_exp64(-z, shifted)
    cdef double power = c_power_of_two64(shifted)
    cdef double divisor = (1.0 + power) + power * t
    divisor = LOGISTIC_MOST if z < MINUS_LOGISTIC_REACH else divisor
    divisor = 1.0 if z > LOGISTIC_REACH else divisor
    return 1.0 / divisor


cdef inline double c_tanh64(double x) noexcept nogil:
    cdef double e = c_expm1_64(-2.0 * fabs(x))
    return copysign(-e / (e + 2.0), x)


cdef inline double c_log_of64(double u, double k_before, double rest) noexcept nogil:
    """log(u * 2^k_before) + rest, for a u that is positive, finite and normal; anything for other numbers."""
    cdef Bits bits, exponent
    cdef double k, f, s, z, z2, z4, tail, half_square, small
    bits.number = u
    bits.pattern += ONE_PATTERN - HALF_SQRT_PATTERN
    exponent.pattern = (bits.pattern >> 52) | INTEGER_PATTERN
    k = (exponent.number - INTEGER_BIAS) + k_before
    bits.pattern = (bits.pattern & MANTISSA) + HALF_SQRT_PATTERN
    f = bits.number - 1.0
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    tail = z * (((L1 + L2 * z) + z2 * (L3 + L4 * z)) + z4 * ((L5 + L6 * z) + z2 * L7))
    half_square = (0.5 * f) * f
    small = half_square - (s * (half_square + tail) + (k * LN2_LOW + rest))
    return k * LN2_HIGH - (small - f)


cdef inline double c_log64(double x) noexcept nogil:
    cdef double u = x * UP_FROM_SUBNORMAL if x < SMALLEST_NORMAL else x
    cdef double k_before = -54.0 if x < SMALLEST_NORMAL else 0.0
    cdef double result = c_log_of64(u, k_before, 0.0)
    result = x if x == INFINITY else result
    result = -INFINITY if x == 0.0 else result
    return result if x >= 0.0 else NAN


cdef inline double c_log1p64(double x) noexcept nogil:
    cdef double u = 1.0 + x
    cdef double lost = x - (u - 1.0) if x < 1.0 else 1.0 - (u - x)
    cdef double result = c_log_of64(u, 0.0, lost / u)
    result = x if x == INFINITY else result
    result = -INFINITY if x == -1.0 else result
    return result if x >= -1.0 else NAN


cdef inline double c_softplus64(double z) noexcept nogil:
    return (z if z > 0.0 else 0.0) + c_log1p64(c_exp64(-fabs(z)))


# ---- the same names for both dtypes ------------------------------------------------------------------------

ctypedef fused real:
    float
    double


cdef inline real c_exp(real x) noexcept nogil:
    return c_exp32(x) if real is float else c_exp64(x)


cdef inline real c_expm1(real x) noexcept nogil:
    return c_expm1_32(x) if real is float else c_expm1_64(x)


cdef inline real c_log(real x) noexcept nogil:
    return c_log32(x) if real is float else c_log64(x)


cdef inline real c_log1p(real x) noexcept nogil:
    return c_log1p32(x) if real is float else c_log1p64(x)


cdef inline real c_logistic(real z) noexcept nogil:
    return c_logistic32(z) if real is float else c_logistic64(z)


cdef inline real c_tanh(real x) noexcept nogil:
    return c_tanh32(x) if real is float else c_tanh64(x)


cdef inline real c_softplus(real z) noexcept nogil:
    return c_softplus32(z) if real is float else c_softplus64(z)


cdef enum Function:
    EXP_FUNCTION
    EXPM1_FUNCTION
    LOG_FUNCTION
    LOG1P_FUNCTION
    LOGISTIC_FUNCTION
    TANH_FUNCTION
    SOFTPLUS_FUNCTION


cdef void c_apply(Function function, Py_ssize_t n, const real* values, real* out) noexcept nogil:
    """One function of each number. `out` may be `values`."""
    cdef Py_ssize_t k
    if function == EXP_FUNCTION:
        for k in range(n):
            out[k] = c_exp(values[k])
    elif function == EXPM1_FUNCTION:
        for k in range(n):
            out[k] = c_expm1(values[k])
    elif function == LOG_FUNCTION:
        for k in range(n):
            out[k] = c_log(values[k])
    elif function == LOG1P_FUNCTION:
        for k in range(n):
            out[k] = c_log1p(values[k])
    elif function == LOGISTIC_FUNCTION:
        for k in range(n):
            out[k] = c_logistic(values[k])
    elif function == TANH_FUNCTION:
        for k in range(n):
            out[k] = c_tanh(values[k])
    else:  # SOFTPLUS_FUNCTION
        for k in range(n):
            out[k] = c_softplus(values[k])
