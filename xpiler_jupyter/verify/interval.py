"""Integer intervals of kernel expressions, for many choices of the sizes at once.

Every bound is a NumPy array with one entry per choice (or a plain number that holds for all), so that thousands of
candidate size sets cost about as much as one. Bounds are safe over-approximations, except that a mutable scalar of
which nothing is known is unbounded. Values are float64: exact up to 2**53.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ir.nodes import Binary, Call, Cast, Const, Expr, Load, Select, Unary, Var

INF = float("inf")
Bound = Any  # float or a NumPy array of them


@dataclass(frozen=True, slots=True)
class Range:
    """All values lie in [lo, hi]; `lo > hi` in an entry means that no value exists there."""

    lo: Bound
    hi: Bound

    def meet(self, other: Range) -> Range:
        return Range(np.maximum(self.lo, other.lo), np.minimum(self.hi, other.hi))

    def join(self, other: Range) -> Range:
        return Range(np.minimum(self.lo, other.lo), np.maximum(self.hi, other.hi))


ANY = Range(-INF, INF)


@dataclass(slots=True)
class Env:
    """What is known at a place of the kernel: ranges of names, and of whole expressions that a guard has bounded.
    `data` bounds the elements of buffers whose contents are chosen (index buffers)."""

    names: dict[str, Range] = field(default_factory=dict)
    facts: dict[Expr, Range] = field(default_factory=dict)
    data: Mapping[str, Range] = field(default_factory=dict)

    def child(self) -> Env:
        return Env(dict(self.names), dict(self.facts), self.data)


def strip(e: Expr) -> Expr:
    """`e` without integer conversions around it (sizes here never wrap)."""
    while isinstance(e, Cast) and e.dtype.is_integer and e.x.dtype.is_integer:
        e = e.x
    return e


def value_range(e: Expr, env: Env) -> Range:
    """The interval of `e`; facts about this very expression are used."""
    e = strip(e)
    out = _range(e, env)
    fact = env.facts.get(e)
    return out.meet(fact) if fact is not None else out


def _range(e: Expr, env: Env) -> Range:
    if isinstance(e, Const):
        return Range(float(e.value), float(e.value))
    if isinstance(e, Var):
        return env.names.get(e.name, ANY)
    if isinstance(e, Load):
        return env.data.get(e.buffer, ANY)
    if isinstance(e, Cast):
        inner = value_range(e.x, env)
        return Range(np.floor(inner.lo), np.ceil(inner.hi)) if e.dtype.is_integer else inner
    if isinstance(e, Unary):
        inner = value_range(e.x, env)
        return Range(-inner.hi, -inner.lo) if e.op == "-" else Range(0.0, 1.0) if e.op == "!" else ANY
    if isinstance(e, Select):
        return value_range(e.a, env).join(value_range(e.b, env))
    if isinstance(e, Call):
        return _call(e, env)
    if isinstance(e, Binary):
        if e.dtype.kind == "bool":
            return Range(0.0, 1.0)
        return _binary(e.op, value_range(e.a, env), value_range(e.b, env))
    return ANY


def _call(e: Call, env: Env) -> Range:
    args = [value_range(a, env) for a in e.args]
    if e.fn == "min" and len(args) == 2:
        return Range(np.minimum(args[0].lo, args[1].lo), np.minimum(args[0].hi, args[1].hi))
    if e.fn == "max" and len(args) == 2:
        return Range(np.maximum(args[0].lo, args[1].lo), np.maximum(args[0].hi, args[1].hi))
    if e.fn in ("floor", "ceil", "trunc", "round", "rint") and args:
        return Range(np.floor(args[0].lo), np.ceil(args[0].hi))
    return ANY


def _product(x: Bound, y: Bound) -> Bound:
    """x * y with 0 * inf = 0."""
    with np.errstate(invalid="ignore"):
        got = np.asarray(x, dtype=float) * y
    return np.where(np.isnan(got), 0.0, got)


def _binary(op: str, a: Range, b: Range) -> Range:
    with np.errstate(all="ignore"):
        if op == "+":
            return Range(a.lo + b.lo, a.hi + b.hi)
        if op == "-":
            return Range(a.lo - b.hi, a.hi - b.lo)
        if op == "*":
            ends = [_product(x, y) for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
            return Range(np.minimum.reduce(np.broadcast_arrays(*ends)), np.maximum.reduce(np.broadcast_arrays(*ends)))
        if op in ("/", ">>", "<<"):
            if op != "/":
                b = Range(np.exp2(np.clip(b.lo, 0, 62)), np.exp2(np.clip(b.hi, 0, 62)))
            if op == "<<":
                return _binary("*", a, b)
            lo, hi = np.maximum(b.lo, 1.0), np.maximum(b.hi, 1.0)
            ends = [np.where(np.isinf(x) & np.isinf(y), 0.0, np.trunc(np.asarray(x, dtype=float) / y))
                    for x in (a.lo, a.hi) for y in (lo, hi)]
            return Range(np.minimum.reduce(np.broadcast_arrays(*ends)), np.maximum.reduce(np.broadcast_arrays(*ends)))
        if op == "%":
            top = np.maximum(b.hi, 1.0) - 1.0
            inside = (a.lo >= 0) & (a.hi < b.lo)
            low = np.where(a.lo >= 0, 0.0, np.maximum(-top, a.lo))
            known = (a.lo == a.hi) & (b.lo == b.hi) & np.isfinite(a.lo) & np.isfinite(b.lo) & (b.lo != 0)
            exact = np.fmod(a.lo, np.where(known, b.lo, 1.0))  # signed like the dividend, as in C
            return Range(np.where(known, exact, np.where(inside, a.lo, low)),
                         np.where(known, exact, np.where(inside, a.hi, np.minimum(top, np.maximum(a.hi, 0.0)))))
        if op == "&":
            known = (b.lo == b.hi) & (b.lo >= 0)
            top = np.where(a.lo >= 0, a.hi, INF)
            return Range(np.where(known | (a.lo >= 0), 0.0, -INF), np.where(known, np.minimum(b.hi, top), top))
        if op in ("|", "^"):
            top = np.exp2(np.ceil(np.log2(np.maximum(np.maximum(a.hi, b.hi), 0.0) + 1.0))) - 1.0
            good = (a.lo >= 0) & (b.lo >= 0)
            return Range(np.where(good, 0.0, -INF), np.where(good, top, INF))
    return ANY


FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
NEGATE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def negate(cond: Expr) -> Expr:
    """The condition that holds when `cond` does not."""
    if isinstance(cond, Unary) and cond.op == "!":
        return cond.x
    if isinstance(cond, Binary):
        if cond.op in NEGATE:
            return Binary(NEGATE[cond.op], cond.a, cond.b, cond.dtype)
        if cond.op in ("&&", "||"):
            return Binary("||" if cond.op == "&&" else "&&", negate(cond.a), negate(cond.b), cond.dtype)
    return Unary("!", cond, cond.dtype)


def conjuncts(cond: Expr) -> list[Expr]:
    """The parts of an `&&`."""
    cond = cond.x if isinstance(cond, Cast) and cond.dtype.kind == "bool" and cond.x.dtype.kind == "bool" else cond
    if isinstance(cond, Binary) and cond.op == "&&":
        return conjuncts(cond.a) + conjuncts(cond.b)
    if isinstance(cond, Unary) and cond.op == "!":
        inner = negate(cond.x)
        return conjuncts(inner) if inner != cond else [cond]
    return [cond]


def assume(cond: Expr, env: Env) -> None:
    """Narrows `env` to where `cond` holds. Integer comparisons only; anything else teaches nothing."""
    for part in conjuncts(cond):
        if not (isinstance(part, Binary) and part.op in FLIP and part.a.dtype.is_integer):
            continue
        a, b = strip(part.a), strip(part.b)
        ra, rb = value_range(a, env), value_range(b, env)
        _bound(a, part.op, rb, env)
        _bound(b, FLIP[part.op], ra, env)


def _bound(e: Expr, op: str, other: Range, env: Env) -> None:
    new = {"<": Range(-INF, other.hi - 1), "<=": Range(-INF, other.hi), ">": Range(other.lo + 1, INF),
           ">=": Range(other.lo, INF), "==": other}.get(op)
    if new is None or isinstance(e, Const):
        return
    if isinstance(e, Var):
        env.names[e.name] = env.names.get(e.name, ANY).meet(new)
        return
    env.facts[e] = env.facts.get(e, ANY).meet(new)
    if isinstance(e, Binary) and op in ("<", "<=") and e.op == "+":
        # x + y < c bounds x by c - min(y): narrows both sides of a split index.
        for x, y in ((strip(e.a), strip(e.b)), (strip(e.b), strip(e.a))):
            rest = value_range(y, env).lo
            if np.all(np.isfinite(rest)):
                _bound(x, op, Range(other.lo - rest, other.hi - rest), env)
    elif isinstance(e, Binary) and op in ("<", "<=") and e.op == "*" and isinstance(e.b, Const) and int(e.b.value) > 0:
        top = np.floor(new.hi / float(e.b.value))
        _bound(strip(e.a), "<=", Range(top, top), env)
