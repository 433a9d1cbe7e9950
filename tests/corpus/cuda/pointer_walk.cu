// One thread per row walks it with a pointer until it meets the row's end.
__global__ void row_norm(const float* x, float* norm, int rows, int cols) {
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= rows) return;
    const float* p = x + (size_t)r * cols;
    const float* end = p + cols;
    float sum = 0.0f;
    while (p < end) {
        float v = *p++;
        sum += v * v;
    }
    norm[r] = sqrtf(sum);
}

extern "C" void row_norm_host(const float* x, float* norm, int rows, int cols) {
    float *dx, *dn;
    cudaMalloc(&dx, rows * cols * sizeof(float));
    cudaMalloc(&dn, rows * sizeof(float));
    cudaMemcpy(dx, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
    row_norm<<<(rows + 63) / 64, 64>>>(dx, dn, rows, cols);
    cudaMemcpy(norm, dn, rows * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dn);
}
