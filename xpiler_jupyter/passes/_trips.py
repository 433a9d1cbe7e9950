"""Loops with barriers that each thread begins at an index of its own, `for (i = t; i < n; i += 64)`: one loop for the block,
in which a thread whose index is past the end does nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping

from ..ir.build import add, lt
from ..ir.nodes import Binary, Block, Cast, Const, Expr, For, If, Let, Var
from ..ir.visit import fresh_name

Uniform = Callable[[Expr], bool]


def evened(loop: For, uniform: Uniform, threads: Collection[str], lets: Mapping[str, Expr],
           taken: set[str]) -> tuple[For, If] | None:
    """The loop of the block around the text of one iteration, and the branch in it that says which threads are still in
    the loop. None when where the threads begin is not a common index plus something that is never negative.

    Args:
        uniform: is an expression the same for all threads?
        threads: names of the loops over the threads, which run from 0.
        lets: what the names in sight stand for.
        taken: names in use; a new one is added.
    """
    if uniform(loop.lo) or not uniform(loop.hi) or not uniform(loop.step):
        return None
    common: Expr | None = None
    own: Expr | None = None
    for term in _terms(loop.lo, uniform, lets):
        if uniform(term):
            common = term if common is None else add(common, term)
        elif _never_negative(term, threads, lets):
            own = term if own is None else add(own, term)
        else:
            return None
    if own is None:
        return None
    base = Var(fresh_name(f"{loop.var}_base", taken), loop.dtype)
    mine = Var(loop.var, loop.dtype)
    guard = If(lt(mine, loop.hi), loop.body)
    body = Block((Let(loop.var, loop.dtype, add(base, own)), guard), span=loop.body.span)
    start = common if common is not None else Const(0, loop.dtype)
    return dataclasses.replace(loop, var=base.name, lo=start, body=body), guard


def _terms(e: Expr, uniform: Uniform, lets: Mapping[str, Expr]) -> list[Expr]:
    """The sum's terms; a name that stands for a sum is looked into."""
    if isinstance(e, Binary) and e.op == "+":
        return _terms(e.a, uniform, lets) + _terms(e.b, uniform, lets)
    if isinstance(e, Var) and not uniform(e) and isinstance(inner := lets.get(e.name), Binary) and inner.op == "+" \
            and inner.dtype == e.dtype:
        return _terms(inner, uniform, lets)
    return [e]


def _never_negative(e: Expr, threads: Collection[str], lets: Mapping[str, Expr]) -> bool:
    if isinstance(e, Const):
        return e.dtype.is_integer and int(e.value) >= 0
    if isinstance(e, Var):
        return e.name in threads or (e.name in lets and _never_negative(lets[e.name], threads, lets))
    if isinstance(e, Cast):
        return e.dtype.is_integer and e.dtype.bits >= 32 and _never_negative(e.x, threads, lets)
    if isinstance(e, Binary) and e.op in ("+", "*", "/", "%", "&", ">>"):
        return _never_negative(e.a, threads, lets) and _never_negative(e.b, threads, lets)
    return False
