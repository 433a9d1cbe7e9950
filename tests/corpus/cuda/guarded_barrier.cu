// Threads outside the array leave before the barrier: those that stay meet without them.
#define B 64

__global__ void neighbours(const float* x, float* y, int n) {
    __shared__ float s[B];
    int i = blockIdx.x * B + threadIdx.x;
    if (i >= n) return;
    s[threadIdx.x] = x[i] * x[i];
    __syncthreads();
    float left = threadIdx.x > 0 ? s[threadIdx.x - 1] : 0.0f;
    __syncthreads();
    s[threadIdx.x] = left;
    __syncthreads();
    y[i] = s[threadIdx.x] - x[i];
}

extern "C" void neighbours_host(const float* x, float* y, int n) {
    float *dx, *dy;
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&dy, n * sizeof(float));
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    neighbours<<<(n + B - 1) / B, B>>>(dx, dy, n);
    cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dy);
}
