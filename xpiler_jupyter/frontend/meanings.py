"""Instrs as the statements they stand for: each row's meaning, read once, with a call's operands put in."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

from ..errors import UnsupportedError
from ..ir import build
from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, For, InstrCall, Kernel, Let, Load, Ref, Store, Var
from ..ir.types import ScalarType
from ..ir.visit import Rewriter, all_names, fresh_name, rename, stmts_of, substitute, walk
from ..kept import Kept
from ..platforms import registry
from ..platforms.base import Platform
from ..platforms.instr import Instr, Operand
from .counts import in_ints
from .lanes import same_lane_only, seen_as, set_lane
from .module import parse
from .symbols import index_sum


@cache
def _statements(platform: str, name: str) -> tuple[Instr, tuple[AnyStmt, ...]]:
    row = registry.get(platform).instr(name)
    if row is None:
        raise UnsupportedError(f"the meaning of {name} is not known")
    return row, row_statements(row)


def row_statements(row: Instr) -> tuple[AnyStmt, ...]:
    """A row's meaning as statements over its operands, by their names. Raises UnsupportedError for a row whose types
    are not chosen yet, and what the front end raises for a meaning that it cannot read."""
    if any(isinstance(o.dtype, str) for o in row.operands):
        raise UnsupportedError(f"the meaning of {row.name} is not known")
    host = registry.meeting_point()

    def word(o: Operand) -> str:
        assert not isinstance(o.dtype, str)
        return host.types[o.dtype]

    def dims(o: Operand) -> tuple[int, ...]:
        return (row.lanes, *o.shape) if o.per_lane else o.shape

    params = [f"{word(o)}* {o.name}" if o.memory else f"{word(o)} {o.name}" for o in row.operands if not dims(o)]
    values = [f"{word(o)} {o.name}{''.join(f'[{n}]' for n in dims(o))};" for o in row.operands if dims(o)]
    text = f'extern "C" void meaning({", ".join(params) or "int* none"}) {{\n{" ".join(values)}\n{row.meaning}\n}}'
    shaped = {o.name for o in row.operands if dims(o)}
    stmts = tuple(s for s in _read(text) if not (isinstance(s, Alloc) and s.name in shaped))
    return stmts_of(_Atomic().visit(Block(stmts))) if row.atomic else stmts


_PACKAGE = Path(__file__).parent.parent
# What reading depends on. Thousands of meanings take seconds, and most runs need hundreds of them.
_KEPT = Kept("meanings", [p for room in ("frontend", "ir", "platforms", "platforms/c") for p in (_PACKAGE / room).glob("*.py")])


@cache
def _read(text: str) -> tuple[AnyStmt, ...]:
    """The statements of a meaning. Rows that differ only in memories share it."""
    found: tuple[AnyStmt, ...] | None = _KEPT.get(text)
    if found is None:
        found = stmts_of(_WithoutPlaces().visit(parse(text, registry.meeting_point()).body))
        _KEPT.put(text, found)
    return found


def warp_memories(platform: Platform) -> frozenset[str]:
    """Memories whose arrays belong to a warp as a whole."""
    return frozenset(m.name for m in platform.memories if m.scope == "warp")


def value_memories(platform: Platform) -> frozenset[str]:
    """Memories of values that only instrs touch: fragments of a warp, vector registers. As loops, they are arrays."""
    held = {m for row in platform.instrs for o in row.operands if o.declared in platform.vectors for m in o.memory}
    return warp_memories(platform) | frozenset(held)


class _Operands(Rewriter):
    """Accesses of operands become accesses of the buffers that the call names."""

    def __init__(self, places: dict[str, tuple[Operand, Ref]], shapes: dict[str, tuple[Expr, ...]],
                 types: dict[str, ScalarType], taken: set[str], lane: str = "",
                 values: Mapping[str, Expr] | None = None) -> None:
        self.places, self.shapes, self.types, self.taken = places, shapes, types, taken
        self.lane, self.values = lane, values or {}

    def _place(self, node: Any) -> Any:
        if node.buffer in self.values:
            return substitute(self.values[node.buffer], {self.lane: node.indices[0]})
        if node.buffer not in self.places:
            return node
        operand, ref = self.places[node.buffer]
        if operand.per_lane:
            outer = ref.indices[:len(ref.indices) - len(operand.shape)]
            there = tuple(substitute(i, {self.lane: node.indices[0]}) for i in outer)
            return dataclasses.replace(node, buffer=ref.buffer, indices=(*there, *node.indices[1:]), span=None)
        if operand.shape:
            outer = ref.indices[:len(ref.indices) - len(operand.shape)]
            stored = self.types.get(ref.buffer, node.dtype)
            if stored != node.dtype and isinstance(node, Load):
                return seen_as(ref.buffer, outer, node.indices[0], node.dtype, stored, ref)
            if stored != node.dtype and isinstance(node, Store):
                return set_lane(node, ref.buffer, outer, node.indices[0], stored, fresh_name("bits", self.taken))
            return dataclasses.replace(node, buffer=ref.buffer, indices=(*outer, *node.indices), span=None)
        indices = self._flat(ref, node.indices[0])
        return dataclasses.replace(node, buffer=ref.buffer, indices=indices, span=None)

    visit_Load = visit_Store = visit_Ref = _place

    def _flat(self, ref: Ref, at: Expr) -> tuple[Expr, ...]:
        if isinstance(at, Const) and at.value == 0:
            return ref.indices
        if len(ref.indices) <= 1:
            return tuple(index_sum(i, at) for i in ref.indices)
        dims = [int(d.value) for d in self.shapes[ref.buffer] if isinstance(d, Const)]
        if len(dims) < len(ref.indices):
            raise UnsupportedError.at(ref, f"the dimensions of {ref.buffer} are not constants")
        flat = at
        for k, i in enumerate(ref.indices):
            flat = index_sum(build.mul(i, build.integer(prod(dims[k + 1:]))), flat)
        out: list[Expr] = []
        for d in reversed(dims[1:]):
            out.insert(0, build.mod(flat, build.integer(d)))
            flat = build.div(flat, build.integer(d))
        return (flat, *out)


class Meanings:
    """Meanings of the calls in one kernel: names of theirs clash with none of the kernel's."""

    def __init__(self, kernel: Kernel) -> None:
        self.platform, self.taken = kernel.platform, all_names(kernel)
        allocs = [n for n in walk(kernel.body) if isinstance(n, Alloc)]
        self.shapes, self.types = {n.name: n.shape for n in allocs}, {n.name: n.dtype for n in allocs}
        self.vectors = registry.get(self.platform).vectors

    def row(self, call: InstrCall) -> Instr:
        return _statements(self.platform, call.instr)[0]

    def of(self, call: InstrCall, lane: str = "") -> tuple[AnyStmt, ...]:
        """The statements that the call stands for.

        Args:
            lane: for a call to which each lane brings values of its own: the name of the lane's number in them.

        Raises:
            UnsupportedError: no meaning is known, or the operands are values of a lane and `lane` is not given.
        """
        row, stmts = _statements(self.platform, call.instr)
        if not lane and any(o.per_lane for o in row.operands):
            raise UnsupportedError.at(call, f"{call.instr} exchanges values between the lanes of a warp")
        taken, names = set(self.taken), {}
        body = Block(stmts)
        for n in walk(body):
            name = n.var if isinstance(n, For) else n.name if isinstance(n, Let | Alloc) else None
            if name is not None and name not in names:
                names[name] = fresh_name(name, taken)
        places: dict[str, tuple[Operand, Ref]] = {}
        scalars: dict[str, Expr] = {}
        values: dict[str, Expr] = {}
        copied = self._copied(row, call, body, taken)
        # What stands in the block itself shares it with the meanings of other calls.
        self.taken |= {names[s.name] for s in stmts if isinstance(s, Let | Alloc)} | ({copied[0].name} if copied else set())
        for o, a in zip(row.operands, call.args, strict=True):
            if isinstance(a, Ref):
                places["operand " + o.name] = (o, a)
            elif o.per_lane:
                values["operand " + o.name] = a
            else:
                scalars["operand " + o.name] = a
        hidden = {o.name: "operand " + o.name for o in row.operands}  # so that no name of the kernel is taken for one
        body = rename(body, {**{a: b for a, b in names.items() if a != b}, **hidden})
        put = _Operands(places, self.shapes, self.types, taken, lane, values)
        if copied is None:
            return stmts_of(put.visit(in_ints(body, scalars)))
        made, copy = copied
        target, place = places["operand " + (row.result or "")]
        zeros = tuple(build.integer(0) for _ in target.shape)
        places["operand " + target.name] = (target, Ref(made.name, zeros, made.dtype))
        inside = stmts_of(put.visit(in_ints(body, scalars)))
        back = _Operands({"operand " + target.name: (target, place)}, self.shapes, self.types, taken).visit(copy)
        return (made, *inside, back)

    def _copied(self, row: Instr, call: InstrCall, body: Block, taken: set[str]) -> tuple[Alloc, For] | None:
        """An array to take the result, and its copy to where it goes, when the call reads registers that it overwrites
        lane by lane: C evaluates it as a whole. None when the result may go there at once."""
        result = next((o for o in row.operands if o.name == row.result and o.declared in self.vectors), None)
        if result is None or not isinstance(result.dtype, ScalarType):
            return None
        operands = dict(zip([o.name for o in row.operands], call.args, strict=True))
        place = operands[result.name]
        assert isinstance(place, Ref)
        again = {n for n, a in operands.items() if n != result.name and isinstance(a, Ref) and a.buffer == place.buffer}
        lanes = {o.dtype for o in row.operands if o.name in {*again, result.name}} | {self.types[place.buffer]}
        alike = all(isinstance(t, ScalarType) and t.bits == result.dtype.bits for t in lanes)
        if not again or (alike and all(operands[n] == place for n in again) and same_lane_only(body, result.name, again)):
            return None
        made = Alloc(fresh_name("result", taken), result.dtype, tuple(build.integer(n) for n in result.shape))
        i = Var(fresh_name("i", taken))
        store = Store("operand " + result.name, (i,), Load(made.name, (i,), made.dtype), made.dtype)
        return made, For(i.name, build.integer(0), made.shape[0], build.integer(1), Block((store,)))


