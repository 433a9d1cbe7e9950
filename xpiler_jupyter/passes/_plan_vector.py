"""The native plan for processors: threads share the outermost loop, vectors take the loops over neighbouring elements."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

from ..dataflow.dependences import is_parallel
from ..errors import IllegalPassError, UnsupportedError
from ..ir.affine import affine
from ..ir.algebra import Scope
from ..ir.nodes import Alloc, Block, Const, For, InstrCall, Kernel, Let, Load, Store, Var
from ..ir.visit import children, stmts_of, walk
from ..platforms.base import Platform
from ._loops import scope_at
from ._partial import carried
from ._plan import Move, extent_of, parallel_chain, unguarded
from ._plan_sink import leaves, sink
from ._script import Script, after
from ._worth import worth_sharing
from .base import loop_labels

MANY = 8  # innermost loops; in a kernel with more, only those that compute become vectors
TRIES = 8  # loops to run by vectors across the loops in them
Refusal = (IllegalPassError, UnsupportedError)


def vector_plan(kernel: Kernel, target: Platform) -> Script:
    """Every loop over neighbouring elements becomes vector instrs; threads share the outermost loop.

    Raises IllegalPassError when no loop could become vectors."""
    kernel = yield from unguarded(kernel, target)
    kernel = yield from _flattened(kernel, target)
    across = _across(kernel, target, set())
    share = worth_sharing(kernel) if target.loop_axis is not None else None
    early = share is not None and share != across and share not in leaves(kernel)
    if early:
        kernel = yield from _shared(kernel, target, share)
    else:
        kernel = yield Move("loop_recovery", target)
    tried: set[str] = set()
    while across is not None and len(tried) < TRIES:
        tried.add(across)
        for move in _attempt(kernel, _sunk(kernel, target, across)):
            kernel = yield move
        across = _across(kernel, target, tried)
    late = worth_sharing(kernel) if share is not None and not early else None
    if late is not None and late not in leaves(kernel):
        with suppress(IllegalPassError, UnsupportedError):  # the loop is good without threads, too
            kernel = yield from _shared(kernel, target, late)
    done, left = 0, _moving(kernel, target)  # loops that stay as they are
    while (label := next((x for x in leaves(kernel) if loop_labels(kernel)[x] not in left), None)) is not None:
        loop = loop_labels(kernel)[label]
        moves, known = _vectorised(kernel, label, target, late), set(loop_labels(kernel).values())
        for move in moves:
            kernel = yield move
        done += bool(moves)
        others = {lp.var for lp in known} - {loop.var}  # what came of the loop itself is left as it is
        left |= {lp for lp in loop_labels(kernel).values() if lp == loop or (lp not in known and lp.var not in others)}
    if not done:
        raise IllegalPassError("no loop over neighbouring elements became vector instructions")


def _moving(kernel: Kernel, target: Platform) -> set[For]:
    """Of many innermost loops those that only copy or set elements, but for whole vectors: compilers know them, and each
    costs steps."""
    loops = [loop_labels(kernel)[x] for x in leaves(kernel)]
    if len(loops) <= MANY:
        return set()
    kept = {lp for lp in loops if all(isinstance(n.value, Load | Const | Var) for n in walk(lp.body) if isinstance(n, Store))
            and extent_of(lp) not in _widths(lp, target)}
    return kept if len(kept) < len(loops) else set()


def _attempt(kernel: Kernel, script: Generator[Move, Kernel, Kernel]) -> list[Move]:
    """The moves of the script when none of them is refused; else none."""
    moves: list[Move] = []
    try:
        move = next(script)
        while True:
            kernel = after(kernel, move)
            moves.append(move)
            move = script.send(kernel)
    except StopIteration:
        return moves
    except (IllegalPassError, UnsupportedError):
        return []


def _shared(kernel: Kernel, target: Platform, label: str | None) -> Generator[Move, Kernel, Kernel]:
    """The loop runs on the processor's threads."""
    assert target.loop_axis is not None
    return (yield Move("loop_bind", target, {"bind": {label: target.loop_axis.name}}))


