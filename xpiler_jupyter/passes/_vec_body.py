"""What a loop over lanes does, as a list of values for places: `place[l] = tree`, or a place that takes a fold.

Names and private scalars are seen through, branches become choices. Where an iteration reads what it stored before, it
gets that value. Each read of a buffer says how many of the loop's stores to the buffer come before it (its version), so
that what is computed later can tell whether the buffer still holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import IllegalPassError
from ..ir import build
from ..ir.affine import affine
from ..ir.algebra import Poly, Scope
from ..ir.nodes import Alloc, Binary, Block, Const, Expr, For, If, Kernel, Let, Load, Node, Select, Store, Var
from ..ir.simplify import simplify_expr
from ..ir.types import ScalarType
from ..ir.visit import free_vars, stmts_of, substitute, walk
from ._vec_tree import NoTree, Tree, make, tree, value_of

Refuse = Callable[..., IllegalPassError]


@dataclass(frozen=True, slots=True)
class Place:
    """Elements `buffer[base], buffer[base + 1], ...`, in `memory`; `key` is the index in normal form, for comparing."""

    buffer: str
    indices: tuple[Expr, ...] = field(compare=False)
    dtype: ScalarType
    memory: str
    key: Any = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Assign:
    """`place[l] = value` for all l; with `fold` the place is one element and takes `place op value[l]` of all l, put
    together by `combine` (the value of the place, with leaves "acc" and "fold")."""

    place: Place
    value: Tree
    node: Node
    fold: str = ""
    combine: Tree | None = None


@dataclass(slots=True)
class _State:
    """What is known at one place of the body: trees of private scalars and of accumulators, stored places' values."""

    scalars: dict[str, Tree] = field(default_factory=dict)
    accumulators: dict[tuple[str, Any], Tree] = field(default_factory=dict)
    stored: dict[tuple[str, Any], Tree] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def copy(self) -> _State:
        return _State(dict(self.scalars), dict(self.accumulators), dict(self.stored), dict(self.versions))


