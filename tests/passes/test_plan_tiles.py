"""The native plan for few large cores: vectors over tiles, one call for a whole nest, and when it gives up."""

from __future__ import annotations

import pytest

from xpiler_jupyter.port import Port


def kernel(body: str, params: str = "const float* A, const float* B, float* C") -> str:
    return f'extern "C" void f({params}) {{ {body} }}'


ADD = kernel("for (int i = 0; i < 7; i++) for (int j = 0; j < 37; j++) C[i * 37 + j] = A[i * 37 + j] + B[i * 37 + j];")
LARGE = kernel("for (int i = 0; i < 700001; i++) C[i] = A[i] + B[i];")
ROWS = kernel("""
  for (int i = 0; i < 18; i++) {
    float most = A[i * 40];
    for (int j = 1; j < 40; j++) if (A[i * 40 + j] > most) most = A[i * 40 + j];
    float sum = 0.0f;
    for (int j = 0; j < 40; j++) sum += expf(A[i * 40 + j] - most);
    for (int j = 0; j < 40; j++) C[i * 40 + j] = expf(A[i * 40 + j] - most) / sum;
  }""")
POOL = kernel("""
  int N = 2; int H = 9; int W = 8; int D = 16; int OH = (H - 3) / 2 + 1; int OW = (W - 2) / 2 + 1;
  for (int n = 0; n < N; n++) for (int h = 0; h < OH; h++) for (int w = 0; w < OW; w++) for (int c = 0; c < D; c++) {
    float best = A[n * H * W * D + h * 2 * W * D + w * 2 * D + c];
    for (int y = 0; y < 3; y++) for (int x = 0; x < 2; x++) {
      float here = A[n * H * W * D + (h * 2 + y) * W * D + (w * 2 + x) * D + c];
      if (here > best) best = here;
    }
    C[n * OH * OW * D + h * OW * D + w * D + c] = best;
  }""")
DEPTHWISE = kernel("""
  for (int c = 0; c < 32; c++) for (int i = 0; i < 10; i++) for (int j = 0; j < 9; j++) {
    C[(i * 9 + j) * 32 + c] = 0;
    for (int y = 0; y < 3; y++) for (int x = 0; x < 3; x++)
      C[(i * 9 + j) * 32 + c] += A[((i + y) * 11 + j + x) * 32 + c] * B[(y * 3 + x) * 32 + c];
  }""")
CONV = kernel("""
  for (int n = 0; n < 5; n++) for (int h = 0; h < 3; h++) for (int w = 0; w < 2; w++) for (int o = 0; o < 4; o++) {
    float sum = 0.0f;
    for (int y = 0; y < 2; y++) for (int x = 0; x < 2; x++) for (int c = 0; c < 16; c++)
      sum += A[n * 7 * 5 * 16 + (h * 2 + y) * 5 * 16 + (w * 2 + x) * 16 + c] * B[o * 64 + y * 32 + x * 16 + c];
    C[n * 24 + h * 8 + w * 4 + o] = sum;
  }""")


def product(m: int, n: int, k: int, batch: int = 1) -> str:
    at = [f"b * {x * y} + " if batch > 1 else "" for x, y in ((m, k), (k, n), (m, n))]
    return kernel(f"""
  {f"for (int b = 0; b < {batch}; b++)" if batch > 1 else ""}
  for (int i = 0; i < {m}; i++) for (int j = 0; j < {n}; j++) {{
    C[{at[2]}i * {n} + j] = 0;
    for (int k = 0; k < {k}; k++) C[{at[2]}i * {n} + j] += A[{at[0]}i * {k} + k] * B[{at[1]}k * {n} + j];
  }}""")


def vector(m: int, k: int) -> str:
    return kernel(f"""
  for (int i = 0; i < {m}; i++) {{
    C[i] = 0;
    for (int k = 0; k < {k}; k++) C[i] += A[i * {k} + k] * B[k];
  }}""")


def ported(text: str) -> str:
    port = Port(text, "bang")
    port.run()
    assert port.verdict.reaches("tested"), port.verdict
    return port.code


@pytest.mark.parametrize(("text", "words"), [
    (ADD, ["__bang_add(", "GDRAM2NRAM", "NRAM2GDRAM"]),
    (ROWS, ["__bang_sub_scalar(", "__bang_sum("]),
    (DEPTHWISE, ["__bang_mul(", "__bang_add("]),
    (POOL, ["__bang_maxpool("]),
    (CONV, ["__bang_conv(", "GDRAM2WRAM"]),
    (product(8, 20, 16), ["__bang_transpose(", "NRAM2WRAM", "__bang_matmul("]),
    (product(3, 20, 16), ["__bang_transpose(", "NRAM2WRAM", "__bang_mlp("]),
    (product(6, 8, 16, batch=3), ["__bang_transpose(", "__bang_matmul("]),
    (vector(25, 32), ["__bang_mlp(", "GDRAM2WRAM"]),
], ids=["add", "rows", "depthwise", "pool", "conv", "gemm", "few rows", "bmm", "gemv"])
def test_intrinsics_do_the_work(text: str, words: list[str]) -> None:
    code = ported(text)
    assert [w for w in words if w not in code] == []


