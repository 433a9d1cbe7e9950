"""Shared memory whose size only the launch knows: `extern __shared__ float a[];`, more arrays laid behind the first."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..ir.build import add, integer, mul
from ..ir.nodes import Alloc, Const, Expr, Kernel, Var
from ..ir.visit import walk
from .base import Platform
from .expr_text import ExprText


def dynamic_arrays(kernel: Kernel, platform: Platform) -> list[Alloc]:
    """The arrays of a block whose size is no constant, those of the largest elements first: then every array starts at a
    multiple of its elements' size."""
    if not platform.dynamic_shared:
        return []
    blocks = {m.name for m in platform.memories if m.scope == "block"}
    found = [n for n in walk(kernel.body) if isinstance(n, Alloc) and n.memory in blocks
             and not all(isinstance(d, Const) for d in n.shape)]
    return sorted(found, key=lambda a: -a.dtype.bytes)


def dynamic_bytes(kernel: Kernel, platform: Platform) -> Expr | None:
    """What the launch must give them; None when there are none."""
    total: Expr | None = None
    for a in dynamic_arrays(kernel, platform):
        size = mul(_length(a), integer(a.dtype.bytes))
        total = size if total is None else add(total, size)
    return total


def dynamic_lines(arrays: list[Alloc], kernel: Kernel, platform: Platform, printer: ExprText) -> list[str]:
    """Their declarations. Raises UnsupportedError when the kernel does not receive what says where one starts."""
    known = {p.name for p in kernel.params}
    out: list[str] = []
    for k, a in enumerate(arrays):
        word = platform.types[a.dtype]
        if k == 0:
            memory = platform.memory(a.memory)
            out.append(f"extern {memory.qualifier if memory is not None else ''} {word} {a.name}[];")
            continue
        before = arrays[k - 1]
        if any(isinstance(n, Var) and n.name not in known for n in walk(_length(before))):
            raise UnsupportedError.at(a, f"the kernel does not receive the size of {before.name!r}, so it cannot tell where "
                                      f"{a.name!r} starts")
        out.append(f"{word}* {a.name} = ({word}*)&{before.name}[{printer.expr(_length(before))}];")
    return out


def _length(a: Alloc) -> Expr:
    if len(a.shape) != 1:
        raise UnsupportedError.at(a, f"the shared array {a.name!r} has several dimensions of unknown size")
    return a.shape[0]
