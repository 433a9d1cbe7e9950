"""Statements to the form in which they are compared: symbolic execution of a loop nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from ..ir.algebra import Scope
from ..ir.build import add, integer, mul
from ..ir.nodes import Alloc, Binary, Block, Call, Cast, Const, Expr, For, If, Let, Load, Ref, Select, Store, Unary, Var
from ..ir.poly import ONE, Poly
from ..ir.types import F32, F64, ScalarType
from ..ir.visit import buffers_written, stmts_of, substitute, walk
from ._match_tree import (
    Counter,
    Form,
    Int,
    Lit,
    NoMatchError,
    Op,
    Place,
    Sym,
    Tree,
    finished,
    folded,
    places,
    put_tree,
    select,
    swap,
)

Key = tuple[str, tuple[Poly, ...]]
PolyOf = Callable[[Expr, Scope], Poly]
TripsOf = Callable[[For, Scope], Poly]
_FLIPPED = {">": "<", ">=": "<="}
_MANTISSA = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}
_RANGE = {"f16": 5, "bf16": 8, "f32": 8, "f64": 11}  # bits of the exponent


@dataclass(frozen=True, slots=True)
class _Written:
    """What a family of places holds: one place per count of the counters. `value` None: not known any more."""

    counters: tuple[Counter, ...]
    value: Tree | None


@dataclass(slots=True)
class _Frame:
    """What one round of a loop has written so far, and all that the loop writes."""

    state: dict[Key, _Written]
    writes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Names:
    """What names stand for: integers as expressions, values that read memory as trees; and what is known here."""

    exprs: dict[str, Expr]
    trees: dict[str, Tree]
    scope: Scope


def keeps_value(source: ScalarType, target: ScalarType) -> bool:
    """Is every value of one type a value of the other?"""
    if source == target:
        return True
    if "bool" in (source.kind, target.kind):
        return False
    if target.is_float:
        if source.is_float:
            return _MANTISSA[source.name] <= _MANTISSA[target.name] and _RANGE[source.name] <= _RANGE[target.name]
        return source.bits - (source.kind == "int") <= _MANTISSA[target.name]
    if source.is_float:
        return False
    if source.kind == target.kind:
        return source.bits <= target.bits
    return target.kind == "int" and source.bits < target.bits


class Reader:
    """Reads statements in order. `poly` gives the normal form of an integer expression, `trips` how often a loop runs.
    Raises NoMatchError with what stands in the way."""

    def __init__(self, types: dict[str, ScalarType], poly: PolyOf, trips: TripsOf, prefix: str = "") -> None:
        self.types, self.poly, self.trips, self.prefix = dict(types), poly, trips, prefix
        self.private: set[str] = set()
        self.counters: dict[str, Counter] = {}
        self.frames: list[_Frame] = []

    def form(self, stmts: Sequence[Any], scope: Scope, dead: Callable[[str], bool] = lambda name: False) -> Form:
        """What the statements do, when they write one family of places. `dead` tells which buffers nobody reads later
        and no later round needs."""
        self.frames = [_Frame({}, frozenset())]
        self._block(stmts, _Names({}, {}, scope))
        left = {k: w for k, w in self.frames[0].state.items() if k[0] not in self.private}
        if len(left) > 1:
            left = {k: w for k, w in left.items() if not dead(k[0])}
        if len(left) != 1:
            what = ", ".join(sorted({k[0] for k in left})) or "nothing that lasts"
            raise NoMatchError(f"it writes {what}, and an instruction writes one array, each element once")
        (buffer, index), done = next(iter(left.items()))
        if done.value is None:
            raise NoMatchError(f"several rounds write the same element of {buffer}")
        return Form(done.counters, Place(buffer, index, self.types[buffer]), finished(done.value))

    # -- statements ----------------------------------------------------------------------------------------------------

    def _block(self, stmts: Sequence[Any], names: _Names) -> None:
        names = _Names(dict(names.exprs), dict(names.trees), names.scope)
        for s in stmts:
            if isinstance(s, Block):
                self._block(stmts_of(s), names)
            elif isinstance(s, Let):
                self._let(s, names)
            elif isinstance(s, Alloc):
                if s.zeroed:
                    raise NoMatchError(f"{s.name} starts as zeros without a statement that says so")
                self.private.add(s.name)
                self.types[s.name] = s.dtype
            elif isinstance(s, Store):
                key = s.buffer, self._index(s, names)
                if self.types[s.buffer] != s.dtype:
                    raise NoMatchError(f"{s.buffer} is written as {s.dtype} and holds {self.types[s.buffer]}")
                self._write(key, _Written((), self.tree(s.value, names)))
            elif isinstance(s, If):
                self._if(s, names)
            elif isinstance(s, For):
                self._for(s, names)
            else:
                raise NoMatchError(f"it holds a {type(s).__name__.lower()}")

    def _let(self, s: Let, names: _Names) -> None:
        value = self.tree(s.value, names)
        if isinstance(value, Int):
            if not keeps_value(s.value.dtype, s.dtype):
                raise NoMatchError(f"{s.name} may lose bits")
            names.exprs[s.name] = substitute(s.value, names.exprs)
        else:
            names.trees[s.name] = value if keeps_value(s.value.dtype, s.dtype) else Op("cast", s.dtype, (value,))

    def _if(self, s: If, names: _Names) -> None:
        cond = self.tree(s.cond, names)
        before = self.frames[-1]
        results = []
        for branch in (s.then, s.orelse):
            self.frames[-1] = _Frame(dict(before.state), before.writes)
            self._block(stmts_of(branch) if branch is not None else (), names)
            results.append(self.frames[-1].state)
        self.frames[-1] = before
        for key in dict.fromkeys((*results[0], *results[1])):
            sides = [r.get(key) for r in results]
            if sides[0] == sides[1]:
                continue
            if any(w is not None and w.counters for w in sides):
                raise NoMatchError("a loop stands under a condition")
            a, b = (w.value if w is not None else self._look(key, self.types[key[0]]) for w in sides)
            if a is None or b is None:
                raise NoMatchError(f"{key[0]} is not known after a condition")
            dtype = self.types[key[0]]
            self._write(key, _Written((), select(cond, a, b, dtype)))

    def _for(self, s: For, names: _Names) -> None:
        if s.kind == "parallel":
            raise NoMatchError(f"{s.var} is an axis of the launch")
        loop = replace(s, lo=substitute(s.lo, names.exprs), hi=substitute(s.hi, names.exprs))
        for bound in (loop.lo, loop.hi):
            self._fixed(bound, f"how often loop {s.var} runs")
        extent = self.trips(loop, names.scope)
        if extent.names() & set(self.counters):
            raise NoMatchError(f"how often loop {s.var} runs depends on a loop around it")
        name = f"{self.prefix}{s.var}.{len(self.counters)}"
        count = Var(name, s.dtype)
        atom = self.poly(count, names.scope).lone
        assert isinstance(atom, Var)
        counter = self.counters[name] = Counter(name, extent, s.var, atom.dtype)
        hi = names.scope.expr(extent, s.dtype)
        scope = names.scope.loop(For(name, integer(0), hi, integer(1), Block(), dtype=s.dtype))
        inner = _Names({**names.exprs, s.var: add(loop.lo, mul(count, s.step))}, names.trees, scope)
        self.frames.append(_Frame({}, frozenset(buffers_written(s.body))))
        self._block(stmts_of(s.body), inner)
        frame = self.frames.pop()
        for key, done in frame.state.items():
            self._write(key, self._after(counter, frame, key, done))

    def _after(self, counter: Counter, frame: _Frame, key: Key, done: _Written) -> _Written:
        """What a place holds when the loop is done, from what one round of it left there."""
        buffer, index = key
        if done.value is None:
            return done
        own = Place(buffer, index, self.types[buffer])
        for p in places(done.value):
            if p.buffer in frame.writes and p != own:
                if buffer in self.private:
                    return _Written(done.counters, None)
                raise NoMatchError(f"loop {counter.label} reads {p.buffer} where another round may have written it")
        if any(counter.name in i.names() for i in index):
            value = done.value
            if own in places(value):
                value = swap(value, own, self._look(key, own.dtype))
            return _Written((counter, *done.counters), value)
        fold = folded(own, done.value, counter)
        if fold is None:
            if own in places(done.value):
                raise NoMatchError(f"loop {counter.label} carries {buffer} in a way that is no sum, product or extreme")
            return _Written(done.counters, None)
        return _Written(done.counters, replace(fold, init=self._look(key, own.dtype)))

    # -- memory --------------------------------------------------------------------------------------------------------

    def _index(self, node: Any, names: _Names) -> tuple[Poly, ...]:
        out = []
        for i in node.indices:
            i = substitute(i, names.exprs)
            if any(isinstance(n, Var) and n.name in names.trees for n in walk(i)):
                raise NoMatchError(f"an index of {node.buffer} is read from memory inside the nest")
            self._fixed(i, f"an index of {node.buffer}")
            out.append(self.poly(i, names.scope))
        return tuple(out)

    def _fixed(self, e: Expr, what: str) -> None:
        """An index or a bound may read memory, but nothing that the code itself writes."""
        for n in walk(e):
            if isinstance(n, Load) and (n.buffer in self.private or any(
                    n.buffer in f.writes or any(k[0] == n.buffer for k in f.state) for f in self.frames)):
                raise NoMatchError(f"{what} depends on {n.buffer}, which the nest writes")

    def _write(self, key: Key, done: _Written) -> None:
        state = self.frames[-1].state
        for other in [k for k in state if k[0] == key[0] and k != key]:
            if len(state[other].counters) == len(done.counters) and self._same(state[other], other, key) is not None:
                del state[other]  # the same family of places under other names
            else:
                raise NoMatchError(f"{key[0]} is written in two places")
        state[key] = done

    def _look(self, key: Key, dtype: ScalarType) -> Tree:
        """What a place holds now."""
        for frame in reversed(self.frames):
            mine = {k: w for k, w in frame.state.items() if k[0] == key[0]}
            for k, w in mine.items():
                found = self._same(w, k, key)
                if found is not None:
                    if w.value is None:
                        raise NoMatchError(f"{key[0]} is read when only its last round is left in it")
                    return put_tree(w.value, found) if found else w.value
            if mine:
                raise NoMatchError(f"{key[0]} is read at another element than was written just before")
            if key[0] in frame.writes:
                break
        return Place(key[0], key[1], dtype)

    def _same(self, w: _Written, mine: Key, key: Key) -> dict[str, Poly] | None:
        """Counters of the written family as those of `key`, when `key` is of that family."""
        if mine == key:
            return {}
        there = {c.name: c for c in self.counters.values() if any(c.name in i.names() for i in key[1])}
        if not w.counters or len(there) < len(w.counters):
            return None
        for choice in permutations(there.values(), len(w.counters)):
            if any(a.extent != b.extent for a, b in zip(choice, w.counters, strict=True)):
                continue
            names = {b.name: Poly.atom(a.var) for a, b in zip(choice, w.counters, strict=True)}
            if tuple(_renamed(i, names) for i in mine[1]) == key[1]:
                return names
        return None

    # -- expressions ---------------------------------------------------------------------------------------------------

    def tree(self, e: Expr, names: _Names) -> Tree:
        """The value of an expression."""
        if e.dtype.is_integer and e.dtype.kind != "bool" and not self._reads(e, names):
            return Int(self.poly(substitute(e, names.exprs), names.scope), e.dtype)
        if isinstance(e, Const):
            return Lit(e.value, e.dtype)
        if isinstance(e, Var):
            return names.trees.get(e.name) or Sym(e.name, e.dtype)
        if isinstance(e, Load):
            if self.types[e.buffer] != e.dtype:
                raise NoMatchError(f"{e.buffer} is read as {e.dtype} and holds {self.types[e.buffer]}")
            return self._look((e.buffer, self._index(e, names)), e.dtype)
        if isinstance(e, Cast):
            return self._cast(self.tree(e.x, names), e.x.dtype, e.dtype)
        if isinstance(e, Unary):
            x = self.tree(e.x, names)
            if e.op == "-" and isinstance(x, Lit):
                return Lit(-x.value, x.dtype)
            return Op("neg" if e.op == "-" else e.op, e.dtype, (x,))
        if isinstance(e, Binary):
            a, b = self.tree(e.a, names), self.tree(e.b, names)
            if e.op in _FLIPPED:
                return Op(_FLIPPED[e.op], e.dtype, (b, a))
            return Op(e.op, e.dtype, (a, b))
        if isinstance(e, Select):
            return select(self.tree(e.cond, names), self.tree(e.a, names), self.tree(e.b, names), e.dtype)
        if isinstance(e, Call):
            args = tuple(self.tree(a, names) for a in e.args)
            return Op(e.fn, e.dtype, args, "fmax" if e.fn in ("max", "min") else "")
        raise NoMatchError(f"it holds a {type(e).__name__.lower()}")

    def _reads(self, e: Expr, names: _Names) -> bool:
        return any(isinstance(n, Load | Ref) or (isinstance(n, Var) and n.name in names.trees) for n in walk(e))

    def _cast(self, x: Tree, source: ScalarType, target: ScalarType) -> Tree:
        if isinstance(x, Int) and x.poly.value is not None and target in (F32, F64) and abs(x.poly.value) < 1 << 24:
            return Lit(float(x.poly.value), target)
        if isinstance(x, Lit) and target in (F32, F64) and source in (F32, F64) and float(x.value).is_integer() \
                and abs(x.value) < 1 << 24:
            return Lit(float(x.value), target)
        if isinstance(x, Lit) and x.value == 0 and target.is_float:
            return Lit(0.0, target)
        return x if keeps_value(source, target) else Op("cast", target, (x,))


def _renamed(p: Poly, names: dict[str, Poly]) -> Poly:
    return p.replace(lambda a: names.get(a.name) if isinstance(a, Var) else None)


def unit_trips(poly: PolyOf) -> TripsOf:
    """Trip counts of loops that count by 1, as `poly` reads their bounds."""

    def trips(loop: For, scope: Scope) -> Poly:
        if poly(loop.step, scope) != ONE:
            raise NoMatchError(f"loop {loop.var} does not count by 1")
        return poly(loop.hi, scope) - poly(loop.lo, scope)

    return trips
