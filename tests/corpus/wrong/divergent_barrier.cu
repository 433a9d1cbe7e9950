// Each half of the block meets at a barrier of its own.
__global__ void halves(const float* x, float* y, int n) {
    __shared__ float part[64];
    int t = threadIdx.x;
    int i = blockIdx.x * 64 + t;
    part[t] = i < n ? x[i] : 0.0f;
    if (t < 32) {
        part[t] *= 2.0f;
        __syncthreads();
    } else {
        part[t] *= 3.0f;
        __syncthreads();
    }
    if (i < n) y[i] = part[63 - t];
}

extern "C" void halves_host(const float* x, float* y, int n) {
    float *dx, *dy;
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&dy, n * sizeof(float));
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    halves<<<(n + 63) / 64, 64>>>(dx, dy, n);
    cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dy);
}
