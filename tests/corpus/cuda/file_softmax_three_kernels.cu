// Softmax over rows in three kernels, as a library would ship it.
#include <cuda_runtime.h>
#include <cfloat>
#include <cstdio>
#include <cstdlib>

#define CHECK_CUDA(call)                                                                        \
  do {                                                                                          \
    cudaError_t status_ = (call);                                                               \
    if (status_ != cudaSuccess) {                                                               \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(status_)); \
      exit(EXIT_FAILURE);                                                                       \
    }                                                                                           \
  } while (0)

__global__ void row_max(const float* x, float* most, int rows, int cols) {
  int r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= rows) return;
  float best = -FLT_MAX;
  for (int c = 0; c < cols; ++c) best = fmaxf(best, x[r * cols + c]);
  most[r] = best;
}

__global__ void row_sum(const float* x, const float* most, float* sums, int rows, int cols) {
  int r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= rows) return;
  float sum = 0.0f;
  for (int c = 0; c < cols; ++c) sum += expf(x[r * cols + c] - most[r]);
  sums[r] = sum;
}

__global__ void normalise(const float* x, const float* most, const float* sums, float* y, int rows, int cols) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < rows * cols) y[i] = expf(x[i] - most[i / cols]) / sums[i / cols];
}

extern "C" void softmax(const float* x, float* y, int rows, int cols) {
  float *dx, *dy, *dm, *ds;
  size_t bytes = (size_t)rows * cols * sizeof(float);
  CHECK_CUDA(cudaMalloc(&dx, bytes));
  CHECK_CUDA(cudaMalloc(&dy, bytes));
  CHECK_CUDA(cudaMalloc(&dm, rows * sizeof(float)));
  CHECK_CUDA(cudaMalloc(&ds, rows * sizeof(float)));
  CHECK_CUDA(cudaMemcpy(dx, x, bytes, cudaMemcpyHostToDevice));
  row_max<<<(rows + 127) / 128, 128>>>(dx, dm, rows, cols);
  row_sum<<<(rows + 127) / 128, 128>>>(dx, dm, ds, rows, cols);
  normalise<<<(rows * cols + 255) / 256, 256>>>(dx, dm, ds, dy, rows, cols);
  CHECK_CUDA(cudaDeviceSynchronize());
  CHECK_CUDA(cudaMemcpy(y, dy, bytes, cudaMemcpyDeviceToHost));
  CHECK_CUDA(cudaFree(dx));
  CHECK_CUDA(cudaFree(dy));
  CHECK_CUDA(cudaFree(dm));
  CHECK_CUDA(cudaFree(ds));
}
