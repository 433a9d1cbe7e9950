"""The last step of a native plan: loops that copy tiles work on one while the next is on its way."""

from __future__ import annotations

from collections.abc import Generator

from ..ir.nodes import For, Kernel
from ..ir.visit import stmts_of
from ..platforms.base import Platform
from . import _registry as passes
from ._behind import copies_of
from ._plan import Move, extent_of
from ._plan_vector import Refusal
from ._room import bytes_used
from .base import loop_labels

WORTH = 1024  # bytes of tiles: fewer arrive before anything else could be done


def pipelined(kernel: Kernel, target: Platform) -> Generator[Move, Kernel, Kernel]:
    """Every loop with tiles worth it, where the pass does not refuse; of a nest the inner one, whose waits leave an outer
    one nothing to overlap."""
    refused: set[str] = set()
    while True:
        labels = [s["loop"] for s in passes.get("pipeline").sites(kernel, target)]
        label = next((x for x in reversed(labels) if x not in refused and _worth(kernel, target, loop_labels(kernel)[x])), None)
        if label is None:
            return kernel
        refused.add(label)  # once is enough: what it left there is no site any more
        try:
            kernel = yield Move("pipeline", target, {"loop": label})
        except Refusal:
            continue


def _worth(kernel: Kernel, target: Platform, loop: For) -> bool:
    extent = extent_of(loop)
    if extent is not None and extent < 2:
        return False
    ends = {x.buffer for s in stmts_of(loop.body) for _, *refs in copies_of(s, target) or [] for x in refs}
    tiles = {name: size for m in target.memories for name, size in bytes_used(kernel, m.name).items()}
    return sum(size for name, size in tiles.items() if name in ends) >= WORTH
