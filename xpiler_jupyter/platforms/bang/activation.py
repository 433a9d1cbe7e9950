"""Activation functions: element-wise maps that the device looks up in a table."""

from __future__ import annotations

from ..instr import Instr
from .rows import EXACT_TABLE, FLOATS, unary

_X = "(float)$"
_D = "(double)$"  # where two almost equal numbers cancel, a float would lose the digits that the table has
_SIGMOID = f"1.0f / (1.0f + expf(-{_X}))"
_TABLE: tuple[tuple[str, str, str, str, str], ...] = (  # name, expression, doc, section, further assumption
    ("exp", f"expf({_X})", "The exponential.", "3.22.3", "The device gives 5.96e-8 below -7.75."),
    ("exp_less_0", f"expf({_X})", "The exponential of negative numbers.", "3.22.4", "The guide allows src < 0 only."),
    ("exphp", f"expf({_X})", "The exponential, more precise.", "3.22.5", ""),
    (
        "gelu",
        f"0.5 * {_D} * (1.0 + erf({_D} * 0.70710678118654752))",
        "The Gaussian error linear unit.",
        "3.22.6",
        "The guide gives no formula: the error-function form.",
    ),
    (
        "gelup",
        f"0.5 * {_D} * (1.0 + tanh(0.79788456080286536 * ({_D} + 0.044715 * {_D} * {_D} * {_D})))",
        "The Gaussian error linear unit, the table that is more precise around zero.",
        "3.22.7",
        "The guide gives no formula: the tanh form.",
    ),
    ("log", f"logf({_X})", "The natural logarithm.", "3.22.8", ""),
    ("loghp", f"logf({_X})", "The natural logarithm, more precise.", "3.22.9", ""),
    ("pow2", f"exp2f({_X})", "Two to the power of the element.", "3.22.10", "The guide allows integers only."),
    ("recip", f"1.0f / {_X}", "The reciprocal.", "3.22.11", "The guide allows 2^-7 to 65472."),
    ("recip_greater_1", f"1.0f / {_X}", "The reciprocal of numbers above one.", "3.22.12", ""),
    ("reciphp", f"1.0f / {_X}", "The reciprocal, more precise.", "3.22.13", ""),
    ("rsqrt", f"1.0f / sqrtf({_X})", "The reciprocal of the square root.", "3.22.15", ""),
    ("rsqrthp", f"1.0f / sqrtf({_X})", "The reciprocal of the square root, more precise.", "3.22.16", ""),
    ("sqrt", f"sqrtf({_X})", "The square root.", "3.22.20", ""),
    ("sqrthp", f"sqrtf({_X})", "The square root, more precise.", "3.22.21", ""),
    (
        "sigmoid",
        _SIGMOID,
        "The logistic function 1 / (1 + exp(-x)).",
        "3.22.17",
        "The device gives 0 below -7.75 and 1 above 7.75.",
    ),
    ("sin", f"sinf({_X})", "The sine.", "3.22.19", "The guide allows -2 pi to 2 pi."),
    ("cos", f"cosf({_X})", "The cosine.", "3.22.2", "The guide allows -2 pi to 2 pi."),
    ("tanh", f"tanhf({_X})", "The hyperbolic tangent.", "3.22.22", ""),
)


def _approximate(name: str, expr: str, doc: str, at: str, note: str) -> Instr:
    return unary(name, f"(T)({expr})", doc, at, exact=False, assumption=f"{EXACT_TABLE} {note}".strip())


INSTRS: tuple[Instr, ...] = (
    *(_approximate(f"__bang_active_{name}", expr, doc, at, note) for name, expr, doc, at, note in _TABLE),
    unary("__bang_active_abs", "(T)fabsf((float)$)", "Absolute value.", "3.22.1", types=FLOATS),
    unary(
        "__bang_active_relu",
        "$ > 0 ? $ : (T)0",
        "The larger of the element and zero.",
        "3.22.14",
        assumption="NaN gives 0.",
    ),
    unary(
        "__bang_active_sign",
        "$ >= 0 ? (T)1 : (T)(-1)",
        "1 for elements from zero up, -1 below; both zeros give 1.",
        "3.22.18",
        assumption="NaN gives -1.",
    ),
)
