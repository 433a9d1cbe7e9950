"""WMMA rows of every type, shape and layout: the meaning and what we print against the simulator, bit for bit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from xpiler_jupyter.execute import Argument, Entry, Launch, executor
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.types import BF16, F16, F32, F64, I8, I32, U8, ScalarType
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry

CUDA, C = registry.get("cuda"), registry.meeting_point()
WIDE = ((16, 16, 16), (32, 8, 16), (8, 32, 16))
# Word of the factors in the fragment and in memory, their type, the accumulator's word and type, shapes.
KINDS = [("half", "half", F16, "float", F32, WIDE), ("half", "half", F16, "half", F16, WIDE),
         ("__nv_bfloat16", "__nv_bfloat16", BF16, "float", F32, WIDE), ("signed char", "int8_t", I8, "int", I32, WIDE),
         ("unsigned char", "uint8_t", U8, "int", I32, WIDE),
         ("wmma::precision::tf32", "float", F32, "float", F32, ((16, 16, 8),)), ("double", "double", F64, "double", F64, ((8, 8, 4),))]
CASES = [(*k[:5], *shape) for k in KINDS for shape in k[5]]
ARRAYS = {F16: np.float16, BF16: np.uint16, F32: np.float32, F64: np.float64, I8: np.int8, U8: np.uint8, I32: np.int32}


def text(case: tuple, a: str, b: str, c: str) -> str:
    declared, word, _, total, _, m, n, k = case
    shape, other = f"{m}, {n}, {k}", "col" if c == "row" else "row"
    rounded = "".join(f"for (int t = 0; t < {f}.num_elements; t++) {f}.x[t] = wmma::__float_to_tf32({f}.x[t]);\n  "
                      for f in "ab") if "tf32" in declared else ""
    return f"""__global__ void mma(const {word}* A, const {word}* B, const {total}* C, {total}* D) {{
  wmma::fragment<wmma::matrix_a, {shape}, {declared}, wmma::{a}_major> a;
  wmma::fragment<wmma::matrix_b, {shape}, {declared}, wmma::{b}_major> b;
  wmma::fragment<wmma::accumulator, {shape}, {total}> c, d;
  wmma::fill_fragment(d, 2);
  wmma::load_matrix_sync(a, A, {k if a == "row" else m});
  wmma::load_matrix_sync(b, B, {n if b == "row" else k});
  wmma::load_matrix_sync(c, C, {n if c == "row" else m}, wmma::mem_{c}_major);
  {rounded}wmma::mma_sync(d, a, b, d);
  for (int i = 0; i < d.num_elements; i++) {{
    d.x[i] += c.x[i];
  }}
  wmma::store_matrix_sync(D, d, {m if c == "row" else n}, wmma::mem_{other}_major);
}}
void host(const {word}* A, const {word}* B, const {total}* C, {total}* D) {{ mma<<<1, 32>>>(A, B, C, D); }}
"""


def some(rng: np.random.Generator, t: ScalarType, n: int) -> np.ndarray:
    if t.is_integer:
        limit = np.iinfo(ARRAYS[t])
        return rng.integers(max(limit.min, -1 << 20), min(limit.max, 1 << 20), n, endpoint=True).astype(ARRAYS[t])
    x = rng.standard_normal(n)
    return (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16) if t == BF16 else x.astype(ARRAYS[t])


def wide(x: np.ndarray, t: ScalarType, tf32: bool) -> np.ndarray:
    if t == BF16:
        x = (x.astype(np.uint32) << 16).view(np.float32)
    if tf32:
        x = ((x.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
    return x.astype(np.float64)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{c[3]}-{c[5]}x{c[6]}x{c[7]}".replace("wmma::precision::", ""))
def test_row(case: tuple) -> None:
    declared, _, dtype, _, acc, m, n, k = case
    rng = np.random.default_rng(2)
    for a, b, c in list(product(("row", "col"), repeat=3))[::3]:
        source = text(case, a, b, c)
        kernel = parse(source, "cuda")
        loops = passes.get("detensorize").apply(kernel, CUDA).kernel
        plain = passes.get("loop_recovery").apply(loops, C).kernel
        values = {"A": some(rng, dtype, m * k), "B": some(rng, dtype, k * n), "C": some(rng, acc, m * n),
                  "D": np.zeros(m * n, ARRAYS[acc])}
        args = tuple(Argument(name, acc if name in "CD" else dtype, True) for name in values)
        got = []
        for platform, t in (("cuda", source[:source.index("void host")]), ("cuda", CUDA.emit(kernel)), ("c", C.emit(plain))):
            launch = Launch((1, 1, 1), (32, 1, 1), 0) if platform == "cuda" else None
            r = executor(platform, "sim").compile(t, Entry("mma", args, launch)).run(
                {name: v.copy() for name, v in values.items()}, {})
            assert r.fault is None, r.fault
            got.append(r.outputs["D"])
        np.testing.assert_array_equal(got[0], got[1])
        np.testing.assert_array_equal(got[0], got[2])
        order = {"row": "C", "col": "F"}
        x = wide(values["A"], dtype, "tf32" in declared).reshape((m, k), order=order[a])
        y = wide(values["B"], dtype, "tf32" in declared).reshape((k, n), order=order[b])
        z = wide(values["C"], acc, False).reshape((m, n), order=order[c])
        back = got[0].reshape((m, n), order="F" if c == "row" else "C").astype(np.float64)
        tight = {F16: 2e-2, F32: 1e-5, F64: 1e-12, I32: 0}[acc]
        np.testing.assert_allclose(back, x @ y + 2 + z, rtol=tight, atol=tight)


@pytest.mark.parametrize("bits", [0x3F801000, 0x3F800FFF, 0xBF803000, 0x7F7FFFFF, 0x7F800000, 0x7FC00001, 0x00001000, 0x80000FFF])
def test_rounding_to_tf32(bits: int) -> None:
    """To the nearest of 10 bits, ties away from zero; infinities and NaNs stay."""
    source = "__global__ void k(const float* A, float* D) { D[threadIdx.x] = wmma::__float_to_tf32(A[threadIdx.x]); }"
    plain = passes.get("loop_recovery").apply(parse(source + "\n// launch: grid(1) block(1)\n", "cuda"), C).kernel
    value = np.array([bits], np.uint32).view(np.float32)
    args = tuple(Argument(name, F32, True) for name in "AD")
    got = []
    for platform, t in (("cuda", source), ("c", C.emit(plain))):
        launch = Launch((1, 1, 1), (1, 1, 1), 0) if platform == "cuda" else None
        r = executor(platform, "sim").compile(t, Entry("k", args, launch)).run({"A": value, "D": np.zeros(1, np.float32)}, {})
        assert r.fault is None, r.fault
        got.append(int(r.outputs["D"].view(np.uint32)[0]))
    if np.isnan(value[0]):
        assert got == [bits, bits]
        return
    sign, magnitude = bits & 0x80000000, bits & 0x7FFFFFFF
    kept, rest = magnitude >> 13, magnitude & 0x1FFF
    expected = sign | ((kept + (rest >= 0x1000)) << 13)
    assert got == [expected, expected]
