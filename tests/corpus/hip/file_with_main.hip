// As downloaded: a stencil over a volume with its harness; a launch of three dimensions from run-time sizes.
#include <hip/hip_runtime.h>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#define HIP_CALL(x)                                                                 \
  do {                                                                              \
    hipError_t e = (x);                                                             \
    if (e != hipSuccess) { printf("hip: %s\n", hipGetErrorString(e)); exit(2); }     \
  } while (0)

const int BX = 8, BY = 4, BZ = 4;

__global__ void smooth(const float* a, float* b, int nx, int ny, int nz) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  int z = blockIdx.z * blockDim.z + threadIdx.z;
  if (x >= nx || y >= ny || z >= nz) return;
  int i = (z * ny + y) * nx + x;
  float sum = a[i];
  if (x > 0) sum += a[i - 1];
  if (x < nx - 1) sum += a[i + 1];
  if (y > 0) sum += a[i - nx];
  if (y < ny - 1) sum += a[i + nx];
  b[i] = 0.2f * sum;
}

int main(int argc, char* argv[]) {
  if (argc != 1 && argc != 4) {
    printf("usage: %s [nx ny nz]\n", argv[0]);
    return 1;
  }
  int nx = argc == 4 ? atoi(argv[1]) : 50, ny = argc == 4 ? atoi(argv[2]) : 30, nz = argc == 4 ? atoi(argv[3]) : 7;
  size_t cells = (size_t)nx * ny * nz;
  std::vector<float> host(cells);
  std::mt19937 gen(7);
  std::uniform_real_distribution<float> dist(-1.0f, 1.0f);
  for (float& v : host) v = dist(gen);
  float *a, *b;
  HIP_CALL(hipMalloc((void**)&a, cells * sizeof(float)));
  HIP_CALL(hipMalloc((void**)&b, cells * sizeof(float)));
  HIP_CALL(hipMemcpy(a, &host[0], cells * sizeof(float), hipMemcpyHostToDevice));
  hipEvent_t from, to;
  HIP_CALL(hipEventCreate(&from));
  HIP_CALL(hipEventCreate(&to));
  dim3 block(BX, BY, BZ);
  dim3 grid;
  grid.x = (nx + block.x - 1) / block.x;
  grid.y = (ny + block.y - 1) / block.y;
  grid.z = (nz + block.z - 1) / block.z;
  HIP_CALL(hipEventRecord(from));
  hipLaunchKernelGGL(smooth, grid, block, 0, 0, a, b, nx, ny, nz);
  HIP_CALL(hipEventRecord(to));
  HIP_CALL(hipEventSynchronize(to));
  float ms = 0.0f;
  HIP_CALL(hipEventElapsedTime(&ms, from, to));
  HIP_CALL(hipMemcpy(host.data(), b, cells * sizeof(float), hipMemcpyDeviceToHost));
  printf("%f ms, %f\n", ms, host[0]);
  HIP_CALL(hipFree(a));
  HIP_CALL(hipFree(b));
  return 0;
}
