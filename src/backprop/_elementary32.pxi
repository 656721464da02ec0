# The functions for float32: `_elementary32.py`, operation by operation.
#
# Every literal in an expression is a float: beside a double one C computes in double and rounds too late.

from libc.math cimport INFINITY, NAN, copysignf, fabsf
from libc.stdint cimport int32_t, uint32_t

cdef union Bits32:
    float number
    uint32_t pattern

cdef float EXP_LOWEST_32 = -104.0
cdef float EXP_HIGHEST_32 = 89.0
cdef float EXPM1_LOWEST_32 = -20.0
cdef float LOGISTIC_REACH_32 = 87.0
cdef float MINUS_LOGISTIC_REACH_32 = -87.0
cdef float LOGISTIC_MOST_32 = 6.076030347399616e+37  # 1 + e^87, as the formula has it

cdef extern from *:
    """
    #define LOG2_E_32 1.44269502f
    #define LN2_HIGH_32 0.693145752f
    #define LN2_LOW_32 1.42860677e-06f
    #define ROUND_32 12582912.0f
    #define CENTRE_FROM_32 0.34375f
    #define CENTRE_TO_32 0.46875f
    #define CENTRE_32 0.375032783f
    #define CENTRE_EXPM1_32 0.455039114f
    #define Q0_32 0.49999994f
    #define Q1_32 0.166665211f
    #define Q2_32 0.041668389f
    #define Q3_32 0.00836871099f
    #define Q4_32 0.00138146162f
    #define E0_32 0.5f
    #define E1_32 0.166666657f
    #define E2_32 0.0416663624f
    #define E3_32 0.00833338965f
    #define E4_32 0.00139406184f
    #define E5_32 0.000198458642f
    #define EXPM1_LARGE_32 8.0f
    #define HALF_SQRT_PATTERN_32 0x3f3504f3U
    #define ONE_PATTERN_32 0x3f800000U
    #define MANTISSA_32 0x007fffffU
    #define SMALLEST_NORMAL_32 1.17549435e-38f
    #define UP_FROM_SUBNORMAL_32 33554432.0f /* 2^25 */
    #define L1_32 0.666667759f
    #define L2_32 0.399775743f
    #define L3_32 0.298709452f
    #define MINUS_25_32 (-25.0f)
    #define ZERO_32 0.0f
    #define HALF_32 0.5f
    #define ONE_32 1.0f
    #define TWO_32 2.0f
    """
    const float LOG2_E_32, LN2_HIGH_32, LN2_LOW_32, ROUND_32
    const float CENTRE_FROM_32, CENTRE_TO_32, CENTRE_32, CENTRE_EXPM1_32
    const float Q0_32, Q1_32, Q2_32, Q3_32, Q4_32
    const float E0_32, E1_32, E2_32, E3_32, E4_32, E5_32
    const float EXPM1_LARGE_32
    const uint32_t HALF_SQRT_PATTERN_32, ONE_PATTERN_32, MANTISSA_32
    const float SMALLEST_NORMAL_32, UP_FROM_SUBNORMAL_32
    const float L1_32, L2_32, L3_32
    const float MINUS_25_32, ZERO_32, HALF_32, ONE_32, TWO_32


cdef inline float c_power_of_two32(float shifted) noexcept nogil:
    """2^k from k + ROUND, whose lowest bits are k; k in -126..127."""
    cdef Bits32 bits
    bits.number = shifted
    bits.pattern = (bits.pattern + 127) << 23
    return bits.number


cdef inline float c_reduced_exp32(float x, float shifted) noexcept nogil:
    """t such that e^x = 2^k * (1 + t), where shifted = k + ROUND."""
    cdef float k = shifted - ROUND_32
    cdef float high = x - k * LN2_HIGH_32
    cdef float low = k * LN2_LOW_32
    cdef float r = high - low
    cdef float r2 = r * r
    cdef float a = (Q0_32 + Q1_32 * r) + r2 * ((Q2_32 + Q3_32 * r) + r2 * Q4_32)
    return high + (r2 * a - low)


cdef inline float c_exp32(float x) noexcept nogil:
    cdef float shifted, k, half_shifted, half, t
    x = EXP_LOWEST_32 if x < EXP_LOWEST_32 else x  # in this order a NaN stays a NaN
    x = EXP_HIGHEST_32 if x > EXP_HIGHEST_32 else x
    shifted = x * LOG2_E_32 + ROUND_32
    t = c_reduced_exp32(x, shifted)
    k = shifted - ROUND_32
    half_shifted = k * HALF_32 + ROUND_32
    half = half_shifted - ROUND_32
    return ((ONE_32 + t) * c_power_of_two32(half_shifted)) * c_power_of_two32((k - half) + ROUND_32)


