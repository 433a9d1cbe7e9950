// Dynamic shared memory and a templated launch in the words of HIP's first years.
#include <hip/hip_runtime.h>

template <int STEP>
__global__ void mirrored_tiles(const float *x, float *y, int n) {
    HIP_DYNAMIC_SHARED(float, tile)
    int t = hipThreadIdx_x;
    int i = hipBlockIdx_x * hipBlockDim_x + t;
    tile[t] = i < n ? x[i] : 0.0f;
    __syncthreads();
    if (i < n) y[i] = tile[hipBlockDim_x - 1 - t] * STEP;
}

extern "C" void mirrored_tiles_host(const float *x, float *y, int n) {
    float *dx, *dy;
    hipMalloc((void **)&dx, n * sizeof(float));
    hipMalloc((void **)&dy, n * sizeof(float));
    hipMemcpy(dx, x, n * sizeof(float), hipMemcpyHostToDevice);
    hipLaunchKernelGGL(HIP_KERNEL_NAME(mirrored_tiles<3>), dim3((n + 63) / 64), dim3(64), 64 * sizeof(float), 0, dx, dy, n);
    hipMemcpy(y, dy, n * sizeof(float), hipMemcpyDeviceToHost);
    hipFree(dx);
    hipFree(dy);
}
