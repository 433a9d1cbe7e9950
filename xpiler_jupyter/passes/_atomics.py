"""Atomic updates where one thread is left: what each does, as ordinary statements that remember to be one step."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..frontend.meanings import Meanings
from ..ir.nodes import InstrCall, Kernel, Stmt, Store
from ..ir.visit import Rewriter, walk
from ..platforms import registry as platforms
from ._cas_loops import as_updates


def is_atomic(kernel: Kernel, call: InstrCall) -> bool:
    """Is the call an atomic update or a fence? Both go where the threads go."""
    row = platforms.get(kernel.platform).instr(call.instr)
    return row is not None and row.atomic


def spelt_out(kernel: Kernel) -> Kernel:
    """The kernel with every atomic as its read, change and write, each `Store.atomic`: right as long as no threads run
    at once, so for analyses, and for a text whose threads become loops."""
    if not any(isinstance(n, InstrCall) and is_atomic(kernel, n) for n in walk(kernel.body)):
        return kernel
    kernel = as_updates(kernel)
    return dataclasses.replace(kernel, body=_SpeltOut(kernel).visit(kernel.body))


class _SpeltOut(Rewriter):
    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.meanings = kernel, Meanings(kernel)

    def visit_InstrCall(self, call: InstrCall) -> Any:
        if not is_atomic(self.kernel, call):
            return call
        stmts = [s for s in self.meanings.of(call) if isinstance(s, Stmt)]
        return tuple(dataclasses.replace(_At(call).visit(s), comments=call.comments if s is stmts[0] else ()) for s in stmts)


class _At(Rewriter):
    """What stands for a call stands at its place."""

    def __init__(self, call: InstrCall) -> None:
        self.place = call.span

    def _placed(self, node: Any) -> Any:
        return node if node.span is not None else dataclasses.replace(node, span=self.place)

    visit_Store = visit_Load = visit_Let = _placed


class Ordinary(Rewriter):
    """Drops the mark: among loops of one thread an update is a statement as any other."""

    def visit_Store(self, s: Store) -> Store:
        return dataclasses.replace(s, atomic=False) if s.atomic else s
