"""The plan for nests that are what one intrinsic means, on machines of few large cores: products of matrices,
convolutions, poolings.

    for (i < M) for (j < N) { C = 0; for (k < K) C += A[i][k] * B[k][j]; }
    ->
    each core, some rows: A to A_nram; B to B_nram, turned, to B_wram; matmul(C_nram, A_nram, B_wram); C_nram to C

Cores share the loops around the nest, and tiles of the nest's outermost loop; tiles are as large as the memory allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from ..errors import IllegalPassError
from ..ir.affine import affine
from ..ir.nodes import Alloc, Block, For, Kernel, Load, Store
from ..ir.visit import walk
from ..platforms.base import Memory, Platform
from ._footprint import NoTile, tile_of
from ._loops import scope_at
from ._match import likely
from ._plan import Move, extent_of, parallel_chain
from ._plan_tiles import best_place, moves_with, shared_out, vector_memory, vectors
from ._plan_vector import Refusal, accesses
from ._script import Script, after
from ._spread import fitting_job
from ._touches import touches_in
from .base import loop_labels

SPARE = 4096  # bytes that are left for vectors in between
FEW = 4  # cores at least, rather than tiles of one iteration


def calls_plan(kernel: Kernel, target: Platform) -> Script:
    """Raises IllegalPassError where no nest becomes one call."""
    memory = vector_memory(target)
    chain = parallel_chain(kernel, names=True)
    depth = next((d for d, (_, lp) in enumerate(chain) if likely(kernel, lp, target)), None)
    if depth is None:
        raise IllegalPassError("no nest of parallel loops is what one intrinsic means")
    rows, columns = _tile(kernel, chain, depth, memory, fitting_job(target, None)[1])
    label, loop = chain[depth]
    nest = depth  # where the nest begins in the chain of parallel loops
    if rows != extent_of(loop):
        kernel = yield Move("loop_split", target, {"loop": label, "factor": rows,
                                                   "names": [f"{label}_tile", f"{label}_own"]})
        nest += 1
    elif not depth:
        raise IllegalPassError(f"loop {label} is too short for several cores")
    if columns is not None:
        across = chain[-1][0]
        kernel = yield Move("loop_split", target, {"loop": across, "factor": columns,
                                                   "names": [f"{across}_tile", f"{across}_own"]})
        now = [x for x, _ in parallel_chain(kernel, names=True)]
        if now[nest:-2]:
            kernel = yield Move("loop_reorder", target, {"order": [now[-2], *now[nest:-2]]})
    now = [x for x, _ in parallel_chain(kernel, names=True)]
    keep = now[nest] if nest < len(now) else None
    kernel = yield from shared_out(kernel, target, keep)
    moves = next((m for s in _calls(kernel, target, memory) if (m := _rehearsed(kernel, s)) is not None), None)
    if moves is None:
        raise IllegalPassError("no intrinsic takes the nest as a whole")
    for move in moves:
        kernel = yield move
    try:
        yield from vectors(kernel, target)
    except IllegalPassError:
        return  # nothing but the call is left


def _tile(kernel: Kernel, chain: list[tuple[str, For]], depth: int, memory: Memory, tasks: int) -> tuple[int, int | None]:
    """How many iterations of the nest's outermost loop make a tile, and how many of the innermost parallel one where what
    they read does not fit otherwise. Raises IllegalPassError where sizes are not known."""
    loop, across = chain[depth][1], chain[-1][1]
    extents = [extent_of(lp) for _, lp in chain]
    if None in extents:
        raise IllegalPassError("how often the loops run is not a constant")
    known = [n for n in extents if n is not None]
    whole, single = _bytes(kernel, loop, outside=True), _bytes(kernel, loop, outside=False)
    turned = {n.buffer for n, scope in accesses(kernel, across) for i in n.indices
              if (f := affine(i, [across.var], scope)) is not None and f.stride(across.var) == 1}
    fixed = sum(n * (1 + (name in turned)) for name, n in whole.items() if single[name] == n)  # as it lies, and turned
    moving = {name: n for name, n in whole.items() if single[name] != n}
    room = (memory.capacity or 1 << 20) - SPARE
    columns = None
    if fixed > room // 2 and across is not loop:
        columns = max(d for d in _divisors(known[-1]) if d == 1 or fixed * d <= room // 2 * known[-1])
        fixed = fixed * columns // known[-1]
    count, around = known[depth], prod(known[:depth])

    def fits(n: int) -> bool:
        steps = sum(single[x] + (m - single[x]) * (n - 1) // max(1, count - 1) for x, m in moving.items())
        return steps + fixed <= room

    sizes = [d for d in _divisors(count) if d == 1 or fits(d)]
    spread = [d for d in sizes if around * (count // d) >= tasks]
    several = [d for d in sizes if d > 1 and around * (count // d) >= FEW]
    return max(spread) if spread and max(spread) > 1 else min(several, default=1), columns


def _bytes(kernel: Kernel, loop: For, outside: bool) -> dict[str, int]:
    """Per buffer what the whole loop, or one iteration, touches. Raises IllegalPassError where that is no tile."""
    piece = Block((loop,)) if outside else loop.body
    scope = scope_at(kernel, loop) if outside else scope_at(kernel, loop).loop(loop)
    out = {}
    for n in walk(loop):
        if isinstance(n, Load | Store) and n.indices and n.buffer not in out:
            try:
                out[n.buffer] = tile_of(touches_in(piece, n.buffer, scope)).elements * n.dtype.bytes
            except NoTile as why:
                raise IllegalPassError(f"{n.buffer} {why}") from None
    return out


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _calls(kernel: Kernel, target: Platform, memory: Memory) -> Iterator[Script]:
    """Ways to make one call of a nest, from the outermost nest in: with every operand in the vectors' memory, or one of
    what is read in the memory of matrices, as it lies or turned."""
    far = [m for m in target.memories if not m.scalar and m.scope == "thread" and m.name != memory.name]
    for label, loop in loop_labels(kernel).items():
        nest = loop.kind != "parallel" and any(isinstance(n, For) for n in walk(loop.body))
        if not nest or not likely(kernel, loop, target):
            continue
        written = {n.buffer for n in walk(loop) if isinstance(n, Store)}
        reads = dict.fromkeys(n.buffer for n in walk(loop) if isinstance(n, Load) and n.indices and n.buffer not in written)
        yield _call(kernel, target, memory, label, None)
        for turned in (False, True):
            for weights in reads:
                for m in far:
                    yield _call(kernel, target, memory, label, (weights, m.name, turned))


def _call(kernel: Kernel, target: Platform, memory: Memory, label: str, weights: tuple[str, str, bool] | None) -> Script:
    """`weights`: the array that is read in another memory, that memory, and whether it is turned on the way."""
    stage: dict[str, str] = {}
    arrays = {n.name for n in walk(kernel.body) if isinstance(n, Alloc)}
    nest = loop_labels(kernel)[label]
    touched = dict.fromkeys(n.buffer for n in walk(nest) if isinstance(n, Load | Store) and n.indices)
    for name in sorted((b for b in touched if b not in arrays), key=lambda b: weights is None or b != weights[0]):
        knobs: dict[str, Any] = {"buffer": name, "memory": memory.name}
        mine = weights is not None and name == weights[0]
        if weights is not None and mine and weights[2]:
            knobs |= {"via": memory.name, "layout": [1, 0]}
        places = ["", *_around(kernel, label)]
        if mine and len(places) > 1 and moves_with(kernel, loop_labels(kernel)[places[-1]], name):
            places.reverse()
        best = best_place(kernel, [Move("cache", target, {**knobs, "at": at}) for at in places])
        if best is None:
            raise IllegalPassError(f"{name} does not fit in {memory.name}")
        before = loop_labels(kernel)
        kernel = yield best
        if weights is not None and mine:
            loads = {n.buffer for n in walk(loop_labels(kernel)[label]) if isinstance(n, Load)}
            new = [n.name for n in walk(kernel.body) if isinstance(n, Alloc) and n.name not in arrays and n.name in loads]
            stage[new[0]] = weights[1]
            if weights[2]:
                turning = next((x for x in loop_labels(kernel) if x not in before), None)
                if turning is not None:  # else copies with strides have turned it
                    kernel = yield Move("tensorize", target, {"loop": turning})
        arrays |= {n.name for n in walk(kernel.body) if isinstance(n, Alloc)}
    yield Move("tensorize", target, {"loop": label, **({"stage": stage} if stage else {})})


def _around(kernel: Kernel, label: str) -> list[str]:
    """The serial loops around a loop, outermost first."""
    labels = loop_labels(kernel)
    return [x for x, lp in labels.items() if lp.kind != "parallel" and lp is not labels[label]
            and any(n is labels[label] for n in walk(lp))]


def _rehearsed(kernel: Kernel, script: Script) -> list[Move] | None:
    """The moves of a script that runs to its end; None when a pass refuses one of them."""
    moves: list[Move] = []
    try:
        move = next(script)
        while True:
            moves.append(move)
            kernel = after(kernel, move)
            move = script.send(kernel)
    except StopIteration:
        return moves
    except Refusal:
        return None