class _Atomic(Rewriter):
    """Marks the stores of an atomic update."""

    def visit_Store(self, s: Store) -> Store:
        return dataclasses.replace(s, atomic=True)


class _WithoutPlaces(Rewriter):
    """Spans of the table's text mean nothing in the kernel's."""

    def visit(self, node: Any) -> Any:
        node = super().visit(node)
        return node if node.span is None else dataclasses.replace(node, span=None)


def with_meanings(kernel: Kernel) -> Kernel:
    """The kernel with every call of an instr replaced by its meaning: what it reads and writes, for analyses. Each
    thread of a warp does what the warp does together. A call without a known meaning stays."""
    if not any(isinstance(n, InstrCall) for n in walk(kernel.body)):
        return kernel
    meanings = Meanings(kernel)
    fragments = value_memories(registry.get(kernel.platform))

    class Put(Rewriter):
        def visit_InstrCall(self, call: InstrCall) -> Any:
            try:
                stmts = meanings.of(call)
            except UnsupportedError:
                return call
            return tuple(s if isinstance(s, Block) else dataclasses.replace(s, span=call.span) for s in stmts)

        def visit_Alloc(self, s: Alloc) -> Alloc:
            return dataclasses.replace(s, memory="local") if s.memory in fragments else s

    return Put().visit(kernel)  # type: ignore[no-any-return]
