"""Guards that guard nothing: conditions on indices that always hold, in a kernel that leaves its buffers for some sizes.
Where both come together, a term of the condition is usually missing."""

from __future__ import annotations

from collections.abc import Iterator

from ..ir.algebra import Scope
from ..ir.nodes import Binary, Block, Expr, For, If, Kernel, Let, While
from ..ir.visit import children


def idle_guards(kernel: Kernel) -> list[int]:
    """Lines of comparisons in conditions of branches that hold for every iteration and thread."""
    return sorted(set(_look(kernel.body, Scope.of(kernel))))


def _look(block: Block, scope: Scope) -> Iterator[int]:
    for s in block.stmts:
        if isinstance(s, If):
            for part in _parts(s.cond):
                if isinstance(part, Binary) and part.op in ("<", "<=", ">", ">=") and scope.proves(part) is True and (
                        s.span is not None):
                    yield part.span.line if part.span else s.span.line
            yield from _look(s.then, scope.given(s.cond))
            if s.orelse is not None:
                yield from _look(s.orelse, scope.given(s.cond, False))
            continue
        inner = scope.loop(s) if isinstance(s, For) else scope
        for child in children(s) if isinstance(s, For | While) else [s] if isinstance(s, Block) else []:
            if isinstance(child, Block):
                yield from _look(child, inner)
        if isinstance(s, Let):
            scope = scope.let(s)


def _parts(cond: Expr) -> Iterator[Expr]:
    if isinstance(cond, Binary) and cond.op == "&&":
        yield from _parts(cond.a)
        yield from _parts(cond.b)
    else:
        yield cond
