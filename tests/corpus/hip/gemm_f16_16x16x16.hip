// One wave per tile; the block's second axis is the group of lanes that shares a column.
#include <hip/hip_runtime.h>
#include <hip/hip_fp16.h>

using half4 = __attribute__((__vector_size__(4 * sizeof(float16_t)))) float16_t;
using float4v = __attribute__((__vector_size__(4 * sizeof(float)))) float;

__global__ void gemm(const half* A, const half* B, float* C) {
  const int K = 64, N = 48;
  const int row = blockIdx.y * 16, col = blockIdx.x * 16;
  float4v d = {0.0f};
  for (int k = 0; k < K; k += 16) {
    half4 a, b;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      a[i] = A[(row + threadIdx.x) * K + k + threadIdx.y * 4 + i];
      b[i] = B[(k + threadIdx.y * 4 + i) * N + col + threadIdx.x];
    }
    d = __builtin_amdgcn_mfma_f32_16x16x16f16(a, b, d, 0, 0, 0);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) C[(row + threadIdx.y * 4 + i) * N + col + threadIdx.x] = d[i];
}

extern "C" void gemm_host(half* A, half* B, float* C) {
  half *d_A, *d_B;
  float* d_C;
  hipMalloc(&d_A, 32 * 64 * sizeof(half));
  hipMalloc(&d_B, 64 * 48 * sizeof(half));
  hipMalloc(&d_C, 32 * 48 * sizeof(float));
  hipMemcpy(d_A, A, 32 * 64 * sizeof(half), hipMemcpyHostToDevice);
  hipMemcpy(d_B, B, 64 * 48 * sizeof(half), hipMemcpyHostToDevice);
  gemm<<<dim3(3, 2), dim3(16, 4)>>>(d_A, d_B, d_C);
  hipMemcpy(C, d_C, 32 * 48 * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(d_A);
  hipFree(d_B);
  hipFree(d_C);
}
