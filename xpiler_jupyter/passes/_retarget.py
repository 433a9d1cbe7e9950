"""A kernel that keeps its axes and changes its platform: everything it uses must exist there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from math import prod

from ..errors import IllegalPassError
from ..ir.nodes import Alloc, Barrier, Call, Const, For, InstrCall, Kernel
from ..ir.visit import walk
from ..platforms.base import Platform
from ._together import unnamed


def retarget(kernel: Kernel, target: Platform, refuse: Callable[..., IllegalPassError]) -> Kernel:
    """`kernel` on `target`. Raises IllegalPassError naming what the target lacks."""
    threads = 1
    shared: dict[str, int] = {}
    for n in walk(kernel.body):
        if isinstance(n, For) and n.kind == "parallel":
            threads *= _axis(n, target, refuse)
        elif isinstance(n, For) and n.kind == "threads" and target.loop_axis is None:
            raise refuse(f"{target.title} has no threads that share the iterations of a loop", n, "Recover the loop first.")
        elif isinstance(n, Alloc):
            if target.memory(n.memory) is None:
                raise refuse(f"{target.title} has no memory {n.memory!r}", n)
            sizes = [int(e.value) for e in n.shape if isinstance(e, Const)]
            if len(sizes) == len(n.shape):
                shared[n.memory] = shared.get(n.memory, 0) + prod(sizes) * n.dtype.bytes
        elif isinstance(n, Barrier) and n.scope not in target.barriers:
            raise refuse(f"{target.title} has no barrier of a {n.scope}", n)
        elif isinstance(n, Call) and n.fn.startswith("__") and (n.fn, n.dtype) not in target.functions:
            raise refuse(f"{target.title} has no function {n.fn}", n)
        elif isinstance(n, InstrCall) and target.instr(n.instr) is None:
            raise refuse(f"{n.instr} belongs to another platform", n, "Replace it by its loops first.")
    for node, reason in unnamed(kernel, target):
        raise refuse(reason, node, "Recover the loops first.")
    if threads > target.max_threads:
        raise refuse(f"a block has {threads} threads, but at most {target.max_threads} fit on {target.title}")
    for name, used in shared.items():
        memory = target.memory(name)
        if memory is not None and memory.capacity is not None and used > memory.capacity and memory.scope == "block":
            raise refuse(f"a block uses {used} bytes of {name} memory, but {target.title} has {memory.capacity}")
    return dataclasses.replace(kernel, platform=target.name)


def with_reason(kernel: Kernel, reason: str, target: Platform) -> Kernel:
    """The kernel with a comment above it that says why it uses none of the target's own instructions."""
    if not reason or not target.expects:
        return kernel
    line = f"Plain loops, no {target.expects} instructions: {reason}."
    return dataclasses.replace(kernel, comments=(*kernel.comments, line))


def _axis(lp: For, target: Platform, refuse: Callable[..., IllegalPassError]) -> int:
    """Threads that the axis adds to a block. Refuses an axis that the target lacks, or one too long."""
    axis = target.axis(lp.axis or "")
    if axis is None:
        raise refuse(f"{target.title} has no axis {lp.axis}", lp, "Recover the loops first.")
    size = int(lp.hi.value) if isinstance(lp.hi, Const) else None
    if size is not None and size > axis.max_extent:
        raise refuse(f"{lp.axis} has {size} indices, but at most {axis.max_extent} on {target.title}", lp)
    return max(size, 1) if axis.level == "block" and size is not None else 1
