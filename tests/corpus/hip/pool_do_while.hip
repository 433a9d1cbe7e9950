// The longest run of equal neighbours in each row, found by do and while loops side by side.
#include <hip/hip_runtime.h>

__global__ void longest_run(const int* x, int* run, int rows, int cols) {
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows) return;
    const int* row = x + r * cols;
    int best = 0, c = 0;
    do {
        int length = 1;
        while (c + length < cols && row[c + length] == row[c]) ++length;
        if (length > best) best = length;
        c += length;
    } while (c < cols);
    run[r] = best;
}

extern "C" void longest_run_host(const int* x, int* run, int rows, int cols) {
    int *dx, *dr;
    hipMalloc(&dx, rows * cols * sizeof(int));
    hipMalloc(&dr, rows * sizeof(int));
    hipMemcpy(dx, x, rows * cols * sizeof(int), hipMemcpyHostToDevice);
    hipLaunchKernelGGL(longest_run, dim3((rows + 63) / 64), dim3(64), 0, 0, dx, dr, rows, cols);
    hipMemcpy(run, dr, rows * sizeof(int), hipMemcpyDeviceToHost);
    hipFree(dx);
    hipFree(dr);
}
