"""What kernels compute, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from xpiler_jupyter.execute import Limits

from .conftest import run

GPUS = ("cuda", "hip")


def test_plain_c_with_headers_and_scalars(rng: np.random.Generator) -> None:
    text = """#include <cmath>
#include <algorithm>
extern "C" void f(const float* A, float* B, int n, float scale) {
  for (int i = 0; i < n; i++) B[i] = std::max(std::exp(A[i]) * scale, 1.0f);
}
"""
    a = rng.standard_normal(1000).astype(np.float32)
    b = np.zeros_like(a)
    r = run("c", text, "f", A=a, B=b, n=1000, scale=0.5)
    assert r.fault is None
    np.testing.assert_allclose(r.outputs["B"], np.maximum(np.exp(a) * np.float32(0.5), 1), rtol=3e-7)
    assert not b.any(), "the caller's arrays are never touched"


def test_math_follows_cpp_overloads() -> None:
    text = """extern "C" void f(double* out, float x, int n) {
  out[0] = sizeof(exp(x)) ; out[1] = sizeof(sqrt(n)); out[2] = sizeof(pow(x, n)); out[3] = sizeof(std::pow(x, x));
  out[4] = sizeof(fmax(x, 1.0)); out[5] = abs(-2.5f); out[6] = std::numeric_limits<float>::infinity() > FLT_MAX;
  out[7] = 1 / 3 + 7 % -4; out[8] = isnan(NAN);
}
"""
    r = run("c", text, "f", out=np.zeros(9), x=2.0, n=3)
    assert r.outputs["out"].tolist() == [4, 8, 8, 4, 8, 2.5, 1, 3, 1]


def test_no_fused_multiply_add_and_wrapping_integers() -> None:
    text = """extern "C" void f(float* x, int* i) { x[3] = x[0] * x[1] + x[2]; i[0] = i[0] + 1; }"""
    a = np.float32(1 + 2**-12)
    x = np.array([a, a, -(a * a), 9], np.float32)
    r = run("c", text, "f", x=x, i=np.array([2**31 - 1], np.int32))
    assert r.outputs["x"][3] == 0 and r.outputs["i"][0] == -2**31


REDUCE = """
__global__ void total(const float* A, float* C) {
  __shared__ float s[128];
  int t = threadIdx.x;
  s[t] = A[blockIdx.x * 128 + t];
  __syncthreads();
  for (int d = 64; d > 0; d >>= 1) {
    if (t < d) s[t] += s[t + d];
    __syncthreads();
  }
  if (t == 0) C[blockIdx.x] = s[0];
}
"""


@pytest.mark.parametrize("platform", GPUS)
@pytest.mark.parametrize("reverse", [False, True])
def test_block_reduction(platform: str, reverse: bool, rng: np.random.Generator) -> None:
    a = rng.random(128 * 6, np.float32)
    r = run(platform, REDUCE, "total", grid=6, block=128, A=a, C=np.zeros(6, np.float32), reverse=reverse)
    assert r.fault is None
    np.testing.assert_allclose(r.outputs["C"], a.reshape(6, 128).sum(1), rtol=1e-6)


@pytest.mark.parametrize("platform", GPUS)
def test_host_wrapper(platform: str, rng: np.random.Generator) -> None:
    text = REDUCE + """
extern "C" void wrap(float* A, float* C, int n) {
  float *d_A, *d_C;
  APIMalloc(&d_A, n * sizeof(float));
  APIMalloc((void**)&d_C, n / 128 * sizeof(float));
  APIMemcpy(d_A, A, n * sizeof(float), APIMemcpyHostToDevice);
  dim3 block(128), grid(n / 128);
  total<<<grid,
          block>>>(d_A, d_C);
  if (APIGetLastError() != APISuccess) printf("%s", APIGetErrorString(APIGetLastError()));
  APIDeviceSynchronize();
  APIMemcpy(C, d_C, n / 128 * sizeof(float), APIMemcpyDeviceToHost);
  APIFree(d_A);
  APIFree(d_C);
}
""".replace("API", platform)
    a = rng.random(128 * 5, np.float32)
    r = run(platform, text, "wrap", A=a, C=np.zeros(5, np.float32), n=a.size)
    assert r.fault is None
    np.testing.assert_allclose(r.outputs["C"], a.reshape(5, 128).sum(1), rtol=1e-6)


def test_hip_launch_macro_and_template_kernel() -> None:
    text = """
