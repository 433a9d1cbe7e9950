// A grid whose number of blocks only the caller knows, and a ring of values in dynamic shared memory.
#include <cuda_runtime.h>

__global__ void smooth_ring(const float* x, float* y, int n) {
  extern __shared__ float near[];
  for (int base = blockIdx.x * blockDim.x; base < n; base += gridDim.x * blockDim.x) {
    int i = base + threadIdx.x;
    near[threadIdx.x] = i < n ? x[i] : 0.0f;
    __syncthreads();
    if (i < n) y[i] = 0.5f * (near[threadIdx.x] + near[(threadIdx.x + 1) % blockDim.x]);
    __syncthreads();
  }
}

extern "C" void smooth(const float* x, float* y, int n, int blocks) {
  const int threads = 128;
  float *dx, *dy;
  cudaMalloc(&dx, n * sizeof(float));
  cudaMalloc(&dy, n * sizeof(float));
  cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
  smooth_ring<<<blocks, threads, threads * sizeof(float)>>>(dx, dy, n);
  cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(dx);
  cudaFree(dy);
}
