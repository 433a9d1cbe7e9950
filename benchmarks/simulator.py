"""How fast the simulators are, against the figures of the prototypes.

    python benchmarks/simulator.py [repeats]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Any

import numpy as np

from xpiler_jupyter.execute import Argument, Entry, Launch, executor
from xpiler_jupyter.ir.types import F32, I32

ADD = """__global__ void add(const float* A, const float* B, float* C, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) C[i] = A[i] + B[i];
}"""
REDUCE = """__global__ void total(const float* A, float* C) {
  __shared__ float s[256];
  int t = threadIdx.x;
  s[t] = A[blockIdx.x * 256 + t];
  __syncthreads();
  for (int d = 128; d > 0; d >>= 1) {
    if (t < d) s[t] += s[t + d];
    __syncthreads();
  }
  if (t == 0) C[blockIdx.x] = s[0];
}"""
SHUFFLE = """__global__ void total(const float* A, float* C) {
  __shared__ float s[32];
  float v = A[blockIdx.x * 256 + threadIdx.x];
  for (int d = 16; d > 0; d >>= 1) v += __shfl_down_sync(0xffffffff, v, d);
  if (threadIdx.x % 32 == 0) s[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x == 0) {
    float t = 0;
    for (int k = 0; k < 8; k++) t += s[k];
    C[blockIdx.x] = t;
  }
}"""
GEMM = """__global__ void gemm(const float* A, const float* B, float* C) {
  __shared__ float a[16][16], b[16][16];
  int x = threadIdx.x, y = threadIdx.y, row = blockIdx.y * 16 + y, column = blockIdx.x * 16 + x;
  float sum = 0.0f;
  for (int k = 0; k < 128; k += 16) {
    a[y][x] = A[row * 128 + k + x];
    b[y][x] = B[(k + y) * 128 + column];
    __syncthreads();
    for (int i = 0; i < 16; i++) sum += a[y][i] * b[i][x];
    __syncthreads();
  }
  C[row * 128 + column] = sum;
}"""


def entry(function: str, values: dict[str, Any], launch: Launch | None) -> Entry:
    return Entry(function, tuple(Argument(k, F32 if isinstance(v, np.ndarray) else I32, isinstance(v, np.ndarray))
                                 for k, v in values.items()), launch)


def measure(platform: str, text: str, function: str, launch: Launch | None, repeats: int,
            **values: Any) -> tuple[float, float, dict[str, Any]]:
    """The kernel's best own milliseconds, the best milliseconds of the whole run, and the outputs."""
    compiled = executor(platform, "sim").compile(text, entry(function, values, launch))
    buffers = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
    scalars = {k: v for k, v in values.items() if k not in buffers}
    own, whole = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        result = compiled.run(buffers, scalars)
        whole.append(time.perf_counter() - start)
        if result.fault:
            raise SystemExit(result.fault.message)
        own.append(result.seconds)
    return min(own) * 1e3, min(whole) * 1e3, result.outputs


def compile_time(platform: str, text: str, function: str, launch: Launch | None, repeats: int, **values: Any) -> float:
    """Median milliseconds of a compilation that the cache does not know."""
    times = []
    for k in range(repeats):
        start = time.perf_counter()
        executor(platform, "sim").compile(f"{text}\n// {k} {time.time()}", entry(function, values, launch))
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2] * 1e3


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    n = 1 << 20
    rng = np.random.default_rng(0)
    a, b = rng.random((2, n), np.float32)
    rows: list[tuple[str, float, str]] = []
    flat, blocks = Launch((n // 256, 1, 1), (256, 1, 1)), np.zeros(n // 256, np.float32)
    one, _, out = measure("cuda", ADD, "add", flat, repeats, A=a, B=b, C=np.zeros(n, np.float32), n=n)
    assert (out["C"] == a + b).all()
    rows.append(("1M threads, no barrier", one, "0.21"))
    for name, text, mark in (("1M threads, 9 barriers", REDUCE, "110-200"),
                             ("1M threads, 5 shuffles", SHUFFLE, "107-114")):
        one, _, out = measure("cuda", text, "total", flat, repeats, A=a, C=blocks)
        assert np.allclose(out["C"], a.reshape(-1, 256).sum(1), rtol=1e-5)
        rows.append((name, one, mark))
    x, y = rng.random((1024, 128), np.float32), rng.random((128, 128), np.float32)
    for platform in ("cuda", "hip"):
        one, _, out = measure(platform, GEMM, "gemm", Launch((8, 64, 1), (16, 16, 1)), repeats, A=x, B=y,
                              C=np.zeros((1024, 128), np.float32))
        assert np.allclose(out["C"], x @ y, rtol=1e-4)
        rows.append((f"shared-memory GEMM 1024x128x128, {platform}", one, ""))
    small = np.zeros(2304, np.float32)
    _, whole, _ = measure("cuda", ADD, "add", Launch((9, 1, 1), (256, 1, 1)), 30, A=small, B=small, C=small, n=2304)
    rows.append(("warm run of a small kernel, all included", whole, "1.4-1.65"))
    large = np.zeros(16 << 20, np.float32)
    _, whole, _ = measure("cuda", ADD, "add", Launch((65536, 1, 1), (256, 1, 1)), 3, A=large, B=large, C=large,
                          n=large.size)
    rows.append(("run with 3 x 64 MiB, all included", whole, "46"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XPILER_CACHE"] = folder
        plain = 'extern "C" void f(const float* A, float* C, int n) { for (int i = 0; i < n; i++) C[i] = A[i] + 1; }'
        rows.append(("compile a small C kernel", compile_time("c", plain, "f", None, 9, A=a, C=a, n=1), "28"))
        rows.append(("compile a small CUDA kernel",
                     compile_time("cuda", ADD, "add", flat, 9, A=a, B=a, C=a, n=1), "37-61"))
        rows.append(("compile a CUDA kernel with barriers",
                     compile_time("cuda", REDUCE, "total", flat, 9, A=a, C=a), "37-61"))
    print(f"{'':44}{'ms':>9}   prototype ms")
    for name, value, mark in rows:
        print(f"{name:44}{value:9.2f}   {mark}")


if __name__ == "__main__":
    main()
