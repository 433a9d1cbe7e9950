"""A guard that always holds, in a kernel that leaves its buffers for some sizes: said with its line."""

from __future__ import annotations

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.verify.idle_guards import idle_guards
from xpiler_jupyter.verify.source_check import check_source
from xpiler_jupyter.verify.subject import Subject

TEXT = """__global__ void twice(const float* a, float* b) {
  for (int r = 0; r < 4; r++) {
    if (r * 512 + (int)blockIdx.x < 2000) {
      b[r * 512 + (int)blockIdx.x * 128 + (int)threadIdx.x] = 2.0f * a[r * 512 + (int)blockIdx.x * 128 + (int)threadIdx.x];
    }
  }
}
extern "C" void host(float* a, float* b, int size) {
  float *x, *y;
  cudaMalloc(&x, size * sizeof(float));
  cudaMalloc(&y, size * sizeof(float));
  cudaMemcpy(x, a, size * sizeof(float), cudaMemcpyHostToDevice);
  twice<<<4, 128>>>(x, y);
  cudaMemcpy(b, y, size * sizeof(float), cudaMemcpyDeviceToHost);
}
"""
WHOLE = TEXT.replace("r * 512 + (int)blockIdx.x < 2000", "r * 512 + (int)blockIdx.x * 128 + (int)threadIdx.x < 2000")


def notes(text: str) -> list[str]:
    cuda = registry.get("cuda")
    found = check_source(Subject(text, cuda, parse(text, cuda)))
    return [e.detail for e in found if e.kind == "guard"]


def test_a_missing_term_is_named_by_its_line() -> None:
    assert idle_guards(parse(TEXT, "cuda")) == [3]
    assert any("line 3" in n and "term" in n for n in notes(TEXT))


def test_a_guard_that_guards_is_no_matter() -> None:
    assert idle_guards(parse(WHOLE, "cuda")) == [] and notes(WHOLE) == []
