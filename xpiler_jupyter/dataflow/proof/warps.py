"""What the lanes of a warp do together: a meeting. Its operands are private to the threads, so an access says whose: the
first lane of a warp does the meeting, and reaches into the others' variables by their numbers."""

from __future__ import annotations

from dataclasses import replace

from ...ir.nodes import Barrier, Expr, InstrCall, Load, Node, Ref, Var
from ...ir.types import I32
from ...ir.visit import walk
from .. import poly as P
from ..poly import Poly
from ..sets import DIM, Map, Set, compare, isl_val
from .model import Unknown

LANE = "lane of the meeting"


def first_lanes(domain: Set, x: int, lanes: int, call: InstrCall) -> Set:
    """The first lane of each warp of `domain`, `x` being the dimension of the threads that count lanes. Raises Unknown
    when some lanes of a warp are missing."""
    n = int(domain.dim(DIM.set))
    first = domain.intersect(compare("==", P.atom(x), base(x, lanes), domain))
    # (first lane, its number moved by 0 .. lanes - 1): is that everyone?
    moved = first.add_dims(DIM.set, 1)
    moved = moved.lower_bound_val(DIM.set, n, isl_val(0)).upper_bound_val(DIM.set, n, isl_val(lanes - 1))
    to = Map.from_domain_and_range(moved, domain)
    for k in range(n):
        if k != x:
            to = to.equate(DIM.in_, k, DIM.out, k)
    flat = to.wrap().flatten()
    flat = flat.intersect(compare("==", P.add(P.atom(x), P.atom(n)), P.atom(n + 1 + x), flat))
    if not flat.project_out(DIM.set, 0, n + 1).is_equal(domain):
        raise Unknown("only some lanes of a warp meet here", call)
    return first


def base(x: int, lanes: int) -> Poly:
    """The number of the first lane of a thread's warp."""
    return P.mul(P.const(lanes), P.atom(("fdiv", P.freeze(P.atom(x)), P.freeze(P.const(lanes)))))


def of_lane(a: Expr) -> Expr:
    """The operand with the number of the lane that it belongs to."""
    if isinstance(a, Load | Ref) and not a.indices:
        return replace(a, indices=(Var(LANE, I32),))
    return a


def meets(node: Node) -> bool:
    """Do threads meet somewhere in it, all of a block or those of a warp?"""
    return any(isinstance(n, Barrier | InstrCall) for n in walk(node))
