// Counts values in 96 bins: a copy per block in shared memory, added up at the end.
#include <cuda_runtime.h>

__global__ void histogram_shared(const int* __restrict__ values, unsigned int* counts, int n) {
  __shared__ unsigned int bins[96];
  for (int b = threadIdx.x; b < 96; b += blockDim.x) {
    bins[b] = 0;
  }
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    int v = values[i];
    if (v >= 0 && v < 96) {
      atomicAdd(&bins[v], 1u);
    }
  }
  __syncthreads();
  for (int b = threadIdx.x; b < 96; b += blockDim.x) {
    if (bins[b] > 0) {
      atomicAdd(counts + b, bins[b]);
    }
  }
}

extern "C" void histogram_shared_host(const int* values, unsigned int* counts, int n) {
  int* d_values;
  cudaMalloc(&d_values, n * sizeof(int));
  unsigned int* d_counts;
  cudaMalloc(&d_counts, 96 * sizeof(unsigned int));
  cudaMemcpy(d_values, values, n * sizeof(int), cudaMemcpyHostToDevice);
  cudaMemset(d_counts, 0, 96 * sizeof(unsigned int));
  histogram_shared<<<6, 128>>>(d_values, d_counts, n);
  cudaMemcpy(counts, d_counts, 96 * sizeof(unsigned int), cudaMemcpyDeviceToHost);
  cudaFree(d_values);
  cudaFree(d_counts);
}
