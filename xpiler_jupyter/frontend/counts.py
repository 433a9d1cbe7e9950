"""Meanings in the integers that people and analyses use: `unsigned int` counters become `int`, bytes become elements.

A table counts in unsigned numbers, as its manual does. What it counts are elements of arrays in memory: were one of these
sums or products to wrap, or a count be negative, the call would touch what no memory has, and is undefined. So within a
meaning the same sum in `int` is the same number, and a size of `n * 4` bytes is `n` elements of four.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir import build
from ..ir.nodes import Binary, Cast, Const, Expr, For, Load, Node, Ref, Select, Store, Var
from ..ir.types import BOOL, I32, U32, U64, ScalarType
from ..ir.visit import free_vars, map_children

_UNSIGNED = (U32, U64)
_ARITHMETIC = frozenset("+-*/%")


def in_ints(node: Any, scalars: dict[str, Expr]) -> Any:
    """The statements of a meaning with `scalars` put in for its scalar operands, unsigned counts as `int`."""
    counts = {name: _Signed(frozenset(), {}, {}, reads=True).signed(e) for name, e in scalars.items() if e.dtype.is_integer}
    return _Signed(frozenset(), scalars, {k: e for k, e in counts.items() if e is not None}).visit(node)


class _Signed:
    """`counters`: loop variables that became ints; `scalars`: what operands stand for; `counts`: the same as ints where
    they count something. `reads`: it looks at what a call passes: there a load is a count, too."""

    def __init__(self, counters: frozenset[str], scalars: dict[str, Expr], counts: dict[str, Expr],
                 reads: bool = False) -> None:
        self.counters, self.scalars, self.counts, self.reads = counters, scalars, counts, reads

    def visit(self, node: Any) -> Any:
        if isinstance(node, For):
            return self._loop(node)
        if isinstance(node, Load | Store | Ref):
            indices = tuple(self._or_visit(i) for i in node.indices)
            done = dataclasses.replace(node, indices=indices) if indices != node.indices else node
            return dataclasses.replace(done, value=self.visit(done.value)) if isinstance(done, Store) else done
        if isinstance(node, Binary) and node.dtype == BOOL and node.a.dtype in _UNSIGNED:
            a, b = self.signed(node.a), self.signed(node.b)
            if a is not None and b is not None:
                return build.binary(node.op, a, b)
        if isinstance(node, Cast) and node.x.dtype in _UNSIGNED and node.dtype.is_float:
            x = self.signed(node.x)
            if x is not None:
                return dataclasses.replace(node, x=x)
        if isinstance(node, Var) and node.name in self.counters:
            return Cast(Var(node.name, I32), node.dtype, implicit=True)
        if isinstance(node, Var):
            return self.scalars.get(node.name, node)
        if isinstance(node, Binary) and node.op in _ARITHMETIC and node.dtype in _UNSIGNED and free_vars(node) & self.counters:
            e = self.signed(node)
            if e is not None:
                return Cast(e, node.dtype, implicit=True)
        return map_children(node, self.visit) if isinstance(node, Node) else node

    def _or_visit(self, e: Expr) -> Expr:
        got = self.signed(e)
        return got if got is not None else self.visit(e)

    def _loop(self, loop: For) -> For:
        lo, hi, step = (self.signed(e) for e in (loop.lo, loop.hi, loop.step))
        if loop.dtype not in _UNSIGNED or lo is None or hi is None or step is None:
            return map_children(loop, self.visit)
        inner = _Signed(self.counters | {loop.var}, self.scalars, self.counts)
        return dataclasses.replace(loop, lo=lo, hi=hi, step=step, dtype=I32, body=inner.visit(loop.body))

    def signed(self, e: Expr) -> Expr | None:
        """The same number as an `int`, or None where `e` is no plain count."""
        if isinstance(e, Const):
            small = e.dtype.is_integer and e.dtype != BOOL and -(1 << 31) <= int(e.value) < 1 << 31
            return Const(int(e.value), I32) if small else None
        if isinstance(e, Cast):
            return self.signed(e.x) if _widens(e.x.dtype, e.dtype) else None
        if isinstance(e, Binary) and e.op in _ARITHMETIC and e.dtype.is_integer:
            a, b = self.signed(e.a), self.signed(e.b)
            if a is None or b is None:
                return None
            exact = quotient(a, int(b.value)) if e.op == "/" and isinstance(b, Const) and b.value else None
            return exact if exact is not None else build.binary(e.op, a, b)
        if isinstance(e, Select) and e.dtype.is_integer:
            a, b = self.signed(e.a), self.signed(e.b)
            return None if a is None or b is None else Select(self.visit(e.cond), a, b, I32)
        if isinstance(e, Var) and e.name in self.scalars:
            return self.counts.get(e.name)
        if isinstance(e, Var) and (e.name in self.counters or e.dtype == I32):
            return Var(e.name, I32, span=e.span)
        if isinstance(e, Var | Load) and self.reads and e.dtype.is_integer and e.dtype != BOOL:
            return build.convert(e, I32)
        return None


def _widens(source: ScalarType, target: ScalarType) -> bool:
    """Does the cast keep every count that fits an `int`?"""
    return source.is_integer and target.is_integer and BOOL not in (source, target) and \
        (target.bits >= 32 or target.bits > source.bits)


def quotient(e: Expr, by: int) -> Expr | None:
    """`e / by` when `e` is spelled as a multiple of `by`; None when it is not seen to be one."""
    if isinstance(e, Const):
        return Const(int(e.value) // by, e.dtype) if int(e.value) % by == 0 else None
    if not isinstance(e, Binary):
        return None
    a, b = quotient(e.a, by), quotient(e.b, by)
    if e.op == "*":
        if b is not None:
            return build.mul(e.a, b)
        return build.mul(a, e.b) if a is not None else None
    if e.op in ("+", "-") and a is not None and b is not None:
        return build.binary(e.op, a, b)
    return None
