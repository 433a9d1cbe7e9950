#include <hip/hip_runtime.h>
#include <limits>

// Block reductions whose operation is a class template with a static identity.
namespace ops {
template <typename T>
struct Sum {
  static __device__ T identity() { return T(0); }
  __device__ T operator()(T a, T b) const { return a + b; }
};

template <typename T>
struct Max {
  static __device__ T identity() { return std::numeric_limits<T>::lowest(); }
  __device__ T operator()(const T& a, const T& b) const { return b > a ? b : a; }
};
}  // namespace ops

template <typename Op, typename T, int THREADS>
__device__ T block_reduce(T value, T* scratch, Op op = Op()) {
  scratch[threadIdx.x] = value;
  __syncthreads();
#pragma unroll
  for (int offset = THREADS / 2; offset >= 1; offset /= 2) {
    if (threadIdx.x < offset) scratch[threadIdx.x] = op(scratch[threadIdx.x], scratch[threadIdx.x + offset]);
    __syncthreads();
  }
  T result = scratch[0];
  __syncthreads();
  return result;
}

template <typename T, int THREADS>
__global__ void __launch_bounds__(THREADS) sum_and_max(const T* x, T* sums, T* maxima, int cols) {
  __shared__ T scratch[THREADS];
  T sum = ops::Sum<T>::identity(), best = ops::Max<T>::identity();
  for (int c = threadIdx.x; c < cols; c += THREADS) {
    T v = x[blockIdx.x * cols + c];
    sum += v;
    best = ops::Max<T>()(best, v);
  }
  sum = block_reduce<ops::Sum<T>, T, THREADS>(sum, scratch);
  best = block_reduce<ops::Max<T>, T, THREADS>(best, scratch);
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = sum;
    maxima[blockIdx.x] = best;
  }
}

extern "C" void sum_and_max_host(const double* x, double* sums, double* maxima, int rows, int cols) {
  double *d_x, *d_sums, *d_maxima;
  hipMalloc(&d_x, rows * cols * sizeof(double));
  hipMalloc(&d_sums, rows * sizeof(double));
  hipMalloc(&d_maxima, rows * sizeof(double));
  hipMemcpy(d_x, x, rows * cols * sizeof(double), hipMemcpyHostToDevice);
  sum_and_max<double, 64><<<rows, 64>>>(d_x, d_sums, d_maxima, cols);
  hipMemcpy(sums, d_sums, rows * sizeof(double), hipMemcpyDeviceToHost);
  hipMemcpy(maxima, d_maxima, rows * sizeof(double), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_sums);
  hipFree(d_maxima);
}
