#include <cuda_runtime.h>

// Running sums within each warp's 32 values.
__global__ void warp_scan(const int* x, int* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int lane = threadIdx.x & 31;
  int v = i < n ? x[i] : 0;
  for (int d = 1; d < 32; d <<= 1) {
    int below = __shfl_up_sync(0xffffffff, v, d);
    if (lane >= d) v += below;
  }
  if (i < n) y[i] = v;
}

extern "C" void warp_scan_host(const int* x, int* y, int n) {
  int* d_x;
  int* d_y;
  cudaMalloc((void**)&d_x, n * sizeof(int));
  cudaMemcpy(d_x, x, n * sizeof(int), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_y, n * sizeof(int));
  warp_scan<<<(n + 127) / 128, 128>>>(d_x, d_y, n);
  cudaMemcpy(y, d_y, n * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
