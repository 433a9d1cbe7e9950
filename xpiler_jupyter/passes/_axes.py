"""The nest of axis loops of a kernel taken apart: grid axes, what a block shares, block axes, one thread's text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, For, Kernel, Var
from ..ir.types import I32
from ..ir.visit import Rewriter, stmts_of, walk
from ..platforms import registry


@dataclass(frozen=True, slots=True)
class AxisNest:
    """`grid` and `block` are axis loops, outermost first. `shared` are the statements between them, `before` those in
    front of all axes; `body` is what one thread does."""

    before: tuple[AnyStmt, ...]
    grid: tuple[For, ...]
    shared: tuple[AnyStmt, ...]
    block: tuple[For, ...]
    body: Block


def is_block_axis(kernel: Kernel, axis: str | None) -> bool:
    """Do the instances of the axis share memory and meet at barriers on the kernel's own platform?"""
    found = registry.get(kernel.platform).axis(axis or "")
    return found is not None and found.level == "block"


def axis_nest(kernel: Kernel) -> AxisNest:
    """The kernel's axis loops and what stands at which level. Without axes everything is `body`."""
    loops: list[For] = []
    before: tuple[AnyStmt, ...] = ()
    shared: list[AnyStmt] = []
    private: list[AnyStmt] = []
    body = kernel.body
    while True:
        stmts = stmts_of(body)
        if not stmts or not isinstance(stmts[-1], For) or stmts[-1].kind != "parallel":
            break
        inside_block = any(is_block_axis(kernel, lp.axis) for lp in loops)
        front = stmts[:-1]
        if not loops:
            before = front
        elif inside_block:
            private.extend(front)
        else:
            shared.extend(front)
        loops.append(stmts[-1])
        body = stmts[-1].body
    grid = tuple(lp for lp in loops if not is_block_axis(kernel, lp.axis))
    block = tuple(lp for lp in loops if is_block_axis(kernel, lp.axis))
    if loops and not block:  # one thread per block: what it shares with itself stands in its own text
        own = [s for s in stmts_of(body) if isinstance(s, Alloc) and s.memory != "local"]
        shared.extend(own)
        body = Block(tuple(s for s in stmts_of(body) if not any(s is o for o in own)), span=body.span)
    return AxisNest(before, grid, tuple(shared), block, Block((*private, *stmts_of(body)), span=body.span))


def one_for_all(kernel: Kernel) -> Kernel:
    """The kernel with each array of which a block has several, one per index of some of its axes (the clusters of a job),
    as one array with these axes' dimensions in front."""
    platform = registry.get(kernel.platform)
    block = [lp for lp in walk(kernel.body) if isinstance(lp, For) and lp.kind == "parallel"
             and is_block_axis(kernel, lp.axis) and not (isinstance(lp.hi, Const) and lp.hi.value == 1)]
    apart: dict[str, list[For]] = {}
    for n in walk(kernel.body):
        memory = platform.memory(n.memory) if isinstance(n, Alloc) else None
        if isinstance(n, Alloc) and memory is not None and memory.scope == "block":
            apart[n.name] = [lp for lp in block if not memory.shares(lp.axis)]
    if not any(apart.values()):
        return kernel

    class Together(Rewriter):
        def visit_Alloc(self, s: Alloc) -> Alloc:
            return replace(s, shape=(*(lp.hi for lp in apart.get(s.name, ())), *s.shape))

        def _at(self, node: Any) -> Any:
            mine: tuple[Expr, ...] = tuple(Var(lp.axis or "", I32) for lp in apart.get(node.buffer, ()))
            return replace(node, indices=(*mine, *node.indices)) if mine else node

        visit_Load = visit_Store = visit_Ref = _at

    return Together().visit(kernel)  # type: ignore[no-any-return]


def short_name(axis: str) -> str:
    """A readable loop name for an axis: "blockIdx.x" is `bx`, "coreId" is `core`."""
    head, _, tail = axis.partition(".")
    return head[0] + tail if tail else head.removesuffix("Id")
