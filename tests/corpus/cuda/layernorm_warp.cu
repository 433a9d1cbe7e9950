#include <cuda_runtime.h>

__device__ __forceinline__ float all_lanes(float v) {
  v += __shfl_xor_sync(0xffffffff, v, 16);
  v += __shfl_xor_sync(0xffffffff, v, 8);
  v += __shfl_xor_sync(0xffffffff, v, 4);
  v += __shfl_xor_sync(0xffffffff, v, 2);
  v += __shfl_xor_sync(0xffffffff, v, 1);
  return v;
}

__global__ void layernorm(const float* x, const float* gamma, const float* beta, float* y, int rows, int cols, float eps) {
  const int warps = blockDim.x / 32;
  const int lane = threadIdx.x % 32;
  for (int row = blockIdx.x * warps + threadIdx.x / 32; row < rows; row += gridDim.x * warps) {
    float sum = 0.0f;
    for (int c = lane; c < cols; c += 32) sum += x[row * cols + c];
    float mean = all_lanes(sum) / cols;
    float square = 0.0f;
    for (int c = lane; c < cols; c += 32) {
      float d = x[row * cols + c] - mean;
      square += d * d;
    }
    float scale = rsqrtf(all_lanes(square) / cols + eps);
    for (int c = lane; c < cols; c += 32) y[row * cols + c] = (x[row * cols + c] - mean) * scale * gamma[c] + beta[c];
  }
}

extern "C" void layernorm_host(const float* x, const float* gamma, const float* beta, float* y, int rows, int cols, float eps) {
  float* d_x;
  float* d_gamma;
  float* d_beta;
  float* d_y;
  cudaMalloc((void**)&d_x, rows * cols * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_gamma, cols * sizeof(float));
  cudaMemcpy(d_gamma, gamma, cols * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_beta, cols * sizeof(float));
  cudaMemcpy(d_beta, beta, cols * sizeof(float), cudaMemcpyHostToDevice);
  cudaMalloc((void**)&d_y, rows * cols * sizeof(float));
  layernorm<<<3, 128>>>(d_x, d_gamma, d_beta, d_y, rows, cols, eps);
  cudaMemcpy(y, d_y, rows * cols * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_gamma);
  cudaFree(d_beta);
  cudaFree(d_y);
}
