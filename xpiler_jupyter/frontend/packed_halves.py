"""Packed halves: functions on two half or bfloat16 numbers at once, field by field.

Sources: CUDA Math API, "Half2 Arithmetic Functions" and "Bfloat162 Arithmetic Functions"; HIP names them alike.
"""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Expr
from ..ir.types import BF16, F16, F32, ScalarType
from .math_functions import math_call
from .records import Records
from .symbols import Bundle, Ptr, Record

_ONE: dict[str, str] = {
    **{f"__h{op}2": f"__h{op}" for op in ("add", "sub", "mul", "fma", "max", "min", "neg", "abs")},
    "__h2div": "__hdiv",
    **{f"h2{f}": f"h{f}" for f in ("exp", "exp2", "log", "log2", "log10", "sqrt", "rsqrt", "sin", "cos", "floor", "ceil",
                                   "rint", "trunc")},
}
_Values = list[Expr]
# Function -> the fields of what it makes, from the fields of its arguments in a row; one value is no record.
_MADE: dict[str, Callable[[_Values], _Values]] = {
    "halves2{}": lambda v: [v[0], v[1]], "{h}2{}": lambda v: [v[0], v[0]], "float2{}_rn": lambda v: [v[0], v[0]],
    "floats2{}_rn": lambda v: [v[0], v[1]], "float22{}_rn": lambda v: [v[0], v[1]], "{}2float2": lambda v: [v[0], v[1]],
    "low2{h}": lambda v: [v[0]], "high2{h}": lambda v: [v[1]], "low2float": lambda v: [v[0]], "high2float": lambda v: [v[1]],
    "lows2{}": lambda v: [v[0], v[2]], "highs2{}": lambda v: [v[1], v[3]], "low2{}": lambda v: [v[0], v[0]],
    "high2{}": lambda v: [v[1], v[1]], "lowhigh2highlow": lambda v: [v[1], v[0]],
}
_KINDS: tuple[tuple[str, str, ScalarType], ...] = (("half", "half2", F16), ("bfloat16", "bfloat162", BF16))


def _named(pattern: str, half: str, pair: str) -> str:
    return "__" + pattern.replace("{h}", half).replace("{}", pair)


# Function -> how it is made, its type of half, whether it makes floats.
_TABLE: dict[str, tuple[Callable[[_Values], _Values], ScalarType, bool]] = {
    _named(pattern, half, pair): (make, dtype, pattern.endswith(("float", "float2")))
    for half, pair, dtype in reversed(_KINDS) for pattern, make in _MADE.items()
}


def is_packed(name: str) -> bool:
    """Does `packed_call` know the name?"""
    return name in _ONE or name in _TABLE


def packed_call(context: Records, node: Node, name: str, nodes: list[Node]) -> Expr | Bundle:
    """The call field by field. Raises ParseError for arguments that do not fit."""
    given = [context.value(a) for a in nodes]
    records = [g.record for g in given if isinstance(g, Bundle)]
    fields: list[list[Expr]] = []
    for g in given:
        if isinstance(g, Ptr):
            raise context.parse_error(node, f"{name} takes values, not pointers")
        fields.append(list(g.values) if isinstance(g, Bundle) else [g])
    if name in _ONE:
        if len(records) != len(given) or len({r.fields for r in records}) != 1:
            raise context.parse_error(node, f"{name} takes packed halves of one type")
        return Bundle(records[0], tuple(math_call(_ONE[name], list(column), True) for column in zip(*fields, strict=True)))
    make, dtype, to_float = _TABLE[name]
    if "highlow" in name and records:
        dtype = records[0].fields[0][1]
    try:
        values = make([e for part in fields for e in part])
    except IndexError:
        raise context.parse_error(node, f"{name} takes other arguments") from None
    dtype = F32 if to_float else dtype
    converted = tuple(build.convert(e, dtype) for e in values)
    return converted[0] if len(converted) == 1 else Bundle(_record(dtype), converted)


def _record(dtype: ScalarType) -> Record:
    word = {F16: "half2", BF16: "bfloat162"}.get(dtype, "float2")
    return Record(word, (("x", dtype), ("y", dtype)))
