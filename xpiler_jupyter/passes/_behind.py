"""Which copies of a loop may run behind its computation: found by what they touch, allowed by dependences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..dataflow.dependences import can_distribute, is_private
from ..frontend.meanings import with_meanings
from ..ir.build import integer
from ..ir.nodes import Alloc, AnyStmt, Block, Expr, For, If, InstrCall, Kernel, Let, Load, Ref, Store, Var
from ..ir.types import I32
from ..ir.visit import Rewriter, all_names, fresh_name, stmts_of, substitute, walk
from ..platforms.base import CopyRows, Platform
from ..platforms.instr import Instr
from ._loops import reads_memory, seen_through
from .base import Pass, replace_node


@dataclass(frozen=True, slots=True)
class Behind:
    """A loop body in parts. `loads` fill the arrays called `filled` from buffers, `stores` empty the others; `work` is
    all the rest, in order. `waits` complete the copies that an iteration started, `late_waits` those that the last one
    did."""

    arrays: tuple[Alloc, ...]
    filled: frozenset[str]
    loads: tuple[AnyStmt, ...]
    work: tuple[AnyStmt, ...]
    stores: tuple[AnyStmt, ...]
    waits: tuple[str, ...]
    late_waits: tuple[str, ...]


def rows_of(call: InstrCall, platform: Platform) -> CopyRows | None:
    """The rows of the call's direction, when it is a copy that has one to run behind."""
    for rows in platform.copies.values():
        later = _later_name(call.instr, rows)
        if later and rows.wait and platform.instr(later) is not None:
            return rows
    return None


def _later_name(name: str, rows: CopyRows) -> str:
    for plain, later in ((rows.plain, rows.later), (rows.strided, rows.later_strided)):
        if plain and later and name.startswith(f"{plain}."):
            return later + name[len(plain):]
    return ""


def copies_of(s: AnyStmt, platform: Platform) -> list[tuple[InstrCall, Ref, Ref]] | None:
    """(call, destination, source) of a statement that only copies, perhaps in loops and under conditions."""
    found: list[tuple[InstrCall, Ref, Ref]] = []
    for n in walk(s):
        if isinstance(n, InstrCall):
            ends = _ends(n, platform)
            if ends is None or rows_of(n, platform) is None:
                return None
            found.append((n, *ends))
        elif isinstance(n, Load) or not isinstance(n, For | If | Block | Let | Expr):
            return None
    return found or None


def _ends(call: InstrCall, platform: Platform) -> tuple[Ref, Ref] | None:
    row = platform.instr(call.instr)
    named = dict(zip([o.name for o in row.operands], call.args, strict=True)) if row is not None else {}
    dst, src = named.get("dst"), named.get("src")
    return (dst, src) if isinstance(dst, Ref) and isinstance(src, Ref) else None


def _fills(s: AnyStmt, platform: Platform) -> str | None:
    """The array that a statement fills with a value: what a clipped copy stands on."""
    if not isinstance(s, InstrCall):
        return None
    row: Instr | None = platform.instr(s.instr)
    refs = [(o, a) for o, a in zip(row.operands, s.args, strict=True) if isinstance(a, Ref)] if row is not None else []
    if row is None or row.deferred or len(refs) != 1 or refs[0][0].access != "w" or any(
            isinstance(n, Load) for a in s.args for n in walk(a)):
        return None
    return refs[0][1].buffer


def later_call(s: AnyStmt, platform: Platform) -> AnyStmt:
    """The statement with its copies turned into ones that run behind."""

    class Later(Rewriter):
        def visit_InstrCall(self, call: InstrCall) -> InstrCall:
            rows = rows_of(call, platform)
            return call if rows is None else dataclasses.replace(call, instr=_later_name(call.instr, rows))

    return Later().visit(s)  # type: ignore[no-any-return]


def touched(s: Any) -> set[str]:
    return {n.buffer for n in walk(s) if isinstance(n, Load | Store | Ref)}


def written(s: Any, platform: Platform) -> set[str]:
    """Names of buffers that a statement may write: by its stores, and by the operands that its instrs write."""
    out: set[str] = set()
    for n in walk(s):
        if isinstance(n, Store):
            out.add(n.buffer)
        elif isinstance(n, InstrCall):
            row = platform.instr(n.instr)
            access = [o.access for o in row.operands] if row is not None else ["rw"] * len(n.args)
            out |= {a.buffer for a, w in zip(n.args, access, strict=True) if isinstance(a, Ref) and "w" in w}
    return out


def overlap_of(pass_: Pass, kernel: Kernel, platform: Platform, loop: For, label: str) -> Behind:
    """The parts of the loop. Raises IllegalPassError with what stands in the way of the first array."""
    return _Search(pass_, kernel, platform, loop, label).run()


