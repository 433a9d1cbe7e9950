"""cache: tiles in and out, windows, transposes, clipping, what threads share, refusals; and random kernels."""

from __future__ import annotations

from typing import Any

import pytest
from cachekit import apply, emit, kernel_of, refused, same
from hypothesis import given, settings
from strategies import BUFFERS, assert_same, kernels

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.ir.nodes import Kernel
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes.base import loop_labels
from xpiler_jupyter.platforms import registry as platforms

ADD = """void k(const float* A, float* C, int n) {
  for (int t = 0; t < (n + 63) / 64; t++)
    for (int i = 0; i < 64; i++)
      if (t * 64 + i < n) C[t * 64 + i] = A[t * 64 + i] + 1.0f;
}"""
MATMUL = """void k(const float* A, const float* B, float* C, int M, int N, int K) {
  for (int i0 = 0; i0 < (M + 3) / 4; i0++)
    for (int j0 = 0; j0 < (N + 7) / 8; j0++)
      for (int k0 = 0; k0 < (K + 4) / 5; k0++)
        for (int i = 0; i < 4; i++)
          for (int j = 0; j < 8; j++)
            for (int k = 0; k < 5; k++)
              if (i0 * 4 + i < M && j0 * 8 + j < N && k0 * 5 + k < K)
                C[(i0 * 4 + i) * N + j0 * 8 + j] += A[(i0 * 4 + i) * K + k0 * 5 + k] * B[(k0 * 5 + k) * N + j0 * 8 + j];
}"""
CONV = """void k(const float* A, const float* W, float* C) {
  for (int oh = 0; oh < 4; oh++)
    for (int ow = 0; ow < 5; ow++)
      for (int co = 0; co < 3; co++) {
        float s = 0;
        for (int kh = 0; kh < 3; kh++)
          for (int kw = 0; kw < 3; kw++)
            for (int c = 0; c < 2; c++)
              s += A[((2 * oh + kh) * 11 + 2 * ow + kw) * 2 + c] * W[((co * 3 + kh) * 3 + kw) * 2 + c];
        C[(oh * 5 + ow) * 3 + co] = s;
      }
}"""
GPU_MATMUL = """// launch: grid((N + 7) / 8, (M + 3) / 4) block(8, 4)
__global__ void k(const float* A, const float* B, float* C, int M, int N, int K) {
  int row = blockIdx.y * 4 + threadIdx.y, col = blockIdx.x * 8 + threadIdx.x;
  float s = 0;
  for (int k0 = 0; k0 < (K + 4) / 5; k0++)
    for (int k = 0; k < 5; k++)
      if (row < M && col < N && k0 * 5 + k < K) s += A[row * K + k0 * 5 + k] * B[(k0 * 5 + k) * N + col];
  if (row < M && col < N) C[row * N + col] = s;
}"""
SIZES = [(1, 1, 1), (4, 8, 5), (5, 9, 6), (9, 3, 11)]


def matmul_lengths(m: int, n: int, k: int) -> dict[str, int]:
    return {"A": m * k, "B": k * n, "C": m * n}


def test_a_tile_that_is_read(golden: Any) -> None:
    before = kernel_of(ADD)
    result = apply("cache", before, buffer="A", memory="local", at="t")
    assert result.names == {"A": "A_local"} and "256 bytes; copied in)" in result.note
    golden("cache/read", emit(result.kernel))
    for n in (0, 1, 64, 100):
        same(before, result.kernel, {"A": n, "C": n}, n=n)


def test_a_tile_that_is_written(golden: Any) -> None:
    before = kernel_of(ADD)
    result = apply("cache", before, buffer="C", memory="local", at="t", into="tile")
    assert "copied out)" in result.note and "copied in" not in result.note
    golden("cache/written", emit(result.kernel))
    for n in (0, 1, 64, 100):
        same(before, result.kernel, {"A": n, "C": n}, n=n)


