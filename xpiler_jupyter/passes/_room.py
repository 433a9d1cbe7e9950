"""Where a staging array stands, and whether its memory has room for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ..ir.nodes import Alloc, Block, Const, For, Kernel
from ..ir.visit import walk
from ..platforms.base import Memory, Platform
from .base import replace_node

Refuse = Callable[..., Exception]


def thread_text(kernel: Kernel, platform: Platform) -> tuple[list[For], Block]:
    """The axis loops that stand around everything, outermost first, and what one thread does."""
    axes: list[For] = []
    body = kernel.body
    while body.stmts and isinstance(body.stmts[-1], For) and body.stmts[-1].kind == "parallel":
        axes.append(body.stmts[-1])
        body = body.stmts[-1].body
    return axes, body


def bytes_used(kernel: Kernel, memory: str) -> dict[str, int]:
    """Per array in the memory its bytes; arrays whose size is not constant are left out."""
    out: dict[str, int] = {}
    for n in walk(kernel.body):
        if isinstance(n, Alloc) and n.memory == memory and all(isinstance(d, Const) for d in n.shape):
            size = n.dtype.bytes
            for d in n.shape:
                assert isinstance(d, Const)
                size *= int(d.value)
            out[n.name] = out.get(n.name, 0) + size
    return out


def place_alloc(refuse: Refuse, kernel: Kernel, platform: Platform, alloc: Alloc, memory: Memory,
                body: Block | None) -> Kernel:
    """The kernel with the array declared: what threads share in front of their axes, an array in a memory with a word
    of its own at the top of the thread's text, others in `body` (or at the top). Raises IllegalPassError."""
    if not all(isinstance(d, Const) for d in alloc.shape):
        raise refuse(f"how large {alloc.name} is is only known when the kernel runs: it has no place in {memory.name} memory",
                     hint="Give its sizes with --shape.")
    sizes = bytes_used(kernel, memory.name)
    size = bytes_used(dataclasses.replace(kernel, body=Block((alloc,))), memory.name)[alloc.name]
    if memory.capacity is not None and size + sum(sizes.values()) > memory.capacity:
        left = max(0, memory.capacity - sum(sizes.values()))
        others = f" beside {', '.join(sizes)}" if sizes else ""
        raise refuse(f"{alloc.name} takes {size} bytes of {memory.name}, {left} are left{others}",
                     hint="Choose a smaller tile.")
    axes, text = thread_text(kernel, platform)
    if memory.scope == "block":
        first = next((lp for lp in axes if _level(lp, platform) == "block"), None)
        if first is not None:
            return replace_node(kernel, first, (alloc, first))
    where: Any = text if memory.qualifier or body is None else body
    return replace_node(kernel, where, dataclasses.replace(where, stmts=(alloc, *where.stmts)))


def _level(lp: For, platform: Platform) -> str:
    axis = platform.axis(lp.axis or "")
    return axis.level if axis is not None else ""
