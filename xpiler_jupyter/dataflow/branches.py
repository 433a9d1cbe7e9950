"""What a branch writes for sure when nobody knows which side runs: what both sides write.

`if (cond) x = a; else x = b;` with an unknown condition writes x, although neither store is certain. The relation of
such a joint write is computed from the certain writes of both sides and stands behind the branch as one more access.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .sets import DIM, Map, Set


@dataclass(frozen=True, slots=True)
class Join:
    """A branch: positions in the list of accesses of the certain writes of either side to one buffer, and of the joint
    write. `may` and `must` say where the condition may hold and certainly holds."""

    then: tuple[int, ...]
    orelse: tuple[int, ...]
    joint: int
    domain: Set
    may: Set
    must: Set


def resolve(accesses: list[Any], joins: list[Join]) -> None:
    """Fills in the relations of the joint writes, inner branches first."""
    for j in joins:
        dims = j.domain.dim(DIM.set)
        then = _union([accesses[k] for k in j.then], dims)
        orelse = _union([accesses[k] for k in j.orelse], dims)
        both = then.intersect(orelse)
        only_else = orelse.intersect_domain(j.domain.subtract(j.may))
        only_then = then.intersect_domain(j.must)
        index = both.union(only_else).union(only_then).intersect_domain(j.domain).coalesce()
        accesses[j.joint] = replace(accesses[j.joint], index=index)


def _union(accesses: list[Any], dims: int) -> Map:
    """What the accesses touch, from the outermost `dims` loop dimensions."""
    maps = [a.index.project_out(DIM.in_, dims, a.depth - dims) for a in accesses if not a.opaque]
    if not maps:
        return Map.empty(accesses[0].index.project_out(DIM.in_, dims, accesses[0].depth - dims).get_space())
    out = maps[0]
    for m in maps[1:]:
        out = out.union(m)
    return out
