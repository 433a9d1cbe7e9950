"""What the C-family printer promises: exact values, few parentheses, only the casts that C would not do itself."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpiler_jupyter.errors import MissingSizeError, UnsupportedError
from xpiler_jupyter.ir.build import add, binary, convert, div, integer, loop, lt, mul, scalar, sub, var
from xpiler_jupyter.ir.nodes import (
    Alloc,
    Barrier,
    Binary,
    Block,
    Call,
    Cast,
    Const,
    Expr,
    For,
    Host,
    HostArg,
    If,
    Kernel,
    Let,
    Load,
    Param,
    Select,
    Store,
    Unary,
    Var,
)
from xpiler_jupyter.ir.types import BOOL, F16, F32, F64, I8, I32, I64, ScalarType
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.expr_text import ExprText
from xpiler_jupyter.platforms.literals import float_text

C = registry.get("c")
CUDA = registry.get("cuda")


def text(e: Expr, want: ScalarType | None = None, platform: object = C) -> str:
    return ExprText(platform).expr(e, want)  # type: ignore[arg-type]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_literal_reads_back_as_the_same_float(x: float) -> None:
    shown = float_text(x, F32)
    assert shown.endswith("f")
    assert struct.pack("f", float(shown[:-1])) == struct.pack("f", x)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_literal_reads_back_as_the_same_double(x: float) -> None:
    assert struct.pack("d", float(float_text(x, F64))) == struct.pack("d", x)


a, b, c = (Var(n, F32) for n in "abc")
i, j = var("i"), var("j")


@pytest.mark.parametrize(("e", "shown"), [
    (mul(add(i, j), integer(4)), "(i + j) * 4"),
    (sub(i, sub(j, integer(1))), "i - (j - 1)"),
    (sub(sub(i, j), integer(1)), "i - j - 1"),
    (div(mul(i, integer(3)), j), "i * 3 / j"),
    (mul(integer(3), div(i, j)), "3 * (i / j)"),
    (binary("+", binary("<<", i, integer(2)), j), "(i << 2) + j"),
    (Unary("-", Unary("-", i, I32), I32), "-(-i)"),
    (Unary("-", Const(-3, I32), I32), "-(-3)"),
    (Select(lt(i, j), i, j, I32), "i < j ? i : j"),
    (binary("&&", lt(i, j), binary("||", lt(j, i), lt(i, integer(0)))), "i < j && (j < i || i < 0)"),
    (binary("&", binary("==", i, j), Const(True, BOOL)), "(i == j) & 1"),
])
def test_parentheses_only_where_needed(e: Expr, shown: str) -> None:
    assert text(e) == shown


def test_casts_that_c_does_itself_stay_unsaid() -> None:
    mixed = binary("*", Const(0.5, F64), a)
    assert text(mixed) == "0.5 * a"
    assert text(convert(mixed, F32), F32) == "0.5 * a"
    assert text(binary("+", a, i)) == "a + i"


def test_casts_that_change_the_type_are_said() -> None:
    widened = Binary("*", convert(a, F64), convert(b, F64), F64)  # both implicit: unsaid, C would compute in float
    assert text(widened) in ("(double)a * b", "a * (double)b")
    assert text(Cast(i, F32)) == "(float)i"
    wide = Binary("*", convert(i, I64), convert(j, I64), I64)
    assert "(int64_t)" in text(wide)


def test_halves_say_their_conversions() -> None:
    h = Var("h", F16)
    assert text(binary("*", h, a), None, CUDA) == "(float)h * a"


def test_math_by_type() -> None:
    assert text(Call("exp", (a,), F32)) == "expf(a)"
    assert text(Call("exp", (convert(a, F64),), F64)) == "exp((double)a)"  # exp(a) would be the float overload
    assert text(Call("max", (a, b), F32)) == "fmaxf(a, b)"
    assert text(Call("max", (i, j), I32)) == "std::max(i, j)"
    assert text(Call("max", (i, j), I32), None, CUDA) == "max(i, j)"
    assert text(Call("rsqrt", (a,), F32)) == "1.0f / sqrtf(a)"
    assert text(mul_f(c, Call("rsqrt", (a,), F32))) == "c * (1.0f / sqrtf(a))"


def mul_f(x: Expr, y: Expr) -> Expr:
    return binary("*", x, y)


def test_an_axis_is_made_signed_exactly_where_it_could_go_negative() -> None:
    t = Var("threadIdx.x")
    assert text(add(mul(Var("blockIdx.x"), integer(256)), t), None, CUDA) == "blockIdx.x * 256 + threadIdx.x"
    assert text(sub(t, integer(1)), None, CUDA) == "(int)threadIdx.x - 1"
    assert text(lt(t, var("n")), None, CUDA) == "(int)threadIdx.x < n"
    assert text(lt(t, integer(8)), None, CUDA) == "threadIdx.x < 8"


def kernel(*body: object, params: tuple[Param, ...] = (), **more: object) -> Kernel:
    return Kernel("k", params, Block(tuple(body)), "c", **more)  # type: ignore[arg-type]


def test_a_scalar_is_declared_where_it_is_first_set_and_updated_in_place() -> None:
    out = Param("out", F32, True)
    k = kernel(Alloc("sum", F32, ()), Store("sum", (), Const(0.0, F32), F32),
               loop("i", integer(4), Block((Store("sum", (), binary("+", scalar("sum", F32), a), F32),))),
               Store("out", (integer(0),), scalar("sum", F32), F32), params=(Param("a", F32), out))
    shown = C.emit(k)
    assert "float sum = 0.0f;" in shown and "sum += a;" in shown and "out[0] = sum;" in shown


def test_a_store_that_reads_itself_on_the_right_is_no_compound() -> None:
    x = Load("x", (integer(0),), F32)
    k = kernel(Store("x", (integer(0),), binary("-", a, x), F32), params=(Param("a", F32), Param("x", F32, True)))
    assert "x[0] = a - x[0];" in C.emit(k)


def test_reinterpreted_access_is_printed_as_such() -> None:
    k = kernel(Alloc("x", F32, (integer(2),)), Store("x", (integer(0),), Const(1, I32), I32))
    assert "((int*)x)[0] = 1;" in C.emit(k)


def test_a_memory_or_barrier_that_the_platform_lacks_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="shared"):
        C.emit(kernel(Alloc("s", F32, (integer(4),), "shared")))
    with pytest.raises(UnsupportedError, match="barrier"):
        C.emit(kernel(Barrier()))


def test_a_memory_that_is_too_small_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="524288"):
        CUDA.emit(kernel(Alloc("big", F32, (integer(200_000),))))
    assert "float big[200000];" in C.emit(kernel(Alloc("big", F32, (integer(200_000),))))


def test_what_no_thread_can_hold_gets_a_row_per_thread_where_the_launch_is_known() -> None:
    big = Alloc("big", F32, (integer(200_000),))
    inner = For("threadIdx.x", integer(0), integer(32), integer(1), Block((big,)), "parallel", "threadIdx.x")
    outer = For("blockIdx.x", integer(0), integer(3), integer(1), Block((inner,)), "parallel", "blockIdx.x")
    shown = CUDA.emit(kernel(outer))
    assert "__device__ float big_rows[96][200000];" in shown
    assert "float* big = big_rows[blockIdx.x * 32 + threadIdx.x];" in shown
    unknown = For("blockIdx.x", integer(0), var("n"), integer(1), Block((inner,)), "parallel", "blockIdx.x")
    with pytest.raises(UnsupportedError, match="524288"):
        CUDA.emit(kernel(unknown, params=(Param("n", I32),)))


def device_kernel(extent: Expr | None = None) -> Kernel:
    idx = add(mul(Var("blockIdx.x"), integer(128)), Var("threadIdx.x"))
    inner = Block((Let("i", I32, idx), If(lt(var("i"), var("n")), Block((Store("x", (var("i"),), Const(1, I8), I8),)))))
    threads = For("threadIdx.x", integer(0), integer(128), integer(1), inner, "parallel", "threadIdx.x")
    blocks = For("blockIdx.x", integer(0), div(add(var("n"), integer(127)), integer(128)), integer(1), Block((threads,)),
                 "parallel", "blockIdx.x")
    return Kernel("fill", (Param("x", I8, True, extent=extent), Param("n", I32)), Block((blocks,)), "cuda")


def test_without_a_wrapper_the_launch_is_a_comment() -> None:
    assert "// launch: grid((n + 127) / 128) block(128)\n__global__ void fill(int8_t* x, int n) {" in CUDA.emit(device_kernel())


def test_the_wrapper_speaks_in_its_own_names(golden: object) -> None:
    from dataclasses import replace

    host = Host("fill_all", (Param("buf", I8, True), Param("count", I32)),
                (HostArg("x", "buf", copy_in=False), HostArg("n", value=Var("count"))))
    k = replace(device_kernel(var("n")), host=host)
    golden("emit/wrapper_cuda", CUDA.emit(k))  # type: ignore[operator]
    golden("emit/wrapper_hip", registry.get("hip").emit(replace(k, platform="hip")))  # type: ignore[operator]
    with pytest.raises(MissingSizeError, match="'x'"):
        CUDA.emit(replace(k, params=(Param("x", I8, True), Param("n", I32))))


def test_platforms_are_told_apart_by_their_words() -> None:
    assert registry.detect("__global__ void k() { hipMalloc(); }").name == "hip"
    assert registry.detect("__global__ void k() {}").name == "cuda"
    assert registry.detect("__global__ void k() {}", "k.hip").name == "hip"
    assert registry.detect("void k(float* x) {}").name == "c"
