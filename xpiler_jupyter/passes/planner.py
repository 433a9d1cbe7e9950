"""Default sequences, readable: what to try next on the way from a kernel to a target platform.

`moves` looks at the kernel as it is now and lists candidates, best first; the port takes the first that its pass does
not refuse. Nothing here decides legality, and nothing here knows which platform is which: only whether a kernel has
axes, and which axes the target has.

    intrinsics that the target lacks:                  detensorize
    axes of its own -> the target has the same ones:  loop_bind (same axes)
    axes            -> the target has others or none: loop_recovery, then tidy up (loop_fuse, loop_split)
    no axes         -> the target has none:           tidy up, done
    no axes         -> the target has some:           loop_fuse / loop_split to shape the nest, then loop_bind
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..dataflow.dependences import is_parallel
from ..errors import IllegalPassError
from ..ir.nodes import Binary, Const, For, InstrCall, Kernel
from ..ir.simplify import simplify
from ..ir.visit import stmts_of, walk
from ..platforms import registry as platforms
from ..platforms.base import Platform
from . import _registry as passes
from .base import loop_labels

THREADS = 256  # a block size that every GPU of the last decade fills well
MIN_INNER = 32  # below one warp of the narrower machines, the innermost loop alone is no block
MAX_GRID_AXES = 3


@dataclass(frozen=True, slots=True)
class Move:
    """One candidate: a pass, its knobs, and the platform it leads towards."""

    pass_name: str
    target: Platform
    knobs: dict[str, Any] = field(default_factory=dict)


def moves(kernel: Kernel, target: Platform, done: tuple[str, ...]) -> list[Move]:
    """Candidates for the next step; empty when the kernel is a finished one of the target."""
    if kernel.platform == target.name and not (target.meeting_point and "loop_recovery" in done):
        return []
    if any(isinstance(n, InstrCall) and target.instr(n.instr) is None for n in walk(kernel.body)):
        return [Move("detensorize", platforms.get(kernel.platform))]
    axes = {n.axis for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel" and n.axis}
    if axes:
        # Once intrinsics are loops, one lane of each warp does the work of all: other axes serve it better.
        keep = "detensorize" not in done and all(target.axis(a) for a in axes)
        same = [Move("loop_bind", target, {"same_axes": True})] if keep else []
        return [*same, Move("loop_recovery", platforms.meeting_point())]
    if target.meeting_point:
        return list(_tidy(kernel, target))
    return list(_towards_axes(kernel, target))


def _tidy(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """What makes recovered code read as if a person had written it: block and thread loops become the loop over the
    index they compute, a flat index that the body takes apart becomes the nest it stands for.

    It ends: each step leaves fewer divisions, or as many and one loop less, or opens the way to a split that does.
    """
    before = _divisions(kernel)
    nest = _outer_nest(kernel)
    for label in nest:
        knobs = {"loop": label, "digits": "auto"}
        split = _try("loop_split", kernel, target, knobs)
        if split is not None and _divisions(split) < before:
            yield Move("loop_split", target, knobs)
            return
    for knobs in passes.get("loop_fuse").sites(kernel, target):
        if knobs["outer"] not in nest:
            continue  # blocks and threads are outermost; inner loops are the source's own
        fused = _try("loop_fuse", kernel, target, knobs)
        if fused is None:
            continue
        nests = (_try("loop_split", fused, target, {"loop": label, "digits": "auto"}) for label in _outer_nest(fused))
        if _divisions(fused) <= before or any(n is not None and _divisions(n) < before for n in nests):
            yield Move("loop_fuse", target, knobs)
            return  # each try costs; the next step looks again


def _outer_nest(kernel: Kernel) -> list[str]:
    """Labels of the loops that stand alone in each other, from the outermost in."""
    labels = {id(loop): label for label, loop in loop_labels(kernel).items()}
    nest: list[str] = []
    body = kernel.body
    while True:
        loops = [s for s in stmts_of(body) if isinstance(s, For)]
        if len(loops) != 1:
            return nest
        nest.append(labels[id(loops[0])])
        body = loops[0].body


def _try(pass_name: str, kernel: Kernel, target: Platform, knobs: dict[str, Any]) -> Kernel | None:
    try:
        return simplify(passes.get(pass_name).apply(kernel, target, **knobs).kernel)
    except IllegalPassError:
        return None


def _divisions(kernel: Kernel) -> int:
    """How many quotients and remainders of integers the body spells out: what a reader has to undo in the head."""
    return sum(isinstance(n, Binary) and n.op in ("/", "%", ">>", "&") and n.dtype.is_integer for n in walk(kernel.body))


def parallel_chain(kernel: Kernel) -> list[tuple[str, For]]:
    """The outermost perfectly nested parallel loops, with their labels."""
    labels = {id(loop): label for label, loop in loop_labels(kernel).items()}
    chain: list[tuple[str, For]] = []
    body = kernel.body
    while True:
        loops = [s for s in stmts_of(body) if isinstance(s, For)]
        if len(loops) != 1 or loops[0].kind != "serial" or not is_parallel(kernel, loops[0]).ok:
            return chain
        loop = loops[0]
        chain.append((labels[id(loop)], loop))
        if len(stmts_of(loop.body)) != 1:
            return chain
        body = loop.body


def _towards_axes(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """Shape the outermost parallel nest to the target's axes: the innermost loop to threads, the others to the grid."""
    grid = [a.name for a in target.axes if a.level == "grid"]
    threads = [a.name for a in target.axes if a.level == "block"]
    chain = parallel_chain(kernel)
    if not chain:
        yield Move("loop_bind", target, {"serial": True})
        return
    inner_label, inner = chain[-1]
    extent = _extent(inner)
    if len(chain) >= 2 and (len(chain) > len(grid) + 1 or (extent is not None and extent < MIN_INNER)):
        yield Move("loop_fuse", target, {"outer": chain[-2][0], "inner": inner_label})
    if extent is None or extent > target.max_threads or (len(chain) == 1 and extent > THREADS):
        yield Move("loop_split", target, {"loop": inner_label, "factor": THREADS})
    outer = [label for label, _ in chain[:-1]]
    bind = {label: axis for label, axis in zip(reversed(outer), grid, strict=False)} | {inner_label: threads[0]}
    yield Move("loop_bind", target, {"bind": bind})
    yield Move("loop_bind", target, {"serial": True})


def _extent(loop: For) -> int | None:
    if isinstance(loop.lo, Const) and isinstance(loop.hi, Const) and isinstance(loop.step, Const):
        return max(0, -(-(int(loop.hi.value) - int(loop.lo.value)) // int(loop.step.value)))
    return None
