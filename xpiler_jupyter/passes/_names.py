"""Names made unique for a while, so that a rewriting may move statements between scopes."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir.nodes import Alloc, Block, For, If, Let, Load, Node, Ref, Store, Var, While
from ..ir.visit import Rewriter, fresh_name, map_children, rename, walk


def unique_names(body: Block, taken: set[str]) -> tuple[Block, dict[str, str]]:
    """The block with every declared name declared once, and new name -> old name of those that changed."""
    unique = _Unique(taken)
    return unique.block(body, {}), unique.back


class _Unique:
    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.seen: set[str] = set()
        self.back: dict[str, str] = {}

    def _declare(self, name: str, env: dict[str, str]) -> str:
        new = name
        if name in self.seen:
            new = fresh_name(name, self.taken)
            self.back[new] = name
        self.seen.add(new)
        env[name] = new
        return new

    def block(self, b: Block, outer: dict[str, str]) -> Block:
        env = dict(outer)
        return dataclasses.replace(b, stmts=tuple(self.node(s, env) for s in b.stmts))

    def node(self, n: Any, env: dict[str, str]) -> Any:
        if isinstance(n, Block):
            return self.block(n, env)
        if isinstance(n, For):
            lo, hi, step = (self.node(e, env) for e in (n.lo, n.hi, n.step))
            inner = dict(env)
            var = self._declare(n.var, inner)
            return dataclasses.replace(n, var=var, lo=lo, hi=hi, step=step, body=self.block(n.body, inner))
        if isinstance(n, If | While):
            return map_children(n, lambda c: self.node(c, env))
        n = map_children(n, lambda c: self.node(c, env))
        if isinstance(n, Let | Alloc):
            return dataclasses.replace(n, name=self._declare(n.name, env))
        if isinstance(n, Var) and n.name in env and env[n.name] != n.name:
            return dataclasses.replace(n, name=env[n.name])
        if isinstance(n, Load | Store | Ref) and n.buffer in env and env[n.buffer] != n.buffer:
            return dataclasses.replace(n, buffer=env[n.buffer])
        return n


class _Restore(Rewriter):
    def __init__(self, back: dict[str, str]) -> None:
        self.back = back

    def visit_For(self, s: For) -> For:
        old = self.back.get(s.var)
        if old is None or mentions(s.body, old) or any(mentions(e, old) for e in (s.lo, s.hi, s.step)):
            return s
        return dataclasses.replace(s, var=old, body=rename(s.body, {s.var: old}))

    def visit_Block(self, b: Block) -> Block:
        """A declaration gets its own name back when nothing else in its block or below is called so."""
        for s in b.stmts:
            old = self.back.get(s.name) if isinstance(s, Let | Alloc) else None
            if old is not None and not mentions(b, old):
                b = rename(b, {s.name: old})  # type: ignore[union-attr]
        return b


def mentions(node: Node, name: str) -> bool:
    attrs = ("name", "buffer", "var")
    return any(getattr(n, a, None) == name for n in walk(node) for a in attrs)


def restore_names(body: Block, back: dict[str, str]) -> Block:
    """The old names again where that clashes with nothing."""
    out: Block = _Restore(back).visit(body)
    return out


