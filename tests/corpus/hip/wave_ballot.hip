#include <hip/hip_runtime.h>

// Ranks of the positive values among the 64 of each wave, from a mask of 64 bits.
__global__ void ranks(const float* x, int* rank, unsigned long long* masks, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned lane = __lane_id();
  bool up = i < n && x[i] > 0.0f;
  unsigned long long mask = __ballot(up);
  if (up) rank[i] = __popcll(mask & ((1ull << lane) - 1));
  if (lane == 0) masks[i / 64] = mask;
}

extern "C" void ranks_host(const float* x, int* rank, unsigned long long* masks, int n) {
  float* d_x;
  int* d_rank;
  unsigned long long* d_masks;
  hipMalloc((void**)&d_x, n * sizeof(float));
  hipMemcpy(d_x, x, n * sizeof(float), hipMemcpyHostToDevice);
  hipMalloc((void**)&d_rank, n * sizeof(int));
  hipMemcpy(d_rank, rank, n * sizeof(int), hipMemcpyHostToDevice);
  hipMalloc((void**)&d_masks, (n + 255) / 256 * 4 * sizeof(unsigned long long));
  ranks<<<(n + 255) / 256, 256>>>(d_x, d_rank, d_masks, n);
  hipMemcpy(rank, d_rank, n * sizeof(int), hipMemcpyDeviceToHost);
  hipMemcpy(masks, d_masks, (n + 255) / 256 * 4 * sizeof(unsigned long long), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_rank);
  hipFree(d_masks);
}
