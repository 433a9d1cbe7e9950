"""Default sequences, readable: what to try next on the way from a kernel to a target platform.

`moves` looks at the kernel as it is now and lists candidates, best first; the port takes the first that its pass does
not refuse. Nothing here decides legality, and nothing here knows which platform is which: only whether a kernel has
axes, and which axes the target has.

    intrinsics that the target lacks:                  detensorize
    axes of its own -> the target has the same ones:  loop_bind (same axes)
    axes            -> the target has others or none: loop_recovery, then tidy up (loop_fuse, loop_split)
    another CPU     -> any:                            loop_recovery
    no axes         -> the target is plain C:         tidy up, done
    no axes         -> the target has some:           the plan for its kind of machine (`_plan_threads`, `_plan_tasks`)
    no axes         -> the target is another CPU:     `_plan_lanes`

Each of those has native `scripts`, straight-line plans that are rehearsed before the first of their moves is proposed,
and a `literal` plan that is always there when no script runs to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ..errors import IllegalPassError
from ..ir.nodes import Binary, For, InstrCall, Kernel
from ..ir.simplify import simplify
from ..ir.visit import stmts_of, walk
from ..platforms import registry as platforms
from ..platforms.base import Platform
from . import _plan_lanes, _plan_tasks, _plan_threads
from . import _registry as passes
from ._atomics import is_atomic
from ._plan import Move
from ._script import ahead as ahead
from ._script import applied as applied
from ._script import next_move, rehearse, stepwise
from ._tidy_tiles import inward
from ._waves import per_lane
from .base import loop_labels


def moves(kernel: Kernel, target: Platform, done: tuple[str, ...], allow: tuple[str, ...] = ()) -> list[Move]:
    """Candidates for the next step; empty when the kernel is a finished one of the target. `allow` names the narrower
    types that native plans may use (`_allow`)."""
    planned = next_move(kernel, target, allow)
    if planned is not None:
        return [planned]
    if kernel.platform == target.name and not (target.meeting_point and "loop_recovery" in done):
        return []
    lacking = [n for n in walk(kernel.body) if isinstance(n, InstrCall) and target.instr(n.instr) is None]
    # What lanes exchange, and atomics, are taken apart together with the threads.
    if any(not (per_lane(kernel, n) or is_atomic(kernel, n)) for n in lacking):
        return [Move("detensorize", platforms.get(kernel.platform))]
    axes = {n.axis for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel" and n.axis}
    if axes:
        # Once intrinsics are loops, one lane of each warp does the work of all: other axes serve it better.
        keep = not lacking and "detensorize" not in done and all(target.axis(a) for a in axes)
        same = [Move("loop_bind", target, {"same_axes": True})] if keep else []
        return [*same, Move("loop_recovery", platforms.meeting_point())]
    source = platforms.get(kernel.platform)
    if not source.axes and not source.meeting_point:
        return [Move("loop_recovery", platforms.meeting_point())]
    if target.meeting_point or "loop_recovery" in done:
        tidy = list(_tidy(kernel, platforms.get(kernel.platform)))
        if tidy or target.meeting_point:
            return tidy
    plan = _kind_of(target)
    scripts = (*plan.scripts(kernel, target, allow), lambda: stepwise(kernel, target, plan.literal))
    if rehearse(kernel, target, allow, scripts):
        return moves(kernel, target, done, allow)
    return list(plan.literal(kernel, target))  # all refused: the port says why


def _kind_of(target: Platform) -> ModuleType:
    """The plan for the kind of machine that the target is: many threads in lock step, few large cores, or lanes."""
    if target.lane_width > 1:
        return _plan_threads
    return _plan_tasks if any(a.level == "block" for a in target.axes) else _plan_lanes


def _tidy(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """What makes recovered code read as if a person had written it: loops that hand tiles on become one, sums of a
    tile's elements stand by themselves, block and thread loops become the loop over the index they compute, a flat
    index that the body takes apart becomes the nest it stands for.

    It ends: each step leaves fewer arrays, or fewer divisions, or as many and one loop less, or opens the way to a step
    that does.
    """
    if _try("loop_contraction", kernel, target, {"producer": "all"}) is not None:
        yield Move("loop_contraction", target, {"producer": "all"})
        return
    for order in inward(kernel):
        moved = _try("loop_reorder", kernel, target, {"order": order})
        if moved is not None and _try("loop_contraction", moved, target, {"producer": "all"}) is not None:
            yield Move("loop_reorder", target, {"order": order})
            return
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
