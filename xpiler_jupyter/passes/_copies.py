"""Loops that copy a tile in or out: by one thread, or by the threads of a block together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..ir.algebra import ZERO, Poly, Scope
from ..ir.build import add, binary, conjunction, div, guarded, integer, loop, lt, mod, mul
from ..ir.nodes import AnyStmt, Block, Call, Expr, For, If, Let, Var
from ..ir.poly import Atom
from ..ir.simplify import simplify_block, simplify_expr
from ..ir.types import I32

Body = Callable[[tuple[Expr, ...], Scope], AnyStmt]  # coordinates and what is known there -> the copy of one element


@dataclass(frozen=True, slots=True)
class Box:
    """What is copied: per coordinate its name and extent, and what else must be >= 0."""

    coordinates: tuple[Var, ...]
    extents: tuple[int, ...]
    needs: tuple[Poly, ...]

    def whole(self) -> bool:
        return not self.needs


def known(box: Box, scope: Scope) -> Scope:
    """The scope inside loops over the whole box."""
    for x, n in zip(box.coordinates, box.extents, strict=True):
        scope = scope.loop(loop(x.name, integer(n), Block()))
    return scope


def bounds_of(box: Box, scope: Scope) -> tuple[list[Expr], list[Poly], list[Poly]]:
    """(upper bound per coordinate, needs that only what is outside decides, needs that are left)."""
    names = {x.name for x in box.coordinates}
    highs: list[list[Poly]] = [[] for _ in box.coordinates]
    outside: list[Poly] = []
    rest: list[Poly] = []
    for p in box.needs:
        mine = p.names() & names
        if not mine:
            outside.append(p)
            continue
        if len(mine) == 1:
            k = next(k for k, x in enumerate(box.coordinates) if x.name in mine)
            c, left = p.collect(box.coordinates[k])
            if c.value == -1 and not left.names() & names:
                highs[k].append(left.plus(1))
                continue
        rest.append(p)
    out: list[Expr] = []
    for n, tops in zip(box.extents, highs, strict=True):
        most = min([n, *(t.value for t in tops if t.value is not None)])
        hi: Expr = integer(most)
        for k, top in enumerate(t for t in tops if t.value is None):
            e = scope.expr(top, I32)
            # what is never more than the extent needs no minimum
            hi = e if k == 0 and scope.nonneg(Poly.const(most) - top) else Call("min", (hi, e), I32)
        out.append(hi)
    return out, outside, rest


def condition(needs: list[Poly], scope: Scope) -> Expr | None:
    """The conjunction of `p >= 0`, each said as a comparison of what is added with what is subtracted."""
    return conjunction([compare(p, scope) for p in needs])


def compare(p: Poly, scope: Scope) -> Expr:
    plus = Poly({m: c for m, c in p.terms.items() if c > 0 and m})
    minus = Poly({m: -c for m, c in p.terms.items() if c < 0 and m})
    k = p.constant
    if minus == ZERO or (plus != ZERO and k > 0):  # plus + k >= minus
        left, right = plus, minus.plus(-k)
        if k > 0 and plus != ZERO:
            return binary("<", scope.expr(minus, I32), scope.expr(plus.plus(k + 1), I32))
        return binary(">=", scope.expr(left, I32), scope.expr(right, I32))
    # minus <= plus + k, said as minus < plus + k + 1
    return binary("<", scope.expr(minus, I32), scope.expr(plus.plus(k + 1), I32))


def private_copy(box: Box, scope: Scope, body: Body, order: tuple[int, ...] | None = None) -> tuple[AnyStmt, ...]:
    """One thread copies: loops over the coordinates in `order`, clipped."""
    highs, outside, rest = bounds_of(box, scope)
    inner = scope
    for p in outside:
        inner = inner.fact(p)
    loops: list[For] = []
    for k in order or range(len(box.coordinates)):
        lp = loop(box.coordinates[k].name, highs[k], Block())
        loops.append(lp)
        inner = inner.loop(lp)
    within = inner
    for p in rest:
        within = within.fact(p)
    block = guarded(condition(rest, inner), Block((body(tuple(box.coordinates), within),)))
    for lp in reversed(loops):
        block = Block((loop(lp.var, lp.hi, block),))
    cond = condition(outside, scope)
    return simplify_block(guarded(cond, block), scope).stmts


def block_copy(box: Box, scope: Scope, body: Body, threads: list[tuple[Var, int]], flat: str,
               order: tuple[int, ...] | None = None) -> tuple[AnyStmt, ...]:
    """The threads of a block copy together: element `flat` of the tile by thread `flat % threads`, so that neighbours
    touch neighbours. `threads`: the axes with their extents, slowest first."""
    count, total = 1, 1
    me: Expr = integer(0)
    for axis, n in threads:
        me = add(mul(me, integer(n)), axis)
        count *= n
    for n in box.extents:
        total *= n
    order = order or tuple(range(len(box.extents)))
    at: list[Expr] = [integer(0)] * len(order)
    rest: Expr = Var(flat)
    for k in reversed(order):
        last = k == order[0]
        at[k] = rest if last else mod(rest, integer(box.extents[k]))
        rest = rest if last else div(rest, integer(box.extents[k]))
    inner = scope.loop(For(flat, me, integer(total), integer(count), Block())) if total > count else scope.let(
        Let(flat, I32, me))
    lets: list[AnyStmt] = []
    place: dict[str, Expr] = {}
    for k in order:
        value = simplify_expr(at[k], inner)
        plain = inner.poly(value).lone
        if isinstance(plain, Var):  # a thread's own index needs no second name
            place[box.coordinates[k].name] = plain
            continue
        let = Let(box.coordinates[k].name, I32, value)
        lets.append(let)
        place[let.name] = Var(let.name)
        inner = inner.let(let)

    def seen(a: Atom) -> Poly | None:
        return inner.poly(place[a.name]) if isinstance(a, Var) and a.name in place else None

    asked = condition([p.replace(seen) for p in box.needs], inner)
    copied = body(tuple(place[x.name] for x in box.coordinates), inner)
    stmts: tuple[AnyStmt, ...] = (*lets, *guarded(asked, Block((copied,))).stmts)
    whole: AnyStmt
    if total > count:
        whole = For(flat, me, integer(total), integer(count), Block(stmts))
    elif total == count:
        whole = Block((Let(flat, I32, me), *stmts))
    else:
        whole = Block((Let(flat, I32, me), If(lt(Var(flat), integer(total)), Block(stmts))))
    return simplify_block(Block((whole,)), scope).stmts

