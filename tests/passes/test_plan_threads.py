"""Default plans for GPUs: what a matrix product becomes, when it stays literal, and that texts judge as equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from xpiler_jupyter.port import Port

CORPUS = Path(__file__).parents[1] / "corpus"


def gemm(rows: int = 32, cols: int = 64, depth: int = 48, factor: str = "float", b: str = "k * {cols} + j",
         out: str = "float") -> str:
    return f"""extern "C" void mm(const {factor}* A, const {factor}* B, {out}* C) {{
  for (int i = 0; i < {rows}; i++) {{
    for (int j = 0; j < {cols}; j++) {{
      {out} sum = 0;
      for (int k = 0; k < {depth}; k++) {{
        sum += ({out})A[i * {depth} + k] * ({out})B[{b.format(cols=cols, depth=depth)}];
      }}
      C[i * {cols} + j] = sum;
    }}
  }}
}}
"""


def ported(text: str, target: str, source: str = "c") -> Port:
    """The finished port, which must have been judged equal to its source."""
    port = Port(text, target, source=source).run()
    assert port.finished and port.verdict.reaches("tested"), port.verdict
    return port


@pytest.mark.parametrize(("text", "block", "tile"), [
    (gemm(), "block(16, 16)", "A_shared[16][16]"),
    (gemm(depth=32), "block(16, 16)", "A_shared[16][16]"),
    (gemm(rows=8), "block(32, 8)", "A_shared[8][16]"),
    (gemm(rows=24, cols=40), "block(8, 8)", "A_shared[8][16]"),
    (gemm(b="j * {depth} + k"), "block(16, 16)", "B_shared[16][17]"),  # a line more: threads read from different banks
], ids=["plain", "depth", "few-rows", "eights", "transposed"])
def test_floats_go_through_shared_memory(text: str, block: str, tile: str) -> None:
    code = ported(text, "cuda").code
    assert block in code and f"__shared__ float {tile}" in code
    assert code.count("__syncthreads()") == 2


@pytest.mark.parametrize("text", [gemm(rows=3, cols=5), gemm(depth=7), gemm(rows=30, cols=50)],
                         ids=["small", "short-sum", "odd"])
def test_what_tiles_do_not_divide_stays_literal(text: str) -> None:
    code = ported(text, "cuda").code
    assert "__shared__" not in code and "mma" not in code


def test_sums_in_the_result_are_kept_by_the_thread() -> None:
    text = gemm().replace("float sum = 0;", "").replace("sum +=", "C[i * 64 + j] +=").replace("C[i * 64 + j] = sum;", "")
    code = ported(text, "cuda").code
    assert "float C_local = C[" in code and "C_local += A_shared[threadIdx.y][k_inner]" in code


def test_halves_run_on_tensor_cores() -> None:
    code = ported(gemm(factor="_Float16"), "cuda").code
    assert "mma_sync" in code and "dim3 block(32, 2)" in code


@pytest.mark.parametrize(("factor", "word"), [("float", "mfma_f32_16x16x4f32"), ("_Float16", "mfma_f32_16x16x16f16")])
def test_matrix_cores(factor: str, word: str) -> None:
    code = ported(gemm(factor=factor), "hip").code
    assert f"__builtin_amdgcn_{word}(" in code and "block(64, 2)" in code


def test_batches_go_to_the_grid() -> None:
    body = gemm(rows=16, cols=32, depth=16)
    text = body.replace("  for (int i", "  for (int b = 0; b < 3; b++) for (int i", 1)
    for name, size in (("A", 256), ("B", 512), ("C", 512)):
        text = text.replace(f"{name}[", f"{name}[b * {size} + ")
    assert "dim3 grid(2, 3)" in ported(text, "cuda").code


def test_a_convolution_is_a_product_over_images_and_channels() -> None:
    text = """extern "C" void conv(const float* X, const float* W, float* Y) {
  for (int n = 0; n < 16; n++) for (int x = 0; x < 3; x++) for (int o = 0; o < 32; o++) {
    float sum = 0.0f;
    for (int d = 0; d < 2; d++) for (int c = 0; c < 16; c++)
      sum += X[(n * 4 + x + d) * 16 + c] * W[(o * 2 + d) * 16 + c];
    Y[(n * 3 + x) * 32 + o] = sum;
  }
}
"""
    code = ported(text, "hip").code
    assert "__builtin_amdgcn_mfma_f32_16x16x4f32" in code
    assert "__shared__ float X_shared[16][16]" in ported(text, "cuda").code


def test_tensor_cores_become_matrix_cores_and_back() -> None:
    text = (CORPUS / "cuda" / "gemm_wmma_f16.cu").read_text()
    there = ported(text, "hip", "cuda").code
    assert "__builtin_amdgcn_mfma_f32_16x16x16f16" in there
    back = ported(there, "cuda", "hip").code
    assert "mma_sync" in back


@pytest.mark.parametrize("name", ["gemm_wmma_f16", "softmax_rows", "gemm_shared_f32"])
def test_round_trip_through_c(name: str) -> None:
    text = (CORPUS / "cuda" / f"{name}.cu").read_text()
    back = ported(ported(text, "c", "cuda").code, "cuda").code
    assert ("mma_sync" in back) == ("mma_sync" in text)


def test_round_trip_of_matrix_cores() -> None:
    text = (CORPUS / "hip" / "gemm_f32_16x16x4.hip").read_text()
    there = ported(text, "cuda", "hip").code
    assert "dim3 block(16, 16)" in there  # a thread for each element of the tile
    ported(there, "hip", "cuda")
