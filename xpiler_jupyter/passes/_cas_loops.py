"""Loops of compare and swap: an update that the hardware has no atomic for, written as a loop that tries until it wins.

    int old = *p, assumed;
    do { assumed = old; old = atomicCAS(p, assumed, f(assumed)); } while (assumed != old);

As one atomic update this is `old = *p; *p = f(old)`: the loop ends when nobody came in between, and every failed try
starts again from what it saw. What `old` was before does not matter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ..ir.bit_casts import BIT_CASTS
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Binary,
    Block,
    Break,
    Call,
    Cast,
    Const,
    Expr,
    If,
    InstrCall,
    Kernel,
    Let,
    Load,
    Node,
    Ref,
    Store,
    Unary,
    While,
)
from ..ir.types import ScalarType
from ..ir.visit import Rewriter, stmts_of, walk
from ..platforms import registry as platforms


@dataclasses.dataclass(frozen=True, slots=True)
class _Loop:
    """A loop of the form above: the element, the scalars `old` and `assumed`, the names set on the way, `f(assumed)`."""

    place: Ref
    old: str
    assumed: str
    lets: tuple[Let, ...]
    value: Expr
    node: While


def as_updates(kernel: Kernel) -> Kernel:
    """The kernel with every such loop as one update, its stores `Store.atomic`."""
    if not any(isinstance(n, While) for n in walk(kernel.body)):
        return kernel
    loops = {id(n): found for n in walk(kernel.body) if isinstance(n, While) and (found := _read(kernel, n)) is not None}
    return dataclasses.replace(kernel, body=_Updates(kernel, loops).visit(kernel.body)) if loops else kernel


def _read(kernel: Kernel, loop: While) -> _Loop | None:
    """The loop's parts; None when it is another loop."""
    stmts = [s for s in stmts_of(loop.body) if not isinstance(s, Alloc)]
    calls = [s for s in stmts if isinstance(s, InstrCall)]
    if len(calls) != 1:
        return None
    call = calls[0]
    row = platforms.get(kernel.platform).instr(call.instr)
    if row is None or not row.atomic or [o.name for o in row.operands] != ["old", "p", "expected", "v"]:
        return None
    seen, place, compared, value = call.args
    k = stmts.index(call)
    copies = {s.buffer: s.value.buffer for s in stmts if isinstance(s, Store) and not s.indices and isinstance(s.value, Load)
              and not s.value.indices}
    stores = [s for s in stmts if isinstance(s, Store)]
    if not isinstance(seen, Ref) or not isinstance(place, Ref) or not place.dtype.is_integer or len(copies) != len(stores):
        return None
    taker = next((b for b, source in copies.items() if source == seen.buffer), seen.buffer)  # old = what the call gave
    assumed = next((b for b, source in copies.items() if source == taker), None)  # assumed = old
    bare = compared.x if isinstance(compared, Cast) and compared.implicit else compared
    if assumed is None or len(copies) > 2 or bare != Load(assumed, (), bare.dtype):
        return None
    before = [s for s in stmts[:k] if not (isinstance(s, Store) and s.buffer == assumed)]
    after = [s for s in stmts[k + 1:] if not (isinstance(s, Store) and s.buffer == taker)]
    ends = _ends(loop.cond, after, {assumed, taker})
    changed = {taker, seen.buffer, place.buffer}
    stray = any(isinstance(n, Load) and n.buffer in changed for e in (value, *place.indices) for n in walk(e))
    moving = any(isinstance(n, Load) and n.buffer == assumed for e in place.indices for n in walk(e))
    if not ends or stray or moving or not all(isinstance(s, Let) and not _reads(s, changed) for s in before):
        return None
    return _Loop(place, taker, assumed, tuple(s for s in before if isinstance(s, Let)), value, loop)


def _reads(s: Node, buffers: set[str]) -> bool:
    return any(isinstance(n, Load) and n.buffer in buffers for n in walk(s))


def _ends(cond: Expr, after: Sequence[AnyStmt], pair: set[str]) -> bool:
    """Does the loop go on just while `assumed != old`?"""
    if isinstance(cond, Const) and cond.value and len(after) == 1:
        s = after[0]
        return isinstance(s, If) and s.orelse is None and stmts_of(s.then) == (Break(),) and _differ(s.cond, pair, False)
    return not after and _differ(cond, pair, True)


