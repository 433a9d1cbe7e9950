"""Is every element of an array that is read written before, by the same thread or by one that a barrier orders? What a
value is read for and never seen outside does not count: vectors run over the padding of their tiles."""

from __future__ import annotations

from itertools import chain

from ...ir.nodes import If, Store
from ..order import sample
from ..relations import Access, Buffer
from ..sets import DIM, Map, Set, TooHard, bounded
from .concurrent import Threads
from .machine import Finding, said, worst
from .races import element_at

BUDGET = 2_000_000
MANY_STEPS = 24  # statements in a row that a value goes through


def initialised(threads: Threads) -> Finding:
    """The worst that is found: a read of an element that nobody has written, with an example; or why that is not known."""
    found: list[Finding] = []
    live: _Live | None = None
    for uid, buffer in threads.rel.buffers.items():
        if buffer.alloc is None or buffer.alloc.zeroed:
            continue
        mine = threads.rel.of(uid)
        for r in (a for a in mine if not a.write):
            try:
                with bounded(BUDGET):
                    left = _unwritten(threads, buffer, r, [a for a in mine if a.write], may=False)
                    if left.is_empty():
                        continue
                    live = live or _Live(threads)
                    left = left.intersect_domain(live.domain(r))
                    if left.is_empty():
                        continue
                    surely = _unwritten(threads, buffer, r, [a for a in mine if a.write], may=True)
                    answer = _explain(threads, buffer, r, surely.intersect(left))
            except TooHard:
                answer = Finding("unknown", f"whether all of {buffer.name} is written before it is read is too hard to decide",
                                 buffer=buffer.name)
            if answer.status == "violated":
                return answer
            found.append(answer)
    return worst(found)


def _unwritten(threads: Threads, buffer: Buffer, r: Access, writes: list[Access], may: bool) -> Map:
    """Instances of the read and their elements that no write has reached before: no sure one, or (`may`) none at all."""
    left = r.index.intersect_domain(r.domain)
    for w in reversed(writes):  # the nearest first: mostly it is the one
        if left.is_empty():
            break
        if w.opaque and not may:
            continue
        orders = [(threads.earlier(w, r, True), True)] if may else chain(  # may: by any thread, with a barrier or without
            [(threads.earlier(w, r, False), True)], ((m, False) for m in threads.ordered(w, r)))
        for order, own in orders:
            sure: Map | None = order if may else threads.implied(w, r, order, own)
            if sure is None or sure.is_empty():
                continue
            for k in range(len(buffer.path)):
                sure = sure.equate(DIM.in_, k, DIM.out, k)
            if buffer.alloc is not None:
                for k in threads.axes(w.path, "block"):
                    if threads.axis(w.path, k) in threads.machine.apart.get(buffer.alloc.memory, ()):
                        sure = sure.equate(DIM.in_, k, DIM.out, k)
            left = left.subtract(sure.intersect_domain(w.domain).reverse().apply_range(w.index))
            if left.is_empty():
                break
    return left


def _explain(threads: Threads, buffer: Buffer, r: Access, surely: Map) -> Finding:
    line = threads.places.line(r.node)
    where = f"line {line}: " if line is not None else ""
    lines = (line,) if line is not None else ()
    found = sample(surely) if r.must and not surely.is_empty() else None
    if found is None:
        reason = f"{where}whether {buffer.name} is written before it is read depends on data"
        return Finding("unknown", reason, lines, buffer.name)
    at = found[1]
    shown = (*threads.axes(r.path, "grid"), *threads.axes(r.path, "block"))
    thread = {threads.axis(r.path, k): at[k] for k in shown}
    element = element_at(threads, r, at)
    words = f"{buffer.name}[{', '.join(map(str, element))}]" if element else buffer.name
    who = f"{said(thread)} reads {words}" if thread else f"{words} is read"
    return Finding("violated", f"{where}{who}, which nothing has written before", lines, buffer.name, element, thread)


class _Live:
    """Which instances of statements have an effect that is seen outside: elements that flow into parameters, whatever the
    order in time; conditions and names count as seen."""

    def __init__(self, threads: Threads) -> None:
        self.rel = threads.rel
        self.everything = False  # not worked out
        self.needed: dict[str, Set] = {}
        self.seen: dict[tuple[int, tuple[int, ...]], Set] = {}
        accesses = [a for a in self.rel.accesses if not isinstance(a.node, If)]
        self.reads: dict[tuple[int, tuple[int, ...]], list[Access]] = {}
        for a in accesses:
            if not a.write:
                self.reads.setdefault(_key(a), []).append(a)
        stores = [a for a in accesses if a.write]
        for a in accesses:
            if not a.write and not isinstance(a.stmt, Store):
                self._need(a, a.domain)
        for _ in range(MANY_STEPS):
            if not any([self._step(a) for a in stores]):
                return
        self.everything = True

    def _own(self, a: Access) -> Map:
        """Instances to elements, with the loops that the array is local to in front."""
        own = len(a.buffer.path)
        front = a.domain.identity().project_out(DIM.out, own, a.depth - own)
        return front.flat_range_product(a.index.intersect_domain(a.domain))

    def _need(self, a: Access, domain: Set) -> bool:
        got = self._own(a).intersect_domain(domain).range()
        old = self.needed.get(a.buffer.uid)
        if old is not None and got.is_subset(old):
            return False
        self.needed[a.buffer.uid] = got.coalesce() if old is None else old.union(got).coalesce()
        return True

    def _step(self, a: Access) -> bool:
        if a.buffer.alloc is None:
            domain = a.domain
        elif a.buffer.uid in self.needed:
            domain = self._own(a).intersect_range(self.needed[a.buffer.uid]).domain()
        else:
            return False
        old = self.seen.get(_key(a))
        self.seen[_key(a)] = domain if old is None else old.union(domain)
        # a list: every read counts, not only the first that is new
        return any([self._need(r, domain) for r in self.reads.get(_key(a), ())])

    def domain(self, r: Access) -> Set:
        """The instances of a read that count."""
        if self.everything or not isinstance(r.stmt, Store):
            return r.domain
        return self.seen.get(_key(r), Set.empty(r.domain.get_space()))


def _key(a: Access) -> tuple[int, tuple[int, ...]]:
    return id(a.stmt), a.path
