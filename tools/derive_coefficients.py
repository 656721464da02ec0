"""Derive the constants of exp, log and their family: the polynomials by the Remez exchange.

The package's own functions (docs/arithmetic.md, section "Functions") rest on two minimax polynomials for each
dtype. This script finds them from nothing but mpmath, prints each coefficient rounded to the dtype, decimal and
hexadecimal, and the polynomial's error after that rounding. The numbers in `_elementary.py`,
`_elementary32.py`, their `.pxi` twins and docs/arithmetic.md are its output.

    python tools/derive_coefficients.py
"""

from collections.abc import Callable
from dataclasses import dataclass

from mpmath import mp, mpf

mp.prec = 240

Function = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Dtype:
    """A dtype, and what the functions need for it."""

    name: str
    bits: int  # of the mantissa
    high_bits: int  # of LN2_HIGH: with those of the largest k not more than `bits`
    exp_degree: int
    log_degree: int

    def rounded(self, value: mpf) -> float:
        """The nearest number of the dtype."""
        with mp.workprec(self.bits):
            return float(+value)

    def shown(self, value: float) -> str:
        """Decimal, with as many digits as bring it back, and hexadecimal."""
        return f"{repr(value) if self.bits == 53 else format(value, '.9g'):>26}  {value.hex()}"


DTYPES = (Dtype("float64", 53, 41, 9, 6), Dtype("float32", 24, 16, 4, 2))


def chebyshev_points(low: mpf, high: mpf, count: int) -> list[mpf]:
    """The `count` extrema of a Chebyshev polynomial on [low, high], ascending."""
    middle, half = (high + low) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * k / (count - 1)) for k in range(count)]


def remez(target: Function, weight: Function, low: mpf, high: mpf, degree: int, rounds: int = 12) -> list[mpf]:
    """Coefficients of the polynomial p that minimises max |weight(x) * (p(x) - target(x))|.

    Each round solves for p and the levelled error on the present points, then moves every point to the
    extremum of the error nearest to it (on a fine grid, refined by a parabola).
    """
    points = chebyshev_points(low, high, degree + 2)
    grid = chebyshev_points(low, high, 60 * (degree + 2))
    targets, weights = [target(x) for x in grid], [weight(x) for x in grid]
    coefficients: list[mpf] = []
    for _ in range(rounds):
        system = mp.matrix(degree + 2)
        right = mp.matrix(degree + 2, 1)
        for row, x in enumerate(points):
            for power in range(degree + 1):
                system[row, power] = x**power
            system[row, degree + 1] = mpf(-1) ** row / weight(x)
            right[row] = target(x)
        coefficients = list(mp.lu_solve(system, right))[: degree + 1]
        errors = [
            w * (mp.polyval(coefficients[::-1], x) - y) for x, y, w in zip(grid, targets, weights, strict=True)
        ]
        points = alternating_extrema(grid, errors, degree + 2)
    return coefficients


def alternating_extrema(grid: list[mpf], errors: list[mpf], count: int) -> list[mpf]:
    """The largest error of each run of equal sign: `count` points at which the error alternates."""
    best: list[tuple[mpf, mpf]] = []
    for x, error in zip(grid, errors, strict=True):
        if best and (error > 0) == (best[-1][1] > 0):
            if abs(error) > abs(best[-1][1]):
                best[-1] = (x, error)
        else:
            best.append((x, error))
    while len(best) > count:
        best.pop(0 if abs(best[0][1]) < abs(best[-1][1]) else -1)
    if len(best) < count:
        raise ArithmeticError(f"the error alternates {len(best)} times, {count} are needed: refine the grid")
    return [x for x, _ in best]


def report(
    dtype: Dtype, name: str, coefficients: list[mpf], target: Function, weight: Function, low: mpf, high: mpf
) -> None:
    rounded = [dtype.rounded(c) for c in coefficients]
    print(f"\n{name}")
    for k, value in enumerate(rounded):
        print(f"  {k:2d}  {dtype.shown(value)}")
    exact = [mpf(c) for c in rounded]
    worst = max(
        abs(weight(x) * (mp.polyval(exact[::-1], x) - target(x))) for x in chebyshev_points(low, high, 3001)
    )
    print(f"  largest relative error of the function: 2^{float(mp.log(worst, 2)):.2f}")


