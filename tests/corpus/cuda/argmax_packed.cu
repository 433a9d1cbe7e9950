// The largest element and where it is, packed into one word that atomicMax and a loop of atomicCAS agree on.
#include <cuda_runtime.h>

__device__ unsigned long long pack(float value, int index) {
  unsigned int bits = __float_as_uint(value);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ((unsigned long long)bits << 32) | (unsigned int)(0x7fffffff - index);
}

__global__ void argmax_packed(const float* x, unsigned long long* best, unsigned long long* same, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned long long mine = pack(x[i], i);
  atomicMax(best, mine);
  unsigned long long old = *same, assumed;
  do {
    assumed = old;
    old = atomicCAS(same, assumed, mine > assumed ? mine : assumed);
  } while (assumed != old);
}

extern "C" void argmax_packed_host(const float* x, unsigned long long* best, unsigned long long* same, int n) {
  float* d_x;
  cudaMalloc(&d_x, n * sizeof(float));
  unsigned long long* d_best;
  cudaMalloc(&d_best, 1 * sizeof(unsigned long long));
  unsigned long long* d_same;
  cudaMalloc(&d_same, 1 * sizeof(unsigned long long));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemset(d_best, 0, 1 * sizeof(unsigned long long));
  cudaMemset(d_same, 0, 1 * sizeof(unsigned long long));
  argmax_packed<<<(n + 127) / 128, 128>>>(d_x, d_best, d_same, n);
  cudaMemcpy(best, d_best, 1 * sizeof(unsigned long long), cudaMemcpyDeviceToHost);
  cudaMemcpy(same, d_same, 1 * sizeof(unsigned long long), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_best);
  cudaFree(d_same);
}
