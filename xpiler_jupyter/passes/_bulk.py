"""Copies of a tile by the instrs of the target: one run of elements, or equal runs at a stride."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..ir.algebra import ONE, Poly, Scope
from ..ir.build import conjunction, guarded, integer, loop
from ..ir.guards import minimum_of
from ..ir.nodes import AnyStmt, Block, Cast, Expr, For, InstrCall, Ref
from ..ir.simplify import simplify_block
from ..ir.types import I32, ScalarType
from ..platforms.base import CopyRows, Platform
from ._copies import Box, bounds_of, compare, condition

Refs = Callable[[tuple[Expr, ...], Scope], tuple[Ref, Ref]]  # a coordinate -> (in the staging array, in the buffer)


@dataclass(frozen=True, slots=True)
class Layout:
    """Per coordinate how many elements apart its neighbours are: in the staging array, and in the buffer. `order`: the
    coordinate that runs fastest in the staging array last."""

    mine: tuple[int, ...]
    theirs: tuple[Poly, ...]
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """`count` neighbours along coordinate k, `mine` and `theirs` elements apart; `clip`: the coordinate that clips the
    count, -1 when none does."""

    k: int
    count: Poly
    mine: int
    theirs: Poly
    clip: int = -1


def bulk_copy(box: Box, layout: Layout, refs: Refs, fill: bool, scope: Scope, platform: Platform, rows: CopyRows,
              dtype: ScalarType, single: bool = False, later: bool = False) -> tuple[AnyStmt, ...] | None:
    """The calls that copy the box, in loops where one call cannot; None where no row fits at all. `single`: segments of
    one element are worth a call. `later`: they may run behind, until the rows' wait."""
    plain = platform.instr(f"{rows.later if later else rows.plain}.{dtype}")
    strided = platform.instr(f"{rows.later_strided if later else rows.strided}.{dtype}.2")
    highs, outside, rest = bounds_of(box, scope)
    if plain is None or rest:
        return None
    around = scope
    for p in outside:
        scope = scope.fact(p)
    runs = [_Run(k, scope.poly(highs[k]), layout.mine[k], layout.theirs[k],
                 -1 if highs[k] == integer(box.extents[k]) else k) for k in layout.order]
    inner = _merged(runs, scope)
    run = inner.pop() if inner and inner[-1].mine == 1 and inner[-1].theirs == ONE else _Run(-1, ONE, 1, ONE)
    if run.k < 0 and not single and not all(r.mine == 0 for r in inner):
        return None
    size = run.count.scale(dtype.bytes)
    if rows.granule > 1 and (size.value is None or size.value % rows.granule):
        return None
    segments = inner.pop() if inner and strided is not None else None
    loops: list[For] = []
    at: dict[int, Expr] = {}
    for r in inner:
        x = box.coordinates[r.k]
        lp = loop(x.name, scope.expr(r.count, I32), Block())
        loops.append(lp)
        at[r.k] = x
        scope = scope.loop(lp)
    place = tuple(at.get(k, integer(0)) for k in range(len(box.coordinates)))
    mine, theirs = refs(place, scope)
    values: dict[str, Expr] = {"dst": mine if fill else theirs, "src": theirs if fill else mine,
                               "size": scope.expr(size, I32)}
    row = plain
    if segments is not None:
        assert strided is not None
        row = strided
        far, near = (integer(segments.mine * dtype.bytes), scope.expr(segments.theirs.scale(dtype.bytes), I32))
        values |= {"dst_stride": far if fill else near, "src_stride": near if fill else far,
                   "segnum": scope.expr(segments.count.plus(-1), I32)}
    args: list[Expr] = []
    for o in row.operands:
        if o.name not in values or isinstance(o.dtype, str):
            return None
        value = values[o.name]
        args.append(value if isinstance(value, Ref) or value.dtype == o.dtype else Cast(value, o.dtype, implicit=True))
    counted = [highs[r.clip] for r in (run, segments) if r is not None and r.clip >= 0]
    asked = [scope.poly(e).plus(-1) for hi in counted for e in minimum_of(hi)]
    some = conjunction([compare(p, scope) for p in asked if not scope.nonneg(p)])
    block = guarded(some, Block((InstrCall(row.name, tuple(args)),)))
    for lp in reversed(loops):
        block = Block((loop(lp.var, lp.hi, block),))
    return simplify_block(guarded(condition(outside, around), block), around).stmts


def _merged(runs: list[_Run], scope: Scope) -> list[_Run]:
    """Coordinates that lie end to end on both sides become one; those of one element vanish."""
    out: list[_Run] = []
    for r in reversed(runs):
        if r.clip < 0 and r.count == ONE:
            continue
        last = out[-1] if out else None
        if last is not None and last.clip < 0 and last.count.value is not None and (
                r.mine == last.mine * last.count.value and r.theirs == last.theirs * last.count):
            out[-1] = _Run(last.k, last.count * r.count, last.mine, last.theirs, r.clip)
        else:
            out.append(r)
    return out[::-1]
