"""Tensor and matrix cores: whole-warp instructions against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import run


@pytest.mark.parametrize("layout", ["row_major", "col_major"])
@pytest.mark.parametrize("reverse", [False, True])
def test_wmma_gemm(layout: str, reverse: bool, rng: np.random.Generator) -> None:
    text = f"""__global__ void gemm(half* A, half* B, float* C) {{
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::{layout}> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
  int row = blockIdx.y * 16, column = (blockIdx.x * 2 + threadIdx.x / 32) * 16;
  wmma::fill_fragment(c, 0.0f);
  for (int k = 0; k < 48; k += 16) {{
    wmma::load_matrix_sync(a, A + row * 48 + k, 48);
    wmma::load_matrix_sync(b, {'B + k * 64 + column, 64' if layout == 'row_major' else 'B + column * 48 + k, 48'});
    wmma::mma_sync(c, a, b, c);
  }}
  for (int i = 0; i < c.num_elements; i++) c.x[i] *= 2.0f;
  wmma::store_matrix_sync(C + row * 64 + column, c, 64, wmma::mem_row_major);
}}"""
    a, b = rng.standard_normal((32, 48)).astype(np.float16), rng.standard_normal((48, 64)).astype(np.float16)
    given = b if layout == "row_major" else np.ascontiguousarray(b.T)
    r = run("cuda", text, "gemm", grid=(2, 2), block=64, A=a, B=given, C=np.zeros((32, 64), np.float32),
            reverse=reverse)
    assert r.fault is None, r.fault
    np.testing.assert_allclose(r.outputs["C"], 2 * (a.astype(np.float32) @ b.astype(np.float32)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("half", [True, False])
def test_mfma(half: bool, rng: np.random.Generator) -> None:
    e, k, suffix = ("half", 4, "16x16x16f16") if half else ("float", 1, "16x16x4f32")
    depth = 4 * k
    text = f"""__global__ void gemm({e}* A, {e}* B, float* C) {{
  using four = __attribute__((__vector_size__(4 * sizeof(float)))) float;
  {'using part = __attribute__((__vector_size__(8))) _Float16; part a, b;' if half else 'float a, b;'}
  four d = {{0.0f}};
  int l = threadIdx.x;
  for (int i = 0; i < {k}; i++) {{
    a{'[i]' if half else ''} = A[l % 16 * {depth} + l / 16 * {k} + i];
    b{'[i]' if half else ''} = B[(l / 16 * {k} + i) * 16 + l % 16];
  }}
  d = __builtin_amdgcn_mfma_f32_{suffix}(a, b, d, 0, 0, 0);
  for (int i = 0; i < 4; i++) C[(l / 16 * 4 + i) * 16 + l % 16] = d[i];
}}"""
    kind = np.float16 if half else np.float32
    a, b = rng.standard_normal((16, depth)).astype(kind), rng.standard_normal((depth, 16)).astype(kind)
    r = run("hip", text, "gemm", grid=1, block=64, A=a, B=b, C=np.zeros((16, 16), np.float32))
    assert r.fault is None, r.fault
    np.testing.assert_allclose(r.outputs["C"], a.astype(np.float32) @ b.astype(np.float32), rtol=1e-4, atol=1e-4)


def test_a_partial_warp_is_a_fault() -> None:
    text = """__global__ void k(float* C) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
  wmma::fill_fragment(a, 1.0f); wmma::fill_fragment(b, 1.0f); wmma::fill_fragment(c, 0.0f);
  wmma::mma_sync(c, a, b, c);
  C[0] = c.x[0];
}"""
    r = run("cuda", text, "k", grid=1, block=20, C=np.zeros(1, np.float32))
    assert r.fault is not None and r.fault.kind == "barrier" and r.fault.line == 6 and "all lanes" in r.fault.message
