"""C++ and device math functions: what each name computes, and in which type."""

from __future__ import annotations

import re

from ..ir import build
from ..ir.bit_casts import BIT_CASTS
from ..ir.nodes import Binary, Call, Cast, Const, Expr, Load, Select, Unary, Var
from ..ir.types import BF16, BOOL, F16, F32, F64, I32, I64, U32, U64, ScalarType, common_type, integer_promotion

# <cmath> names with one or two arguments; the float versions carry the suffix f.
_UNARY = frozenset((
    "sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "tgamma", "lgamma", "floor", "ceil", "round", "trunc",
    "rint", "nearbyint", "cbrt", "fabs",
))
_BINARY = frozenset(("pow", "atan2", "fmod", "hypot", "fmax", "fmin", "copysign", "remainder", "fdim"))
_DEVICE_UNARY = frozenset(("rsqrt",))
_CANONICAL = {"fabs": "abs", "fmax": "max", "fmin": "min"}
# Fast float functions keep their own names: they are less exact than the ones they stand for.
_FAST = {"__expf": 1, "__exp10f": 1, "__logf": 1, "__log2f": 1, "__log10f": 1, "__sinf": 1, "__cosf": 1, "__tanf": 1,
         "__powf": 2, "__fdividef": 2, "__saturatef": 1}
_OTHERS = frozenset(("max", "min", "abs", "labs", "llabs", "fma", "fmaf", "isnan", "isinf", "isfinite", "signbit",
                     "clamp", "umax", "umin", "llmax", "llmin", "__frcp_rn",
                     "__hisnan", "__hisinf", "fdividef", "ldexp", "ldexpf", "scalbn", "scalbnf"))
_ROUNDED = {"__fadd": "+", "__fsub": "-", "__fmul": "*", "__fdiv": "/", "__dadd": "+", "__dsub": "-", "__dmul": "*",
            "__ddiv": "/"}
_HALF_OPS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==",
             "ne": "!="}
_HALF_FUNCTIONS = {
    f"h{f}": f for f in ("exp", "exp2", "log", "log2", "log10", "sqrt", "rsqrt", "sin", "cos", "tanh", "floor", "ceil", "rint",
                         "trunc")
}
_CASTS: dict[str, tuple[ScalarType, ScalarType]] = {
    "__half2float": (F16, F32), "__float2half": (F32, F16), "__float2half_rn": (F32, F16), "__double2half": (F64, F16),
    "__bfloat162float": (BF16, F32), "__float2bfloat16": (F32, BF16), "__float2bfloat16_rn": (F32, BF16),
    "__int2float_rn": (I32, F32), "__uint2float_rn": (U32, F32), "__int2half_rn": (I32, F16),
    "__int2double_rn": (I32, F64), "__uint2double_rn": (U32, F64), "__ll2double_rn": (I64, F64),
    "__uint2half_rn": (U32, F16), "__double2ll_rz": (F64, I64), "__float2ll_rz": (F32, I64), "__ull2float_rn": (U64, F32),
    "__float2int_rz": (F32, I32), "__float2uint_rz": (F32, U32), "__half2int_rz": (F16, I32),
    "__double2float_rn": (F64, F32), "__double2int_rz": (F64, I32), "__ll2float_rn": (I64, F32),
}
_ROUND_TO_INT = {"rn": "rint", "rd": "floor", "ru": "ceil"}
_TO_INTEGER = {"lround": "round", "llround": "round", "lrint": "rint", "llrint": "rint"}


class MathError(Exception):
    """A known function used in a way that C++ or we refuse; the text is the reason."""


def is_math(name: str) -> bool:
    """Whether `math_call` knows the name, given any arguments."""
    return _table_entry(name.removeprefix("std::").removeprefix("::"))


def _table_entry(name: str) -> bool:
    bare = name[:-1] if name.endswith("f") else name
    return (bool({name, bare} & (_UNARY | _BINARY)) or bare in _DEVICE_UNARY or name in _FAST or name in _CASTS
            or name in _OTHERS or bare in _TO_INTEGER or name in _HALF_FUNCTIONS or _bit_cast(name) is not None
            or re.fullmatch(r"__[fd](add|sub|mul|div|ma|sqrt|maf)_rn|__fsqrt_rn|__fmaf_rn|__fma_rn", name) is not None
            or re.fullmatch(r"__(float|half|double)2(int|uint)_(rn|rd|ru)", name) is not None
            or re.fullmatch(r"__h(add|sub|mul|div|fma|neg|abs|max|min|gt|ge|lt|le|eq|ne)(_rn)?", name) is not None)


