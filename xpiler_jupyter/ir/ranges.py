"""What is known about the values of names: symbolic bounds and facts, and a prover of `p >= 0` over them.

The prover eliminates the innermost name first, replacing it by the bound that makes the polynomial smallest; for the
affine loop nests of kernels that is exact. It answers True only when it has a proof; False means "not proved".
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from .nodes import Var
from .poly import Atom, Digit, Poly, atom_key, atom_names

FUEL = 12  # steps of one proof
FACTS = 2  # facts used in one proof
DEPTH = 40  # of proofs inside proofs: operands of opaque atoms are normalised while proving


S = TypeVar("S", bound="Ranges")
P = ParamSpec("P")


def further(key: Callable[P, Hashable]) -> Callable[[Callable[Concatenate[S, P], S]], Callable[Concatenate[S, P], S]]:
    """For a method that gives the ranges one step further in: the same step from the same ranges, as told by `key` of its
    arguments, is the same object, which still knows what was proved there. Simplifying looks at a kernel many times."""

    def remembering(step: Callable[Concatenate[S, P], S]) -> Callable[Concatenate[S, P], S]:
        @wraps(step)
        def remembered(self: S, /, *args: P.args, **kwargs: P.kwargs) -> S:
            told = step.__name__, key(*args, **kwargs)
            found: S | None = self._further.get(told)
            if found is None:
                found = self._further[told] = step(self, *args, **kwargs)
            return found

        return remembered

    return remembering


class Ranges:
    """Immutable; `with_bounds` and `with_fact` return extended copies. Names are ranked by nesting,
    outermost first; sizes have ranks of at most 0."""

    __slots__ = ("_depth", "_further", "_memo", "_uppers", "facts", "highs", "lows", "rank")

    def __init__(self) -> None:
        self.rank: dict[str, int] = {}
        self.lows: dict[str, tuple[Poly, ...]] = {}
        self.highs: dict[str, tuple[Poly, ...]] = {}
        self.facts: tuple[Poly, ...] = ()
        self._memo: dict[Poly, bool] = {}
        self._uppers: dict[Poly, int | None] = {}
        self._further: dict[Hashable, Any] = {}
        self._depth = 0

    def _copy(self) -> Ranges:
        new = type(self)()
        new.rank, new.lows, new.highs, new.facts = dict(self.rank), dict(self.lows), dict(self.highs), self.facts
        new._memo = {p: True for p, holds in self._memo.items() if holds}  # what was proved stays proved further in
        return new

    def with_name(self, name: str) -> Ranges:
        """Innermost so far; whatever was known of an older binding of the name is forgotten."""
        new = self._copy()
        stale = {name}
        if name in self.rank:
            new._memo = {}
        new.rank = {n: r for n, r in new.rank.items() if n != name}
        new.rank[name] = max(0, *new.rank.values(), 0) + 1
        for table in (new.lows, new.highs):
            for n, bounds in list(table.items()):
                table[n] = () if n == name else tuple(b for b in bounds if not b.names() & stale)
        new.facts = tuple(f for f in new.facts if not f.names() & stale)
        return new

    def with_bounds(self, name: str, low: Poly | None, high: Poly | None) -> Ranges:
        """low <= name <= high, inclusive."""
        new = self._copy()
        if low is not None and low not in new.lows.get(name, ()):
            new.lows[name] = (*new.lows.get(name, ()), low)
        if high is not None and high not in new.highs.get(name, ()):
            new.highs[name] = (*new.highs.get(name, ()), high)
        return new

    def with_fact(self, p: Poly) -> Ranges:
        """p >= 0 is known."""
        if p.value is not None or self.nonneg(p):
            return self
        new = self
        lone = [a for a in p.atoms() if isinstance(a, Var)
                and p.collect(a)[0].value is not None and not _buried(p, a.name)]
        if lone:
            v = max(lone, key=lambda a: (new.rank.get(a.name, 0), a.name))
            c, rest = p.collect(v)
            k = c.value
            if k == 1:
                return new.with_bounds(v.name, -rest, None)
            if k == -1:
                return new.with_bounds(v.name, None, rest)
            if k is not None and rest.value is not None:
                if k > 0:
                    return new.with_bounds(v.name, Poly.const(-(rest.value // k)), None)
                return new.with_bounds(v.name, None, Poly.const(rest.value // -k))
        new = new._copy()
        new.facts = (*new.facts, p)
        # a product of non-negative symbols that is at least 1 has no zero factor
        inner = p.plus(-p.constant)
        if p.constant < 0 and inner.single is not None and inner.single[1] > 0:
            for a in set(inner.single[0]):
                if isinstance(a, Var) and all(self.nonneg(Poly.atom(b)) for b in inner.single[0]):
                    new = new.with_bounds(a.name, Poly.const(1), None)
        return new

    # -- the prover ----------------------------------------------------------------------------------------------------

    def nonneg(self, p: Poly, fuel: int = FUEL, facts: int = FACTS) -> bool:
        """Is p >= 0 for all values that the names can have? `fuel` and `facts` bound the search."""
        if p.value is not None:
            return p.value >= 0
        known = self._memo.get(p)
        if known is not None:
            return known
        if fuel <= 0 or self._depth > DEPTH:
            return False
        self._depth += 1
        try:
            out = self._eliminate(p, fuel, facts) or self._by_facts(p, fuel, facts)
        finally:
            self._depth -= 1
        if out or (fuel == FUEL and facts == FACTS):
            self._memo[p] = out
        return out

    def positive(self, p: Poly) -> bool:
        return self.nonneg(p.plus(-1))

    def less(self, a: Poly, b: Poly) -> bool:
        return self.nonneg((b - a).plus(-1))

    def _rank(self, a: Atom) -> tuple[int, bool, str]:
        return (max((self.rank.get(n, 0) for n in atom_names(a)), default=0), not isinstance(a, Var), atom_key(a))

    def _eliminate(self, p: Poly, fuel: int, facts: int) -> bool:
        atom = max(p.atoms(), key=self._rank)
        if isinstance(atom, Var) and not self.lows.get(atom.name) and not self.highs.get(atom.name):
            return False
        c, rest = p.collect(atom)
        up = self.nonneg(c, fuel - 1, 0)
        down = not up and self.nonneg(-c, fuel - 1, 0)
        if not up and not down:
            return False
        return any(all(self.nonneg(q + rest, fuel - 1, facts) for q in group) for group in self._bounded(atom, c, up))

    def _bounded(self, a: Atom, c: Poly, up: bool) -> Iterator[list[Poly]]:
        """Lower bounds of `c * a`, where c >= 0 if `up`, else c <= 0: any group holds as a whole. Cheap ones first."""
        if isinstance(a, Var):
            yield from ([c * b] for b in (self.lows if up else self.highs).get(a.name, ()))
        elif isinstance(a, Digit):
            share = c.exact_div(a.lo)
            if up:
                yield [Poly({})]
                if share is not None and a.radix is None:  # lo * (base / lo) >= base - lo + 1
                    yield [share * (a.base - a.lo).plus(1)]
                return
            if a.radix is not None:
                yield [c * a.radix.plus(-1)]
            if share is not None:  # lo * (base / lo) <= base
                yield [share * a.base]
            high = self.upper(a.base) if a.lo.value is not None else None
            if high is not None and a.lo.value is not None:
                yield [c.scale(max(high, 0) // a.lo.value)]
        else:
            yield from self._bounded_opaque(a, c, up)

    def _bounded_opaque(self, a: Atom, c: Poly, up: bool) -> Iterator[list[Poly]]:
        """Hook for `algebra`, which can read operands of opaque atoms."""
        return iter(())

    def _by_facts(self, p: Poly, fuel: int, facts: int) -> bool:
        """p = k f + rest for a known f >= 0, if that leaves fewer terms. Asked of the question itself, and of what is
        left of it when only sizes are."""
        if not facts or (fuel < FUEL and any(self.rank.get(n, 0) > 0 for n in p.names())):
            return False
        size = len(p.terms) - (() in p.terms)
        for f in self.facts:
            times = {p.terms[m] // c for m, c in f.terms.items() if m and p.terms.get(m, 0) % c == 0 and m in p.terms}
            for k in times:
                rest = p - f.scale(k)
                if k > 0 and len(rest.terms) - (() in rest.terms) < size and self.nonneg(rest, fuel - 1, facts - 1):
                    return True
        return False

    def upper(self, p: Poly) -> int | None:
        """A constant upper bound, found by eliminating names; None if there is none. Not always the least."""
        if p not in self._uppers:
            self._uppers[p] = self._constant_bound(p, 24)
        return self._uppers[p]

    def lower(self, p: Poly) -> int | None:
        high = self.upper(-p)
        return -high if high is not None else None

    def _constant_bound(self, p: Poly, fuel: int) -> int | None:
        if p.value is not None:
            return p.value
        if fuel <= 0:
            return None
        atom = max(p.atoms(), key=self._rank)
        c, rest = p.collect(atom)
        # the upper bound of c * a is minus the lower bound of (-c) * a
        up = self.nonneg(-c)
        if not up and not self.nonneg(c):
            return None
        best: int | None = None
        for group in self._bounded(atom, -c, up):
            tops = [self._constant_bound(rest - q, fuel - 1) for q in group]
            if tops and all(t is not None for t in tops):
                top = max(t for t in tops if t is not None)
                best = top if best is None else min(best, top)
        return best


@lru_cache(maxsize=4096)
def _buried(p: Poly, name: str) -> bool:
    """Does the name occur inside a composite atom of p?"""
    return any(name in atom_names(a) for a in p.atoms() if not isinstance(a, Var))
