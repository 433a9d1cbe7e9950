"""Walking and rewriting. A rewriter returns the very same object when nothing below it changed, so `is` tests a fixpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .nodes import Alloc, Block, Const, For, Kernel, Let, Load, Node, Ref, Store, Var

N = TypeVar("N", bound=Node)


_FIELDS: dict[type, tuple[str, ...]] = {}
_ALL_FIELDS: dict[type, tuple[str, ...]] = {}


def _child_fields(cls: type) -> tuple[str, ...]:
    """Fields of a node class that may hold nodes (everything but spans, types and strings)."""
    known = _FIELDS.get(cls)
    if known is not None:
        return known
    skip = {"span", "comments", "dtype", "name", "buffer", "op", "fn", "var", "kind", "axis", "memory", "instr", "scope"}
    if cls is Const:
        skip.add("value")
    return _FIELDS.setdefault(cls, tuple(f.name for f in dataclasses.fields(cls) if f.name not in skip))


def children(node: Node) -> Iterator[Node]:
    """The direct sub-nodes, in field order."""
    for name in _child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, Node):
                    yield item


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    todo = [node]  # a stack, not generators within generators: every analysis walks, and deep trees paid per level
    while todo:
        node = todo.pop()
        yield node
        below: list[Node] = []
        for name in _child_fields(type(node)):
            value = getattr(node, name)
            if isinstance(value, tuple):
                below += [item for item in value if isinstance(item, Node)]
            elif isinstance(value, Node):
                below.append(value)
        todo += reversed(below)


def map_children(node: N, fn: Callable[[Node], Any]) -> N:
    """`node` with `fn` applied to each direct sub-node; in a tuple, None drops the item and a tuple splices in."""
    changes: dict[str, Any] = {}
    for name in _child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, Node):
            new = fn(value)
            if new is not value:
                changes[name] = new
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            items: list[Any] = []
            for item in value:
                got = fn(item)
                if got is None:
                    continue
                items.extend(got) if isinstance(got, tuple) else items.append(got)
            if len(items) != len(value) or any(a is not b for a, b in zip(items, value, strict=False)):
                changes[name] = tuple(items)
    return _changed(node, changes) if changes else node


def _changed(node: N, changes: dict[str, Any]) -> N:
    """`dataclasses.replace`, with the names of the fields looked up once per class: rewriting makes nodes all day."""
    cls = type(node)
    names = _ALL_FIELDS.get(cls) or _ALL_FIELDS.setdefault(cls, tuple(f.name for f in dataclasses.fields(cls)))
    return cls(**{name: changes[name] if name in changes else getattr(node, name) for name in names})


class Rewriter:
    """Bottom-up rewriting: define `visit_For(self, node)`, `visit_Load(...)`, ... on a subclass; each gets a node whose
    children are already rewritten and returns its replacement (in a statement list also a tuple of statements or None).
    To act before the children, override `visit`."""

    def visit(self, node: Any) -> Any:
        node = map_children(node, self.visit)
        method = getattr(self, "visit_" + type(node).__name__, None)
        return method(node) if method else node


class _Substitute(Rewriter):
    def __init__(self, names: dict[str, Node]) -> None:
        self.names = names

    def visit_Var(self, node: Var) -> Node:
        return self.names.get(node.name, node)


def substitute(node: N, names: dict[str, Any]) -> N:
    """`node` with each `Var` called `k` replaced by the expression `names[k]`. Binders are not renamed: the caller
    keeps names unique (see `fresh_name`)."""
    return _Substitute(names).visit(node) if names else node


class _Rename(Rewriter):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit(self, node: Any) -> Any:
        node = map_children(node, self.visit)
        for attr in ("name", "buffer", "var"):
            old = getattr(node, attr, None)
            if isinstance(old, str) and old in self.names and not isinstance(node, Kernel):
                node = dataclasses.replace(node, **{attr: self.names[old]})
        return node


def rename(node: N, names: dict[str, str]) -> N:
    """`node` with variables, loop variables, buffers and parameters renamed, uses and definitions alike."""
    return _Rename(names).visit(node) if names else node


def free_vars(node: Node) -> set[str]:
    """Names of the `Var`s read anywhere below that no `For` or `Let` below defines."""
    used = {n.name for n in walk(node) if isinstance(n, Var)}
    bound = {n.var for n in walk(node) if isinstance(n, For)} | {n.name for n in walk(node) if isinstance(n, Let)}
    return used - bound


def buffers_read(node: Node) -> set[str]:
    return {n.buffer for n in walk(node) if isinstance(n, Load | Ref)}


def buffers_written(node: Node) -> set[str]:
    return {n.buffer for n in walk(node) if isinstance(n, Store | Ref)}


def all_names(kernel: Kernel) -> set[str]:
    """Every name a new one must not clash with."""
    names = {kernel.name} | {p.name for p in kernel.params + kernel.sizes}
    if kernel.host:
        names |= {kernel.host.name} | {p.name for p in kernel.host.params}
    for n in walk(kernel.body):
        if isinstance(n, For):
            names.add(n.var)
        elif isinstance(n, Let | Alloc | Var):
            names.add(n.name)
    return names


def fresh_name(base: str, taken: set[str]) -> str:
    """`base`, or `base_1`, `base_2` ... : the first that is not taken. The result is added to `taken`."""
    name, k = base, 0
    while name in taken:
        k += 1
        name = f"{base}_{k}"
    taken.add(name)
    return name


def stmts_of(body: Block) -> tuple[Any, ...]:
    """The statements of a block with nested plain blocks opened up."""
    out: list[Any] = []
    for s in body.stmts:
        out.extend(stmts_of(s) if isinstance(s, Block) else (s,))
    return tuple(out)