cdef inline float c_expm1_32(float x) noexcept nogil:
    cdef float centre, shifted, k, high, low, r, r2, a, small, t, power, large, result
    x = EXPM1_LOWEST_32 if x < EXPM1_LOWEST_32 else x
    x = EXP_HIGHEST_32 if x > EXP_HIGHEST_32 else x
    centre = CENTRE_32 if x > CENTRE_FROM_32 else ZERO_32
    centre = centre if x < CENTRE_TO_32 else ZERO_32
    x = x - centre
    shifted = x * LOG2_E_32 + ROUND_32
    k = shifted - ROUND_32
    high = x - k * LN2_HIGH_32
    low = k * LN2_LOW_32
    r = high - low
    r2 = r * r
    a = (E0_32 + E1_32 * r) + r2 * ((E2_32 + E3_32 * r) + r2 * (E4_32 + E5_32 * r))
    small = r2 * a - low
    t = high + small
    power = c_power_of_two32(shifted - ONE_32)
    large = (power + (power * high + (power * small - HALF_32))) * TWO_32
    result = ((power - HALF_32) + power * t) * TWO_32
    result = large if k > EXPM1_LARGE_32 else result
    result = t if k == ZERO_32 else result
    return CENTRE_EXPM1_32 + (t + CENTRE_EXPM1_32 * t) if centre > ZERO_32 else result


cdef inline float c_logistic32(float z) noexcept nogil:
    """The bounds are looked at beside the chain: beyond one, the divisor is what it is at it."""
    cdef float shifted = -z * LOG2_E_32 + ROUND_32
    cdef float t = c_reduced_exp32(-z, shifted)
    cdef float power = c_power_of_two32(shifted)
    cdef float divisor = (ONE_32 + power) + power * t
    divisor = LOGISTIC_MOST_32 if z < MINUS_LOGISTIC_REACH_32 else divisor
    divisor = ONE_32 if z > LOGISTIC_REACH_32 else divisor
    return ONE_32 / divisor


cdef inline float c_tanh32(float x) noexcept nogil:
    cdef float e = c_expm1_32(-TWO_32 * fabsf(x))
    return copysignf(-e / (e + TWO_32), x)


cdef inline float c_log_of32(float u, float k_before, float rest) noexcept nogil:
    """log(u * 2^k_before) + rest, for a u that is positive, finite and normal; anything for other numbers."""
    cdef Bits32 bits
    cdef float k, f, s, z, tail, half_square, small
    bits.number = u
    bits.pattern += ONE_PATTERN_32 - HALF_SQRT_PATTERN_32
    k = <float>(<int32_t>(bits.pattern >> 23) - 127) + k_before
    bits.pattern = (bits.pattern & MANTISSA_32) + HALF_SQRT_PATTERN_32
    f = bits.number - ONE_32
    s = f / (TWO_32 + f)
    z = s * s
    tail = z * ((L1_32 + L2_32 * z) + (z * z) * L3_32)
    half_square = (HALF_32 * f) * f
    small = half_square - (s * (half_square + tail) + (k * LN2_LOW_32 + rest))
    return k * LN2_HIGH_32 - (small - f)


cdef inline float c_log32(float x) noexcept nogil:
    cdef float u = x * UP_FROM_SUBNORMAL_32 if x < SMALLEST_NORMAL_32 else x
    cdef float k_before = MINUS_25_32 if x < SMALLEST_NORMAL_32 else ZERO_32
    cdef float result = c_log_of32(u, k_before, ZERO_32)
    result = x if x == INFINITY else result
    result = -INFINITY if x == ZERO_32 else result
    return result if x >= ZERO_32 else NAN


cdef inline float c_log1p32(float x) noexcept nogil:
    cdef float u = ONE_32 + x
    cdef float lost = x - (u - ONE_32) if x < ONE_32 else ONE_32 - (u - x)
    cdef float result = c_log_of32(u, ZERO_32, lost / u)
    result = x if x == INFINITY else result
    result = -INFINITY if x == -ONE_32 else result
    return result if x >= -ONE_32 else NAN


cdef inline float c_softplus32(float z) noexcept nogil:
    cdef float positive = z if z > ZERO_32 else ZERO_32
    return positive + c_log1p32(c_exp32(-fabsf(z)))
