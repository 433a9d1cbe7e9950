"""Where tasks run in jobs of fixed shapes, block axes get the extents of a legal job, and the tasks too many do nothing."""

from __future__ import annotations

from collections.abc import Mapping

from ..ir.build import integer, lt
from ..ir.nodes import Const, Expr, Var
from ..ir.types import I32
from ..platforms.base import Platform


def whole_job(extent: Mapping[str, Expr], target: Platform) -> tuple[dict[str, Expr], tuple[Expr, ...]]:
    """(extents by axis name, what must hold for a task to have work).

    Args:
        extent: extents by axis name as the loops have them; those of block axes are constants.
        target: where the kernel will run. Where its jobs may have any shape nothing changes.
    """
    jobs = target.api.jobs if target.api is not None else ()
    block = {a.name: "xyz".index(a.place) for a in target.axes if a.level == "block"}
    needed = [1, 1, 1]
    for name, place in block.items():
        e = extent.get(name)
        needed[place] = int(e.value) if isinstance(e, Const) else 1
    fitting = [j for j in jobs if all(have >= want for have, want in zip(j.block, needed, strict=True))]
    if not fitting:
        return dict(extent), ()
    shape = min(fitting, key=lambda j: j.tasks).block
    out, conditions = dict(extent), []
    for name, place in block.items():
        if shape[place] > 1:
            out[name] = integer(shape[place])
        if shape[place] > needed[place]:
            conditions.append(lt(Var(name, I32), integer(needed[place])))
    return out, tuple(conditions)
