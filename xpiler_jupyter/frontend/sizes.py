"""Sizes in bytes, as C's host code computes them, turned into numbers of elements."""

from __future__ import annotations

from ..ir import build
from ..ir.nodes import Binary, Call, Cast, Const, Expr, Select, Unary
from ..ir.types import I32, I64, U32, U64


def elements(size: Expr, width: int) -> Expr:
    """`size` bytes as a number of elements of `width` bytes. `n * sizeof(float)` gives `n` in the type that the text
    gave it: the conversions to size_t around it are not the person's."""
    return narrowed(_divided(narrowed(size), width))


def _divided(e: Expr, width: int) -> Expr:
    exact = _exactly(e, width)
    return exact if exact is not None else build.div(e, build.integer(width))


def _exactly(e: Expr, width: int) -> Expr | None:
    """`e / width` when that is plainly without remainder."""
    if width == 1:
        return e
    if isinstance(e, Const):
        return build.integer(int(e.value) // width) if int(e.value) % width == 0 else None
    if isinstance(e, Cast) and e.dtype.is_integer and e.x.dtype.is_integer:
        return _exactly(e.x, width)
    if isinstance(e, Binary) and e.op == "*":
        for x, y in ((e.b, e.a), (e.a, e.b)):
            got = _exactly(x, width)
            if got is not None:
                return build.mul(y, got) if x is e.b else build.mul(got, y)
        return None
    if isinstance(e, Binary) and e.op in ("+", "-"):
        a, b = _exactly(e.a, width), _exactly(e.b, width)
        return build.binary(e.op, a, b) if a is not None and b is not None else None
    return None


def narrowed(e: Expr) -> Expr:
    """`e` without the implicit widening of ints, rebuilt in the types that are left. Sizes are small: none wraps."""
    if isinstance(e, Const) and e.dtype in (U32, I64, U64) and -(1 << 31) <= int(e.value) < 1 << 31:
        return Const(int(e.value), I32)
    if isinstance(e, Cast):
        x = narrowed(e.x)
        if e.implicit and e.dtype.is_integer and x.dtype.is_integer and e.dtype.bits >= x.dtype.bits >= 32:
            return x
        return Cast(x, e.dtype, e.implicit)
    if isinstance(e, Binary):
        return build.binary(e.op, narrowed(e.a), narrowed(e.b))
    if isinstance(e, Select):
        a, b = narrowed(e.a), narrowed(e.b)
        return Select(narrowed(e.cond), a, b, a.dtype) if a.dtype == b.dtype else e
    if isinstance(e, Unary):
        x = narrowed(e.x)
        return Unary(e.op, x, x.dtype) if e.op == "-" else e
    if isinstance(e, Call) and e.dtype.is_integer:
        args = tuple(narrowed(a) for a in e.args)
        return Call(e.fn, args, args[0].dtype) if len({a.dtype for a in args}) == 1 else e
    return e
