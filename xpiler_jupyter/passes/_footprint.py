"""What a piece of a kernel touches of one buffer, as a dense tile: base + sum of stride_d * x_d with 0 <= x_d < extent_d.

The piece is the body of one iteration of a loop (or of one thread); its inner loops span the tile. Indices are taken
apart by the strides of the inner loops: strides that overlap (`i * s + k` of a window) make one dimension, others
separate ones. What is not linear in the inner loops has no tile, and `NoTile` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd
from typing import Any

from ..ir.algebra import ONE, ZERO, Poly, Scope
from ..ir.nodes import For, Load, Node, Ref, Var
from ..ir.poly import Opaque
from ..ir.visit import walk
from ._touches import Touch

STEP = "step of dimension "  # no name of a kernel has blanks


class NoTile(Exception):
    """Why the accesses have no common tile; one sentence, and where."""

    def __init__(self, reason: str, node: Node | None = None) -> None:
        super().__init__(reason)
        self.node = node


@dataclass(frozen=True, slots=True)
class Span:
    """An inner loop as seen by an index: `move` runs over 0, step, 2 * step ... up to at most `reach`. `exact`: up to
    `reach` whatever the sizes are. `lo` is where the loop starts, `sign` -1 when `move` counts down from its end."""

    var: Var
    lo: Poly
    move: Poly
    reach: int
    step: int
    exact: bool
    sign: int = 1


@dataclass(frozen=True, slots=True)
class Form:
    """One access: flat index = base + sum of coefficient * span.move, coefficients > 0."""

    touch: Touch
    base: Poly
    terms: tuple[tuple[Poly, Span], ...]


@dataclass(frozen=True, slots=True)
class Dim:
    """One dimension of the tile: elements `stride` apart in the buffer."""

    stride: Poly
    extent: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where one access lies in the tile: its coordinates as polynomials of the loops, and per dimension the spans with
    their factors and the constant offset that make them up."""

    form: Form
    at: tuple[Poly, ...]
    spans: tuple[tuple[tuple[int, Span], ...], ...]
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """`base` is the flat index of the tile's first element; dimensions outermost first."""

    base: Poly
    dims: tuple[Dim, ...]
    places: tuple[Place, ...]

    @property
    def elements(self) -> int:
        n = 1
        for d in self.dims:
            n *= d.extent
        return n

    def flat(self, at: Iterable[Poly]) -> Poly:
        """The index in the buffer of a coordinate."""
        out = self.base
        for d, x in zip(self.dims, at, strict=True):
            out = out + d.stride * x
        return out


def tile_of(touches: list[Touch]) -> Tile:
    """The tile of the accesses of one buffer. Raises NoTile."""
    forms = [_form(t) for t in touches]
    dims = _dims(forms)
    strides = [s for s, _ in dims]
    homes = dict(_homes(dims))
    first = forms[0].base
    rests = [r[1].value for f in forms if (r := _offsets(f.base - first, strides)) is not None]
    between = gcd(*(r for r in rests if r is not None))
    if between:  # places between the steps of the loops: A[2 * i] and A[2 * i + 1]
        strides.append(Poly.const(between))
    raw: list[tuple[Form, list[list[tuple[int, Span]]], list[int], list[int]]] = []
    for f in forms:
        found = _offsets(f.base - first, strides)
        offsets, rest = found if found is not None else ([], ZERO)
        if found is None or rest != ZERO:
            raise NoTile("is accessed at places that are not a constant distance apart", f.touch.node)
        spans: list[list[tuple[int, Span]]] = [[] for _ in strides]
        for c, span in f.terms:
            d = homes[c]
            q = c.exact_div(strides[d])
            assert q is not None and q.value is not None
            spans[d].append((q.value, span))
        tops = [o + sum(q * s.reach for q, s in row) for o, row in zip(offsets, spans, strict=True)]
        raw.append((f, spans, offsets, tops))
    low = [min(r[2][d] for r in raw) for d in range(len(strides))]
    high = [max(r[3][d] for r in raw) for d in range(len(strides))]
    base = first
    for s, k in zip(strides, low, strict=True):
        base = base + s.scale(k)
    places = []
    for f, spans, offsets, _ in raw:
        shifted = [o - k for o, k in zip(offsets, low, strict=True)]
        at = []
        for o, row in zip(shifted, spans, strict=True):
            x = Poly.const(o)
            for times, span in row:
                x = x + span.move.scale(times)
            at.append(x)
        places.append(Place(f, tuple(at), tuple(map(tuple, spans)), tuple(shifted)))
    sized = tuple(Dim(s, h - k + 1) for s, k, h in zip(strides, low, high, strict=True))
    return Tile(base, sized, tuple(places))


# -- one access --------------------------------------------------------------------------------------------------------


def step_of(k: int) -> Poly:
    """The distance of two elements along dimension k of an array with several: a symbol, so that they stay apart."""
    return Poly.atom(Var(f"{STEP}{k}"))


def flat_index(t: Touch) -> Poly:
    """The index of an access as one number; with several dimensions, the sum of index times step."""
    if len(t.node.indices) == 1:
        return t.scope.poly(t.node.indices[0])
    out = ZERO
    for k, i in enumerate(t.node.indices):
        out = out + t.scope.poly(i) * step_of(k)
    return out


