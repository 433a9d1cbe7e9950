"""Integer expressions as polynomials over atoms: loop dimensions, scalar parameters, and quotients kept whole.

An atom is an int (position of an enclosing loop, outermost 0), a str (a scalar parameter) or a tuple: ("div", a, b) is
C's truncating a / b, ("fdiv", a, b) rounds down, ("min"|"max", a, b). `a % b` becomes `a - b * (a / b)`, so that
`(f / N) * N + f % N` is `f` again, for symbolic N too. Integers are taken as unbounded: kernels whose index arithmetic
overflows have no meaning to keep. Unsigned values that may wrap below zero have no polynomial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..ir.build import trunc_div
from ..ir.nodes import Binary, Call, Cast, Const, Expr, Unary, Var
from ..ir.types import BOOL, ScalarType

Atom = Any
Mono = tuple[Atom, ...]
Poly = dict[Mono, int]
Frozen = tuple[tuple[Mono, int], ...]


def const(value: int) -> Poly:
    return {(): value} if value else {}


def atom(a: Atom) -> Poly:
    return {(a,): 1}


def _key(a: Atom) -> tuple[str, str]:
    return type(a).__name__, str(a)


def add(p: Poly, q: Poly, factor: int = 1) -> Poly:
    out = dict(p)
    for m, c in q.items():
        total = out.get(m, 0) + factor * c
        if total:
            out[m] = total
        else:
            out.pop(m, None)
    return out


def sub(p: Poly, q: Poly) -> Poly:
    return add(p, q, -1)


def mul(p: Poly, q: Poly) -> Poly:
    out: Poly = {}
    for m, c in p.items():
        for n, d in q.items():
            out = add(out, {tuple(sorted(m + n, key=_key)): c * d})
    return out


def freeze(p: Poly) -> Frozen:
    return tuple(sorted(p.items(), key=lambda item: str(item[0])))


def thaw(f: Frozen) -> Poly:
    return dict(f)


def constant(p: Poly) -> int | None:
    """The value of a polynomial without atoms, else None."""
    if not p:
        return 0
    return p[()] if len(p) == 1 and () in p else None


def is_param(m: Mono) -> bool:
    """Only scalar parameters (or nothing) in the monomial."""
    return all(isinstance(a, str) for a in m)


def atoms(p: Poly) -> set[Atom]:
    """All atoms of the polynomial, those inside quotients included."""
    out: set[Atom] = set()
    for m in p:
        for a in m:
            if isinstance(a, tuple):
                for part in a[1:]:
                    out |= atoms(thaw(part))
            else:
                out.add(a)
    return out


@dataclass
class Scope:
    """What names mean at one place: polynomials (None: unknown), and boolean or unknown `Let`s as the expression with
    the scope it was written in."""

    values: dict[str, Poly | None] = field(default_factory=dict)
    exprs: dict[str, tuple[Expr, Scope]] = field(default_factory=dict)

    def child(self) -> Scope:
        return Scope(dict(self.values), dict(self.exprs))


NonNeg = Callable[[Poly], bool]


def _wraps(e: Expr) -> bool:
    """Might an unsigned expression have wrapped below zero?"""
    if isinstance(e, Binary) and e.op in ("+", "*", "-"):
        return e.op == "-" or _wraps(e.a) or _wraps(e.b)
    if isinstance(e, Cast):
        return e.x.dtype.kind == "int" or _wraps(e.x)
    return isinstance(e, Unary)


def polynomial(e: Expr, scope: Scope, nonneg: NonNeg) -> Poly | None:
    """The value of an integer expression, or None. `nonneg` answers whether a polynomial is >= 0 here."""
    p = _raw(e, scope, nonneg)
    if p is not None and e.dtype.kind == "uint" and _wraps(e) and not nonneg(p):
        return None
    return p


def _raw(e: Expr, scope: Scope, nonneg: NonNeg) -> Poly | None:
    """Like `polynomial`, but for unsigned expressions only modulo the word size."""
    if not e.dtype.is_integer or e.dtype is BOOL:
        return None
    if isinstance(e, Const):
        return const(int(e.value))
    if isinstance(e, Var):
        return scope.values.get(e.name)
    if isinstance(e, Unary) and e.op == "-":
        p = _raw(e.x, scope, nonneg)
        return None if p is None else sub({}, p)
    if isinstance(e, Cast):
        return _cast(e, scope, nonneg)
    if isinstance(e, Call) and e.fn in ("min", "max") and len(e.args) == 2:
        a, b = (polynomial(x, scope, nonneg) for x in e.args)
        return None if a is None or b is None else atom((e.fn, freeze(a), freeze(b)))
    if isinstance(e, Binary):
        return _binary(e, scope, nonneg)
    return None


def _cast(e: Cast, scope: Scope, nonneg: NonNeg) -> Poly | None:
    source, target = e.x.dtype, e.dtype
    if not source.is_integer or source is BOOL:
        return None
    if target.bits < 32:
        p = polynomial(e.x, scope, nonneg)
        return p if p is not None and _fits(p, target, nonneg) else None
    if target.bits <= source.bits:
        return _raw(e.x, scope, nonneg)
    return polynomial(e.x, scope, nonneg)


def _fits(p: Poly, t: ScalarType, nonneg: NonNeg) -> bool:
    lo, hi = (-(1 << t.bits - 1), (1 << t.bits - 1) - 1) if t.kind == "int" else (0, (1 << t.bits) - 1)
    return nonneg(sub(p, const(lo))) and nonneg(sub(const(hi), p))


def _binary(e: Binary, scope: Scope, nonneg: NonNeg) -> Poly | None:
    if e.op in ("+", "-", "*"):
        a, b = _raw(e.a, scope, nonneg), _raw(e.b, scope, nonneg)
        if a is None or b is None:
            return None
        return add(a, b) if e.op == "+" else sub(a, b) if e.op == "-" else mul(a, b)
    a, b = polynomial(e.a, scope, nonneg), polynomial(e.b, scope, nonneg)
    if a is None or b is None:
        return None
    value = constant(b)
    if e.op in ("/", "%"):
        if value == 0:
            return None
        quotient = _quotient(a, b, value)
        return quotient if e.op == "/" else sub(a, mul(b, quotient))
    if value is None or value < 0 or value > 62:
        # `x & (2^k - 1)` has a large mask
        return _mask(a, value) if e.op == "&" and value is not None else None
    if e.op == "<<":
        return mul(a, const(1 << value))
    if e.op == ">>":
        number = constant(a)
        if number is not None:
            return const(number >> value)
        return a if value == 0 else atom(("fdiv", freeze(a), freeze(const(1 << value))))
    if e.op == "^" and nonneg(a):
        return _flipped(a, value)
    return _mask(a, value) if e.op == "&" else None


def _flipped(a: Poly, bits: int) -> Poly:
    """a ^ bits for a >= 0: every bit that is set goes down by its weight, every other up."""
    out = a
    for k in range(bits.bit_length()):
        if bits >> k & 1:
            one = const(1 << k)
            bit = sub(_halved(a, k), mul(const(2), _halved(a, k + 1)))
            out = add(out, sub(one, mul(const(2 << k), bit)))
    return out


def _halved(a: Poly, k: int) -> Poly:
    number = constant(a)
    if number is not None:
        return const(number >> k)
    return a if k == 0 else atom(("fdiv", freeze(a), freeze(const(1 << k))))


def _quotient(a: Poly, b: Poly, value: int | None) -> Poly:
    number = constant(a)
    if value and number is not None:
        return const(trunc_div(number, value))
    if value is not None and all(c % value == 0 for c in a.values()):
        return {m: c // value for m, c in a.items()}
    if a == b:
        return const(1)
    return atom(("div", freeze(a), freeze(b)))


def _mask(a: Poly, mask: int) -> Poly | None:
    if mask > 0 and not mask & (mask - 1):
        k = mask.bit_length() - 1  # one bit alone
        return mul(const(mask), sub(_halved(a, k), mul(const(2), _halved(a, k + 1))))
    if mask < 0 or mask & (mask + 1):
        return None
    number = constant(a)
    if number is not None:
        return const(number & mask)
    size = const(mask + 1)
    return sub(a, mul(size, atom(("fdiv", freeze(a), freeze(size)))))
