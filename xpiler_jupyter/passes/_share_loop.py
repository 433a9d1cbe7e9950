"""A loop whose iterations the threads of a processor share: it stays a loop where it stands, what each iteration has for
itself moves inside."""

from __future__ import annotations

import dataclasses

from ..dataflow.dependences import Parallel
from ..ir.nodes import Alloc, Block, For, Kernel, Load, Ref, Store
from ..ir.visit import Rewriter, all_names, fresh_name, rename, walk
from .base import replace_node


def shared_loop(kernel: Kernel, loop: For, answer: Parallel) -> Kernel:
    """`kernel` with `loop` shared among threads. `answer` says that its iterations are independent, given that each has
    its own copy of some buffers: those are declared inside, under a name of their own where others use them too."""
    taken = all_names(kernel)
    body = loop.body
    moved: list[Alloc] = []
    inside = {id(n) for n in walk(loop.body)}
    for a in answer.allocs:
        if id(a) in inside:
            continue
        beside = any(isinstance(n, Load | Store | Ref) and n.buffer == a.name and id(n) not in inside
                     for n in walk(kernel.body))
        name = fresh_name(a.name, taken) if beside else a.name
        body = rename(body, {a.name: name}) if beside else body
        moved.append(dataclasses.replace(a, name=name, zeroed=False))
        if not beside:
            kernel = replace_node(kernel, a, None)
    loop = next(n for n in walk(kernel.body) if isinstance(n, For) and n.var == loop.var and n.body == loop.body
                and n.kind == loop.kind)
    return replace_node(kernel, loop, dataclasses.replace(loop, kind="threads", body=Block((*moved, *body.stmts))))


class _Alone(Rewriter):
    def visit_For(self, s: For) -> For:
        return dataclasses.replace(s, kind="serial") if s.kind == "threads" else s


def unshared(kernel: Kernel) -> Kernel:
    """One thread runs every loop."""
    return _Alone().visit(kernel)  # type: ignore[no-any-return]


def shared_loops(kernel: Kernel) -> list[For]:
    """The loops whose iterations threads share, outermost first."""
    return [n for n in walk(kernel.body) if isinstance(n, For) and n.kind == "threads"]
