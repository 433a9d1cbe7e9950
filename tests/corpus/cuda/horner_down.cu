// A polynomial in every point by Horner's rule: the loop counts down, and so does the pointer.
__global__ void horner(const float* coefficients, int degree, const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float* c = coefficients + degree;
    float value = *c;
    for (int k = degree - 1; k >= 0; k--) {
        value = value * x[i] + *--c;
    }
    y[i] = value;
}

extern "C" void horner_host(const float* coefficients, int degree, const float* x, float* y, int n) {
    float *dc, *dx, *dy;
    cudaMalloc(&dc, (degree + 1) * sizeof(float));
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&dy, n * sizeof(float));
    cudaMemcpy(dc, coefficients, (degree + 1) * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    horner<<<(n + 127) / 128, 128>>>(dc, degree, dx, dy, n);
    cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dc);
    cudaFree(dx);
    cudaFree(dy);
}
