"""What a row asks of its operands beyond its meaning: C conditions on scalars and addresses, decided or refused."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import XpilerError
from ..frontend import parse
from ..ir.algebra import Scope
from ..ir.build import COMPARE
from ..ir.nodes import Binary, Cast, Const, Expr, Select, Store, Unary
from ..ir.poly import Poly
from ..ir.simplify import simplify_expr
from ..ir.visit import walk
from ..platforms import registry
from ..platforms.base import Platform
from ..platforms.instr import Instr
from ._match_row import lenient
from ._match_solve import put
from ._match_tree import NoMatchError

_ADDRESS = re.compile(r"\(\s*uintptr_t\s*\)\s*(\w+)")
_SIZEOF = re.compile(r"\bsizeof\(\s*(\w+)\s*\)")
_FLOATS: dict[str, Any] = {"f16": np.float16, "f32": np.float32, "f64": np.float64}


def check_rules(row: Instr, platform: Platform, scalars: dict[str, Poly], offsets: dict[str, Poly], scope: Scope) -> None:
    """Raises NoMatchError with the first rule that does not hold, or is not shown to.

    Args:
        scalars: the integer scalar operands.
        offsets: of each buffer operand, how many bytes it starts behind an aligned address.
        scope: what is known where the call will stand.
    """
    known = {**scalars, **{f"address_{n}": p for n, p in offsets.items()}}
    for condition, reason in row.rules:
        e = _condition(_plain(condition, platform), tuple(known))
        if e is None:
            raise NoMatchError(f"{row.word} asks that {reason}, and that rule cannot be read")
        holds = _truth(e, known, scope)
        if not holds:
            raise NoMatchError(f"{row.word}: {reason}" + ("" if holds is False else ", which is not shown"))


def _plain(condition: str, platform: Platform) -> str:
    """The condition with macros and sizes as numbers, and addresses as names."""
    sizes = {word: t.bytes for table in (registry.meeting_point().types, platform.types) for t, word in table.items()}
    text = _SIZEOF.sub(lambda m: str(sizes[m[1]]) if m[1] in sizes else m[0], condition)
    for name, value in platform.predefined.items():
        text = re.sub(rf"\b{name}\b", str(value), text)
    for t, word in platform.types.items():
        text = re.sub(rf"\({re.escape(word)}\)", f"({registry.meeting_point().types[t]})", text)
    return _ADDRESS.sub(lambda m: f"address_{m[1]}", text)


@lru_cache(maxsize=4096)
def _condition(text: str, names: tuple[str, ...]) -> Expr | None:
    used = [n for n in names if re.search(rf"\b{n}\b", text)]
    params = ", ".join(["int* holds", *(f"int {n}" for n in used)])
    try:
        kernel = parse(f'extern "C" void rule({params}) {{ holds[0] = ({text}) ? 1 : 0; }}', registry.meeting_point())
    except XpilerError:
        return None
    stored = next(n for n in walk(kernel.body) if isinstance(n, Store))
    value = stored.value
    if isinstance(value, Const):
        return Const(bool(value.value), value.dtype)
    return simplify_expr(value.cond, Scope()) if isinstance(value, Select) else None


def _truth(e: Expr, known: dict[str, Poly], scope: Scope) -> bool | None:
    """True, False, or None when neither is shown."""
    if isinstance(e, Const):
        return bool(e.value)
    if isinstance(e, Cast):
        return _truth(e.x, known, scope)
    if isinstance(e, Unary) and e.op == "!":
        inner = _truth(e.x, known, scope)
        return None if inner is None else not inner
    if not isinstance(e, Binary):
        return None
    if e.op in ("&&", "||"):
        stop = e.op == "||"
        sides = _truth(e.a, known, scope), _truth(e.b, known, scope)
        return stop if stop in sides else None if None in sides else not stop
    if e.op not in COMPARE:
        return None
    if not e.a.dtype.is_integer:
        a, b = _number(e.a), _number(e.b)
        return None if a is None or b is None else bool(_compare(e.op, a, b))
    names = set(known)
    d = put(lenient(e.b, names), known) - put(lenient(e.a, names), known)
    return _decide(e.op, d, scope)


def _decide(op: str, d: Poly, scope: Scope) -> bool | None:
    """`0 op' d` for `a op b` with d = b - a."""
    if d.value is not None:
        return bool(_compare(op, 0, d.value))
    if op in ("==", "!="):
        if scope.nonneg(d) and scope.nonneg(-d):
            return op == "=="
        return op != "==" if scope.positive(d) or scope.positive(-d) else None
    if op in (">", ">="):
        d = -d
    strict = op in ("<", ">")
    if scope.nonneg(d.plus(-1 if strict else 0)):
        return True
    return False if scope.nonneg((-d).plus(0 if strict else -1)) else None


def _compare(op: str, a: Any, b: Any) -> Any:
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[op]


def _number(e: Expr) -> Any:
    """The value of a constant expression with conversions, or None."""
    if isinstance(e, Const):
        return e.value
    if isinstance(e, Unary) and e.op == "-":
        x = _number(e.x)
        return None if x is None else -x
    if not isinstance(e, Cast):
        return None
    x = _number(e.x)
    if x is None:
        return None
    if e.dtype.is_integer:
        return int(x)
    if e.dtype.name == "bf16":  # nearest even, on the upper half of a float's bits
        bits = int(np.float32(x).view(np.uint32))
        return np.uint32(bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000).view(np.float32)
    return _FLOATS[e.dtype.name](x)
