// Sums of rows as CUDA wrote them before its shuffles named their lanes.
#include <cuda_runtime.h>

__global__ void row_sums(const float *x, float *sums, int *positive, int rows, int columns) {
    int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    float sum = 0.0f;
    for (int c = lane; c < columns; c += 32) sum += x[row * columns + c];
#if __CUDA_ARCH__ >= 300
    for (int offset = 16; offset > 0; offset >>= 1) sum += __shfl_down(sum, offset);
#else
#error "shuffles need a newer device"
#endif
    float whole = __shfl(sum, 0);
    unsigned votes = __ballot(x[row * columns + lane % columns] > 0.0f);
    if (lane == 0) {
        sums[row] = whole;
        positive[row] = __popc(votes);
    }
}

extern "C" void row_sums_host(const float *x, float *sums, int *positive, int rows, int columns) {
    float *dx, *ds;
    int *dp;
    cudaMalloc(&dx, rows * columns * sizeof(float));
    cudaMalloc(&ds, rows * sizeof(float));
    cudaMalloc(&dp, rows * sizeof(int));
    cudaMemcpy(dx, x, rows * columns * sizeof(float), cudaMemcpyHostToDevice);
    row_sums<<<(rows + 3) / 4, 128>>>(dx, ds, dp, rows, columns);
    cudaMemcpy(sums, ds, rows * sizeof(float), cudaMemcpyDeviceToHost);
    cudaMemcpy(positive, dp, rows * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(ds);
    cudaFree(dp);
}
