"""Types and values of expressions."""

import pytest

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Binary, Call, Cast, Const, For, Let, Load, Select, Store, Unary
from xpiler_jupyter.ir.types import BF16, BOOL, F16, F32, F64, I8, I32, I64, U8, U32, U64
from xpiler_jupyter.ir.visit import walk


def value(text, declare="auto", platform="cuda"):
    """The IR of one expression over float f, double d, int i, unsigned u, half h, pointer A."""
    kernel = parse(f"__global__ void k(float* A, float f, double d, int i, unsigned u, half h, bool b) "
                   f"{{ {declare} v = {text}; A[0] = v; }}", platform)
    return next(n for n in walk(kernel.body) if isinstance(n, Let)).value


@pytest.mark.parametrize(("text", "dtype"), [
    ("0.5", F64), ("0.5f", F32), ("1u", U32), ("0xFFFFFFFF", U32), ("2147483648", I64), ("1ull", U64), ("'a'", I8),
    ("true", BOOL), ("0.5 * f", F64), ("0.5f * f", F32), ("i + u", U32), ("i / 2", I32), ("b + b", I32), ("h * h", F16),
    ("h * f", F32), ("(unsigned char)i + 1", I32), ("(unsigned char)i", U8), ("i < u", BOOL), ("i << 2u", I32),
    ("sizeof(float)", U64), ("i > 0 ? f : d", F64), ("(__nv_bfloat16)f", BF16), ("-b", I32), ("~u", U32),
    ("static_cast<long long>(i)", I64), ("uint8_t(i)", U8), ("A[0] > 0", BOOL), ("warpSize", I32), ("M_PI", F64),
])
def test_expression_has_the_type_that_c_gives_it(text, dtype):
    assert value(text).dtype == dtype


@pytest.mark.parametrize(("text", "fn", "dtype"), [
    ("tanh(f)", "tanh", F32), ("tanh(d)", "tanh", F64), ("sqrt(256)", "sqrt", F64), ("sqrtf(256)", "sqrt", F32),
    ("pow(f, 3)", "pow", F64), ("pow(f, f)", "pow", F32), ("powf(f, 3)", "pow", F32), ("fabsf(f)", "abs", F32),
    ("abs(i)", "abs", I32), ("abs(f)", "abs", F32), ("fmaxf(f, 0)", "max", F32), ("max(i, 3)", "max", I32),
    ("max(f, 0.f)", "max", F32), ("std::max(i, 3)", "max", I32), ("__expf(f)", "__expf", F32),
    ("rsqrtf(f)", "rsqrt", F32),
    ("__fdividef(f, f)", "__fdividef", F32), ("fma(f, f, f)", "fma", F32), ("std::exp(f)", "exp", F32),
])
def test_math_functions_follow_the_cpp_overloads(text, fn, dtype):
    got = value(text)
    assert isinstance(got, Call) and (got.fn, got.dtype) == (fn, dtype)
    assert all(a.dtype == dtype for a in got.args)


def test_std_max_of_floats_keeps_its_meaning_for_nan():
    assert isinstance(value("std::max(f, 0.f)"), Select)


def test_half_conversions_are_explicit_casts():
    got = value("__half2float(h)")
    assert isinstance(got, Cast) and got.dtype == F32 and not got.implicit
    assert value("__float2half(f)").dtype == F16


def test_implicit_conversion_is_marked_and_said_conversion_is_not():
    assert value("i", "float").implicit
    assert not value("(float)i", "float").implicit


def test_constants_fold():
    assert value("2 * 3 + 4") == Const(10, I32)
    assert value("sizeof(float) * 4 / sizeof(int)") == Const(4, U64)
    assert value("-7 / 2") == Const(-3, I32)


def test_comparison_before_a_bracket_is_no_template():
    """`i < n && j > (m)` reads like a template call to the grammar."""
    got = value("i < u && i > (3)")
    assert isinstance(got, Binary) and got.op == "&&" and got.a.op == "<" and got.b.op == ">"


def test_short_circuit_keeps_the_guarded_load_guarded():
    text = "__device__ float twice(float x) { return x + x; } __global__ void k(float* A, int n) " \
           "{ A[0] = n > 3 ? twice(A[n]) : 0.f; }"
    store = next(s for s in walk(parse(text, "cuda").body) if isinstance(s, Store))
    assert isinstance(store.value, Select)
    assert not any(isinstance(n, Let) for n in walk(parse(text, "cuda").body))


def test_reinterpreted_local_array_takes_the_type_it_is_used_as():
    k = parse("void f(int* out) { float t[2]; ((int*)t)[0] = 3; out[0] = ((int*)t)[0]; }", "c")
    assert k.body.stmts[0].dtype == I32


def test_reinterpreted_parameter_is_a_load_of_another_type():
    k = parse("void f(float* x, int* out) { out[0] = ((int*)x)[1]; }", "c")
    load = next(n for n in walk(k.body) if isinstance(n, Load))
    assert (load.buffer, load.dtype) == ("x", I32)


def test_negated_unsigned_and_logical_not():
    assert value("!i") == Unary("!", Cast(next(p for p in [value("i", "int")]), BOOL, implicit=True), BOOL)


@pytest.mark.parametrize(("text", "message"), [
    ("A", "pointer is used as a value"), ("nope", "not declared"), ("nope(1)", "not known here"),
    ("f % 2", "needs integers"),
    ("__atomic_load_n(A, 0)", "the atomic __atomic_load_n"), ("__shfl_round(f, 1)", "the warp shuffle __shfl_round"),
    ("make_float4(1,2,3,4)", "float4 is used where a scalar"), ("make_float4(1,2)", "made of 4 values"),
    ("*(float4*)A", "float4 is used where a scalar"), ("((float2*)A)->z", "no field z"),
    ("exp(h)", "ambiguous"), ("(double*)A == 0", "sizes differ"),
    ("blockIdx", "without .x"), ("[] { return 1; }", "lambda"), ("\"s\"", "strings"),
    ("__match_all(i)", "the warp vote __match_all"),
    ("__builtin_amdgcn_mfma_f32_4x4x1f32(f, f, 0, 0, 0, 0)", "MFMA"), ("sqrtf(f, f)", "1 argument"),
])
def test_refusal_names_the_construct(text, message):
    with pytest.raises(XpilerError) as e:
        value(text, "float")
    assert message in e.value.message
    assert e.value.line == 1 and e.value.column > 90


def test_for_loop_bound_in_a_wider_type_converts():
    k = parse("void f(float* a, long long n) { for (int i = 0; i < n; i++) a[i] = 0; }", "c")
    loop = next(n for n in walk(k.body) if isinstance(n, For))
    assert loop.hi.dtype == I32
