"""Atomic updates and the order of threads: how many terms they may add up, and which of them let the order be seen."""

from __future__ import annotations

from ..dataflow.dependences import reduction
from ..frontend.meanings import row_statements
from ..ir.nodes import InstrCall, Kernel, Store
from ..ir.visit import walk
from ..platforms.base import Platform


def is_update(call: InstrCall, platform: Platform) -> bool:
    """Does the call atomically change an element (a fence does not)?"""
    row = platform.instr(call.instr)
    return row is not None and row.atomic and bool(row.operands)


def revealing(kernel: Kernel, platform: Platform) -> tuple[InstrCall, str] | None:
    """The first atomic whose outcome follows the order of its threads even where its terms are integers, and in words
    why: its value from before is used, or its operation does not commute."""
    for n in walk(kernel.body):
        row = platform.instr(n.instr) if isinstance(n, InstrCall) else None
        if not isinstance(n, InstrCall) or row is None or not is_update(n, platform):
            continue
        if row.result is not None:
            return n, f"which value from before a thread gets from {row.word} is a matter of their order"
        if not all(reduction(s) for s in row_statements(row) if isinstance(s, Store)):
            return n, f"what {row.word} leaves is a matter of their order"
    return None
