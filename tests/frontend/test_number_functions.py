"""Number functions of CUDA and HIP: what the simulator computes with its own definition, and what the front end's reading of
them computes as plain C, are the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.running import run_text

C = registry.meeting_point()
N = 256
INTEGERS = """__mul24(a, b) | __mulhi(a, b) | __dp4a(a, b, c) | (int)__dp4a(u, v, 7u) | (int)__umul24(u, v) | (int)__umulhi(u, v)
(int)__umul64hi((unsigned long long)u * v, (unsigned long long)v * 12345678901ull) | (int)__sad(a, b, u) | (int)__usad(u, v, 3u)
__hadd(a, b) | __rhadd(a, b) | (int)__uhadd(u, v) | (int)__urhadd(u, v) | (int)__byte_perm(u, v, 0x7531) | (int)__byte_perm(u, v, u)
(int)__funnelshift_l(u, v, c) | (int)__funnelshift_r(u, v, 37) | __float_as_int(x) | (int)__float_as_uint(-x)
(int)(__double_as_longlong((double)x) >> 13) | __double2hiint((double)x) + __double2loint((double)y)
__float2int_rn(x) + __float2int_rd(x) + __float2int_ru(y) + __float2int_rz(y) | signbit(x) | isnan(sqrtf(x)) || isinf(y)
(int)__half_as_ushort(h) | __half2int_rn(h) | __hlt(h, g) | __heq(h, __habs(h)) + __hisnan(hsqrt(g)) | __popc(u) + __ffs(b)
(int)umin(u, v) + min(a, b) + max(a, c) | (a >> 3) ^ (b << 2) & ~c"""
FLOATS = """__int_as_float((a & 0x7fffff) + 0x3f800000) | __uint_as_float((u >> 9) + 0x40000000u) | __saturatef(x)
__fadd_rn(x, y) * __fmul_rn(x, 3.0f) | __fmaf_rn(x, y, 2.0f) | __frcp_rn(y) | __fsqrt_rn(fabsf(x)) | __fdiv_rn(x, y)
__fdividef(x, y) + fdividef(y, 3.0f) | fmaf(x, y, 1) | ldexpf(x, c & 15) + scalbnf(y, -2) | copysignf(x, y) | rcbrtf(fabsf(y))
__half2float(__hadd(h, g)) | (float)__hfma(h, g, h) | (float)(h * g - h / g) | __half2float(__hmax(h, g)) + __half2float(__hneg(h))
__half2float(hrcp(g)) | __half2float(__habs(h)) + __half2float(__float2half_rn(x)) | (float)__ushort_as_half(__half_as_ushort(h) ^ 1)
__low2float(__hfma2(p, q, __float2half2_rn(x))) | __high2float(__hmul2(p, __lowhigh2highlow(q))) | __half22float2(__hsub2(p, q)).y
__half2float(__low2half(__hmax2(p, q))) | __half2float(__hadd2(__halves2half2(h, g), __half2half2(g)).x)
__bfloat162float(__hmul(__float2bfloat16(x), __float2bfloat16(y)))
__bfloat1622float2(__hadd2(__floats2bfloat162_rn(x, y), __float2bfloat162_rn(x))).y
__int2float_rn(a) + __uint2float_rn(u) | norm3df(x, y, 1.0f) | exp10f(0.1f * x) | sinpif(x) + cospif(y) | __tanhf(x)"""


def text(exprs: str, dtype: str, platform: str) -> str:
    """A kernel that computes each of the expressions (with bars between them) for every element."""
    each = exprs.split(" | ")
    stores = "\n  ".join(f"out[{f'{k * N} + ' if k else ''}i] = {e};" for k, e in enumerate(each))
    size = N * len(each) * 4
    header = "#include <cuda_runtime.h>\n" if platform == "cuda" else "#include <hip/hip_runtime.h>\n"
    return f"""{header}