def _sunk(kernel: Kernel, target: Platform, label: str) -> Generator[Move, Kernel, Kernel]:
    """The loop, or what a split makes of it, goes inside the loops that it holds."""
    kernel = yield from _sums_apart(kernel, target, label)
    loop = loop_labels(kernel)[label]
    lanes, var = lanes_of(loop, target), loop.var
    if extent_of(loop) != lanes:
        kernel = yield Move("loop_split", target, {"loop": label, "factor": lanes, "tail": "rest"})
        var = f"{var}_inner"
    return (yield from sink(kernel, target, var))


def _sums_apart(kernel: Kernel, target: Platform, label: str) -> Generator[Move, Kernel, Kernel]:
    """Sums in the loop that live in an array become scalars of the iteration that they belong to, which grow into
    registers."""
    tried: set[str] = set()
    while True:
        place = next((x for x in _sums(kernel, label) if x[0] not in tried), None)
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


def _sums(kernel: Kernel, within: str) -> list[tuple[str, str]]:
    """Arrays whose elements are added up in place by loops in the loop `within`, each with the loop around all those that
    add to the same element."""
    found: list[tuple[str, str]] = []
    labels = {id(lp): x for x, lp in loop_labels(kernel).items()}

    def look(block: Block, around: str) -> None:
        for s in stmts_of(block):
            if isinstance(s, For):
                places = {c.place.buffer for c in carried(s) if c.place.indices} - {b for b, _ in found}
                found.extend((b, around) for b in sorted(places))
                look(s.body, labels[id(s)])
            else:
                for part in children(s):
                    if isinstance(part, Block):
                        look(part, around)

    look(loop_labels(kernel)[within].body, within)
    return found


def _vectorised(kernel: Kernel, label: str, target: Platform, share: str | None) -> list[Move]:
    """The moves that make vectors of the loop; none when they are refused or the loop is not one for vectors. Threads
    share what a split puts around the vectors of the loop `share`."""
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
                return _trial(kernel, label, target, knobs, label == share)
            except Refusal:
                continue
    return []


def _trial(kernel: Kernel, label: str, target: Platform, split: dict[str, Any], share: bool) -> list[Move]:
    """The split, if any, and tensorize for each of its inner loops. Raises what a pass refuses."""
    if not split:
        move = Move("tensorize", target, {"loop": label})
        after(kernel, move)
        return [move]
    moves, loop = [Move("loop_split", target, split)], loop_labels(kernel)[label]
    kept = set(loop_labels(kernel).values())
    kernel = after(kernel, moves[0])
    names = {lp.var for x, lp in loop_labels(kernel).items() if lp not in kept and extent_of(lp) == split["factor"]}
    if share:
        for move in _attempt(kernel, _shared(kernel, target, f"{loop.var}_outer")):
            moves.append(move)
            kernel = after(kernel, move)
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


def _across(kernel: Kernel, target: Platform, tried: set[str]) -> str | None:
    """A parallel loop to run by vectors, of those around an innermost loop that does not walk over neighbours: the
    innermost whose accesses all do, if no loop in it is good as it is; None when there is none (left)."""
    labels = {id(lp): x for x, lp in loop_labels(kernel).items()}
    inner = {id(loop_labels(kernel)[x]) for x in leaves(kernel)}

    def good(loop: For) -> bool:
        return bool(lanes_of(loop, target)) and neighbours(kernel, loop)

    def look(block: Block, around: tuple[For, ...]) -> str | None:
        for s in stmts_of(block):
            if isinstance(s, For) and id(s) in inner and not good(s):
                for loop in reversed(around):
                    loops = [n for n in walk(loop.body) if isinstance(n, For | InstrCall)]
                    if any(isinstance(n, InstrCall) or (id(n) in inner and good(n)) for n in loops):
                        break
                    if good(loop) and is_parallel(kernel, loop).ok:
                        if labels[id(loop)] not in tried:
                            return labels[id(loop)]
                        break
            for part in children(s):
                if isinstance(part, Block):
                    serial = isinstance(s, For) and s.kind == "serial"
                    found = look(part, (*around, s) if serial else ())
                    if found is not None:
                        return found
        return None

    return look(kernel.body, ())
