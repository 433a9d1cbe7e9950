"""Whether lanes come together where they meet: asked when a kernel goes to a platform that wants to know which come."""

from __future__ import annotations

from collections.abc import Iterator

from ..dataflow.uniform import Uniformity, has_varying_return
from ..ir.nodes import Barrier, For, If, InstrCall, Kernel, Node, While
from ..ir.visit import children, walk
from ..platforms import registry as platforms
from ..platforms.base import Platform


def unnamed(kernel: Kernel, target: Platform) -> Iterator[tuple[Node, str]]:
    """Meetings of lanes that cannot keep their words on `target`, each with the reason: where the target wants the lanes
    named that come, and the source takes those that do; and barriers of a wider warp."""
    source = platforms.get(kernel.platform)
    calls = [n for n in walk(kernel.body) if isinstance(n, InstrCall) and _asks(n, source, target)]
    if source.lane_width > target.lane_width:
        for n in walk(kernel.body):
            if isinstance(n, Barrier) and n.scope == "warp":
                yield n, f"a barrier of {source.lane_width} lanes is wider than a warp of {target.title}"
    if not calls:
        return
    block = [n for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel"
             and (axis := source.axis(n.axis or "")) is not None and axis.level == "block"]
    if not block:
        return
    x = block[-1]
    uniform = Uniformity(x.body, [b.var for b in block],
                         groups={x.var: target.lane_width})
    apart = has_varying_return(x.body, uniform)
    for n in calls:
        if apart or not _all_come(x.body, n, uniform):
            yield n, f"not all lanes are shown to come to {n.instr}, and {target.title} wants those that do by name"


def _asks(call: InstrCall, source: Platform, target: Platform) -> bool:
    here, there = source.instr(call.instr), target.instr(call.instr)
    return here is not None and there is not None and "{mask}" in there.text and "{mask}" not in here.text


def _all_come(node: Node, call: InstrCall, uniform: Uniformity) -> bool:
    """Is every loop and branch around the call the same for all lanes?"""
    if isinstance(node, If | While) and not uniform.expr(node.cond):
        return all(n is not call for n in walk(node))
    if isinstance(node, For) and not all(uniform.expr(e) for e in (node.lo, node.hi, node.step)):
        return all(n is not call for n in walk(node))
    return all(_all_come(c, call, uniform) for c in children(node))
