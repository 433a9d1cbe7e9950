"""Ports as data, for rendering tests that need no compiler."""

from __future__ import annotations

from xpiler_jupyter.notebook.snapshot import Failure, Side, Snapshot
from xpiler_jupyter.record import Step
from xpiler_jupyter.verify.evidence import Evidence, Verdict

C = Side("c", "plain C", "cpp")
CUDA = Side("cuda", "NVIDIA CUDA", "cuda")

SOURCE = """extern "C" void scale(const float* A, float* B, int n) {
  for (int i = 0; i < n; ++i) {
    // twice the input
    B[i] = 2.0f * A[i];
  }
}
"""
SPLIT = """extern "C" void scale(const float* A, float* B, int n) {
  for (int i_outer = 0; i_outer < (n + 255) / 256; ++i_outer) {
    for (int i_inner = 0; i_inner < 256; ++i_inner) {
      if (i_outer * 256 + i_inner < n) {
        // twice the input
        B[i_outer * 256 + i_inner] = 2.0f * A[i_outer * 256 + i_inner];
      }
    }
  }
}
"""
BOUND = """__global__ void scale_kernel(const float* __restrict__ A, float* __restrict__ B, int n) {
  if (blockIdx.x * 256 + threadIdx.x < n) {
    // twice the input
    B[blockIdx.x * 256 + threadIdx.x] = 2.0f * A[blockIdx.x * 256 + threadIdx.x];
  }
}

extern "C" void scale(const float* A, float* B, int n) {
  float *d_A, *d_B;
  cudaMalloc(&d_A, n * sizeof(float));
  cudaMalloc(&d_B, n * sizeof(float));
  cudaMemcpy(d_A, A, n * sizeof(float), cudaMemcpyHostToDevice);
  scale_kernel<<<(n + 255) / 256, 256>>>(d_A, d_B, n);
  cudaMemcpy(B, d_B, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_A);
  cudaFree(d_B);
}
"""
GOOD = (
    Evidence("compile", "pass", "compiles without warnings", 0.028),
    Evidence("test", "pass", "12 inputs give the same bits, n in 1, 255, 256, 1000", 0.11, {"seed": 0}),
    Evidence("race", "unknown", "not looked at yet"),
)
FIRST = {"index": 255, "expected": 1.25, "got": -7.5, "error": 8.75, "bound": 1.2e-7}
BAD = (
    Evidence("compile", "pass", "compiles", 0.03),
    Evidence("test", "fail", "B[255] is -7.5, expected 1.25; 4 of 1000 elements are wrong", 0.02,
             {"seed": 7, "scalars": {"n": 1000}, "kind": "mixed", "line": 6,
              "comparison": {"buffer": "B", "first": FIRST, "worst": FIRST, "wrong": 4, "total": 1000}}),
)
TESTED = Verdict("tested", "12 inputs give the same bits on the simulator", "bit-exact", ("A and B do not overlap",))
PROOFS = (
    Evidence("equivalence", "pass", "equal to the source for all inputs and all sizes", 0.042,
             {"sizes": "all", "where": "all sizes", "exact": True, "parallel": True}),
    Evidence("races", "pass", "threads never touch an element unordered when one of them writes", 0.008),
    Evidence("bounds", "unknown", "line 4: an index of B depends on data", 0.004),
)
PROVED = Verdict("proved", "equal to the source for all inputs and all sizes", "bit-exact",
                 ("A and B do not overlap", "sizes are at least 1, and no index overflows"))
WRONG = Verdict("wrong", "B[255] is -7.5, expected 1.25")


def split(state: str = "accepted", evidence: tuple[Evidence, ...] = GOOD, verdict: Verdict = TESTED,
          after: str = SPLIT) -> Step:
    return Step("loop_split", "rules", {"loop": "i", "factor": 256}, "c", SOURCE, after,
                "loop i is split into 256 wide pieces; the tail is guarded", state, evidence, verdict, 0.31)


def bind(state: str = "accepted") -> Step:
    return Step("loop_bind", "rules", {"loop": "i_outer", "axis": "blockIdx.x"}, "cuda", SPLIT, BOUND,
                "i_outer runs over blocks, i_inner over threads", state, GOOD, TESTED, 0.42)


def snapshot(*steps: Step, failure: Failure | None = None, finished: bool = True,
             verdict: Verdict = TESTED) -> Snapshot:
    taken = [s for s in steps if s.state == "accepted"]
    code, where = (taken[-1].after, taken[-1].platform) if taken else (SOURCE, "c")
    checked = (Evidence("source", "pass", "no out-of-bounds access on 12 inputs", 0.2),)
    return Snapshot("scale", C, CUDA, SOURCE, code, where, steps, verdict, checked, failure, finished, 0.93)
