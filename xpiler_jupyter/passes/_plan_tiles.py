"""The native plan for machines of few large cores: equal shares of the outer loops, tiles in the cores' own memory, and
vector instrs over them."""

from __future__ import annotations

from collections.abc import Generator

from ..dataflow.dependences import is_parallel
from ..errors import IllegalPassError
from ..ir.nodes import Alloc, Block, For, If, InstrCall, Kernel, Load, Store
from ..ir.visit import stmts_of, walk
from ..platforms.base import Memory, Platform
from ._loops import scope_at
from ._plan import Move, extent_of, parallel_chain, unguarded
from ._plan_behind import pipelined
from ._plan_sink import leaves, sink
from ._plan_vector import Refusal, accesses, neighbours
from ._script import Script, after
from ._spread import bound, dealt_out, fitting_job
from ._vec_guard import without_guard
from .base import loop_labels

SHORT = 4  # a vector of fewer elements is not worth a call
MOST_LOOPS = 10  # innermost loops that become vectors one after the other
MANY = 4096  # elements of a tile where nobody knows how many there are
LINE = 64  # elements that a tile's length is a multiple of


def tiles_plan(kernel: Kernel, target: Platform, guards: bool = False) -> Script:
    """`guards`: guards stay where they are, rather than to become the loops' bounds.

    Raises IllegalPassError when no loop becomes vector instrs, or there are too many of them."""
    memory = vector_memory(target)
    if len(leaves(kernel)) > MOST_LOOPS:  # every one is a step, and every step runs its tests
        raise IllegalPassError(f"the kernel has {len(leaves(kernel))} innermost loops, more than the {MOST_LOOPS} that become "
                               "vectors one by one")
    if not guards:
        kernel = yield from unguarded(kernel, target)
    kernel = yield from _parallel_first(kernel, target)
    kernel = yield from _flattened(kernel, target)
    chain = parallel_chain(kernel, names=True)
    if not chain:
        raise IllegalPassError("no outer loop is parallel: one core does everything")
    flat = len(chain) == 1 and not any(isinstance(n, For) for n in walk(chain[0][1].body))
    across = None if flat else _across(kernel)
    room = _length(kernel, memory)
    kernel = yield from _inside_of_others(kernel, target, across)
    split = across or (chain[0][0] if flat else None)
    first = parallel_chain(kernel, names=True)[0]
    tiled = first[0] == split and extent_of(first[1]) is None
    if tiled and split is not None and split == across and _filled(kernel, split, room):
        tiled = False  # a tile holds all of it, and the loops inside of it are shared out
    once = False  # does each task get one tile at most?
    if split is not None and tiled:  # tiles of it are dealt out, not single iterations
        tasks, most = fitting_job(target, None)[1], _most(kernel, split)
        share = max(LINE, min(room, -(-(MANY if most is None else -(-most // tasks)) // LINE) * LINE))
        once = most is not None and share * tasks >= most
        kernel = yield Move("loop_split", target, {"loop": split, "factor": share, "tail": "clip", "names": ["tile", "e"]})
        across = next(x for x, lp in loop_labels(kernel).items() if lp.var == parallel_chain(kernel, names=True)[-1][1].var)
    kernel = yield from shared_out(kernel, target, across)
    if across is not None and across not in loop_labels(kernel):
        across = next(x for x, lp in loop_labels(kernel).items() if lp.kind != "parallel")
    if tiled and across is not None:
        kernel = yield from sink(kernel, target, across)
    elif flat:
        label = next(x for x, lp in loop_labels(kernel).items() if lp.kind != "parallel")
        if not _filled(kernel, label, room):
            kernel = yield Move("loop_split", target, {"loop": label, "factor": room, "tail": "clip",
                                                       "names": ["tile", "e"]})
    elif across is not None:
        if not _filled(kernel, across, room):
            kernel = yield Move("loop_split", target, {"loop": across, "factor": room, "tail": "clip"})
            across = f"{across}_inner"
        kernel = yield from sink(kernel, target, across)
    kernel = yield from _staged(kernel, target, memory)
    kernel = yield from vectors(kernel, target)
    if not once:
        yield from pipelined(kernel, target)


def vector_memory(target: Platform) -> Memory:
    """Where the target's vectors live: the memory that most operands of its instrs may be in.

    Raises IllegalPassError when it has none."""
    count: dict[str, int] = {}
    for row in target.instrs:
        for o in row.operands:
            for m in o.memory[:1]:
                count[m] = count.get(m, 0) + 1
    found = target.memory(max(count, key=lambda m: count[m])) if count else None
    if found is None or found.scope != "thread":
        raise IllegalPassError(f"{target.title} has no memory for vectors")
    return found


def shared_out(kernel: Kernel, target: Platform, keep: str | None) -> Generator[Move, Kernel, Kernel]:
    """The outermost parallel loops (without `keep`, unless it is the only one) in equal shares over the cores of one job,
    and bound to them; dealt out one by one where nobody knows how many there are."""

    def outer() -> list[tuple[str, For]]:
        chain = parallel_chain(kernel, names=True)
        names = [label for label, _ in chain]
        return chain[:names.index(keep)] or chain if keep in names else chain

    job, most = fitting_job(target, None)
    while len(loops := outer()) >= 2 and (n := extent_of(loops[0][1])) is not None and n < most:
        kernel = yield Move("loop_fuse", target, {"outer": loops[0][0], "inner": loops[1][0]})
    counted = next((x for x, lp in loops if (extent_of(lp) or 0) >= most), None)
    if extent_of(loops[0][1]) is None and counted is not None:  # its shares are equal, whatever the others turn out to be
        order = [counted, *(x for x, _ in loops if x != counted)]
        kernel = yield Move("loop_reorder", target, {"order": order})
        loops = outer()
    label, loop = loops[0]
    job, _ = fitting_job(target, loop)
    if job is None:
        raise IllegalPassError(f"{target.title} has no job of several tasks")
    if extent_of(loop) is None:
        kernel = yield from dealt_out(kernel, target, label, job)
    elif extent_of(loop) != job.tasks:
        kernel = yield Move("loop_split", target, {"loop": label, "parts": job.tasks, "tail": "clip",
                                                   "names": ["task", f"{loop.var}_own"]})
    return (yield from bound(kernel, target, job))


def vectors(kernel: Kernel, target: Platform) -> Generator[Move, Kernel, Kernel]:
    """Vector instrs for every loop that they fit. Raises IllegalPassError when they fit none."""
    done = 0
    left: set[For] = set()
    why = ""
    while (label := next((x for x in leaves(kernel) if loop_labels(kernel)[x] not in left), None)) is not None:
        loop = loop_labels(kernel)[label]
        try:
            kernel = yield Move("tensorize", target, {"loop": label})
            done += 1
        except Refusal as refusal:
            why = why or refusal.message
            left.add(loop)
    if not done:
        raise IllegalPassError(why or "the kernel has no loops for vectors")
    return kernel


def _flattened(kernel: Kernel, target: Platform) -> Generator[Move, Kernel, Kernel]:
    """One loop in place of a nest of parallel ones around plain statements."""
    while True:
        chain = parallel_chain(kernel, names=True)
        if len(chain) < 2 or any(isinstance(n, For) for n in walk(chain[-1][1].body)):
            return kernel
        fuse = Move("loop_fuse", target, {"outer": chain[-2][0], "inner": chain[-1][0]})
        try:
            fused = after(kernel, fuse)
        except Refusal:
            return kernel
        if not any(neighbours(fused, loop_labels(fused)[x]) for x in leaves(fused)):
            return kernel
        kernel = yield fuse


def _across(kernel: Kernel) -> str | None:
    """The parallel loop to run by vectors, where the innermost loops are too short or walk in steps: the innermost one
    whose accesses are neighbours; None when the innermost loops are good as they are."""
    labels = loop_labels(kernel)

    def good(loop: For) -> bool:
        extent = extent_of(loop)
        return (extent is None or extent >= SHORT) and neighbours(kernel, loop)

    if all(good(labels[x]) for x in leaves(kernel)):
        return None
    inner = [(label, lp) for label, lp in parallel_chain(kernel, names=True) if any(isinstance(n, For) for n in walk(lp.body))]
    return next((label for label, lp in reversed(inner) if good(lp)), None)


def _parallel_first(kernel: Kernel, target: Platform) -> Generator[Move, Kernel, Kernel]:
    """Where the outermost loop of a perfect nest is not parallel, a parallel one of it around the others."""
    if parallel_chain(kernel, names=True):
        return kernel
    labels = {id(lp): label for label, lp in loop_labels(kernel).items()}
    around: list[str] = []
    body = kernel.body
    while len(stmts := stmts_of(body)) == 1 and isinstance(loop := stmts[0], For):
        if around and is_parallel(kernel, loop).ok:
            return (yield Move("loop_reorder", target, {"order": [labels[id(loop)], *around]}))
        around.append(labels[id(loop)])
        body = loop.body
    return kernel


def _most(kernel: Kernel, label: str) -> int | None:
    """How often the loop runs at most, where a bound or a guard around its body says so."""
    loop = loop_labels(kernel)[label]
    scope = scope_at(kernel, loop)
    short, _ = without_guard(loop, scope)
    return scope.upper(scope.poly(short.hi) - scope.poly(short.lo))


def _filled(kernel: Kernel, label: str, room: int) -> bool:
    """Does the loop surely run at most `room` times?"""
    most = _most(kernel, label)
    return most is not None and most <= room


def _inside_of_others(kernel: Kernel, target: Platform, across: str | None) -> Generator[Move, Kernel, Kernel]:
    """The loop to run by vectors as the innermost of the parallel ones, so that cores share the others."""
    order = [label for label, _ in parallel_chain(kernel, names=True)]
    if across not in order or order[-1] == across:
        return kernel
    return (yield Move("loop_reorder", target, {"order": [*(x for x in order if x != across), across]}))


def _length(kernel: Kernel, memory: Memory) -> int:
    """Elements of a tile, so that one of each buffer and as many values in between fit in the memory."""
    buffers = {n.buffer for n in walk(kernel.body) if isinstance(n, Load | Store) and n.indices}
    widest = max((n.dtype.bytes for n in walk(kernel.body) if isinstance(n, Load | Store) and n.indices), default=4)
    room = (memory.capacity or 1 << 20) // (widest * 2 * max(1, len(buffers)))
    return max(LINE, room // LINE * LINE)


def _staged(kernel: Kernel, target: Platform, memory: Memory) -> Generator[Move, Kernel, Kernel]:
    """Everything that the vector loops touch, in the vectors' memory: each buffer around the outermost loop for which
    its tile fits, the kernel's own arrays as a whole."""
    labels = loop_labels(kernel)
    wanted: dict[str, None] = {}
    for x in leaves(kernel):
        if neighbours(kernel, labels[x]):
            wanted.update({n.buffer: None for n in walk(labels[x].body) if isinstance(n, Load | Store) and n.indices})
    own = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc)}
    places = {name: [""] if name in own else _places(kernel, name) for name in wanted}
    for name in sorted(places, key=lambda x: places[x][0] != ""):  # what every iteration needs has the first claim
        if name in own and own[name].memory != "local":
            continue
        moves = [Move("cache", target, {"buffer": name, "memory": memory.name, "at": at}) for at in places[name]]
        best = best_place(kernel, moves)
        if best is not None:
            kernel = yield best
    return kernel


def best_place(kernel: Kernel, moves: list[Move]) -> Move | None:
    """The first whose copies are instrs all of them; else the first that is not refused."""
    legal = []
    loops = len(leaves(kernel))
    for move in moves:
        try:
            if len(leaves(after(kernel, move))) == loops:
                return move
            legal.append(move)
        except Refusal:
            continue
    return legal[0] if legal else None


def _places(kernel: Kernel, buffer: str) -> list[str]:
    """Where a buffer may be staged, best first: outside of all loops when it does not move with them; else in the
    loops around its vectors, from the outside in."""
    path: list[For] = []

    def search(block: Block, around: list[For]) -> bool:
        for s in stmts_of(block):
            if isinstance(s, If) and any(search(b, around) for b in (s.then, s.orelse) if b is not None):
                return True
            if isinstance(s, For) and any(isinstance(n, Load | Store) and n.buffer == buffer for n in walk(s)):
                if not any(isinstance(n, For | InstrCall) for n in walk(s.body)):
                    path.extend(around)
                    return True
                if search(s.body, [*around, s] if s.kind != "parallel" else around):
                    return True
        return False

    search(kernel.body, [])
    if not path:
        return [""]
    labels = {id(lp): label for label, lp in loop_labels(kernel).items()}
    inner = [labels[id(lp)] for lp in path]
    return ["", *inner] if not moves_with(kernel, path[0], buffer) else [*inner, ""]


def moves_with(kernel: Kernel, loop: For, buffer: str) -> bool:
    """Does what the loop touches of the buffer depend on the iteration?"""
    return any(loop.var in scope.poly(i).names() for n, scope in accesses(kernel, loop) if n.buffer == buffer
               for i in n.indices)
