"""Guards around loop bodies: out of the body to its top, and from there into the bounds."""

from __future__ import annotations

import dataclasses

from .algebra import Scope, without_floor
from .build import conjunction, integer
from .nodes import (
    Alloc,
    AnyStmt,
    Barrier,
    Binary,
    Block,
    Break,
    Call,
    Continue,
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
from .poly import Poly
from .visit import children, stmts_of, walk


def conjuncts(cond: Expr) -> list[Expr]:
    """The parts of an `&&` chain, in order."""
    if isinstance(cond, Binary) and cond.op == "&&":
        return conjuncts(cond.a) + conjuncts(cond.b)
    return [cond]


def minimum_of(e: Expr) -> list[Expr]:
    """The parts of an integer minimum, or the expression itself."""
    if isinstance(e, Call) and e.fn == "min" and e.dtype.is_integer:
        return [part for a in e.args for part in minimum_of(a)]
    return [e]


def with_comments(body: Block, comments: tuple[str, ...]) -> tuple[AnyStmt, ...]:
    """The block in place of a statement, whose comments move to its first statement."""
    if comments and body.stmts and not isinstance(body.stmts[0], Block):
        first = dataclasses.replace(body.stmts[0], comments=comments + body.stmts[0].comments)
        body = Block((first, *body.stmts[1:]), span=body.span)
    return (body,)


def hoist_guard(s: For) -> For:
    """`for (i) { x = ...; if (i < N) out[i] = x; }` becomes `for (i) { if (i < N) { x = ...; out[i] = x; } }`: where
    everything that can be seen from outside stands under one condition on `i`, the rest is idle without it."""
    stmts = stmts_of(s.body)
    lets = leading_lets(stmts)
    rest = stmts[len(lets):]
    if not rest or (len(rest) == 1 and isinstance(rest[0], If) and rest[0].orelse is None):
        return s
    if not any(_asks(x) for x in rest):
        return s
    local = {n.name for x in rest for n in walk(x) if isinstance(n, Alloc)}
    bound = {n.name for x in rest for n in walk(x) if isinstance(n, Let)} | {
        n.var for x in rest for n in walk(x) if isinstance(n, For)}
    depends = {s.var} | {x.name for x in lets}
    common: list[Expr] | None = None

    def visit(node: Node, above: list[Expr]) -> None:
        nonlocal common
        if isinstance(node, If):
            visit(node.then, above + [c for c in conjuncts(node.cond) if _moves(c, bound)])
            if node.orelse is not None:
                visit(node.orelse, above)
            return
        if isinstance(node, _SEEN) or (isinstance(node, Store) and node.buffer not in local):
            common = list(above) if common is None else [c for c in common if c in above]
        for c in children(node):
            if isinstance(c, Block | For | If | Store | _SEEN):
                visit(c, above)

    for x in rest:
        visit(x, [])
    guard = conjunction([c for c in dict.fromkeys(common or []) if depends & {n.name for n in walk(c)
                                                                            if isinstance(n, Var)}])
    if guard is None:
        return s
    return dataclasses.replace(s, body=Block((*lets, If(guard, Block(rest))), span=s.body.span))


def _asks(s: AnyStmt) -> bool:
    """Is there an `If` in the statement?"""
    if isinstance(s, Block):
        return any(_asks(x) for x in s.stmts)
    return isinstance(s, If) or (isinstance(s, For | While) and _asks(s.body))


_SEEN = Barrier | InstrCall | Return | Break | Continue | While


def _moves(cond: Expr, bound: set[str]) -> bool:
    """Has the condition one value in all of the body? Then it can be asked at its top."""
    return not any(isinstance(n, Load | Ref) or (isinstance(n, Var) and n.name in bound)
                   or (isinstance(n, Binary) and n.op in ("/", "%") and not _divides_by_constant(n))
                   for n in walk(cond))


def _divides_by_constant(e: Binary) -> bool:
    return not any(isinstance(n, Var) for n in walk(e.b))


def leading_lets(stmts: tuple[AnyStmt, ...]) -> tuple[Let, ...]:
    """The `Let`s in front that do not read memory."""
    out: list[Let] = []
    for x in stmts:
        if not isinstance(x, Let) or any(isinstance(n, Load | Ref) for n in walk(x.value)):
            break
        out.append(x)
    return tuple(out)


def merge_guard(s: For, scope: Scope) -> For:
    """`for (i < hi) { lets; if (i < N) ... }` with N <= hi proved becomes `for (i < N) { lets; ... }`, and the same
    for lower bounds. Only for an N that is the same in all loops around: a rectangle stays one."""
    stmts = stmts_of(s.body)
    lets = stmts[:-1]
    if not stmts or not isinstance(stmts[-1], If) or stmts[-1].orelse is not None:
        return s
    if any(not isinstance(x, Let) for x in lets):
        return s
    guard = stmts[-1]
    inner = scope.loop(s)
    for x in lets:
        inner = inner.let(x)
    declared = {x.name for x in lets if isinstance(x, Let)}
    kept: list[Expr] = []
    lo, hi = s.lo, s.hi
    for part in conjuncts(guard.cond):
        new = _bound_from(part, s, declared, inner)
        if new is not None and new[1] == "hi" and scope.nonneg(scope.poly(hi) - new[0]):
            hi = scope.expr(new[0], s.dtype)
        elif new is not None and new[1] == "lo" and s.step == integer(1) and scope.nonneg(new[0] - scope.poly(lo)):
            lo = scope.expr(new[0], s.dtype)
        else:
            kept.append(part)
    if hi is s.hi and lo is s.lo:
        return s
    rest = conjunction(kept)
    tail = with_comments(guard.then, guard.comments) if rest is None else (dataclasses.replace(guard, cond=rest),)
    return dataclasses.replace(s, lo=lo, hi=hi, body=Block((*lets, *tail), span=s.body.span))


def _bound_from(part: Expr, s: For, declared: set[str], inner: Scope) -> tuple[Poly, str] | None:
    """The bound on the loop variable that the condition is: (first value too great, "hi") or (least value, "lo")."""
    if not isinstance(part, Binary) or part.op not in ("<", "<=", ">", ">=") or not part.a.dtype.is_integer:
        return None
    if any(isinstance(n, Load | Ref) for n in walk(part)):
        return None
    d = inner.poly(part.b) - inner.poly(part.a)
    d = d if part.op in ("<", "<=") else -d
    p = d.plus(-1) if part.op in ("<", ">") else d  # the condition is p >= 0
    p = without_floor(p) or p
    c, rest = p.collect(Var(s.var, s.dtype))
    k = c.value
    if not k or rest.names() & declared or any(inner.rank.get(n, 0) > 0 for n in rest.names()):
        return None
    if k == -1:
        return rest.plus(1), "hi"
    if k == 1:
        return -rest, "lo"
    if rest.value is None:
        return None
    return (Poly.const(rest.value // -k + 1), "hi") if k < 0 else (Poly.const(-(rest.value // k)), "lo")
