// A sum over the innermost axis of a volume; pointers move by strides that the caller gives.
#include <hip/hip_runtime.h>

__global__ void sum_depth(const float* volume, float* plane, int nz, int ny, int nx) {
    int x = blockIdx.x * 16 + threadIdx.x;
    int y = blockIdx.y * 4 + threadIdx.y;
    if (x >= nx || y >= ny) return;
    const float* p = volume + (y * nx + x);
    float acc = 0.0f;
    for (int left = nz; left > 0; --left, p += ny * nx) acc += *p;
    plane[y * nx + x] = acc;
}

extern "C" void sum_depth_host(const float* volume, float* plane, int nz, int ny, int nx) {
    float *dv, *dp;
    hipMalloc(&dv, nz * ny * nx * sizeof(float));
    hipMalloc(&dp, ny * nx * sizeof(float));
    hipMemcpy(dv, volume, nz * ny * nx * sizeof(float), hipMemcpyHostToDevice);
    dim3 block(16, 4), grid((nx + 15) / 16, (ny + 3) / 4);
    sum_depth<<<grid, block>>>(dv, dp, nz, ny, nx);
    hipMemcpy(plane, dp, ny * nx * sizeof(float), hipMemcpyDeviceToHost);
    hipFree(dv);
    hipFree(dp);
}
