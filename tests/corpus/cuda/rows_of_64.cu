// The weights are a matrix with rows of a fixed length: a pointer to arrays says so.
#define WIDTH 64

__global__ void linear(const float (*weights)[WIDTH], const float x[][WIDTH], float* y, int inputs, int outputs) {
    int o = blockIdx.x * blockDim.x + threadIdx.x;
    int i = blockIdx.y;
    if (o >= outputs || i >= inputs) return;
    float acc = 0.0f;
    for (int k = 0; k < WIDTH; k++) acc += x[i][k] * weights[o][k];
    y[i * outputs + o] = acc;
}

extern "C" void linear_host(const float* weights, const float* x, float* y, int inputs, int outputs) {
    float *dw, *dx, *dy;
    cudaMalloc(&dw, outputs * WIDTH * sizeof(float));
    cudaMalloc(&dx, inputs * WIDTH * sizeof(float));
    cudaMalloc(&dy, inputs * outputs * sizeof(float));
    cudaMemcpy(dw, weights, outputs * WIDTH * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(dx, x, inputs * WIDTH * sizeof(float), cudaMemcpyHostToDevice);
    dim3 grid((outputs + 31) / 32, inputs);
    linear<<<grid, 32>>>((const float (*)[WIDTH])dw, (const float (*)[WIDTH])dx, dy, inputs, outputs);
    cudaMemcpy(y, dy, inputs * outputs * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dw);
    cudaFree(dx);
    cudaFree(dy);
}