def _differ(e: Expr, pair: set[str], wanted: bool) -> bool:
    if isinstance(e, Unary) and e.op == "!":
        return _differ(e.x, pair, not wanted)
    if not isinstance(e, Binary) or e.op != ("!=" if wanted else "=="):
        return False
    sides = [x.x if isinstance(x, Cast) and x.implicit else x for x in (e.a, e.b)]
    return {x.buffer for x in sides if isinstance(x, Load) and not x.indices} == pair


class _Updates(Rewriter):
    """Puts the updates in place of the loops."""

    def __init__(self, kernel: Kernel, loops: dict[int, _Loop]) -> None:
        self.kernel, self.loops = kernel, loops
        self.stored = {p.name: p.dtype for p in kernel.params if p.pointer} | {
            n.name: n.dtype for n in walk(kernel.body) if isinstance(n, Alloc)}

    def visit(self, node: Any) -> Any:
        found = self.loops.get(id(node))
        return self._update(found) if found is not None else super().visit(node)

    def visit_Store(self, s: Store) -> Store | None:
        """The first look at the element is just a guess."""
        for lp in self.loops.values():
            if s.buffer == lp.old and isinstance(s.value, Load) and s.value.buffer == lp.place.buffer:
                return None if self._dead(lp) else dataclasses.replace(s, atomic=True)
        return s

    def _update(self, lp: _Loop) -> Block:
        dtype, span = lp.place.dtype, lp.node.span
        now = Load(lp.place.buffer, lp.place.indices, dtype)
        kept = not self._dead(lp)
        front: list[AnyStmt] = [Store(lp.assumed, (), now, dtype, atomic=True, span=span)] if kept or lp.lets else []
        front += lp.lets
        stored = self.stored.get(lp.place.buffer, dtype)
        plain = None if front else _in_type(lp, stored)
        if plain is not None:  # no detour by the bits
            return Block((Store(lp.place.buffer, lp.place.indices, plain, stored, atomic=True, span=span),))
        value = lp.value if front else _Now(lp.assumed, now).visit(lp.value)
        out = [*front, Store(lp.place.buffer, lp.place.indices, value, dtype, atomic=True, span=span)]
        if kept:
            out.append(Store(lp.old, (), Load(lp.assumed, (), dtype), dtype, span=span))
        return Block(tuple(out))

    def _dead(self, lp: _Loop) -> bool:
        """Are the two scalars read nowhere but in the loop?"""
        def reads(node: Node) -> int:
            return sum(isinstance(n, Load) and n.buffer in (lp.old, lp.assumed) for n in walk(node))
        return reads(self.kernel.body) == reads(lp.node)


def _in_type(lp: _Loop, stored: ScalarType) -> Expr | None:
    """`f` on the element in its own type, where `f` only sees it through a bit cast and is cast back."""
    value = _bits(lp.value)
    source, target = BIT_CASTS.get(value.fn, (None, None)) if isinstance(value, Call) else (None, None)
    if not isinstance(value, Call) or target is None or source != stored or target.bits != lp.place.dtype.bits:
        return None
    inner: Expr = _Now(lp.assumed, Load(lp.place.buffer, lp.place.indices, stored), stored).visit(value.args[0])
    return None if any(isinstance(n, Load) and n.buffer == lp.assumed for n in walk(inner)) else inner


def _bits(e: Expr) -> Expr:
    """Without casts between integers of one width."""
    while isinstance(e, Cast) and e.dtype.is_integer and e.x.dtype.is_integer and e.dtype.bits == e.x.dtype.bits:
        e = e.x
    return e


class _Now(Rewriter):
    """What was assumed is what stands there now; with `seen` where a bit cast makes it that type."""

    def __init__(self, assumed: str, now: Load, seen: ScalarType | None = None) -> None:
        self.assumed, self.now, self.seen = assumed, now, seen

    def visit_Load(self, node: Load) -> Expr:
        return self.now if self.seen is None and node.buffer == self.assumed else node

    def visit_Call(self, node: Call) -> Expr:
        arg = _bits(node.args[0]) if len(node.args) == 1 and node.fn in BIT_CASTS else None
        mine = isinstance(arg, Load) and arg.buffer == self.assumed and node.dtype == self.seen
        return self.now if mine else node
