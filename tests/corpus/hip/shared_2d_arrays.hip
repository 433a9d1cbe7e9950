// Separable smoothing of a tile: rows into a second shared array, then columns.
#include <hip/hip_runtime.h>
#define T 8
#define R 2

__global__ void blur(const float* in, float* out, int w, int h) {
    __shared__ float tile[T + 2 * R][T + 2 * R + 1];
    __shared__ float rows[T + 2 * R][T];
    const int x0 = blockIdx.x * T - R, y0 = blockIdx.y * T - R;
    for (int y = threadIdx.y; y < T + 2 * R; y += T)
        for (int x = threadIdx.x; x < T + 2 * R; x += T) {
            int gx = min(max(x0 + x, 0), w - 1), gy = min(max(y0 + y, 0), h - 1);
            tile[y][x] = in[gy * w + gx];
        }
    __syncthreads();
    for (int y = threadIdx.y; y < T + 2 * R; y += T) {
        float sum = 0.0f;
        for (int k = -R; k <= R; ++k) sum += tile[y][threadIdx.x + R + k];
        rows[y][threadIdx.x] = sum;
    }
    __syncthreads();
    const int gx = blockIdx.x * T + threadIdx.x, gy = blockIdx.y * T + threadIdx.y;
    if (gx >= w || gy >= h) return;
    float sum = 0.0f;
    for (int k = 0; k <= 2 * R; ++k) sum += rows[threadIdx.y + k][threadIdx.x];
    out[gy * w + gx] = sum / ((2 * R + 1) * (2 * R + 1));
}

extern "C" void blur_host(const float* in, float* out, int w, int h) {
    float *din, *dout;
    hipMalloc(&din, w * h * sizeof(float));
    hipMalloc(&dout, w * h * sizeof(float));
    hipMemcpy(din, in, w * h * sizeof(float), hipMemcpyHostToDevice);
    blur<<<dim3((w + T - 1) / T, (h + T - 1) / T), dim3(T, T)>>>(din, dout, w, h);
    hipMemcpy(out, dout, w * h * sizeof(float), hipMemcpyDeviceToHost);
    hipFree(din);
    hipFree(dout);
}
