// A set of keys as bits, and the parity of each word: or, and, xor on shared and global words.
#include <cuda_runtime.h>

__global__ void bit_sets(const unsigned int* keys, unsigned int* members, unsigned int* parity, unsigned int* common, int n) {
  __shared__ unsigned int all;
  if (threadIdx.x == 0) all = 0xffffffffu;
  __syncthreads();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    unsigned int key = keys[i] & 1023u;
    atomicOr(&members[key >> 5], 1u << (key & 31u));
    atomicXor(&parity[key >> 5], 1u << (key & 31u));
    atomicAnd(&all, keys[i] | 7u);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    atomicAnd(common, all);
  }
}

extern "C" void bit_sets_host(const unsigned int* keys, unsigned int* members, unsigned int* parity, unsigned int* common, int n) {
  unsigned int* d_keys;
  cudaMalloc(&d_keys, n * sizeof(unsigned int));
  unsigned int* d_members;
  cudaMalloc(&d_members, 32 * sizeof(unsigned int));
  unsigned int* d_parity;
  cudaMalloc(&d_parity, 32 * sizeof(unsigned int));
  unsigned int* d_common;
  cudaMalloc(&d_common, 1 * sizeof(unsigned int));
  cudaMemcpy(d_keys, keys, n * sizeof(unsigned int), cudaMemcpyHostToDevice);
  cudaMemset(d_members, 0, 32 * sizeof(unsigned int));
  cudaMemset(d_parity, 0, 32 * sizeof(unsigned int));
  cudaMemcpy(d_common, common, 1 * sizeof(unsigned int), cudaMemcpyHostToDevice);
  bit_sets<<<(n + 63) / 64, 64>>>(d_keys, d_members, d_parity, d_common, n);
  cudaMemcpy(members, d_members, 32 * sizeof(unsigned int), cudaMemcpyDeviceToHost);
  cudaMemcpy(parity, d_parity, 32 * sizeof(unsigned int), cudaMemcpyDeviceToHost);
  cudaMemcpy(common, d_common, 1 * sizeof(unsigned int), cudaMemcpyDeviceToHost);
  cudaFree(d_keys);
  cudaFree(d_members);
  cudaFree(d_parity);
  cudaFree(d_common);
}