class Body:
    """Reads one loop. `private` are scalars of which each iteration has its own. Raises what `refuse` gives."""

    def __init__(self, kernel: Kernel, loop: For, scope: Scope, private: set[str], refuse: Refuse) -> None:
        self.loop, self.refuse, self.private = loop, refuse, private
        self.outside, self.scope = scope, scope.loop(loop)
        self.allocs = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc)}
        self.private |= {n.name for n in walk(loop.body) if isinstance(n, Alloc)}
        self.written = {n.buffer for n in walk(loop.body) if isinstance(n, Store)}
        self.lets: dict[str, Expr] = {}
        self.assigns: list[Assign] = []
        self.acc: dict[tuple[str, Any], tuple[Place, Node]] = {}
        self.sure, self.branches = self._sure(), 0

    def read(self) -> list[Assign]:
        """The statements in order, folds last."""
        state = _State()
        self._block(self.loop.body, state, None)
        for key, value in state.accumulators.items():
            place, node = self.acc[key]
            self.assigns.append(self._fold(place, value, node))
        for a in self.assigns:
            if any(t.op == "acc" for t in a.value.walk()):
                raise self.refuse(f"{a.place.buffer} needs what the loop has added up so far", a.node)
        return self.assigns

    # -- statements ----------------------------------------------------------------------------------------------------

    def _block(self, block: Block, state: _State, under: list[Any] | None) -> None:
        for s in stmts_of(block):
            if isinstance(s, Let):
                self.lets[s.name] = substitute(s.value, self.lets)
                self.scope = self.scope.let(s)
                if free_vars(self.lets[s.name]) & {self.loop.var} or self._varies(self.lets[s.name]):
                    if not (s.dtype.is_integer and not any(isinstance(n, Load) for n in walk(s.value))):
                        state.scalars[s.name] = self._tree(s.value, state)
            elif isinstance(s, Alloc):
                if s.shape:
                    raise self.refuse(f"each iteration has an array of its own, {s.name}", s)
            elif isinstance(s, Store):
                self._store(s, state, under)
            elif isinstance(s, If):
                self._if(s, state)
            else:
                raise self.refuse(f"a vector has no {type(s).__name__.lower()} in it", s)

    def _varies(self, e: Expr) -> bool:
        return any(isinstance(n, Load) and (n.buffer in self.written or n.buffer in self.private) for n in walk(e))

    def _store(self, s: Store, state: _State, under: list[Any] | None) -> None:
        value = self._tree(s.value, state)
        if s.buffer in self.private and not s.indices:
            state.scalars[s.buffer] = value
            return
        place = self._place(s, state)
        if place is None:
            key = (s.buffer, self._key(s.indices))
            self.acc.setdefault(key, (self._one(s), s))
            state.accumulators[key] = value
            return
        if under is not None:
            under.append((place, value, s))
        else:
            self.assigns.append(Assign(place, value, s))
        state.versions[s.buffer] = state.versions.get(s.buffer, 0) + 1
        for other in [k for k in state.stored if k[0] == s.buffer]:
            del state.stored[other]
        state.stored[s.buffer, place.key] = value

    def _if(self, s: If, state: _State) -> None:
        """Both sides are computed; the condition chooses."""
        cond = self._tree(s.cond, state)
        self._total(s.cond)
        sides = []
        for block in (s.then, s.orelse or Block()):
            inner, stores = state.copy(), list[Any]()
            self.branches += 1
            self._block(block, inner, stores)
            self.branches -= 1
            sides.append((inner, stores))
        (a, first), (b, second) = sides
        for table in ("scalars", "accumulators"):
            one, two, old = (getattr(x, table) for x in (a, b, state))
            for name in dict.fromkeys((*one, *two)):
                x, y = one.get(name), two.get(name)
                if table == "accumulators":
                    before = Tree("acc", self.acc[name][0].dtype, (), name)
                    x, y = x or before, y or before
                if x is None or y is None:
                    continue  # a scalar that only one side has set: whoever reads it later is told so
                old[name] = x if x == y else make("select", x.dtype, cond, x, y)
        places = {(p.buffer, p.key): p for p, _, _ in (*first, *second)}
        for key, place in places.items():
            if sum(p.key == place.key and p.buffer == place.buffer for p, _, _ in first) > 1 or sum(
                    p.key == place.key and p.buffer == place.buffer for p, _, _ in second) > 1:
                raise self.refuse(f"{place.buffer} is stored twice under one condition", s)
            values = [next((v for p, v, _ in side if (p.buffer, p.key) == key), None) for side in (first, second)]
            if None in values:
                if not self._local(place):
                    raise self.refuse(f"{place.buffer} is written only where a condition holds", s,
                                      "Stage it in a memory of the thread first: cache.")
                values = [v or self._kept(place, state) for v in values]
            x, y = values
            assert x is not None and y is not None
            merged = make("select", x.dtype, cond, x, y)
            self.assigns.append(Assign(place, merged, s))
            state.versions[place.buffer] = state.versions.get(place.buffer, 0) + 1
            for other in [k for k in state.stored if k[0] == place.buffer]:
                del state.stored[other]
            state.stored[place.buffer, place.key] = merged

    def _kept(self, place: Place, state: _State) -> Tree:
        known = state.stored.get((place.buffer, place.key))
        if known is not None:
            return known
        old = Place(place.buffer, place.indices, place.dtype, place.memory, place.key, state.versions.get(place.buffer, 0))
        return Tree("vec", place.dtype, (), old)

    # -- folds ---------------------------------------------------------------------------------------------------------

    def _fold(self, place: Place, value: Tree, node: Node) -> Assign:
        """`acc op x`: the operator, and x."""
        acc = next((t for t in value.walk() if t.op == "acc"), None)
        if acc is None:
            raise self.refuse(f"only the last iteration's value of {place.buffer} is kept", node)
        found = _contribution(value, acc)
        if found is None:
            raise self.refuse(f"how {place.buffer} follows from its value before is no sum, product or extreme", node)
        op, x, combine = found
        return Assign(place, x, node, op, combine)

    # -- places --------------------------------------------------------------------------------------------------------

    def _place(self, s: Store | Load, state: _State) -> Place | None:
        """The elements that the access walks over; None when it stays at one. Raises for another stride."""
        if not s.indices:
            return None
        name = self.loop.var
        forms = [affine(substitute(i, self.lets), [name], self.scope) for i in s.indices]
        strides = [f.stride(name) if f is not None else None for f in forms]
        if all(k == 0 for k in strides):
            return None
        if None in strides or any(strides[:-1]):
            raise self.refuse(f"{s.buffer} is not accessed one element after the other", s)
        if strides[-1] != 1:
            raise self.refuse(f"{s.buffer} moves by {strides[-1]} elements per iteration; vectors are consecutive", s)
        bases = tuple(simplify_expr(substitute(substitute(i, self.lets), {name: self.loop.lo}), self.outside)
                      for i in s.indices)
        buffer = self.allocs.get(s.buffer)
        if buffer is not None and buffer.dtype != s.dtype:
            raise self.refuse(f"{s.buffer} holds {buffer.dtype} and is accessed as {s.dtype}", s)
        return Place(s.buffer, bases, s.dtype, self._memory(s.buffer), self._key(s.indices), state.versions.get(s.buffer, 0))

    def _one(self, s: Store) -> Place:
        bases = tuple(simplify_expr(substitute(i, self.lets), self.outside) for i in s.indices)
        return Place(s.buffer, bases, s.dtype, self._memory(s.buffer), self._key(s.indices))

    def _memory(self, buffer: str) -> str:
        found = self.allocs.get(buffer)
        return found.memory if found is not None else "global"

    def _key(self, indices: tuple[Expr, ...]) -> tuple[Poly, ...]:
        return tuple(self.scope.poly(substitute(i, self.lets)) for i in indices)

    # -- values --------------------------------------------------------------------------------------------------------

    def _tree(self, e: Expr, state: _State) -> Tree:
        def leaf(x: Expr) -> Tree | None:
            if isinstance(x, Var):
                if x.name in state.scalars:
                    return state.scalars[x.name]
                if x.name in self.lets:
                    return tree(self.lets[x.name], leaf)
                return None if x.name == self.loop.var else Tree("scalar", x.dtype, (), x)
            return self._load(x, state) if isinstance(x, Load) else None

        self._total(e)
        try:
            return tree(e, leaf)
        except NoTree as no:
            raise self.refuse(no.why, no.node) from None

    def _load(self, x: Load, state: _State) -> Tree:
        if x.buffer in self.private and not x.indices:
            known = state.scalars.get(x.buffer)
            if known is None:
                raise self.refuse(f"{x.buffer} may be read before the iteration sets it", x)
            return known
        place = self._place(x, state)
        if place is None:
            key = (x.buffer, self._key(x.indices))
            if x.buffer not in self.written:
                return Tree("scalar", x.dtype, (), substitute(x, self.lets))
            if key in state.accumulators:
                return state.accumulators[key]
            if (x.buffer, key[1]) in {(s.buffer, self._key(s.indices)) for s in walk(self.loop.body)
                                      if isinstance(s, Store) and s.buffer == x.buffer}:
                self.acc.setdefault(key, (Place(x.buffer, tuple(substitute(i, self.lets) for i in x.indices), x.dtype,
                                                self._memory(x.buffer), key[1]), x))
                return Tree("acc", x.dtype, (), key)
            raise self.refuse(f"{x.buffer} is read at one place and written at others", x)
        known = state.stored.get((x.buffer, place.key))
        return known if known is not None else Tree("vec", x.dtype, (), place)

    def _total(self, e: Expr) -> None:
        """Refuses what may only be evaluated where a condition holds: a vector evaluates it in every lane."""
        for n in walk(e):
            parts = [n.a, n.b] if isinstance(n, Select) else [n.b] if isinstance(n, Binary) and n.op in ("&&", "||") else []
            for part in parts:
                for x in walk(part):
                    if isinstance(x, Load):
                        self._readable(x)
                    if isinstance(x, Binary) and x.op in ("/", "%") and x.dtype.is_integer and not isinstance(x.b, Const):
                        raise self.refuse("the division happens only where a condition holds", x)

            if self.branches and isinstance(n, Load):
                self._readable(n)

    def _readable(self, x: Load) -> None:
        if x.indices and (x.buffer, x.indices) not in self.sure and not self._inside(x):
            raise self.refuse(f"{x.buffer} is read only where a condition holds", x,
                              "Stage it in a memory of the thread first: cache.")

    def _sure(self) -> set[tuple[str, Any]]:
        """Accesses that every iteration makes."""
        out: set[tuple[str, Any]] = set()

        def look(n: Node) -> None:
            if isinstance(n, Load | Store):
                out.add((n.buffer, n.indices))
            parts: list[Any] = [getattr(n, f, None) for f in ("value", "x", "a", "b", "cond")]
            if isinstance(n, Select):
                parts = [n.cond]
            elif isinstance(n, Binary) and n.op in ("&&", "||"):
                parts = [n.a]
            parts += [*getattr(n, "indices", ()), *getattr(n, "args", ())]
            for p in parts:
                if isinstance(p, Node):
                    look(p)

        for s in stmts_of(self.loop.body):
            look(s)
        return out

    def _inside(self, x: Load) -> bool:
        """Is the element surely one of a local array?"""
        alloc = self.allocs.get(x.buffer)
        if alloc is None:
            return False
        for i, n in zip(x.indices, alloc.shape, strict=True):
            low, _ = self.scope.bounds(substitute(i, self.lets))
            room = build.binary("<", substitute(i, self.lets), n)
            if low is None or low < 0 or self.scope.proves(room) is not True:
                return False
        return True

    def _local(self, place: Place) -> bool:
        """May lanes that write nothing write back what is there: is the array this thread's, and are all in it?"""
        alloc = self.allocs.get(place.buffer)
        if alloc is None:
            return False
        at = (*place.indices[:-1], build.add(place.indices[-1], build.sub(Var(self.loop.var, self.loop.dtype), self.loop.lo)))
        return self._inside(Load(place.buffer, at, place.dtype))


