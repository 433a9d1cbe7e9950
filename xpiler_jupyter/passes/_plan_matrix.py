"""Plans for matrix products on machines of many threads: tiles on the matrix units of a warp, or in the block's memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..ir.nodes import Block, For, If, Kernel, Let
from ..ir.visit import free_vars, stmts_of, walk
from ..platforms.base import Platform
from ._contraction import Contraction, contraction
from ._loops import label_of
from ._plan import Move, parallel_chain
from ._script import Script
from ._warp_rows import matrix_units
from .base import loop_labels, replace_node

WARPS = (4, 2)  # warps of a block that uses matrix units
TILES = ((16, 16), (8, 32), (8, 16), (16, 8), (8, 8))  # rows and columns of a tile in shared memory, a thread for each
DEPTHS = (16, 32, 8)  # terms of the sum that a tile of the factors holds
LEAST = 16  # terms below which the factors are read so seldom that staging them does not pay


@dataclass(frozen=True, slots=True)
class _Product:
    """A contraction of the kernel, once its parallel loops stand in this order: the last two are rows and columns."""

    order: tuple[str, ...]
    found: Contraction
    sum: str  # label of the loop along which the factors are read
    around: str  # label of the sum's loop around that one; "" when there is none


def matrix_scripts(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Iterator[Callable[[], Script]]:
    """Native plans for a kernel that is a matrix product, best first; none for other kernels."""
    chain = parallel_chain(kernel)
    if not chain:
        return
    products = list(_products(kernel, chain))
    for product in products:
        for shape in _shapes(target, allow, product.found):
            if _divides(shape, product.found):
                yield partial(_matrix_units, kernel, target, product, shape)
    inside = _inside(kernel, chain[-1][1])
    labels = [label for label, _ in chain]
    if inside is not None and inside[1].extents[:2] in _shapes(target, allow, inside[1]):
        yield partial(_tile_as_it_is, kernel, target, labels, label_of(kernel, inside[0]))
    if target.memory("shared") is None:
        return
    if inside is not None and _is_block(target, inside[1]):
        yield partial(_block_as_it_is, kernel, target, labels, *inside)
    for product in products:
        tile = next((s for s in TILES if _divides(s, product.found)), None)
        depth = product.found.extents[-1] or 0
        step = next((n for n in DEPTHS if depth >= LEAST and depth % n == 0), None)
        if tile and step:
            yield partial(_shared_tiles, kernel, target, product, tile, step)
            return  # the tile of another order is no better where this one is refused


def _shapes(target: Platform, allow: tuple[str, ...], found: Contraction) -> list[tuple[int, int]]:
    """Rows and columns that the target's matrix units do at once for these types."""
    shapes: dict[tuple[int, int], None] = {}
    for unit in matrix_units(target.name):
        fits = unit.factors == (found.a.load.dtype, found.b.load.dtype)
        if fits and (not unit.multiply.needs or unit.multiply.needs in allow):
            shapes.setdefault(unit.shape[:2])
    return list(shapes)


def _divides(shape: tuple[int, int], found: Contraction) -> bool:
    return all(e is not None and e > 0 and e % n == 0 for e, n in zip(found.extents[:2], shape, strict=True))


def _is_block(target: Platform, found: Contraction) -> bool:
    """Are the tile's elements as many as threads of a block should be?"""
    rows, cols = found.extents[:2]
    return rows is not None and cols is not None and 64 <= rows * cols <= target.max_threads


def _products(kernel: Kernel, chain: list[tuple[str, For]]) -> Iterator[_Product]:
    """The contractions that the nest is with any two of its loops innermost; first those whose columns are neighbours
    in the result, with the loops in the order they have."""
    later: list[_Product] = []
    for cols in range(len(chain) - 1, -1, -1):
        for rows in range(len(chain) - 1, -1, -1):
            if rows == cols:
                continue
            order = [k for k in range(len(chain)) if k not in (rows, cols)] + [rows, cols]
            nest = _reordered(kernel, [lp for _, lp in chain], order)
            if nest is None:
                continue
            shaped, row_loop = nest
            found = contraction(shaped, row_loop)
            if isinstance(found, str):
                continue
            inside = {n.var: label_of(shaped, n) for n in walk(row_loop) if isinstance(n, For)}
            sums = ["", *(inside[lp.var] for lp in found.reductions)]
            product = _Product(tuple(chain[k][0] for k in order), found, sums[-1], sums[-2])
            if found.out_index.stride(found.cols.var) == 1:
                yield product
            else:
                later.append(product)
    yield from later


def _reordered(kernel: Kernel, loops: list[For], order: list[int]) -> tuple[Kernel, For] | None:
    """The kernel with the loops of the nest in another order, only to look at, and the last but one of them; None when
    the range of one depends on another."""
    if order == list(range(len(loops))):
        return kernel, loops[-2]
    own = {lp.var for lp in loops}
    if any(own & free_vars(e) for lp in loops for e in (lp.lo, lp.hi, lp.step)):
        return None
    body, nest = loops[-1].body, []
    for k in reversed(order):
        lp = dataclasses.replace(loops[k], body=body)
        nest.append(lp)
        body = Block((lp,))
    return replace_node(kernel, loops[0], nest[-1]), nest[1]


