"""Derive the polynomial coefficients of exp and log1p by the Remez exchange.

The package's own functions (docs/arithmetic.md, section "Functions") rest on two minimax polynomials.
This script finds them from nothing but mpmath, prints each coefficient rounded to float64, decimal and
hexadecimal, and the polynomial's error after that rounding. The numbers in `_elementary.py`,
`_elementary.pxi` and docs/arithmetic.md are its output.

    python tools/derive_coefficients.py
"""

from collections.abc import Callable

from mpmath import mp, mpf

mp.prec = 240

Function = Callable[[mpf], mpf]


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
    name: str, first: int, coefficients: list[mpf], target: Function, weight: Function, low: mpf, high: mpf
) -> None:
    rounded = [float(c) for c in coefficients]
    print(f"\n{name}")
    for k, value in enumerate(rounded, first):
        print(f"  {k:2d}  {value!r:>26}  {value.hex()}")
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


def split(value: mpf, bits: int) -> tuple[float, float]:
    """Value = high + low, `high` holding the leading `bits` bits only."""
    scale = mpf(2) ** (bits - 1 - int(mp.floor(mp.log(abs(value), 2))))
    high = mp.nint(value * scale) / scale
    return float(high), float(value - high)


def main() -> None:
    ln2 = mp.log(2)
    print("log2(e)  ", repr(float(1 / ln2)), float(1 / ln2).hex())
    for name, part in zip(("ln2 high ", "ln2 low  "), split(ln2, 41), strict=True):
        print(name, repr(part), part.hex())

    # The reduced argument reaches a little past ln2/2, because k is found with a rounded product.
    reach = ln2 / 2 * (1 + mpf(2) ** -30)

    def exp_weight(r: mpf) -> mpf:
        return r**2 / mp.exp(r)

    exp_q = remez(exp_tail, lambda r: exp_weight(r) + mpf(2) ** -60, -reach, reach, 9)
    report("exp: e^r = 1 + r + r^2 * (q0 + q1 r + ... + q9 r^9)", 0, exp_q, exp_tail, exp_weight, -reach, reach)

    # 1 + f in [sqrt(1/2), sqrt(2)) and s = f/(2+f) give z = s^2 <= (3 - 2 sqrt(2))^2, and a little more for the
    # rounding of the cut.
    top = (3 - 2 * mp.sqrt(2)) ** 2 * (1 + mpf(2) ** -18)

    def log_weight(z: mpf) -> mpf:
        s = mp.sqrt(z)
        return s * z / (2 * mp.atanh(s)) if s else mpf(0)

    log_l = remez(log_tail, lambda z: log_weight(z) + mpf(2) ** -60, mpf(0), top, 6)
    report("log: log(1+f) = 2s + s*z*(l1 + l2 z + ... + l7 z^6)", 1, log_l, log_tail, log_weight, mpf(0), top)


if __name__ == "__main__":
    main()
