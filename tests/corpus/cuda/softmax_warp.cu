#include <cuda_runtime.h>

// A row per warp, four warps in a block of two axes. Rows of up to 1024 columns.
__global__ void softmax_warp(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
  int row = blockIdx.x * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  const float* in = x + row * cols;
  float* out = y + row * cols;
  float top = -INFINITY;
  for (int c = threadIdx.x; c < cols; c += warpSize) top = fmaxf(top, in[c]);
#pragma unroll
  for (int mask = 16; mask > 0; mask >>= 1) top = fmaxf(top, __shfl_xor_sync(0xffffffff, top, mask));
  float sum = 0.0f;
  for (int c = threadIdx.x; c < cols; c += warpSize) sum += expf(in[c] - top);
#pragma unroll
  for (int mask = 16; mask > 0; mask >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, mask);
  float scale = 1.0f / sum;
  for (int c = threadIdx.x; c < cols; c += warpSize) out[c] = expf(in[c] - top) * scale;
}

extern "C" void softmax_warp_host(const float* x, float* y, int rows, int cols) {
  float* d_x;
  float* d_y;
  cudaMalloc((void**)&d_x, rows * cols * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_y, rows * cols * sizeof(float));
  softmax_warp<<<(rows + 3) / 4, dim3(32, 4)>>>(d_x, d_y, rows, cols);
  cudaMemcpy(y, d_y, rows * cols * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
