"""Small constructors with C's typing rules, so that passes read like the code they make. Constants are folded."""

from __future__ import annotations

from .nodes import Binary, Block, Cast, Const, Expr, For, ForKind, If, Load, Var
from .types import BOOL, F32, F64, I32, ScalarType, common_type

COMPARE = frozenset(("<", "<=", ">", ">=", "==", "!="))
LOGIC = frozenset(("&&", "||"))


def dtype_of(e: Expr) -> ScalarType:
    return e.dtype


def integer(value: int) -> Const:
    return Const(value, I32)


def var(name: str, dtype: ScalarType = I32) -> Var:
    return Var(name, dtype)


def convert(e: Expr, dtype: ScalarType) -> Expr:
    """`e` as `dtype` by an implicit conversion; constants are converted now when that is exact."""
    if e.dtype == dtype:
        return e
    if isinstance(e, Const) and dtype.is_integer and e.dtype.is_integer and dtype is not BOOL:
        lo, hi = (-(1 << dtype.bits - 1), (1 << dtype.bits - 1) - 1) if dtype.kind == "int" else (0, (1 << dtype.bits) - 1)
        if lo <= int(e.value) <= hi:
            return Const(int(e.value), dtype, span=e.span)
    if isinstance(e, Const) and dtype in (F32, F64) and e.dtype.is_integer and abs(int(e.value)) < 1 << 24:
        return Const(float(e.value), dtype, span=e.span)
    return Cast(e, dtype, implicit=True, span=e.span)


def trunc_div(a: int, b: int) -> int:
    """C's integer division: towards zero."""
    q = abs(a) // abs(b)
    return q if (a >= 0) == (b >= 0) else -q


def _fold_int(op: str, a: int, b: int) -> int | None:
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    if op == "/" and b != 0:
        return trunc_div(a, b)
    if op == "%" and b != 0:
        return a - b * trunc_div(a, b)
    if op == "<<" and 0 <= b < 31:
        return a << b
    if op == ">>" and 0 <= b < 31 and a >= 0:
        return a >> b
    return None


def binary(op: str, a: Expr, b: Expr) -> Expr:
    """`a op b` with the usual conversions, integer constants folded and neutral elements dropped (integers only:
    dropping `+ 0.0f` would change -0.0)."""
    if op in LOGIC:
        return Binary(op, convert(a, BOOL), convert(b, BOOL), BOOL)
    if op in COMPARE:
        t = common_type(a.dtype, b.dtype)
        a, b = convert(a, t), convert(b, t)
        if isinstance(a, Const) and isinstance(b, Const):
            x, y = a.value, b.value
            return Const({"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}[op], BOOL)
        return Binary(op, a, b, BOOL)
    if op in ("<<", ">>"):
        t = common_type(a.dtype, a.dtype)
        a = convert(a, t)
    else:
        t = common_type(a.dtype, b.dtype)
        a, b = convert(a, t), convert(b, t)
    if t.is_integer:
        if isinstance(a, Const) and isinstance(b, Const):
            folded = _fold_int(op, int(a.value), int(b.value))
            if folded is not None and t.kind == "int" and -(1 << t.bits - 1) <= folded < 1 << t.bits - 1:
                return Const(folded, t)
        if isinstance(b, Const):
            if b.value == 0 and op in ("+", "-", "<<", ">>", "|", "^"):
                return a
            if b.value == 1 and op in ("*", "/"):
                return a
            if b.value == 1 and op == "%":
                return Const(0, t)
            if b.value == 0 and op == "*":
                return b
        if isinstance(a, Const):
            if a.value == 0 and op == "+":
                return b
            if a.value == 1 and op == "*":
                return b
            if a.value == 0 and op in ("*", "/", "%"):
                return a
    return Binary(op, a, b, t)


def add(a: Expr, b: Expr) -> Expr:
    return binary("+", a, b)


def sub(a: Expr, b: Expr) -> Expr:
    return binary("-", a, b)


def mul(a: Expr, b: Expr) -> Expr:
    return binary("*", a, b)


def div(a: Expr, b: Expr) -> Expr:
    return binary("/", a, b)


def mod(a: Expr, b: Expr) -> Expr:
    return binary("%", a, b)


def lt(a: Expr, b: Expr) -> Expr:
    return binary("<", a, b)


def ceil_div(a: Expr, b: Expr) -> Expr:
    """(a + b - 1) / b, for a >= 0 and b > 0."""
    return div(sub(add(a, b), integer(1)) if not isinstance(b, Const) else add(a, integer(int(b.value) - 1)), b)


def conjunction(parts: list[Expr]) -> Expr | None:
    """The `&&` of the parts, or None for an empty list. Parts that are the constant true vanish."""
    out: Expr | None = None
    for p in parts:
        if isinstance(p, Const) and p.value is True:
            continue
        out = p if out is None else binary("&&", out, p)
    return out


def guarded(cond: Expr | None, body: Block) -> Block:
    """`body` under `if (cond)`, or itself when there is nothing to ask."""
    if cond is None or (isinstance(cond, Const) and cond.value is True):
        return body
    return Block((If(cond, body),))


def loop(name: str, hi: Expr, body: Block, kind: ForKind = "serial", axis: str | None = None, lo: Expr | None = None) -> For:
    """`for (int name = lo or 0; name < hi; name++)`."""
    return For(name, lo if lo is not None else integer(0), hi, integer(1), body, kind, axis)


def scalar(name: str, dtype: ScalarType) -> Load:
    """The value of a rank-0 buffer."""
    return Load(name, (), dtype)
