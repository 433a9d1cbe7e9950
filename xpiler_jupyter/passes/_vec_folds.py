"""Which meanings fold a vector to one value: a sum or an extreme, element after element or half onto half."""

from __future__ import annotations

from typing import Any

from ..ir.nodes import Binary, Call, Cast, Const, Expr, For, If, Let, Load, Select, Store, Var, While
from ..ir.types import BOOL as _BOOL
from ..ir.visit import stmts_of, substitute
from ..platforms.instr import Operand
from ._vec_tree import NoTree, Tree, tree

_NEUTRAL = {"+": 0, "*": 1}


def bare(e: Expr) -> Any:
    """The expression under its conversions."""
    while isinstance(e, Cast):
        e = e.x
    return e


def folded(body: list[Any], dst: Operand, v: Operand) -> tuple[str, For, bool] | None:
    """(operator, the loop over the elements, does it pass over NaNs) when the statements put the fold of `v` at dst[0]."""
    ends = [s for s in body if isinstance(s, Store) and s.buffer == dst.name and _is(s.indices[0], 0)]
    loops = [s for s in body if isinstance(s, For)]
    if len(ends) != 1 or len(loops) != 1:
        return None
    acc, loop = bare(ends[0].value), loops[0]
    if not isinstance(acc, Load):
        return None
    op = _halving(body, loop, acc, v) if acc.indices else _running(body, loop, acc, v)
    if op is not None:
        return op, loop, False
    extreme = None if acc.indices else _extreme(body, loop, acc, v)
    return (extreme[0], loop, extreme[1]) if extreme is not None else None


def _is(e: Expr, value: int) -> bool:
    e = bare(e)
    return isinstance(e, Const) and e.value == value


def _element(e: Expr, v: Operand, loop: For) -> bool:
    e = bare(e)
    return isinstance(e, Load) and e.buffer == v.name and e.indices == (Var(loop.var, loop.dtype),)


def _start(body: list[Any], acc: Load, loop: For) -> Expr | None:
    """The value that the accumulator has before the loop."""
    before = [s for s in body[: body.index(loop)] if isinstance(s, Store) and s.buffer == acc.buffer]
    return before[0].value if len(before) == 1 else None


def _running(body: list[Any], loop: For, acc: Load, v: Operand) -> str | None:
    """`T s = 0; for (i < n) s = s op (T)v[i];`"""
    step, start = stmts_of(loop.body), _start(body, acc, loop)
    if len(step) != 1 or not isinstance(step[0], Store) or step[0].buffer != acc.buffer or start is None:
        return None
    sides = _operation(bare(step[0].value))
    if sides is None or bare(sides[1]) != acc or not _element(sides[2], v, loop) or not _is(loop.lo, 0):
        return None
    return sides[0] if sides[0] in _NEUTRAL and _is(start, _NEUTRAL[sides[0]]) else None


def _extreme(body: list[Any], loop: For, acc: Load, v: Operand) -> tuple[str, bool] | None:
    """`T m = v[0]; for (i = 1; i < n; i++) if (v[i] > m) m = v[i];`, perhaps with the index kept, and NaNs passed over:
    the operator, and whether they are."""
    start = _start(body, acc, loop)
    if not (isinstance(start, Load) and start.buffer == v.name and _is(start.indices[0], 0) and _is(loop.lo, 1)):
        return None
    stmts, lets = stmts_of(loop.body), {}
    while stmts and isinstance(stmts[0], Let):
        lets[stmts[0].name] = stmts[0].value
        stmts = stmts[1:]
    if len(stmts) != 1 or not isinstance(stmts[0], If) or stmts[0].orelse is not None:
        return None
    then = [substitute(s, lets) for s in stmts_of(stmts[0].then)]
    kept = [s for s in then if isinstance(s, Store) and s.buffer == acc.buffer]
    if len(kept) != 1 or not _element(kept[0].value, v, loop) or not all(isinstance(s, Store) for s in then):
        return None

    def leaf(e: Expr) -> Tree | None:
        if e == acc:
            return Tree("scalar", acc.dtype, (), "m")
        return Tree("vec", acc.dtype, (), "v") if isinstance(e, Load) and _element(e, v, loop) else None

    try:
        got = tree(substitute(stmts[0].cond, lets), leaf)
    except NoTree:
        return None
    for op, numbers, text in _CONDITIONS:
        if got == text(acc):
            return op, numbers
    return None


def _condition(above: bool, numbers: bool) -> Any:
    def build(acc: Load) -> Tree:
        m, x = Load(acc.buffer, (), acc.dtype), Var("v", acc.dtype)
        beats: Expr = Binary(">" if above else "<", x, m, _BOOL)
        if numbers:
            passes = Binary("&&", Binary("!=", m, m, _BOOL), Binary("==", x, x, _BOOL), _BOOL)
            beats = Binary("||", passes, beats, _BOOL)
        return tree(beats, lambda e: Tree("scalar", acc.dtype, (), "m") if e == m else
                    Tree("vec", acc.dtype, (), "v") if e == x else None)

    return build


def _halving(body: list[Any], loop: For, acc: Load, v: Operand) -> str | None:
    """`T r[n] = v; for (h = n / 2; h > 0; h /= 2) for (i < h) r[i] = r[i] op r[i + h];` with r[0] the result."""
    first, whiles = stmts_of(loop.body), [s for s in body if isinstance(s, While)]
    if len(first) != 1 or not isinstance(first[0], Store) or len(whiles) != 1 or not isinstance(loop.hi, Const):
        return None
    array = acc.buffer
    if first[0].buffer != array or not _element(first[0].value, v, loop) or not _is(acc.indices[0], 0):
        return None
    steps = stmts_of(whiles[0].body)
    if len(steps) != 2 or not isinstance(steps[0], For) or not isinstance(steps[1], Store):
        return None
    half = Load(steps[1].buffer, (), steps[1].dtype)
    starts = [s for s in body if isinstance(s, Store) and s.buffer == half.buffer]
    inner, at = steps[0], Var(steps[0].var, steps[0].dtype)
    update = stmts_of(inner.body)
    if not (len(starts) == 1 and _is(starts[0].value, int(loop.hi.value) // 2) and inner.hi == half
            and whiles[0].cond == Binary(">", half, Const(0, half.dtype), _BOOL)
            and steps[1].value == Binary("/", half, Const(2, half.dtype), half.dtype)
            and len(update) == 1 and isinstance(update[0], Store)):
        return None
    low = Load(array, (at,), acc.dtype)
    high = Load(array, (Binary("+", at, half, half.dtype),), acc.dtype)
    sides = _operation(bare(update[0].value))
    if sides is None or update[0].buffer != array or update[0].indices != (at,) or {bare(s) for s in sides[1:]} != {low, high}:
        return None
    return sides[0]


def _operation(e: Expr) -> tuple[str, Expr, Expr] | None:
    """(operator, one side, other side) of a sum, product, extreme or bitwise operation."""
    if isinstance(e, Binary) and e.op in ("+", "*", "&", "|", "^"):
        return e.op, e.a, e.b
    if isinstance(e, Call) and e.fn in ("max", "min") and len(e.args) == 2:
        return e.fn, e.args[0], e.args[1]
    if isinstance(e, Select) and isinstance(e.cond, Binary) and e.cond.op in ("<", ">") and (e.cond.a, e.cond.b) == (e.a, e.b):
        return ("max" if e.cond.op == ">" else "min"), e.a, e.b
    return None


_CONDITIONS = [(op, numbers, _condition(op == "max", numbers)) for op in ("max", "min") for numbers in (False, True)]
