"""What really happens when a kernel runs: every access with its iteration vector, for tests of the relations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interp import Env, evaluate

from xpiler_jupyter.ir.nodes import Alloc, Block, For, If, Kernel, Let, Load, Node, Store
from xpiler_jupyter.ir.visit import children


@dataclass(frozen=True)
class Touch:
    """One access: the loops around it as (loop id, value), the buffer's instance, the element, write or read."""

    at: tuple[tuple[int, int], ...]
    buffer: tuple[str, int]
    element: tuple[int, ...]
    write: bool


class Trace:
    """Runs a kernel of loops, branches, stores and lets; data never steers it, so loads give zero."""

    def __init__(self, kernel: Kernel, **scalars: int) -> None:
        self.touches: list[Touch] = []
        self.instances = 0
        self.at: tuple[tuple[int, int], ...] = ()
        names = {p.name: (p.name, 0) for p in kernel.params if p.pointer}
        self.block(kernel.body, Env(dict(scalars), {}), names)

    def block(self, b: Block, env: Env, names: dict[str, Any]) -> None:
        env, names = env.inner(), dict(names)
        for s in b.stmts:
            self.stmt(s, env, names)

    def stmt(self, s: Node, env: Env, names: dict[str, Any]) -> None:
        if isinstance(s, Block):
            self.block(s, env, names)
        elif isinstance(s, For):
            for i in range(evaluate(s.lo, env), evaluate(s.hi, env), evaluate(s.step, env)):
                inner, outer = env.inner(), self.at
                inner.scalars[s.var] = i
                self.at = (*outer, (id(s), i))
                self.block(s.body, inner, names)
                self.at = outer
        elif isinstance(s, If):
            if evaluate(s.cond, env):
                self.block(s.then, env, names)
            elif s.orelse is not None:
                self.block(s.orelse, env, names)
        elif isinstance(s, Let):
            env.scalars[s.name] = evaluate(s.value, env)
        elif isinstance(s, Alloc):
            self.instances += 1
            names[s.name] = (s.name, self.instances)
        elif isinstance(s, Store):
            for load in loads(s.value):
                self.touch(load, False, env, names)
            self.touch(s, True, env, names)
        else:
            raise NotImplementedError(type(s).__name__)

    def touch(self, node: Load | Store, write: bool, env: Env, names: dict[str, Any]) -> None:
        element = tuple(int(evaluate(i, env)) for i in node.indices)
        self.touches.append(Touch(self.at, names[node.buffer], element, write))

    def carries(self, loop: For) -> bool:
        """Do two iterations of the loop, in one iteration of the loops around it, touch an element that one writes?"""
        seen: dict[Any, set[tuple[int, bool]]] = {}
        for t in self.touches:
            k = next((k for k, (id_, _) in enumerate(t.at) if id_ == id(loop)), None)
            if k is not None:
                seen.setdefault((t.at[:k], t.buffer, t.element), set()).add((t.at[k][1], t.write))
        return any(a != b and (w or v) for group in seen.values() for a, w in group for b, v in group)


def loads(e: Node) -> Iterator[Load]:
    for c in children(e):
        yield from loads(c)
    if isinstance(e, Load):
        yield e
