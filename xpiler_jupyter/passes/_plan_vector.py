"""The native plan for processors: threads share the outermost loop, vectors take the loops over neighbouring elements."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

from ..errors import IllegalPassError, UnsupportedError
from ..ir.affine import affine
from ..ir.algebra import Scope
from ..ir.nodes import Alloc, Block, For, Kernel, Let, Load, Store
from ..ir.visit import children, stmts_of, walk
from ..platforms.base import Platform
from ._loops import scope_at
from ._partial import carried
from ._plan import Move, extent_of, parallel_chain
from ._plan_sink import leaves, sink
from ._script import Script, after
from .base import loop_labels

Refusal = (IllegalPassError, UnsupportedError)


def vector_plan(kernel: Kernel, target: Platform, share: str | None) -> Script:
    """Every loop over neighbouring elements becomes vector instrs. `share` is the loop that threads get.

    Raises IllegalPassError when no loop could."""
    kernel = yield from _flattened(kernel, target)
    across = _across(kernel, target)
    shared = share is not None and target.loop_axis is not None and share in loop_labels(kernel)
    if shared and share != across:
        kernel = yield from _shared(kernel, target, share)
    else:
        kernel = yield Move("loop_recovery", target)
    if across is not None:
        kernel = yield from _sums_apart(kernel, target)
        lanes = lanes_of(loop_labels(kernel)[across], target)
        var = loop_labels(kernel)[across].var
        if extent_of(loop_labels(kernel)[across]) != lanes:
            kernel = yield Move("loop_split", target, {"loop": across, "factor": lanes, "tail": "rest"})
            var = f"{across}_inner"
            if shared and share == across:
                with suppress(IllegalPassError, UnsupportedError):  # the loop is good without threads, too
                    kernel = yield from _shared(kernel, target, f"{across}_outer")
        kernel = yield from sink(kernel, target, var)
    done = 0
    left: set[For] = set()  # loops that stay as they are
    while (label := next((x for x in leaves(kernel) if loop_labels(kernel)[x] not in left), None)) is not None:
        loop = loop_labels(kernel)[label]
        moves, known = _vectorised(kernel, label, target), set(loop_labels(kernel).values())
        for move in moves:
            kernel = yield move
        done += bool(moves)
        left |= {lp for lp in loop_labels(kernel).values() if lp == loop or (lp.var == loop.var and lp not in known)}
    if not done:
        raise IllegalPassError("no loop over neighbouring elements became vector instructions")


def _shared(kernel: Kernel, target: Platform, label: str | None) -> Generator[Move, Kernel, Kernel]:
    """The loop runs on the processor's threads."""
    assert target.loop_axis is not None
    return (yield Move("loop_bind", target, {"bind": {label: target.loop_axis.name}}))


def _sums_apart(kernel: Kernel, target: Platform) -> Generator[Move, Kernel, Kernel]:
    """Sums that live in an array become scalars of the iteration that they belong to, which grow into registers."""
    tried: set[str] = set()
    while True:
        place = next((x for x in _sums(kernel) if x[0] not in tried), None)
        if place is None:
            return kernel
        buffer, at = place
        tried.add(buffer)
        move = Move("cache", target, {"buffer": buffer, "memory": "local", "at": at})
        try:
            known = {n.name for n in walk(kernel.body) if isinstance(n, Alloc)}
            made = [n for n in walk(after(kernel, move).body) if isinstance(n, Alloc) and n.name not in known]
        except Refusal:
            continue
        if all(not a.shape for a in made):
            kernel = yield move


def _sums(kernel: Kernel) -> list[tuple[str, str]]:
    """Arrays whose elements loops add up in place, each with the loop around all loops that add to the same element."""
    found: list[tuple[str, str]] = []

    def look(block: Block, around: str | None) -> None:
        for s in stmts_of(block):
            if isinstance(s, For):
                places = {c.place.buffer for c in carried(s) if c.place.indices}
                found.extend((b, around) for b in places if around is not None and (b, around) not in found)
                look(s.body, labels[s])
            else:
                for part in children(s):
                    if isinstance(part, Block):
                        look(part, around)

    labels = {lp: x for x, lp in loop_labels(kernel).items()}
    look(kernel.body, None)
    return found


def _vectorised(kernel: Kernel, label: str, target: Platform) -> list[Move]:
    """The moves that make vectors of the loop; none when they are refused or the loop is not one for vectors."""
    loop = loop_labels(kernel)[label]
    best = lanes_of(loop, target)
    if not best or not neighbours(kernel, loop):
        return []
    extent, sums = extent_of(loop), bool(carried(loop))
    for lanes in (best, *(n for n in _widths(loop, target) if n != best and (extent is None or n <= extent))):
        split = {"loop": label, "factor": lanes, "tail": "rest"}
        # A sum kept in a vector is put together once, behind the loop; short ones are put together at once.
        for knobs in ({**split, "partial": True} if sums and (extent is None or extent >= 2 * lanes) else None,
                      split if extent != lanes else None, {}):
            if knobs is None or (not knobs and extent != lanes):
                continue
            try:
                return _trial(kernel, label, target, knobs)
            except Refusal:
                continue
    return []


