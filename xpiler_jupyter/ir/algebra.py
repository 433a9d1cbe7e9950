"""Integer algebra of index expressions: normal forms, equality, ranges, and what `/` and `%` become under them.

A `Scope` knows what is known at one place of a kernel: the loops around it, the `Let`s above it, the guards it stands
under. `Scope.poly(e)` is the normal form of an integer expression there; two expressions are equal when their normal
forms are. Division is C's, which truncates: it is treated as the floor division of the rules below only where the
dividend is proved to be >= 0 and the divisor > 0. Unsigned arithmetic is read as arithmetic of integers only where it
is proved not to wrap; signed overflow is undefined in C, so it is taken not to happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from threading import get_ident
from typing import Any

from .build import COMPARE, trunc_div
from .division import Division
from .nodes import Binary, Call, Cast, Const, Expr, For, Kernel, Let, Load, Node, Param, Ref, Select, Unary, Var
from .poly import ONE, ZERO, Atom, Digit, Opaque, Poly, Writer, divided, without_floor
from .ranges import further
from .types import I32, ScalarType
from .visit import map_children, walk

__all__ = ["ONE", "ZERO", "Digit", "Poly", "Scope", "equal", "without_floor"]


class Scope(Division):
    """What is known at one place. Immutable: `loop`, `let` and `given` return the scope one step further in."""

    __slots__ = ("_busy", "_polys", "_written", "lets", "loops")

    def __init__(self) -> None:
        super().__init__()
        self.lets: dict[str, Poly] = {}
        self.loops: tuple[str, ...] = ()
        self._polys: dict[Expr, Poly] = {}
        self._written: dict[tuple[Poly, ScalarType], Expr] = {}
        self._busy: set[Expr] = set()

    def _copy(self) -> Scope:
        new = super()._copy()
        assert isinstance(new, Scope)
        new.lets, new.loops = dict(self.lets), self.loops
        return new

    @staticmethod
    def of(kernel: Kernel, nonneg: Iterable[str] = ()) -> Scope:
        """The scope of the kernel's body, with the named sizes assumed to be >= 0."""
        return _root(tuple(p for p in kernel.params + kernel.sizes if not p.pointer), tuple(nonneg), get_ident())

    # -- going further in ----------------------------------------------------------------------------------------------

    def bounded(self, name: str, low: Poly | None, high: Poly | None) -> Scope:
        return self.with_bounds(name, low, high)  # type: ignore[return-value]

    def _bind(self, name: str) -> Scope:
        new = self.with_name(name)
        assert isinstance(new, Scope)
        new.lets = {n: p for n, p in new.lets.items() if n != name and name not in p.names()}
        return new

    @further(lambda node: (node.var, node.lo, node.hi))
    def loop(self, node: For) -> Scope:
        """Inside the body of the loop (so it runs at least once: its bounds teach us something too)."""
        lows, highs = self._pieces(node.lo, "max"), self._pieces(node.hi, "min")
        inner = self._bind(node.var)
        inner.loops = (*(n for n in inner.loops if n != node.var), node.var)
        for low in lows:
            for high in highs:
                inner = inner.fact((high - low).plus(-1))
        for low in dict.fromkeys(lows + inner._pieces(node.lo, "max")):
            inner = inner.bounded(node.var, low, None)
        for high in dict.fromkeys(highs + inner._pieces(node.hi, "min")):
            inner = inner.bounded(node.var, None, high.plus(-1))
        return inner

    def _pieces(self, e: Expr, fn: str) -> list[Poly]:
        """The normal form of a bound, and of each part of a `min` (`max`) that it is."""
        p = self.poly(e)
        out = [] if _mutable(p) else [p]
        if isinstance(e, Cast) and _contains(e.dtype, e.x.dtype):
            out += self._pieces(e.x, fn)
        if isinstance(e, Call) and e.fn == fn and e.dtype.is_integer:
            for part in e.args:
                out += self._pieces(part, fn)
        return out

    @further(lambda node: (node.name, node.value, node.dtype))
    def let(self, node: Let) -> Scope:
        """After the `Let`. A value over loop variables is seen through; one over sizes only stays a name (`OW`)."""
        inner = self._bind(node.name)
        reads = any(isinstance(n, Load | Ref) for n in walk(node.value))
        if reads or not node.dtype.is_integer or node.dtype.kind == "bool":
            return inner
        p = self._as_type(self.poly(node.value), node.value.dtype, node.dtype)
        if p is None:
            return inner
        if p.value is not None or any(self.rank.get(n, 0) > 0 for n in p.names()):
            inner.lets[node.name] = p
        else:
            inner.rank[node.name] = 0
        return inner.bounded(node.name, p, p)

    @further(lambda: ())
    def named(self) -> Scope:
        """The same knowledge, but `Let`s stay names in normal forms."""
        if not self.lets:
            return self
        new = self._copy()
        new.lets = {}
        return new

    @further(lambda cond, truth=True: (cond, truth))
    def given(self, cond: Expr, truth: bool = True) -> Scope:
        """Where `cond` is known to be true (or false)."""
        if isinstance(cond, Unary) and cond.op == "!":
            return self.given(cond.x, not truth)
        if isinstance(cond, Binary) and cond.op == ("&&" if truth else "||"):
            return self.given(cond.a, truth).given(cond.b, truth)
        if not isinstance(cond, Binary) or cond.op not in COMPARE or not cond.a.dtype.is_integer:
            return self
        op = cond.op if truth else {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}[cond.op]
        d = self.poly(cond.b) - self.poly(cond.a)
        if _mutable(d):  # what is known of a loaded value dies with the next store, but a scope lasts for the branch
            return self
        if op in ("<", "<="):
            return self.fact(d.plus(-1 if op == "<" else 0))
        if op in (">", ">="):
            return self.fact((-d).plus(-1 if op == ">" else 0))
        return self.fact(d).fact(-d) if op == "==" else self

    def fact(self, p: Poly) -> Scope:
        """Where p >= 0 is known."""
        new = self.with_fact(p)
        assert isinstance(new, Scope)
        plain = without_floor(p)
        if plain is not None:
            new = new.fact(plain)
        inner = p.plus(-p.constant)
        a = inner.lone
        q = a.expr if isinstance(a, Opaque) else None
        if p.constant < 0 and isinstance(q, Binary) and q.op == "/" and isinstance(q.b, Const) and q.b.value > 0:
            # a truncated quotient that is at least k >= 1 has a dividend of at least k * divisor
            new = new.fact(self.poly(q.a).plus(p.constant * int(q.b.value)))
        return new

    # -- normal forms --------------------------------------------------------------------------------------------------

    def poly(self, e: Expr) -> Poly:
        """The normal form of an integer expression here."""
        got = self._polys.get(e)
        if got is None:
            if e in self._busy:  # a proof that its own normal form asked for: take it whole
                return Poly.atom(Opaque(e))
            self._busy.add(e)
            try:
                got = self._polys[e] = self._poly(e)
            finally:
                self._busy.discard(e)
        return got

    def _poly(self, e: Expr) -> Poly:
        if isinstance(e, Const):
            return Poly.const(int(e.value)) if e.dtype.is_integer and e.dtype.kind != "bool" else Poly.atom(Opaque(e))
        if isinstance(e, Var):
            return self.lets.get(e.name, Poly.atom(e))
        out: Poly | None = None
        if isinstance(e, Binary) and e.dtype.is_integer and e.op not in COMPARE:
            out = self._binary(e)
        elif isinstance(e, Unary) and e.op == "-" and e.dtype.is_integer:
            out = -self.poly(e.x)
        elif isinstance(e, Cast) and e.dtype.is_integer and e.x.dtype.is_integer:
            kept = self._as_type(self.poly(e.x), e.x.dtype, e.dtype)
            fits = kept is None or _contains(e.dtype, e.x.dtype) or all(self._fits(b, e.dtype) for b in divided(kept))
            if not fits:
                kept = None  # (int)(x >> 3) of an unsigned x: the quotient fits, what is divided need not
            return kept if kept is not None else self._opaque(e)
        elif isinstance(e, Call) and e.fn in ("min", "max") and e.dtype.is_integer and len(e.args) == 2:
            out = self._extremum(e)
        elif isinstance(e, Select) and e.dtype.is_integer:
            truth = self.proves(e.cond)
            out = self.poly(e.a if truth else e.b) if truth is not None else None
        if out is None or (e.dtype.kind != "int" and not self._fits(out, e.dtype)):
            return self._opaque(e)
        return out

    def _opaque(self, e: Expr) -> Poly:
        """The expression as an atom, the integer expressions inside it in their one normal form."""
        return Poly.atom(Opaque(map_children(e, self._inside)))

    def _inside(self, e: Any) -> Any:
        if isinstance(e, Node) and hasattr(e, "dtype") and e.dtype.is_integer and e.dtype.kind != "bool":
            return Writer({}, e.dtype).write(self.poly(e))  # type: ignore[arg-type]
        return map_children(e, self._inside)

    def _fits(self, p: Poly, t: ScalarType) -> bool:
        """Is p always a value of the integer type t?"""
        lo, hi = (0, (1 << t.bits) - 1) if t.kind == "uint" else (-(1 << t.bits - 1), (1 << t.bits - 1) - 1)
        if p.value is not None:
            return lo <= p.value <= hi
        low, high = self.lower(p), self.upper(p)
        return low is not None and high is not None and lo <= low and high <= hi

    def _as_type(self, p: Poly, source: ScalarType, target: ScalarType) -> Poly | None:
        """p after conversion from `source` to `target`, if that keeps the value."""
        if target.kind == "bool" or source.kind == "bool":
            return None
        return p if _contains(target, source) or self._fits(p, target) else None

    def _binary(self, e: Binary) -> Poly | None:
        a, b = self.poly(e.a), self.poly(e.b)
        if e.op == "+":
            return self.combine(a + b)
        if e.op == "-":
            return self.combine(a - b)
        if e.op == "*":
            return self.combine(a * b)
        if e.op in ("/", "%"):
            return self._quotient(a, b) if e.op == "/" else self._remainder(a, b)
        k = b.value
        if k is None or k < 0:
            return None
        if e.op == "<<":
            return a.scale(1 << k) if k < e.dtype.bits - 1 else None
        if e.op == ">>" and k < e.dtype.bits and self.nonneg(a):
            return self.div(a, Poly.const(1 << k))
        if e.op == "&" and k & (k + 1) == 0 and self.nonneg(a):
            return self.mod(a, Poly.const(k + 1))
        return None

    def _quotient(self, a: Poly, b: Poly) -> Poly | None:
        """C's a / b. An exact multiple divides exactly whatever the signs; else signs must be known."""
        if b.value == 0:
            return None
        if a.value is not None and b.value is not None:
            return Poly.const(trunc_div(a.value, b.value))
        exact = a.exact_div(b)
        if exact is not None:
            return exact
        if self.positive(b) and self.nonneg(a):
            return self.div(a, b)
        return None

    def _remainder(self, a: Poly, b: Poly) -> Poly | None:
        """C's a % b, which has the sign of a."""
        if b.value == 0:
            return None
        if a.value is not None and b.value is not None:
            return Poly.const(a.value - b.value * trunc_div(a.value, b.value))
        if a.exact_div(b) is not None:
            return ZERO
        if self.positive(b) and self.nonneg(a):
            return self.mod(a, b)
        return None

    def _extremum(self, e: Call) -> Poly | None:
        a, b = self.poly(e.args[0]), self.poly(e.args[1])
        if self.nonneg(b - a):
            return a if e.fn == "min" else b
        if self.nonneg(a - b):
            return b if e.fn == "min" else a
        return None

    # -- asking --------------------------------------------------------------------------------------------------------

    def expr(self, p: Poly, dtype: ScalarType = I32) -> Expr:
        """`p` as a readable expression: variables in the order of the loops, sizes in that of the parameters."""
        written = self._written.get((p, dtype))
        if written is None:
            written = self._written[p, dtype] = Writer(self.rank, dtype).write(p)
        return written

    def equal(self, a: Expr, b: Expr) -> bool:
        """Have both the same value here? True only when proved."""
        if not (a.dtype.is_integer and b.dtype.is_integer):
            return a == b
        d = self.poly(a) - self.poly(b)
        return d == ZERO or (self.nonneg(d) and self.nonneg(-d))

    def proves(self, cond: Expr) -> bool | None:
        """Is the condition always True here, always False, or neither is proved (None)?"""
        if isinstance(cond, Const):
            return bool(cond.value)
        if isinstance(cond, Cast) and cond.dtype.kind == "bool" and cond.x.dtype.kind == "bool":
            return self.proves(cond.x)
        if isinstance(cond, Unary) and cond.op == "!":
            inner = self.proves(cond.x)
            return None if inner is None else not inner
        if not isinstance(cond, Binary):
            return None
        if cond.op in ("&&", "||"):
            stop = cond.op == "||"
            a = self.proves(cond.a)
            if a is stop:
                return stop
            b = self.proves(cond.b)
            if b is stop and _pure(cond.a):
                return stop
            return not stop if a is (not stop) and b is (not stop) else None
        if cond.op not in COMPARE or not cond.a.dtype.is_integer or cond.a.dtype.kind == "bool":
            return None
        d = self.poly(cond.b) - self.poly(cond.a)
        if cond.op in ("==", "!="):
            if d == ZERO or (self.nonneg(d) and self.nonneg(-d)):
                return cond.op == "=="
            return cond.op != "==" if self.positive(d) or self.positive(-d) else None
        if cond.op in (">", ">="):
            d = -d
        strict = cond.op in ("<", ">")
        if self.nonneg(d.plus(-1 if strict else 0)):
            return True
        return False if self.nonneg((-d).plus(0 if strict else -1)) else None

    def bounds(self, e: Expr) -> tuple[int | None, int | None]:
        """Constant bounds (inclusive) of an integer expression, None where there is none."""
        p = self.poly(e)
        low, high = self.lower(p), self.upper(p)
        kind, bits = e.dtype.kind, e.dtype.bits
        if kind == "uint":
            low = max(low or 0, 0)
            high = (1 << bits) - 1 if high is None else high
        return low, high

    def _bounded_opaque(self, atom: Atom, c: Poly, up: bool) -> Iterator[list[Poly]]:
        """Lower bounds of c * a for the atoms that the normal form took whole."""
        assert isinstance(atom, Opaque)
        a = atom.expr
        if isinstance(a, Call) and a.fn in ("min", "max") and a.dtype.is_integer and len(a.args) == 2:
            sides = [c * self.poly(x) for x in a.args]
            yield sides
            if (a.fn == "min") != up:
                yield from ([s] for s in sides)
        elif isinstance(a, Select) and a.dtype.is_integer:
            yield [c * self.poly(a.a), c * self.poly(a.b)]
        elif isinstance(a, Binary) and a.op == "/" and isinstance(a.b, Const) and a.b.value > 0:
            b = int(a.b.value)  # truncated, of a dividend of either sign: x - b + 1 <= b * (x / b) <= x + b - 1
            share = c.exact_div(Poly.const(b))
            if share is not None and a.dtype.kind == "int":
                x = self.poly(a.a)
                yield [share * x.plus(1 - b if up else b - 1)]
        elif isinstance(a, Binary) and a.op == "%" and isinstance(a.b, Const) and a.b.value > 0:
            yield [c.scale((-1 if up else 1) * (int(a.b.value) - 1))]
        elif isinstance(a, Binary) and a.op in ("^", "|"):  # of two numbers >= 0: no bit above theirs
            x, y = self.poly(a.a), self.poly(a.b)
            if self.nonneg(x) and self.nonneg(y):
                tops = [self.upper(x), self.upper(y)]
                if up:
                    yield [ZERO]
                elif None not in tops:
                    yield [c.scale((1 << max(t.bit_length() for t in tops if t is not None)) - 1)]
        if a.dtype.kind == "uint":
            yield [ZERO] if up else [c.scale((1 << a.dtype.bits) - 1)]
        elif a.dtype.kind == "int" and a.dtype.bits < 32:
            yield [c.scale(-(1 << a.dtype.bits - 1) if up else (1 << a.dtype.bits - 1) - 1)]


