"""The package's own exp, expm1, log, log1p, logistic, tanh and softplus, in plain Python.

The C library's functions differ between systems and versions and cannot be vectorised portably, so both
engines compute these instead: additions, multiplications, divisions, comparisons and scaling by powers of
two, each rounded once, in the order written here. `_elementary.pxi` is the same, operation by operation;
docs/arithmetic.md gives the derivation and the measured accuracy.

A float gives the float64 function, written here, and a `Single` the float32 one of `_elementary32.py`.
`tools/derive_coefficients.py` finds the coefficients.
"""

import math
from collections.abc import Callable
from math import copysign, frexp, inf, ldexp, nan

from . import _elementary32
from ._single import Single

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471805601177  # 41 bits, so that k * LN2_HIGH is exact
LN2_LOW = -1.7239444525614835e-13
ROUND = 6755399441055744.0  # 1.5 * 2^52: (x + ROUND) - ROUND rounds x to an integer, ties to even

EXP_LOWEST, EXP_HIGHEST = -746.0, 710.0  # beyond these, e^x is 0 and infinity
EXPM1_LOWEST = -40.0  # below this, e^x - 1 is -1
EXPM1_LARGE = 8.0  # above this k the 1 is taken from a small part of the result
# Between these k would be 1 and 2*(0.5 + t) so small that t's rounding showed: e^x - 1 = V + (1 + V)*(e^d - 1)
# instead, d = x - CENTRE, V = e^CENTRE - 1, which is very nearly a float64 number.
CENTRE_FROM, CENTRE_TO = 0.34375, 0.46875
CENTRE = 0.3750000000000013
CENTRE_EXPM1 = 0.4549914146182032
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

# The same with one coefficient more, its error small beside e^r - 1 and not only beside e^r: for expm1
E0 = 0.5
E1 = 0.16666666666666677
E2 = 0.04166666666666651
E3 = 0.0083333333333217
E4 = 0.0013888888888962307
E5 = 0.00019841269885939301
E6 = 2.4801587172624604e-05
E7 = 2.7557244403866954e-06
E8 = 2.7557402602636593e-07
E9 = 2.5108967617906928e-08
E10 = 2.0875332324400193e-09

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
    if type(x) is Single:
        return _elementary32.exp(x)
    if x != x:
        return x
    x = EXP_LOWEST if x < EXP_LOWEST else x
    x = EXP_HIGHEST if x > EXP_HIGHEST else x
    k, t = _reduced_exp(x)
    half = (k * 0.5 + ROUND) - ROUND  # 2^k itself may be out of range, its two halves are not
    return ((1.0 + t) * ldexp(1.0, int(half))) * ldexp(1.0, int(k - half))


def expm1(x: float) -> float:
    """e^x - 1. -1 at -inf, inf at inf; expm1(-0.0) is +0.0."""
    if type(x) is Single:
        return _elementary32.expm1(x)
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
    r4 = r2 * r2
    r6 = r4 * r2
    a = (E0 + E1 * r) + r2 * (E2 + E3 * r)
    b = ((E4 + E5 * r) + r2 * (E6 + E7 * r)) + r4 * ((E8 + E9 * r) + r2 * E10)
    small = (r2 * a - low) + r6 * b
    t = high + small
    if central:
        return CENTRE_EXPM1 + (t + CENTRE_EXPM1 * t)
    if k == 0.0:
        return t
    power = ldexp(1.0, int(k) - 1)  # half of 2^k, which itself may be out of range
    if k > EXPM1_LARGE:
        return (power + (power * high + (power * small - 0.5))) * 2.0
    return ((power - 0.5) + power * t) * 2.0


def logistic(z: float) -> float:
    """1 / (1 + e^-z), saturating at |z| = 708. Never 0, never above 1."""
    if type(z) is Single:
        return _elementary32.logistic(z)
    if z != z:
        return z
    z = -LOGISTIC_REACH if z < -LOGISTIC_REACH else z
    z = LOGISTIC_REACH if z > LOGISTIC_REACH else z
    k, t = _reduced_exp(-z)
    power = ldexp(1.0, int(k))
    return 1.0 / ((1.0 + power) + power * t)


def tanh(x: float) -> float:
    """The hyperbolic tangent, -e/(e+2) with e = e^(-2|x|) - 1, and x's sign: tanh(-0.0) is -0.0."""
    if type(x) is Single:
        return _elementary32.tanh(x)
    e = expm1(-2.0 * abs(x))
    return copysign(-e / (e + 2.0), x)


def _log_of(u: float, rest: float) -> float:
    """log(u) + rest, for a u that is positive and finite, and a rest of at most a rounding of u over u."""
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
    small = half_square - (s * (half_square + tail) + (k * LN2_LOW + rest))
    return k * LN2_HIGH - (small - f)


def log(x: float) -> float:
    """The natural logarithm: -inf at 0, NaN below, inf at inf."""
    if type(x) is Single:
        return _elementary32.log(x)
    if x != x or x < 0.0:
        return nan
    if x == 0.0:
        return -inf
    if x == inf:
        return inf
    return _log_of(x, 0.0)


def log1p(x: float) -> float:
    """log(1 + x). -inf at -1, NaN below, inf at inf; log1p(-0.0) is +0.0."""
    if type(x) is Single:
        return _elementary32.log1p(x)
    if x != x or x < -1.0:
        return nan
    if x == -1.0:
        return -inf
    if x == inf:
        return inf
    u = 1.0 + x
    lost = x - (u - 1.0) if x < 1.0 else 1.0 - (u - x)  # what rounding u lost, exactly
    return _log_of(u, lost / u)


def softplus(z: float) -> float:
    """log(1 + e^z), in a form that neither overflows nor cancels."""
    if type(z) is Single:
        return _elementary32.softplus(z)
    return (z if z > 0.0 else 0.0) + log1p(exp(-abs(z)))


def sqrt(x: float) -> float:
    """The square root, rounded once; IEEE-754 demands that, so the C library's will do."""
    return Single(math.sqrt(x)) if type(x) is Single else math.sqrt(x)


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "logistic": logistic,
    "tanh": tanh,
    "softplus": softplus,
}
