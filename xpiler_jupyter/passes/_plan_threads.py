"""The default plan for machines of many threads: the outer parallel loops to the grid, the innermost one to threads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial

from ..ir.nodes import For, Kernel
from ..ir.visit import walk
from ..platforms.base import Platform
from . import _registry
from ._contraction import Contraction, contraction
from ._loops import label_of
from ._plan import Move, extent_of, parallel_chain
from ._script import Script
from ._warp_rows import matrix_units
from .base import loop_labels

THREADS = 256  # a block size that every GPU of the last decade fills well
TILE = 16  # rows and columns of a tile in shared memory: 256 threads
WARPS = 4  # warps of a block that uses matrix units
MIN_INNER = 32  # below one warp of the narrower machines, the innermost loop alone is no block


def scripts(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Iterator[Callable[[], Script]]:
    """Native plans, best first: a matrix product on the matrix units of a warp, or by tiles in the block's memory."""
    chain = parallel_chain(kernel)
    if len(chain) < 2 or not {"tensorize", "cache"} <= set(_registry.names()):
        return
    found = contraction(kernel, chain[-2][1])
    if isinstance(found, str):
        return
    labels = [label for label, _ in chain]
    shapes: dict[tuple[int, int], None] = {}
    for unit in matrix_units(target.name):
        fits = unit.factors == (found.a.load.dtype, found.b.load.dtype)
        if fits and (not unit.multiply.needs or unit.multiply.needs in allow):
            shapes.setdefault(unit.shape[:2])
    for shape in shapes:
        if _divides(shape, found.rows, found.cols):
            yield partial(_matrix_units, kernel, target, labels, found, shape)
    if _divides((TILE, TILE), found.rows, found.cols) and target.memory("shared"):
        yield partial(_shared_tiles, kernel, target, labels, found)


def _divides(shape: tuple[int, int], rows: For, cols: For) -> bool:
    extents = extent_of(rows), extent_of(cols)
    return all(e is not None and e % n == 0 and e > 0 for e, n in zip(extents, shape, strict=True))


def _matrix_units(kernel: Kernel, target: Platform, chain: list[str], found: Contraction, shape: tuple[int, int]) -> Script:
    """A tile of the result for each warp; blocks of up to WARPS warps side by side."""
    kernel, outer, tile = yield from _tiles(kernel, target, chain, found, shape)
    grid, threads = _axes(target)
    bind: dict[str, str] = {}
    if outer:
        extent = extent_of(loop_labels(kernel)[outer[-1]])
        warps = next((n for n in (WARPS, WARPS // 2) if extent is not None and extent % n == 0 and extent > n), 1)
        if warps > 1:
            last = outer[-1]
            kernel = yield Move("loop_split", target, {"loop": last, "factor": warps})
            outer[-1] = f"{last}_outer"
            bind[f"{last}_inner"] = threads[1]
    kernel, outer = yield from _fewer(kernel, target, outer, len(grid))
    bind |= dict(zip(reversed(outer), grid, strict=False))
    yield Move("loop_bind", target, {"bind": bind} if bind else {"serial": True})
    yield Move("tensorize", target, {"loop": tile[0]})


def _shared_tiles(kernel: Kernel, target: Platform, chain: list[str], found: Contraction) -> Script:
    """A tile of the result for each block, a thread for each element; the factors' tiles go through shared memory."""
    inside = [n for n in walk(found.rows) if isinstance(n, For) and n.var == found.reductions[-1].var]
    k = label_of(kernel, inside[0])
    kernel, outer, tile = yield from _tiles(kernel, target, chain, found, (TILE, TILE))
    if extent_of(found.reductions[-1]) != TILE:
        kernel = yield Move("loop_split", target, {"loop": k, "factor": TILE})
        k = f"{k}_outer"
    grid, threads = _axes(target)
    kernel, outer = yield from _fewer(kernel, target, outer, len(grid))
    bind = dict(zip(reversed(outer), grid, strict=False)) | {tile[0]: threads[1], tile[1]: threads[0]}
    yield Move("loop_bind", target, {"bind": bind})
    for factor in (found.a, found.b):
        yield Move("cache", target, {"buffer": factor.load.buffer, "memory": "shared", "at": k})


def _tiles(kernel: Kernel, target: Platform, chain: list[str], found: Contraction, shape: tuple[int, int]
           ) -> Generator[Move, Kernel, tuple[Kernel, list[str], list[str]]]:
    """Splits rows and columns by the tile's shape and moves the tile inside. The loops around it, and its own."""
    outer, tile = list(chain[:-2]), []
    for label, loop, size in zip(chain[-2:], (found.rows, found.cols), shape, strict=True):
        if extent_of(loop) == size:
            tile.append(label)
        else:
            kernel = yield Move("loop_split", target, {"loop": label, "factor": size})
            outer.append(f"{label}_outer")
            tile.append(f"{label}_inner")
    order = [*outer, *tile]
    if [label for label in loop_labels(kernel) if label in order] != order:
        kernel = yield Move("loop_reorder", target, {"order": order})
    return kernel, outer, tile


def _fewer(kernel: Kernel, target: Platform, outer: list[str], most: int
           ) -> Generator[Move, Kernel, tuple[Kernel, list[str]]]:
    """Fuses the outermost loops until there are no more of them than grid axes."""
    while len(outer) > most:
        before = set(loop_labels(kernel))
        kernel = yield Move("loop_fuse", target, {"outer": outer[0], "inner": outer[1]})
        fused = next(label for label in loop_labels(kernel) if label not in before)
        outer = [fused, *outer[2:]]
    return kernel, outer


def _axes(target: Platform) -> tuple[list[str], list[str]]:
    """The target's grid and block axes, fastest first."""
    return [a.name for a in target.axes if a.level == "grid"], [a.name for a in target.axes if a.level == "block"]


def literal(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """Shape the outermost parallel nest to the target's axes: the innermost loop to threads, the others to the grid."""
    grid, threads = _axes(target)
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
