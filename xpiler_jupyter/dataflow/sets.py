"""Polynomials and conditions as integer sets. Only this file and its neighbours in this room know isl."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations_with_replacement
from typing import Any, TypeAlias

import islpy as isl

from ..ir.nodes import Binary, Cast, Const, Expr, Unary, Var
from ..ir.types import BOOL
from .poly import Poly, Scope, add, const, constant, is_param, polynomial, sub, thaw

Set: TypeAlias = isl.Set
Map: TypeAlias = isl.Map
PwAff: TypeAlias = isl.PwAff
DIM = isl.dim_type

BUDGET = 8_000_000  # isl operations per question: about one to two seconds on a laptop


class NotAffine(Exception):
    """The value has no quasi-affine form."""


class TooHard(Exception):
    """isl ran out of its budget: the answer is unknown."""


_context = isl.Context()
_lock = threading.RLock()


@contextmanager
def bounded(budget: int = BUDGET) -> Iterator[None]:
    """Questions asked inside must be answered within the budget, or TooHard is raised. Nested uses share the outer."""
    with _lock:
        outer = _context.get_max_operations()
        if not outer:
            _context.reset_operations()
            _context.set_max_operations(budget)
        try:
            yield
        except isl.Error as error:
            if "maximal number of operations" in str(error):
                raise TooHard("the question is too hard to decide in time") from None
            raise
        finally:
            if not outer:
                _context.set_max_operations(0)
                _context.reset_operations()


def space(dims: int) -> Any:
    return isl.Space.set_alloc(_context, 0, dims)


def isl_val(value: int) -> Any:
    return isl.Val(value, _context)


def shifted(steps: tuple[int, ...]) -> Map:
    """{ (q, e0, e1, ...) -> (e0 + q * steps[0], e1 + q * steps[1], ...) }"""
    names = [f"e{k}" for k in range(len(steps))]
    moved = [f"{e} + {s}q" for e, s in zip(names, steps, strict=True)]
    return Map(f"{{ [{', '.join(['q', *names])}] -> [{', '.join(moved)}] }}", _context)


def universe(dims: int) -> Set:
    return Set.universe(space(dims))


def empty(dims: int) -> Set:
    return Set.empty(space(dims))


def _linear(terms: list[tuple[int | str, int]], constant_term: int, dims: int) -> PwAff:
    names = [a for a, _ in terms if isinstance(a, str)]
    sp = isl.Space.set_alloc(_context, len(names), dims)
    for k, n in enumerate(names):
        sp = sp.set_dim_name(DIM.param, k, n)
    aff = isl.Aff.zero_on_domain(isl.LocalSpace.from_space(sp)).set_constant_val(isl_val(constant_term))
    for a, c in terms:
        where, k = (DIM.param, names.index(a)) if isinstance(a, str) else (DIM.in_, a)
        aff = aff.set_coefficient_val(where, k, isl_val(c))
    return PwAff.from_aff(aff)


def product_name(mono: tuple[Any, ...]) -> str:
    """The isl parameter that stands for a product of scalar parameters."""
    return "*".join(mono)


def affine(p: Poly, domain: Set) -> PwAff:
    """The polynomial as a function of the loop dimensions of `domain`; a product of parameters counts as one
    parameter. Raises NotAffine."""
    dims = domain.dim(DIM.set)
    terms: list[tuple[int | str, int]] = []
    rest: list[tuple[Any, int]] = []
    for m, c in p.items():
        if not m:
            continue
        if is_param(m):
            terms.append((product_name(m), c))
        elif len(m) == 1 and isinstance(m[0], int):
            terms.append((m[0], c))
        elif len(m) == 1:
            rest.append((m[0], c))
        else:
            raise NotAffine
    out = _linear(terms, p.get((), 0), dims)
    for a, c in rest:
        out = out.add(_atom(a, domain).scale_val(isl_val(c)))
    return out


def _atom(a: tuple[Any, ...], domain: Set) -> PwAff:
    kind, first, second = a
    x = affine(thaw(first), domain)
    if kind in ("min", "max"):
        y = affine(thaw(second), domain)
        return x.min(y) if kind == "min" else x.max(y)
    divisor = constant(thaw(second))
    if divisor is None or divisor <= 0:
        raise NotAffine
    by = isl_val(divisor)
    if kind == "fdiv" or is_nonneg(x, domain):
        return x.scale_down_val(by).floor()
    return x.tdiv_q(_linear([], divisor, domain.dim(DIM.set)))


def is_nonneg(x: PwAff, domain: Set) -> bool:
    zero = _linear([], 0, domain.dim(DIM.set))
    return bool(x.lt_set(zero).intersect(domain).is_empty())


def nonneg(p: Poly, domain: Set) -> bool:
    """Is the polynomial >= 0 on the whole domain? False when unknown. Parameters alone are sizes: taken as >= 0."""
    if all(is_param(m) and c >= 0 for m, c in p.items()):
        return True
    try:
        return is_nonneg(affine(p, domain), domain)
    except NotAffine:
        # rows of a size that only the caller knows: products of what is not negative
        return all(c >= 0 and all(isinstance(a, str) or (p != {(a,): 1} and nonneg({(a,): 1}, domain)) for a in m)
                   for m, c in p.items())


def compare(op: str, a: Poly, b: Poly, domain: Set) -> Set:
    """The part of the universe where `a op b`. Raises NotAffine."""
    x = affine(sub(a, b), domain)
    zero = _linear([], 0, domain.dim(DIM.set))
    if op == "!=":
        return x.eq_set(zero).complement()
    ask = {"<": x.lt_set, "<=": x.le_set, ">": x.gt_set, ">=": x.ge_set, "==": x.eq_set}[op]
    return ask(zero)


def condition(e: Expr, scope: Scope, domain: Set) -> tuple[Set, Set]:
    """Where the condition may hold, and where it certainly holds."""
    dims = domain.dim(DIM.set)

    def unknown() -> tuple[Set, Set]:
        return universe(dims), empty(dims)

    if isinstance(e, Const):
        return (universe(dims), universe(dims)) if e.value else (empty(dims), empty(dims))
    if isinstance(e, Unary) and e.op == "!":
        may, must = condition(e.x, scope, domain)
        return must.complement(), may.complement()
    if isinstance(e, Binary) and e.op in ("&&", "||"):
        a, b = condition(e.a, scope, domain), condition(e.b, scope, domain)
        if e.op == "&&":
            return a[0].intersect(b[0]), a[1].intersect(b[1])
        return a[0].union(b[0]), a[1].union(b[1])
    if isinstance(e, Binary) and e.op in ("<", "<=", ">", ">=", "==", "!="):
        p, q = (polynomial(x, scope, lambda p: nonneg(p, domain)) for x in (e.a, e.b))
        if p is None or q is None:
            return unknown()
        try:
            s = compare(e.op, p, q, domain)
        except NotAffine:
            return unknown()
        return s, s
    if isinstance(e, Cast) and e.x.dtype.is_integer:
        if e.x.dtype == BOOL or e.x.dtype is BOOL:
            return condition(e.x, scope, domain)
        p = polynomial(e.x, scope, lambda p: nonneg(p, domain)) if e.dtype == BOOL else None
        if p is not None:
            try:
                s = compare("!=", p, {}, domain)
                return s, s
            except NotAffine:
                pass
        return unknown()
    if isinstance(e, Var) and e.name in scope.exprs:
        inner, where = scope.exprs[e.name]
        return condition(inner, where, domain)
    return unknown()


def at_least(dim: int, p: Poly, domain: Set) -> Set:
    """domain where its dimension `dim` >= p."""
    return compare(">=", {(dim,): 1}, p, domain)


def at_least_one(params: list[str], domain: Set) -> Set:
    """domain, for values of at least 1 of the parameters (and so of their products)."""
    products = (m for k in range(1, min(len(params), 4) + 1) for m in combinations_with_replacement(params, k))
    for name in sorted({product_name(m) for m in products}):
        domain = domain.intersect(compare(">=", {(name,): 1}, const(1), domain))
    return domain


def in_range(p: Poly, size: Poly, domain: Set) -> bool:
    """0 <= p < size on the whole domain? False when unknown."""
    return nonneg(p, domain) and nonneg(add(sub(size, p), const(-1)), domain)
