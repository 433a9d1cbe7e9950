"""Calls that run behind the thread that makes them: nothing touches their operands before the wait that completes them.
Calls of one queue run in their order, and several reads of one element do no harm."""

from __future__ import annotations

from ...ir.nodes import Barrier, For, Span
from ..order import sample
from ..relations import Access
from ..sets import DIM, Map, TooHard, bounded
from .concurrent import Threads
from .machine import OK, Finding, said, worst
from .races import element_at, same_element, thread_at

BUDGET = 2_000_000


def behind(threads: Threads) -> Finding:
    """The worst that is found: an access to what a call that still runs reads or writes, or why that is not known."""
    found: list[Finding] = []
    for a in threads.rel.accesses:
        call = threads.places.span(a.node)
        if call is None or call not in threads.machine.waits:
            continue
        queue = threads.machine.queues.get(call)
        for b in threads.rel.of(a.buffer.uid):
            other = threads.places.span(b.node)
            in_turn = queue is not None and other is not None and threads.machine.queues.get(other) == queue
            if in_turn or not (a.write or b.write):
                continue
            try:
                with bounded(BUDGET):
                    answer = _pair(threads, a, b, call)
            except TooHard:
                answer = Finding("unknown", f"whether a copy of {a.buffer.name} is waited for is too hard to decide")
            if answer.status == "violated":
                return answer
            found.append(answer)
    return worst(found)


def _pair(threads: Threads, a: Access, b: Access, call: Span) -> Finding:
    pairs = same_element(threads, a.buffer, a, b).intersect(threads.earlier(a, b, False))
    if threads.places.span(b.node) == call:  # of another time that the call is made
        once = pairs
        for k in range(_outside(threads, a, call)):
            once = once.equate(DIM.in_, k, DIM.out, k)
        pairs = pairs.subtract(once)
    for w in threads.rel.passings:
        if pairs.is_empty():
            return OK
        if isinstance(w.node, Barrier) and w.node.scope in threads.machine.waits[call] and w.exact:
            done: Map = threads.earlier(a, w, False).intersect_range(w.domain).apply_range(threads.earlier(w, b, False))
            pairs = pairs.subtract(done)
    if pairs.is_empty():
        return OK
    lines = tuple(n for n in (threads.places.line(a.node), threads.places.line(b.node)) if n is not None)
    where = f"line {lines[-1]}: " if lines else ""
    what = "overwritten" if b.write else "read"
    found = sample(pairs) if a.must and b.must and all(w.exact for w in threads.rel.passings) else None
    if found is None:
        reason = f"{where}{a.buffer.name} may be {what} while the copy of line {lines[0] if lines else '?'} still runs"
        return Finding("unknown", reason, lines, a.buffer.name)
    thread, element = thread_at(threads, a, found[1]), element_at(threads, a, found[1])
    words = f"{a.buffer.name}[{', '.join(map(str, element))}]" if element else a.buffer.name
    reason = f"{where}{words} is {what} while the copy of line {lines[0] if lines else '?'} still runs"
    reason += f" ({said(thread)})" if thread else ""
    return Finding("violated", reason, lines, a.buffer.name, element, thread, thread)


def _outside(threads: Threads, a: Access, call: Span) -> int:
    """Loops around the call."""
    nodes = [threads.rel.loops[i].node for i in a.path]
    return sum(not (isinstance(n, For) and threads.places.span(n) == call) for n in nodes)
