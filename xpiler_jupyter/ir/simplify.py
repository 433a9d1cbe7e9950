"""Simplification that keeps every bit: constant and index arithmetic, guards and loops that the ranges decide.

Nothing of floating point is ever rewritten. `simplify` returns the very same kernel when there is nothing to do.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from .algebra import Scope
from .build import COMPARE
from .cleanup import clean
from .guards import hoist_guard, merge_guard, with_comments
from .memo import Memo
from .nodes import (
    Alloc,
    AnyStmt,
    Binary,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Select,
    Unary,
    Var,
    While,
    const_bool,
)
from .poly import Digit
from .types import BOOL
from .visit import children, map_children, rename, stmts_of, substitute, walk

ROUNDS = 6
_NEEDS_BRACKETS = {"+": ("+", "-"), "*": ("*", "/", "%")}
_simplified: Memo[Kernel] = Memo()
NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def simplify(kernel: Kernel, nonneg: Iterable[str] = ()) -> Kernel:
    """The kernel with the same meaning and less in it. `nonneg` names sizes that may be taken to be >= 0."""
    names = frozenset(nonneg)
    known = _simplified.get(kernel, names)  # a plan's rehearsal and the port ask the same
    if known is not None:
        return known
    body = simplify_block(kernel.body, Scope.of(kernel, names))
    return _simplified.put(kernel, kernel if body is kernel.body else dataclasses.replace(kernel, body=body), names)


def simplify_block(body: Block, scope: Scope) -> Block:
    """A block that stands where `scope` describes, simplified until nothing changes; the same object if nothing did."""
    for _ in range(ROUNDS):
        new = clean(_Simplifier().block(body, scope))
        if new == body:
            break
        body = new
    return body


def simplify_expr(e: Expr, scope: Scope | None = None) -> Expr:
    """One expression, simplified under what the scope knows."""
    out: Expr = _Simplifier().expr(e, scope or Scope())
    return out


@lru_cache(maxsize=65536)
def cost(e: Node) -> int:
    """How much there is to read (and to compute): the measure that a rewrite of an index must lower."""
    own = 3 if isinstance(e, Binary) and e.op in ("/", "%", "*") and not isinstance(e.b, Const) else 1
    if isinstance(e, Binary) and e.op in ("/", "%", ">>", "&"):
        own += 2
    if isinstance(e, Binary) and e.op in ("+", "*") and isinstance(e.b, Binary) and e.b.op in _NEEDS_BRACKETS[e.op]:
        own += 1
    if isinstance(e, Cast) and e.implicit:
        own = 0
    return own + sum(cost(c) for c in children(e))


def negate(cond: Expr) -> Expr:
    """`!cond`, pushed into integer comparisons (not into float ones: NaN)."""
    if isinstance(cond, Const):
        return const_bool(not cond.value)
    if isinstance(cond, Unary) and cond.op == "!":
        return cond.x
    if isinstance(cond, Binary) and cond.op in COMPARE and cond.a.dtype.is_integer:
        return dataclasses.replace(cond, op=NEGATED[cond.op])
    return Unary("!", cond, BOOL)


def leaves_loop(body: Block, kinds: tuple[type, ...] = (Break, Continue)) -> bool:
    """Does a `break` or `continue` in `body` concern the loop around it?"""
    for s in stmts_of(body):
        if isinstance(s, kinds):
            return True
        if isinstance(s, If) and any(leaves_loop(b, kinds) for b in (s.then, s.orelse) if b is not None):
            return True
    return False


class _Simplifier:
    """One pass from the outside in; the scope carries what is known at each place."""

    # -- expressions ---------------------------------------------------------------------------------------------------

    def expr(self, e: Any, scope: Scope) -> Any:
        if isinstance(e, Const | Var):
            return self._index(e, scope) if isinstance(e, Var) and e.name in scope.lets else e
        if e.dtype == BOOL:
            return self.condition(e, scope)
        if isinstance(e, Select):
            truth = scope.proves(e.cond)
            if truth is not None:
                return self.expr(e.a if truth else e.b, scope)
            cond = self.condition(e.cond, scope)
            new = dataclasses.replace(e, cond=cond, a=self.expr(e.a, scope.given(cond)),
                                      b=self.expr(e.b, scope.given(cond, False)))
            return new if new != e else e
        if e.dtype.is_integer and not isinstance(e, Load | Ref):
            return self._index(e, scope)
        return map_children(e, lambda c: self.expr(c, scope))

    def _index(self, e: Expr, scope: Scope) -> Expr:
        """An integer expression: its normal form where that is shorter, else its parts simplified."""
        if isinstance(e, Var):
            return e if scope.poly(e).value is None else scope.expr(scope.poly(e), e.dtype)
        parts = map_children(e, lambda c: self.expr(c, scope) if hasattr(c, "dtype") else c)
        best: Expr = parts
        for s in dict.fromkeys((scope.named(), scope)):
            candidate = s.expr(s.poly(e), e.dtype)
            if cost(candidate) < cost(best):
                best = candidate
        return best

    def condition(self, e: Expr, scope: Scope) -> Expr:
        truth = scope.proves(e)
        if truth is not None:
            return const_bool(truth)
        if isinstance(e, Unary) and e.op == "!":
            inner = self.condition(e.x, scope)
            new = negate(inner)
            return new if new != e else e
        if isinstance(e, Binary) and e.op in ("&&", "||"):
            stop = e.op == "||"
            a = self.condition(e.a, scope)
            b = self.condition(e.b, scope.given(a, not stop))
            for kept, other in ((a, b), (b, a)):
                if isinstance(other, Const) and bool(other.value) is not stop:
                    return kept
            if isinstance(a, Const):
                return a
            return e if a is e.a and b is e.b else Binary(e.op, a, b, BOOL, span=e.span)
        if isinstance(e, Binary) and e.op in ("==", "!=") and _is_zero(e.b) and isinstance(e.a, Cast) and e.a.x.dtype == BOOL:
            inner = self.condition(e.a.x, scope)  # a truth value as a number, asked whether it is one
            return inner if e.op == "!=" else negate(inner)
        if isinstance(e, Select):
            which = scope.proves(e.cond)
            if which is not None:
                return self.condition(e.a if which else e.b, scope)
        return self._without_quotient(map_children(e, lambda c: self.expr(c, scope)), scope)

    def _without_quotient(self, e: Expr, scope: Scope) -> Expr:
        """`x / d < k` as `x < k * d`, and so on, where x >= 0 and d > 0."""
        if not isinstance(e, Binary) or e.op not in ("<", "<=", ">", ">=") or not e.a.dtype.is_integer:
            return e
        digit, k = scope.poly(e.a).lone, scope.poly(e.b)
        if not isinstance(digit, Digit) or digit.radix is not None:
            return e
        limit = scope.expr(digit.lo * (k.plus(1) if e.op in ("<=", ">") else k), e.b.dtype)
        new = Binary("<" if e.op in ("<", "<=") else ">=", scope.expr(digit.base, e.a.dtype), limit, BOOL, span=e.span)
        return new if cost(new) < cost(e) else e

    # -- statements ----------------------------------------------------------------------------------------------------

    def block(self, b: Block, scope: Scope) -> Block:
        out: list[AnyStmt] = []
        pending = list(b.stmts)
        while pending:
            s = pending.pop(0)
            new = self.stmt(s, scope)
            for n in new:
                out.append(n)
                if isinstance(n, Let):
                    scope = scope.let(n)
                elif isinstance(n, Alloc):
                    pass
                elif isinstance(n, If) and n.orelse is None and _always_leaves(n.then):
                    scope = scope.given(n.cond, False)
        same = len(out) == len(b.stmts) and all(x is y for x, y in zip(out, b.stmts, strict=True))
        return b if same else Block(tuple(out), span=b.span)

    def stmt(self, s: AnyStmt, scope: Scope) -> tuple[AnyStmt, ...]:
        if isinstance(s, Block):
            return (self.block(s, scope),)
        if isinstance(s, For):
            return self._for(s, scope)
        if isinstance(s, If):
            return self._if(s, scope)
        if isinstance(s, While):
            # the condition holds at the start of each iteration, but it may only speak of what the body changes
            return (map_children(s, lambda c: self.block(c, scope) if isinstance(c, Block) else self.expr(c, scope)),)
        return (map_children(s, lambda c: self.expr(c, scope)),)

    def _if(self, s: If, scope: Scope) -> tuple[AnyStmt, ...]:
        cond = self.condition(s.cond, scope)
        if isinstance(cond, Const):
            chosen = self.block(s.then, scope) if cond.value else (
                self.block(s.orelse, scope) if s.orelse is not None else Block())
            return with_comments(chosen, s.comments)
        then = self.block(s.then, scope.given(cond))
        orelse = self.block(s.orelse, scope.given(cond, False)) if s.orelse is not None else None
        if cond is s.cond and then is s.then and orelse is s.orelse:
            return (s,)
        return (dataclasses.replace(s, cond=cond, then=then, orelse=orelse),)

    def _for(self, s: For, scope: Scope) -> tuple[AnyStmt, ...]:
        bounds = {k: self.expr(getattr(s, k), scope) for k in ("lo", "hi", "step")}
        if any(bounds[k] is not getattr(s, k) for k in bounds):
            s = dataclasses.replace(s, **bounds)
        if s.kind != "parallel":
            lo, hi = scope.poly(s.lo), scope.poly(s.hi)
            if scope.nonneg(lo - hi):
                return ()
            once = scope.less(lo, hi) and scope.nonneg(lo + scope.poly(s.step) - hi)
            if once and not leaves_loop(s.body):
                return with_comments(self.block(substitute(s.body, {s.var: s.lo}), scope), s.comments)
            s = named_by_its_let(s)
        body = self.block(s.body, scope.loop(s))
        if body is not s.body:
            s = dataclasses.replace(s, body=body)
        return (s if s.kind == "parallel" else merge_guard(hoist_guard(s), scope),)


def _is_zero(e: Expr) -> bool:
    return isinstance(e, Const) and e.value == 0


def _always_leaves(b: Block) -> bool:
    stmts = stmts_of(b)
    return bool(stmts) and isinstance(stmts[-1], Return | Break | Continue)


def named_by_its_let(s: For) -> For:
    """`for (b) { int row = b; ... }` becomes `for (row) { ... }`: the name that the person gave says more."""
    stmts = stmts_of(s.body)
    lets = [x for x in stmts if isinstance(x, Let) and x.value == Var(s.var, s.dtype) and x.dtype == s.dtype]
    for let in lets:
        outer = {n.name for b in (s.lo, s.hi, s.step) for n in walk(b) if isinstance(n, Var)}
        definitions = Counter(name for n in walk(s.body) for name in (let.name, s.var) if _defines(n, name))
        if let.name in outer or definitions != Counter([let.name]):
            continue
        used_before = stmts[: stmts.index(let)]
        if any(let.name in {v.name for v in walk(b) if isinstance(v, Var)} for b in used_before):
            continue
        body = Block(tuple(x for x in stmts if x is not let), span=s.body.span)
        return dataclasses.replace(s, var=let.name, body=rename(body, {s.var: let.name}))
    return s


def _defines(n: Node, name: str) -> bool:
    return (isinstance(n, Let | Alloc) and n.name == name) or (isinstance(n, For) and n.var == name)