__global__ void each(const int* ia, const int* ib, const float* fx, const float* fy, {dtype}* out) {{
  int i = blockIdx.x * 64 + threadIdx.x;
  int a = ia[i], b = ib[i], c = a >> 7;
  unsigned int u = (unsigned int)a, v = (unsigned int)b;
  float x = fx[i], y = fy[i];
  half h = __float2half(x), g = __float2half(y);
  half2 p = __floats2half2_rn(x, y), q = __halves2half2(g, h);
  {stores}
}}
extern "C" void each_host(const int* ia, const int* ib, const float* fx, const float* fy, {dtype}* out) {{
  int *a, *b; float *x, *y; {dtype}* o;
  {platform}Malloc(&a, {N} * 4); {platform}Malloc(&b, {N} * 4); {platform}Malloc(&x, {N} * 4); {platform}Malloc(&y, {N} * 4);
  {platform}Malloc(&o, {size});
  {platform}Memcpy(a, ia, {N} * 4, {platform}MemcpyHostToDevice); {platform}Memcpy(b, ib, {N} * 4, {platform}MemcpyHostToDevice);
  {platform}Memcpy(x, fx, {N} * 4, {platform}MemcpyHostToDevice); {platform}Memcpy(y, fy, {N} * 4, {platform}MemcpyHostToDevice);
  each<<<{N // 64}, 64>>>(a, b, x, y, o);
  {platform}Memcpy(out, o, {size}, {platform}MemcpyDeviceToHost);
}}
"""


def same(exprs: str, dtype: str, platform: str) -> None:
    rng = np.random.default_rng(5)
    given = {"ia": rng.integers(-2**31, 2**31, N).astype("i4"), "ib": rng.integers(-2**31, 2**31, N).astype("i4"),
             "fx": rng.uniform(-6, 6, N).astype("f4"), "fy": rng.uniform(-6, 6, N).astype("f4"),
             "out": np.zeros(N * len(exprs.split(" | ")), "i4" if dtype == "int" else "f4")}
    given["ia"][:6] = (0, -1, 2**31 - 1, -2**31, 0x00FFFFFF, 1)
    given["ib"][:6] = (-1, -1, 2**31 - 1, -2**31, -0x01000000, 0)
    source = text(exprs, dtype, platform)
    kernel = parse(source, platform)
    plain = C.emit(passes.get("loop_recovery").apply(kernel, C).kernel)
    want = run_text(source, registry.get(platform), given)["out"]
    got = run_text(plain, C, given)["out"]
    for expr, a, b in zip(exprs.split(" | "), want.view("u4").reshape(-1, N), got.view("u4").reshape(-1, N), strict=True):
        assert np.array_equal(a, b), expr
        assert np.unique(a).size > 1, expr
    once = C.emit(parse(plain, "c"))
    assert C.emit(parse(once, "c")) == once


@pytest.mark.parametrize("exprs", INTEGERS.splitlines())
def test_integers(exprs: str) -> None:
    same(exprs, "int", "cuda")


@pytest.mark.parametrize("exprs", FLOATS.splitlines())
def test_floats(exprs: str) -> None:
    same(exprs, "float", "cuda")


def test_hip_has_the_same() -> None:
    same("__mulhi(a, b) | __float_as_int(x) | (int)__byte_perm(u, v, 0x2103) | __hgt(h, g)", "int", "hip")


def test_a_pair_of_values_and_a_hint() -> None:
    same("0.0f; float t, r; sincosf(x, &t, &r); __stcs(&out[i], t * __ldg(&fx[i]) + r * __ldcs(fy + i))", "float", "cuda")


def test_bits_by_memcpy() -> None:
    same("0; int t; memcpy(&t, &x, sizeof t); out[i] = t >> 3", "int", "cuda")


def test_an_index_by_mul24_stays_a_product() -> None:
    kernel = parse(text("ia[__mul24(blockIdx.x, blockDim.x) + threadIdx.x]", "int", "cuda"), "cuda")
    assert "ia[blockIdx.x * 64 + threadIdx.x]" in registry.get("cuda").emit(kernel)


@pytest.mark.parametrize(("expr", "message"), [
    ("__fadd_rz(x, y)", "rounding other than to the nearest"), ("__hadd2(p, h)", "packed halves of one type"),
    ("__mulhi(a)", "takes 2 arguments, not 1"), ("__stcs(out, x, y)", "takes 2 arguments"),
    ("__half22float2(x)", "takes other arguments"), ("0; memcpy(out, fx, a)", "a few elements of one size"),
])
def test_what_does_not_fit_is_refused(expr: str, message: str) -> None:
    with pytest.raises(XpilerError, match=message):
        parse(text(expr, "float", "cuda"), "cuda")
