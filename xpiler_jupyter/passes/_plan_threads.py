"""The default plan for machines of many threads: the outer parallel loops to the grid, the innermost one to threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..ir.nodes import Kernel
from ..platforms.base import Platform
from ._plan import Move, extent_of, parallel_chain
from ._plan_matrix import axes_of, matrix_scripts
from ._script import Script

THREADS = 256  # a block size that every GPU of the last decade fills well
MIN_INNER = 32  # below one warp of the narrower machines, the innermost loop alone is no block


def scripts(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Iterator[Callable[[], Script]]:
    """Native plans, best first."""
    yield from matrix_scripts(kernel, target, allow)


def literal(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """Shape the outermost parallel nest to the target's axes: the innermost loop to threads, the others to the grid."""
    grid, threads = axes_of(target)
    chain = parallel_chain(kernel)
    if not chain:
        yield Move("loop_bind", target, {"serial": True})
        return
    inner_label, inner = chain[-1]
    extent = extent_of(inner)
    if len(chain) >= 2 and (len(chain) > len(grid) + 1 or (extent is not None and extent < MIN_INNER)):
        yield Move("loop_fuse", target, {"outer": chain[-2][0], "inner": inner_label})
    if extent is None or extent > target.max_threads or (len(chain) == 1 and extent > THREADS):
        yield Move("loop_split", target, {"loop": inner_label, "factor": THREADS})
    outer = [label for label, _ in chain[:-1]]
    bind = {label: axis for label, axis in zip(reversed(outer), grid, strict=False)} | {inner_label: threads[0]}
    yield Move("loop_bind", target, {"bind": bind})
    yield Move("loop_bind", target, {"serial": True})
