"""One loop over several statements to several loops."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..dataflow.dependences import can_distribute, crossing, is_private
from ..ir.build import div, integer, sub
from ..ir.nodes import Alloc, Block, Break, Const, Continue, Expr, For, Kernel, Let, Load, Ref, Return, Store, Var
from ..ir.simplify import leaves_loop, simplify_expr
from ..ir.visit import Rewriter, all_names, free_vars, fresh_name, stmts_of, walk
from ..platforms.base import Platform
from ._loops import (
    find_loop,
    reads_memory,
    refuse_barriers,
    refuse_exits,
    replace_stmt,
    scope_at,
    serial_loops,
    trip_count,
)
from .base import Pass, PassResult, loop_labels, replace_node

MAX_BYTES = 1 << 20  # of an array that a scalar grows into; more does not belong on a stack


class LoopExpansion(Pass):
    """    for (i < 8) { float x = A[i] * 2; B[i] = x; }
    ->
        float x[8];
        for (i < 8) x[i] = A[i] * 2;
        for (i < 8) B[i] = x[i];

    Legal when nothing in the second part feeds the first part of a later iteration. Index arithmetic that both parts
    use is computed twice; other values that cross the cut are kept in an array, one element per iteration.
    """

    name = "loop_expansion"
    kind = "loop"
    summary = "Cuts the body of a loop in two and runs each part in a loop of its own (fission)."
    knobs = {  # noqa: RUF012
        "loop": "the loop to cut",
        "cut": "how many statements of the body go to the first loop",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for label, loop in serial_loops(kernel):
            body = stmts_of(loop.body)
            acts = [k for k, s in enumerate(body) if not isinstance(s, Let | Alloc)]
            out += [{"loop": label, "cut": k} for k in acts[1:]]
        return out

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        loop, label = find_loop(self, kernel, knobs.get("loop")), str(knobs.get("loop"))
        body, cut = stmts_of(loop.body), knobs.get("cut")
        if isinstance(cut, str) and cut.isdecimal():
            cut = int(cut)
        if isinstance(cut, bool) or not isinstance(cut, int) or not 0 < cut < len(body):
            raise self.refuse(f"cut must be a number below {len(body)}, the number of statements of loop {label}", loop)
        refuse_exits(self, loop, label)
        refuse_barriers(self, loop, label)
        if any(isinstance(n, Return) for n in walk(loop.body)):
            raise self.refuse(f"loop {label} ends early with a return", loop)
        if leaves_loop(Block(body[:cut]), (Break, Continue)):
            raise self.refuse("a continue in the first part skips the second part", loop)

        kernel, loop, body, cut = self._draw_in(kernel, loop, label, body, cut)
        answer = can_distribute(kernel, loop, cut)
        if not answer:
            raise self.refuse(answer.reason, answer.node)
        grown = self._grow(kernel, loop, label, body, cut)
        note = f"Cut loop {label} before its statement {cut + 1}"
        note += f"; {', '.join(grown[1])} became an array over its iterations." if grown[1] else "."
        return PassResult(grown[0], note)

    def _draw_in(self, kernel: Kernel, loop: For, label: str, body: tuple[Any, ...], cut: int
                 ) -> tuple[Kernel, For, tuple[Any, ...], int]:
        """Moves buffers that every iteration uses for itself only from outside into the loop, so that they can grow."""
        parts = [{n.buffer for x in part for n in walk(x) if isinstance(n, Load | Ref | Store)}
                 for part in (body[:cut], body[cut:])]
        touched = parts[0] & parts[1]
        for b in walk(kernel.body):
            if not isinstance(b, Block) or not any(s is loop for s in b.stmts):
                continue
            private = []
            for s in b.stmts:
                if isinstance(s, Alloc) and s.name in touched and s.memory == "local":
                    others = [x for x in b.stmts if x is not s and x is not loop]
                    used = {n.buffer for x in others for n in walk(x) if isinstance(n, Load | Ref | Store)}
                    if s.name not in used and is_private(kernel, s, loop):
                        private.append(s)
            if not private:
                break
            inner = dataclasses.replace(loop, body=Block((*private, *body)))
            stmts = tuple(inner if s is loop else s for s in b.stmts if not any(s is p for p in private))
            moved = replace_node(kernel, b, Block(stmts, span=b.span))
            return moved, loop_labels(moved)[label], stmts_of(inner.body), cut + len(private)
        return kernel, loop, body, cut

    def _grow(self, kernel: Kernel, loop: For, label: str, body: tuple[Any, ...], cut: int) -> tuple[Kernel, list[str]]:
        """The two loops, with what crosses the cut repeated or grown into arrays."""
        scope = scope_at(kernel, loop)
        trips = trip_count(loop, scope)
        extent = trips.value if trips.value is not None else scope.upper(trips)  # a longer array than needed is as good
        names = set(crossing(loop, cut))
        for s in reversed(body[:cut]):  # what is repeated behind the cut takes along what its value is made of
            if isinstance(s, Let) and s.name in names and not reads_memory(s.value):
                names |= free_vars(s.value)
        index = simplify_expr(div(sub(Var(loop.var, loop.dtype), loop.lo), loop.step), scope.loop(loop))
        taken = all_names(replace_stmt(kernel, loop, Block()))
        first: list[Any] = []
        repeated: list[Any] = []
        arrays: list[Alloc] = []
        swap = _Grow(index)
        for s in body[:cut]:
            kept = swap.visit(s)
            if not (isinstance(s, Let | Alloc) and s.name in names):
                first.append(kept)
            elif isinstance(s, Let) and not reads_memory(kept.value):
                repeated.append(kept)
                first.append(kept)
            elif extent is None:
                raise self.refuse(f"{s.name} is needed on both sides of the cut, and nothing bounds the number of iterations "
                                  f"of loop {label}", s)
            else:
                array = self._array(s, extent, fresh_name(s.name, taken))
                arrays.append(array)
                if isinstance(s, Let):
                    first.append(Store(array.name, (index,), kept.value, s.dtype, comments=s.comments, span=s.span))
                    swap.values[s.name] = Load(array.name, (index,), s.dtype)
                else:
                    swap.buffers[s.name] = array.name
        second = [swap.visit(s) for s in body[cut:]]
        one = dataclasses.replace(loop, body=Block(tuple(first)))
        two = dataclasses.replace(loop, body=Block((*repeated, *second)), comments=())
        return replace_stmt(kernel, loop, Block((*arrays, one, two))), [a.name for a in arrays]

    def _array(self, s: Let | Alloc, extent: int, name: str) -> Alloc:
        shape: tuple[Expr, ...] = (integer(extent),)
        size = extent * s.dtype.bytes
        if isinstance(s, Alloc):
            if s.memory != "local" or not all(isinstance(d, Const) for d in s.shape):
                raise self.refuse(f"{s.name} is needed on both sides of the cut and cannot grow", s)
            shape += s.shape
            for d in s.shape:
                size *= int(d.value) if isinstance(d, Const) else 1
        if size > MAX_BYTES:
            raise self.refuse(f"{s.name} would need an array of {size} bytes to cross the cut", s)
        return Alloc(name, s.dtype, shape, zeroed=isinstance(s, Alloc) and s.zeroed)


class _Grow(Rewriter):
    """Accesses of grown buffers get the iteration as their first index; grown values are read from their array."""

    def __init__(self, index: Expr) -> None:
        self.index = index
        self.buffers: dict[str, str] = {}
        self.values: dict[str, Expr] = {}

    def visit_Var(self, node: Var) -> Expr:
        return self.values.get(node.name, node)

    def _more(self, node: Any) -> Any:
        if node.buffer not in self.buffers:
            return node
        return dataclasses.replace(node, buffer=self.buffers[node.buffer], indices=(self.index, *node.indices))

    visit_Load = visit_Store = visit_Ref = _more


PASS = LoopExpansion()
