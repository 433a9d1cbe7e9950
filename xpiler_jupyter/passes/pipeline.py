"""Overlaps the copies of a loop with its computation: the next tile is on its way while this one is worked on."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from ..ir.algebra import Poly, Scope
from ..ir.build import add, div, guarded, integer, lt, mod, sub
from ..ir.nodes import AnyStmt, Block, Const, Expr, For, InstrCall, Kernel, Let, Ref, Return, Var
from ..ir.simplify import leaves_loop, simplify_block
from ..ir.visit import Rewriter, all_names, fresh_name, stmts_of, substitute, walk
from ..platforms.base import Platform
from ._behind import Behind, copies_of, later_call, overlap_of
from ._loops import (
    find_loop,
    reads_memory,
    refuse_barriers,
    refuse_exits,
    replace_stmt,
    scope_at,
    serial_loops,
    trip_count,
)
from ._room import bytes_used
from .base import Pass, PassResult, replace_node

STAGES = 2  # a wait completes every copy that was started, so a third stage would overlap nothing


class Pipeline(Pass):
    """    for (t < 16) {
          copy A_nram[0..64] = A[t * 64 ..];
          add(C_nram, A_nram, 1);
          copy C[t * 64 ..] = C_nram[0..64];
        }
    ->
        copy A_nram[0][0..64] = A[0 ..];
        for (t < 16) {
          if (t + 1 < 16) start copy A_nram[(t + 1) % 2][0..64] = A[(t + 1) * 64 ..];
          add(C_nram[t % 2], A_nram[t % 2], 1);
          wait;
          start copy C[t * 64 ..] = C_nram[t % 2][0..64];
        }
        wait;

    Each staging array is doubled. Legal when no iteration reads from the array what an earlier one left there, and when
    no iteration writes what a later one copies in.
    """

    name = "pipeline"
    kind = "memory"
    summary = "Double-buffers a loop: the next tile is copied in, and the last one out, while this one is computed."
    knobs: ClassVar[dict[str, str]] = {
        "loop": "the loop whose copies and computation overlap",
        "stages": "tiles of each array that exist at a time: 2",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        if kernel.platform != target.name:
            return []
        found = []
        for label, loop in serial_loops(kernel):
            calls = [s for s in stmts_of(loop.body) if copies_of(s, target) is not None]
            if calls and len(calls) < len(stmts_of(loop.body)):
                found.append({"loop": label})
        return found

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        stages = knobs.get("stages", STAGES)
        if str(stages) != str(STAGES):
            raise self.refuse(f"stages must be {STAGES}, not {stages!r}: a wait completes all copies, so no more overlap")
        loop, label = find_loop(self, kernel, knobs.get("loop")), str(knobs.get("loop"))
        if kernel.platform != target.name:
            raise self.refuse("the loop must be one of the target's already", loop, "Bind it and stage its tiles first.")
        if not any(rows.later and rows.wait for rows in target.copies.values()):
            raise self.refuse(f"{target.title} has no copies that run behind other work", loop)
        refuse_exits(self, loop, label)
        refuse_barriers(self, loop, label)
        if leaves_loop(loop.body) or any(isinstance(n, Return) for n in walk(loop.body)):
            raise self.refuse(f"an iteration of loop {label} may end early: its copies would not be waited for", loop)
        if any(reads_memory(e) for e in (loop.lo, loop.hi, loop.step)):
            raise self.refuse(f"the bounds of loop {label} are read from memory", loop)
        scope = scope_at(kernel, loop)
        trips = trip_count(loop, scope)
        if trips.value is not None and trips.value < 2:
            raise self.refuse(f"loop {label} runs once: there is no next tile", loop)
        behind = overlap_of(self, kernel, target, loop, label)
        self._refuse_full(kernel, target, behind)
        self._refuse_crooked(kernel, target, behind)
        return PassResult(_rewritten(kernel, target, loop, behind, scope, trips), _note(label, behind))

    def _refuse_full(self, kernel: Kernel, target: Platform, behind: Behind) -> None:
        for name in dict.fromkeys(a.memory for a in behind.arrays):
            memory = target.memory(name)
            if memory is None or memory.capacity is None:
                continue
            used = bytes_used(kernel, name)
            mine = [a for a in behind.arrays if a.memory == name]
            missing = next((a for a in mine if a.name not in used), None)
            if missing is not None:
                raise self.refuse(f"how large {missing.name} is, is not a constant", missing)
            total = sum(used.values()) + sum(used[a.name] for a in mine)
            if total > memory.capacity:
                raise self.refuse(f"two tiles each of {', '.join(a.name for a in mine)} make {total} bytes of {name}, "
                                  f"which has {memory.capacity}", mine[0], "Choose smaller tiles.")

    def _refuse_crooked(self, kernel: Kernel, target: Platform, behind: Behind) -> None:
        """The second tile starts where the first ends: some instrs want it at a multiple of more bytes."""
        sizes = {m.name: bytes_used(kernel, m.name) for m in target.memories}
        tiles = {a.name: sizes[a.memory].get(a.name, 0) for a in behind.arrays}
        for n in walk(kernel.body):
            if not isinstance(n, InstrCall) or (row := target.instr(n.instr)) is None:
                continue
            for o, x in zip(row.operands, n.args, strict=True):
                if isinstance(x, Ref) and tiles.get(x.buffer, 0) % o.alignment:
                    raise self.refuse(f"a second tile of {x.buffer} would start at byte {tiles[x.buffer]}, but {row.word} "
                                      f"wants multiples of {o.alignment}", n, "Round the array up (cache, knob round).")


class _Slot(Rewriter):
    """Accesses of the doubled arrays, at one of their two tiles."""

    def __init__(self, names: set[str], slot: Expr) -> None:
        self.names, self.slot = names, slot

    def _at(self, node: Any) -> Any:
        if node.buffer not in self.names:
            return node
        return dataclasses.replace(node, indices=(self.slot, *node.indices))

    visit_Load = visit_Store = visit_Ref = _at


def _rewritten(kernel: Kernel, platform: Platform, loop: For, behind: Behind, scope: Scope, trips: Poly) -> Kernel:
    t = Var(loop.var, loop.dtype)
    following = add(t, loop.step)
    two = integer(STAGES)
    now: Expr = mod(t, two)
    other = mod(add(t, integer(1)), two)
    named: tuple[AnyStmt, ...] = ()
    if not (_is(loop.lo, 0) and _is(loop.step, 1)):
        slot = Let(fresh_name("slot", all_names(kernel)), loop.dtype, mod(div(sub(t, loop.lo), loop.step), two))
        now = Var(slot.name, loop.dtype)
        named, other = (slot,), sub(integer(1), now)
    names = {a.name for a in behind.arrays}

    def at(slot: Expr, stmts: tuple[AnyStmt, ...]) -> tuple[AnyStmt, ...]:
        return tuple(_Slot(names, slot).visit(s) for s in stmts)

    first = at(integer(0), tuple(substitute(s, {loop.var: loop.lo}) for s in behind.loads))
    coming = at(other, tuple(substitute(later_call(s, platform), {loop.var: following}) for s in behind.loads))
    done = tuple(later_call(s, platform) for s in behind.stores)
    waits = tuple(InstrCall(w, ()) for w in behind.waits)
    body = Block((
        *named,
        *(guarded(lt(following, loop.hi), Block(coming)).stmts if coming else ()),
        *at(now, behind.work), *waits, *at(now, done),
    ), span=loop.body.span)
    prologue: tuple[AnyStmt, ...] = ()
    if first:
        some = None if scope.nonneg(trips.plus(-1)) else lt(loop.lo, loop.hi)
        prologue = guarded(some, Block(first)).stmts
    epilogue = tuple(InstrCall(w, ()) for w in behind.late_waits)
    inside = simplify_block(body, scope.loop(loop))
    whole = Block((*simplify_block(Block(prologue), scope).stmts, dataclasses.replace(loop, body=inside), *epilogue))
    kernel = replace_stmt(kernel, loop, whole)
    for a in behind.arrays:
        kernel = replace_node(kernel, a, dataclasses.replace(a, shape=(two, *a.shape)))
    return kernel


def _is(e: Expr, value: int) -> bool:
    return isinstance(e, Const) and e.value == value


def _note(label: str, behind: Behind) -> str:
    parts = []
    inn = [a.name for a in behind.arrays if a.name in behind.filled]
    out = [a.name for a in behind.arrays if a.name not in behind.filled]
    if inn:
        parts.append(f"the next tile of {', '.join(inn)} is copied in")
    if out:
        parts.append(f"the last tile of {', '.join(out)} is copied out")
    return f"While an iteration of loop {label} computes, {' and '.join(parts)}."


PASS = Pipeline()