def _inside(kernel: Kernel, loop: For) -> tuple[For, Contraction] | None:
    """The rows of a contraction that is all that `loop` does, behind names, guards and other loops."""
    body = loop.body
    while True:
        stmts = [s for s in stmts_of(body) if not isinstance(s, Let)]
        inner = stmts[0] if len(stmts) == 1 else None
        if isinstance(inner, If) and inner.orelse is None:
            body = inner.then
        elif isinstance(inner, For) and inner.kind != "parallel":
            found = contraction(kernel, inner)
            if isinstance(found, Contraction):
                return inner, found
            body = inner.body
        else:
            return None


# -- scripts -----------------------------------------------------------------------------------------------------------


def _matrix_units(kernel: Kernel, target: Platform, product: _Product, shape: tuple[int, int]) -> Script:
    """A tile of the result for each warp; a few warps side by side are a block."""
    kernel, outer, tile = yield from _tiles(kernel, target, product, shape)
    grid, threads = axes_of(target)
    bind: dict[str, str] = {}
    if outer:
        last = outer[-1]
        extent = _extent(kernel, last, product, shape)
        warps = next((n for n in WARPS if extent is not None and extent % n == 0 and extent > n), None)
        if warps:
            kernel = yield Move("loop_split", target, {"loop": last, "factor": warps})
            outer[-1] = f"{last}_outer"
            bind[f"{last}_inner"] = threads[1]
    kernel, outer = yield from _fewer(kernel, target, outer, len(grid))
    bind |= dict(zip(reversed(outer), grid, strict=False))
    yield Move("loop_bind", target, {"bind": bind} if bind else {"serial": True})
    yield Move("tensorize", target, {"loop": tile[0]})


def _extent(kernel: Kernel, label: str, product: _Product, shape: tuple[int, int]) -> int | None:
    """Iterations of the loop over the tiles of the columns, else of the rows."""
    for name, extent, size in zip(product.order[:-3:-1], product.found.extents[1::-1], shape[::-1], strict=True):
        if label == f"{name}_outer" and extent is not None:
            return extent // size
    return None


def _tile_as_it_is(kernel: Kernel, target: Platform, chain: list[str], rows: str) -> Script:
    """The kernel goes over tiles already, of just the size: one for each warp."""
    grid, _ = axes_of(target)
    kernel, outer = yield from _fewer(kernel, target, chain, len(grid))
    yield Move("loop_bind", target, {"bind": dict(zip(reversed(outer), grid, strict=False))})
    yield Move("tensorize", target, {"loop": rows})


def _block_as_it_is(kernel: Kernel, target: Platform, chain: list[str], rows: For, found: Contraction) -> Script:
    """The kernel goes over tiles already: a block for each, a thread for each element."""
    inside = {n.var: label_of(kernel, n) for n in walk(rows) if isinstance(n, For)}
    grid, threads = axes_of(target)
    kernel, outer = yield from _fewer(kernel, target, chain, len(grid))
    bind = {inside[found.rows.var]: threads[1], inside[found.cols.var]: threads[0]}
    yield Move("loop_bind", target, {"bind": dict(zip(reversed(outer), grid, strict=False)) | bind})
    if len(found.reductions) > 1 and found.extents[-1] in DEPTHS:
        for factor in (found.a, found.b):
            yield Move("cache", target, {"buffer": factor.load.buffer, "memory": "shared",
                                         "at": inside[found.reductions[-2].var]})


def _shared_tiles(kernel: Kernel, target: Platform, product: _Product, shape: tuple[int, int], depth: int) -> Script:
    """A tile of the result for each block, a thread for each element; the factors' tiles go through shared memory."""
    kernel, outer, tile = yield from _tiles(kernel, target, product, shape)
    place = product.around
    if product.found.extents[-1] != depth:
        kernel = yield Move("loop_split", target, {"loop": product.sum, "factor": depth})
        place = f"{product.sum}_outer"
    grid, threads = axes_of(target)
    kernel, outer = yield from _fewer(kernel, target, outer, len(grid))
    bind = dict(zip(reversed(outer), grid, strict=False)) | {tile[0]: threads[1], tile[1]: threads[0]}
    yield Move("loop_bind", target, {"bind": bind})
    if product.found.total.buffer == product.found.out.buffer:  # the sum is kept by the thread, not in the result
        yield Move("cache", target, {"buffer": product.found.out.buffer, "memory": "local", "at": ""})
    along = product.found.reductions[-1].var
    for factor in (product.found.a, product.found.b):
        knobs: dict[str, Any] = {"buffer": factor.load.buffer, "memory": "shared", "at": place}
        if factor is product.found.b and factor.index.stride(along) == 1:
            knobs["round"] = depth + 1  # neighbouring threads read neighbouring lines: they lie in different banks so
        yield Move("cache", target, knobs)


def _tiles(kernel: Kernel, target: Platform, product: _Product, shape: tuple[int, int]
           ) -> Generator[Move, Kernel, tuple[Kernel, list[str], list[str]]]:
    """Splits rows and columns by the tile's shape and moves the tile inside. The loops around it, and its own."""
    outer, tile = list(product.order[:-2]), []
    for label, extent, size in zip(product.order[-2:], product.found.extents, shape, strict=False):
        if extent == size:
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


def axes_of(target: Platform) -> tuple[list[str], list[str]]:
    """The target's grid and block axes, fastest first."""
    return [a.name for a in target.axes if a.level == "grid"], [a.name for a in target.axes if a.level == "block"]
