#include <cuda_runtime.h>

struct __align__(8) Part {
  float top;
  float sum;
};

__device__ __forceinline__ Part merged(Part a, Part b) {
  Part big = a.top > b.top ? a : b;
  Part small = a.top > b.top ? b : a;
  Part r;
  r.top = big.top;
  r.sum = big.sum + small.sum * expf(small.top - big.top);
  return r;
}

// The largest value and the sum in one sweep over the row; lanes merge theirs by halves.
__global__ void online_softmax(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
  int lane = threadIdx.x & 31;
  int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
  if (row >= rows) return;
  Part part = {-1e30f, 0.0f};
  for (int c = lane; c < cols; c += 32) {
    Part next = {x[row * cols + c], 1.0f};
    part = merged(part, next);
  }
  for (int d = 16; d > 0; d >>= 1) {
    Part other;
    other.top = __shfl_xor_sync(0xffffffffu, part.top, d);
    other.sum = __shfl_xor_sync(0xffffffffu, part.sum, d);
    part = merged(part, other);
  }
  for (int c = lane; c < cols; c += 32) y[row * cols + c] = expf(x[row * cols + c] - part.top) / part.sum;
}

extern "C" void online_softmax_host(const float* x, float* y, int rows, int cols) {
  float *d_x, *d_y;
  cudaMalloc((void**)&d_x, rows * cols * sizeof(float));
  cudaMalloc((void**)&d_y, rows * cols * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  online_softmax<<<(rows + 3) / 4, 128>>>(d_x, d_y, rows, cols);
  cudaMemcpy(y, d_y, rows * cols * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
