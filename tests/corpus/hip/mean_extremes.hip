// Mean, smallest and largest of each segment, with the updates that AMD has for floats.
#include <hip/hip_runtime.h>

__global__ void mean_extremes(const float* x, const int* segment, float* sum, double* square, int* lowest, int* highest,
                              int* size, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    int s = segment[i];
    int rounded = __float2int_rn(x[i] * 16.0f);
    unsafeAtomicAdd(&sum[s], x[i]);
    atomicAdd(&square[s], (double)x[i] * x[i]);
    atomicMin(&lowest[s], rounded);
    atomicMax(&highest[s], rounded);
    atomicAdd(&size[s], 1);
  }
}

extern "C" void mean_extremes_host(const float* x, const int* segment, float* sum, double* square, int* lowest, int* highest, int* size, int n) {
  float* d_x;
  hipMalloc(&d_x, n * sizeof(float));
  int* d_segment;
  hipMalloc(&d_segment, n * sizeof(int));
  float* d_sum;
  hipMalloc(&d_sum, 11 * sizeof(float));
  double* d_square;
  hipMalloc(&d_square, 11 * sizeof(double));
  int* d_lowest;
  hipMalloc(&d_lowest, 11 * sizeof(int));
  int* d_highest;
  hipMalloc(&d_highest, 11 * sizeof(int));
  int* d_size;
  hipMalloc(&d_size, 11 * sizeof(int));
  hipMemcpy(d_x, x, n * sizeof(float), hipMemcpyHostToDevice);
  hipMemcpy(d_segment, segment, n * sizeof(int), hipMemcpyHostToDevice);
  hipMemset(d_sum, 0, 11 * sizeof(float));
  hipMemset(d_square, 0, 11 * sizeof(double));
  hipMemcpy(d_lowest, lowest, 11 * sizeof(int), hipMemcpyHostToDevice);
  hipMemcpy(d_highest, highest, 11 * sizeof(int), hipMemcpyHostToDevice);
  hipMemset(d_size, 0, 11 * sizeof(int));
  mean_extremes<<<(n + 255) / 256, 256>>>(d_x, d_segment, d_sum, d_square, d_lowest, d_highest, d_size, n);
  hipMemcpy(sum, d_sum, 11 * sizeof(float), hipMemcpyDeviceToHost);
  hipMemcpy(square, d_square, 11 * sizeof(double), hipMemcpyDeviceToHost);
  hipMemcpy(lowest, d_lowest, 11 * sizeof(int), hipMemcpyDeviceToHost);
  hipMemcpy(highest, d_highest, 11 * sizeof(int), hipMemcpyDeviceToHost);
  hipMemcpy(size, d_size, 11 * sizeof(int), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_segment);
  hipFree(d_sum);
  hipFree(d_square);
  hipFree(d_lowest);
  hipFree(d_highest);
  hipFree(d_size);
}
