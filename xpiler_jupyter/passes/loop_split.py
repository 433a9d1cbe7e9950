"""One loop to two (or, by the digits of a flat index, to a nest)."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir.algebra import Poly, Scope
from ..ir.build import add, div, guarded, lt, mul, sub
from ..ir.nodes import Block, Call, Const, Expr, For, Kernel, Let, Var
from ..ir.simplify import simplify_expr
from ..ir.visit import all_names, fresh_name, substitute
from ..platforms.base import Platform
from ._loops import ceil_expr, find_loop, refuse_exits, replace_stmt, scope_at, serial_loops, trip_count, uses_of
from ._partial import in_parts
from ._tidy import NotDigits, delinearise
from ._vec_guard import without_guard, without_guards
from .base import Pass, PassResult

GPU_FACTOR, CPU_FACTOR = 256, 16


TAILS = {"guard": "the tail is guarded", "clip": "the last part is shorter", "rest": "the rest has a loop of its own"}


class LoopSplit(Pass):
    """    for (i < N) S(i)
    ->
        for (i_outer < (N + F - 1) / F)
          for (i_inner < F) {
            int i = i_outer * F + i_inner;
            if (i < N) S(i)            // not there when F divides N
          }

    With tail="clip" the inner loop ends where the loop did, i_inner < min(F, N - i_outer * F), and nothing is guarded;
    with tail="rest" the last iterations that do not fill an inner loop get a loop of their own.

    With `parts`, the outer loop has that many iterations and the inner one as many as it takes: i = i_outer * ceil(N / P) +
    i_inner, guarded unless P divides N.

    With partial=True the sums and extremes that the loop carries are kept apart for each iteration of the inner loop, and
    put together behind the outer one. That adds the terms up in another order.

    With at="guard", the loop is cut where a guard on its index ends. Behind that it does nothing, so only the first part
    is left:
        for (i < N) if (i < 128) S(i)  ->  for (i < min(N, 128)) S(i)

    With `digits`, a loop over a flat index becomes the nest over the digits that its body takes it apart into:
        for (f < 6 * 4) { int row = f / 4; int col = f % 4; S(row, col) }  ->  for (row < 6) for (col < 4) S(row, col)
    """

    name = "loop_split"
    kind = "loop"
    summary = "Cuts one loop into an outer and an inner one; the tail is guarded unless the factor divides the extent."
    knobs = {  # noqa: RUF012
        "loop": "the loop to split; with at=\"guard\" also \"all\"",
        "factor": "iterations of the inner loop",
        "parts": "instead of a factor: iterations of the outer loop, each with an equal share of the iterations",
        "digits": "instead of a factor: \"auto\", or the extents of the nest that the index flattens, outermost first",
        "at": "instead of a factor: \"guard\" cuts the loop, whose body is guarded, where it stops doing anything",
        "tail": "what becomes of a last part that is not whole: guard (the default), clip, or rest",
        "partial": "True: each iteration of the inner loop has sums and extremes of its own, put together behind the loop",
        "names": "names of the new loops, outermost first",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for label, loop in serial_loops(kernel):
            try:
                delinearise(kernel, loop)
                out.append({"loop": label, "digits": "auto"})
            except NotDigits:
                pass
        factor = GPU_FACTOR if target.axes else CPU_FACTOR
        for label, loop in serial_loops(kernel):
            extent = trip_count(loop, scope_at(kernel, loop)).value
            if extent is None or extent > factor:
                out.append({"loop": label, "factor": factor})
        return out

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        if knobs.get("at") is not None:
            return self._at_guard(kernel, knobs["at"], knobs.get("loop"))
        loop = find_loop(self, kernel, knobs.get("loop"))
        label, names = str(knobs["loop"]), knobs.get("names")
        refuse_exits(self, loop, label)
        if knobs.get("digits") is not None:
            return self._by_digits(kernel, loop, label, knobs["digits"], names)
        by_parts = knobs.get("parts") is not None
        word, factor = ("parts", knobs["parts"]) if by_parts else ("factor", knobs.get("factor"))
        if isinstance(factor, str) and factor.isdecimal():
            factor = int(factor)
        if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
            raise self.refuse(f"the {'number of parts' if by_parts else 'factor'} must be a whole number of at least 1, "
                              f"not {factor!r}", loop)
        scope = scope_at(kernel, loop)
        if not scope.positive(scope.poly(loop.step)):
            raise self.refuse(f"the step of loop {label} is not known to be positive", loop)
        trips = trip_count(loop, scope)
        if trips.value is not None and trips.value < factor and not by_parts:
            raise self.refuse(f"loop {label} has {trips.value} iterations, fewer than the {word} {factor}", loop)
        past_first = scope.poly(add(loop.lo, loop.step)) - scope.poly(loop.hi)
        if factor > 1 and not by_parts and scope.positive(past_first + Poly.const(1)):
            raise self.refuse(f"loop {label} runs at most once", loop)

        tail = str(knobs.get("tail", "guard"))
        if tail not in TAILS or (tail == "rest" and by_parts):
            raise self.refuse(f"tail must be one of {', '.join(TAILS)}" + (" with a factor" if by_parts else ""), loop)
        taken = all_names(kernel)
        given = list(names or [])
        outer = fresh_name(given[0] if given else f"{loop.var}_outer", taken)
        inner = fresh_name(given[1] if len(given) > 1 else f"{loop.var}_inner", taken)
        dtype = loop.dtype
        quotient: Expr = ceil_expr(loop, trips, Poly.const(factor), scope)
        blocks, size = (Const(factor, dtype), quotient) if by_parts else (quotient, Const(factor, dtype))
        flat = add(mul(Var(outer, dtype), size), Var(inner, dtype))
        value = add(loop.lo, mul(flat, loop.step))
        parts = None
        if knobs.get("partial"):
            parts = in_parts(loop, inner, factor, taken | {outer, inner}) if not by_parts else None
            if parts is None:
                raise self.refuse(f"loop {label} carries no sum and no extreme that could be kept in parts", loop,
                                  "Split it without partial." if not by_parts else "Give a factor.")
        divides = trips.exact_div(Poly.const(factor)) is not None
        guard = lt(Var(loop.var, dtype), loop.hi) if not divides and tail == "guard" else None
        body = guarded(guard, parts.body if parts is not None else loop.body)
        if uses_of(body, loop.var) > 1:
            body = Block((Let(loop.var, dtype, value), *body.stmts))
        else:
            body = substitute(body, {loop.var: value})
        zero, one = Const(0, dtype), Const(1, dtype)
        after: tuple[For, ...] = ()
        if not divides and tail == "clip":
            size = Call("min", (size, sub(scope.expr(trips, dtype), mul(Var(outer, dtype), size))), dtype)
        elif not divides and tail == "rest":
            blocks = div(scope.expr(trips, dtype), size)
            begin = add(loop.lo, mul(mul(blocks, size), loop.step))
            after = (dataclasses.replace(loop, lo=simplify_expr(begin, scope), comments=()),)
        inside = For(inner, zero, size, one, body, loop.kind, loop.axis, dtype, span=loop.span)
        new = dataclasses.replace(loop, var=outer, lo=zero, hi=blocks, step=one, body=Block((inside,)), kind="serial")
        said = "no tail" if divides else TAILS[tail]
        share = f"{factor} iterations and {inner} of an equal share" if by_parts else f"{inner} of {factor} iterations"
        note = f"Split loop {label} into {outer} {'of' if by_parts else 'and'} {share} ({said})."
        if parts is None:
            return PassResult(replace_stmt(kernel, loop, Block((new, *after))), note)
        note += f" {', '.join(parts.names)} {'is' if len(parts.names) == 1 else 'are'} kept in {factor} parts: terms are added "
        note += "in another order."
        return PassResult(replace_stmt(kernel, loop, Block((*parts.before, new, *parts.behind, *after))), note)

    def _at_guard(self, kernel: Kernel, at: Any, label: Any) -> PassResult:
        if at != "guard":
            raise self.refuse(f"a loop is cut at \"guard\", not at {at!r}")
        if label == "all":
            body = without_guards(kernel.body, Scope.of(kernel))
            if body is kernel.body:
                raise self.refuse("no loop has a guard around its body that ends with one of its iterations")
            return PassResult(dataclasses.replace(kernel, body=body), "Loops end where the guards on their indices do.")
        loop = find_loop(self, kernel, label)
        short, guard = without_guard(loop, scope_at(kernel, loop))
        if short is loop:
            raise self.refuse(f"loop {label} has no guard around its body that ends with one of its iterations", loop)
        return PassResult(replace_stmt(kernel, loop, Block(guarded(guard, Block((short,))).stmts)),
                          f"Loop {label} ends where the guard on its index does.")

    def _by_digits(self, kernel: Kernel, loop: For, label: str, digits: Any, names: Any) -> PassResult:
        extents = None if digits == "auto" else digits
        if extents is not None and not (isinstance(extents, list | tuple) and all(
                isinstance(d, int) and not isinstance(d, bool) and d >= 1 for d in extents)):
            raise self.refuse(f"digits must be \"auto\" or a list of extents, not {digits!r}", loop)
        try:
            new, made, assumptions = delinearise(kernel, loop, extents, names)
        except NotDigits as why:
            raise self.refuse(f"loop {label}: {why}", loop) from None
        return PassResult(new, f"Split loop {label} into {', '.join(made)}.", assumptions=assumptions)


PASS = LoopSplit()

