// Settings in global variables of the device, set by the host before the launch.
__device__ float gain;
__managed__ int offset_of_first = 3;

__global__ void amplify(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = gain * x[(i + offset_of_first) % n];
}

extern "C" void amplify_host(const float* x, float* y, float factor, int n) {
    float *dx, *dy;
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&dy, n * sizeof(float));
    cudaMemcpyToSymbol(gain, &factor, sizeof(float));
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    amplify<<<(n + 63) / 64, 64>>>(dx, dy, n);
    cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dy);
}
