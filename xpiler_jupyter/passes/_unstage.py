"""Takes a staging array out: who reads it reads where it was copied from, who writes it writes where it is copied to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..dataflow.exposure import all_copied, overwritten_before, reads_before_writing
from ..ir.algebra import ONE, Poly
from ..ir.nodes import Alloc, Barrier, Block, Const, Expr, For, If, Kernel, Let, Load, Ref, Select, Stmt, Store, Var
from ..ir.simplify import simplify
from ..ir.visit import Rewriter, substitute, walk
from ._footprint import NoTile, Place, tile_of
from ._loops import scope_at
from ._touched import aliased
from ._touches import Touch, touches_in
from .base import Pass, PassResult, replace_node


@dataclass(frozen=True, slots=True)
class _Copy:
    """A nest that copies element by element: its statement's place in the block, the store, and the coordinates of the
    staging array as loop variables with a constant offset."""

    k: int
    store: Store
    touch: Touch
    coordinates: tuple[tuple[Var | None, Poly], ...]


def unstage(pass_: Pass, kernel: Kernel, alloc: Alloc) -> PassResult:
    """The kernel without the staging array. Raises IllegalPassError with the reason why it must stay."""
    return _Unstage(pass_, kernel, alloc).run()


class _Unstage:
    def __init__(self, pass_: Pass, kernel: Kernel, alloc: Alloc) -> None:
        self.no, self.name, self.dtype = pass_.refuse, alloc.name, alloc.dtype
        self.kernel = dataclasses.replace(kernel, body=_Unshare(alloc.name).visit(kernel.body))
        self.alloc = next(n for n in walk(self.kernel.body) if isinstance(n, Alloc) and n.name == alloc.name)

    def run(self) -> PassResult:
        ref = next((n for n in walk(self.kernel.body) if isinstance(n, Ref) and n.buffer == self.name), None)
        if ref is not None:
            raise self.no(f"{self.name} is an operand of an instr", ref, "Detensorize that instr first.")
        self.block, self.loop = self._home()
        stmts = self.block.stmts
        mine = [k for k, s in enumerate(stmts) if _count(s, self.name)]
        if not mine:
            raise self.no(f"nothing uses {self.name}", self.alloc)
        self.first, self.last = mine[0], mine[-1]
        barrier = next((n for s in stmts[self.first:self.last + 1] for n in walk(s) if isinstance(n, Barrier)), None)
        if barrier is not None:
            raise self.no(f"{self.name} is used on both sides of a barrier", barrier, "Recover the loops of the threads first.")
        found = [(k, t) for k in mine for t in touches_in(Block((stmts[k],)), self.name, self._scope(k))]
        self.touches = [t for _, t in found]
        self.at = {id(t.node): k for k, t in found}
        if any(t.node.dtype != self.dtype for t in self.touches):
            raise self.no(f"{self.name} is seen as another type", self.alloc)
        if reads_before_writing(self.kernel, self.name, self.loop):
            raise self.no(f"{self.name} is read before all of it is written, or keeps values from before", self.alloc)
        reasons: list[str] = []
        for attempt in (self._from_source, self._to_target):
            got = attempt()
            if isinstance(got, PassResult):
                return got
            reasons.append(got)
        raise self.no("; ".join(reasons), self.alloc)

    # -- finding things ------------------------------------------------------------------------------------------------

    def _home(self) -> tuple[Block, For | None]:
        """The innermost block that holds all uses, and the loop whose iterations it is run in."""
        block, loop = self.kernel.body, None
        every = _count(block, self.name)
        while True:
            inner = next((c for s in block.stmts for c in _blocks(s) if _count(c, self.name) == every), None)
            if inner is None:
                return block, loop
            around = next(s for s in block.stmts if any(c is inner for c in _blocks(s)))
            loop = around if isinstance(around, For) and around.kind != "parallel" else loop
            block = inner

    def _scope(self, k: int) -> Any:
        return scope_at(self.kernel, self.block.stmts[k])

    def _copies(self, of: Any) -> list[_Copy]:
        """Stores of which `of(store)` gives the indices of the staging array, if they are a copy of a whole box."""
        out: list[_Copy] = []
        for k in range(self.first, self.last + 1):
            for n in walk(self.block.stmts[k]):
                if not isinstance(n, Store) or of(n) is None:
                    continue
                store, indices = n, of(n)
                touch = next(t for t in self.touches if t.node is store or t.node is store.value)
                found = _coordinates(touch, indices)
                if found is not None and _nothing_else(self.block.stmts[k]):
                    out.append(_Copy(k, store, touch, found))
        return out

    # -- reading from the source ---------------------------------------------------------------------------------------

    def _from_source(self) -> PassResult | str:
        writes = [t for t in self.touches if t.write]
        copies = self._copies(lambda s: s.indices if s.buffer == self.name and _is_copy(s.value) else None)
        if len(writes) != 1 or len(copies) != 1:
            return f"{self.name} is not just a copy of one buffer"
        copy = copies[0]
        source = next(n.buffer for n in walk(copy.store.value) if isinstance(n, Load))
        if any(isinstance(n, Alloc) and n.name == source for n in walk(self.block.stmts[copy.k])):
            return f"{source}, which {self.name} is copied from, is gone where it is read"
        reads = [t for t in self.touches if not t.write]
        if any(self.at[id(t.node)] <= copy.k for t in reads):
            return f"{self.name} is read where it is filled"
        turn: dict[int, Expr] = {}
        for t in reads:
            value = _moved(copy, t, copy.store.value)
            if value is None:
                return f"what {self.name} was copied from depends on names that its readers do not know"
            turn[id(t.node)] = value
        stmts = list(self.block.stmts)
        for k in range(copy.k + 1, self.last + 1):
            stmts[k] = _Turn(turn, set()).visit(stmts[k])
        stmts[copy.k] = Block()
        after = self._without(stmts)
        loads = [n for e in turn.values() for n in walk(e) if isinstance(n, Load)]
        written = any(isinstance(n, Store | Ref) and n.buffer == source for n in walk(self.kernel.body))
        if written and overwritten_before(after, loads, self._same_loop(after)):
            return f"{source} is overwritten while {self.name} still holds its old values"
        note = f"Took {self.name} out: its readers read {source}."
        return PassResult(simplify(after), note, {self.name: source})

    # -- writing to the target -----------------------------------------------------------------------------------------

    def _to_target(self) -> PassResult | str:
        copies = self._copies(lambda s: s.value.indices if s.buffer != self.name and isinstance(s.value, Load)
                              and s.value.buffer == self.name else None)
        copies = [c for c in copies if c.k == self.last and c.store.dtype == self.dtype]
        if len(copies) != 1 or sum(self.at[id(t.node)] == self.last for t in self.touches) != 1:
            return f"{self.name} is not copied to one buffer in the end"
        copy = copies[0]
        target = copy.store.buffer
        if not all_copied(self.kernel, self.name, copy.store.value, self.loop):
            return f"not all of {self.name} that is written is copied to {target}"
        try:
            places = touches_in(Block((self.block.stmts[copy.k],)), target, self._scope(copy.k))
            tile = tile_of([t for t in places if t.node is copy.store])
        except NoTile as why:
            return f"{target} {why}"
        if aliased(tile, self._scope(copy.k)) is not None or not _one_to_one(tile.places[0], copy):
            return f"two elements of {self.name} may be copied to one of {target}"
        turn: dict[int, Expr] = {}
        for t in self.touches:
            if t.node is copy.store.value:
                continue
            value = _moved(copy, t, Load(target, copy.store.indices, self.dtype))
            if not isinstance(value, Load):
                return f"where {self.name} is copied to depends on names that its writers do not know"
            turn[id(t.node)] = value
        gone: set[int] = set()
        for n in (n for s in self.block.stmts[self.first:copy.k] for n in walk(s)):
            if isinstance(n, Store) and n.buffer == self.name and isinstance(n.value, Load) and n.value.buffer == target:
                scope = next(t.scope for t in self.touches if t.node is n)
                new = turn[id(n)]
                assert isinstance(new, Load)
                if all(scope.equal(x, y) for x, y in zip(new.indices, n.value.indices, strict=True)):
                    gone |= {id(n), id(n.value)}  # it would be copied to itself
        for n in (n for s in self.block.stmts[self.first:copy.k] for n in walk(s)):
            if isinstance(n, Load | Store | Ref) and n.buffer == target and id(n) not in gone:
                return f"{target} is used while {self.name} stands for it"
        stmts = list(self.block.stmts)
        for k in range(self.first, copy.k):
            stmts[k] = _Turn(turn, gone).visit(stmts[k]) or Block()
        stmts[copy.k] = Block()
        note = f"Took {self.name} out: its writers write {target}."
        return PassResult(simplify(self._without(stmts)), note, {self.name: target})

    # -- the end -------------------------------------------------------------------------------------------------------

    def _without(self, stmts: list[Any]) -> Kernel:
        kernel = replace_node(self.kernel, self.block, dataclasses.replace(self.block, stmts=tuple(stmts)))
        gone = next((n for n in walk(kernel.body) if isinstance(n, Alloc) and n.name == self.name), None)
        return replace_node(kernel, gone, ()) if gone is not None else kernel

    def _same_loop(self, after: Kernel) -> For | None:
        if self.loop is None:
            return None
        old = [n for n in walk(self.kernel.body) if isinstance(n, For) and n.var == self.loop.var]
        new = [n for n in walk(after.body) if isinstance(n, For) and n.var == self.loop.var]
        return new[next(k for k, n in enumerate(old) if n is self.loop)]


def _blocks(s: Any) -> list[Block]:
    if isinstance(s, Block):
        return [s]
    return [c for c in (getattr(s, f, None) for f in ("body", "then", "orelse")) if isinstance(c, Block)]


def _count(node: Any, name: str) -> int:
    return sum(1 for n in walk(node) if isinstance(n, Load | Store | Ref) and n.buffer == name)


def _nothing_else(s: Any) -> bool:
    """Is the store that was found all that the statement does?"""
    does = [n for n in walk(s) if isinstance(n, Stmt) and not isinstance(n, For | If | Let | Alloc)]
    return len(does) == 1 and isinstance(does[0], Store)


def _is_copy(value: Expr) -> bool:
    """A load, or one with a constant where it does not exist."""
    if isinstance(value, Select):
        sides = (value.a, value.b)
        return sum(isinstance(x, Load) for x in sides) == 1 and sum(isinstance(x, Const) for x in sides) == 1 and not any(
            isinstance(n, Load | Ref) for n in walk(value.cond))
    return isinstance(value, Load) and bool(value.indices)


def _coordinates(t: Touch, indices: tuple[Expr, ...]) -> tuple[tuple[Var | None, Poly], ...] | None:
    """Each index as one of the loops plus a constant offset, or as something that the loops do not change; None when
    it is neither, or a loop is left over."""
    loops = {lp.var: lp for lp in t.loops}
    out: list[tuple[Var | None, Poly]] = []
    for i in indices:
        p = t.scope.poly(i)
        mine = p.names() & set(loops)
        if not mine:
            out.append((None, p))
            continue
        var = Var(next(iter(mine)), loops[next(iter(mine))].dtype)
        c, rest = p.collect(var)
        if len(mine) > 1 or c != ONE or rest.names() & mine or any(v == var for v, _ in out):
            return None
        out.append((var, rest))
    used = {v.name for v, _ in out if v is not None}
    if used != set(loops) or any(p.names() & t.inside for _, p in out):
        return None
    return tuple(out)


def _moved(copy: _Copy, t: Touch, value: Expr) -> Expr | None:
    """`value` (over the copy's loops) at the element that `t` touches; None when it cannot be said there."""
    swap: dict[str, Poly] = {}
    for (var, offset), i in zip(copy.coordinates, t.node.indices, strict=True):
        x = t.scope.poly(i)
        if var is None:
            if x != offset:
                return None
        else:
            swap[var.name] = x - offset
    inner = {lp.var for lp in t.loops} | t.inside

    def index(e: Expr) -> Expr | None:
        p = copy.touch.scope.poly(e)
        if any(not isinstance(a, Var) and any(n in swap for n in Poly.atom(a).names()) for a in p.atoms()):
            return None
        if (p.names() - set(swap)) & inner or p.names() & copy.touch.inside:
            return None
        return t.scope.expr(p.replace(lambda a: swap.get(a.name) if isinstance(a, Var) else None), e.dtype)

    if isinstance(value, Load):
        indices = [index(i) for i in value.indices]
        if any(i is None for i in indices):
            return None
        return dataclasses.replace(value, indices=tuple(i for i in indices if i is not None))
    if isinstance(value, Select):
        a, b = _moved(copy, t, value.a), _moved(copy, t, value.b)
        names = {n.name: n for n in walk(value.cond) if isinstance(n, Var)}
        known = {n: index(v) for n, v in names.items()}
        if a is None or b is None or any(v is None for v in known.values()):
            return None
        return dataclasses.replace(value, cond=substitute(value.cond, known), a=a, b=b)
    return value


def _one_to_one(place: Place, copy: _Copy) -> bool:
    """Does each coordinate of the array move the place in the target, so that no two come to one?"""
    moved = {span.var for row in place.spans for _, span in row}
    if any(v is not None and v not in moved for v, _ in copy.coordinates):
        return False
    for row in place.spans:
        reach = 0
        for q, span in sorted(row, key=lambda part: part[0]):
            if q * span.step <= reach:
                return False
            reach += q * span.reach
    return True


class _Unshare(Rewriter):
    """Every access of the array, and every load, becomes an object of its own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Load(self, node: Load) -> Load:
        return dataclasses.replace(node)

    def visit_Store(self, node: Store) -> Store:
        return dataclasses.replace(node)


class _Turn(Rewriter):
    """Accesses of the array, by identity, as accesses of another buffer; stores in `gone` vanish."""

    def __init__(self, turn: dict[int, Expr], gone: set[int]) -> None:
        self.turn, self.gone = turn, gone

    def visit(self, node: Any) -> Any:
        if isinstance(node, Store) and id(node) in self.gone:
            return None
        new = self.turn.get(id(node))
        if new is None:
            return super().visit(node)
        if isinstance(node, Store):
            assert isinstance(new, Load)
            return dataclasses.replace(node, buffer=new.buffer, indices=new.indices, value=self.visit(node.value))
        return new
