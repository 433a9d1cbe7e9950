"""The same text in double precision: an independent yardstick for the source's own rounding errors."""

from __future__ import annotations

import re

# Words whose meaning depends on the width of float, or that have no double twin: then there is no yardstick.
_REFUSE = re.compile(
    r"\b(half|__half\w*|half2|bfloat16|__nv_bfloat16|hip_bfloat16|wmma|fragment|float[234]|__m\d+\w*|_mm\w+|"
    r"__builtin_\w+|\w*(?:float|double|half|bfloat16|u?int|longlong|u?short)_as_\w+|__shfl\w*|ext_vector_type|vector_size)\b"
    r"|\(\s*(?:const\s+)?(?:unsigned\s+)?(?:int|char|short|long|u?int\d+_t)\s*\*\s*\)"
    r"|(?:reinterpret|static)_cast\s*<[^>]*\*\s*>|_cast\s*<\s*float\s*\*"
)
_LITERAL = re.compile(r"(?<![\w.])((?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)[fF]\b")
_MATH = ("acosh?|asinh?|atan[2h]?|cbrt|ceil|copysign|cosh?|erfc?|exp2?|expm1|fabs|fdim|floor|fma|fmax|fmin|fmod|hypot|"
         "log|log10|log1p|log2|nearbyint|pow|remainder|rint|round|rsqrt|sinh?|sqrt|tanh?|tgamma|trunc")
_CALL = re.compile(rf"\b({_MATH})f(?=\s*\()")
_FAST = re.compile(r"\b__(exp|log|log2|log10|sin|cos|tan|pow)f(?=\s*\()")
_ROUNDED = re.compile(r"\b__f(add|mul|sub|div|sqrt|maf)_r[nzud]\b|\b__fdividef\b|\b__frcp_rn\b|\b__saturatef\b")


def double_text(text: str) -> str | None:
    """`text` with `float` widened to `double` everywhere, line by line; None when it does something that would not
    survive (vector types, bit tricks, half precision, warp exchange)."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    if not re.search(r"\bfloat\b", code) or _REFUSE.search(code) or _ROUNDED.search(code):
        return None
    code = re.sub(r"\bfloat\b", "double", code)
    code = _LITERAL.sub(lambda m: m.group(1) if re.search(r"[.eE]", m.group(1)) else m.group(1) + ".0", code)
    code = _FAST.sub(r"\1", code)
    return _CALL.sub(r"\1", code)
