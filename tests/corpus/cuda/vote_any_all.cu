#include <cuda_runtime.h>

// Per 32 values: is one negative, are all below the limit, and how many lanes share a lane's value?
__global__ void votes(const int* x, int* some, int* every, int* peers, int limit) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int v = x[i];
  int negative = __any_sync(0xffffffff, v < 0);
  int below = __all_sync(0xffffffff, v < limit);
  peers[i] = __popc(__match_any_sync(0xffffffff, v));
  if (threadIdx.x % 32 == 31) {
    some[i / 32] = negative;
    every[i / 32] = below ? 1 : 0;
  }
}

extern "C" void votes_host(const int* x, int* some, int* every, int* peers, int limit) {
  int* d_x;
  int* d_some;
  int* d_every;
  int* d_peers;
  cudaMalloc((void**)&d_x, 256 * sizeof(int));
  cudaMemcpy(d_x, x, 256 * sizeof(int), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_some, 8 * sizeof(int));
  cudaMalloc((void**)&d_every, 8 * sizeof(int));
  cudaMalloc((void**)&d_peers, 256 * sizeof(int));
  votes<<<4, 64>>>(d_x, d_some, d_every, d_peers, limit);
  cudaMemcpy(some, d_some, 8 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaMemcpy(every, d_every, 8 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaMemcpy(peers, d_peers, 256 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_some);
  cudaFree(d_every);
  cudaFree(d_peers);
}
