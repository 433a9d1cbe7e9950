"""Arrays that lie as the lanes of a warp held them become the matrices that they are.

A matrix instruction spreads a matrix over lanes and registers: element (i, k) lies at a[k / 4 * 16 + i][k % 4]. Once its
meaning is loops, that place can be read off: a[i][k] says the same. Loops over lanes and registers that fill or read such
an array become loops over its rows and columns.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, permutations, product
from math import prod
from typing import Any

from ..dataflow.dependences import is_parallel
from ..ir.build import integer, trunc_div
from ..ir.nodes import Alloc, AnyStmt, Binary, Block, Const, Expr, For, If, Kernel, Let, Load, Node, Ref, Store, Var
from ..ir.simplify import simplify
from ..ir.visit import Rewriter, buffers_read, buffers_written, children, fresh_name, stmts_of, substitute, walk
from ._forward import forward_copies

MOST = 1 << 16  # elements of an array that are looked at one by one
_WHOLE = "matrix"


@dataclass(frozen=True, slots=True)
class _Access:
    """One access of an array, with the loops around it, outermost first."""

    indices: tuple[Expr, ...]
    loops: tuple[For, ...]

    def own(self) -> tuple[For, ...] | None:
        """The loops over constant ranges whose variables are all that the place depends on."""
        names = {n.name for i in self.indices for n in walk(i) if isinstance(n, Var)}
        by_name = {lp.var: lp for lp in self.loops}
        found = tuple(lp for lp in by_name.values() if lp.var in names)
        return found if len(found) == len(names) and all(_range(lp) for lp in found) else None

    def plain(self) -> bool:
        """Are the indices variables of loops, outermost first?"""
        depth = {lp.var: k for k, lp in enumerate(self.loops)}
        at = [depth.get(i.name, -1) if isinstance(i, Var) else -1 for i in self.indices]
        return -1 not in at and all(a < b for a, b in pairwise(at))


@dataclass(frozen=True, slots=True)
class _Layout:
    """Element (v1, v2, ...) of the matrix lies at `place`, over the variables `names` that count to `sizes`."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    place: tuple[Expr, ...]
    points: tuple[tuple[int, ...], ...]


def matrices(kernel: Kernel) -> Kernel:
    """The kernel with such arrays as matrices; those that only hold a copy go."""
    done: set[str] = set()
    while True:
        found = next(iter(_found(kernel, done)), None)
        if found is None:
            break
        array, layout = found
        done.add(array.name)
        changed = _reshaped(kernel, array, layout)
        kernel = simplify(changed) if changed is not None else kernel
    kernel = dataclasses.replace(kernel, body=_Memory(done, "local", _WHOLE).visit(kernel.body))
    kernel = forward_copies(kernel, frozenset((_WHOLE,)))
    return dataclasses.replace(kernel, body=_Memory(done, _WHOLE, "local").visit(kernel.body))


class _Memory(Rewriter):
    def __init__(self, names: set[str], old: str, new: str) -> None:
        self.names, self.old, self.new = names, old, new

    def visit_Alloc(self, s: Alloc) -> Alloc:
        return dataclasses.replace(s, memory=self.new) if s.name in self.names and s.memory == self.old else s


# -- layouts -----------------------------------------------------------------------------------------------------------


def _range(lp: For) -> int:
    """How often a loop from 0 by 1 runs; 0 for other loops."""
    whole = isinstance(lp.lo, Const) and lp.lo.value == 0 and lp.step == Const(1, lp.dtype) and isinstance(lp.hi, Const)
    return int(lp.hi.value) if whole and isinstance(lp.hi, Const) else 0


def _accesses(node: Node, name: str, loops: tuple[For, ...] = ()) -> Iterator[_Access]:
    if isinstance(node, Load | Store | Ref) and node.buffer == name:
        yield _Access(node.indices, loops)
    inner = (*loops, node) if isinstance(node, For) else loops
    for c in children(node):
        yield from _accesses(c, name, inner if c is getattr(node, "body", None) else loops)


def _found(kernel: Kernel, done: set[str]) -> Iterator[tuple[Alloc, _Layout]]:
    """Arrays of which every access is of the whole, by one layout or element by element, and at least one of each."""
    for a in walk(kernel.body):
        if not isinstance(a, Alloc) or a.name in done or a.memory != "local" or not a.shape:
            continue
        size = prod(int(d.value) if isinstance(d, Const) else MOST + 1 for d in a.shape)
        accesses = list(_accesses(kernel.body, a.name))
        spread = [x for x in accesses if not x.plain()]
        if size > MOST or not spread or len(spread) == len(accesses):
            continue
        layout = _layout(spread[0], size)
        if layout is not None and all(_same(x, layout, size) is not None for x in spread) and all(
                (own := x.own()) is not None and prod(map(_range, own)) == size for x in accesses if x.plain()):
            yield a, layout


