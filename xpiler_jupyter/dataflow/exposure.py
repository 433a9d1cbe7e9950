"""What a piece of a kernel reads of a buffer before it wrote it, and whether it surely writes what it may write."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.nodes import For, Kernel, Node
from .order import before, exposed, outer
from .relations import Access, Relations, relations
from .sets import Map, TooHard, bounded


def _piece(rel: Relations, uid: str, loop: For | None) -> tuple[list[Access], int]:
    """Accesses in one iteration of the loop (None: in one thread), and the loops that say which iteration."""
    if loop is not None:
        lp = rel.loop(loop)
        return [a for a in rel.of(uid) if lp.id in a.path], lp.depth + 1
    mine = rel.of(uid)
    axes = [i for i, lp in enumerate(rel.loops) if isinstance(lp.node, For) and lp.node.kind == "parallel"]
    depth = min((sum(1 for i in a.path if i in axes) for a in mine), default=0)
    return mine, depth


def _uids(rel: Relations, buffer: str) -> list[str]:
    return [uid for uid, b in rel.buffers.items() if b.name == buffer]


def reads_before_writing(kernel: Kernel, buffer: str, loop: For | None) -> bool:
    """May one iteration of the loop (None: one thread) read an element of the buffer that it has not surely written
    before? True when unknown."""
    try:
        with bounded():
            rel = relations(kernel)
            for uid in _uids(rel, buffer):
                mine, depth = _piece(rel, uid, loop)
                if any(not a.write and not exposed(rel, a, mine, depth).is_empty() for a in mine):
                    return True
    except TooHard:
        return True
    return False


def surely_written(kernel: Kernel, buffer: str, loop: For | None) -> bool:
    """Does each iteration of the loop (None: each thread) write for sure every element that it may write, whatever the
    conditions on data are? False when unknown."""
    try:
        with bounded():
            rel = relations(kernel)
            for uid in _uids(rel, buffer):
                mine, depth = _piece(rel, uid, loop)
                may: Map | None = None
                must: Map | None = None
                for a in (a for a in mine if a.write):
                    m = outer(a, depth)
                    may = m if may is None else may.union(m)
                    if a.must:
                        must = m if must is None else must.union(m)
                if may is not None and (must is None or not may.is_subset(must)):
                    return False
    except TooHard:
        return False
    return True


def overwritten_before(kernel: Kernel, reads: Sequence[Node], loop: For | None) -> bool:
    """In one iteration of the loop (None: in one thread), may anything write the element that one of these loads reads
    before the load does? True when unknown."""
    try:
        with bounded():
            rel = relations(kernel)
            for r in (a for a in rel.accesses if not a.write and any(a.node is n for n in reads)):
                mine, depth = _piece(rel, r.buffer.uid, loop)
                for w in (a for a in mine if a.write):
                    order = before(rel, w, r, depth)
                    if not w.index.apply_range(r.index.reverse()).intersect(order).is_empty():
                        return True
    except TooHard:
        return True
    return False


def all_copied(kernel: Kernel, buffer: str, copy: Node, loop: For | None) -> bool:
    """Does the load `copy` surely read, in one iteration of the loop (None: in one thread), every element of the buffer
    that is written there? False when unknown."""
    try:
        with bounded():
            rel = relations(kernel)
            for uid in _uids(rel, buffer):
                mine, depth = _piece(rel, uid, loop)
                read = [a for a in mine if a.node is copy and not a.write]
                if len(read) != 1 or not read[0].must:
                    return False
                copied = outer(read[0], depth)
                if any(not outer(a, depth).is_subset(copied) for a in mine if a.write):
                    return False
    except TooHard:
        return False
    return True
