#include <cuda_runtime.h>

#define WARP 32

__device__ float warp_sum(float v) {
  for (int d = WARP / 2; d > 0; d /= 2) v += __shfl_xor_sync(0xffffffffu, v, d);
  return v;
}

__device__ float block_sum(float v) {
  __shared__ float partial[WARP];
  int lane = threadIdx.x & (WARP - 1);
  int warp = threadIdx.x / WARP;
  v = warp_sum(v);
  if (lane == 0) partial[warp] = v;
  __syncthreads();
  v = threadIdx.x < blockDim.x / WARP ? partial[lane] : 0.0f;
  if (warp == 0) v = warp_sum(v);
  return v;
}

// Sum of squares of a part of x for each block.
__global__ void __launch_bounds__(256) squares(const float* x, float* part, int n) {
  float v = 0.0f;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v += x[i] * x[i];
  v = block_sum(v);
  if (threadIdx.x == 0) part[blockIdx.x] = v;
}

extern "C" void squares_host(const float* x, float* part, int n) {
  float* d_x;
  float* d_part;
  cudaMalloc((void**)&d_x, n * sizeof(float));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_part, 8 * sizeof(float));
  squares<<<8, 256>>>(d_x, d_part, n);
  cudaMemcpy(part, d_part, 8 * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_part);
}