def _layout(x: _Access, size: int, order: tuple[For, ...] | None = None) -> _Layout | None:
    """The access as a layout, when it reaches every element of the array exactly once."""
    own = order or x.own()
    if own is None or prod(map(_range, own)) != size:
        return None
    points = []
    for at in product(*(range(_range(lp)) for lp in own)):
        where = dict(zip((lp.var for lp in own), at, strict=True))
        point = tuple(_value(i, where) for i in x.indices)
        if None in point:
            return None
        points.append(tuple(p for p in point if p is not None))
    if len(set(points)) != size:
        return None
    return _Layout(tuple(lp.var for lp in own), tuple(map(_range, own)), x.indices, tuple(points))


def _same(x: _Access, layout: _Layout, size: int) -> tuple[str, ...] | None:
    """The access' variables in the order in which they are the matrix' indices."""
    own = x.own()
    for order in permutations(own) if own is not None else ():
        if tuple(map(_range, order)) == layout.sizes:
            other = _layout(x, size, order)
            if other is not None and other.points == layout.points:
                return other.names
    return None


def _value(e: Expr, where: dict[str, int]) -> int | None:
    if isinstance(e, Const):
        return int(e.value)
    if isinstance(e, Var):
        return where.get(e.name)
    if not isinstance(e, Binary):
        return None
    a, b = _value(e.a, where), _value(e.b, where)
    if a is None or b is None or (e.op in ("/", "%") and b == 0):
        return None
    match e.op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return trunc_div(a, b)
        case "%":
            return a - b * trunc_div(a, b)
    return None


# -- new loops ---------------------------------------------------------------------------------------------------------


def _reshaped(kernel: Kernel, array: Alloc, layout: _Layout) -> Kernel | None:
    """The kernel with the array as a matrix, or None when some loops over its elements cannot be counted otherwise."""
    size = prod(layout.sizes)
    plan: dict[int, tuple[AnyStmt, ...]] = {}

    def nests(node: Node, around: frozenset[str]) -> bool:
        if isinstance(node, For):
            here = [x for x in _accesses(node, array.name) if x.plain()]
            if any(isinstance(i, Var) and i.name == node.var for x in here for i in x.indices):
                new = _recounted(kernel, node, array.name, layout, set(around))
                if new is not None:
                    plan[id(node)] = new
                return new is not None
        around |= {n.var if isinstance(n, For) else n.name for n in (node, *children(node))
                   if isinstance(n, For | Let | Alloc)}
        return all(nests(c, around) for c in children(node))

    names = frozenset(p.name for p in (*kernel.params, *kernel.sizes))
    if not nests(kernel.body, names):
        return None

    class Put(Rewriter):
        def visit_Alloc(self, s: Alloc) -> Alloc:
            return s if s.name != array.name else dataclasses.replace(s, shape=tuple(map(integer, layout.sizes)))

    body = _Spread(array.name, layout, size).go(_put(kernel.body, plan), ())
    return dataclasses.replace(kernel, body=Put().visit(body))


def _put(node: Any, plan: dict[int, tuple[AnyStmt, ...]]) -> Any:
    """The blocks with planned loops replaced. By identity, so before anything else is rewritten."""
    if isinstance(node, Block):
        out: list[AnyStmt] = []
        for s in node.stmts:
            out.extend(plan[id(s)] if id(s) in plan else (_put(s, plan),))
        return dataclasses.replace(node, stmts=tuple(out))
    changes = {f: _put(getattr(node, f), plan) for f in ("body", "then", "orelse") if isinstance(getattr(node, f, None), Block)}
    return dataclasses.replace(node, **changes) if changes else node


class _Spread:
    """Accesses by the layout become accesses by row and column."""

    def __init__(self, name: str, layout: _Layout, size: int) -> None:
        self.name, self.layout, self.size = name, layout, size

    def go(self, node: Any, loops: tuple[For, ...]) -> Any:
        if isinstance(node, Load | Store | Ref) and node.buffer == self.name:
            order = _same(_Access(node.indices, loops), self.layout, self.size)
            if order is not None:
                node = dataclasses.replace(node, indices=tuple(Var(v) for v in order))
        inner = (*loops, node) if isinstance(node, For) else loops
        changes: dict[str, Any] = {}
        for f in dataclasses.fields(node):
            old = getattr(node, f.name)
            if isinstance(old, Node):
                new: Any = self.go(old, inner if f.name == "body" else loops)
            elif isinstance(old, tuple) and any(isinstance(x, Node) for x in old):
                new = tuple(self.go(x, loops) if isinstance(x, Node) else x for x in old)
            else:
                continue
            if new is not old:
                changes[f.name] = new
        return dataclasses.replace(node, **changes) if changes else node


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One statement with the loops around it; its `Let`s are put in."""

    loops: tuple[For, ...]
    stmt: Store | If

    def effects(self) -> tuple[set[str], set[str]]:
        return buffers_written(self.stmt), buffers_read(self.stmt)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A nest that stays as it is."""

    nest: For

    def effects(self) -> tuple[set[str], set[str]]:
        return buffers_written(self.nest), buffers_read(self.nest)