template <typename T, int K> __global__ void add(T* A, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) A[i] += K;
}
extern "C" void wrap(float* A, int n) {
  float* d;
  hipMalloc(&d, n * 4);
  hipMemcpy(d, A, n * 4, hipMemcpyHostToDevice);
  hipLaunchKernelGGL(HIP_KERNEL_NAME(add<float, 2>), dim3(2), dim3(32), 0, 0, d, n);
  add<float, 1><<<2, 32>>>(d, n);
  hipMemcpy(A, d, n * 4, hipMemcpyDeviceToHost);
  hipFree(d);
}
"""
    r = run("hip", text, "wrap", A=np.zeros(50, np.float32), n=50)
    assert r.fault is None and (r.outputs["A"] == 3).all()


@pytest.mark.parametrize("platform,lanes", [("cuda", 32), ("hip", 64)])
def test_lanes(platform: str, lanes: int) -> None:
    text = """
__global__ void k(const float* A, float* C, unsigned* B) {
  float v = A[blockIdx.x * blockDim.x + threadIdx.x];
  for (int d = warpSize / 2; d > 0; d /= 2) v += __shfl_down_sync(~0ull, v, d);
  unsigned long long odd = __ballot_sync(~0ull, threadIdx.x % 2);
  float first = __shfl_sync(~0ull, v, 0);
  float x = __shfl_xor_sync(~0ull, (float)threadIdx.x, 1);
  if (threadIdx.x % warpSize == 0) {
    C[(blockIdx.x * blockDim.x + threadIdx.x) / warpSize] = v;
    B[0] = __popcll(odd);
    B[1] = first == v;
    B[2] = x == threadIdx.x + 1;
  }
}
"""
    a = np.arange(lanes * 4, dtype=np.float32)
    r = run(platform, text, "k", grid=2, block=2 * lanes, A=a, C=np.zeros(4, np.float32), B=np.zeros(3, np.uint32))
    assert r.fault is None
    assert r.outputs["C"].tolist() == a.reshape(4, lanes).sum(1).tolist()
    assert r.outputs["B"].tolist() == [lanes // 2, 1, 1]


def test_shuffle_without_mask_inside_a_branch() -> None:
    text = """__global__ void k(float* A) {
  if (threadIdx.x < 16) { A[threadIdx.x] += __shfl_down(A[threadIdx.x], 8); }
}"""
    a = np.arange(64, dtype=np.float32)
    r = run("hip", text, "k", grid=1, block=64, A=a)
    assert r.fault is None and r.outputs["A"][:8].tolist() == (a[:8] + a[8:16]).tolist()


@pytest.mark.parametrize("platform", GPUS)
@pytest.mark.parametrize("place", ["inside", "outside"])
def test_dynamic_shared_memory(platform: str, place: str) -> None:
    decl = "extern __shared__ float s[];"
    text = f"""{decl if place == 'outside' else ''}
