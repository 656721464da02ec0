"""The package's own exp, logistic and log1p, in plain Python floats.

The C library's functions differ between systems and versions and cannot be vectorised portably, so both
engines compute these instead: additions, multiplications, divisions, comparisons and scaling by powers of
two, each rounded once, in the order written here. `_elementary.pxi` is the same, operation by operation;
docs/arithmetic.md gives the derivation and the measured accuracy.

`tools/derive_coefficients.py` finds the coefficients.
"""

from math import frexp, inf, ldexp, nan

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471805601177  # 41 bits, so that k * LN2_HIGH is exact
LN2_LOW = -1.7239444525614835e-13
ROUND = 6755399441055744.0  # 1.5 * 2^52: (x + ROUND) - ROUND rounds x to an integer, ties to even

EXP_LOWEST, EXP_HIGHEST = -746.0, 710.0  # beyond these, e^x is 0 and infinity
LOGISTIC_REACH = 708.0  # beyond this the logistic saturates: 3.3e-308 and 1

# e^r = 1 + r + r^2 * (Q0 + Q1 r + ... + Q9 r^9) for |r| <= ln(2)/2
Q0 = 0.5000000000000011
Q1 = 0.16666666666666413
Q2 = 0.041666666666530267
Q3 = 0.008333333333494309
Q4 = 0.0013888888943597501
Q5 = 0.00019841269506821674
Q6 = 2.480149313612561e-05
Q7 = 2.7557586236448596e-06
Q8 = 2.7630234007761434e-07
Q9 = 2.5000080065490858e-08

# log(1+f) = 2s + s*z*(L1 + L2 z + ... + L7 z^6), s = f/(2+f), z = s^2, for 1+f in [sqrt(1/2), sqrt(2))
HALF_SQRT = 0.7071065902709961  # where the mantissa is cut: the upper 32 bits of sqrt(1/2)
L1 = 0.6666666666666734
L2 = 0.3999999999941638
L3 = 0.2857142874201517
L4 = 0.22222198610681831
L5 = 0.18183562416162322
L6 = 0.15314098429687012
L7 = 0.1479548028677211


def _reduced_exp(x: float) -> tuple[float, float]:
    """The pair k, t such that e^x = 2^k * (1 + t), for a finite x; k is whole, |t| below 0.415."""
    k = (x * LOG2_E + ROUND) - ROUND
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    r2 = r * r
    r4 = r2 * r2
    r6 = r4 * r2
    a = (Q0 + Q1 * r) + r2 * (Q2 + Q3 * r)
    b = ((Q4 + Q5 * r) + r2 * (Q6 + Q7 * r)) + r4 * (Q8 + Q9 * r)
    return k, high + ((r2 * a - low) + r6 * b)


def exp(x: float) -> float:
    """e^x. exp(-inf) is 0, exp(inf) is inf; results below 2^-1022 are rounded once, as subnormals."""
    if x != x:
        return x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    k, t = _reduced_exp(x)
    half = (k * 0.5 + ROUND) - ROUND  # 2^k itself may be out of range, its two halves are not
    return ((1.0 + t) * ldexp(1.0, int(half))) * ldexp(1.0, int(k - half))


def logistic(z: float) -> float:
    """1 / (1 + e^-z), saturating at |z| = 708. Never 0, never above 1."""
    if z != z:
        return z
    z = -LOGISTIC_REACH if z < -LOGISTIC_REACH else z
    z = LOGISTIC_REACH if z > LOGISTIC_REACH else z
    k, t = _reduced_exp(-z)
    power = ldexp(1.0, int(k))
    return 1.0 / ((1.0 + power) + power * t)


def log1p(x: float) -> float:
    """log(1 + x). -inf at -1, NaN below, inf at inf; log1p(-0.0) is +0.0."""
    if x != x or x < -1.0:
        return nan
    if x == -1.0:
        return -inf
    if x == inf:
        return inf
    u = 1.0 + x
    lost = x - (u - 1.0) if x < 1.0 else 1.0 - (u - x)  # what rounding u lost, exactly
    m, e = frexp(u)
    k = float(e)
    if m < HALF_SQRT:
        m = m + m
        k = k - 1.0
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    tail = z * (((L1 + L2 * z) + z2 * (L3 + L4 * z)) + z4 * ((L5 + L6 * z) + z2 * L7))
    half_square = (0.5 * f) * f
    small = half_square - (s * (half_square + tail) + (k * LN2_LOW + lost / u))
    return k * LN2_HIGH - (small - f)
