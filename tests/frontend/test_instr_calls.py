"""Calls of a platform's instrs: read into the IR, printed back, and what is refused."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, InstrCall, Kernel, Ref
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry

CUDA = registry.get("cuda")
PLAIN = """
using namespace nvcuda;
#define M 16
__global__ void mm(const half* A, const half* B, float* C) {
  wmma::fragment<wmma::matrix_a, M, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, M, 16, 16, half, wmma::col_major> b;
  wmma::fragment<wmma::accumulator, M, 16, 16, float> c;
  wmma::fill_fragment(c, 0.0f);
  for (int k = 0; k < 64; k += 16) {
    wmma::load_matrix_sync(a, A + blockIdx.x * 1024 + k, 64);
    wmma::load_matrix_sync(b, B + blockIdx.y * 1024 + k, 64);
    wmma::mma_sync(c, a, b, c);
  }
  wmma::store_matrix_sync(C + blockIdx.x * 16 * 64 + blockIdx.y * 16, c, 64, wmma::mem_row_major);
}
void host(const half* A, const half* B, float* C) { mm<<<dim3(4, 4), 32>>>(A, B, C); }
"""
TILED = """
__global__ void mm(const half* A, float* C) {
  __shared__ half tile[32][40];
  using namespace nvcuda::wmma;
  fragment<matrix_a, 16, 16, 16, half, col_major> a[2];
  fragment<matrix_b, 16, 16, 16, __half, row_major> b;
  fragment<accumulator, 16, 16, 16, float> acc[2][2];
  for (int i = threadIdx.x; i < 1024; i += 32) { tile[i / 32][i % 32] = A[i]; }
  __syncthreads();
  for (int i = 0; i < 2; i++) {
    load_matrix_sync(a[i], &tile[0][i * 16], 40);
    load_matrix_sync(b, tile[0], 40);
    fill_fragment(acc[i][0], 0.0f);
    mma_sync(acc[i][1], a[i], b, acc[i][0]);
    store_matrix_sync(C + i * 256, acc[i][1], 16, mem_col_major);
  }
}
void host(const half* A, float* C) { mm<<<1, 32>>>(A, C); }
"""


def instrs(kernel: Kernel) -> list[str]:
    return [n.instr for n in walk(kernel.body) if isinstance(n, InstrCall)]


def test_fragments_and_calls_become_ir() -> None:
    kernel = check(parse(PLAIN, "cuda"))
    assert instrs(kernel) == ["wmma_fill_c_f32_m16n16k16", "wmma_load_a_f16_m16n16k16_row", "wmma_load_b_f16_m16n16k16_col",
                              "wmma_mma_f16_m16n16k16_f32_row_col", "wmma_store_f32_m16n16k16_row"]
    allocs = {n.name: [d.value for d in n.shape if hasattr(d, "value")] for n in walk(kernel.body) if isinstance(n, Alloc)}
    assert allocs == {"a": [16, 16], "b": [16, 16], "c": [16, 16]}


def test_arrays_of_fragments_and_tiles_in_shared_memory() -> None:
    kernel = check(parse(TILED, "cuda"))
    refs = [n for n in walk(kernel.body) if isinstance(n, Ref)]
    assert {r.buffer: len(r.indices) for r in refs} == {"tile": 2, "a": 3, "b": 2, "acc": 4, "C": 1}


ELEMENTS = PLAIN.replace("  wmma::store", """  const float alpha = 2.0f;
  for (int t = 0; t < c.num_elements; t++) {
    const float x = c.x[t] * alpha;
    c.x[t] = x > 0.0f ? x : 0.0f;
  }
  wmma::store""")


@pytest.mark.parametrize("source", [PLAIN, TILED, ELEMENTS])
def test_printing_is_a_fixpoint(source: str) -> None:
    kernel = parse(source, "cuda")
    once = CUDA.emit(kernel) + source[source.rindex("void host"):]
    again = parse(once, "cuda")
    assert again.body == kernel.body
    assert CUDA.emit(again) + source[source.rindex("void host"):] == once
    assert "#include <mma.h>" in once


@pytest.mark.parametrize(("old", "new", "said"), [
    ("M, 16, 16, half, wmma::row_major", "M, 16, 48, half, wmma::row_major", "WMMA fragment"),
    ("wmma::mma_sync(c, a, b, c)", "wmma::mma_sync(c, b, a, c)", "mma_sync with these operands"),
    ("wmma::mma_sync(c, a, b, c)", "c.x[0] = 1", "outside a loop over num_elements"),
    ("wmma::mma_sync(c, a, b, c)", "for (int i = 0; i < c.num_elements; i++) c.x[i] = i", "which elements a lane holds"),
    ("wmma::mma_sync(c, a, b, c)", "for (int i = 1; i < c.num_elements; i++) c.x[i] = 1", "must count from 0 by 1"),
    ("wmma::mma_sync(c, a, b, c)", "for (int i = 0; i < c.num_elements; i++) C[0] = c.x[i]", "writes something else"),
    ("wmma::mma_sync(c, a, b, c)", "for (int i = 0; i < c.num_elements; i++) c.x[i] = a.x[i]", "another type of fragment"),
    ("wmma::mma_sync(c, a, b, c)", "C[0] = c.num_elements", "outside a loop over the elements"),
    ("wmma::mma_sync(c, a, b, c)", "C[0] = c", "c is a fragment"),
    ("c, 64, wmma::mem_row_major", "a, 64, wmma::mem_row_major", "store_matrix_sync with these operands"),
    ("A + blockIdx.x * 1024 + k, 64", "C, 64", "load_matrix_sync with these operands"),
])
def test_what_the_table_lacks_is_refused(old: str, new: str, said: str) -> None:
    assert old in PLAIN
    with pytest.raises(XpilerError, match=said) as error:
        parse(PLAIN.replace(old, new), "cuda")
    assert error.value.line
