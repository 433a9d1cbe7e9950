// Rotates pairs of a row by angles that grow along it, with the fast functions.
#include <cuda_runtime.h>

__global__ void rotary_fast(const float* __restrict__ x, float* __restrict__ y, float base, int rows, int pairs) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int row = blockIdx.y;
  if (i < pairs) {
    float angle = (float)row * __powf(base, -2.0f * (float)i / (float)pairs);
    float s, c;
    __sincosf(angle, &s, &c);
    const float a = __ldg(x + row * 2 * pairs + i), b = __ldg(x + (2 * row + 1) * pairs + i);
    float gate = __fdividef(1.0f, 1.0f + __expf(-a));
    y[row * 2 * pairs + i] = __saturatef(gate) * (a * c - b * s);
    y[(2 * row + 1) * pairs + i] = __fadd_rn(__fmul_rn(a, s), __fmul_rn(b, c)) * rsqrtf(1.0f + b * b);
  }
}

extern "C" void rotary_fast_host(const float* x, float* y, float base, int rows, int pairs) {
  float* d_x;
  cudaMalloc(&d_x, rows * pairs * 2 * sizeof(float));
  float* d_y;
  cudaMalloc(&d_y, rows * pairs * 2 * sizeof(float));
  cudaMemcpy(d_x, x, rows * pairs * 2 * sizeof(float), cudaMemcpyHostToDevice);
  rotary_fast<<<dim3((pairs + 31) / 32, rows), 32>>>(d_x, d_y, base, rows, pairs);
  cudaMemcpy(y, d_y, rows * pairs * 2 * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
