"""`for (t < 64) if (t == 0) ...` is the work of one thread: the loop goes. `for (t < 64) if (t % 32 == 0) ...` is that of
one thread in 32: the loop runs over those."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from ..ir.build import conjunction, mul
from ..ir.nodes import (
    Alloc,
    Barrier,
    Binary,
    Block,
    Const,
    Expr,
    For,
    If,
    InstrCall,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Store,
    Var,
    While,
)
from ..ir.simplify import leaves_loop
from ..ir.visit import Rewriter, children, fresh_name, stmts_of, substitute, walk


class SingleThreads(Rewriter):
    """Replaces loops over `threads` whose whole body is guarded by `t == constant` by that one iteration."""

    def __init__(self, threads: Collection[str]) -> None:
        self.threads = threads

    def visit_For(self, s: For) -> For | Block:
        stmts = stmts_of(s.body)
        if s.var not in self.threads or not stmts or leaves_loop(s.body):
            return s
        guard = stmts[-1]
        if not isinstance(guard, If) or guard.orelse is not None or any(not isinstance(x, Let) for x in stmts[:-1]):
            return s
        parts = conjuncts(guard.cond)
        for k, part in enumerate(parts):
            at = _constant(part, s)
            if at is not None:
                rest = conjunction([*parts[:k], *parts[k + 1:]])
                inner = guard.then.stmts if rest is None else (dataclasses.replace(guard, cond=rest),)
                return substitute(Block((*stmts[:-1], *inner), span=s.body.span), {s.var: at})
        return s


def conjuncts(cond: Expr) -> list[Expr]:
    """The parts of an `&&` chain, in order."""
    return conjuncts(cond.a) + conjuncts(cond.b) if isinstance(cond, Binary) and cond.op == "&&" else [cond]


class FewThreads(Rewriter):
    """Replaces loops over `threads` in which only some iterations do anything that is seen outside: those behind guards
    `t == c`, or `t % n == 0`. What the others do to arrays of their own is lost anyway.

    Args:
        threads: the loops' variables; those of new loops are added.
        taken: names in use; new ones are added.
    """

    def __init__(self, threads: set[str], taken: set[str]) -> None:
        self.threads, self.taken = threads, taken
        self.warps = ""

    def visit_For(self, s: For) -> For | Block:
        if s.var not in self.threads or leaves_loop(s.body) or not isinstance(s.hi, Const):
            return s
        own = {n.name for n in walk(s.body) if isinstance(n, Alloc)}
        found: set[tuple[str, int]] = set()
        if not self._guarded(s.body, s, own, None, found) or len(found) != 1:
            return s
        kind, n = found.pop()
        if kind == "==":
            return Block(substitute(s.body, {s.var: Const(n, s.dtype)}).stmts, span=s.span)
        count = -(-int(s.hi.value) // n)
        if count == 1:
            return Block(substitute(s.body, {s.var: Const(0, s.dtype)}).stmts, span=s.span)
        name = self.warps = self.warps or fresh_name("warp", self.taken)
        self.threads.add(name)
        at = mul(Var(name, s.dtype), Const(n, s.dtype))
        return dataclasses.replace(s, var=name, hi=Const(count, s.dtype), body=substitute(s.body, {s.var: at}))

    def _guarded(self, node: Node, s: For, own: set[str], guard: tuple[str, int] | None,
                 found: set[tuple[str, int]]) -> bool:
        """Does every effect outside stand behind a guard? Those are collected."""
        outside = isinstance(node, Store) and node.buffer not in own
        if outside or isinstance(node, InstrCall | Return | While | Barrier):
            if guard is None:
                return False
            found.add(guard)
        if isinstance(node, If):
            inner = guard
            for part in conjuncts(node.cond):
                at = _constant(part, s)
                inner = ("==", int(at.value)) if at is not None else _every(part, s) or inner
            return self._guarded(node.then, s, own, inner, found) and (
                node.orelse is None or self._guarded(node.orelse, s, own, guard, found))
        return all(self._guarded(c, s, own, guard, found) for c in children(node))


def _every(part: Expr, s: For) -> tuple[str, int] | None:
    """The n of `t % n == 0`."""
    if isinstance(part, Binary) and part.op == "==" and isinstance(part.b, Const) and part.b.value == 0:
        x = part.a
        if isinstance(x, Binary) and x.op == "%" and x.a == Var(s.var, s.dtype) and isinstance(x.b, Const) and x.b.value > 1:
            return "%", int(x.b.value)
    return None


def _constant(part: Expr, s: For) -> Const | None:
    """The constant inside the loop's range that the condition holds its variable to."""
    if not isinstance(part, Binary) or part.op != "==" or not isinstance(s.hi, Const):
        return None
    for a, b in ((part.a, part.b), (part.b, part.a)):
        if a == Var(s.var, s.dtype) and isinstance(b, Const) and 0 <= b.value < s.hi.value:
            return b
    return None


class _Strides(Rewriter):
    """Accesses with some dimensions of some arrays left out, or counted in steps."""

    def __init__(self, plan: dict[str, dict[int, int]]) -> None:
        self.plan = plan  # array -> dimension -> step; 0: gone

    def _place(self, node: Any) -> Any:
        dims = self.plan.get(node.buffer)
        if dims is None:
            return node
        return dataclasses.replace(node, indices=tuple(
            x if k not in dims else x.a for k, x in enumerate(node.indices) if dims.get(k) != 0))

    visit_Load = visit_Store = visit_Ref = _place

    def visit_Alloc(self, s: Alloc) -> Alloc:
        dims = self.plan.get(s.name)
        if dims is None:
            return s
        return dataclasses.replace(s, shape=tuple(
            d if k not in dims or not isinstance(d, Const) else Const(-(-int(d.value) // dims[k]), d.dtype)
            for k, d in enumerate(s.shape) if dims.get(k) != 0))


def few_elements(body: Block, arrays: Collection[str], dims: int) -> Block:
    """Of the first `dims` dimensions of `arrays`, those that are only ever indexed by 0 go, and those only ever indexed
    by `w * n` count in steps of n."""
    places: dict[str, list[tuple[Expr, ...]]] = {}
    for node in walk(body):
        if isinstance(node, Load | Store | Ref) and node.buffer in arrays:
            places.setdefault(node.buffer, []).append(node.indices)
    plan: dict[str, dict[int, int]] = {}
    for name, found in places.items():
        for k, column in enumerate(list(zip(*found, strict=True))[:dims]):
            steps = {_step(x) for x in column}
            step = steps.pop() if len(steps) == 1 else None
            if step is not None:
                plan.setdefault(name, {})[k] = step
    done: Block = _Strides(plan).visit(body) if plan else body
    return done


def _step(x: Expr) -> int | None:
    if isinstance(x, Const) and x.value == 0:
        return 0
    if isinstance(x, Binary) and x.op == "*" and isinstance(x.a, Var) and isinstance(x.b, Const) and x.b.value > 1:
        return int(x.b.value)
    return None
