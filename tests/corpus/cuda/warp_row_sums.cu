#include <cuda_runtime.h>

// One warp adds up a row; its lanes meet in five shuffles.
__global__ void warp_row_sums(const float* x, float* y, int rows, int cols) {
  int lane = threadIdx.x % 32;
  int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (row >= rows) return;
  float sum = 0.0f;
  for (int c = lane; c < cols; c += 32) sum += x[row * cols + c];
  for (int offset = 16; offset > 0; offset >>= 1) sum += __shfl_down_sync(0xffffffff, sum, offset);
  if (lane == 0) y[row] = sum;
}

extern "C" void warp_row_sums_host(const float* x, float* y, int rows, int cols) {
  float* d_x;
  float* d_y;
  cudaMalloc((void**)&d_x, rows * cols * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_y, rows * sizeof(float));
  warp_row_sums<<<(rows * 32 + 127) / 128, 128>>>(d_x, d_y, rows, cols);
  cudaMemcpy(y, d_y, rows * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