@pytest.mark.parametrize(("buffer", "at"), [("A", "k0"), ("B", "k0"), ("C", "k0"), ("C", "j0"), ("A", "i"), ("C", "j")])
def test_tiles_of_a_matrix_product(buffer: str, at: str, golden: Any) -> None:
    before = kernel_of(MATMUL)
    result = apply("cache", before, buffer=buffer, memory="local", at=at)
    golden(f"cache/matmul_{buffer}_{at}", emit(result.kernel))
    for m, n, k in SIZES:
        same(before, result.kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


def test_all_three_and_a_transposed_one(golden: Any) -> None:
    before = kernel_of(MATMUL)
    kernel = apply("cache", before, buffer="A", memory="local", at="k0").kernel
    kernel = apply("cache", kernel, buffer="B", memory="local", at="k0", layout=[1, 0], pad=0).kernel
    kernel = apply("cache", kernel, buffer="C", memory="local", at="j0", flat=True).kernel
    golden("cache/matmul_all", emit(kernel))
    for m, n, k in SIZES:
        same(before, kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


def test_windows_overlap(golden: Any) -> None:
    before = kernel_of(CONV)
    result = apply("cache", before, buffer="A", memory="local", at="oh")
    assert "3 x 11 x 2 of f32" in result.note
    golden("cache/window", emit(result.kernel))
    lengths = {"A": 9 * 11 * 2, "W": 54, "C": 60}
    same(before, result.kernel, lengths)
    for buffer, at in (("W", ""), ("C", "ow"), ("A", "ow"), ("W", "co")):
        same(before, apply("cache", before, buffer=buffer, memory="local", at=at).kernel, lengths)


def test_neighbours_are_one_tile_and_the_edges_exist() -> None:
    before = kernel_of("""void k(const float* A, float* C, int n) {
      for (int t = 0; t < (n + 7) / 8; t++) for (int i = 0; i < 8; i++) {
        int x = t * 8 + i;
        if (x < n) C[x] = (x > 0 ? A[x - 1] : 0.0f) + A[x] + (x < n - 1 ? A[x + 1] : 0.0f);
      } }""")
    result = apply("cache", before, buffer="A", memory="local", at="t")
    assert "(10 of f32" in result.note
    for n in (1, 8, 9, 21):
        same(before, result.kernel, {"A": n, "C": n}, n=n)


def test_padding_fills_what_does_not_exist(golden: Any) -> None:
    before = kernel_of(ADD)
    result = apply("cache", before, buffer="A", memory="local", at="t", pad=-1, round=48)
    golden("cache/pad", emit(result.kernel))
    same(before, result.kernel, {"A": 70, "C": 70}, n=70)


def test_the_bound_of_a_loop_clips() -> None:
    before = kernel_of("""void k(const float* A, float* C, int n) {
      for (int t = 0; t < n; t += 8)
        for (int i = t; i < (t + 8 < n ? t + 8 : n); i++) C[i] = A[i] * 2;
    }""")
    refused_or = apply("cache", before, buffer="A", memory="local", at="t") if _clips(before) else None
    assert refused_or is None
    split = kernel_of("""void k(const float* A, float* C, int n) {
      for (int t = 0; t < (n + 7) / 8; t++) for (int i = 0; i < std::min(8, n - t * 8); i++) C[t * 8 + i] = A[t * 8 + i];
    }""")
    for buffer in "AC":
        result = apply("cache", split, buffer=buffer, memory="local", at="t")
        for n in (0, 3, 8, 13):
            same(split, result.kernel, {"A": n, "C": n}, n=n)


def _clips(kernel: Kernel) -> bool:
    try:
        apply("cache", kernel, buffer="A", memory="local", at="t")
    except IllegalPassError as error:
        assert "constant bound" in str(error)
        return False
    return True


@pytest.mark.parametrize("buffer", ["A", "B"])
def test_threads_of_a_block_share_a_tile(buffer: str, golden: Any) -> None:
    before = kernel_of(GPU_MATMUL, "cuda")
    result = apply("cache", before, buffer=buffer, memory="shared", at="k0")
    golden(f"cache/shared_{buffer}", emit(result.kernel))
    for m, n, k in SIZES:
        same(before, result.kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


def test_two_shared_tiles_need_two_barriers(golden: Any) -> None:
    before = kernel_of(GPU_MATMUL, "cuda")
    kernel = apply("cache", before, buffer="A", memory="shared", at="k0").kernel
    kernel = apply("cache", kernel, buffer="B", memory="shared", at="k0", pad=0).kernel
    assert emit(kernel).count("__syncthreads") == 2
    golden("cache/shared_both", emit(kernel))
    for m, n, k in SIZES:
        same(before, kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


def test_a_block_writes_what_its_threads_wrote() -> None:
    before = kernel_of(GPU_MATMUL, "cuda")
    kernel = apply("cache", before, buffer="C", memory="shared", at="").kernel
    for m, n, k in SIZES:
        same(before, kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


def test_through_another_memory(golden: Any) -> None:
    before = kernel_of(MATMUL)
    result = apply("cache", before, buffer="B", memory="local", at="k0", layout=[1, 0], via="local")
    golden("cache/via", emit(result.kernel))
    for m, n, k in SIZES:
        same(before, result.kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


def test_branches_on_data_that_both_write() -> None:
    relu = """void k(const float* A, float* C) {
      for (int t = 0; t < 2; t++) for (int i = 0; i < 8; i++)
        if (A[t * 8 + i] > 0) C[t * 8 + i] = A[t * 8 + i]; else C[t * 8 + i] = 0; }"""
    before = kernel_of(relu)
    result = apply("cache", before, buffer="C", memory="local", at="t")
    assert "copied in" not in result.note
    same(before, result.kernel, {"A": 16, "C": 16})


def test_what_only_some_elements_get_is_copied_in_first() -> None:
    sparse = """void k(const float* A, float* C) {
      for (int t = 0; t < 2; t++) for (int i = 0; i < 8; i++) if (A[t * 8 + i] > 0) C[t * 8 + i] = A[t * 8 + i]; }"""
    before = kernel_of(sparse)
    result = apply("cache", before, buffer="C", memory="local", at="t")
    assert "copied in and copied out" in result.note
    same(before, result.kernel, {"A": 16, "C": 16})
    refused("cache", sparse, "values of C from before", buffer="C", memory="local", at="t", copy_in=False)
    gpu = """// launch: grid(2) block(1)
      __global__ void k(const float* A, float* C) {
        for (int i = 0; i < 8; i++) if (A[blockIdx.x * 8 + i] > 0) C[blockIdx.x * 8 + i] = 1; }"""
    refused("cache", gpu, "more than its loops", "cuda", buffer="C", memory="local")


LOOP = "void k(const float* A, const int* P, float* C, int n) {{ for (int t = 0; t < 4; t++) for (int i = 0; i < {n}; i++) {s} }}"


def line(statement: str, n: str = "8") -> str:
    return LOOP.format(n=n, s=statement)


def test_refusals() -> None:
    knobs = {"memory": "local", "at": "t"}
    refused("cache", line("C[i] = A[P[i]];"), "read from memory", buffer="A", **knobs)
    refused("cache", line("C[i] = A[i * i];"), "not linear", buffer="A", **knobs)
    refused("cache", line("C[i] = A[i];", "n"), "no constant bound: split", buffer="A", **knobs)
    refused("cache", line("C[i] = A[i] + A[n + i];"), "constant distance", buffer="A", **knobs)
    refused("cache", line("C[i] = A[i];"), "no buffer 'X'", buffer="X", **knobs)
    refused("cache", line("C[i] = A[i];"), "loop t does not touch P", buffer="P", **knobs)
    refused("cache", line("C[i] = A[i];"), "no loop 'z'", buffer="A", memory="local", at="z")
    refused("cache", line("C[i] = A[i];"), "no shared memory", buffer="A", memory="shared", at="t")
    refused("cache", line("C[i] = A[i];"), "'memory' is missing", buffer="A", at="t")
    refused("cache", line("C[i] = A[i];"), "no knob 'tile'", buffer="A", tile=4, **knobs)
    refused("cache", line("C[i] = A[i];"), "layout must order the 1", buffer="A", layout=[1, 0], **knobs)
    refused("cache", line("{ C[i] = 0; if (A[i] > 0) break; C[i] += 1; }"), "end before", buffer="C", memory="local",
            at="i")
    refused("cache", line("C[i % 4 + i] = A[i];"), "not linear", buffer="C", **knobs)


def test_room() -> None:
    big = """// launch: grid(4) block(256)
      __global__ void k(const float* A, float* C) {
        int i = blockIdx.x * 256 + threadIdx.x;
        for (int j = 0; j < 100000; j++) C[i] += A[j]; }"""
    error = refused("cache", big, "A_shared takes 400000 bytes of shared, 49152 are left", "cuda", buffer="A",
                    memory="shared")
    assert error.hint == "Choose a smaller tile."


def test_threads_that_do_not_all_come() -> None:
    early = """// launch: grid((n + 7) / 8) block(8)
      __global__ void k(const float* A, float* C, int n) {
        int i = blockIdx.x * 8 + threadIdx.x;
        if (i >= n) return;
        float s = 0;
        for (int t = 0; t < 4; t++) for (int j = 0; j < 8; j++) s += A[t * 8 + j];
        C[i] = s; }"""
    refused("cache", early, "return before others", "cuda", buffer="A", memory="shared", at="t")
    inside = early.replace("if (i >= n) return;", "if (i < n) {").replace("C[i] = s; }", "C[i] = s; } }")
    refused("cache", inside, "under a condition that differs", "cuda", buffer="A", memory="shared", at="t")
    assert "A_local" in emit(apply("cache", kernel_of(inside, "cuda"), buffer="A", memory="local", at="t").kernel)


def test_a_barrier_inside_keeps_what_others_may_read_in_place() -> None:
    text = """// launch: grid(1) block(8)
      __global__ void k(float* A) {
        for (int t = 0; t < 4; t++) { A[threadIdx.x] += 1; __syncthreads(); A[threadIdx.x] += A[7 - threadIdx.x];
          __syncthreads(); } }"""
    refused("cache", text, "other threads may read it at this barrier", "cuda", buffer="A", memory="local", at="t")


def test_sites_are_accepted_or_refused() -> None:
    for text, platform in ((MATMUL, "c"), (GPU_MATMUL, "cuda")):
        kernel = kernel_of(text, platform)
        sites = registry.get("cache").sites(kernel, platforms.get(platform))
        assert sites
        for knobs in sites:
            try:
                result = apply("cache", kernel, **knobs)
            except IllegalPassError:
                continue
            for m, n, k in SIZES[1:3]:
                same(kernel, result.kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


@settings(max_examples=40, deadline=None)
@given(kernels())
def test_random_kernels_keep_every_bit(kernel: Kernel) -> None:
    target = platforms.meeting_point()
    for at in ("", *loop_labels(kernel)):
        for buffer in BUFFERS:
            try:
                result = registry.get("cache").apply(kernel, target, buffer=buffer, memory="local", at=at)
            except IllegalPassError as refusal:
                assert str(refusal)
                continue
            for n in (0, 1, 4):
                assert_same(kernel, check(result.kernel), n=n)


# -- the inverse -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("knobs", [{}, {"layout": [1, 0]}])
@pytest.mark.parametrize(("buffer", "at"), [("A", "k0"), ("B", "k0"), ("C", "j0"), ("C", "k0")])
def test_a_tile_goes_again(buffer: str, at: str, knobs: dict[str, Any]) -> None:
    before = kernel_of(MATMUL)
    staged = apply("cache", before, buffer=buffer, memory="local", at=at, **knobs)
    result = apply("cache", staged.kernel, buffer=staged.names[buffer], inverse=True)
    assert "_local" not in emit(result.kernel) and result.names == {f"{buffer}_local": buffer}
    for m, n, k in SIZES:
        same(before, result.kernel, matmul_lengths(m, n, k), M=m, N=n, K=k)


def test_an_array_that_is_worked_on_in_place(golden: Any) -> None:
    before = kernel_of("""void k(const float* A, float* C, int n) {
      float b[8];
      for (int t = 0; t < n; t++) {
        for (int i = 0; i < 8; i++) b[i] = A[t * 8 + i];
        for (int i = 0; i < 8; i++) b[i] = b[i] > 0 ? b[i] : 0;
        for (int i = 0; i < 8; i++) C[t * 8 + i] = b[i];
      } }""")
    result = apply("cache", before, buffer="b", inverse=True)
    golden("cache/inverse_in_place", emit(result.kernel))
    same(before, result.kernel, {"A": 16, "C": 16}, n=2)


def test_padding_is_read_as_a_choice() -> None:
    before = kernel_of(ADD)
    staged = apply("cache", before, buffer="A", memory="local", at="t", pad=0).kernel
    result = apply("cache", staged, buffer="A_local", inverse=True).kernel
    assert "_local" not in emit(result)
    same(before, result, {"A": 70, "C": 70}, n=70)


STAGED = "void k(float* A, float* C, int n) {{ float b[8]; {body} }}"


@pytest.mark.parametrize(("body", "why"), [
    ("for (int i = 0; i < 8; i++) b[i] = A[i]; for (int i = 0; i < 8; i++) { A[7 - i] = b[i]; C[i] = b[i]; }", "overwritten"),
    ("for (int i = 0; i < 7; i++) b[i] = A[i]; for (int i = 0; i < 8; i++) C[i] = b[i];", "before all of it is written"),
    ("for (int i = 0; i < 8; i++) b[i] = i; for (int i = 0; i < 7; i++) C[i] = b[i];", "not all of b"),
    ("for (int i = 0; i < 8; i++) b[i] = C[7 - i]; for (int i = 0; i < 8; i++) C[i] = b[i];", "overwritten|used while"),
    ("for (int i = 0; i < 8; i++) b[i] = i; for (int i = 0; i < 8; i++) C[0] = b[i];", "same|one of C|not all|is not"),
    ("for (int i = 0; i < 8; i++) { b[i] = i; A[i] = b[i] + C[i]; } for (int i = 0; i < 8; i++) C[i] = b[i];", "used while"),
])
def test_arrays_that_must_stay(body: str, why: str) -> None:
    refused("cache", STAGED.format(body=body),
            why, buffer="b", inverse=True)


def test_parameters_stay() -> None:
    refused("cache", ADD, "a parameter, not a staging array", buffer="A", inverse=True)


@settings(max_examples=20, deadline=None)
@given(kernels())
def test_random_kernels_there_and_back(kernel: Kernel) -> None:
    target = platforms.meeting_point()
    for at in ("", *loop_labels(kernel)):
        for buffer in BUFFERS:
            try:
                staged = registry.get("cache").apply(kernel, target, buffer=buffer, memory="local", at=at)
                result = registry.get("cache").apply(staged.kernel, target, buffer=staged.names[buffer], inverse=True)
            except IllegalPassError as refusal:
                assert str(refusal)
                continue
            for n in (0, 1, 4):
                assert_same(kernel, check(result.kernel), n=n)
