"""The functions of `_elementary.py` for float32: the same steps, with constants and polynomials of their own.

Functions take and give `Single`, so every operation below is rounded to float32 once. `_elementary32.pxi` is
the same, operation by operation. Call them through `_elementary.py`, which picks by the type of the operand.
"""

from math import copysign, frexp, inf, ldexp, nan

from ._single import Single

LOG2_E = Single(1.44269502)
LN2_HIGH = Single(0.693145752)  # 15 bits, so that k * LN2_HIGH is exact
LN2_LOW = Single(1.42860677e-06)
ROUND = Single(12582912.0)  # 1.5 * 2^23

EXP_LOWEST, EXP_HIGHEST = Single(-104.0), Single(89.0)  # beyond these, e^x is 0 and infinity
EXPM1_LOWEST = Single(-20.0)  # below this, e^x - 1 is -1
EXPM1_LARGE = Single(8.0)  # above this k, the 1 is taken from a small part of the result
CENTRE_FROM, CENTRE_TO = Single(0.34375), Single(0.46875)
CENTRE = Single(0.375032783)
CENTRE_EXPM1 = Single(0.455039114)
LOGISTIC_REACH = Single(87.0)  # beyond this the logistic saturates: 1.6e-38 and 1

# e^r = 1 + r + r^2 * (Q0 + Q1 r + ... + Q4 r^4) for |r| <= ln(2)/2
Q0 = Single(0.49999994)
Q1 = Single(0.166665211)
Q2 = Single(0.041668389)
Q3 = Single(0.00836871099)
Q4 = Single(0.00138146162)

# The same with one coefficient more, its error small beside e^r - 1 and not only beside e^r: for expm1
E0 = Single(0.5)
E1 = Single(0.166666657)
E2 = Single(0.0416663624)
E3 = Single(0.00833338965)
E4 = Single(0.00139406184)
E5 = Single(0.000198458642)

# log(1+f) = 2s + s*z*(L1 + L2 z + L3 z^2), s = f/(2+f), z = s^2, for 1+f in [sqrt(1/2), sqrt(2))
HALF_SQRT = Single(0.707106769)  # where the mantissa is cut
L1 = Single(0.666667759)
L2 = Single(0.399775743)
L3 = Single(0.298709452)


def _reduced_exp(x: Single) -> tuple[Single, Single]:
    """The pair k, t such that e^x = 2^k * (1 + t), for a finite x; k is whole, |t| below 0.415."""
    k = (x * LOG2_E + ROUND) - ROUND
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    r2 = r * r
    a = (Q0 + Q1 * r) + r2 * ((Q2 + Q3 * r) + r2 * Q4)
    return k, high + (r2 * a - low)


def exp(x: Single) -> Single:
    """e^x."""
    if x != x:
        return x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    k, t = _reduced_exp(x)
    half = (k * 0.5 + ROUND) - ROUND
    return ((1.0 + t) * ldexp(1.0, int(half))) * ldexp(1.0, int(k - half))


def expm1(x: Single) -> Single:
    """e^x - 1."""
    if x != x:
        return x
    x = EXPM1_LOWEST if x < EXPM1_LOWEST else x
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    central = CENTRE_FROM < x < CENTRE_TO
    x = x - CENTRE if central else x
    k = (x * LOG2_E + ROUND) - ROUND
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    r2 = r * r
    a = (E0 + E1 * r) + r2 * ((E2 + E3 * r) + r2 * (E4 + E5 * r))
    small = r2 * a - low
    t = high + small
    if central:
        return CENTRE_EXPM1 + (t + CENTRE_EXPM1 * t)
    if k == 0.0:
        return t
    power = Single(ldexp(1.0, int(k) - 1))
    if k > EXPM1_LARGE:
        return (power + (power * high + (power * small - 0.5))) * 2.0
    return ((power - 0.5) + power * t) * 2.0


def logistic(z: Single) -> Single:
    """1 / (1 + e^-z), saturating at |z| = 87."""
    if z != z:
        return z
    z = -LOGISTIC_REACH if z < -LOGISTIC_REACH else z
    z = LOGISTIC_REACH if z > LOGISTIC_REACH else z
    k, t = _reduced_exp(-z)
    power = Single(ldexp(1.0, int(k)))
    return 1.0 / ((1.0 + power) + power * t)


def tanh(x: Single) -> Single:
    """The hyperbolic tangent, -e/(e+2) with e = e^(-2|x|) - 1, and x's sign."""
    e = expm1(-2.0 * abs(x))
    return Single(copysign(-e / (e + 2.0), x))


def _log_of(u: Single, rest: Single) -> Single:
    """log(u) + rest, for a u that is positive and finite, and a rest of at most a rounding of u over u."""
    mantissa, exponent = frexp(u)
    m = Single(mantissa)
    k = Single(exponent)
    if m < HALF_SQRT:
        m = m + m
        k = k - 1.0
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    tail = z * ((L1 + L2 * z) + (z * z) * L3)
    half_square = (0.5 * f) * f
    small = half_square - (s * (half_square + tail) + (k * LN2_LOW + rest))
    return k * LN2_HIGH - (small - f)


def log(x: Single) -> Single:
    """The natural logarithm: -inf at 0, NaN below, inf at inf."""
    if x != x or x < 0.0:
        return Single(nan)
    if x == 0.0:
        return Single(-inf)
    if x == inf:
        return x
    return _log_of(x, Single(0.0))


def log1p(x: Single) -> Single:
    """log(1 + x): -inf at -1, NaN below, inf at inf."""
    if x != x or x < -1.0:
        return Single(nan)
    if x == -1.0:
        return Single(-inf)
    if x == inf:
        return x
    u = 1.0 + x
    lost = x - (u - 1.0) if x < 1.0 else 1.0 - (u - x)
    return _log_of(u, lost / u)


def softplus(z: Single) -> Single:
    """log(1 + e^z)."""
    return (z if z > 0.0 else Single(0.0)) + log1p(exp(-abs(z)))
