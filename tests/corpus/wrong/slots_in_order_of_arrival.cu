// Wrong: which element lands in which slot is a matter of which thread comes first.
#include <cuda_runtime.h>

__global__ void slots_in_order_of_arrival(const float* x, float* kept, int* count, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && x[i] > 0.0f) {
    int slot = atomicAdd(count, 1);
    kept[slot] = x[i];
  }
}

extern "C" void slots_in_order_of_arrival_host(const float* x, float* kept, int* count, int n) {
  float* d_x;
  cudaMalloc(&d_x, n * sizeof(float));
  float* d_kept;
  cudaMalloc(&d_kept, n * sizeof(float));
  int* d_count;
  cudaMalloc(&d_count, 1 * sizeof(int));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemset(d_kept, 0, n * sizeof(float));
  cudaMemset(d_count, 0, 1 * sizeof(int));
  slots_in_order_of_arrival<<<(n + 127) / 128, 128>>>(d_x, d_kept, d_count, n);
  cudaMemcpy(kept, d_kept, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaMemcpy(count, d_count, 1 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_kept);
  cudaFree(d_count);
}