@lru_cache(maxsize=32)
def _root(sizes: tuple[Param, ...], nonneg: tuple[str, ...], thread: int) -> Scope:
    """One per thread: a scope remembers what it is just proving."""
    scope = Scope()
    scope.rank = {p.name: k - len(sizes) for k, p in enumerate(sizes)}
    for name in (*(p.name for p in sizes if p.dtype.kind == "uint"), *nonneg):
        scope = scope.bounded(name, ZERO, None)
    return scope


def _contains(wide: ScalarType, narrow: ScalarType) -> bool:
    """Is every value of `narrow` one of `wide`?"""
    if wide == narrow:
        return True
    if narrow.kind == "bool" or wide.kind == "bool" or not (wide.is_integer and narrow.is_integer):
        return False
    if wide.kind == narrow.kind:
        return wide.bits >= narrow.bits
    return wide.kind == "int" and wide.bits > narrow.bits


def _pure(e: Expr) -> bool:
    """May the evaluation of `e` be left out? Loads may fault, division may trap."""
    return not any(isinstance(n, Load | Ref) or (isinstance(n, Binary) and n.op in ("/", "%")) for n in walk(e))


def _mutable(p: Poly) -> bool:
    """Does p read a buffer?"""
    return any(isinstance(n, Load | Ref) for a in p.all_atoms() if isinstance(a, Opaque) for n in walk(a.expr))


def equal(a: Expr, b: Expr, scope: Scope | None = None) -> bool:
    """Are two index expressions equal (under what the scope knows)?"""
    return (scope or Scope()).equal(a, b)


def substitute_poly(p: Poly, names: Mapping[str, Poly], scope: Scope) -> Poly:
    """`p` with variables replaced, digits and opaque atoms rebuilt by the rules of `scope`."""

    def swap(a: Atom) -> Poly | None:
        if isinstance(a, Var):
            return names.get(a.name)
        if isinstance(a, Digit):
            base = substitute_poly(a.base, names, scope)
            lo = substitute_poly(a.lo, names, scope)
            out = scope.div(base, lo)
            return scope.mod(out, substitute_poly(a.radix, names, scope)) if a.radix is not None else out
        return None

    return scope.combine(p.replace(swap))
