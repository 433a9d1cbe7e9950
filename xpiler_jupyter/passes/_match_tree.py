"""What a piece of code computes, as trees: the common form in which a loop nest and an instr's meaning are compared.

A `Form` is one assignment per element: `target = value` for all counts of its counters, in any order. A sum (product,
minimum, maximum) over loops is a `Fold`. Indices and integers are polynomials over counters and the names around.
Conversions that keep every value are dropped: an `Op` says in which type it computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..ir.nodes import Var
from ..ir.poly import ZERO, Poly
from ..ir.types import I32, ScalarType
from ._assumed import FINITE

COMMUTATIVE = frozenset(("+", "*", "max", "min", "&", "|", "^", "==", "!=", "&&", "||"))
FOLDS = frozenset(("+", "*", "max", "min", "&", "|", "^"))


class NoMatchError(Exception):
    """Why something is not what was asked for, in words for people. Never leaves the matcher."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A loop that counts from 0 by 1, under a name of its own. `label` is its name for people."""

    name: str
    extent: Poly
    label: str = field(compare=False)
    dtype: ScalarType = field(default=I32, compare=False)

    @property
    def var(self) -> Var:
        return Var(self.name, self.dtype)


@dataclass(frozen=True, slots=True)
class Int:
    """An integer over counters and names."""

    poly: Poly
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Lit:
    """A constant that is no integer."""

    value: float | bool
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Sym:
    """A scalar that does not change: a parameter or a constant name."""

    name: str
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class First:
    """As the start of a `Fold`: its own first term."""

    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Place:
    """What an element holds before the code runs."""

    buffer: str
    index: tuple[Poly, ...]
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Op:
    """An operator, conversion ("cast") or function, computed in `dtype`. `style` tells extremes apart that treat NaN
    differently."""

    head: str
    dtype: ScalarType
    args: tuple[Tree, ...]
    style: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Fold:
    """`init head term head term ...` over all counts of the counters, the first counter outermost."""

    head: str
    dtype: ScalarType
    counters: tuple[Counter, ...]
    init: Tree
    term: Tree
    style: str = field(default="", compare=False)
    notes: tuple[str, ...] = ()


Tree = Int | Lit | Sym | First | Place | Op | Fold


@dataclass(frozen=True, slots=True)
class Form:
    """`target = value` for all counts of the counters (outermost first), no two of which name one element."""

    counters: tuple[Counter, ...]
    target: Place
    value: Tree


def parts(t: Tree) -> Iterator[Tree]:
    """The tree and everything in it."""
    yield t
    for c in t.args if isinstance(t, Op) else (t.init, t.term) if isinstance(t, Fold) else ():
        yield from parts(c)


def places(t: Tree) -> Iterator[Place]:
    return (p for p in parts(t) if isinstance(p, Place))


def folds(t: Tree) -> Iterator[Fold]:
    return (p for p in parts(t) if isinstance(p, Fold))


def map_tree(t: Tree, fn: Callable[[Tree], Tree]) -> Tree:
    """`fn` on every part, the innermost first."""
    if isinstance(t, Op):
        return fn(replace(t, args=tuple(map_tree(a, fn) for a in t.args)))
    if isinstance(t, Fold):
        return fn(replace(t, init=map_tree(t.init, fn), term=map_tree(t.term, fn)))
    return fn(t)


def put_poly(p: Poly, names: Mapping[str, Poly]) -> Poly:
    """`p` with names replaced. Raises NoMatchError where one of them is inside a quotient or a larger expression."""
    if not p.names() & set(names):
        return p
    kept = {n for n, q in names.items() if n in q.names()}
    out = p.replace(lambda a: names.get(a.name) if isinstance(a, Var) else None)
    buried = {n for a in p.atoms() if not isinstance(a, Var) for n in Poly.atom(a).names()} & (set(names) - kept)
    if buried:
        raise NoMatchError(f"an index is not linear in loop {min(buried).removeprefix('row ').split('.')[0]}")
    return out


