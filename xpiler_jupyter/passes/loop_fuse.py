"""Two nested loops to one."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..dataflow.dependences import is_parallel, is_private
from ..ir.algebra import ONE, Poly, Scope
from ..ir.build import add, div, mod, mul
from ..ir.nodes import Alloc, Block, Const, Expr, For, If, Kernel, Let, Var
from ..ir.simplify import cost, simplify_block, simplify_expr
from ..ir.visit import all_names, fresh_name, stmts_of, substitute, walk
from ..platforms.base import Platform
from ._loops import (
    find_loop,
    label_of,
    pure_lets,
    reads_memory,
    refuse_exits,
    replace_stmt,
    scope_at,
    seen_through,
    serial_loops,
    trip_count,
)
from .base import Pass, PassResult, loop_labels, replace_node


class LoopFuse(Pass):
    """    for (i < N) for (j < M) S(i, j)
    ->
        for (ij < N * M) {
            int i = ij / M;
            int j = ij % M;
            S(i, j)
        }

    A flat index that the body computes gives the loop its name and takes the quotients along; a guard on it becomes
    the bound, so a recovered grid reads like a plain loop:
        for (b < (n + 255) / 256) for (t < 256) { int idx = b * 256 + t; if (idx < n) S(idx) }
    ->  for (idx < n) S(idx)

    Iterations dealt out in turn, each of T tasks every T-th, come back in their order where the tasks are independent:
        for (t < T) for (i = t; i < n; i += T) S(i)
    ->  for (i < n) S(i)
    """

    name = "loop_fuse"
    kind = "loop"
    summary = "Makes one loop of two perfectly nested ones; the old indices become quotient and remainder."
    knobs = {  # noqa: RUF012
        "outer": "the outer loop",
        "inner": "the loop directly inside it (found by itself when left out)",
        "name": "the new loop's variable (when left out: a flat index of the body, ij for i and j, or idx)",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        out = []
        for label, loop in serial_loops(kernel):
            nest = _nest(loop)
            if nest is not None:
                out.append({"outer": label, "inner": label_of(kernel, nest[1])})
            elif any(isinstance(s, Alloc) for s in stmts_of(loop.body)) and _nest(_drawn_in(kernel, loop, label)[1]):
                out.append({"outer": label})
        return out

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        outer = find_loop(self, kernel, knobs.get("outer"), "outer")
        label = str(knobs["outer"])
        nest = _nest(outer)
        if nest is None:
            kernel, outer = _drawn_in(kernel, outer, label)
            nest = _nest(outer)
        if nest is None:
            raise self.refuse(self._why_not_nested(outer, label), outer)
        sunk, inner = nest
        inner_label = label_of(kernel, inner)
        if knobs.get("inner") not in (None, inner_label):
            found = find_loop(self, kernel, knobs["inner"], "inner")
            raise self.refuse(f"loop {knobs['inner']} is not directly inside loop {label}", found)
        if inner.kind in ("parallel", "threads"):
            raise self.refuse(f"loop {inner_label} is bound to an axis", inner)
        refuse_exits(self, inner, inner_label)

        scope = scope_at(kernel, outer)
        inside = scope.loop(outer)
        between = {s.name: s.value for s in sunk if isinstance(s, Let)}
        bounds = [seen_through(e, between) for e in (inner.lo, inner.hi, inner.step)]
        lo, hi, step = (inside.poly(e) for e in bounds)
        if self._in_turn(outer, inner, (lo, hi, step), scope):
            return self._back_in_order(kernel, outer, inner, sunk, (label, inner_label))
        if (lo.names() | hi.names() | step.names()) & {outer.var}:
            raise self.refuse(f"the bounds of loop {inner_label} depend on {outer.var}: no rectangle", inner)
        if outer.dtype != inner.dtype:
            raise self.refuse(f"loop {label} counts in {outer.dtype} and loop {inner_label} in {inner.dtype}", inner)
        if any(reads_memory(e) for e in (outer.lo, outer.hi, outer.step, *bounds)):
            raise self.refuse("a loop bound is read from memory", outer)
        for loop, name, step_is in ((outer, label, scope.poly(outer.step)), (inner, inner_label, step)):
            if not scope.positive(step_is):
                raise self.refuse(f"the step of loop {name} is not known to be positive", loop)
        flat_inner = dataclasses.replace(inner, lo=bounds[0], hi=bounds[1], step=bounds[2])
        return self._fuse(kernel, outer, flat_inner, sunk, inner, scope, (label, inner_label), knobs.get("name"))

    def _in_turn(self, outer: For, inner: For, bounds: tuple[Poly, Poly, Poly], scope: Scope) -> bool:
        """Does the outer loop's t take the iterations t, t + T, t + 2 T, ... of T tasks?"""
        lo, hi, step = bounds
        return (outer.dtype == inner.dtype and lo == Poly.atom(Var(outer.var, outer.dtype)) and step == scope.poly(outer.hi)
                and not scope.poly(outer.lo).terms and scope.poly(outer.step) == ONE and outer.var not in hi.names())

    def _back_in_order(self, kernel: Kernel, outer: For, inner: For, sunk: tuple[Any, ...], labels: tuple[str, str]
                       ) -> PassResult:
        answer = is_parallel(kernel, outer)
        if not answer.ok:
            raise self.refuse(f"{answer.reason}; the iterations would come in another order", answer.node or outer)
        turn = mod(Var(inner.var, inner.dtype), outer.hi)
        body = substitute(Block(_sink(sunk, inner.body)), {outer.var: turn})
        whole = dataclasses.replace(inner, lo=outer.lo, step=outer.step, body=body, span=outer.span,
                                    comments=outer.comments + inner.comments)
        note = f"Fused loops {labels[0]} and {labels[1]}: the iterations dealt out in turn are one loop over {inner.var}."
        return PassResult(replace_stmt(kernel, outer, Block((whole,))), note, assumptions=answer.assumes)

    def _fuse(self, kernel: Kernel, outer: For, inner: For, sunk: tuple[Any, ...], old_inner: For, scope: Scope,
              labels: tuple[str, str], told: Any) -> PassResult:
        n, m = trip_count(outer, scope), trip_count(inner, scope)
        assumptions: tuple[str, ...] = ()
        if not scope.nonneg(n) and not scope.nonneg(m):  # two negative extents would make a positive product
            assumptions = (f"{_text(scope.expr(m))} >= 0",)
        dtype = outer.dtype
        name = self._name(kernel, outer, inner, sunk, scope, told)
        flat = Var(name, dtype)
        width, height = self._extent(inner, m, scope), self._extent(outer, n, scope)
        values = {outer.var: add(outer.lo, mul(div(flat, width), outer.step)),
                  inner.var: add(inner.lo, mul(mod(flat, width), inner.step))}
        total = simplify_expr(mul(height, width), scope)
        fused = For(name, Const(0, dtype), total, Const(1, dtype), Block(), "serial", None, dtype, span=outer.span,
                    comments=outer.comments + old_inner.comments)
        here = scope.fact(n.plus(-1)).fact(m.plus(-1)).loop(fused)
        tail = _sink(sunk, old_inner.body)
        kept = Block(tuple(s for s in tail if not (isinstance(s, Let) and s.name == name)))
        # the old indices stay as names or go into their uses, whichever leaves less to read
        choices = []
        for named in ((outer.var, inner.var), (outer.var,), (inner.var,), ()):
            lets = tuple(Let(v, dtype, values[v]) for v in named)
            gone = {v: e for v, e in values.items() if v not in named}
            choices.append(simplify_block(Block((*lets, *substitute(kept, gone).stmts)), here))
        body = min(choices, key=cost)
        new = simplify_block(Block((dataclasses.replace(fused, body=body),)), scope)
        kept_name = next((s.var for s in new.stmts if isinstance(s, For)), name)
        note = f"Fused loops {labels[0]} and {labels[1]} into {kept_name}."
        return PassResult(replace_stmt(kernel, outer, new), note, assumptions=assumptions)

    def _extent(self, loop: For, trips: Poly, scope: Scope) -> Expr:
        """The number of iterations, in the person's words where they said it."""
        plain = scope.poly(loop.hi) == trips and not isinstance(loop.hi, Const)
        return loop.hi if plain else scope.expr(trips, loop.dtype)

    def _name(self, kernel: Kernel, outer: For, inner: For, sunk: tuple[Any, ...], scope: Scope, told: Any) -> str:
        """As told; else the name of a `Let` that is the flat index; else `ij` for i and j, `idx` for longer ones."""
        inside = scope.loop(outer).loop(inner)
        width = trip_count(inner, scope)
        zero = Poly({})
        starts_at_zero = scope.poly(outer.lo) == zero and scope.poly(inner.lo) == zero
        if told is None and starts_at_zero and scope.poly(outer.step) == ONE and scope.poly(inner.step) == ONE:
            i, j = Poly.atom(Var(outer.var, outer.dtype)), Poly.atom(Var(inner.var, inner.dtype))
            for s in _sink(sunk, inner.body):
                if not isinstance(s, Let):
                    break
                same = s.dtype == outer.dtype and inside.poly(s.value) == i * width + j
                inside = inside.let(s)
                if same and _defined_once(kernel, s.name):
                    return s.name
        taken = all_names(kernel)
        short = len(outer.var) == len(inner.var) == 1
        return fresh_name(str(told) if told else outer.var + inner.var if short else "idx", taken)

    def _why_not_nested(self, outer: For, label: str) -> str:
        stmts = stmts_of(outer.body)
        loops = [s for s in stmts if isinstance(s, For)]
        if not loops:
            return f"there is no loop directly inside loop {label}"
        if len(loops) > 1:
            return f"loop {label} holds {len(loops)} loops, not one"
        return f"loop {label} does more than run loop {loops[0].var}, so the two are not perfectly nested"