def _form(t: Touch) -> Form:
    p = flat_index(t)
    inner = {loop.var for loop in t.loops}
    terms: list[tuple[Poly, Span]] = []
    base = p
    for loop in t.loops:
        var = Var(loop.var, loop.dtype)
        c, _ = base.collect(var)
        if c == ZERO:
            continue
        sign = c.replace(lambda a: ONE if isinstance(a, Var) and a.name.startswith(STEP) else None)
        down = t.scope.nonneg(-sign)
        if not down and not t.scope.nonneg(sign):
            raise NoTile(f"has an index whose direction along {loop.var} is not known", t.node)
        span = span_of(loop, t.scope, inner, down)
        if span is None:
            raise NoTile(f"is accessed over loop {loop.var}, whose number of iterations has no constant bound: split "
                         "that loop first", loop)
        size = -c if down else c
        base = base - size * span.move
        terms.append((size, span))
    if any(_reads(a) for a in base.all_atoms()) or any(_reads(a) for c, _ in terms for a in c.all_atoms()):
        raise NoTile("has an index that is read from memory", t.node)
    if base.names() & inner or any(c.names() & inner for c, _ in terms):
        raise NoTile("has an index that is not linear in the inner loops", t.node)
    if base.names() & t.inside or any(c.names() & t.inside for c, _ in terms):
        raise NoTile(f"has an index that depends on {sorted(base.names() & t.inside)[0]}, which is set inside", t.node)
    return Form(t, base, tuple(terms))


def _reads(atom: Any) -> bool:
    return isinstance(atom, Opaque) and any(isinstance(n, Load | Ref) for n in walk(atom.expr))


def span_of(loop: For, scope: Scope, inner: set[str], down: bool = False) -> Span | None:
    """The loop's variable as a start and a move from there; None when no constant bounds the move."""
    var = Var(loop.var, loop.dtype)
    v, step = Poly.atom(var), scope.poly(loop.step).value
    if step is None or step < 1:
        return None
    lo, hi = scope.poly(loop.lo), scope.poly(loop.hi)
    if lo.names() & inner or any(_reads(a) for a in lo.all_atoms()):
        low = scope.lower(v)
        if low is None:
            return None
        lo, step = Poly.const(low), 1
    trip, top = (hi - lo).value, scope.upper(v - lo)
    if trip is not None:
        # What is known inside a loop that runs says nothing of whether it runs: min(1, n) is 1 there.
        always = (Scope().poly(loop.hi) - Scope().poly(loop.lo)).value == trip
        reach, exact = max(0, (trip - 1) // step * step), trip > 0 and always
        if top is not None and top < reach:  # a condition around the access says more than the loop
            reach, exact = max(0, top // step * step), False
    elif top is not None:
        reach, exact = max(0, top // step * step), False
    else:
        return None
    if down:
        if not exact:
            return None
        return Span(var, lo, (lo.plus(reach)) - v, reach, step, exact, -1)
    return Span(var, lo, v - lo, reach, step, exact)


# -- dimensions --------------------------------------------------------------------------------------------------------


def _dims(forms: list[Form]) -> list[tuple[Poly, list[Poly]]]:
    """(stride, the coefficients that belong to it) per dimension, outermost first."""
    spans: dict[Poly, int] = {}
    for f in forms:
        mine: dict[Poly, int] = {}
        for c, s in f.terms:
            mine[c] = mine.get(c, 0) + s.reach
        for c, reach in mine.items():
            spans[c] = max(spans.get(c, 0), reach)
    out: list[tuple[Poly, list[Poly], int]] = []
    for c in sorted(spans, key=_size):
        if out:
            unit, members, reach = out[-1]
            q = c.exact_div(unit)
            if q is not None and q.value is not None and q.value <= reach:
                out[-1] = (unit, [*members, c], reach + q.value * spans[c])
                continue
            if c.value is not None and unit.value is not None and (q is None or q.value is None):
                g = gcd(c.value, unit.value)
                if c.value <= unit.value * reach:  # interleaved: one dimension of the common step
                    reach = reach * (unit.value // g) + spans[c] * (c.value // g)
                    out[-1] = (Poly.const(g), [*members, c], reach)
                    continue
        out.append((c, [c], spans[c]))
    return [(unit, members) for unit, members, _ in reversed(out)]


def _homes(dims: list[tuple[Poly, list[Poly]]]) -> Iterable[tuple[Poly, int]]:
    for d, (_, members) in enumerate(dims):
        for c in members:
            yield c, d


def _size(p: Poly) -> tuple[int, int, int, int, str]:
    """Numbers before symbols, small before large; of an array with several dimensions, inner ones first."""
    degree = max((len(m) for m in p.terms), default=0)
    top = max((abs(c) for m, c in p.terms.items() if len(m) == degree), default=0)
    axis = min((int(n.removeprefix(STEP)) for n in p.names() if n.startswith(STEP)), default=0)
    return degree, -axis, len(p.terms), top, repr(p)


def _offsets(delta: Poly, strides: list[Poly]) -> tuple[list[int], Poly] | None:
    """The distance of two bases as whole steps along the dimensions, and the constant that is left."""
    out: list[int] = []
    for k, s in enumerate(strides):
        if s.value is None:
            q, rest = delta.split(s)
            if q.value is None:
                return None
            out.append(q.value)
            delta = rest
        else:
            number = delta.value
            if number is None:
                return None
            last = k == len(strides) - 1
            steps = number // s.value if last else (2 * number + s.value - 1) // (2 * s.value)  # the nearest
            out.append(steps)
            delta = Poly.const(number - steps * s.value)
    return (out, delta) if delta.value is not None else None


def indices_of(p: Poly, rank: int) -> list[Poly]:
    """A flat index (see `flat_index`) as one per dimension."""
    if rank == 1:
        return [p]
    return [p.collect(Var(f"{STEP}{k}"))[0] for k in range(rank)]


def coordinates(tile: Tile) -> list[Var]:
    """Names of the tile's coordinates while it is worked with; none of a kernel's names has a blank."""
    return [Var(f"coordinate {d}") for d in range(len(tile.dims))]
