#include <cuda_runtime.h>

// How many bits are set, where the first and the last one are, and the bits in the opposite order.
__global__ void bit_counts(const unsigned* x, int* counts, unsigned* reversed, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned v = x[i];
  unsigned long long wide = ((unsigned long long)v << 32) | (v >> 7);
  counts[i * 4] = __popc(v);
  counts[i * 4 + 1] = __ffs(v);
  counts[i * 4 + 2] = __clz(v >> 3);
  counts[i * 4 + 3] = __popcll(wide) + 100 * __clzll(wide);
  reversed[i] = __brev(v);
}

extern "C" void bit_counts_host(const unsigned* x, int* counts, unsigned* reversed, int n) {
  unsigned *d_x, *d_reversed;
  int* d_counts;
  cudaMalloc((void**)&d_x, n * sizeof(unsigned));
  cudaMalloc((void**)&d_counts, n * 4 * sizeof(int));
  cudaMalloc((void**)&d_reversed, n * sizeof(unsigned));
  cudaMemcpy(d_x, x, n * sizeof(unsigned), cudaMemcpyHostToDevice);
  bit_counts<<<(n + 127) / 128, 128>>>(d_x, d_counts, d_reversed, n);
  cudaMemcpy(counts, d_counts, n * 4 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaMemcpy(reversed, d_reversed, n * sizeof(unsigned), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_counts);
  cudaFree(d_reversed);
}
