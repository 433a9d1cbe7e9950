// Two kernels in sequence; the buffer between them is one element too short when n is a multiple of 256.
#include <cuda_runtime.h>

__global__ void block_max(const float* x, float* most, int n) {
  __shared__ float part[256];
  int t = threadIdx.x, i = blockIdx.x * 256 + t;
  part[t] = i < n ? x[i] : -1e30f;
  __syncthreads();
  for (int half = 128; half > 0; half /= 2) {
    if (t < half) part[t] = fmaxf(part[t], part[t + half]);
    __syncthreads();
  }
  if (t == 0) most[blockIdx.x] = part[0];
}

__global__ void subtract(const float* x, const float* most, float* y, int n) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i < n) y[i] = x[i] - most[blockIdx.x];
}

extern "C" void centre(const float* x, float* y, int n) {
  float *dx, *dm, *dy;
  int blocks = n / 256 + 1;
  cudaMalloc(&dx, n * sizeof(float));
  cudaMalloc(&dm, (blocks - 1) * sizeof(float));
  cudaMalloc(&dy, n * sizeof(float));
  cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
  block_max<<<blocks, 256>>>(dx, dm, n);
  subtract<<<blocks, 256>>>(dx, dm, dy, n);
  cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(dx);
  cudaFree(dm);
  cudaFree(dy);
}
