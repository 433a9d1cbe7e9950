"""What the lanes of a warp share, said without the lane: `(warp * 32 + lane) / 32` is `warp`, and so is a name for it.

A branch or a loop around a meeting of lanes must be the same for all of them. In the text it hangs on the thread's index;
that it is the same follows from the ranges.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir.algebra import Scope
from ..ir.build import COMPARE
from ..ir.nodes import AnyStmt, Binary, Block, Const, Expr, For, If, Let, Load, Node, Ref, Unary, Var, While
from ..ir.poly import ZERO, Poly
from ..ir.visit import map_children, walk

_BELOW = {"<": "<", ">=": ">="}  # lane + R against 0, R a multiple of the lanes: as R against 0
_ABOVE = {">": ">", "<=": "<="}  # R - lane


def said_without(body: Block, lane: For, scope: Scope) -> Block:
    """`body`, which stands directly inside the loop over lanes; `scope` is what is known there."""
    return _Alike(lane).block(body, scope)


class _Alike:
    def __init__(self, lane: For) -> None:
        assert isinstance(lane.hi, Const)
        self.lane, self.count = lane.var, int(lane.hi.value)
        self.varying = {lane.var}

    def block(self, b: Block, scope: Scope) -> Block:
        out: list[AnyStmt] = []
        for s in b.stmts:
            new = self.stmt(s, scope)
            out.append(new)
            if isinstance(new, Let):
                scope = scope.let(new)
        return dataclasses.replace(b, stmts=tuple(out))

    def stmt(self, s: AnyStmt, scope: Scope) -> AnyStmt:
        if isinstance(s, Block):
            return self.block(s, scope)
        if isinstance(s, Let):
            s = dataclasses.replace(s, value=self.expr(s.value, scope))
            if self._varies(s.value):
                self.varying.add(s.name)
            return s
        if isinstance(s, For):
            s = dataclasses.replace(s, lo=self.expr(s.lo, scope), hi=self.expr(s.hi, scope), step=self.expr(s.step, scope))
            return dataclasses.replace(s, body=self.block(s.body, scope.loop(s)))
        if isinstance(s, If):
            cond = self.expr(s.cond, scope)
            orelse = self.block(s.orelse, scope.given(cond, False)) if s.orelse is not None else None
            return dataclasses.replace(s, cond=cond, then=self.block(s.then, scope.given(cond)), orelse=orelse)
        if isinstance(s, While):
            return dataclasses.replace(s, cond=self.expr(s.cond, scope), body=self.block(s.body, scope))
        return s

    def _varies(self, e: Node) -> bool:
        return any(isinstance(n, Var) and n.name in self.varying for n in walk(e))

    def expr(self, e: Any, scope: Scope) -> Any:
        """The expression, the parts of it that all lanes share without the lane."""
        if not self._varies(e) or isinstance(e, Load | Ref):
            return e
        if isinstance(e, Binary) and e.op in COMPARE and e.a.dtype.is_integer:
            return self._comparison(e, scope)
        if isinstance(e, Binary | Unary) and e.op in ("&&", "||", "!"):
            return map_children(e, lambda c: self.expr(c, scope))
        if e.dtype.is_integer and e.dtype.kind != "bool" and not any(isinstance(n, Load | Ref) for n in walk(e)):
            p = scope.poly(e)
            if self.lane not in p.names():
                return scope.expr(p, e.dtype)
        return e

    def _comparison(self, e: Binary, scope: Scope) -> Expr:
        a, b = self.expr(e.a, scope), self.expr(e.b, scope)
        if not (self._varies(a) or self._varies(b)):
            return dataclasses.replace(e, a=a, b=b)
        if any(isinstance(n, Load | Ref) for n in walk(e)):
            return e
        over = scope.poly(e.a) - scope.poly(e.b)
        share, rest = over.collect(Var(self.lane))
        op = {1: _BELOW, -1: _ABOVE}.get(share.value or 0, {}).get(e.op)
        if op is None or self.lane in rest.names() or rest.split(Poly.const(self.count))[1] != ZERO:
            return e
        # Both sides in whole warps: lane + 32 * w < 32 * k is w < k.
        left, right = Poly({}), Poly({})
        for monomial, factor in rest.terms.items():
            term = Poly({monomial: factor // self.count})
            left, right = (left + term, right) if factor > 0 else (left, right - term)
        return Binary(op, scope.expr(left, e.a.dtype), scope.expr(right, e.a.dtype), e.dtype, span=e.span)
