"""The accesses of one buffer in a piece of a kernel: each with the loops and conditions that stand around it there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..ir.algebra import Poly, Scope
from ..ir.build import COMPARE
from ..ir.nodes import (
    Alloc,
    Binary,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    If,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Select,
    Store,
    Unary,
    While,
)
from ..ir.simplify import leaves_loop
from ..ir.types import BOOL
from ..ir.visit import children, stmts_of, walk


@dataclass(frozen=True, slots=True)
class Touch:
    """One load, store or operand. `loops` stand between the piece and it, outermost first; `needs` are the polynomials
    that are >= 0 when it happens, beside the loops' own bounds; `sure`: it happens whenever they are. `scope` is what
    is known there; `inside` are names set in the piece that the scope does not see through."""

    node: Any
    write: bool
    loops: tuple[For, ...]
    needs: tuple[Poly, ...]
    sure: bool
    scope: Scope
    inside: frozenset[str] = field(default=frozenset())


def touches_in(body: Block, buffer: str, scope: Scope, loops: tuple[For, ...] = ()) -> list[Touch]:
    """Every access of `buffer` in `body`, in text order, reads of a statement before its write. `loops` are counted as
    loops of the piece though they stand around it (the threads of a block)."""
    return list(_Walk(buffer).block(body, _Here(scope, loops, (), True, frozenset())))


def comparisons(cond: Expr, scope: Scope, truth: bool = True) -> tuple[list[Poly], bool]:
    """Polynomials that are >= 0 when the condition is `truth`, and whether they say all of it."""
    if isinstance(cond, Const):
        return ([], True) if bool(cond.value) == truth else ([Poly.const(-1)], True)
    if isinstance(cond, Unary) and cond.op == "!":
        return comparisons(cond.x, scope, not truth)
    if isinstance(cond, Cast) and cond.dtype == BOOL and cond.x.dtype == BOOL:
        return comparisons(cond.x, scope, truth)
    if isinstance(cond, Binary) and cond.op == ("&&" if truth else "||"):
        a, b = comparisons(cond.a, scope, truth), comparisons(cond.b, scope, truth)
        return a[0] + b[0], a[1] and b[1]
    if not isinstance(cond, Binary) or cond.op not in COMPARE or not cond.a.dtype.is_integer or reads(cond):
        return [], False
    op = cond.op if truth else {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}[cond.op]
    d = scope.poly(cond.b) - scope.poly(cond.a)
    if op in ("<", "<="):
        return [d.plus(-1 if op == "<" else 0)], True
    if op in (">", ">="):
        return [(-d).plus(-1 if op == ">" else 0)], True
    return ([d, -d], True) if op == "==" else ([], False)


def reads(e: Node) -> bool:
    return any(isinstance(n, Load | Ref) for n in walk(e))


@dataclass(frozen=True, slots=True)
class _Here:
    scope: Scope
    loops: tuple[For, ...]
    needs: tuple[Poly, ...]
    sure: bool
    inside: frozenset[str]

    def given(self, cond: Expr, truth: bool) -> _Here:
        more, all_ = comparisons(cond, self.scope, truth)
        return _Here(self.scope.given(cond, truth), self.loops, (*self.needs, *more), self.sure and all_, self.inside)

    def let(self, s: Let) -> _Here:
        scope = self.scope.let(s)
        seen = s.name in scope.lets
        return _Here(scope, self.loops, self.needs, self.sure, self.inside if seen else self.inside | {s.name})

    def loop(self, s: For) -> _Here:
        return _Here(self.scope.loop(s), (*self.loops, s), self.needs, self.sure and not leaves_loop(s.body, (Break,)),
                     self.inside)

    def unsure(self) -> _Here:
        return _Here(self.scope, self.loops, self.needs, False, self.inside)


class _Walk:
    def __init__(self, buffer: str) -> None:
        self.buffer = buffer

    def block(self, b: Block, here: _Here) -> Iterator[Touch]:
        for s in stmts_of(b):
            yield from self.stmt(s, here)
            if isinstance(s, Let):
                here = here.let(s)
            elif isinstance(s, If) and any(isinstance(n, Return | Break | Continue) for n in walk(s)):
                here = here.given(s.cond, False) if _leaves(s) else here.unsure()

    def stmt(self, s: Any, here: _Here) -> Iterator[Touch]:
        if isinstance(s, For):
            for e in (s.lo, s.hi, s.step):
                yield from self.expr(e, here)
            yield from self.block(s.body, here.loop(s))
        elif isinstance(s, While):
            yield from self.expr(s.cond, here.unsure())
            yield from self.block(s.body, here.unsure())
        elif isinstance(s, If):
            yield from self.expr(s.cond, here)
            yield from self.block(s.then, here.given(s.cond, True))
            if s.orelse is not None:
                yield from self.block(s.orelse, here.given(s.cond, False))
        elif isinstance(s, Alloc):
            return
        else:
            for c in children(s):
                yield from self.expr(c, here)
            if isinstance(s, Store) and s.buffer == self.buffer:
                yield self.touch(s, True, here)

    def expr(self, e: Any, here: _Here) -> Iterator[Touch]:
        if isinstance(e, Select):
            yield from self.expr(e.cond, here)
            yield from self.expr(e.a, here.given(e.cond, True))
            yield from self.expr(e.b, here.given(e.cond, False))
            return
        if isinstance(e, Binary) and e.op in ("&&", "||"):
            yield from self.expr(e.a, here)
            yield from self.expr(e.b, here.given(e.a, e.op == "&&"))
            return
        for c in children(e):
            yield from self.expr(c, here)
        if isinstance(e, Load | Ref) and e.buffer == self.buffer:
            yield self.touch(e, False, here)

    def touch(self, node: Any, write: bool, here: _Here) -> Touch:
        return Touch(node, write, here.loops, here.needs, here.sure, here.scope, here.inside)


def _leaves(s: If) -> bool:
    """Does `if (c) return;` (or break, continue) leave when c holds, and else go on?"""
    stmts = stmts_of(s.then)
    return s.orelse is None and bool(stmts) and isinstance(stmts[-1], Return | Break | Continue) and not any(
        isinstance(n, Return | Break | Continue) for x in stmts[:-1] for n in walk(x))
