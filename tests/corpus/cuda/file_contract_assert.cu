// Four elements per thread and no guard: the host function makes sure that they fit.
#include <cassert>
#include <cuda_runtime.h>

#define ENSURE(cond) do { if (!(cond)) { printf("failed: %s\n", #cond); exit(1); } } while (0)

__global__ void scale_fours(const float* x, float* y, float a, int n) {
  int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  for (int k = 0; k < 4; ++k) y[i + k] = a * x[i + k];
}

extern "C" void scale(const float* x, float* y, float a, int n) {
  assert(n > 0);
  ENSURE(n % 256 == 0);
  float *dx, *dy;
  cudaMalloc(&dx, n * sizeof(float));
  cudaMalloc(&dy, n * sizeof(float));
  cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
  scale_fours<<<n / 256, 64>>>(dx, dy, a, n);
  cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(dx);
  cudaFree(dy);
}