def _drawn_in(kernel: Kernel, outer: For, label: str) -> tuple[Kernel, For]:
    """Moves arrays that stand between the loops, and that every inner iteration uses for itself only, inwards."""
    stmts = stmts_of(outer.body)
    inner = next((n for s in stmts for n in walk(s) if isinstance(n, For)), None)
    if inner is None:
        return kernel, outer
    private = [s for s in stmts if isinstance(s, Alloc) and s.memory == "local" and is_private(kernel, s, inner)]
    if not private:
        return kernel, outer
    deep = dataclasses.replace(inner, body=Block((*private, *stmts_of(inner.body)), span=inner.body.span))
    rest = Block(tuple(s for s in stmts if not any(s is p for p in private)), span=outer.body.span)
    kernel = replace_node(kernel, outer, dataclasses.replace(outer, body=rest))
    kernel = replace_node(kernel, inner, deep)
    return kernel, loop_labels(kernel)[label]


def _nest(outer: For) -> tuple[tuple[Any, ...], For] | None:
    """(what stands between and can move in, the inner loop): `Let`s that do not read memory, and one such guard."""
    stmts = stmts_of(outer.body)
    if not stmts or not pure_lets(stmts[:-1]):
        return None
    last = stmts[-1]
    if isinstance(last, For):
        return stmts, last
    if isinstance(last, If) and last.orelse is None and not reads_memory(last.cond):
        inside = stmts_of(last.then)
        if inside and isinstance(inside[-1], For) and pure_lets(inside[:-1]):
            return (*stmts[:-1], last), inside[-1]
    return None


def _sink(sunk: tuple[Any, ...], body: Block) -> tuple[Any, ...]:
    """The innermost body with what stood between the loops in front of it."""
    if not sunk:
        return stmts_of(body)
    last = sunk[-1]
    if isinstance(last, For):
        return (*sunk[:-1], *stmts_of(body))
    between = stmts_of(last.then)[:-1]
    return (*sunk[:-1], dataclasses.replace(last, then=Block((*between, *stmts_of(body)))))


def _defined_once(kernel: Kernel, name: str) -> bool:
    return sum(1 for n in walk(kernel.body) if isinstance(n, Let) and n.name == name) == 1 and not any(
        p.name == name for p in kernel.params + kernel.sizes)


def _text(e: Expr) -> str:
    """A size in words, for an assumption."""
    if isinstance(e, Const):
        return str(e.value)
    if isinstance(e, Var):
        return e.name
    parts = [_text(c) for c in (getattr(e, "a", None), getattr(e, "b", None), getattr(e, "x", None)) if c is not None]
    return "(" + f" {getattr(e, 'op', '')} ".join(parts) + ")"


PASS = LoopFuse()
