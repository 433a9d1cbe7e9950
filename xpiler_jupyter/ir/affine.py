"""Linear forms of index expressions: how fast an index moves with each variable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .algebra import Scope
from .nodes import Expr, Var
from .poly import ZERO, Poly


@dataclass(frozen=True, slots=True)
class Linear:
    """`sum of strides[v] * v + rest`, where neither strides nor rest mention the variables."""

    strides: dict[str, Poly]
    rest: Poly

    def stride(self, name: str) -> int | None:
        """The stride of a variable when it is a number; 0 for one that does not occur."""
        return self.strides.get(name, ZERO).value

    def __getitem__(self, name: str) -> Poly:
        return self.strides.get(name, ZERO)


def affine(e: Expr, names: Iterable[str], scope: Scope | None = None) -> Linear | None:
    """`e` as a linear form over the variables called `names`, or None when it is not linear in them. Strides may be
    symbolic (`i * N` has the stride N in i). `Let`s that the scope knows are seen through."""
    scope = scope or Scope()
    wanted = set(names)
    rest = scope.poly(e)
    strides: dict[str, Poly] = {}
    for a in sorted((a for a in rest.atoms() if isinstance(a, Var) and a.name in wanted), key=lambda v: v.name):
        strides[a.name], rest = rest.collect(a)
    if rest.names() & wanted or any(c.names() & wanted for c in strides.values()):
        return None
    return Linear(strides, rest)


def unit_stride(e: Expr, name: str, scope: Scope | None = None) -> bool:
    """Does the index move by one element when `name` moves by one?"""
    form = affine(e, [name], scope)
    return form is not None and form.stride(name) == 1