class _Search:
    def __init__(self, pass_: Pass, kernel: Kernel, platform: Platform, loop: For, label: str) -> None:
        self.no, self.kernel, self.platform, self.loop, self.label = pass_.refuse, kernel, platform, loop, label
        self.body = stmts_of(loop.body)
        inside = {id(n) for n in walk(loop.body)}
        self.allocs = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc) and id(n) not in inside}
        self.pointers = {p.name for p in kernel.params if p.pointer}
        self.copies = [copies_of(s, platform) for s in self.body]
        self.reason: Exception | None = None

    def run(self) -> Behind:
        for n in walk(self.loop.body):
            row = self.platform.instr(n.instr) if isinstance(n, InstrCall) else None
            waits = {rows.wait for rows in self.platform.copies.values()}
            if row is not None and (row.deferred or row.name in waits):
                raise self.no(f"loop {self.label} has copies that run behind already", n)
        filled, emptied = self._filled(), self._emptied()
        emptied = [x for x in emptied if x not in filled]
        while True:
            loads = self._loads(filled)
            late = self._late(filled)
            if late is None:
                break
            filled.remove(late)
        private = self._private([*filled, *emptied])
        filled, emptied = [x for x in filled if x in private], [x for x in emptied if x in private]
        loads = self._loads(filled)
        if loads:
            self._refuse_dependences(filled, loads)
        stores = [k for k in self._last() if all(s.buffer in emptied for _, _, s in self.copies[k] or [])]
        if not filled and not emptied:
            if self.reason is not None:
                raise self.reason
            raise self.no(f"loop {self.label} copies no tile of a buffer with instrs", self.loop,
                          "Stage a buffer in this loop first (cache).")
        work = [s for k, s in enumerate(self.body) if k not in loads and k not in stores]
        if all(isinstance(s, Let | Alloc) or copies_of(s, self.platform) is not None for s in work):
            raise self.no(f"loop {self.label} only copies: there is nothing to overlap with", self.loop)
        arrays = tuple(self.allocs[x] for x in (*filled, *emptied))
        return Behind(arrays, frozenset(filled), tuple(self._seen(k) for k in loads), tuple(work),
                      tuple(self.body[k] for k in stores), self._waits([*loads, *stores]), self._waits(stores))

    def _seen(self, k: int) -> AnyStmt:
        """A statement of the body without the names that the body gives to index arithmetic."""
        lets = {s.name: s.value for s in self.body[:k] if isinstance(s, Let) and not reads_memory(s.value)}
        return _through(self.body[k], lets)

    def _waits(self, stmts: list[int]) -> tuple[str, ...]:
        rows = [rows_of(call, self.platform) for k in stmts for call, _, _ in self.copies[k] or []]
        return tuple(dict.fromkeys(r.wait for r in rows if r is not None))

    def _because(self, reason: str, node: Any = None) -> None:
        self.reason = self.reason or self.no(reason, node)

    # -- candidates ----------------------------------------------------------------------------------------------------

    def _outside(self, name: str) -> bool:
        """Is the array used outside of the loop?"""
        rest = replace_node(self.kernel, self.loop, ())
        return name in touched(rest.body)

    def _filled(self) -> list[str]:
        """Arrays that the loop fills from parameters, by copies."""
        out: dict[str, None] = {}
        bound = {s.name for s in self.body if isinstance(s, Alloc)} | {
            s.name for s in self.body if isinstance(s, Let) and reads_memory(s.value)}
        for k, s in enumerate(self.body):
            for _, dst, src in self.copies[k] or []:
                if dst.buffer not in self.allocs or src.buffer not in self.pointers:
                    continue
                used = {n.name for n in walk(self._seen(k)) if isinstance(n, Var)}
                if used & bound:
                    self._because(f"where the copy to {dst.buffer} reads is computed from memory in the loop", s)
                elif self._outside(dst.buffer):
                    self._because(f"{dst.buffer} is used outside of loop {self.label}", s)
                else:
                    out[dst.buffer] = None
        return list(out)

    def _emptied(self) -> list[str]:
        """Arrays that the end of the loop copies to parameters that nothing else in it touches."""
        last = self._last()
        rest = {x for k, s in enumerate(self.body) if k not in last for x in touched(s)}
        targets = {k: {d.buffer for _, d, _ in self.copies[k] or []} for k in last}
        sources = {k: {s.buffer for _, _, s in self.copies[k] or []} for k in last}
        good = {x for k in last for x in sources[k]}
        for k in last:
            others = {x for j in last if j != k for x in targets[j]}
            if targets[k] & (rest | others):
                good -= sources[k]
        for k in last:  # a statement runs behind as a whole or not at all
            if not sources[k] <= good:
                good -= sources[k]
        for x in sorted(good):
            if self._outside(x):
                good.remove(x)
                self._because(f"{x} is used outside of loop {self.label}", self.allocs[x])
        return [x for x in dict.fromkeys(s for k in last for s in sorted(sources[k])) if x in good]

    def _last(self) -> list[int]:
        """The copies to parameters that the body ends with."""
        k = len(self.body)
        while k and (copies := self.copies[k - 1]) and all(
                s.buffer in self.allocs and d.buffer in self.pointers for _, d, s in copies):
            k -= 1
        return list(range(k, len(self.body)))

    def _loads(self, filled: list[str]) -> list[int]:
        """The statements that fill these arrays: copies, and the fills in front of them."""
        out: list[int] = []
        for k, s in enumerate(self.body):
            copies = self.copies[k]
            if copies is not None and all(d.buffer in filled and x.buffer in self.pointers for _, d, x in copies):
                out.append(k)
            elif (name := _fills(s, self.platform)) in filled:
                before = [j for j in range(k) if name in touched(self.body[j])]
                after = next((j for j in range(k + 1, len(self.body)) if name in touched(self.body[j])), None)
                copy = self.copies[after] if after is not None else None
                if not before and copy and all(d.buffer == name for _, d, _ in copy):
                    out.append(k)
        return out

    def _late(self, filled: list[str]) -> str | None:
        """An array whose copy cannot move to the front of the body."""
        loads = self._loads(filled)
        for k in loads:
            mine = touched(self.body[k])
            for j in range(k):
                if j in loads:
                    continue
                clash = (touched(self.body[j]) & mine & set(filled)) | (written(self.body[j], self.platform) & mine)
                if clash:
                    name = next(iter(mine & set(filled)))
                    self._because(f"{sorted(clash)[0]} is used in loop {self.label} before {name} is copied in", self.body[j])
                    return name
        for x in filled:
            if not any(x in touched(self.body[k]) for k in loads):
                return x
        return None

    # -- dependences ---------------------------------------------------------------------------------------------------

    def _marked(self, body: tuple[AnyStmt, ...], names: list[str]) -> tuple[Kernel, For]:
        """The kernel in plain statements with another body of the loop, the arrays `names` declared in it."""
        taken = all_names(self.kernel)
        var = fresh_name("iteration", taken)
        own = tuple(self.allocs[x] for x in names)
        block = substitute(Block((*own, *body)), {self.loop.var: Var(var, self.loop.dtype)})
        kernel = self.kernel
        for a in own:
            kernel = replace_node(kernel, a, ())
        kernel = replace_node(kernel, self.loop, dataclasses.replace(self.loop, var=var, body=block))
        meant = with_meanings(kernel)
        return meant, next(n for n in walk(meant.body) if isinstance(n, For) and n.var == var)

    def _private(self, names: list[str]) -> set[str]:
        meant, loop = self._marked(self.body, [])
        out = set()
        for x in names:
            alloc = next(n for n in walk(meant.body) if isinstance(n, Alloc) and n.name == x)
            if is_private(meant, alloc, loop):
                out.add(x)
            else:
                self._because(f"an iteration of loop {self.label} may read from {x} what another one left there",
                              self.allocs[x])
        return out

    def _refuse_dependences(self, filled: list[str], loads: list[int]) -> None:
        sources = {x.buffer for k in loads for _, _, x in self.copies[k] or []}
        rest = [s for k, s in enumerate(self.body) if k not in loads]
        changed = sources & {x for s in rest for x in written(s, self.platform)}
        if not changed:
            return
        mark = Let(fresh_name("cut", all_names(self.kernel)), I32, integer(0))
        front = tuple(self._seen(k) for k in loads)
        meant, loop = self._marked((*front, mark, *rest), filled)
        body = stmts_of(loop.body)
        answer = can_distribute(meant, loop, next(k for k, s in enumerate(body) if isinstance(s, Let) and s.name == mark.name))
        if not answer:
            raise self.no(f"{sorted(changed)[0]} is copied in and written in loop {self.label}: {answer.reason}", self.loop)


def _through(s: AnyStmt, lets: dict[str, Expr]) -> AnyStmt:
    """The statement with the names of `lets` replaced by their values."""

    class Through(Rewriter):
        def visit(self, node: Any) -> Any:
            return seen_through(node, lets) if isinstance(node, Var) else super().visit(node)

    return Through().visit(s)  # type: ignore[no-any-return]