@pytest.mark.parametrize(("text", "word"), [
    (kernel("for (int i = 0; i < n; i++) C[i] = A[i] + B[i];", "const float* A, const float* B, float* C, int n"),
     "__bang_add("),
    (kernel("for (int i = 0; i < (n + 255) / 256 * 256; i++) if (i < 1000) C[i] = A[i] * B[i];",
            "const float* A, const float* B, float* C, int n"), "__bang_mul("),
    (kernel("for (int g = 0; g < (n + 99) / 100; g++) for (int t = 0; t < 100; t++) C[t] = A[t] - B[t];",
            "const float* A, const float* B, float* C, int n"), "__bang_sub("),
])
def test_how_many_there_are_may_be_known_at_run_time_only(text: str, word: str) -> None:
    assert word in ported(text)


CUDA_POOL = """
__global__ void pool(const float* A, float* C) {
  float sum[1];
  sum[0] = 0.0f;
  int at = blockIdx.x * 4 + (threadIdx.x >> 5);
  for (int y = 0; y < 2; y++)
    for (int x = 0; x < 3; x++)
      sum[0] = sum[0] + A[((at / 4) * 2 + y) * 384 + ((at % 4) * 3 + x) * 32 + (threadIdx.x & 31)];
  C[blockIdx.x * 128 + threadIdx.x] = sum[0] * 0.25f;
}
extern "C" void f(float* A, float* C, int n) {
  float *a, *c;
  cudaMalloc(&a, n * 6 * sizeof(float));
  cudaMalloc(&c, n * sizeof(float));
  cudaMemcpy(a, A, n * 6 * sizeof(float), cudaMemcpyHostToDevice);
  pool<<<(n + 127) / 128, 128>>>(a, c);
  cudaMemcpy(C, c, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(a);
  cudaFree(c);
}"""
CUDA_DEPTHWISE = """
__global__ void depthwise(const float* A, const float* W, float* C) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  int c = blockIdx.z;
  if (x < 7 && y < 6 && c < 20) {
    float sum = 0.0f;
    for (int i = 0; i < 2; i++)
      for (int j = 0; j < 2; j++) sum += A[((y + i) * 8 + x + j) * 20 + c] * W[(i * 2 + j) * 20 + c];
    C[(y * 7 + x) * 20 + c] = sum;
  }
}
extern "C" void f(float* A, float* W, float* C, int height, int width, int channels) {
  float *a, *w, *c;
  cudaMalloc(&a, (height + 1) * (width + 1) * channels * sizeof(float));
  cudaMalloc(&w, 4 * channels * sizeof(float));
  cudaMalloc(&c, height * width * channels * sizeof(float));
  cudaMemcpy(a, A, (height + 1) * (width + 1) * channels * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(w, W, 4 * channels * sizeof(float), cudaMemcpyHostToDevice);
  depthwise<<<dim3((width + 3) / 4, (height + 3) / 4, channels), dim3(4, 4)>>>(a, w, c);
  cudaMemcpy(C, c, height * width * channels * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(a);
  cudaFree(w);
  cudaFree(c);
}"""
CUDA_FAST = """
__global__ void decay(const float* A, float* C) {
  int i = blockIdx.x * 64 + threadIdx.x;
  if (i < 1000) C[i] = __fdividef(A[i], 1.0f + __expf(A[i]));
}
extern "C" void f(float* A, float* C, int n) {
  float *a, *c;
  cudaMalloc(&a, n * sizeof(float));
  cudaMalloc(&c, n * sizeof(float));
  cudaMemcpy(a, A, n * sizeof(float), cudaMemcpyHostToDevice);
  decay<<<(n + 63) / 64, 64>>>(a, c);
  cudaMemcpy(C, c, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(a);
  cudaFree(c);
}"""


@pytest.mark.parametrize(("text", "words"), [
    (CUDA_POOL, ["__bang_add(", "__bang_mul_scalar("]),
    (CUDA_DEPTHWISE, ["__bang_mul(", "__bang_add("]),
    (CUDA_FAST, ["__bang_active_exp("]),
], ids=["pool", "depthwise", "fast functions"])
def test_threads_of_a_launch_become_vectors(text: str, words: list[str]) -> None:
    """Launches whose extents only the run knows, guards with constants, and one-element arrays: what generators write."""
    code = ported(text)
    assert [w for w in words if w not in code] == []


def test_products_of_odd_depth_are_vectors() -> None:
    code = ported(product(8, 20, 15))
    assert "__bang_matmul" not in code and "__bang_mul_scalar(" in code


def test_what_does_not_fit_is_cut_into_tiles() -> None:
    code = ported(LARGE)
    assert "__bang_add(" in code and "for (int " in code


def test_a_loop_that_carries_everything_stays_on_one_core() -> None:
    code = ported('extern "C" void f(float* C) { for (int i = 1; i < 64; i++) C[i] = C[i] * C[i - 1]; }')
    assert "__bang" not in code and "coreId" not in code


def test_too_many_loops_are_only_shared_out() -> None:
    loops = " ".join(f"for (int k = 0; k < 8; k++) C[i * 88 + {8 * n} + k] = A[i * 88 + {8 * n} + k];" for n in range(11))
    code = ported(kernel(f"for (int i = 0; i < 6; i++) {{ {loops} }}"))
    assert "__bang" not in code and "coreId" in code
