// Running sums of long rows: a block takes a tile after the other and carries the total along.
#include <hip/hip_runtime.h>
#define W 64

__global__ void row_scan(const int* x, int* y, int cols) {
    __shared__ int tile[W];
    __shared__ int carried;
    const unsigned int t = threadIdx.x;
    if (t == 0) carried = 0;
    __syncthreads();
    for (unsigned int c = t; c < cols; c += W) {
        tile[t] = x[blockIdx.x * cols + c];
        __syncthreads();
        int sum = carried;
        for (unsigned int k = 0; k <= t; ++k) sum += tile[k];
        __syncthreads();
        if (t == W - 1) carried = sum;
        y[blockIdx.x * cols + c] = sum;
        __syncthreads();
    }
}

extern "C" void row_scan_host(const int* x, int* y, int rows, int cols) {
    int *dx, *dy;
    hipMalloc(&dx, rows * cols * sizeof(int));
    hipMalloc(&dy, rows * cols * sizeof(int));
    hipMemcpy(dx, x, rows * cols * sizeof(int), hipMemcpyHostToDevice);
    row_scan<<<rows, W>>>(dx, dy, cols);
    hipMemcpy(y, dy, rows * cols * sizeof(int), hipMemcpyDeviceToHost);
    hipFree(dx);
    hipFree(dy);
}
