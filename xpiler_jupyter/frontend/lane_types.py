"""What lanes each vector register has: the type that its instrs write there. A register is bits; a name in the text says
nothing about its lanes, so they follow from use.

An instr that only moves or combines bits (`setzero_si512`, `and_si256`, a copy) has a row for every lane type: it gets
the one of its register.
"""

from __future__ import annotations

from dataclasses import replace

from ..ir.build import integer
from ..ir.nodes import Alloc, Block, InstrCall, Ref
from ..ir.types import ScalarType
from ..ir.visit import Rewriter, walk
from ..platforms.base import Platform
from ..platforms.instr import Instr


def settle_lanes(body: Block, platform: Platform) -> Block:
    """The body with a lane type for each register: that of the narrowest lanes written there (so that no instr writes a
    part of a lane), else of the narrowest ones read."""
    if not platform.vectors:
        return body
    written: dict[str, list[ScalarType]] = {}
    read: dict[str, list[ScalarType]] = {}
    for n in walk(body):
        row = platform.instr(n.instr) if isinstance(n, InstrCall) else None
        if row is None or not isinstance(n, InstrCall) or _any_lanes(row):
            continue
        for a, o in zip(n.args, row.operands, strict=True):
            if isinstance(a, Ref) and o.declared in platform.vectors and isinstance(o.dtype, ScalarType):
                (read if o.access == "r" else written).setdefault(a.buffer, []).append(o.dtype)
    types = {b: min(written.get(b) or read[b], key=lambda t: t.bits) for b in {**written, **read}}
    return _Settle(types, platform).visit(body)  # type: ignore[no-any-return]


def _any_lanes(row: Instr) -> bool:
    """Is this one of the rows of an instr that does not care what lanes its registers have?"""
    lanes = {o.dtype for o in row.operands if o.declared}
    return "." in row.name and len(lanes) == 1 and all(o.declared for o in row.operands)


class _Settle(Rewriter):
    def __init__(self, types: dict[str, ScalarType], platform: Platform) -> None:
        self.types, self.platform = types, platform

    def visit_Alloc(self, a: Alloc) -> Alloc:
        t = self.types.get(a.name)
        if t is None or t == a.dtype:
            return a
        last = a.shape[-1]
        size = int(last.value) * a.dtype.bytes  # type: ignore[union-attr]
        return replace(a, dtype=t, shape=(*a.shape[:-1], integer(size // t.bytes)))

    def visit_Ref(self, r: Ref) -> Ref:
        return replace(r, dtype=self.types[r.buffer]) if r.buffer in self.types else r

    def visit_InstrCall(self, call: InstrCall) -> InstrCall:
        row = self.platform.instr(call.instr)
        if row is None or not _any_lanes(row) or not isinstance(call.args[0], Ref):
            return call
        name = f"{call.instr.rpartition('.')[0]}.{call.args[0].dtype}"
        return replace(call, instr=name) if self.platform.instr(name) is not None else call
