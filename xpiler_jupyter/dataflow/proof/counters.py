"""Scalars that a loop changes by the same amount every round: what they hold follows from the number of the round."""

from __future__ import annotations

from collections.abc import Mapping

from ...ir.nodes import Binary, Block, Break, Cast, Const, Continue, Expr, Load, Return, Store, Var
from ...ir.visit import Rewriter, stmts_of, walk
from .. import poly as P
from ..order import pair_space, same_prefix
from ..poly import Poly, Scope
from ..sets import DIM, Map, Set, isl_val


class Now(Rewriter):
    """Puts names in place of loads of counters whose value is known; `within` says what the names mean."""

    def __init__(self, cells: Mapping[str, Poly], names: Mapping[str, str]) -> None:
        self.cells, self.names = cells, names

    def visit_Load(self, e: Load) -> Expr:
        uid = self.names.get(e.buffer, "")
        return Var(f"{uid} now", e.dtype) if not e.indices and uid in self.cells else e


def within(scope: Scope, cells: Mapping[str, Poly]) -> Scope:
    """The scope with what the counters hold here."""
    return Scope({**scope.values, **{f"{uid} now": p for uid, p in cells.items()}}, scope.exprs) if cells else scope


def steps(body: Block, names: Mapping[str, str]) -> dict[str, int]:
    """Counters of a loop with this body, and what one round adds to each: a scalar that one statement of the body itself
    changes by a constant, in every round."""
    if any(isinstance(n, Break | Continue | Return) for n in walk(body)):
        return {}  # a round may end before its counters count
    found: dict[str, int] = {}
    for s in stmts_of(body):
        if isinstance(s, Store) and not s.indices and s.dtype.is_integer and s.buffer in names:
            by = _by(s)
            if by is not None:
                found[s.buffer] = by
    stores = [n.buffer for n in walk(body) if isinstance(n, Store)]
    return {names[b]: by for b, by in found.items() if stores.count(b) == 1}


def _by(s: Store) -> int | None:
    """The constant of `x = x + constant`."""
    e = _plain(s.value)
    if not isinstance(e, Binary) or e.op not in ("+", "-"):
        return None
    sides = ((e.a, e.b),) if e.op == "-" else ((e.a, e.b), (e.b, e.a))
    for x, c in ((_plain(a), _plain(b)) for a, b in sides):
        if isinstance(x, Load) and x.buffer == s.buffer and isinstance(c, Const) and c.dtype.is_integer:
            return -int(c.value) if e.op == "-" else int(c.value)
    return None


def _plain(e: Expr) -> Expr:
    while isinstance(e, Cast) and e.implicit:
        e = e.x
    return e


def after(start: Poly, by: int, rounds: Poly) -> Poly:
    """What a counter holds after so many rounds."""
    return P.add(start, P.mul(P.const(by), rounds))


def up_to(rounds: Set, dim: int) -> Set:
    """The rounds, and every one from 0 up to them."""
    less = same_prefix(dim + 1, dim + 1, dim).intersect(Map.universe(pair_space(dim + 1, dim + 1)).order_ge(
        DIM.in_, dim, DIM.out, dim))
    every = less.intersect_domain(rounds).range()
    return every.lower_bound_val(DIM.set, dim, isl_val(0))
