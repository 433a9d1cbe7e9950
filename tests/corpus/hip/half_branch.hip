#include <hip/hip_runtime.h>

// Only rows below the end take part, so that some lanes of a wave may stay away; eight lanes share a row.
__global__ void eight_per_row(const float* x, float* y, int rows) {
  int t = blockIdx.x * blockDim.x + threadIdx.x;
  int row = t / 8, k = t % 8;
  if (row < rows) {
    float v = x[row * 8 + k];
    for (int d = 4; d > 0; d /= 2) v += __shfl_xor(v, d, 8);
    if (k == 0) y[row] = v;
  }
}

extern "C" void eight_per_row_host(const float* x, float* y, int rows) {
  float *d_x, *d_y;
  hipMalloc((void**)&d_x, rows * 8 * sizeof(float));
  hipMalloc((void**)&d_y, rows * sizeof(float));
  hipMemcpy(d_x, x, rows * 8 * sizeof(float), hipMemcpyHostToDevice);
  eight_per_row<<<(rows + 15) / 16, 128>>>(d_x, d_y, rows);
  hipMemcpy(y, d_y, rows * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_y);
}
