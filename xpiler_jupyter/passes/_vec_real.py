"""Formulas as sums of products over the real numbers: whether two say the same but for rounding.

For rows that read a table (`exact` is False): 0.5 * x * (1 + tanh(...)) in any order of its factors, with constants folded
and in any float type, is the row's formula.
"""

from __future__ import annotations

import math
from typing import Any

from ._vec_tree import Tree, value_of

# monomial (sorted (atom, exponent) pairs) -> coefficient
Form = dict[tuple[tuple[Any, float], ...], float]
_ONE: tuple[tuple[Any, float], ...] = ()
_LIMIT = 24  # terms: a longer sum is no row's formula
_FOLDED = {"sqrt": math.sqrt, "exp": math.exp, "tanh": math.tanh, "erf": math.erf, "log": math.log}


class _TooLong(Exception):
    pass


def formula(t: Tree, hole: Tree) -> Any | None:
    """The formula of `t` over `hole` as a value to compare and to look up, or None when it reads anything else."""
    try:
        return _frozen(_form(t, hole))
    except (_TooLong, OverflowError, ValueError):
        return None


def _form(t: Tree, hole: Tree) -> Form:
    if t == hole:
        return {(("x", 1.0),): 1.0}
    if t.op == "const":
        v = float(value_of(t))
        return {_ONE: v} if v else {}
    if t.op == "cast":
        if not (t.dtype.is_float and (t.args[0].dtype.is_float or t.args[0].shared)):
            raise _TooLong
        return _form(t.args[0], hole)
    if not t.args:
        raise _TooLong
    args = [_form(a, hole) for a in t.args]
    if t.op in ("+", "-"):
        return _sum(args[0], args[1], 1.0 if t.op == "+" else -1.0)
    if t.op == "neg":
        return _sum({}, args[0], -1.0)
    if t.op == "*":
        return _product(args[0], args[1])
    if t.op == "/":
        return _product(args[0], _power(args[1], -1.0))
    if t.op == "sqrt":
        return _power(args[0], 0.5)
    if t.op == "rsqrt":
        return _power(args[0], -0.5)
    if t.op == "pow" and t.args[1].shared and set(args[1]) <= {_ONE}:
        return _power(args[0], args[1].get(_ONE, 0.0))
    if len(args) == 1 and set(args[0]) <= {_ONE} and t.op in _FOLDED:
        return {_ONE: float(_FOLDED[t.op](args[0].get(_ONE, 0.0)))}
    return {((("call", t.op, *map(_frozen, args)), 1.0),): 1.0}


def _sum(a: Form, b: Form, factor: float) -> Form:
    out = dict(a)
    for m, c in b.items():
        out[m] = out.get(m, 0.0) + factor * c
        if not out[m]:
            del out[m]
    return out


def _product(a: Form, b: Form) -> Form:
    out: Form = {}
    if len(a) * len(b) > _LIMIT:
        raise _TooLong
    for m, c in a.items():
        for n, d in b.items():
            exponents: dict[Any, float] = dict(m)
            for atom, e in n:
                exponents[atom] = exponents.get(atom, 0.0) + e
            key = tuple(sorted(((x, e) for x, e in exponents.items() if e), key=repr))
            out = _sum(out, {key: c * d}, 1.0)
    return out


def _power(a: Form, e: float) -> Form:
    if e == int(e) and 0 <= e <= 4:
        out: Form = {_ONE: 1.0}
        for _ in range(int(e)):
            out = _product(out, a)
        return out
    if len(a) == 1:
        (m, c), = a.items()
        return {tuple((x, k * e) for x, k in m): c**e}
    return {((("sum", _frozen(a)), e),): 1.0}


def _frozen(a: Form) -> Any:
    return tuple(sorted(((m, float(f"{c:.5g}")) for m, c in a.items()), key=repr))
