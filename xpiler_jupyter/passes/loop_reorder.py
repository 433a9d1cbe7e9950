"""Another order for the loops of a nest."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..dataflow.dependences import can_permute
from ..ir.nodes import Block, For, Kernel, Let, Var
from ..ir.visit import walk
from ..platforms.base import Platform
from ._loops import find_loop, label_of, perfect_inner, refuse_barriers, refuse_exits, seen_through, serial_loops
from .base import Pass, PassResult, replace_node

MAX_OFFERED = 6


class LoopReorder(Pass):
    """    for (i) for (j) for (k) S(i, j, k)    ->    for (i) for (k) for (j) S(i, j, k)

    Legal when every iteration still runs after those whose values it uses. Sums of floats keep the order of their
    terms unless `reassociate` allows another.
    """

    name = "loop_reorder"
    kind = "loop"
    summary = "Permutes the loops of a perfect nest, when no dependence is turned round."
    knobs = {  # noqa: RUF012
        "order": "the loops of the nest by name, in the new order, outermost first",
        "reassociate": "true: a reduction may add its terms in another order (floats then round differently)",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for _, loop in serial_loops(kernel):
            nest = perfect_inner(loop)
            if nest is not None and nest[1].kind != "parallel":
                out.append({"order": [label_of(kernel, nest[1]), label_of(kernel, loop)]})
        return out[:MAX_OFFERED]

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        order = knobs.get("order")
        if isinstance(order, str):
            order = [part.strip() for part in order.split(",")]
        if not isinstance(order, list | tuple) or len(order) < 2 or len(set(order)) != len(order):
            raise self.refuse(f"order must name at least two different loops, not {order!r}")
        wanted = [find_loop(self, kernel, label, "order") for label in order]
        nest, between = self._chain(kernel, wanted)
        labels = [label_of(kernel, loop) for loop in nest]
        if list(order) == labels:
            raise self.refuse(f"the loops stand in the order {', '.join(labels)} already", nest[0])
        permutation = [next(k for k, loop in enumerate(nest) if loop is w) for w in wanted]
        bounds = self._bounds(kernel, nest, between, permutation, labels)

        answer = can_permute(kernel, nest, permutation)
        assumptions: tuple[str, ...] = ()
        if not answer:
            if not (answer.only_reductions and knobs.get("reassociate") in (True, "true")):
                hint = "With reassociate=true the terms may come in another order." if answer.only_reductions else None
                raise self.refuse(answer.reason, answer.node, hint)
            assumptions = ("the terms of reductions may be combined in another order",)

        body = Block((*between, *nest[-1].body.stmts), span=nest[-1].body.span)
        for k in reversed(permutation):
            lo, hi, step = bounds[k]
            body = Block((dataclasses.replace(nest[k], lo=lo, hi=hi, step=step, body=body),))
        note = f"Reordered loops {', '.join(labels)} to {', '.join(map(str, order))}."
        return PassResult(replace_node(kernel, nest[0], body.stmts[0]), note, assumptions=assumptions)

    def _chain(self, kernel: Kernel, wanted: list[For]) -> tuple[list[For], list[Let]]:
        """The wanted loops as they are nested, outermost first, and the `Let`s between them."""
        outermost = next((w for w in wanted if all(any(n is v for n in walk(w)) for v in wanted)), None)
        if outermost is None:
            raise self.refuse("the loops are not nested in each other", wanted[0])
        nest: list[For] = [outermost]
        between: list[Let] = []
        while len(nest) < len(wanted):
            inner = perfect_inner(nest[-1])
            if inner is None:
                label = label_of(kernel, nest[-1])
                raise self.refuse(f"loop {label} does more than run one loop, so the nest is not perfect", nest[-1])
            between += inner[0]
            nest.append(inner[1])
        for loop in nest:
            refuse_exits(self, loop, label_of(kernel, loop))
            refuse_barriers(self, loop, label_of(kernel, loop))
            if not any(loop is w for w in wanted):
                label = label_of(kernel, loop)
                raise self.refuse(f"loop {label} stands between the loops: order must name it too", loop)
        return nest, between

    def _bounds(self, kernel: Kernel, nest: list[For], between: list[Let], permutation: list[int],
                labels: list[str]) -> list[tuple[Any, Any, Any]]:
        """Bounds of each loop of the nest, free of the loops that will stand inside it."""
        lets = {s.name: s.value for s in between}
        bounds = [tuple(seen_through(e, lets) for e in (loop.lo, loop.hi, loop.step)) for loop in nest]
        for here, later in ((a, b) for k, a in enumerate(permutation) for b in permutation[k + 1:]):
            names = {n.name for e in bounds[here] for n in walk(e) if isinstance(n, Var)}
            if nest[later].var in names:
                raise self.refuse(f"the bounds of loop {labels[here]} depend on {nest[later].var}, so "
                                  f"{labels[here]} cannot go outside it", nest[here])
        return bounds  # type: ignore[return-value]


PASS = LoopReorder()

