"""Sums and extremes that a loop carries, kept apart for every so many iterations, so that these do not wait for each other.

    for (k < 64) s += A[k];          by 16:          float s_part[16];
                                                     for (k < 16) s_part[k] = 0;
                                                     for (k_outer < 4) for (k < 16) s_part[k] += A[k_outer * 16 + k];
                                                     for (k < 16) s += s_part[k];

An extreme starts each part with what it has so far: then a comparison that passes NaNs over still does, and one that
starts with a NaN keeps it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..dataflow.dependences import reduction
from ..ir.build import loop as counted
from ..ir.nodes import Alloc, Binary, Block, Call, Cast, Const, Expr, For, If, Let, Load, Node, Ref, Store, Var
from ..ir.visit import Rewriter, free_vars, fresh_name, stmts_of, walk

_NEUTRAL = {"+": 0, "|": 0, "^": 0}  # what leaves the others as they are; extremes and "&" start with the value itself
_SAME = {"max", "min", "&"}


@dataclass(frozen=True, slots=True)
class Carried:
    """`update` is the one statement of a loop that changes `place`: `place = place op term`, or an `If` that does."""

    place: Load
    op: str
    term: Expr
    update: Store | If


@dataclass(frozen=True, slots=True)
class Parts:
    """The loop's new body, and what stands in front of it and behind it."""

    body: Block
    before: tuple[Any, ...]
    behind: tuple[Any, ...]
    names: tuple[str, ...]


def carried(loop: For) -> list[Carried]:
    """What the loop only sums up, or keeps the largest or smallest of, at one place each; in the order of the text."""
    inside = {loop.var} | {n.var if isinstance(n, For) else n.name for n in walk(loop.body) if isinstance(n, For | Let | Alloc)}
    written = {n.buffer for n in walk(loop.body) if isinstance(n, Store | Ref)}
    found: list[Carried] = []
    for s in walk(loop.body):
        c = _extreme(s) if isinstance(s, If) else _sum(s) if isinstance(s, Store) else None
        if c is None or c.place.buffer in inside:
            continue
        fixed = all(not free_vars(i) & inside and not any(isinstance(n, Load) and n.buffer in written for n in walk(i))
                    for i in c.place.indices)
        mine = {id(n) for n in walk(c.update)}
        alone = all(id(n) in mine for n in walk(loop.body)
                    if isinstance(n, Load | Store | Ref) and n.buffer == c.place.buffer)
        if fixed and alone and all(n == c.place for n in walk(c.update) if isinstance(n, Load) and n.buffer == c.place.buffer):
            found.append(c)
    return found


def in_parts(loop: For, lane: str, factor: int, taken: set[str]) -> Parts | None:
    """The loop with a part of each sum and extreme for every value of `lane`, 0 .. factor - 1. None when it carries none."""
    body, before, behind, names = loop.body, list[Any](), list[Any](), list[str]()
    for c in carried(loop):
        p = c.place
        name = fresh_name(f"{p.buffer}_part", taken)
        taken.add(name)
        names.append(p.buffer)
        part = Load(name, (Var(lane, loop.dtype),), p.dtype)
        start: Expr = p if c.op in _SAME else Const(float(_NEUTRAL[c.op]) if p.dtype.is_float else _NEUTRAL[c.op], p.dtype)
        before.append(Alloc(name, p.dtype, (Const(factor, loop.dtype),)))
        before.append(_each(loop, lane, factor, Store(name, part.indices, start, p.dtype)))
        body = _Put(p, part).visit(body)
        behind.append(_each(loop, lane, factor, _joined(c, part)))
    return Parts(body, tuple(before), tuple(behind), tuple(names)) if names else None


def _each(loop: For, lane: str, factor: int, s: Any) -> For:
    made = counted(lane, Const(factor, loop.dtype), Block((s,)), lo=Const(0, loop.dtype))
    return dataclasses.replace(made, step=Const(1, loop.dtype), dtype=loop.dtype)


def _joined(c: Carried, part: Load) -> Any:
    """The statement that adds a part to the whole."""
    p = c.place
    if isinstance(c.update, If):
        return _Put(c.term, part).visit(c.update)
    value = Call(c.op, (p, part), p.dtype) if c.op in ("max", "min") else Binary(c.op, p, part, p.dtype)
    return Store(p.buffer, p.indices, value, p.dtype)


def _sum(s: Store) -> Carried | None:
    place = Load(s.buffer, s.indices, s.dtype)
    v = _bare(s.value)
    if isinstance(v, Call) and v.fn == "fma" and v.args[2] == place:
        term = Binary("*", v.args[0], v.args[1], v.dtype)
        return Carried(place, "+", term, s)
    found = reduction(s)
    if found is None or found[0] not in _NEUTRAL.keys() | _SAME or s.value.dtype != s.dtype:
        return None
    # A sum that is rounded to the place's type after each term keeps to that type in its parts as well.
    return Carried(place, found[0], found[2], s)


def _extreme(s: If) -> Carried | None:
    """`if (x > m) m = x;`"""
    then = stmts_of(s.then)
    if s.orelse is not None or len(then) != 1 or not isinstance(then[0], Store) or not isinstance(s.cond, Binary):
        return None
    store, cond = then[0], s.cond
    place = Load(store.buffer, store.indices, store.dtype)
    if cond.op not in ("<", ">", "<=", ">=") or {cond.a, cond.b} != {place, store.value}:
        return None
    return Carried(place, "max" if (cond.op in (">", ">=")) == (cond.b == place) else "min", store.value, s)


def _bare(e: Expr) -> Expr:
    while isinstance(e, Cast) and e.implicit:
        e = e.x
    return e


class _Put(Rewriter):
    """One expression in place of another; stores to the first, a place, go to the second."""

    def __init__(self, old: Expr, new: Load) -> None:
        self.old, self.new = old, new

    def visit(self, node: Node) -> Any:
        if node == self.old:
            return self.new
        if isinstance(node, Store) and isinstance(self.old, Load) and Load(node.buffer, node.indices, node.dtype) == self.old:
            return Store(self.new.buffer, self.new.indices, self.visit(node.value), node.dtype, span=node.span,
                         comments=node.comments)
        return super().visit(node)
