"""The loops to bind, and what stands around and between them: every thread does that again, so it must be private."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import IllegalPassError
from ..ir.nodes import Alloc, AnyStmt, Expr, For, InstrCall, Kernel, Let, Load, Node, Return
from ..ir.visit import buffers_read, buffers_written, stmts_of, substitute, walk

Refuse = Callable[..., IllegalPassError]


@dataclass(frozen=True, slots=True)
class Nest:
    """The bound loops, outermost first; per loop the statements in front of it, which every thread does for itself;
    and the body of the innermost one."""

    loops: tuple[For, ...]
    fronts: tuple[tuple[AnyStmt, ...], ...]
    body: tuple[AnyStmt, ...]

    def known(self, e: Expr) -> Expr:
        """`e` with the `Let`s in front of the loops put in, where they only compute."""
        for front in reversed(self.fronts):
            for s in reversed(front):
                if isinstance(s, Let) and not any(isinstance(n, Load) for n in walk(s.value)):
                    e = substitute(e, {s.name: s.value})
        return e


def find_nest(kernel: Kernel, wanted: list[For], refuse: Refuse) -> Nest:
    """The nest whose loops are exactly `wanted`. Raises IllegalPassError when they are not the outermost loops of the
    kernel, each directly inside the one before, or when what is beside them is not private to a thread."""
    local = {n.name for n in walk(kernel.body) if isinstance(n, Alloc)}
    loops: list[For] = []
    fronts: list[tuple[AnyStmt, ...]] = []
    stmts: tuple[Any, ...] = stmts_of(kernel.body)
    while len(loops) < len(wanted):
        at = next((k for k, s in enumerate(stmts) if any(n is w for n in walk(s) for w in wanted)), None)
        if at is None:
            beside = next(w for w in wanted if not any(w is lp for lp in loops))
            raise refuse(f"loop {beside.var} is not inside the other bound loops", beside)
        found = stmts[at]
        if not any(found is w for w in wanted):
            what = f"loop {found.var}" if isinstance(found, For) else "a statement"
            inner = next(w for w in wanted if any(n is w for n in walk(found)))
            raise refuse(f"loop {inner.var} is inside {what}, which is not bound", inner,
                         "Bind the outer loop too, or reorder the loops first.")
        front, behind = stmts[:at], stmts[at + 1:]
        for s in front:
            _private(s, local, f"in front of loop {found.var}", refuse)
        for s in behind:
            _private(s, local, f"after loop {found.var}", refuse)
        loops.append(found)
        fronts.append(front)
        stmts = stmts_of(found.body)
    changed = {b for s in stmts for b in buffers_written(s)} - local
    for front in fronts:
        for s in front:
            stale = sorted(buffers_read(s) & changed)
            if stale:
                raise refuse(f"{stale[0]} is read outside the bound loops and written inside: threads would race", s)
    return Nest(tuple(loops), tuple(fronts), stmts)


def _private(s: Node, local: set[str], where: str, refuse: Refuse) -> None:
    """Every thread may do the statement for itself when it only touches what is its own."""
    shared = sorted(buffers_written(s) - local)
    if shared:
        raise refuse(f"{shared[0]} is written {where}, outside the bound loops", s,
                     "Bind only the loops around it, or move the statement into the loops.")
    if any(isinstance(n, Return | InstrCall) for n in walk(s)):
        raise refuse(f"a statement {where} cannot be done by every thread", s)
