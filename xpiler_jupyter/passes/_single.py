"""`for (t < 64) if (t == 0) ...` is the work of one thread: the loop goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from ..ir.build import conjunction
from ..ir.nodes import Binary, Block, Const, Expr, For, If, Let, Var
from ..ir.simplify import leaves_loop
from ..ir.visit import Rewriter, stmts_of, substitute


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


def _constant(part: Expr, s: For) -> Const | None:
    """The constant inside the loop's range that the condition holds its variable to."""
    if not isinstance(part, Binary) or part.op != "==" or not isinstance(s.hi, Const):
        return None
    for a, b in ((part.a, part.b), (part.b, part.a)):
        if a == Var(s.var, s.dtype) and isinstance(b, Const) and 0 <= b.value < s.hi.value:
            return b
    return None
