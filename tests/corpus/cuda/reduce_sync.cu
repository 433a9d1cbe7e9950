#include <cuda_runtime.h>

// What the warp reductions of integers give, one word each.
__global__ void reduce_sync(const int* x, const unsigned* bits, int* sums, unsigned* masks) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int w = i / 32;
  int sum = __reduce_add_sync(0xffffffff, x[i]);
  int low = __reduce_min_sync(0xffffffff, x[i]);
  int high = __reduce_max_sync(0xffffffff, x[i]);
  unsigned both = __reduce_and_sync(0xffffffff, bits[i]);
  unsigned any = __reduce_or_sync(0xffffffff, bits[i]);
  unsigned odd = __reduce_xor_sync(0xffffffff, bits[i]);
  if (threadIdx.x % 32 == 0) {
    sums[w * 3] = sum;
    sums[w * 3 + 1] = low;
    sums[w * 3 + 2] = high;
    masks[w * 3] = both;
    masks[w * 3 + 1] = any;
    masks[w * 3 + 2] = odd;
  }
}

extern "C" void reduce_sync_host(const int* x, const unsigned* bits, int* sums, unsigned* masks) {
  int* d_x;
  unsigned* d_bits;
  int* d_sums;
  unsigned* d_masks;
  cudaMalloc((void**)&d_x, 320 * sizeof(int));
  cudaMemcpy(d_x, x, 320 * sizeof(int), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_bits, 320 * sizeof(unsigned));
  cudaMemcpy(d_bits, bits, 320 * sizeof(unsigned), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_sums, 30 * sizeof(int));
  cudaMalloc((void**)&d_masks, 30 * sizeof(unsigned));
  reduce_sync<<<5, 64>>>(d_x, d_bits, d_sums, d_masks);
  cudaMemcpy(sums, d_sums, 30 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaMemcpy(masks, d_masks, 30 * sizeof(unsigned), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_bits);
  cudaFree(d_sums);
  cudaFree(d_masks);
}
