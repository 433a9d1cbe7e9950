// The grid follows from what the device is, which only the run knows; the kernel's own guard says what there is to do.
#include <cuda_runtime.h>

int blocks_that_fit(int threads) {
    cudaDeviceProp prop;
    cudaGetDeviceProperties(&prop, 0);
    return prop.multiProcessorCount * (prop.maxThreadsPerMultiProcessor / threads);
}

__global__ void pair_means(const float *x, float *means, int pairs) {
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= pairs) return;
    float sums[2][2] = {0.0f, 1.0f};  // one pair of braces for two dimensions
    for (int j = 0; j < 2; j++) {
        sums[0][0] += x[2 * k + j];
        sums[1][j] += sums[0][1];
    }
    means[k] = sums[0][0] / (sums[1][0] + sums[1][1]);
}

int main() {
    const int pairs = 1000;
    float *x, *means;
    cudaMallocManaged(&x, 2 * pairs * sizeof(float));
    cudaMallocManaged(&means, pairs * sizeof(float));
    dim3 block(128);
    dim3 grid((pairs + 127) / 128);
    if (blocks_that_fit(128) < 8) grid.x = blocks_that_fit(128);
    pair_means<<<grid, block>>>(x, means, pairs);
    cudaDeviceSynchronize();
    return 0;
}
