"""Early returns of one thread as structure: a guard of what follows, or a flag where a loop is left."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir.nodes import Alloc, AnyStmt, Block, Break, Const, For, If, Let, Load, Node, Return, Store, Unary, While
from ..ir.simplify import negate
from ..ir.types import BOOL
from ..ir.visit import fresh_name, stmts_of, walk


def returns(node: Node) -> bool:
    return any(isinstance(n, Return) for n in walk(node))


def without_returns(body: Block, taken: set[str]) -> Block:
    """The same effect with no `return` in it: `if (c) return; rest` becomes `if (!c) { rest }`. A return from inside a
    loop sets a flag, whose name is added to `taken`, and breaks."""
    if not returns(body):
        return body
    if _needs_flag(body):
        return _Flagged(fresh_name("done", taken)).body(body)
    return Block(_strip(stmts_of(body))[0], span=body.span)


def _needs_flag(node: Node) -> bool:
    """Is there a return inside a loop, or one that only some paths of a branch end with?"""
    for n in walk(node):
        if isinstance(n, For | While) and returns(n):
            return True
        if isinstance(n, If) and returns(n):
            sides = [b for b in (n.then, n.orelse) if b is not None]
            if any(returns(b) and not _strip(stmts_of(b))[1] for b in sides):
                return True
    return False


def _strip(stmts: tuple[Any, ...]) -> tuple[tuple[AnyStmt, ...], bool]:
    """Statements without returns, and whether the end is never reached. Branches return on all paths or on none."""
    out: list[AnyStmt] = []
    for k, s in enumerate(stmts):
        if isinstance(s, Return):
            return tuple(out), True
        if not isinstance(s, If) or not returns(s):
            out.append(s)
            continue
        rest, ends = _strip(stmts[k + 1:])
        then, then_ends = _strip(stmts_of(s.then))
        orelse, else_ends = _strip(stmts_of(s.orelse)) if s.orelse is not None else ((), False)
        if then_ends and else_ends:
            rest, ends = (), True
        elif then_ends:
            orelse = (*_scoped(orelse), *rest)
        else:
            then = (*_scoped(then), *rest)
        out.append(branch(s, then, orelse))
        return tuple(out), ends
    return tuple(out), False


def _scoped(stmts: tuple[AnyStmt, ...]) -> tuple[AnyStmt, ...]:
    """The statements in a block of their own when they declare names."""
    return (Block(stmts),) if any(isinstance(s, Let | Alloc) for s in stmts) else stmts


def branch(s: If, then: tuple[AnyStmt, ...], orelse: tuple[AnyStmt, ...]) -> If:
    """`s` with other sides; an empty first side turns the condition round."""
    if not then and orelse:
        return dataclasses.replace(s, cond=negate(s.cond), then=Block(orelse), orelse=None)
    return dataclasses.replace(s, then=Block(then, span=s.then.span), orelse=Block(orelse) if orelse else None)


class _Flagged:
    def __init__(self, flag: str) -> None:
        self.flag = flag

    def body(self, body: Block) -> Block:
        start: tuple[AnyStmt, ...] = (Alloc(self.flag, BOOL, ()), self._set(False))
        return Block((*start, *self._stmts(stmts_of(body), False)), span=body.span)

    def _set(self, value: bool) -> Store:
        return Store(self.flag, (), Const(value, BOOL), BOOL)

    def _stmts(self, stmts: tuple[Any, ...], in_loop: bool) -> tuple[AnyStmt, ...]:
        out: list[AnyStmt] = []
        done = Load(self.flag, (), BOOL)
        for k, s in enumerate(stmts):
            if isinstance(s, Return):
                return (*out, self._set(True), *((Break(),) if in_loop else ()))
            if not returns(s):
                out.append(s)
                continue
            if isinstance(s, If):
                sides: dict[str, Any] = {n: Block(self._stmts(stmts_of(b), in_loop)) for n in ("then", "orelse")
                                         if (b := getattr(s, n)) is not None}
                out.append(dataclasses.replace(s, **sides))
                if in_loop:
                    continue
            else:
                out.append(dataclasses.replace(s, body=Block(self._stmts(stmts_of(s.body), True))))
                if in_loop:
                    out.append(If(done, Block((Break(),))))
                    continue
            rest = self._stmts(stmts[k + 1:], in_loop)
            return (*out, If(Unary("!", done, BOOL), Block(rest))) if rest else tuple(out)
        return tuple(out)
