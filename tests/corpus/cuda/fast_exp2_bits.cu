// A power of two from the bits of a float, a hash by multiplication, a byte-wise dot product.
#include <cuda_runtime.h>

__global__ void fast_exp2_bits(const float* x, const int* a, const int* b, float* power, unsigned int* hash, int* dot, int n) {
  int i = __mul24(blockIdx.x, blockDim.x) + threadIdx.x;
  if (i >= n) return;
  int whole = __float2int_rd(x[i]);
  float rest = x[i] - (float)whole;
  float p = __fmaf_rn(rest, __fmaf_rn(rest, 0.3371894f, 0.657636f), 1.0017247f);
  power[i] = __int_as_float(__float_as_int(p) + (whole << 23));
  unsigned int h = (unsigned int)a[i] * 2654435761u;
  h ^= h >> 15;
  hash[i] = __umulhi(h, 1000u) | (__byte_perm(h, (unsigned int)b[i], 0x5140) & 0xffff0000u);
  dot[i] = __dp4a(a[i], b[i], i & 7) + __mulhi(a[i], b[i]) - (int)__umul24(h, 3u);
}

extern "C" void fast_exp2_bits_host(const float* x, const int* a, const int* b, float* power, unsigned int* hash, int* dot, int n) {
  float* d_x;
  cudaMalloc(&d_x, n * sizeof(float));
  int* d_a;
  cudaMalloc(&d_a, n * sizeof(int));
  int* d_b;
  cudaMalloc(&d_b, n * sizeof(int));
  float* d_power;
  cudaMalloc(&d_power, n * sizeof(float));
  unsigned int* d_hash;
  cudaMalloc(&d_hash, n * sizeof(unsigned int));
  int* d_dot;
  cudaMalloc(&d_dot, n * sizeof(int));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(d_a, a, n * sizeof(int), cudaMemcpyHostToDevice);
  cudaMemcpy(d_b, b, n * sizeof(int), cudaMemcpyHostToDevice);
  fast_exp2_bits<<<(n + 95) / 96, 96>>>(d_x, d_a, d_b, d_power, d_hash, d_dot, n);
  cudaMemcpy(power, d_power, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaMemcpy(hash, d_hash, n * sizeof(unsigned int), cudaMemcpyDeviceToHost);
  cudaMemcpy(dot, d_dot, n * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_a);
  cudaFree(d_b);
  cudaFree(d_power);
  cudaFree(d_hash);
  cudaFree(d_dot);
}
