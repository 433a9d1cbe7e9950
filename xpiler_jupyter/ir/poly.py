"""Polynomials with integer coefficients over index atoms, and back to an expression that a person would write.

An atom is a `Var`, a `Digit`, or any other integer expression, taken whole (`Opaque`). Arithmetic here is on
mathematical integers: that the program's own index arithmetic does not overflow is C's rule for signed integers, and
`algebra` checks it before it lets an unsigned expression in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .build import binary, convert
from .nodes import Cast, Const, Expr, Unary, Var
from .types import I32, ScalarType
from .visit import walk


@dataclass(frozen=True, slots=True, eq=False)
class Digit:
    """`base / lo % radix` (or `base / lo` when `radix` is None) of a base >= 0 with lo, radix > 0: a digit of `base` in
    a mixed-radix system, which is what `/` and `%` of flat indices are."""

    base: Poly
    lo: Poly
    radix: Poly | None = None
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.base, self.lo, self.radix)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Digit) and self._hash == other._hash and self.base == other.base
                                 and self.lo == other.lo and self.radix == other.radix)

    def __reduce__(self) -> tuple[type[Digit], tuple[Poly, Poly, Poly | None]]:
        return Digit, (self.base, self.lo, self.radix)  # another process hashes strings in another way


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """Any other integer expression, taken whole. (The wrapper computes the hash of a deep expression only once.)"""

    expr: Expr
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.expr))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Opaque) and self._hash == other._hash and self.expr == other.expr)

    def __reduce__(self) -> tuple[type[Opaque], tuple[Expr]]:
        return Opaque, (self.expr,)


Atom = Var | Digit | Opaque
Mono = tuple[Atom, ...]


@lru_cache(maxsize=65536)
def atom_key(a: Atom) -> str:
    """A name for the atom that sorts the same everywhere."""
    return a.name if isinstance(a, Var) else f"~{a!r}"


def mono(atoms: Iterator[Atom] | Mono) -> Mono:
    """The product of the atoms in its one canonical order."""
    return tuple(sorted(atoms, key=atom_key))


def mono_div(a: Mono, b: Mono) -> Mono | None:
    """a / b when b's atoms are among a's, else None."""
    left = list(a)
    for atom in b:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


class Poly:
    """A sum of `coefficient * product of atoms`. Immutable, hashable, equal exactly when the normal forms are."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[Mono, int]) -> None:
        self.terms: dict[Mono, int] = {m: c for m, c in terms.items() if c}
        self._hash: int | None = None

    def __reduce__(self) -> tuple[type[Poly], tuple[Mapping[Mono, int]]]:
        return Poly, (self.terms,)

    @staticmethod
    def const(value: int) -> Poly:
        return Poly({(): value})

    @staticmethod
    def atom(a: Atom) -> Poly:
        return Poly({(a,): 1})

    # -- arithmetic ----------------------------------------------------------------------------------------------------

    def __add__(self, other: Poly) -> Poly:
        out = dict(self.terms)
        for m, c in other.terms.items():
            out[m] = out.get(m, 0) + c
        return Poly(out)

    def __neg__(self) -> Poly:
        return Poly({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Poly) -> Poly:
        return self + -other

    def __mul__(self, other: Poly) -> Poly:
        out: dict[Mono, int] = {}
        for m, c in self.terms.items():
            for n, d in other.terms.items():
                key = mono(m + n)
                out[key] = out.get(key, 0) + c * d
        return Poly(out)

    def plus(self, k: int) -> Poly:
        return self + Poly.const(k)

    def scale(self, k: int) -> Poly:
        return Poly({m: c * k for m, c in self.terms.items()})

    def exact_div(self, d: Poly) -> Poly | None:
        """self / d when d divides every term (or self is an integer multiple of d), else None."""
        if not self.terms:
            return self
        single = d.single
        if single is None:
            m, c = next(iter(self.terms.items()))
            k, rest = divmod(c, d.terms.get(m, 0) or c + 1)
            return Poly.const(k) if not rest and d.scale(k) == self else None
        out: dict[Mono, int] = {}
        for m, c in self.terms.items():
            q = mono_div(m, single[0])
            if q is None or c % single[1]:
                return None
            out[q] = c // single[1]
        return Poly(out)

    def split(self, d: Poly) -> tuple[Poly, Poly]:
        """(q, r) with self = d * q + r, where r holds the terms that d does not divide."""
        if d.single is None:
            q = self.exact_div(d)
            return (q, ZERO) if q is not None else (ZERO, self)
        quotient, rest = ZERO, {}
        for m, c in self.terms.items():
            q = Poly({m: c}).exact_div(d)
            if q is None:
                rest[m] = c
            else:
                quotient = quotient + q
        return quotient, Poly(rest)

    def collect(self, a: Atom) -> tuple[Poly, Poly]:
        """(c, rest) with self = c * a + rest, where rest does not have `a` as a factor (c may)."""
        inside: dict[Mono, int] = {}
        rest: dict[Mono, int] = {}
        for m, c in self.terms.items():
            if a in m:
                q = mono_div(m, (a,))
                assert q is not None
                inside[q] = c
            else:
                rest[m] = c
        return Poly(inside), Poly(rest)

    # -- looking at it -------------------------------------------------------------------------------------------------

    @property
    def single(self) -> tuple[Mono, int] | None:
        """(product, coefficient) of a polynomial with one term."""
        return next(iter(self.terms.items())) if len(self.terms) == 1 else None

    @property
    def value(self) -> int | None:
        """The integer, if it is one."""
        if not self.terms:
            return 0
        return self.terms[()] if len(self.terms) == 1 and () in self.terms else None

    @property
    def lone(self) -> Atom | None:
        """The atom, if the polynomial is one atom with coefficient 1."""
        s = self.single
        return s[0][0] if s and s[1] == 1 and len(s[0]) == 1 else None

    @property
    def constant(self) -> int:
        return self.terms.get((), 0)

    def atoms(self) -> set[Atom]:
        return {a for m in self.terms for a in m}

    def all_atoms(self) -> set[Atom]:
        """Its atoms and those inside digits."""
        out: set[Atom] = set()
        for a in self.atoms():
            out.add(a)
            if isinstance(a, Digit):
                for p in (a.base, a.lo, a.radix):
                    if p is not None:
                        out |= p.all_atoms()
        return out

    def names(self) -> set[str]:
        """Names of all variables below, inside digits and opaque atoms too."""
        return set().union(*(atom_names(a) for a in self.atoms())) if self.terms else set()

    def replace(self, fn: Callable[[Atom], Poly | None]) -> Poly:
        """Each factor `a` replaced by `fn(a)`, unless that is None. Digits are not entered."""
        out = ZERO
        for m, c in self.terms.items():
            term = Poly.const(c)
            for a in m:
                new = fn(a)
                term = term * (new if new is not None else Poly.atom(a))
            out = out + term
        return out

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __repr__(self) -> str:
        terms = sorted(("*".join(atom_key(a) for a in m), c) for m, c in self.terms.items())
        return "Poly(" + " + ".join(f"{c}*{m}" if m else str(c) for m, c in terms) + ")"


ZERO = Poly({})
ONE = Poly.const(1)


def divided(p: Poly) -> Iterator[Poly]:
    """What the quotients and remainders in p are taken of."""
    for a in p.atoms():
        if isinstance(a, Digit):
            yield a.base
            yield from divided(a.base)


@lru_cache(maxsize=65536)
def atom_names(a: Atom) -> frozenset[str]:
    if isinstance(a, Digit):
        return frozenset(a.base.names() | a.lo.names() | (a.radix.names() if a.radix else set()))
    return frozenset(n.name for n in walk(a if isinstance(a, Var) else a.expr) if isinstance(n, Var))


def without_floor(p: Poly) -> Poly | None:
    """The same claim `p >= 0` without its quotient, if p is x / d + rest or rest - x / d:
    x / d >= k just when x >= k d, and x / d <= k just when x <= k d + d - 1."""
    for a in p.atoms():
        if isinstance(a, Digit) and a.radix is None:
            c, rest = p.collect(a)
            if c == ONE:
                return a.base + a.lo * rest
            if c == -ONE:
                return a.lo * rest.plus(1) - a.base.plus(1)
    return None


# -- back to text-shaped expressions -----------------------------------------------------------------------------------


class Writer:
    """Writes polynomials: names in the order of `rank`, those of the loop nest (rank > 0, outermost first) before
    sizes; symbolic strides factored as people do, `(i * N + j) * K + k`; constants folded into `i * 128`."""

    def __init__(self, rank: Mapping[str, int], dtype: ScalarType = I32) -> None:
        self.rank, self.dtype = rank, dtype
        self.order = {n: r for n, r in rank.items() if r > 0}

    def _position(self, m: Mono, c: int = 1) -> tuple[Any, ...]:
        """Sort key of a term: outermost loop variable first (of one variable's digits, the longest stride), terms
        without a loop variable next, the constant last."""
        if not m:
            return (2,)
        loops = sorted(self.order[n] for a in m for n in atom_names(a) if n in self.order)
        return (0, loops, -len(m), -abs(c), self._names(m)) if loops else (1, -len(m), 0, self._names(m))

    def _names(self, m: Mono) -> list[tuple[int, str]]:
        return sorted((max((self.rank.get(n, 0) for n in atom_names(a)), default=0), atom_key(a)) for a in m)

    def _is_stride(self, a: Atom) -> bool:
        """A symbol that does not change in the nest: one that strides are made of."""
        return isinstance(a, Var) and a.name not in self.order

    def _common_stride(self, terms: dict[Mono, int]) -> Atom | None:
        count: dict[Atom, int] = {}
        for m in terms:
            for a in set(m):
                if self._is_stride(a):
                    count[a] = count.get(a, 0) + 1
        if not count:
            return None
        best = min(count, key=lambda a: (-count[a], atom_key(a)))
        loops = {n for m in terms if best in m for a in m for n in atom_names(a) if n in self.order}
        return best if count[best] > 1 and loops else None

    def atom(self, a: Atom) -> Expr:
        if isinstance(a, Var):
            return a
        if isinstance(a, Opaque):
            return a.expr
        out = self.write(a.base)
        if a.lo != ONE:
            out = binary("/", out, self.write(a.lo))
        return binary("%", out, self.write(a.radix)) if a.radix is not None else out

    def _cast(self, e: Expr, alone: bool) -> Expr:
        """`e` as an operand of arithmetic in `dtype`; said aloud where C would otherwise compute in a narrower type."""
        if e.dtype == self.dtype or isinstance(e, Const):
            return convert(e, self.dtype)
        return convert(e, self.dtype) if alone else Cast(e, self.dtype)

    def _product(self, m: Mono, c: int, alone: bool) -> Expr:
        """`c * m` for c > 0."""
        order = sorted(m, key=lambda a: (self._is_stride(a), self._position((a,))))
        out: Expr | None = None
        wide = any(self.atom(a).dtype == self.dtype for a in order if not isinstance(a, Digit))
        for a in order:
            e = self.atom(a)
            factor = self._cast(e, alone=wide or out is not None or (alone and len(m) == 1 and c == 1))
            # `a * (b / 4)`: a quotient keeps its brackets only on the right, so put it first by building left to right.
            out = factor if out is None else binary("*", out, factor)
        if out is None:
            return Const(c, self.dtype)
        return out if c == 1 else binary("*", out, Const(c, self.dtype))

    def _parts(self, p: Poly, alone: bool) -> list[tuple[tuple[Any, ...], bool, Expr]]:
        """The summands of `p`: (where it stands, is it subtracted, its magnitude)."""
        stride = self._common_stride(p.terms)
        if stride is None:
            return [(self._position(m, c), c < 0, self._product(m, abs(c), alone)) for m, c in p.terms.items()]
        inner, outside = p.collect(stride)
        negative = all(c < 0 for c in inner.terms.values())
        product = binary("*", self.write(-inner if negative else inner), self._cast(self.atom(stride), True))
        head = (min(self._position(m, c) for m, c in inner.terms.items()), negative, product)
        return [head, *self._parts(outside, False)]

    def write(self, p: Poly) -> Expr:
        """An expression of type `dtype` equal to `p`."""
        if not p.terms:
            return Const(0, self.dtype)
        parts = sorted(self._parts(p, len(p.terms) == 1), key=lambda part: part[0])
        lead = next((k for k, part in enumerate(parts) if not part[1]), None)
        if lead is None:
            e = parts.pop(0)[2]
            out: Expr = Const(-int(e.value), self.dtype) if isinstance(e, Const) else Unary("-", e, self.dtype)
        else:
            out = parts.pop(lead)[2]
        for _, negative, e in parts:
            out = binary("-" if negative else "+", out, e)
        return out
