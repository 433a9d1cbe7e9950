"""Which instance runs before which, as relations between iteration domains; and small tools on access relations."""

from __future__ import annotations

from typing import Any

import islpy as isl

from ..ir.nodes import For
from .relations import Access, Relations
from .sets import DIM, Map, space


def pair_space(a: int, b: int) -> Any:
    """Space of relations between `a` and `b` dimensions."""
    return space(a).map_from_domain_and_range(space(b))


def same_prefix(a: int, b: int, count: int) -> Map:
    """{ x -> y : the first `count` dimensions agree }"""
    m = Map.universe(pair_space(a, b))
    for k in range(count):
        m = m.equate(DIM.in_, k, DIM.out, k)
    return m


def later_at(a: int, b: int, dim: int) -> Map:
    """{ x -> y : dimensions before `dim` agree and x[dim] < y[dim] }"""
    return same_prefix(a, b, dim).order_lt(DIM.in_, dim, DIM.out, dim)


def common_depth(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n


def before(rel: Relations, a: Access, b: Access, shared: int) -> Map:
    """{ x -> y : instance x of `a` runs before instance y of `b`, both in the same iteration of the outermost `shared`
    loops }. Iterations of parallel loops are not ordered."""
    common = common_depth(a.path, b.path)
    out = Map.empty(pair_space(a.depth, b.depth))
    for k in range(shared, common):
        node = rel.loops[a.path[k]].node
        if not (isinstance(node, For) and node.kind == "parallel"):
            out = out.union(later_at(a.depth, b.depth, k))
    if a.order < b.order:
        out = out.union(same_prefix(a.depth, b.depth, common))
    return out


def outer(a: Access, dims: int) -> Map:
    """The access relation from its outermost `dims` loop dimensions only."""
    return a.index.project_out(DIM.in_, dims, a.depth - dims)


def exposed(rel: Relations, read: Access, writes: list[Access], shared: int) -> Map:
    """The part of `read` (instance -> element) that no certain write among `writes` covers earlier in the same
    iteration of the outermost `shared` loops."""
    left = read.index
    for w in writes:
        if left.is_empty():
            break
        if w.write and w.must and common_depth(w.path, read.path) >= shared:
            covered = before(rel, w, read, shared).reverse().apply_range(w.index)
            left = left.subtract(covered.intersect_domain(read.domain))
    return left


def sample(m: Map) -> tuple[dict[str, int], list[int], list[int]] | None:
    """One pair of a relation, small if that is cheap: parameter values, left and right coordinates."""
    s = m.wrap()
    try:
        s = s.lexmin()
    except isl.Error:
        return None
    point = s.sample_point()
    if point.is_void():
        return None
    n, left = m.dim(DIM.param), m.dim(DIM.in_)
    params = {s.get_dim_name(DIM.param, k): point.get_coordinate_val(DIM.param, k).to_python() for k in range(n)}
    values = [point.get_coordinate_val(DIM.set, k).to_python() for k in range(s.dim(DIM.set))]
    return params, values[:left], values[left:]
