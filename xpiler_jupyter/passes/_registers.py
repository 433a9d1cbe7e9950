"""Keeps small arrays in registers: once all accesses of an array are whole vectors, it is a vector itself.

    float sum[16]; z = setzero(); storeu(sum, z); for (...) { s = loadu(sum); t = fmadd(a, b, s); storeu(sum, t); }
    ->
    sum = setzero(); for (...) sum = fmadd(a, b, sum);
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir.build import integer
from ..ir.nodes import Alloc, AnyStmt, Block, Const, For, InstrCall, Kernel, Load, Ref, Store
from ..ir.types import ScalarType
from ..ir.visit import Rewriter, walk
from ..platforms.base import Platform
from ..platforms.instr import Instr, Operand
from ._vec_rows import patterns


def in_registers(kernel: Kernel, target: Platform) -> tuple[Kernel, tuple[str, ...]]:
    """The kernel with every array that can be a register in one, and the names of those arrays."""
    kept: list[str] = []
    for a in [n for n in walk(kernel.body) if isinstance(n, Alloc)]:
        made = _Promotion(kernel, a, target).run() if _small(a) else None
        if made is not None:
            kernel = made
            kept.append(a.name)
    return kernel, tuple(kept)


def _small(a: Alloc) -> bool:
    return a.memory == "local" and len(a.shape) == 1 and isinstance(a.shape[0], Const) and not a.zeroed


class _Promotion:
    """One array. Gives up (None) at the first access that is not a whole vector."""

    def __init__(self, kernel: Kernel, array: Alloc, target: Platform) -> None:
        self.kernel, self.array, self.target = kernel, array, target
        size = array.shape[0]
        assert isinstance(size, Const)
        self.lanes = int(size.value)

    def run(self) -> Kernel | None:
        calls = [n for n in walk(self.kernel.body) if isinstance(n, InstrCall) and self._names(n)]
        if not calls or any(isinstance(n, Load | Store) and n.buffer == self.array.name for n in walk(self.kernel.body)):
            return None
        registers = [self.register(c) for c in calls]
        if any(r is None for r in registers):
            return None
        # Values that are computed say what kind of register it is; copies go by any.
        words = [r.declared for c, r in zip(calls, registers, strict=True) if r is not None and self._computed(c, r)]
        declared = words[0] if words else registers[0].declared  # type: ignore[union-attr]
        memory = next(r.memory[0] for r in registers if r is not None)
        block = _Block(self, declared)
        body = block.visit(self.kernel.body)
        if block.stuck or any(isinstance(n, InstrCall) and self._names(n) and self.register(n) is not None
                              for n in walk(body)):
            return None
        fresh = dataclasses.replace(self.array, memory=memory)
        return dataclasses.replace(self.kernel, body=_Retyped(self.array.name, fresh).visit(body))

    def _names(self, call: InstrCall) -> bool:
        return any(isinstance(x, Ref) and x.buffer == self.array.name for x in call.args)

    def row(self, call: InstrCall) -> Instr:
        found = self.target.instr(call.instr)
        assert found is not None
        return found

    def register(self, call: InstrCall) -> Operand | None:
        """The register operand of a call that copies the whole array to or from one."""
        row = self.row(call)
        found = copied(row, self.lanes)
        if found is None:
            return None
        place = next(x for x, o in zip(call.args, row.operands, strict=True) if o is not found)
        whole = isinstance(place, Ref) and place.buffer == self.array.name and place.indices == (integer(0),)
        return found if whole else None

    def _computed(self, call: InstrCall, register: Operand) -> bool:
        """Is the value that goes through this register an operand or a result of something else than a copy?"""
        row = self.row(call)
        name = next(x.buffer for x, o in zip(call.args, row.operands, strict=True) if o is register and isinstance(x, Ref))
        others = [n for n in walk(self.kernel.body) if isinstance(n, InstrCall) and n is not call
                  and any(isinstance(x, Ref) and x.buffer == name for x in n.args)]
        return any(copied(self.row(n), self.lanes) is None for n in others)

    def twin(self, row: Instr, declared: str, place: Operand, dtype: ScalarType) -> Instr | None:
        """The row that copies in the same direction by registers of another kind."""
        for r in self.target.instrs:
            reg = copied(r, self.lanes) if len(r.operands) == len(row.operands) else None
            if reg is not None and reg.declared == declared and reg.dtype == dtype:
                memory = next(o for o in r.operands if o is not reg)
                if memory.access == place.access and memory.alignment == place.alignment and memory.dtype == dtype:
                    return r
        return None


class _Block(Rewriter):
    """Loads and stores of the array go; the values they moved are the array's own."""

    def __init__(self, p: _Promotion, declared: str) -> None:
        self.p, self.declared, self.stuck = p, declared, False

    def visit_Block(self, b: Block) -> Block:
        stmts = list(b.stmts)
        while (step := self._one(stmts)) is not None:
            stmts = step
        return dataclasses.replace(b, stmts=tuple(stmts)) if len(stmts) != len(b.stmts) else b

    def _one(self, stmts: list[AnyStmt]) -> list[AnyStmt] | None:
        name = self.p.array.name
        for k, s in enumerate(stmts):
            if not isinstance(s, InstrCall) or not self.p._names(s):
                continue
            row, register = self.p.row(s), self.p.register(s)
            if register is None:
                continue
            ref = next(x for x, o in zip(s.args, row.operands, strict=True) if o is register)
            assert isinstance(ref, Ref)
            made = self._load(stmts, k, ref.buffer) if register.access == "w" else self._store(stmts, k, ref.buffer)
            if made is None:
                self.stuck = True
                return None
            # What stood there under the value's own name now has the array's.
            return [self._named(x, ref.buffer, name) for x in made]
        return None

    def _load(self, stmts: list[AnyStmt], k: int, value: str) -> list[AnyStmt] | None:
        """Every use of the value follows in this block, before the array changes."""
        later = [i for i, s in enumerate(stmts) if i > k and _touches(s, value)]
        if self._outside(stmts, value) or not later:
            return None
        for i in range(k + 1, later[-1] + 1):
            s = stmts[i]
            writes = isinstance(s, InstrCall) and self.p._names(s) and _writes(s, self.p.row(s), self.p.array.name)
            inside = not isinstance(s, InstrCall) and _touches(s, self.p.array.name)
            if (writes and i < later[-1]) or inside:
                return None
            if not isinstance(s, InstrCall) and _touches(s, value) and not isinstance(s, For):
                return None
        return self._without(stmts, k, value)

    def _store(self, stmts: list[AnyStmt], k: int, value: str) -> list[AnyStmt] | None:
        """The value was made in this block, after the last use of the array's old one, for this store only."""
        made = [i for i, s in enumerate(stmts) if i < k and isinstance(s, InstrCall)
                and _writes(s, self.p.row(s), value)]
        if len(made) != 1 or self._outside(stmts, value):
            return None
        d = made[0]
        for i, s in enumerate(stmts):
            if isinstance(s, Alloc):
                continue
            if (i > k or d < i < k) and _touches(s, value):
                return None
            if d < i < k and _touches(s, self.p.array.name):
                return None
        return self._without(stmts, k, value)

    def _outside(self, stmts: list[AnyStmt], value: str) -> bool:
        """Is the value declared elsewhere?"""
        return not any(isinstance(s, Alloc) and s.name == value for s in stmts)

    def _without(self, stmts: list[AnyStmt], k: int, value: str) -> list[AnyStmt]:
        return [s for i, s in enumerate(stmts) if i != k and not (isinstance(s, Alloc) and s.name == value)]

    def _named(self, s: AnyStmt, old: str, new: str) -> Any:
        return _Renamed(self.p, old, new, self.declared).visit(s)


