"""Literals of the C family, and which printed integer expressions stay right when an axis is unsigned."""

from __future__ import annotations

import math
import struct

from ..ir.nodes import Binary, Const, Expr, Var
from ..ir.types import F64, I64, U32, U64, ScalarType


def float_text(value: float, dtype: ScalarType) -> str:
    """The shortest decimal that reads back as the same `dtype` value, with C's suffix. Infinity and NaN by macro."""
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    if math.isnan(value):
        return "NAN"
    if dtype == F64:
        text = repr(float(value))
    else:
        single = struct.unpack("f", struct.pack("f", value))[0]
        text = next(t for p in range(1, 18)
                    if struct.unpack("f", struct.pack("f", float(t := f"{single:.{p}g}")))[0] == single)
    if "e" in text:
        mantissa, exponent = text.split("e")
        if "." not in mantissa:
            mantissa += ".0"
        text = f"{mantissa}e{int(exponent)}"
    elif "." not in text:
        text += ".0"
    return text if dtype == F64 else text + "f"


def int_text(value: int, dtype: ScalarType) -> str:
    """An integer literal of exactly `dtype` where C has one."""
    suffix = {I64: "LL", U32: "u", U64: "ull"}.get(dtype, "")
    if value == -(1 << 31) and dtype.bits == 32 and dtype.kind == "int":
        return "(-2147483647 - 1)"  # 2147483648 does not fit an int, so its negation is no int either
    if dtype in (U32, U64) and value == (1 << dtype.bits) - 1:  # all bits
        return f"{value:#x}{suffix}"
    return f"{value}{suffix}"


def const_text(c: Const) -> str:
    if c.dtype.kind == "bool":
        return "true" if c.value else "false"
    if c.dtype.is_float:
        return float_text(float(c.value), c.dtype)
    return int_text(int(c.value), c.dtype)


def never_negative(e: Expr, known: set[str]) -> bool:
    """Whether an integer expression is certainly >= 0, given names known to be. Built of what keeps signs only."""
    if isinstance(e, Const):
        return e.dtype.is_integer and int(e.value) >= 0
    if isinstance(e, Var):
        return e.name in known or e.dtype.kind == "uint"
    if isinstance(e, Binary) and e.op in ("+", "*", "/", "%", ">>", "<<", "&"):
        return never_negative(e.a, known) and never_negative(e.b, known)
    return False
