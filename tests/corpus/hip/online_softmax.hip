#include <hip/hip_runtime.h>

// Softmax of each row in one pass over its elements: the running maximum and sum are one struct.
struct __align__(8) MaxSum {
  float max;
  float sum;
};

__device__ __forceinline__ MaxSum join(MaxSum a, MaxSum b) {
  bool a_larger = a.max > b.max;
  MaxSum bigger = a_larger ? a : b;
  MaxSum smaller = a_larger ? b : a;
  MaxSum out;
  out.sum = bigger.sum + smaller.sum * expf(smaller.max - bigger.max);
  out.max = bigger.max;
  return out;
}

template <int THREADS>
__global__ void online_softmax(const float* __restrict__ x, float* __restrict__ y, int cols) {
  __shared__ MaxSum all[THREADS];
  x += blockIdx.x * cols;
  y += blockIdx.x * cols;
  MaxSum mine{-INFINITY, 0.0f};
  for (int c = threadIdx.x; c < cols; c += THREADS) {
    MaxSum one;
    one.max = x[c];
    one.sum = 1.0f;
    mine = join(mine, one);
  }
  all[threadIdx.x] = mine;
  __syncthreads();
  for (int s = THREADS / 2; s > 0; s >>= 1) {
    if (threadIdx.x < s) all[threadIdx.x] = join(all[threadIdx.x], all[threadIdx.x + s]);
    __syncthreads();
  }
  const MaxSum& total = all[0];
  for (int c = threadIdx.x; c < cols; c += THREADS) y[c] = expf(x[c] - total.max) / total.sum;
}

extern "C" void online_softmax_host(const float* x, float* y, int rows, int cols) {
  float *d_x, *d_y;
  hipMalloc(&d_x, rows * cols * sizeof(float));
  hipMalloc(&d_y, rows * cols * sizeof(float));
  hipMemcpy(d_x, x, rows * cols * sizeof(float), hipMemcpyHostToDevice);
  hipLaunchKernelGGL(HIP_KERNEL_NAME(online_softmax<64>), dim3(rows), dim3(64), 0, 0, d_x, d_y, cols);
  hipMemcpy(y, d_y, rows * cols * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_y);
}
