"""Device functions that are short formulas: each is spelt out once, in plain C over its parameters, and read by the front
end itself as the meanings of instrs are.

Source: CUDA C++ Programming Guide, "Integer Intrinsics" and "Mathematical Functions"; HIP names alike those it has.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Expr, Store, Var
from ..ir.types import I32, I64, U32, U64
from ..ir.visit import stmts_of, substitute, walk
from ..platforms import registry
from .context import Context
from .math_functions import is_trivial

_LOW = "0xffffffffull"
_CROSS = f"((a >> 32) * (b & {_LOW}))", f"((b >> 32) * (a & {_LOW}))"
_PI = "3.14159265358979323846"
# Signature -> the value. Of several with one name the first takes ints, the second unsigned numbers.
_FORMULAS: dict[str, str] = {
    "int __mul24(int a, int b)": "((int)((unsigned int)a << 8) >> 8) * ((int)((unsigned int)b << 8) >> 8)",
    "unsigned int __umul24(unsigned int a, unsigned int b)": "(a & 0xffffffu) * (b & 0xffffffu)",
    "int __mulhi(int a, int b)": "(int)((int64_t)a * (int64_t)b >> 32)",
    "unsigned int __umulhi(unsigned int a, unsigned int b)": "(unsigned int)((uint64_t)a * (uint64_t)b >> 32)",
    "uint64_t __umul64hi(uint64_t a, uint64_t b)":
        f"(a >> 32) * (b >> 32) + ({_CROSS[0]} >> 32) + ({_CROSS[1]} >> 32) + "
        f"((({_CROSS[0]} & {_LOW}) + ({_CROSS[1]} & {_LOW}) + ((a & {_LOW}) * (b & {_LOW}) >> 32)) >> 32)",
    "int __dp4a(int a, int b, int c)": "c + " + " + ".join(
        f"(int)(int8_t)(a >> {s}) * (int)(int8_t)(b >> {s})" for s in (0, 8, 16, 24)),
    "unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int c)": "c + " + " + ".join(
        f"(a >> {s} & 255u) * (b >> {s} & 255u)" for s in (0, 8, 16, 24)),
    "unsigned int __sad(int a, int b, unsigned int c)":
        "(a < b ? (unsigned int)b - (unsigned int)a : (unsigned int)a - (unsigned int)b) + c",
    "unsigned int __usad(unsigned int a, unsigned int b, unsigned int c)": "(a < b ? b - a : a - b) + c",
    "int __hadd(int a, int b)": "(a & b) + ((a ^ b) >> 1)",
    "unsigned int __uhadd(unsigned int a, unsigned int b)": "(a & b) + ((a ^ b) >> 1)",
    "int __rhadd(int a, int b)": "(a | b) - ((a ^ b) >> 1)",
    "unsigned int __urhadd(unsigned int a, unsigned int b)": "(a | b) - ((a ^ b) >> 1)",
    "unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int s)": " | ".join(
        f"((unsigned int)(((uint64_t)b << 32 | (uint64_t)a) >> (s >> {4 * k} & 7u) * 8u) & 255u) << {8 * k}" for k in range(4)),
    "unsigned int __funnelshift_l(unsigned int a, unsigned int b, unsigned int s)":
        "(unsigned int)(((uint64_t)b << 32 | (uint64_t)a) << (s & 31u) >> 32)",
    "unsigned int __funnelshift_r(unsigned int a, unsigned int b, unsigned int s)":
        "(unsigned int)(((uint64_t)b << 32 | (uint64_t)a) >> (s & 31u))",
    "int __double2hiint(double x)": "(int)(__double_as_longlong(x) >> 32)",
    "int __double2loint(double x)": "(int)__double_as_longlong(x)",
    "double __hiloint2double(int a, int b)":
        "__longlong_as_double((int64_t)((uint64_t)(unsigned int)a << 32 | (uint64_t)(unsigned int)b))",
    "float __tanhf(float x)": "tanhf(x)",
    "float __frsqrt_rn(float x)": "1.0f / sqrtf(x)",
    "float rcbrtf(float x)": "1.0f / cbrtf(x)",
    "float exp10f(float x)": "(float)pow(10.0, (double)x)",
    "double exp10(double x)": "pow(10.0, x)",
    "float normcdff(float x)": "0.5f * erfcf(-x * 0.70710678f)",
    "double normcdf(double x)": "0.5 * erfc(-x * 0.70710678118654752440)",
    "float sinpif(float x)": f"(float)sin({_PI} * (double)x)",
    "float cospif(float x)": f"(float)cos({_PI} * (double)x)",
    "double sinpi(double x)": f"sin({_PI} * x)",
    "double cospi(double x)": f"cos({_PI} * x)",
    "float norm3df(float a, float b, float c)": "sqrtf(a * a + b * b + c * c)",
    "float rnorm3df(float a, float b, float c)": "1.0f / sqrtf(a * a + b * b + c * c)",
    "float norm4df(float a, float b, float c, float d)": "sqrtf(a * a + b * b + c * c + d * d)",
    "float rhypotf(float a, float b)": "1.0f / hypotf(a, b)",
    "_Float16 hrcp(_Float16 x)": "(_Float16)(1.0f / (float)x)",
}


@cache
def _table() -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for signature in _FORMULAS:
        m = re.fullmatch(r".*?(\w+)\(.*\)", signature)
        assert m is not None
        out.setdefault(m[1], []).append(signature)
    return out


def is_spelt(name: str) -> bool:
    """Does `spelt_call` know the name?"""
    return name in _table()


@cache
def _read(signature: str) -> tuple[tuple[Var, ...], Expr]:
    """Parameters and value of a formula."""
    from .module import parse  # it is the front end that reads this, with functions that are not spelt out here

    result, params = re.fullmatch(r"(.*) \w+\((.*)\)", signature).groups()  # type: ignore[union-attr]
    kernel = parse(f'extern "C" void spelt({params}, {result}* result) {{ result[0] = {_FORMULAS[signature]}; }}',
                   registry.meeting_point())
    store, = stmts_of(kernel.body)
    assert isinstance(store, Store)
    return tuple(Var(p.name, p.dtype) for p in kernel.params if not p.pointer), store.value


def spelt_call(context: Context, node: Node, name: str, args: list[Expr]) -> Expr:
    """The call as its formula; an argument that it mentions again gets a name. Raises ParseError for a wrong number of
    arguments."""
    found = _table()[name]
    unsigned = bool(args) and all(a.dtype in (U32, U64) for a in args[:2])
    params, value = _read(found[-1] if unsigned else found[0])
    if len(args) != len(params):
        raise context.parse_error(node, f"{name} takes {len(params)} argument{'s' if len(params) > 1 else ''}, not {len(args)}")
    if name == "__mul24" and all(_small(a) for a in args):
        return build.mul(build.convert(args[0], I32), build.convert(args[1], I32))
    uses = Counter(n.name for n in walk(value) if isinstance(n, Var))
    given: dict[str, Expr] = {}
    for p, a in zip(params, args, strict=True):
        e = build.convert(a, p.dtype)
        again = uses[p.name] > 1 and not is_trivial(e)
        given[p.name] = context.let(p.name, e, node).expr if again and context.hoisting else e
    return substitute(value, given)


def _small(e: Expr) -> bool:
    """An index of the launch or a number that fits 24 bits: what the function was made for."""
    return all(not isinstance(n, Var) or "." in n.name for n in walk(e)) and e.dtype not in (I64, U64) and is_trivial(e)
