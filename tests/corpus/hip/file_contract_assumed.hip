// Whole tiles only, and nobody checks it: the person says so with --assume.
#include <hip/hip_runtime.h>

#define TILE 32

__global__ void transpose_tiles(const float* in, float* out, int n) {
  __shared__ float tile[TILE][TILE + 1];
  int x = blockIdx.x * TILE + threadIdx.x;
  int y = blockIdx.y * TILE + threadIdx.y;
  for (int j = 0; j < TILE; j += 8) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * n + x];
  __syncthreads();
  x = blockIdx.y * TILE + threadIdx.x;
  y = blockIdx.x * TILE + threadIdx.y;
  for (int j = 0; j < TILE; j += 8) out[(y + j) * n + x] = tile[threadIdx.x][threadIdx.y + j];
}

extern "C" void transpose(const float* in, float* out, int n) {
  float *a, *b;
  hipMalloc(&a, n * n * sizeof(float));
  hipMalloc(&b, n * n * sizeof(float));
  hipMemcpy(a, in, n * n * sizeof(float), hipMemcpyHostToDevice);
  transpose_tiles<<<dim3(n / TILE, n / TILE), dim3(TILE, 8)>>>(a, b, n);
  hipMemcpy(out, b, n * n * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(a);
  hipFree(b);
}
