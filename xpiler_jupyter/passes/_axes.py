"""The nest of axis loops of a kernel taken apart: grid axes, what a block shares, block axes, one thread's text."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.nodes import Alloc, AnyStmt, Block, For, Kernel
from ..ir.visit import stmts_of
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


def short_name(axis: str) -> str:
    """A readable loop name for an axis: "blockIdx.x" is `bx`, "coreId" is `core`."""
    head, _, tail = axis.partition(".")
    return head[0] + tail if tail else head.removesuffix("Id")