def _bit_cast(name: str) -> str | None:
    """The canonical name: where C++ has no such function, ours go without the underscores."""
    return next((n for n in (name, "__" + name) if n in BIT_CASTS), None)


def math_call(name: str, args: list[Expr], device: bool) -> Expr:
    """The call as IR.

    Args:
        name: as in the text, with `std::` if it stands there.
        device: the text is for a platform whose unqualified `max` on floats is fmax (C++ knows only std::max, which
            keeps its first argument when a NaN is compared).
    Raises:
        MathError: wrong number or types of arguments.
    """
    std, name = name.startswith("std::"), name.removeprefix("std::").removeprefix("::")
    cast = _bit_cast(name)
    if cast is not None:
        source, target = BIT_CASTS[cast]
        return Call(cast, (build.convert(_arity(name, args, 1)[0], source),), target)
    if name in _CASTS:
        source, target = _CASTS[name]
        return _cast(build.convert(_arity(name, args, 1)[0], source), target)
    m = re.fullmatch(r"__(float|half|double)2(int|uint)_(rn|rd|ru)", name)
    if m:
        t = {"float": F32, "half": F16, "double": F64}[m.group(1)]
        x = build.convert(_arity(name, args, 1)[0], t)
        return _cast(Call(_ROUND_TO_INT[m.group(3)], (x,), t), U32 if m.group(2) == "uint" else I32)
    if name in ("ldexp", "ldexpf", "scalbn", "scalbnf"):
        x, n_ = _arity(name, args, 2)
        t = F32 if name.endswith("f") or x.dtype == F32 else F64
        return Call("ldexp", (build.convert(x, t), build.convert(n_, I32)), t)
    name = "__fdividef" if name == "fdividef" else name
    if name in _FAST:
        n = _FAST[name]
        return Call(name, tuple(build.convert(a, F32) for a in _arity(name, args, n)), F32)
    if name in ("max", "min", "umax", "umin", "llmax", "llmin"):
        return _extreme(name[-3:], args, std or not device)
    if name in ("abs", "labs", "llabs"):
        return _absolute(_arity(name, args, 1)[0])
    if name == "clamp":
        x, low, high = _arity(name, args, 3)
        return _extreme("min", [_extreme("max", [x, low], True), high], True)
    got = _rounded(name, args) or _half(name, args) or _classified(name, args)
    return got if got is not None else _cmath(name, args)


def _cmath(name: str, args: list[Expr]) -> Expr:
    bare = name[:-1] if name.endswith("f") else name
    if bare in _TO_INTEGER:
        t = F32 if name.endswith("f") else _float_type(args)
        return _cast(Call(_TO_INTEGER[bare], (build.convert(_arity(name, args, 1)[0], t),), t), I64)
    if name in _UNARY or name in _BINARY or name in _DEVICE_UNARY or name == "fma":
        base, t = name, _float_type(args)
    else:
        base, t = bare, F32
    count = 3 if base == "fma" else 2 if base in _BINARY else 1
    _arity(name, args, count)
    return Call(_CANONICAL.get(base, base), tuple(build.convert(a, t) for a in args), t)


def _arity(name: str, args: list[Expr], n: int) -> list[Expr]:
    if len(args) != n:
        raise MathError(f"{name} takes {n} argument{'s' if n > 1 else ''}, not {len(args)}")
    return args


def _float_type(args: list[Expr]) -> ScalarType:
    """C++11's rule for overloaded math: all float is float; an integer or double anywhere makes it double."""
    if any(a.dtype in (F16, BF16) for a in args):
        raise MathError("a math function of a half is ambiguous: convert the argument to float")
    return F32 if args and all(a.dtype == F32 for a in args) else F64


def _cast(e: Expr, t: ScalarType) -> Expr:
    return e if e.dtype == t else Cast(e, t)