__global__ void flip(float* A) {{
  {decl if place == 'inside' else ''}
  s[threadIdx.x] = A[threadIdx.x];
  __syncthreads();
  A[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}}"""
    a = np.arange(100, dtype=np.float32)
    r = run(platform, text, "flip", grid=1, block=100, shared=400, A=a)
    assert r.fault is None and (r.outputs["A"] == a[::-1]).all()
    bad = run(platform, text, "flip", grid=1, block=100, shared=396, A=a)
    assert bad.fault is not None and bad.fault.kind == "bounds" and "shared" in bad.fault.message


@pytest.mark.parametrize("platform", GPUS)
def test_atomics_and_votes(platform: str) -> None:
    text = """__global__ void k(int* I, float* F, unsigned* U, double* D) {
  atomicAdd(&I[0], 1); atomicMax(&I[1], (int)threadIdx.x); atomicMin(I + 2, -(int)threadIdx.x);
  atomicSub(&I[3], 2); atomicExch(&I[4], 5); atomicCAS(&I[5], 0, 7);
  atomicAdd(&F[0], 0.5f); atomicOr(&U[0], 1u << (threadIdx.x % 32)); atomicAdd(&D[0], 1.0);
  int n = __syncthreads_count(threadIdx.x < 3), all = __syncthreads_and(threadIdx.x < 64);
  int any = __syncthreads_or(threadIdx.x == 63);
  if (threadIdx.x == 0) { I[6] = n; I[7] = all; I[8] = any; I[9] = __clz(1) + __ffs(8); }
}"""
    r = run(platform, text, "k", grid=1, block=64, I=np.zeros(10, np.int32), F=np.zeros(1, np.float32),
            U=np.zeros(1, np.uint32), D=np.zeros(1))
    assert r.fault is None
    assert r.outputs["I"].tolist() == [64, 63, -63, -128, 5, 7, 3, 1, 1, 35]
    assert r.outputs["F"][0] == 32 and r.outputs["U"][0] == 2**32 - 1 and r.outputs["D"][0] == 64


@pytest.mark.parametrize("platform", GPUS)
def test_half_rounds_every_operation(platform: str, rng: np.random.Generator) -> None:
    text = """__global__ void k(const half* A, const half* B, half* C, float4* V) {
  int i = threadIdx.x;
  C[i] = A[i] * B[i] + __float2half(0.1f);
  if (i < 4) { float4 v = make_float4(1, 2, 3, 4); v.x += __half2float(A[i]); V[i] = v; }
}"""
    a, b = rng.standard_normal((2, 32)).astype(np.float16)
    r = run(platform, text, "k", grid=1, block=32, A=a, B=b, C=np.zeros_like(a), V=np.zeros(16, np.float32))
    assert r.fault is None
    assert (r.outputs["C"] == (a * b) + np.float16(0.1)).all()
    assert (r.outputs["V"].reshape(4, 4)[:, 0] == 1 + a[:4].astype(np.float32)).all()


def test_early_return_before_a_barrier_is_allowed() -> None:
    text = """__global__ void k(float* A) {
  __shared__ float s[32];
  if (threadIdx.x >= 20) return;
  s[threadIdx.x] = A[threadIdx.x];
  __syncthreads();
  A[threadIdx.x] = s[19 - threadIdx.x];
}"""
    a = np.arange(20, dtype=np.float32)
    r = run("cuda", text, "k", grid=1, block=32, A=a)
    assert r.fault is None and (r.outputs["A"] == a[::-1]).all()


def test_missing_barrier_shows_in_reverse_order() -> None:
    text = """__global__ void k(float* A) {
  __shared__ float s[64];
  s[threadIdx.x] = A[threadIdx.x];
  A[threadIdx.x] = threadIdx.x ? s[threadIdx.x - 1] : 0.0f;
}"""
    a = np.arange(64, dtype=np.float32)
    forward, backward = (run("cuda", text, "k", grid=1, block=64, A=a, reverse=rev) for rev in (False, True))
    assert forward.fault is None and np.isfinite(forward.outputs["A"]).all()
    assert (backward.outputs["A"][1:] > 3e38).all(), "poison: nobody has written the neighbour's cell yet"


def test_fresh_memory_is_poisoned() -> None:
    text = """__global__ void k(float* d, float* C) { C[0] = d[0]; }
extern "C" void wrap(float* C) {
  float *d, *c;
  cudaMalloc(&d, 4); cudaMalloc(&c, 4);
  k<<<1, 1>>>(d, c);
  cudaMemcpy(C, c, 4, cudaMemcpyDeviceToHost);
}"""
    assert np.isnan(run("cuda", text, "wrap", C=np.zeros(1, np.float32)).outputs["C"][0])


def test_max_blocks_runs_a_slice() -> None:
    text = "__global__ void k(float* A) { A[blockIdx.y * gridDim.x + blockIdx.x] = gridDim.y; }"
    r = run("cuda", text, "k", grid=(3, 8), block=1, A=np.zeros(24, np.float32), limits=Limits(max_blocks=(0, 2, 0)))
    assert r.outputs["A"].tolist() == [8.0] * 6 + [0.0] * 18


def test_two_dimensional_threads_and_device_functions(rng: np.random.Generator) -> None:
    text = """#define TILE 8
__device__ float twice(float x);
__device__ float twice(float x) { return 2 * x; }
__global__ void __launch_bounds__(64) t(const float* __restrict__ A, float* B, int n) {
  __shared__ float tile[TILE][TILE + 1];
  int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;
  if (x < n && y < n) tile[threadIdx.y][threadIdx.x] = A[y * n + x];
  __syncthreads();
  x = blockIdx.y * TILE + threadIdx.x; y = blockIdx.x * TILE + threadIdx.y;
  if (x < n && y < n) B[y * n + x] = twice(tile[threadIdx.x][threadIdx.y]);
}"""
    a = rng.random((20, 20), np.float32)
    r = run("cuda", text, "t", grid=(3, 3), block=(8, 8), A=a, B=np.zeros_like(a), n=20)
    assert r.fault is None and (r.outputs["B"] == 2 * a.T).all()


def test_empty_and_large_buffers() -> None:
    text = """extern "C" void f(float* A, float* B, int n) { for (int i = 0; i < n; i++) B[i] = A[i] + 1; }"""
    assert run("c", text, "f", A=np.zeros(0, np.float32), B=np.zeros(0, np.float32), n=0).fault is None
    a = np.arange(20_000_000, dtype=np.float32)
    r = run("c", text, "f", A=a, B=np.zeros_like(a), n=a.size)
    assert r.fault is None and (r.outputs["B"] == a + 1).all()