def put_tree(t: Tree, names: Mapping[str, Poly]) -> Tree:
    """`t` with names replaced in its indices and integers, and in the extents of its loops."""

    def change(x: Tree) -> Tree:
        if isinstance(x, Int):
            return replace(x, poly=put_poly(x.poly, names))
        if isinstance(x, Place):
            return replace(x, index=tuple(put_poly(i, names) for i in x.index))
        if isinstance(x, Fold):
            return replace(x, counters=tuple(replace(c, extent=put_poly(c.extent, names)) for c in x.counters))
        return x

    return map_tree(t, change)


def swap(t: Tree, old: Tree, new: Tree) -> Tree:
    """`t` with every part equal to `old` replaced."""
    return map_tree(t, lambda x: new if x == old else x)


# -- minima and maxima -------------------------------------------------------------------------------------------------


def select(cond: Tree, a: Tree, b: Tree, dtype: ScalarType) -> Tree:
    """`cond ? a : b`, as a minimum or maximum where it is one."""
    found = extremum(cond, a, b)
    return Op(found[0], dtype, (a, b), found[1]) if found else Op("select", dtype, (cond, a, b))


def extremum(cond: Tree, a: Tree, b: Tree) -> tuple[str, str] | None:
    """("max", "select") for `a > b ? a : b`; style "skip" where a NaN in the way is passed over too."""
    if not isinstance(cond, Op) or len(cond.args) != 2:
        return None
    x, y = cond.args
    if cond.head == "||":
        for nan, rest in ((x, y), (y, x)):
            if isinstance(nan, Op) and nan.head == "!=" and nan.args == (b, b):
                inner = extremum(rest, a, b)
                return (inner[0], "skip") if inner else None
        return None
    if cond.head not in ("<", "<=") or {x, y} != {a, b} or a == b:
        return None
    return ("min" if (x, y) == (a, b) else "max"), "select"


# -- folds -------------------------------------------------------------------------------------------------------------


def folded(own: Place, value: Tree, counter: Counter) -> Fold | None:
    """The fold over `counter` when `value` updates `own` by one more term, its start still to be put in."""
    if isinstance(value, Fold) and value.init == own and all(p != own for p in places(value.term)):
        return replace(value, counters=(counter, *value.counters))
    if isinstance(value, Op) and value.head in FOLDS and len(value.args) == 2:
        a, b = value.args
        for old, term in ((a, b), (b, a)):
            if old == own and all(p != own for p in places(term)):
                return Fold(value.head, value.dtype, (counter,), own, term, value.style)
    return None


def finished(t: Tree) -> Tree:
    """Folds with their starts in one form: a peeled first round goes back in; the least number (or its like) as the
    start of a maximum is the first term."""
    return map_tree(t, lambda x: _started(x) if isinstance(x, Fold) else x)


def _started(f: Fold) -> Fold:
    try:
        if f.head in ("max", "min"):
            if f.init == put_tree(f.term, {c.name: ZERO for c in f.counters}):
                return replace(f, init=First(f.dtype))
            if _is_limit(f.init, f.head):
                return replace(f, init=First(f.dtype), notes=(FINITE,))
        if len(f.counters) == 1:
            c = f.counters[0]
            if f.init == put_tree(f.term, {c.name: Poly.const(-1)}):
                longer = replace(c, extent=c.extent.plus(1))
                term = put_tree(f.term, {c.name: Poly.atom(c.var).plus(-1)})
                neutral: Tree = First(f.dtype) if f.head in ("max", "min") else zero(f.dtype)
                if f.head in ("max", "min", "+"):
                    return replace(f, counters=(longer,), term=term, init=neutral)
    except NoMatchError:
        pass  # the start is then what it is
    return f


def zero(dtype: ScalarType) -> Tree:
    return Lit(0.0, dtype) if dtype.is_float else Int(ZERO, dtype)


_LARGEST = {16: 65504.0, 32: 3.4028234663852886e38, 64: 1.7976931348623157e308}


def _is_limit(t: Tree, head: str) -> bool:
    """Is it a number that no finite value of its type passes?"""
    if not isinstance(t, Lit) or not t.dtype.is_float:
        return False
    top = _LARGEST[t.dtype.bits]
    return t.value <= -top if head == "max" else t.value >= top
