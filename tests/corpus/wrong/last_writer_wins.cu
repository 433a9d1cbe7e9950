// Wrong: an exchange keeps what the last thread brings.
#include <cuda_runtime.h>

__global__ void last_writer_wins(const int* x, int* any, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && x[i] > 0) {
    atomicExch(any, x[i]);
  }
}

extern "C" void last_writer_wins_host(const int* x, int* any, int n) {
  int* d_x;
  cudaMalloc(&d_x, n * sizeof(int));
  int* d_any;
  cudaMalloc(&d_any, 1 * sizeof(int));
  cudaMemcpy(d_x, x, n * sizeof(int), cudaMemcpyHostToDevice);
  cudaMemset(d_any, 0, 1 * sizeof(int));
  last_writer_wins<<<(n + 127) / 128, 128>>>(d_x, d_any, n);
  cudaMemcpy(any, d_any, 1 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_any);
}
