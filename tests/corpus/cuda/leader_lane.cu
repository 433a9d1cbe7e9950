#include <cuda_runtime.h>

// Of the lanes with a positive value, the first passes its value on, and each adds how many come before it.
__global__ void leader_lane(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int lane = threadIdx.x & 31;
  if (i < n && x[i] > 0.0f) {
    unsigned here = __activemask();
    int leader = __ffs(here) - 1;
    float first = __shfl_sync(here, x[i], leader);
    y[i] = first + __popc(here & ((1u << lane) - 1u));
  }
}

extern "C" void leader_lane_host(const float* x, float* y, int n) {
  float *d_x, *d_y;
  cudaMalloc((void**)&d_x, n * sizeof(float));
  cudaMalloc((void**)&d_y, n * sizeof(float));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(d_y, y, n * sizeof(float), cudaMemcpyHostToDevice);
  leader_lane<<<(n + 127) / 128, 128>>>(d_x, d_y, n);
  cudaMemcpy(y, d_y, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
