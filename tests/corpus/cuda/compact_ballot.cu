#include <cuda_runtime.h>

// Every warp packs its positive values to the front of its own 32 places and says how many there are.
__global__ void compact(const float* x, float* packed, int* counts, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int lane = threadIdx.x & 31;
  float v = i < n ? x[i] : 0.0f;
  unsigned keep = __ballot_sync(0xffffffff, v > 0.0f);
  unsigned below = keep & ((1u << lane) - 1);
  if (v > 0.0f) packed[i - lane + __popc(below)] = v;
  if (lane == 0 && i < n) counts[i / 32] = __popc(keep);
}

extern "C" void compact_host(const float* x, float* packed, int* counts, int n) {
  float* d_x;
  float* d_packed;
  int* d_counts;
  cudaMalloc((void**)&d_x, n * sizeof(float));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_packed, (n + 31) / 32 * 32 * sizeof(float));
  cudaMemcpy(d_packed, packed, (n + 31) / 32 * 32 * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_counts, (n + 31) / 32 * sizeof(int));
  compact<<<(n + 63) / 64, 64>>>(d_x, d_packed, d_counts, n);
  cudaMemcpy(packed, d_packed, (n + 31) / 32 * 32 * sizeof(float), cudaMemcpyDeviceToHost);
  cudaMemcpy(counts, d_counts, (n + 31) / 32 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_packed);
  cudaFree(d_counts);
}
