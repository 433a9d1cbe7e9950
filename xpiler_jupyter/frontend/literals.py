"""Literals and named constants of the C family."""

from __future__ import annotations

import math
import re
import struct

from ..ir.nodes import Const
from ..ir.types import F16, F32, F64, I8, I32, I64, U32, U64, ScalarType

_FLT_MAX, _FLT_MIN, _FLT_EPSILON = 3.4028234663852886e38, 1.1754943508222875e-38, 1.1920928955078125e-07
_DBL_MAX, _DBL_MIN, _DBL_EPSILON = 1.7976931348623157e308, 2.2250738585072014e-308, 2.220446049250313e-16

CONSTANTS: dict[str, Const] = {
    "M_PI": Const(math.pi, F64), "M_PI_2": Const(math.pi / 2, F64), "M_PI_4": Const(math.pi / 4, F64),
    "M_1_PI": Const(1 / math.pi, F64), "M_2_PI": Const(2 / math.pi, F64),
    "M_2_SQRTPI": Const(2 / math.sqrt(math.pi), F64),
    "M_E": Const(math.e, F64), "M_LOG2E": Const(math.log2(math.e), F64), "M_LOG10E": Const(math.log10(math.e), F64),
    "M_LN2": Const(math.log(2), F64), "M_LN10": Const(math.log(10), F64), "M_SQRT2": Const(math.sqrt(2), F64),
    "M_SQRT1_2": Const(math.sqrt(0.5), F64),
    "INFINITY": Const(math.inf, F32), "HUGE_VALF": Const(math.inf, F32), "HUGE_VAL": Const(math.inf, F64),
    "NAN": Const(math.nan, F32), "CUDART_INF_F": Const(math.inf, F32), "CUDART_INF": Const(math.inf, F64),
    "CUDART_NAN_F": Const(math.nan, F32), "CUDART_PI_F": Const(struct.unpack("f", struct.pack("f", math.pi))[0], F32),
    "CUDART_PI": Const(math.pi, F64),
    "FLT_MAX": Const(_FLT_MAX, F32), "FLT_MIN": Const(_FLT_MIN, F32), "FLT_EPSILON": Const(_FLT_EPSILON, F32),
    "DBL_MAX": Const(_DBL_MAX, F64), "DBL_MIN": Const(_DBL_MIN, F64), "DBL_EPSILON": Const(_DBL_EPSILON, F64),
    "CHAR_BIT": Const(8, I32), "SCHAR_MAX": Const(127, I32), "SCHAR_MIN": Const(-128, I32),
    "UCHAR_MAX": Const(255, I32),
    "INT8_MAX": Const(127, I32), "INT8_MIN": Const(-128, I32), "UINT8_MAX": Const(255, I32),
    "SHRT_MAX": Const(32767, I32), "SHRT_MIN": Const(-32768, I32),
    "INT_MAX": Const(2**31 - 1, I32), "INT_MIN": Const(-(2**31), I32), "UINT_MAX": Const(2**32 - 1, U32),
    "INT32_MAX": Const(2**31 - 1, I32), "INT32_MIN": Const(-(2**31), I32), "UINT32_MAX": Const(2**32 - 1, U32),
    "LLONG_MAX": Const(2**63 - 1, I64), "LLONG_MIN": Const(-(2**63), I64), "INT64_MAX": Const(2**63 - 1, I64),
    "INT64_MIN": Const(-(2**63), I64), "SIZE_MAX": Const(2**64 - 1, U64), "UINT64_MAX": Const(2**64 - 1, U64),
}

_LIMITS: dict[ScalarType, dict[str, float]] = {
    F32: {"max": _FLT_MAX, "lowest": -_FLT_MAX, "min": _FLT_MIN, "epsilon": _FLT_EPSILON, "infinity": math.inf,
          "quiet_NaN": math.nan},
    F64: {"max": _DBL_MAX, "lowest": -_DBL_MAX, "min": _DBL_MIN, "epsilon": _DBL_EPSILON, "infinity": math.inf,
          "quiet_NaN": math.nan},
    F16: {"max": 65504.0, "lowest": -65504.0, "min": 2.0**-14, "epsilon": 2.0**-10, "infinity": math.inf,
          "quiet_NaN": math.nan},
}


def numeric_limit(dtype: ScalarType, member: str) -> Const | None:
    """`std::numeric_limits<dtype>::member()`, or None when it has no such member."""
    if dtype.is_float:
        value = _LIMITS.get(dtype, {}).get(member)
        return None if value is None else Const(value, dtype)
    low = -(1 << dtype.bits - 1) if dtype.kind == "int" else 0
    high = (1 << (dtype.bits - 1 if dtype.kind == "int" else dtype.bits)) - 1
    return {"max": Const(high, dtype), "min": Const(low, dtype), "lowest": Const(low, dtype)}.get(member)


def round_to(value: float, dtype: ScalarType) -> float:
    """The nearest float of a type, as a Python float."""
    if dtype == F32:
        try:
            return float(struct.unpack("f", struct.pack("f", value))[0])
        except OverflowError:
            return math.copysign(math.inf, value)
    return value


def number(text: str) -> Const | None:
    """The literal, or None when the text is none. A sign in front is allowed: the grammar keeps it."""
    text = text.replace("'", "").replace(" ", "").replace("\n", "").replace("\t", "")
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    return _integer(text, sign) or _float(text, sign)


def _integer(text: str, sign: int) -> Const | None:
    m = re.fullmatch(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlLzZ]*)", text)
    if m is None:
        return None
    digits, suffix = m.group(1), m.group(2).lower()
    if suffix not in ("", "u", "l", "ul", "lu", "ll", "ull", "llu", "z", "uz"):
        return None
    decimal = digits[0] != "0" or len(digits) == 1
    if not decimal and digits[1].isdigit():
        if any(c in "89" for c in digits):
            return None
        value = int(digits, 8)
    elif len(digits) > 30:
        return None
    else:
        value = int(digits, 0)
    unsigned, long = "u" in suffix, "l" in suffix or "z" in suffix
    for t in (I32, U32, I64, U64):
        signed_only = decimal and not unsigned
        if (unsigned and t.kind != "uint") or (long and t.bits != 64) or (signed_only and t.kind == "uint"):
            continue
        if value < 1 << (t.bits - (t.kind == "int")):
            if sign < 0 and t.kind == "uint":
                value = ((1 << t.bits) - value) % (1 << t.bits)
                return Const(value, t)
            return Const(sign * value, t)
    return None


def _float(text: str, sign: int) -> Const | None:
    m = re.fullmatch(r"(0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][+-]?\d+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
                     r"(f16|F16|f32|f64|[fF])?", text)
    if m is None or len(text) > 400:
        return None
    digits, suffix = m.group(1), (m.group(2) or "").lower()
    try:
        value = float.fromhex(digits) if digits[:2].lower() == "0x" else float(digits)
    except (ValueError, OverflowError):
        return None
    dtype = {"f": F32, "f32": F32, "f16": F16}.get(suffix, F64)
    return Const(sign * round_to(value, dtype), dtype)


_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39, '"': 34, "a": 7, "b": 8, "f": 12, "v": 11}


def character(text: str) -> Const | None:
    """`'a'` as a char, or None when it is more than one plain character."""
    inner = text[1:-1]
    if len(inner) == 1 and inner != "\\":
        return Const(ord(inner), I8) if ord(inner) < 128 else None
    if len(inner) == 2 and inner[0] == "\\" and inner[1] in _ESCAPES:
        return Const(_ESCAPES[inner[1]], I8)
    return None
