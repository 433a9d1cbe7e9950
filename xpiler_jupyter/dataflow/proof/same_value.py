"""Do two stores write the same value? By the shape of what they compute: the same operators over equal integers, and over
elements of buffers that nobody changes, at equal indices."""

from __future__ import annotations

from collections import Counter

from ...ir.nodes import Expr, For, Let, Load, Node, Store, Var, While
from ...ir.visit import children, walk
from .. import poly as P
from ..poly import Poly, Scope, polynomial
from ..relations import Access, Relations
from ..sets import Map, NotAffine, affine, nonneg


def same_on(rel: Relations, a: Access, b: Access, pairs: Map) -> bool:
    """Is what store `a` writes what store `b` writes, in all these pairs of instances? False when not known."""
    assert isinstance(a.node, Store) and isinstance(b.node, Store)
    return _Same(rel, a, b, pairs).equal(a.node.value, b.node.value)


class _Same:
    def __init__(self, rel: Relations, a: Access, b: Access, pairs: Map) -> None:
        self.a, self.b, self.pairs = a, b, pairs
        body = rel.kernel.body
        count = Counter(n.name for n in walk(body) if isinstance(n, Let))
        self.lets = {n.name: n.value for n in walk(body) if isinstance(n, Let) and count[n.name] == 1}
        self.fixed = {p.name for p in rel.kernel.params if p.pointer} - {x.buffer.name for x in rel.accesses if x.write}
        self.scopes = tuple(_scope(rel, at) for at in (a, b))

    def equal(self, e: Expr, f: Expr) -> bool:
        e, f = self._seen(e), self._seen(f)
        if e.dtype != f.dtype:
            return False
        p, q = self._poly(e, 0), self._poly(f, 1)
        if p is not None and q is not None:
            return self._agree(p, q)
        if type(e) is not type(f):
            return False
        if isinstance(e, Load) and isinstance(f, Load) and (e.buffer != f.buffer or e.buffer not in self.fixed):
            return False
        if isinstance(e, Var) and isinstance(f, Var):
            return e.name == f.name and e.name in self.scopes[0].values and self.scopes[0].values[e.name] is None
        for name in ("op", "fn", "value", "implicit"):
            if getattr(e, name, None) != getattr(f, name, None):
                return False
        mine, theirs = _expressions(e), _expressions(f)
        return len(mine) == len(theirs) and all(self.equal(x, y) for x, y in zip(mine, theirs, strict=True))

    def _seen(self, e: Expr) -> Expr:
        while isinstance(e, Var) and e.name in self.lets:
            e = self.lets[e.name]
        return e

    def _poly(self, e: Expr, side: int) -> Poly | None:
        if not e.dtype.is_integer:
            return None
        at, scope = (self.a, self.b)[side], self.scopes[side]
        return polynomial(e, scope, lambda p: nonneg(p, at.domain))

    def _agree(self, p: Poly, q: Poly) -> bool:
        try:
            one = Map.from_pw_aff(affine(p, self.a.domain))
            two = Map.from_pw_aff(affine(q, self.b.domain))
        except NotAffine:
            return False
        return bool(self.pairs.is_subset(one.apply_range(two.reverse())))


def _expressions(e: Node) -> list[Expr]:
    return [c for c in children(e)]  # type: ignore[misc]


def _scope(rel: Relations, at: Access) -> Scope:
    """What names mean at an access: loop indices, scalar parameters, and `Let`s made of them."""
    scope = Scope()
    for p in rel.kernel.params + rel.kernel.sizes:
        if not p.pointer:
            scope.values[p.name] = P.atom(p.name) if p.dtype.is_integer else None
    count = Counter(n.name for n in walk(rel.kernel.body) if isinstance(n, Let))
    lets = {n.name: n for n in walk(rel.kernel.body) if isinstance(n, Let) and count[n.name] == 1}
    for k, i in enumerate(at.path):
        node = rel.loops[i].node
        if isinstance(node, For):
            scope.values[node.var] = P.atom(k)
        assert isinstance(node, For | While)
    for n in lets.values():  # in text order: each is made of earlier ones
        value = polynomial(n.value, scope, lambda p: nonneg(p, at.domain))
        if value is not None:
            scope.values[n.name] = value
    return scope
