"""Removal of what has no effect: unused names, private buffers that nobody reads, empty statements, needless blocks."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from .nodes import Alloc, AnyStmt, Block, Const, Expr, For, If, Let, Load, Node, Ref, Store, Unary, Var
from .types import BOOL
from .visit import Rewriter, children, fresh_name, rename, substitute, walk


def clean(body: Block) -> Block:
    """The block without dead code. The same object when there is none."""
    body = _Single(_single_elements(body)).visit(_Copies().visit(body))
    uses = Counter(n.name for n in walk(body) if isinstance(n, Var))
    body = _Dead(uses, _live_buffers(body)).visit(body)
    names = {n.name for n in walk(body) if isinstance(n, Let | Alloc | Var)} | {
        n.var for n in walk(body) if isinstance(n, For)}
    return _Flatten(names).visit(body)  # type: ignore[no-any-return]


def _live_buffers(body: Block) -> set[str]:
    """Buffers that something reads, other than statements that only update the buffer itself."""
    live: set[str] = set()

    def visit(node: Node, writing: str | None) -> None:
        if isinstance(node, Load | Ref) and node.buffer != writing:
            live.add(node.buffer)
        if isinstance(node, Store):
            writing = node.buffer
        for c in children(node):
            visit(c, writing)

    visit(body, None)
    return live


def _single_elements(body: Block) -> set[str]:
    """Arrays of one element, of which every access says so."""
    arrays = [n for n in walk(body) if isinstance(n, Alloc) and n.shape]
    one = {a.name: a.dtype for a in arrays if a.memory == "local" and not a.zeroed and all(_is(d, 1) for d in a.shape)}
    if not one:
        return set()
    other = {a.name for a in arrays if a.name in one and not all(_is(d, 1) for d in a.shape)}
    for n in walk(body):
        first = isinstance(n, Load | Store) and one.get(n.buffer) == n.dtype and all(_is(i, 0) for i in n.indices)
        if isinstance(n, Load | Store | Ref) and not first:
            other.add(n.buffer)
    return set(one) - other


def _is(e: Expr, value: int) -> bool:
    return isinstance(e, Const) and e.value == value


class _Single(Rewriter):
    """`float sum[1]; sum[0] = 0;` is `float sum = 0;`."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Alloc(self, s: Alloc) -> Alloc:
        return dataclasses.replace(s, shape=()) if s.name in self.names and s.shape else s

    def visit_Load(self, e: Load) -> Load:
        return dataclasses.replace(e, indices=()) if e.buffer in self.names and e.indices else e

    def visit_Store(self, s: Store) -> Store:
        return dataclasses.replace(s, indices=()) if s.buffer in self.names and s.indices else s


class _Copies(Rewriter):
    """`int a = b;` and `int a = 4;` vanish into their uses. An axis keeps the name that the person gave it."""

    def visit_Block(self, b: Block) -> Block:
        for k, s in enumerate(b.stmts):
            if not isinstance(s, Let):
                continue
            plain = isinstance(s.value, Const) or (isinstance(s.value, Var) and "." not in s.value.name)
            rest = b.stmts[k + 1:]
            if not plain or any(_rebinds(x, s.name) or _rebinds(x, getattr(s.value, "name", "")) for x in rest):
                continue
            value: Expr = s.value
            new = tuple(substitute(x, {s.name: value}) for x in rest)
            return self.visit_Block(Block((*b.stmts[:k], *new), span=b.span))
        return b


def _rebinds(node: Node, name: str) -> bool:
    return any((isinstance(n, Let | Alloc) and n.name == name) or (isinstance(n, For) and n.var == name)
               for n in walk(node))


class _Dead(Rewriter):
    def __init__(self, uses: Counter[str], live: set[str]) -> None:
        self.uses, self.live = uses, live
        self.local: set[str] = set()

    def visit(self, node: Any) -> Any:
        if isinstance(node, Block):
            self.local |= {s.name for s in node.stmts if isinstance(s, Alloc)}
        return super().visit(node)

    def visit_Let(self, s: Let) -> Let | None:
        return s if self.uses[s.name] else None

    def visit_Alloc(self, s: Alloc) -> Alloc | None:
        return s if s.name in self.live else None

    def visit_Store(self, s: Store) -> Store | None:
        return None if s.buffer in self.local and s.buffer not in self.live else s

    def visit_If(self, s: If) -> If | None:
        if s.orelse is not None and not s.orelse.stmts:
            s = dataclasses.replace(s, orelse=None)
        if s.then.stmts:
            return s
        if s.orelse is None:
            return None
        return dataclasses.replace(s, cond=Unary("!", s.cond, BOOL), then=s.orelse, orelse=None)

    def visit_For(self, s: For) -> For | None:
        return s if s.body.stmts or s.kind == "parallel" else None


class _Flatten(Rewriter):
    """Opens plain blocks inside blocks; a name declared inside that stands outside too gets a new one."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Block(self, b: Block) -> Block:
        if not any(isinstance(s, Block) for s in b.stmts):
            return b
        out: list[AnyStmt] = []
        for k, s in enumerate(b.stmts):
            if not isinstance(s, Block):
                out.append(s)
                continue
            declared = {x.name for x in s.stmts if isinstance(x, Let | Alloc)}
            clash = {n for n in declared if any(_mentions(x, n) for x in (*out, *b.stmts[k + 1:])
                                                if not isinstance(x, Block) or _escapes(x, n))}
            opened = rename(s, {n: fresh_name(n, self.names) for n in sorted(clash)})
            out.extend(opened.stmts)
        return Block(tuple(out), span=b.span)


def _mentions(node: Node, name: str) -> bool:
    for n in walk(node):
        if name in (getattr(n, "name", None), getattr(n, "buffer", None), getattr(n, "var", None)):
            return True
    return False


def _escapes(b: Block, name: str) -> bool:
    """May `b` speak of the `name` outside it? Not after it declares its own."""
    for s in b.stmts:
        if isinstance(s, Let | Alloc) and s.name == name:
            return isinstance(s, Let) and _mentions(s.value, name)
        if _mentions(s, name):
            return True
    return False