def _recounted(kernel: Kernel, top: For, name: str, layout: _Layout, taken: set[str]) -> tuple[AnyStmt, ...] | None:
    """The nest `top` as one nest per statement, those that touch the array over its rows and columns."""
    units = list(_units(top, name))
    for k, x in enumerate(units):
        for y in units[k + 1:]:
            if x is None or y is None:
                return None
            (wx, rx), (wy, ry) = x.effects(), y.effects()
            # Both touch the array by the loops' own variables, so an iteration sees nothing of another's elements.
            own = {name} if isinstance(x, _Leaf) and isinstance(y, _Leaf) else set()
            if (wx & (wy | ry) | wy & rx) - own:
                return None
    out: list[AnyStmt] = []
    for unit in units:
        if unit is None:
            return None
        nest = _leaf_nest(kernel, unit, name, layout, taken) if isinstance(unit, _Leaf) else unit.nest
        if nest is None:
            return None
        out.append(nest)
    return tuple(out)


def _units(top: For, name: str) -> Iterator[_Leaf | _Kept | None]:
    """What `top` does, taken apart: statements that touch the array one by one, the others together."""
    lets: list[Let] = []
    rest: list[AnyStmt] = []

    def kept() -> _Kept:
        return _Kept(dataclasses.replace(top, body=Block((*lets, *rest)), comments=()))

    for s in stmts_of(top.body):
        if isinstance(s, Let):
            lets.append(s)
        elif isinstance(s, Alloc):
            yield None
        elif any(True for _ in _accesses(s, name)):
            if rest:
                yield kept()
                rest = []
            yield from _leaves(s, (top,), _values(lets))
        else:
            rest.append(s)
    if rest:
        yield kept()


def _values(lets: list[Let]) -> dict[str, Expr]:
    out: dict[str, Expr] = {}
    for let in lets:
        out[let.name] = substitute(let.value, out)
    return out


def _leaves(s: Node, loops: tuple[For, ...], lets: dict[str, Expr]) -> Iterator[_Leaf | None]:
    """The statements below; None for one that cannot be told apart."""
    if isinstance(s, For):
        mine = dict(lets)
        for c in stmts_of(s.body):
            if isinstance(c, Let):
                mine[c.name] = substitute(c.value, mine)
            else:
                yield from _leaves(c, (*loops, s), mine)
    elif isinstance(s, Store) or (isinstance(s, If) and s.orelse is None and all(
            isinstance(c, Store) for c in stmts_of(s.then)) and len(stmts_of(s.then)) == 1):
        put = substitute(s, lets)
        read = {n.buffer for e in lets.values() for n in walk(e) if isinstance(n, Load)}
        yield None if read & buffers_written(put) else _Leaf(loops, put)
    else:
        yield None


def _leaf_nest(kernel: Kernel, leaf: _Leaf, name: str, layout: _Layout, taken: set[str]) -> AnyStmt | None:
    used = {x.indices for x in _accesses(leaf.stmt, name)}
    loops = list(leaf.loops)
    stmt: Any = leaf.stmt
    if used:
        if len(used) != 1:
            return None
        indices = used.pop()
        by_name = {lp.var: k for k, lp in enumerate(loops)}
        at = sorted(by_name[i.name] for i in indices if isinstance(i, Var) and i.name in by_name)
        if len(at) != len(indices) or at != list(range(at[0], at[-1] + 1)):
            return None
        if not all(is_parallel(kernel, loops[k]).ok for k in at):
            return None
        seen = taken | {n.name for n in walk(stmt) if isinstance(n, Var)} | {lp.var for lp in loops}
        seen |= {n.buffer for n in walk(stmt) if isinstance(n, Load | Store)}
        seen -= {loops[k].var for k in at}
        new = [fresh_name(re.sub(r"_\d+$", "", v), seen) for v in layout.names]
        rename = {v: Var(n) for v, n in zip(layout.names, new, strict=True)}
        # Both at once: a new name may be that of an old variable.
        put = {i.name: substitute(e, rename) for i, e in zip(indices, layout.place, strict=True) if isinstance(i, Var)}
        stmt = _Elements(name, tuple(Var(n) for n in new), put).visit(stmt)
        counted = [dataclasses.replace(loops[at[0]], var=n, hi=integer(size), comments=())
                   for n, size in zip(new, layout.sizes, strict=True)]
        loops[at[0]:at[-1] + 1] = counted
    for lp in reversed(loops):
        stmt = dataclasses.replace(lp, body=Block((stmt,)))
    result: AnyStmt = stmt
    return result


class _Elements(Rewriter):
    """Places of the array by row and column, everything else by the new variables. (Children come first, so a place of
    the array is told by the new form of its old indices.)"""

    def __init__(self, name: str, at: tuple[Var, ...], put: dict[str, Expr]) -> None:
        self.name, self.at, self.put = name, at, put

    def visit_Var(self, v: Var) -> Expr:
        return self.put.get(v.name, v)

    def _place(self, node: Any) -> Any:
        return dataclasses.replace(node, indices=self.at) if node.buffer == self.name else node

    visit_Load = visit_Store = visit_Ref = _place
