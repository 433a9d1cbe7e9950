"""Races: two threads touch one element, one of them writes, and nothing orders them.

Threads of one block are ordered by barriers (`concurrent.py`), threads of different blocks by nothing; so are the
iterations of a loop that the threads of a processor share. Atomic updates do not race with each other. Threads that write
the same value into an element do no harm, and are no race here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...ir.nodes import Const, Expr, If, Store
from ..order import sample
from ..relations import Access, Buffer
from ..sets import DIM, Map, TooHard, bounded, isl_val
from .concurrent import Threads
from .machine import OK, Finding, said, worst
from .same_value import same_on

BUDGET = 2_000_000  # isl operations per buffer


def races(threads: Threads) -> Finding:
    """The worst that is found: a race with an example, or why it is not known that there is none."""
    found = []
    for uid, buffer in threads.rel.buffers.items():
        mine = [a for a in threads.rel.of(uid) if not isinstance(a.node, If)]
        if not any(a.write for a in mine) or private(threads, buffer):
            continue
        try:
            with bounded(BUDGET):
                answer = _of_buffer(threads, buffer, mine)
        except TooHard:
            answer = Finding("unknown", f"whether threads race on {buffer.name} is too hard to decide", buffer=buffer.name)
        if answer.status == "violated":
            return answer
        found.append(answer)
    return worst(found)


def private(threads: Threads, buffer: Buffer) -> bool:
    """Does each thread have an array of its own?"""
    every = {k for a in threads.rel.of(buffer.uid) for k in (*threads.axes(a.path, "grid"), *threads.axes(a.path, "block"),
                                                            *threads.shared_loops(a.path))}
    return every <= set(range(len(buffer.path)))


def same_element(threads: Threads, buffer: Buffer, a: Access, b: Access) -> Map:
    """{ x -> y : both touch the same element of the same array }"""
    m = a.index.apply_range(b.index.reverse())
    for k in range(len(buffer.path)):
        m = m.equate(DIM.in_, k, DIM.out, k)
    if buffer.alloc is not None:
        for k in threads.axes(a.path, "block"):
            if threads.axis(a.path, k) in threads.machine.apart.get(buffer.alloc.memory, ()):
                m = m.equate(DIM.in_, k, DIM.out, k)
    return m


def _of_buffer(threads: Threads, buffer: Buffer, mine: list[Access]) -> Finding:
    found = []
    of_block = buffer.alloc is not None and len(buffer.path) >= max(len(threads.axes(a.path, "grid")) for a in mine)
    for i, a in enumerate(mine):
        for b in mine[i:]:
            if not (a.write or b.write) or (a.atomic and b.atomic) or (of_block and threads.parted(a, b)):
                continue
            answer = _pair(threads, buffer, a, b)
            if answer.status == "violated":
                return answer
            found.append(answer)
    return worst(found)


def _pair(threads: Threads, buffer: Buffer, a: Access, b: Access) -> Finding:
    same = same_element(threads, buffer, a, b)
    if same.is_empty():
        return OK
    found = []
    for pairs, block in _apart(threads, a, b, same):
        if pairs.is_empty():
            continue
        if block:
            pairs = _same_call(threads, a, b, pairs)
            pairs = threads.unordered(b, a, threads.unordered(a, b, pairs).reverse()).reverse()
        if pairs.is_empty() or (a.write and b.write and _harmless(threads, a, b, pairs)):
            continue
        answer = _explain(threads, buffer, a, b, pairs)
        if answer.status == "violated":
            return answer
        found.append(answer)
    return worst(found)


def _apart(threads: Threads, a: Access, b: Access, same: Map) -> Iterator[tuple[Map, bool]]:
    """The pairs of different threads, by the first loop over threads in which they differ; True: of one block, where
    barriers count."""
    grid, block = threads.axes(a.path, "grid"), threads.axes(a.path, "block")
    if grid == threads.axes(b.path, "grid") and block == threads.axes(b.path, "block"):
        for k in (*grid, *block):
            for pairs in _differ(same, k, a is b):
                yield pairs, k in block
            same = same.equate(DIM.in_, k, DIM.out, k)
    for k in threads.shared_loops(a.path):
        if a.path[:k + 1] == b.path[:k + 1]:
            together = same
            for j in range(k):
                together = together.equate(DIM.in_, j, DIM.out, j)
            for pairs in _differ(together, k, a is b):
                yield pairs, False


def _differ(m: Map, k: int, symmetric: bool) -> Iterator[Map]:
    yield m.intersect(Map.universe(m.get_space()).order_lt(DIM.in_, k, DIM.out, k))
    if not symmetric:
        yield m.intersect(Map.universe(m.get_space()).order_gt(DIM.in_, k, DIM.out, k))


def _same_call(threads: Threads, a: Access, b: Access, pairs: Map) -> Map:
    """Without the lanes of one warp in one call that the warp makes as a whole."""
    call = threads.places.span(a.node)
    if call is None or call not in threads.machine.together or threads.places.span(b.node) != call:
        return pairs
    warp = threads.same_warp(a, b)
    return pairs if warp is None else pairs.subtract(warp)


# -- writes of the same value ------------------------------------------------------------------------------------------


def _harmless(threads: Threads, a: Access, b: Access, pairs: Map) -> bool:
    """Do both write the same value, in all these pairs?"""
    if not isinstance(a.node, Store) or not isinstance(b.node, Store):
        return False
    x, y = a.node.value, b.node.value
    if isinstance(x, Const) and isinstance(y, Const):
        return x.value == y.value and x.dtype == y.dtype
    return same_on(threads.rel, a, b, pairs) or (a.node is b.node and _uniform(threads, a, x, pairs))


def _uniform(threads: Threads, a: Access, value: Expr, pairs: Map) -> bool:
    """Is the value the same along all axes in which the pairs differ? Both are at the same point of the program."""
    axes = []
    parallel = {*threads.axes(a.path, "grid"), *threads.axes(a.path, "block"), *threads.shared_loops(a.path)}
    for k in range(a.depth):
        if not pairs.is_subset(pairs.equate(DIM.in_, k, DIM.out, k)):
            if k not in parallel:
                return False
            axes.append(threads.axis(a.path, k))
    return threads.uniform(axes).expr(value)


# -- in words ----------------------------------------------------------------------------------------------------------


def _explain(threads: Threads, buffer: Buffer, a: Access, b: Access, pairs: Map) -> Finding:
    lines = tuple(dict.fromkeys(n for n in (threads.places.line(a.node), threads.places.line(b.node)) if n is not None))
    where = " and ".join(f"line {n}" for n in lines)
    if not (a.must and b.must):
        what = "an index depends on data" if a.opaque or b.opaque else "a condition depends on data"
        reason = f"{where}: two threads may touch the same element of {buffer.name}: {what}"
        return Finding("unknown", reason, lines, buffer.name)
    found = sample(pairs)
    if found is None:
        return Finding("unknown", f"{where}: whether two threads touch the same element of {buffer.name} is not known", lines,
                       buffer.name)
    sizes, x, y = found
    one, other = thread_at(threads, a, x), thread_at(threads, b, y)
    element = element_at(threads, a, x)
    words = f"{buffer.name}[{', '.join(map(str, element))}]" if element else buffer.name
    first, second = ("writes" if s.write else "reads" for s in (a, b))
    reason = f"{where}: {said(one)} {first} {words} and {said(other)} {second} it, and nothing orders them"
    reason += f" (at {', '.join(f'{k} = {v}' for k, v in sizes.items())})" if sizes else ""
    return Finding("violated", reason, lines, buffer.name, element, one, other)


def element_at(threads: Threads, a: Access, at: list[int]) -> tuple[int, ...]:
    """The indices that an access has at an instance; empty where they are not known."""
    point = a.domain
    for k, v in enumerate(at):
        point = point.fix_val(DIM.set, k, isl_val(v))
    strides = threads.rel.strides.get(a.buffer.uid)
    got = a.index.intersect_domain(point).range().sample_point()
    if got.is_void():
        return ()
    levels = [int(got.get_coordinate_val(DIM.set, k).to_python()) for k in range(a.index.dim(DIM.out))]
    if not strides:
        return tuple(levels)
    sizes = [s.get((), 0) if set(s) <= {()} else 0 for s in strides]
    return (sum(n * s for n, s in zip(levels, sizes, strict=True)),) if all(sizes) else ()




def thread_at(threads: Threads, a: Access, at: list[int]) -> dict[str, int]:
    keep = {*threads.axes(a.path, "grid"), *threads.axes(a.path, "block"), *threads.shared_loops(a.path)}
    return {threads.axis(a.path, k): at[k] for k in sorted(keep)}
