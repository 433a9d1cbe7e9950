"""Rules for floor division and remainder of p >= 0 by d > 0, under what is known of the ranges.

Each commented rule is proved for all integers in tests/ir/test_rules.py, and the code is fuzzed against an evaluator.
"""

from __future__ import annotations

from math import gcd

from .poly import ONE, ZERO, Atom, Digit, Mono, Poly, mono_div
from .ranges import Ranges


class Division(Ranges):
    """Ranges that can divide. Callers prove p >= 0 and d > 0 first."""

    __slots__ = ()

    def div(self, p: Poly, d: Poly) -> Poly:
        """floor(p / d)."""
        if d == ONE:
            return p
        if p.value is not None and d.value is not None:
            return Poly.const(p.value // d.value)
        # (d q + r) / d = q + r / d, kept where r >= 0
        q, r = p.split(d)
        if d.value is not None:
            extra = r.constant // d.value
            q, r = q.plus(extra), r.plus(-extra * d.value)
        if not self.nonneg(r):
            q, r = ZERO, p
        # r / d = 0 for 0 <= r < d
        if self.less(r, d):
            return q
        # (g r + s) / (g d) = r / d for 0 <= s < g
        for g, quotient, rest, divisor in self._factors(r, d):
            if self.nonneg(rest) and self.less(rest, g):
                return self.combine(q + self.div(quotient, divisor))
        # (x / a) / d = x / (a d), and (x / a % m) / d = x / (a d) % (m / d) when d divides m
        a = r.lone
        if isinstance(a, Digit):
            if a.radix is None:
                return self.combine(q + self.div(a.base, a.lo * d))
            left = a.radix.exact_div(d)
            if left is not None and self.positive(left):
                return self.combine(q + self.mod(self.div(a.base, a.lo * d), left))
        return self.combine(q + Poly.atom(Digit(r, d)))

    def mod(self, p: Poly, m: Poly) -> Poly:
        """p - m * floor(p / m)."""
        if m == ONE:
            return ZERO
        if p.value is not None and m.value is not None:
            return Poly.const(p.value % m.value)
        # (m q + r) % m = r % m, kept where r >= 0
        _, r = p.split(m)
        if m.value is not None:
            reduced = self._realigned(Poly({k: c % m.value for k, c in r.terms.items()}), m.value)
            r = reduced if self.nonneg(reduced) else r
        if not self.nonneg(r):
            r = p
        # r % m = r for 0 <= r < m
        if self.less(r, m):
            return r
        # (g r + s) % (g m) = g (r % m) + s for 0 <= s < g
        for g, quotient, rest, modulus in self._factors(r, m):
            if self.nonneg(rest) and self.less(rest, g):
                return self.combine(g * self.mod(quotient, modulus) + rest)
        # (x / a) % m is a digit of x, and (x / a % n) % m = x / a % m when m divides n
        a = r.lone
        if isinstance(a, Digit):
            if a.radix is None:
                return Poly.atom(Digit(a.base, a.lo, m))
            if a.radix.exact_div(m) is not None:
                return Poly.atom(Digit(a.base, a.lo, m))
        return Poly.atom(Digit(r, ONE, m))

    def _realigned(self, r: Poly, m: int) -> Poly:
        """(a h + b l) % m with h the digit above l: when a = b * radix (mod m), the two are one digit again."""
        for k, c in r.terms.items():
            for low in k:
                if not isinstance(low, Digit) or low.radix is None or low.radix.value is None:
                    continue
                for n, c2 in r.terms.items():
                    wanted = c * low.radix.value
                    if n != k and c2 != wanted and (c2 - wanted) % m == 0:
                        raised = Poly({**r.terms, n: wanted})
                        joined = self.combine(raised)
                        if len(joined.terms) < len(r.terms):
                            return Poly({x: y % m for x, y in joined.terms.items()})
        return r

    def _factors(self, r: Poly, d: Poly) -> list[tuple[Poly, Poly, Poly, Poly]]:
        """Ways to write r = g * quotient + rest and d = g * divisor, greatest g first."""
        if d.single is None:
            return []
        out = []
        for g in _common_factors(r, d.single):
            quotient, rest = r.split(g)
            divisor = d.exact_div(g)
            value = g.value
            if value is not None:
                extra = rest.constant // value
                quotient, rest = quotient.plus(extra), rest.plus(-extra * value)
            if divisor is not None and quotient.terms and self.positive(g) and self.nonneg(quotient):
                out.append((g, quotient, rest, divisor))
        return out

    def combine(self, p: Poly) -> Poly:
        """Puts neighbouring digits of one number together again:
        `x / (l m) % n * m + x / l % m = x / l % (m n)`, `x / m * m + x % m = x`,
        `x / l - m * (x / (l m)) = x / l % m`."""
        for m, c in p.terms.items():
            for low in m:
                if not isinstance(low, Digit):
                    continue
                rest = mono_div(m, (low,))
                assert rest is not None
                around = Poly({rest: c})
                for n, c2 in p.terms.items():
                    for high in n:
                        new = _join(low, high, around, n, c2)
                        if new is not None:
                            return self.combine(p - Poly({m: c, n: c2}) + around * new)
            for high in m:
                if isinstance(high, Digit) and high.radix is None:
                    out = self._subtracted(p, m, c, high)
                    if out is not None:
                        return self.combine(out)
        return p

    def _subtracted(self, p: Poly, m: Mono, c: int, high: Digit) -> Poly | None:
        """`rest * x - rest * l * (x / l)` inside p, as `rest * (x % l)`; the same for x = y / k."""
        rest = mono_div(m, (high,))
        assert rest is not None
        outer = -Poly({rest: c})
        candidates: list[tuple[Poly, Poly]] = [(high.base, high.lo)]
        for a in p.atoms():
            if isinstance(a, Digit) and a.base == high.base and a.radix is None and a != high:
                radix = high.lo.exact_div(a.lo)
                if radix is not None:
                    candidates.append((Poly.atom(a), radix))
        for x, radix in candidates:
            factor = outer.exact_div(radix)
            if factor is None:
                continue
            without = p - Poly({m: c}) - factor * x
            if len(without.terms) + len(x.terms) == len(p.terms) - 1:
                return without + factor * self.mod(x, radix)
        return None


def _join(low: Digit, high: Atom, around: Poly, n: Mono, c2: int) -> Poly | None:
    """`low` and the digit above it as one, if the term (n, c2) is `around * radix * high`."""
    if not isinstance(high, Digit) or low.radix is None or high.base != low.base or high.lo != low.lo * low.radix:
        return None
    rest = mono_div(n, (high,))
    if rest is None or Poly({rest: c2}) != around * low.radix:
        return None
    if high.radix is not None:
        return Poly.atom(Digit(low.base, low.lo, low.radix * high.radix))
    return low.base if low.lo == ONE else Poly.atom(Digit(low.base, low.lo))


def _common_factors(r: Poly, d: tuple[Mono, int]) -> list[Poly]:
    """Common factors > 1 of the monomial d with terms of r, greatest first."""
    found: dict[Poly, None] = {}
    for m, c in r.terms.items():
        if not m:
            continue
        shared = tuple(a for a in dict.fromkeys(m) if a in d[0])
        for product in {shared, ()}:
            k = gcd(c, d[1])
            if product or k > 1:
                found[Poly({product: k})] = None
    return sorted(found, key=lambda g: (-len(g.single[0]), -g.single[1]) if g.single else (0, 0))
