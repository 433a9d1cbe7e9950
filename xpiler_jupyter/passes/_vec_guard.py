"""A loop under a guard on its own index runs fewer iterations instead."""

from __future__ import annotations

import dataclasses

from ..ir import build
from ..ir.affine import affine
from ..ir.algebra import Poly, Scope
from ..ir.build import conjunction
from ..ir.guards import with_comments
from ..ir.nodes import AnyStmt, Binary, Block, Call, Expr, For, If, Let, Load, Var
from ..ir.simplify import simplify_expr
from ..ir.visit import free_vars, stmts_of, substitute, walk


def without_guard(loop: For, scope: Scope) -> tuple[For, Expr | None]:
    """(the loop over those iterations that pass the guard around its whole body, what is left of the guard because it
    is the same in all iterations). `for (l < 64) if (b + l < n) S` runs to min(64, n - b)."""
    stmts, lets = stmts_of(loop.body), []
    while stmts and isinstance(stmts[0], Let) and not any(isinstance(n, Load) for n in walk(stmts[0].value)):
        lets.append(stmts[0])
        stmts = stmts[1:]
    if len(stmts) != 1 or not isinstance(stmts[0], If) or stmts[0].orelse is not None:
        return loop, None
    inside = scope.loop(loop)
    known: dict[str, Expr] = {}
    for s in lets:
        known[s.name] = substitute(s.value, known)
    fixed: list[Expr] = []
    highs: list[Expr] = []
    written = any(isinstance(n, Load) for n in walk(stmts[0].cond))
    for part in _parts(substitute(stmts[0].cond, known)):
        if loop.var not in free_vars(part) and not written:
            fixed.append(part)
            continue
        high = _high(part, loop, inside, scope)
        if high is None:
            return loop, None
        highs.append(high)
    hi = loop.hi
    for high in highs:
        hi = _least(hi, build.convert(high, loop.dtype), scope)
    body = Block((*lets, *with_comments(stmts[0].then, stmts[0].comments)), span=loop.body.span)
    return dataclasses.replace(loop, hi=hi, body=body), conjunction(fixed)


def without_guards(block: Block, scope: Scope) -> Block:
    """The block with every serial loop in it `without_guard`; what is left of a guard stands around the loop, where the
    next loop out may take it. The same object when there is no such guard."""
    out: list[AnyStmt] = []
    for s in block.stmts:
        new: AnyStmt = s
        if isinstance(s, For):
            new = _loop_without(s, scope)
        elif isinstance(s, If):
            sides = [without_guards(b, scope.given(s.cond, b is s.then)) for b in (s.then, s.orelse) if b is not None]
            if any(a is not b for a, b in zip(sides, (s.then, s.orelse), strict=False)):
                new = dataclasses.replace(s, then=sides[0], orelse=sides[1] if len(sides) > 1 else None)
        elif isinstance(s, Let):
            scope = scope.let(s)
        out.append(new)
    return block if all(a is b for a, b in zip(out, block.stmts, strict=True)) else Block(tuple(out), span=block.span)


def _loop_without(loop: For, scope: Scope) -> For | If:
    body = without_guards(loop.body, scope.loop(loop))
    inside = loop if body is loop.body else dataclasses.replace(loop, body=body)
    if loop.kind != "serial":
        return inside
    short, guard = without_guard(inside, scope)
    return short if guard is None else If(guard, Block((short,)), span=loop.span)


def _least(a: Expr, b: Expr, scope: Scope) -> Expr:
    return simplify_expr(Call("min", (a, b), a.dtype), scope)


def _parts(cond: Expr) -> list[Expr]:
    if isinstance(cond, Binary) and cond.op == "&&":
        return [*_parts(cond.a), *_parts(cond.b)]
    return [cond]


def _high(cond: Expr, loop: For, inside: Scope, scope: Scope) -> Expr | None:
    """The end of the iterations for which `cond` holds, if these are the first ones."""
    if not (isinstance(cond, Binary) and cond.op in ("<", "<=", ">", ">=") and cond.a.dtype.is_integer):
        return None
    a, b = (cond.a, cond.b) if cond.op in ("<", "<=") else (cond.b, cond.a)
    form = affine(build.sub(build.convert(a, loop.dtype), build.convert(b, loop.dtype)), [loop.var], inside)
    if form is None or form.stride(loop.var) != 1 or cond.a.dtype != loop.dtype:
        return None
    end = -form.rest + Poly.const(1 if cond.op in ("<=", ">=") else 0)  # loop.var < end
    return scope.expr(end, loop.dtype) if Var(loop.var, loop.dtype) not in end.atoms() else None
