// One kernel for several activations, chosen at run time.
__device__ float activate(float v, int kind) {
    switch (kind) {
        case 0:
            return v;
        case 1:
        case 2: {
            float slope = kind == 2 ? 0.1f : 0.0f;
            return v > 0.0f ? v : slope * v;
        }
        case 3:
            return tanhf(v);
        default:
            return 1.0f / (1.0f + expf(-v));
    }
}

__global__ void activation(const float* x, float* y, int n, int kind) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = activate(x[i], kind);
}

extern "C" void activation_host(const float* x, float* y, int n, int kind) {
    float *dx, *dy;
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&dy, n * sizeof(float));
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    activation<<<(n + 127) / 128, 128>>>(dx, dy, n, kind);
    cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dy);
}
