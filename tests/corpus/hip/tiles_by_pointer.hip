// Helpers take the tile as a pointer to rows, and as a reference to the whole array.
#include <hip/hip_runtime.h>
#define T 16

__device__ void fetch(float (*tile)[T + 1], const float* from, int w, int h, int x, int y) {
    tile[threadIdx.y][threadIdx.x] = x < w && y < h ? from[y * w + x] : 0.0f;
}

__device__ float row_total(const float (&tile)[T][T + 1], int r) {
    float sum = 0.0f;
    for (int c = 0; c < T; ++c) sum += tile[r][c];
    return sum;
}

__global__ void tile_rows(const float* in, float* out, int w, int h) {
    __shared__ float tile[T][T + 1];
    int x = blockIdx.x * T + threadIdx.x, y = blockIdx.y * T + threadIdx.y;
    fetch(tile, in, w, h, x, y);
    __syncthreads();
    if (x < w && y < h) out[y * w + x] = tile[threadIdx.y][threadIdx.x] * row_total(tile, threadIdx.y);
}

extern "C" void tile_rows_host(const float* in, float* out, int w, int h) {
    float *din, *dout;
    hipMalloc(&din, w * h * sizeof(float));
    hipMalloc(&dout, w * h * sizeof(float));
    hipMemcpy(din, in, w * h * sizeof(float), hipMemcpyHostToDevice);
    tile_rows<<<dim3((w + T - 1) / T, (h + T - 1) / T), dim3(T, T)>>>(din, dout, w, h);
    hipMemcpy(out, dout, w * h * sizeof(float), hipMemcpyDeviceToHost);
    hipFree(din);
    hipFree(dout);
}