def exp_tail(r: mpf) -> mpf:
    """(e^r - 1 - r) / r^2, by its series where the difference cancels."""
    if abs(r) < mpf(2) ** -20:
        return sum(r**k / mp.factorial(k + 2) for k in range(8))
    return (mp.expm1(r) - r) / r**2


def log_tail(z: mpf) -> mpf:
    """(log((1+s)/(1-s)) - 2s) / (s * s^2) with z = s^2: 2/3 + 2/5 z + 2/7 z^2 + ..."""
    return 2 * sum(z**k / (2 * k + 3) for k in range(90))


def split(dtype: Dtype, value: mpf) -> tuple[float, float]:
    """Value = high + low, `high` holding the leading bits only."""
    scale = mpf(2) ** (dtype.high_bits - 1 - int(mp.floor(mp.log(abs(value), 2))))
    high = mp.nint(value * scale) / scale
    return float(high), dtype.rounded(value - high)


def exp_centre(dtype: Dtype) -> tuple[float, float]:
    """The first number c of the dtype from 3/8 on whose e^c - 1 is one too, to a thousandth of an ulp."""
    scale = mpf(2) ** (dtype.bits + 1)  # both lie in [1/4, 1/2)
    n = scale * 3 / 8
    while True:
        scaled = mp.expm1(n / scale) * scale
        if abs(scaled - mp.nint(scaled)) < mpf(2) ** -10:
            return float(n / scale), float(mp.nint(scaled) / scale)
        n += 1


def exp_weight(r: mpf) -> mpf:
    return r**2 / mp.exp(r)


def expm1_weight(r: mpf) -> mpf:
    return abs(r**2 / mp.expm1(r)) if r else mpf(0)


def log_weight(z: mpf) -> mpf:
    s = mp.sqrt(z)
    return s * z / (2 * mp.atanh(s)) if s else mpf(0)


def derive(dtype: Dtype) -> None:
    print(f"\n==== {dtype.name}")
    ln2 = mp.log(2)
    constants = [("log2(e)", dtype.rounded(1 / ln2)), ("sqrt(1/2)", dtype.rounded(mp.sqrt(mpf(1) / 2)))]
    constants += zip(("ln2 high", "ln2 low"), split(dtype, ln2), strict=True)
    constants += zip(("centre", "e^centre - 1"), exp_centre(dtype), strict=True)
    for name, value in constants:
        print(f"{name:13} {dtype.shown(value)}")

    tiny = mpf(2) ** (-60 if dtype.bits == 53 else -40)  # keeps the weights above 0
    # The reduced argument reaches a little past ln2/2, because k is found with a rounded product.
    reach = ln2 / 2 * (1 + mpf(2) ** (-30 if dtype.bits == 53 else -16))
    exp_q = remez(exp_tail, lambda r: exp_weight(r) + tiny, -reach, reach, dtype.exp_degree)
    report(dtype, "exp: e^r = 1 + r + r^2 * (q0 + q1 r + ...)", exp_q, exp_tail, exp_weight, -reach, reach)

    exp_e = remez(exp_tail, lambda r: expm1_weight(r) + tiny, -reach, reach, dtype.exp_degree + 1)
    report(dtype, "expm1: e^r = 1 + r + r^2 * (e0 + e1 r + ...)", exp_e, exp_tail, expm1_weight, -reach, reach)

    # 1 + f in [sqrt(1/2), sqrt(2)) and s = f/(2+f) give z = s^2 <= (3 - 2 sqrt(2))^2, and a little more for the
    # rounding of the cut.
    top = (3 - 2 * mp.sqrt(2)) ** 2 * (1 + mpf(2) ** -18)
    log_l = remez(log_tail, lambda z: log_weight(z) + tiny, mpf(0), top, dtype.log_degree)
    report(dtype, "log: log(1+f) = 2s + s*z*(l1 + l2 z + ...)", log_l, log_tail, log_weight, mpf(0), top)


def main() -> None:
    for dtype in DTYPES:
        derive(dtype)


if __name__ == "__main__":
    main()
