// One kernel in two launches: partial sums of each block, then the sum of these.
#include <cuda_runtime.h>

constexpr int kBlock = 128;
constexpr int kBlocks = 16;

__global__ void sum_blocks(const float* in, float* out, int n) {
  __shared__ float part[kBlock];
  int t = threadIdx.x;
  float sum = 0.0f;
  for (int i = blockIdx.x * kBlock + t; i < n; i += kBlock * gridDim.x) sum += in[i];
  part[t] = sum;
  __syncthreads();
  for (int half = kBlock / 2; half > 0; half >>= 1) {
    if (t < half) part[t] += part[t + half];
    __syncthreads();
  }
  if (t == 0) out[blockIdx.x] = part[0];
}

extern "C" void total(const float* x, float* y, int n) {
  float *dx = nullptr, *partial = nullptr, *dy = nullptr;
  cudaMalloc((void**)&dx, n * sizeof(float));
  cudaMalloc((void**)&partial, kBlocks * sizeof(float));
  cudaMalloc((void**)&dy, sizeof(float));
  cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
  sum_blocks<<<kBlocks, kBlock>>>(dx, partial, n);
  sum_blocks<<<1, kBlock>>>(partial, dy, kBlocks);
  cudaMemcpy(y, dy, sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(dx);
  cudaFree(partial);
  cudaFree(dy);
}
