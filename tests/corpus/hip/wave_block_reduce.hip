#include <hip/hip_runtime.h>

__device__ float wave_max(float v) {
  for (int d = warpSize / 2; d > 0; d /= 2) v = fmaxf(v, __shfl_xor(v, d));
  return v;
}

// The largest value of each row of 512, in two stages.
__global__ void row_max(const float* x, float* y) {
  __shared__ float tops[64];
  int lane = threadIdx.x % warpSize, wave = threadIdx.x / warpSize;
  float v = wave_max(x[blockIdx.x * blockDim.x + threadIdx.x]);
  if (lane == 0) tops[wave] = v;
  __syncthreads();
  if (wave == 0) {
    v = lane < blockDim.x / warpSize ? tops[lane] : -INFINITY;
    v = wave_max(v);
    if (lane == 0) y[blockIdx.x] = v;
  }
}

extern "C" void row_max_host(const float* x, float* y, int rows) {
  float* d_x;
  float* d_y;
  hipMalloc((void**)&d_x, rows * 512 * sizeof(float));
  hipMemcpy(d_x, x, rows * 512 * sizeof(float), hipMemcpyHostToDevice);
  hipMalloc((void**)&d_y, rows * sizeof(float));
  row_max<<<rows, 512>>>(d_x, d_y);
  hipMemcpy(y, d_y, rows * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_y);
}
