"""Many terms of one shape as one part: sums that a kernel writes out, or builds up in rounds of a tree, become a part with
an index again, so that they need not be paired one by one."""

from __future__ import annotations

from itertools import pairwise

from ..sets import DIM, Map, Set, isl_val, shifted
from .values import App, Bag, In, Num, Part, Place, State, Value


def merged(parts: list[Part], domain: Set) -> list[Part]:
    """The same terms in fewer parts."""
    del domain
    groups: dict[object, list[Part]] = {}
    for p in parts:
        groups.setdefault((p.extra, shape(p.value)), []).append(p)
    out: list[Part] = []
    for group in groups.values():
        many = len(group) >= 4 or (len(group) > 1 and group[0].extra > 0)
        out += [_one(group)] if many else group
    return out


def shape(v: Value) -> object:
    """What two values have in common when only their places differ."""
    if isinstance(v, Num):
        return ("n", type(v.value).__name__, v.value)
    if isinstance(v, In):
        return ("i", v.slot)
    if isinstance(v, Place):
        return "p"
    if isinstance(v, State):
        return ("s", id(v))  # left as it is
    if isinstance(v, App):
        return (v.op, *(shape(a) for a in v.args))
    return (v.op, *((p.extra, shape(p.value)) for p in v.parts))


def _one(group: list[Part]) -> Part:
    """A part with one more index in front, the number of the member; in the order of the places they read."""
    group = sorted(group, key=lambda p: _first(p.value))
    n = int(group[0].index.dim(DIM.in_))
    index: Map | None = None
    for k, p in enumerate(group):
        m = p.index.insert_dims(DIM.out, 0, 1).fix_val(DIM.out, 0, isl_val(k))
        index = m if index is None else index.union(m)
    assert index is not None
    values = [p.value for p in group]
    return Part(index.coalesce(), _together(values, n))


def _first(v: Value) -> tuple[int, ...]:
    """Where the first input stands that the value reads: only an order to count by."""
    if isinstance(v, In | Place):
        point = v.at.range().lexmin().sample_point()
        return () if point.is_void() else tuple(point.get_coordinate_val(DIM.set, k).to_python()
                                                for k in range(v.at.dim(DIM.out)))
    for a in v.args if isinstance(v, App) else [p.value for p in v.parts] if isinstance(v, Bag) else []:
        found = _first(a)
        if found:
            return found
    return ()


def _together(values: list[Value], n: int) -> Value:
    """Values of one shape as one, with their number as dimension `n` of the context."""
    v = values[0]
    if isinstance(v, Num):
        return v
    if isinstance(v, In):
        return In(v.slot, _maps([x.at for x in values if isinstance(x, In)], n))
    if isinstance(v, Place):
        return Place(_maps([x.at for x in values if isinstance(x, Place)], n))
    assert not isinstance(v, State)
    if isinstance(v, App):
        return App(v.op, tuple(_together([x.args[k] for x in values if isinstance(x, App)], n) for k in range(len(v.args))))
    parts = [[x.parts[k] for x in values if isinstance(x, Bag)] for k in range(len(v.parts))]
    return Bag(v.op, tuple(Part(_maps([p.index for p in column], n), _together([p.value for p in column], n))
                           for column in parts))


def _maps(maps: list[Map], n: int) -> Map:
    """{ (x, c, y) -> maps[c](x, y) }, x the first `n` dimensions."""
    stepped = _steps(maps)
    if stepped is not None:  # each the same way further than the one before: a multiple of the number
        m = maps[0].insert_dims(DIM.in_, n, 1)
        m = m.lower_bound_val(DIM.in_, n, isl_val(0)).upper_bound_val(DIM.in_, n, isl_val(len(maps) - 1))
        with_number = m.insert_dims(DIM.out, 0, 1).equate(DIM.in_, n, DIM.out, 0)
        return with_number.apply_range(shifted(stepped))
    out: Map | None = None
    for k, m in enumerate(maps):
        one = m.insert_dims(DIM.in_, n, 1).fix_val(DIM.in_, n, isl_val(k))
        out = one if out is None else out.union(one)
    assert out is not None
    return out.coalesce()


def _steps(maps: list[Map]) -> tuple[int, ...] | None:
    """What is added to the place from each map to the next, when that is the same throughout and their domains agree."""
    where = maps[0].domain()
    if not all(bool(where.is_equal(m.domain())) for m in maps[1:]):
        return None
    step: tuple[int, ...] | None = None
    for a, b in pairwise(maps):
        moved = _deltas(a, b)
        if not moved.is_singleton() or moved.dim(DIM.param):
            return None
        point = moved.sample_point()
        found = tuple(point.get_coordinate_val(DIM.set, k).to_python() for k in range(moved.dim(DIM.set)))
        if step is not None and found != step:
            return None
        step = found
    return step


def _deltas(a: Map, b: Map) -> Set:
    """{ b(x) - a(x) : x }"""
    return a.range_product(b).range().unwrap().deltas()
