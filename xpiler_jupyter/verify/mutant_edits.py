"""Wrong edits that need to know what else the kernel has: its other buffers, loops and instrs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..ir.nodes import Alloc, Binary, Block, Cast, Const, Expr, For, InstrCall, Kernel, Load, Node, Ref, Store, Var
from ..ir.types import BOOL, I8, ScalarType
from ..ir.visit import walk


@dataclass(slots=True)
class Surroundings:
    """What a wrong name may be: buffers by element type and rank, loop variables, instrs by how many operands they take."""

    buffers: dict[tuple[ScalarType, int], list[str]] = field(default_factory=dict)
    loops: list[str] = field(default_factory=list)
    instrs: dict[int, list[str]] = field(default_factory=dict)

    @staticmethod
    def of(kernel: Kernel) -> Surroundings:
        """Those of a whole kernel, in the order of its text."""
        out = Surroundings()
        for p in kernel.params:
            if p.pointer:
                out.buffers.setdefault((p.dtype, 1), []).append(p.name)
        for n in walk(kernel.body):
            if isinstance(n, Alloc):
                out.buffers.setdefault((n.dtype, len(n.shape)), []).append(n.name)
            elif isinstance(n, For) and n.var not in out.loops:
                out.loops.append(n.var)
            elif isinstance(n, InstrCall) and n.instr not in (known := out.instrs.setdefault(len(n.args), [])):
                known.append(n.instr)
        return out


def _next(names: list[str], name: str) -> str | None:
    """Another one of the names: the one after it."""
    if name not in names or len(names) < 2:
        return None
    return names[(names.index(name) + 1) % len(names)]


def wider_edits(node: Node, around: Surroundings) -> Iterator[tuple[str, str, Any]]:
    """(kind, words, replacement) for one node; the replacement of a statement may be a tuple of statements."""
    if isinstance(node, Load | Ref | Store) and node.indices:
        other = _next(around.buffers.get((node.dtype, len(node.indices)), []), node.buffer)
        if other is not None:
            yield "buffer", f"{node.buffer} became {other}", dataclasses.replace(node, buffer=other)
        if len(node.indices) > 1:
            yield "transposed", f"the indices of {node.buffer} are swapped", \
                dataclasses.replace(node, indices=(*node.indices[:-2], node.indices[-1], node.indices[-2]))
    if isinstance(node, Ref) and node.indices:
        last = node.indices[-1]
        moved = Binary("+", last, Const(1, last.dtype), last.dtype)
        yield "offset", f"operand {node.buffer} off by 1", dataclasses.replace(node, indices=(*node.indices[:-1], moved))
    elif isinstance(node, For) and isinstance(node.step, Const) and node.kind != "parallel":
        yield "step", f"{node.var} takes larger steps", \
            dataclasses.replace(node, step=dataclasses.replace(node.step, value=int(node.step.value) + 1))
        yield "range", f"{node.var} runs its first half only", \
            dataclasses.replace(node, hi=Binary("/", node.hi, Const(2, node.hi.dtype), node.hi.dtype))
    elif isinstance(node, Var):
        other = _next(around.loops, node.name)
        if other is not None:
            yield "index", f"{node.name} became {other}", dataclasses.replace(node, name=other)
    elif isinstance(node, Const) and node.dtype.is_integer and node.dtype != BOOL:
        for step in (1, -1):
            yield "number", f"{node.value} became {int(node.value) + step}", \
                dataclasses.replace(node, value=int(node.value) + step)
    elif isinstance(node, Binary) and node.op in ("-", "/", "%", "<<", ">>", "<", "<="):
        yield "operands", f"the operands of {node.op} are swapped", dataclasses.replace(node, a=node.b, b=node.a)
    elif isinstance(node, InstrCall):
        yield "instr", f"a call of {node.instr} is missing", ()
        other = _next(around.instrs.get(len(node.args), []), node.instr)
        if other is not None:
            yield "instr", f"{node.instr} became {other}", dataclasses.replace(node, instr=other)
    elif isinstance(node, Block):
        for k, (a, b) in enumerate(pairwise(node.stmts)):
            if isinstance(a, Store | For | InstrCall) and isinstance(b, Store | For | InstrCall):
                swapped = (*node.stmts[:k], b, a, *node.stmts[k + 2:])
                yield "order", "two statements are swapped", dataclasses.replace(node, stmts=swapped)
    if isinstance(node, Binary) and node.op in ("+", "-", "*", "/") and node.a.dtype == node.b.dtype:
        yield "term", f"the right side of {node.op} is missing", node.a
        yield "term", f"the left side of {node.op} is missing", node.b
    if isinstance(node, Store):
        if any(isinstance(n, Load) and n.buffer == node.buffer for n in walk(node.value)):
            yield "twice", f"an update of {node.buffer} is done twice", (node, node)
        if node.dtype.is_integer and node.dtype.bits > 8:
            narrow: Expr = Cast(Cast(node.value, I8), node.dtype)
            yield "type", f"what is stored to {node.buffer} passes through a byte", dataclasses.replace(node, value=narrow)
