"""The literal plan for machines of few large cores: the iterations of the outermost parallel loops in equal shares over the
cores of one job, everything else as it is."""

from __future__ import annotations

from collections.abc import Generator

from ..errors import IllegalPassError
from ..ir.nodes import For, Kernel
from ..platforms.base import Platform
from ..platforms.host_api import JobType
from ._plan import Move, extent_of, parallel_chain
from ._script import Script
from .base import loop_labels


def spread(kernel: Kernel, target: Platform) -> Script:
    """Split the outermost parallel loop into one part per core and bind the parts.

    Raises:
        IllegalPassError: no loop is parallel.
    """
    _, most = fitting_job(target, None)
    chain = parallel_chain(kernel, names=True)
    while len(chain) >= 2 and (n := extent_of(chain[0][1])) is not None and n < most:
        kernel = yield Move("loop_fuse", target, {"outer": chain[0][0], "inner": chain[1][0]})
        chain = parallel_chain(kernel, names=True)
    job = fitting_job(target, chain[0][1])[0] if chain else None
    if job is None:
        raise IllegalPassError("no outer loop is parallel: one core does everything")
    label, loop = chain[0]
    if extent_of(loop) is None:
        kernel = yield from dealt_out(kernel, target, label, job)
    elif extent_of(loop) != job.tasks:
        kernel = yield Move("loop_split", target, {"loop": label, "parts": job.tasks, "names": ["task"]})
    yield from bound(kernel, target, job)


def dealt_out(kernel: Kernel, target: Platform, label: str, job: JobType) -> Generator[Move, Kernel, Kernel]:
    """The iterations of the outermost loop in turn to the tasks, which are the outermost loop then. A share of an unknown
    size would multiply two unknowns in every index, which no analysis sees through: task t gets the iterations t,
    t + tasks, t + 2 tasks, ... instead. Raises IllegalPassError where they are not known to be independent."""
    names = [f"{loop_labels(kernel)[label].var}_round", "task"]
    kernel = yield Move("loop_split", target, {"loop": label, "factor": job.tasks, "names": names})
    order = [name for name, _ in parallel_chain(kernel, names=True)[:2]]
    if len(order) < 2:
        raise IllegalPassError(f"the parts of loop {label} are not known to be independent")
    return (yield Move("loop_reorder", target, {"order": order[::-1]}))


def bound(kernel: Kernel, target: Platform, job: JobType) -> Generator[Move, Kernel, Kernel]:
    """The outermost loop, which has as many iterations as the job has tasks, bound to the cores."""
    axes = {a.place: a.name for a in target.axes if a.level == "block"}
    label = next(iter(loop_labels(kernel)))
    x, y, _ = job.block
    if y == 1:
        return (yield Move("loop_bind", target, {"bind": {label: axes["x"]}}))
    kernel = yield Move("loop_split", target, {"loop": label, "factor": x, "names": ["cluster", "core"]})
    outer, inner = list(loop_labels(kernel))[:2]
    return (yield Move("loop_bind", target, {"bind": {outer: axes["y"], inner: axes["x"]}}))


def fitting_job(target: Platform, loop: For | None) -> tuple[JobType | None, int]:
    """The job for a loop whose iterations go to tasks, and how many tasks there are at most."""
    jobs = target.api.jobs if target.api is not None else ()
    most = _most(jobs, target)
    return (_fitting(jobs, most, loop) if loop is not None else None), most


def _most(jobs: tuple[JobType, ...], target: Platform) -> int:
    """How many tasks the usual job has; the largest legal one where nothing is usual."""
    usual = {a.place: target.usual.get(a.extent_name) for a in target.axes if a.level == "block"}
    x, y = usual.get("x"), usual.get("y")
    return x * y if x and y else max((j.tasks for j in jobs), default=0)


def _fitting(jobs: tuple[JobType, ...], most: int, loop: For) -> JobType | None:
    """The largest job up to the usual one that the loop fills, rather half as large when the shares are equal then, or no
    share is empty; for a shorter loop the smallest job of several tasks."""
    several = sorted((j for j in jobs if 1 < j.tasks <= most), key=lambda j: j.tasks)
    extent = extent_of(loop)
    filled = [j for j in several if extent is None or j.tasks <= extent]
    if filled and extent is not None:
        large = [j for j in filled if 2 * j.tasks >= filled[-1].tasks]
        equal = [j for j in large if extent % j.tasks == 0]
        busy = [j for j in large if (j.tasks - 1) * -(-extent // j.tasks) < extent]
        return (equal or busy or filled)[-1]
    return filled[-1] if filled else several[0] if several else None