class _Renamed(Rewriter):
    """The register's new name; copies by another kind of register become those of its own kind."""

    def __init__(self, p: _Promotion, old: str, new: str, declared: str) -> None:
        self.p, self.old, self.new, self.declared = p, old, new, declared

    def visit_InstrCall(self, call: InstrCall) -> InstrCall:
        if not any(isinstance(x, Ref) and x.buffer == self.old for x in call.args):
            return call
        args = tuple(dataclasses.replace(x, buffer=self.new) if isinstance(x, Ref) and x.buffer == self.old else x
                     for x in call.args)
        row = self.p.row(call)
        register = copied(row, self.p.lanes)
        if register is not None and register.declared != self.declared:
            place = next(o for o in row.operands if o is not register)
            twin = self.p.twin(row, self.declared, place, self.p.array.dtype)
            if twin is not None:
                return InstrCall(twin.name, args, span=call.span, comments=call.comments)
        return dataclasses.replace(call, args=args)


class _Retyped(Rewriter):
    def __init__(self, name: str, fresh: Alloc) -> None:
        self.name, self.fresh = name, fresh

    def visit_Alloc(self, a: Alloc) -> Alloc:
        return self.fresh if a.name == self.name else a


def copied(row: Instr, lanes: int) -> Operand | None:
    """The register operand of a row that only copies `lanes` elements between a register and memory."""
    if row.lanes != 1 or len(row.operands) != 2 or not all(o.memory for o in row.operands):
        return None
    shaped = [o for o in row.operands if o.shape == (lanes,)]
    if len(shaped) != 1 or any(isinstance(o.dtype, str) for o in row.operands):
        return None
    key = (row.name, lanes)
    if key not in _COPIES:
        found = patterns(row)
        _COPIES[key] = bool(found) and found[0].root.op == "vec" and found[0].lanes == lanes
    return shaped[0] if _COPIES[key] else None


_COPIES: dict[tuple[str, int], bool] = {}


def _touches(s: AnyStmt, buffer: str) -> bool:
    return any(isinstance(n, Load | Store | Ref) and n.buffer == buffer for n in walk(s))


def _writes(call: InstrCall, row: Instr, buffer: str) -> bool:
    return any(o.access != "r" and isinstance(x, Ref) and x.buffer == buffer
               for x, o in zip(call.args, row.operands, strict=True))


__all__ = ["copied", "in_registers"]
