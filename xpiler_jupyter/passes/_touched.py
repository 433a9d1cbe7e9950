"""What a staged tile must be copied in and out of: decided so that no element is touched that the kernel leaves alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..dataflow.exposure import reads_before_writing, surely_written
from ..dataflow.extents import extents
from ..ir.algebra import ZERO, Poly, Scope
from ..ir.build import integer, loop
from ..ir.nodes import Block, Expr, Node, Var
from ._clip import Clip, clip_of
from ._footprint import STEP, Tile, coordinates, indices_of

if TYPE_CHECKING:
    from ._stage import _Stage


@dataclass(frozen=True, slots=True)
class Need:
    """For each direction, None or what of the tile is copied: polynomials over the coordinates that are >= 0."""

    copy_in: tuple[Poly, ...] | None
    copy_out: tuple[Poly, ...] | None
    assumptions: tuple[str, ...] = ()


def what_to_copy(s: _Stage, tile: Tile) -> Need:
    """Raises IllegalPassError where a copy would not keep the meaning."""
    if s.plan.filled is not None:
        return Need(s.plan.filled, None)
    at = coordinates(tile)
    inside = s.scope
    for x, d in zip(at, tile.dims, strict=True):
        inside = inside.loop(loop(x.name, integer(d.extent), Block()))
    writes = [p for p in tile.places if p.form.touch.write]
    reads = [p for p in tile.places if not p.form.touch.write]
    whole_out = True
    out: Clip | None = None
    if writes:
        twice = aliased(tile, s.scope)
        if twice is not None:  # two copies of one element would drift apart
            raise s.no(f"two places of the tile of {s.buffer} may be the same element", twice)
        out = clip_of(replace(tile, places=tuple(writes)), at, inside)
        whole_out = out.exact and (out.sure or surely_written(s.kernel, s.buffer, s.loop))
        if not whole_out and s.axes:
            raise s.no(f"which elements of {s.buffer} {s.where} writes depends on more than its loops, so a copy would "
                       "write elements of other threads", writes[0].form.touch.node)
    needed = not whole_out or (bool(reads) and (not writes or s.shared or reads_before_writing(
        s.kernel, s.buffer, s.loop)))
    if needed and not s.plan.copy_in:
        raise s.no(f"{s.where} reads values of {s.buffer} from before", s.loop)
    copy_in: Clip | None = None
    if needed:
        places = tile.places if not whole_out else tuple(reads)
        copy_in = clip_of(replace(tile, places=places), at, inside)
        if not (copy_in.exact and copy_in.sure):
            copy_in = replace(copy_in, needs=_existing(s, tile, copy_in, at, inside))
        if not whole_out:
            out = copy_in
    return Need(copy_in.needs if copy_in else None, out.needs if out else None)


def _existing(s: _Stage, tile: Tile, clip: Clip, at: list[Var], scope: Scope) -> tuple[Poly, ...]:
    """The clip, and where it is not enough that the element exists at all."""
    xs = [Poly.atom(x) for x in at]
    sizes: list[Expr | None]
    if s.alloc is not None:
        raise s.no(f"whether all of the tile of {s.buffer} has been written before is not known",
                   tile.places[0].form.touch.node)
    param = s.kernel.param(s.buffer)
    assert param is not None
    known = param.extent if param.extent is not None else extents(s.kernel).get(s.buffer)
    sizes = [known]
    given = scope
    for p in clip.needs:
        given = given.fact(p)
    more: list[Poly] = []
    for size, index in zip(sizes, indices_of(tile.flat(xs), s.rank), strict=True):
        if size is None:
            raise s.no(f"the tile of {s.buffer} is more than what is touched of it, and how large {s.buffer} is, is not known",
                       tile.places[0].form.touch.node)
        high = scope.poly(size) - index.plus(1)
        more += [p for p in (high, index) if not given.nonneg(p)]
    away = {x.name for x in s.kernel.sizes} & {name for p in more for name in p.names()}
    if away:
        raise s.no(f"the tile of {s.buffer} is more than what is touched of it, and how large {s.buffer} is, only the host "
                   f"knows ({', '.join(sorted(away))})", tile.places[0].form.touch.node)
    return (*clip.needs, *more)


def aliased(tile: Tile, scope: Scope) -> Node | None:
    """An access that may touch one element of the buffer at two coordinates of the tile; None when there is none."""
    groups: dict[str, list[int]] = {}
    for d, dim in enumerate(tile.dims):
        steps = sorted(n for n in dim.stride.names() if n.startswith(STEP))
        groups.setdefault(steps[0] if steps else "", []).append(d)
    for dims in groups.values():
        for k, d in enumerate(dims[:-1]):
            inner = dims[k + 1:]
            reach = ZERO
            for e in inner:
                reach = reach + tile.dims[e].stride.scale(tile.dims[e].extent - 1)
            if scope.nonneg((tile.dims[d].stride - reach).plus(-1)):
                continue
            for p in tile.places:
                reach = ZERO
                for e in inner:
                    reach = reach + tile.dims[e].stride * p.at[e]
                if not p.form.touch.scope.nonneg((tile.dims[d].stride - reach).plus(-1)):
                    node: Node = p.form.touch.node
                    return node
    return None