def _extreme(name: str, args: list[Expr], ordered: bool) -> Expr:
    a, b = _arity(name, args, 2)
    t = a.dtype if a.dtype == b.dtype else common_type(a.dtype, b.dtype)
    if t == BOOL:
        t = I32
    a, b = build.convert(a, t), build.convert(b, t)
    if isinstance(a, Const) and isinstance(b, Const) and t.is_integer:
        return Const(max(a.value, b.value) if name == "max" else min(a.value, b.value), t)
    if t.is_float and ordered and not (_never_nan(a) and _never_nan(b)):
        # std::max(a, b) is (a < b) ? b : a, which differs from fmax when one of them is a NaN.
        return Select(build.binary("<", a, b) if name == "max" else build.binary("<", b, a), b, a, t)
    return Call(name, (a, b), t)


def _never_nan(e: Expr) -> bool:
    if isinstance(e, Const):
        return e.value == e.value
    return isinstance(e, Cast) and e.x.dtype.is_integer


def _absolute(x: Expr) -> Expr:
    t = integer_promotion(x.dtype)
    x = build.convert(x, t)
    if t.kind == "uint":
        raise MathError("abs of an unsigned number is ambiguous")
    return Call("abs", (x,), t)


def _rounded(name: str, args: list[Expr]) -> Expr | None:
    """Operators spelled as functions with IEEE rounding: `__fadd_rn` and its kin."""
    if name == "__frcp_rn":
        return Binary("/", Const(1.0, F32), build.convert(_arity(name, args, 1)[0], F32), F32)
    if not name.endswith("_rn") or not name.startswith("__"):
        return None
    base = name[:-3]
    t = F64 if base.startswith("__d") or base == "__fma" else F32
    if base in _ROUNDED:
        a, b = _arity(name, args, 2)
        return Binary(_ROUNDED[base], build.convert(a, t), build.convert(b, t), t)
    if base in ("__fsqrt", "__dsqrt"):
        return Call("sqrt", (build.convert(_arity(name, args, 1)[0], t),), t)
    if base in ("__fmaf", "__fma"):
        return Call("fma", tuple(build.convert(a, t) for a in _arity(name, args, 3)), t)
    return None


def _half(name: str, args: list[Expr]) -> Expr | None:
    """`__hadd` and its kin, on half or bfloat16."""
    if name in _HALF_FUNCTIONS:
        x = _arity(name, args, 1)[0]
        t = BF16 if x.dtype == BF16 else F16
        return Call(_HALF_FUNCTIONS[name], (build.convert(x, t),), t)
    m = re.fullmatch(r"__h(add|sub|mul|div|fma|neg|abs|max|min|gt|ge|lt|le|eq|ne)(_rn)?", name)
    if m is None:
        return None
    t = BF16 if any(a.dtype == BF16 for a in args) else F16
    xs, what = [build.convert(a, t) for a in args], m.group(1)
    if what == "neg":
        return Unary("-", _arity(name, xs, 1)[0], t)
    if what in ("abs", "max", "min", "fma"):
        return Call(what, tuple(_arity(name, xs, {"abs": 1, "fma": 3}.get(what, 2))), t)
    a, b = _arity(name, xs, 2)
    op = _HALF_OPS[what]
    return Binary(op, a, b, BOOL if op in build.COMPARE else t)


def _classified(name: str, args: list[Expr]) -> Expr | None:
    name = {"__hisnan": "isnan", "__hisinf": "isinf"}.get(name, name)
    if name not in ("isnan", "isinf", "isfinite", "signbit"):
        return None
    x = _arity(name, args, 1)[0]
    if not x.dtype.is_float:
        x = build.convert(x, F64)
    if name == "isnan":
        return Binary("!=", x, x, BOOL)
    if name == "signbit":
        wide = x.dtype == F64
        bits = Call("__double_as_longlong" if wide else "__float_as_int", (build.convert(x, F64 if wide else F32),),
                    I64 if wide else I32)
        return Binary("<", bits, Const(0, bits.dtype), BOOL)
    inf = Const(float("inf"), x.dtype)
    return Binary("==" if name == "isinf" else "<", Call("abs", (x,), x.dtype), inf, BOOL)


def is_trivial(e: Expr) -> bool:
    """Whether an expression costs nothing to say twice."""
    if isinstance(e, Cast):
        return is_trivial(e.x)
    if isinstance(e, Load):
        return not e.indices
    return isinstance(e, Const | Var)