def _contribution(t: Tree, acc: Tree) -> tuple[str, Tree, Tree] | None:
    """(operator, x, t with x's fold in place of x) when t is `acc op x`; terms of a longer sum are put together."""
    fold = Tree("fold", t.dtype)
    if t.op in ("+", "*", "max", "min", "&", "|", "^"):
        for k in (0, 1):
            here, other = t.args[k], t.args[1 - k]
            if _mentions(other, acc):
                continue
            if here == acc:
                return t.op, other, make(t.op, t.dtype, acc, fold)
            inner = _contribution(here, acc)
            if inner is not None and inner[0] == t.op and inner[2] == make(t.op, t.dtype, acc, fold):
                return t.op, make(t.op, t.dtype, inner[1], other), inner[2]
    if t.op == "-" and t.args[0] == acc and not _mentions(t.args[1], acc):
        return "+", t.args[1], make("-", t.dtype, acc, fold)
    if t.op == "fma" and t.args[2] == acc and not any(_mentions(a, acc) for a in t.args[:2]):
        return "+", make("*", t.dtype, *t.args[:2]), make("+", t.dtype, acc, fold)
    if t.op == "select" and t.args[0].op in ("<", "<="):
        x, y = t.args[0].args
        a, b = t.args[1:]
        if acc in (a, b) and {a, b} == {x, y}:
            other = b if a == acc else a
            if not _mentions(other, acc):
                put = {acc: acc, other: fold}
                cond = Tree(t.args[0].op, t.args[0].dtype, (put[x], put[y]))
                return ("max" if a == y else "min"), other, Tree("select", t.dtype, (cond, put[a], put[b]))
    return None


def _mentions(t: Tree, leaf: Tree) -> bool:
    return any(x == leaf for x in t.walk())


__all__ = ["Assign", "Body", "Place", "value_of"]
