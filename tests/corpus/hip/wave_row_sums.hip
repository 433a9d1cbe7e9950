#include <hip/hip_runtime.h>

// A wave of 64 adds up a row.
__global__ void wave_row_sums(const float* x, float* y, int rows, int cols) {
  int lane = threadIdx.x % 64;
  int row = (blockIdx.x * blockDim.x + threadIdx.x) / 64;
  if (row >= rows) return;
  float sum = 0.0f;
  for (int c = lane; c < cols; c += 64) sum += x[row * cols + c];
  for (int offset = 32; offset > 0; offset >>= 1) sum += __shfl_down(sum, offset);
  if (lane == 0) y[row] = sum;
}

extern "C" void wave_row_sums_host(const float* x, float* y, int rows, int cols) {
  float* d_x;
  float* d_y;
  hipMalloc((void**)&d_x, rows * cols * sizeof(float));
  hipMemcpy(d_x, x, rows * cols * sizeof(float), hipMemcpyHostToDevice);
  hipMalloc((void**)&d_y, rows * sizeof(float));
  wave_row_sums<<<(rows + 3) / 4, 256>>>(d_x, d_y, rows, cols);
  hipMemcpy(y, d_y, rows * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_y);
}
