"""Whether the first iterations of a loop can be run alone: all that they write is then what the whole kernel leaves.

Other than a parallel loop, such a loop may carry values from one iteration to the next (a tile fetched ahead, a running
sum that is stored in every iteration): what comes later does not change what came before. The loop may stand inside
other loops, of which each then keeps its first iterations only.
"""

from __future__ import annotations

from ..ir.nodes import For, Kernel
from .dependences import Answer, _is_private
from .order import outer, pair_space
from .relations import Access, Buffer, Loop, Relations, relations
from .sets import DIM, Map, TooHard, bounded


def keeps_prefix(kernel: Kernel, loop: For) -> Answer:
    """May the iterations of the loop from any one on be left out, in each iteration of the loops around it, without a
    change of any element that the rest writes to the parameters? If not, why. Parameters are taken not to overlap."""
    try:
        with bounded():
            rel = relations(kernel)
            lp = rel.loop(loop)
            reason = f"loop {lp.name} may end early" if lp.exits else _refusal(rel, lp)
    except TooHard as error:
        return Answer(False, f"loop {loop.var}: {error}", node=loop)
    return Answer(False, reason, node=loop) if reason else Answer(True)


def _refusal(rel: Relations, lp: Loop) -> str:
    for buffer in rel.buffers.values():
        mine = rel.of(buffer.uid)
        inside = [a for a in mine if lp.id in a.path]
        outside = [a for a in mine if lp.id not in a.path]
        if buffer.alloc is None:
            if any(a.write for a in outside):
                return f"{buffer.name} is written outside of loop {lp.name}"
            if any(a.write for a in inside) and outside:
                return f"{buffer.name} is read outside of loop {lp.name}"
            found = _seen(lp, inside)
            if found:
                return found
        elif lp.id not in buffer.path and any(a.write for a in inside):
            found = _survives(rel, lp, buffer, outside)
            if found:
                return found
    return ""


def _seen(lp: Loop, inside: list[Access]) -> str:
    """Whether a later iteration writes an element of a parameter that an earlier one writes, or that an earlier one of
    another round of the loops around may read: then what is left out is missed."""
    n = lp.depth + 1
    later = Map.universe(pair_space(n, n)).order_gt(DIM.in_, lp.depth, DIM.out, lp.depth)
    elsewhere = later if lp.node.kind != "serial" else Map.empty(pair_space(n, n))  # type: ignore[union-attr]
    for k in range(lp.depth):
        elsewhere = elsewhere.union(later.order_lt(DIM.in_, k, DIM.out, k)).union(later.order_gt(DIM.in_, k, DIM.out, k))
    for w in (a for a in inside if a.write):
        for b in inside:
            pairs = outer(w, n).apply_range(outer(b, n).reverse()).intersect(later if b.write else elsewhere)
            if not pairs.is_empty():
                what = "written" if b.write else "read"
                return f"{w.buffer.name} is {what} in one iteration of loop {lp.name} and written in a later one"
    return ""


def _survives(rel: Relations, lp: Loop, buffer: Buffer, outside: list[Access]) -> str:
    """Whether what the loop leaves in a local buffer may be read when the loop is over, or in another round of a loop
    around it."""
    last = max(a.order for a in rel.inside(lp))
    needed = [lp.id] if lp.node.kind != "serial" or any(  # type: ignore[union-attr]
        not a.write and a.order > last for a in outside) else []
    around = [i for i in lp.path[:-1] if i not in buffer.path]
    for loop in (rel.loops[i] for i in (*around, *needed)):
        if not _is_private(rel, buffer, loop):
            return f"{buffer.name} carries values out of loop {lp.name}"
    return ""