def _trial(kernel: Kernel, label: str, target: Platform, split: dict[str, Any]) -> list[Move]:
    """The split, if any, and tensorize for each of its inner loops. Raises what a pass refuses."""
    if not split:
        move = Move("tensorize", target, {"loop": label})
        after(kernel, move)
        return [move]
    moves = [Move("loop_split", target, split)]
    kept = set(loop_labels(kernel).values())
    kernel = after(kernel, moves[0])
    names = {lp.var for x, lp in loop_labels(kernel).items() if lp not in kept and extent_of(lp) == split["factor"]}
    while True:
        labels = loop_labels(kernel)
        fresh = [x for x in leaves(kernel) if labels[x] not in kept and labels[x].var in names
                 and extent_of(labels[x]) == split["factor"]]
        if not fresh:
            return moves
        # Refusals come from the loop's own body: the longest one first.
        move = Move("tensorize", target, {"loop": max(fresh, key=lambda x: sum(1 for _ in walk(labels[x])))})
        kernel = after(kernel, move)
        moves.append(move)


def lanes_of(loop: For, target: Platform) -> int:
    """Elements of the vector for the loop, by the widest type of its accesses: of the vectors that the loop fills the
    widest that leaves no rest, else the widest. 0 when it fills none."""
    widths, extent = _widths(loop, target), extent_of(loop)
    if extent is None:
        return widths[0]
    fitting = [n for n in widths if n <= extent]
    return next((n for n in fitting if extent % n == 0), fitting[0] if fitting else 0)


def _widths(loop: For, target: Platform) -> list[int]:
    """Elements of each kind of vector, widest first."""
    sizes = [n.dtype.bytes for n in walk(loop.body) if isinstance(n, Load | Store) and n.indices]
    return sorted({width // max(sizes, default=4) for width in target.vectors.values()}, reverse=True)


def neighbours(kernel: Kernel, loop: For) -> bool:
    """Do all accesses in the loop move by one element per iteration, or stay where they are; and does one move? Arrays
    of the loop's own do not count: they are grown to move with it."""
    own = {n.name for n in walk(loop.body) if isinstance(n, Alloc)}
    strides: list[int | None] = []
    for n, scope in accesses(kernel, loop):
        if n.indices and n.buffer not in own:
            forms = [affine(i, [loop.var], scope) for i in n.indices]
            found = [f.stride(loop.var) if f is not None else None for f in forms]
            strides.append(found[-1] if all(x == 0 for x in found[:-1]) else None)
    return 1 in strides and all(x in (0, 1) for x in strides)


def accesses(kernel: Kernel, loop: For) -> Iterator[tuple[Load | Store, Scope]]:
    """Every access in the loop's body, with what is known there."""

    def look(block: Block, scope: Scope) -> Iterator[tuple[Load | Store, Scope]]:
        for s in block.stmts:
            for part in children(s):
                if isinstance(part, Block):
                    yield from look(part, scope.loop(s) if isinstance(s, For) else scope)
                else:
                    yield from ((n, scope) for n in walk(part) if isinstance(n, Load))
            if isinstance(s, Store):
                yield s, scope
            if isinstance(s, Let):
                scope = scope.let(s)

    return look(loop.body, scope_at(kernel, loop).loop(loop))


def _flattened(kernel: Kernel, target: Platform) -> Generator[Move, Kernel, Kernel]:
    """Fuses the loops around an innermost one that is too short for a vector, or does not fill vectors."""
    while True:
        chain = parallel_chain(kernel)
        if len(chain) < 2 or any(isinstance(n, For) for n in walk(chain[-1][1].body)):
            return kernel
        extent = extent_of(chain[-1][1])
        if extent is None or extent % _widths(chain[-1][1], target)[0] == 0:
            return kernel
        try:
            kernel = yield Move("loop_fuse", target, {"outer": chain[-2][0], "inner": chain[-1][0]})
        except Refusal:
            return kernel


def _across(kernel: Kernel, target: Platform) -> str | None:
    """The parallel loop to run by vectors, where the innermost loops do not walk over neighbours: the innermost one
    whose accesses all do; None when the innermost loops are good as they are."""
    labels = loop_labels(kernel)
    if all(lanes_of(labels[x], target) and neighbours(kernel, labels[x]) for x in leaves(kernel)):
        return None
    for label, loop in reversed(parallel_chain(kernel)):
        inner = any(isinstance(n, For) for n in walk(loop.body))
        if inner and lanes_of(loop, target) and neighbours(kernel, loop):
            return label
    return None
