"""Sources that are wrong, sources that are too big, sources outside the IR, and the double-precision twin."""

from __future__ import annotations

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.verify import slices
from xpiler_jupyter.verify.double import double_text
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.mutants import mutants
from xpiler_jupyter.verify.sizes import SizeSet
from xpiler_jupyter.verify.source_check import check_source
from xpiler_jupyter.verify.subject import Subject
from xpiler_jupyter.verify.verdict import verdict_of

BIG = """extern "C" void big(const float* x, float* y) {
  for (int i = 0; i < 8192; i++) {
    float s = 0.0f;
    for (int k = 0; k < 8192; k++) s += x[i * 8192 + k];
    for (int k = 0; k < 8192; k++) y[i * 8192 + k] = x[i * 8192 + k] - s;
  }
}
"""

SHIFT = """__global__ void shift(float* x, float* y, int n) {
  int i = blockIdx.x * 64 + threadIdx.x;
  __shared__ float t[64];
  t[threadIdx.x] = i < n ? x[i] : 0.0f;
  %s
  if (i < n) y[i] = t[63 - threadIdx.x];
}
extern "C" void shift_host(float* x, float* y, int n) {
  float *a, *b;
  cudaMalloc(&a, n * sizeof(float));
  cudaMalloc(&b, n * sizeof(float));
  cudaMemcpy(a, x, n * sizeof(float), cudaMemcpyHostToDevice);
  shift<<<(n + 63) / 64, 64>>>(a, b, n);
  cudaMemcpy(y, b, n * sizeof(float), cudaMemcpyDeviceToHost);
}
"""


def plain(text: str) -> Subject:
    platform = registry.get("c")
    return Subject(text, platform, parse(text, platform))


def cuda(text: str) -> Subject:
    platform = registry.get("cuda")
    return Subject(text, platform, parse(text, platform))


def statuses(subject: Subject, **options: object) -> dict[str, str]:
    return {e.kind: e.status for e in check_source(subject, **options)}  # type: ignore[arg-type]


def test_a_sound_source() -> None:
    found = statuses(cuda(SHIFT % "__syncthreads();"))
    assert "fail" not in found.values()


def test_a_missing_barrier_is_found() -> None:
    assert "fail" in statuses(cuda(SHIFT % "")).values()


def test_out_of_bounds_is_found_with_its_line() -> None:
    text = 'extern "C" void f(const float* x, float* y) {\n  for (int i = 0; i < 8; i++)\n    y[i] = x[i + 1];\n}\n'
    found = check_source(plain(text), shape={"x": 8, "y": 8})
    assert any(e.status == "fail" and e.data.get("line") == 3 for e in found), found


def test_accumulating_into_an_output_is_a_note() -> None:
    text = 'extern "C" void f(const float* x, float* y) {\n  for (int i = 0; i < 8; i++) y[i] += x[i];\n}\n'
    found = statuses(plain(text))
    assert found["inout"] == "pass" and "fail" not in found.values()


def test_what_is_too_big_is_run_on_a_slice() -> None:
    judge = Judge(plain(BIG), device="sim")
    assert judge.slice is not None and "i <" in judge.slice.words
    good = verdict_of(judge.test(plain(BIG)))
    assert good.level == "tested" and "too large" in good.detail
    assert verdict_of(judge.test(plain(BIG.replace("- s", "+ s")))).level == "wrong"


def test_a_text_outside_the_ir_is_judged_by_running_it() -> None:
    text = "extern \"C\" void f(const float* x, float* y, int n) {\n  for (int i = 0; i < n && i < 64; i++) y[i] = x[i];\n}\n"
    c = registry.get("c")
    judge = Judge(Subject(text, c), device="sim")
    assert judge.written == {"y"}
    assert verdict_of(judge.test(Subject(text, c))).level == "tested"
    assert verdict_of(judge.test(Subject(text.replace("x[i];", "x[0];"), c))).level == "wrong"


def test_double_twin() -> None:
    assert double_text("float f(float x) { return expf(x) * 1.5f + 2.f; }") == \
        "double f(double x) { return exp(x) * 1.5 + 2.; }"
    assert double_text("void f(half* x) { float y; }") is None
    assert double_text("int f(float* x) { return ((int*)x)[0]; }") is None


def test_mutants_are_distinct_seeded_and_of_many_kinds() -> None:
    kernel = cuda(SHIFT % "__syncthreads();").kernel
    assert kernel is not None
    first, again = mutants(kernel, 3), mutants(kernel, 3)
    assert [m.words for m in first] == [m.words for m in again]
    assert len({m.kernel.body for m in first}) == len(first)
    assert {"barrier", "comparison", "offset", "store", "launch"} <= {m.kind for m in first}


def test_a_text_with_intrinsics_and_a_named_extent_is_cut_at_its_outermost_loop() -> None:
    text = """#include <immintrin.h>
extern "C" void f(const float* A, float* C) {
  const int batch = 4096;
  for (int i = 0; i < batch; i++) {
    for (int j = 0; j < 4096; j++) {
      __m512 x = _mm512_loadu_ps(A + (i * 4096 + j) * 16);
      _mm512_storeu_ps(C + (i * 4096 + j) * 16, _mm512_add_ps(x, x));
    }
  }
}
"""
    vnni = registry.get("vnni")
    kernel = with_meanings(parse(text, vnni))
    size = SizeSet({}, {"A": 1 << 28, "C": 1 << 28}, work=2.0**28)
    part = slices.cut(Subject(text, vnni, kernel), size)
    assert part is not None
    assert part.words.startswith("only i < ") and part.words.endswith(" of 4096")
