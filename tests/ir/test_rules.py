"""Every rule of integer algebra that ir/division.py and ir/ranges.py use, proved for all integers by Z3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

z3 = pytest.importorskip("z3")

x, p, q, r, s, k = z3.Ints("x p q r s k")


def trunc_div(a: Any, b: int) -> Any:
    """C's a / b for a constant b > 0 (Z3's own division of integers rounds down)."""
    return z3.If(a >= 0, a / b, -((-a) / b))


def implies(*given: Any) -> Callable[[Any], Any]:
    return lambda claim: z3.Implies(z3.And(*given), claim)


# With d, g, m, l as constants Z3 decides these at once; with symbols it does not always return. Each rule is the same
# statement for every positive divisor.
CONSTANTS = [(3, 4), (4, 6), (64, 36), (1, 5), (7, 1)]


def rules(d: int, m: int) -> dict[str, Any]:
    return {
        "truncation is floor for x >= 0": implies(x >= 0)(trunc_div(x, d) == x / d),
        "remainder is modulo for x >= 0": implies(x >= 0)(x - d * trunc_div(x, d) == x % d),
        "an exact multiple divides exactly, whatever its sign": trunc_div(d * q, d) == q,
        "(d q + r) / d = q + r / d": (d * q + r) / d == q + r / d,
        "r / d = 0 for 0 <= r < d": implies(r >= 0, r < d)(r / d == 0),
        "r % m = r for 0 <= r < m": implies(r >= 0, r < m)(r % m == r),
        "(m q + r) % m = r % m": (m * q + r) % m == r % m,
        "(g r + s) / (g d) = r / d": implies(s >= 0, s < m)((m * r + s) / (m * d) == r / d),
        "(g r + s) % (g m) = g (r % m) + s": implies(s >= 0, s < d)((d * r + s) % (d * m) == d * (r % m) + s),
        "(x / a) / d = x / (a d)": (x / m) / d == x / (m * d),
        "(x / a % (d n)) / d = x / (a d) % n": (x / 5 % (d * m)) / d == x / (5 * d) % m,
        "(x / a % (m n)) % m = x / a % m": (x / 5 % (d * m)) % m == x / 5 % m,
        "x / m * m + x % m = x": x / m * m + x % m == x,
        "x / (l m) % n * m + x / l % m = x / l % (m n)": x / (d * m) % 5 * m + x / d % m == x / d % (m * 5),
        "x / l - m (x / (l m)) = x / l % m": x / d - m * (x / (d * m)) == x / d % m,
        "d (x / d) <= x": d * (x / d) <= x,
        "d (x / d) >= x - d + 1": d * (x / d) >= x - d + 1,
        "truncated: x - d + 1 <= d (x / d) <= x + d - 1": z3.And(d * trunc_div(x, d) >= x - d + 1,
                                                                d * trunc_div(x, d) <= x + d - 1),
        "truncated: |x % d| <= d - 1": z3.And(x - d * trunc_div(x, d) <= d - 1, x - d * trunc_div(x, d) >= 1 - d),
        "x / d >= k >= 1 needs x >= k d": implies(k >= 1, trunc_div(x, d) >= k)(x >= k * d),
        "x >> n": implies(x >= 0)(x / (1 << (d % 8)) == trunc_div(x, 1 << (d % 8))),
    }


@pytest.mark.parametrize("name", rules(3, 4))
def test_rule(name: str) -> None:
    for d, m in CONSTANTS:
        solver = z3.Solver()
        solver.set("timeout", 20_000)
        solver.add(z3.Not(rules(d, m)[name]))
        assert solver.check() == z3.unsat, (d, m)


def test_mask_is_modulo() -> None:
    b = z3.BitVec("b", 32)
    for n in (1, 6, 30):
        assert _valid(z3.Implies(b >= 0, b & ((1 << n) - 1) == z3.URem(b, 1 << n)))
        assert _valid(z3.Implies(b >= 0, b >> n == z3.UDiv(b, z3.BitVecVal(1 << n, 32))))


def test_symbolic_elimination_step() -> None:
    """c >= 0 and v >= low give c v >= c low: the step of the prover in ranges.py."""
    c, v, low = z3.Ints("c v low")
    assert _valid(z3.Implies(z3.And(c >= 0, v >= low), c * v >= c * low))
    a, b = z3.Ints("a b")
    assert _valid(z3.Implies(z3.And(a >= 0, b >= 0, a * b >= 1), z3.And(a >= 1, b >= 1)))


def _valid(claim: Any) -> bool:
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(z3.Not(claim))
    return bool(solver.check() == z3.unsat)
