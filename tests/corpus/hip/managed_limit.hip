// A managed variable that the host sets like one of its own.
#include <hip/hip_runtime.h>

__managed__ int limit;

__global__ void cap(const int* x, int* y, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        int v = x[i];
        y[i] = v > limit ? limit : v < -limit ? -limit : v;
    }
}

extern "C" void cap_host(const int* x, int* y, int most, int n) {
    int *dx, *dy;
    hipMalloc(&dx, n * sizeof(int));
    hipMalloc(&dy, n * sizeof(int));
    hipMemcpy(dx, x, n * sizeof(int), hipMemcpyHostToDevice);
    limit = most;
    cap<<<3, 64>>>(dx, dy, n);
    hipDeviceSynchronize();
    hipMemcpy(y, dy, n * sizeof(int), hipMemcpyDeviceToHost);
    hipFree(dx);
    hipFree(dy);
}
