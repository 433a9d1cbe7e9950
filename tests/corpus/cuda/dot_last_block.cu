// A dot product in one launch: the block that finishes last adds up what the others left.
#include <cuda_runtime.h>

__global__ void dot_last_block(const float* x, const float* y, float* partial, unsigned int* done, float* result, int n) {
  __shared__ float terms[128];
  __shared__ bool last;
  float sum = 0.0f;
  for (int i = blockIdx.x * 128 + threadIdx.x; i < n; i += gridDim.x * 128) {
    sum += x[i] * y[i];
  }
  terms[threadIdx.x] = sum;
  __syncthreads();
  for (int step = 64; step > 0; step >>= 1) {
    if (threadIdx.x < step) terms[threadIdx.x] += terms[threadIdx.x + step];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = terms[0];
    __threadfence();
    unsigned int ticket = atomicInc(done, gridDim.x - 1);
    last = ticket == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float total = 0.0f;
    for (int b = 0; b < gridDim.x; b++) {
      total += partial[b];
    }
    result[0] = total;
  }
}

extern "C" void dot_last_block_host(const float* x, const float* y, float* partial, unsigned int* done, float* result, int n) {
  float* d_x;
  cudaMalloc(&d_x, n * sizeof(float));
  float* d_y;
  cudaMalloc(&d_y, n * sizeof(float));
  float* d_partial;
  cudaMalloc(&d_partial, 8 * sizeof(float));
  unsigned int* d_done;
  cudaMalloc(&d_done, 1 * sizeof(unsigned int));
  float* d_result;
  cudaMalloc(&d_result, 1 * sizeof(float));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(d_y, y, n * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemset(d_done, 0, 1 * sizeof(unsigned int));
  dot_last_block<<<8, 128>>>(d_x, d_y, d_partial, d_done, d_result, n);
  cudaMemcpy(partial, d_partial, 8 * sizeof(float), cudaMemcpyDeviceToHost);
  cudaMemcpy(done, d_done, 1 * sizeof(unsigned int), cudaMemcpyDeviceToHost);
  cudaMemcpy(result, d_result, 1 * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
  cudaFree(d_partial);
  cudaFree(d_done);
  cudaFree(d_result);
}
