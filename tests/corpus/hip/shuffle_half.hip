#include <hip/hip_runtime.h>

// Halves of a wave on their own: a width of 32 makes the shuffles of any machine the same.
__global__ void halves(const int* x, int* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int v = x[i];
  for (int d = 16; d > 0; d >>= 1) v += __shfl_xor(v, d, 32);
  int first = __shfl(x[i], 0, 32);
  int before = __shfl_up(x[i], 1, 32);
  y[i] = v - first + before;
}

extern "C" void halves_host(const int* x, int* y) {
  int* d_x;
  int* d_y;
  hipMalloc((void**)&d_x, 384 * sizeof(int));
  hipMemcpy(d_x, x, 384 * sizeof(int), hipMemcpyHostToDevice);
  hipMalloc((void**)&d_y, 384 * sizeof(int));
  halves<<<3, 128>>>(d_x, d_y);
  hipMemcpy(y, d_y, 384 * sizeof(int), hipMemcpyDeviceToHost);
  hipFree(d_x);
  hipFree(d_y);
}
