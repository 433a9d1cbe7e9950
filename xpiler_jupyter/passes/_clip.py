"""Which coordinates of a tile are really touched: the loops' bounds and the conditions, said of the tile's coordinates.

A copy of a tile may move no element that the kernel itself would not touch: not one beyond the end of a buffer, and out
of a written tile none that was not written. What is known comes as polynomials that must be >= 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import lcm

from ..ir.algebra import ZERO, Poly, Scope
from ..ir.guards import minimum_of
from ..ir.nodes import Var
from ._footprint import Place, Span, Tile


@dataclass(frozen=True, slots=True)
class Clip:
    """`needs`: polynomials over the coordinates (and what is in scope) that are >= 0 for what is touched. `exact`: all
    that satisfies them is touched, provided that the conditions in the text that could not be read hold; `sure`: there
    are none of those."""

    needs: tuple[Poly, ...]
    exact: bool
    sure: bool


def clip_of(tile: Tile, coordinates: list[Var], scope: Scope) -> Clip:
    """What of the tile its accesses touch. `scope` knows the ranges of the coordinates, 0 to the tile's extents."""
    found = [_of_place(tile, p, coordinates, scope) for p in tile.places]
    for f in found:
        if all(set(f.needs) <= set(g.needs) for g in found):
            return Clip(f.needs, f.exact, any(g.sure and g.exact and g.needs == f.needs for g in found))
    common = [n for n in found[0].needs if all(n in f.needs for f in found)]
    return Clip(tuple(common), False, all(f.sure for f in found))


def _of_place(tile: Tile, place: Place, coordinates: list[Var], scope: Scope) -> Clip:
    t = place.form.touch
    inner = {loop.var: loop for loop in t.loops}
    xs = [Poly.atom(c) for c in coordinates]
    exact, needs = True, []
    wanted: list[tuple[Poly, str]] = [(p, "") for p in t.needs]
    indexed = {s.var.name: s for row in place.spans for _, s in row}
    for loop in t.loops:
        span = indexed.get(loop.var)
        if span is None:
            wanted.append((t.scope.poly(loop.hi) - t.scope.poly(loop.lo) - Poly.const(1), ""))
        elif not span.exact:
            v = Poly.atom(span.var)
            wanted += [(high.plus(-1) - v, loop.var) for high in map(t.scope.poly, minimum_of(loop.hi))]
            if t.scope.poly(loop.lo) != span.lo:
                wanted.append((v - t.scope.poly(loop.lo), ""))
    for p, loop_name in wanted:
        got = _translate(p, loop_name, place, xs, set(inner))
        if got is None or got.names() & t.inside:
            exact = exact and p.value is not None and p.value >= 0
        elif not scope.nonneg(got):
            needs.append(got)
    for row, offset, x, dim in zip(place.spans, place.offsets, xs, tile.dims, strict=True):
        exact = exact and _dense(row)
        top = offset + sum(q * s.reach for q, s in row)
        if offset > 0:
            needs.append(x.plus(-offset))
        if top < dim.extent - 1:
            needs.append(Poly.const(top) - x)
    return Clip(tuple(dict.fromkeys(needs)), exact, t.sure)


def _dense(row: tuple[tuple[int, Span], ...]) -> bool:
    """Do the spans reach every number up to their sum?"""
    total = 0
    for q, s in sorted(row, key=lambda part: part[0] * part[1].step):
        if q * s.step > total + 1:
            return False
        total += q * s.reach
    return True


def _translate(p: Poly, loop: str, place: Place, xs: list[Poly], inner: set[str]) -> Poly | None:
    """p >= 0 said of the coordinates, or None. `loop`: p bounds this loop from above."""
    spans = [s for row in place.spans for _, s in row]
    left = p
    factors: dict[str, int] = {}
    for s in spans:
        c, rest = left.collect(s.var)
        if c == ZERO:
            continue
        if c.value is None:
            return None
        factors[s.var.name] = c.value * s.sign
        # var = start + sign * move
        start = Poly.atom(s.var) - s.move.scale(s.sign)
        left = rest + start.scale(c.value)
    if left.names() & inner:
        return None
    for scale in (1, lcm(*(q for row in place.spans for q, _ in row)) if spans else 1):
        out: Poly | None = left.scale(scale)
        for row, offset, x in zip(place.spans, place.offsets, xs, strict=True):
            share = _share({n: f * scale for n, f in factors.items()}, row)
            if share is None:
                out = None
                break
            assert out is not None
            out = out + (x.plus(-offset)).scale(share)
        if out is not None:
            return out
    return _outermost(left, factors, loop, place, xs)


def _share(factors: dict[str, int], row: tuple[tuple[int, Span], ...]) -> int | None:
    """k when the factors of this dimension's spans are k times what the coordinate has."""
    shares = {(factors.get(s.var.name, 0), q) for q, s in row}
    values = {f // q if f % q == 0 else None for f, q in shares}
    return (values or {0}).pop() if len(values) <= 1 else None


def _outermost(left: Poly, factors: dict[str, int], loop: str, place: Place, xs: list[Poly]) -> Poly | None:
    """left - move >= 0 where `move` is the slowest of several spans of one coordinate: x = q * move + less than q."""
    for row, offset, x in zip(place.spans, place.offsets, xs, strict=True):
        order = sorted(row, key=lambda part: part[0])
        if not order:
            continue
        q, slow = order[-1]
        if set(factors) != {slow.var.name} or slow.var.name != loop or factors[loop] != -1 or slow.step != 1:
            continue
        if all(s.exact for _, s in order[:-1]) and q == 1 + sum(k * s.reach for k, s in order[:-1]) and all(
                a[0] <= b[0] for a, b in pairwise(order)):
            return left.plus(1).scale(q) - x.plus(-offset).plus(1)
    return None
