// Dynamic shared memory cut into parts of different types: the values of a row, their signs, and one running total.
__global__ void signed_rank(const float* x, float* out, int* positives, int cols) {
    extern __shared__ unsigned char smem[];
    float* value = (float*)smem;
    int* sign = (int*)&value[cols];
    int row = blockIdx.x;
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        float v = x[row * cols + c];
        value[c] = fabsf(v);
        sign[c] = v > 0.0f ? 1 : 0;
    }
    __syncthreads();
    for (int c = threadIdx.x; c < cols; c += blockDim.x) {
        int rank = 0;
        for (int k = 0; k < cols; ++k) rank += value[k] < value[c] || (value[k] == value[c] && k < c);
        out[row * cols + c] = sign[c] ? (float)(rank + 1) : -(float)(rank + 1);
    }
    if (threadIdx.x == 0) {
        int total = 0;
        for (int c = 0; c < cols; ++c) total += sign[c];
        positives[row] = total;
    }
}

extern "C" void signed_rank_host(const float* x, float* out, int* positives, int rows, int cols) {
    float *dx, *dout;
    int* dp;
    cudaMalloc(&dx, rows * cols * sizeof(float));
    cudaMalloc(&dout, rows * cols * sizeof(float));
    cudaMalloc(&dp, rows * sizeof(int));
    cudaMemcpy(dx, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
    size_t bytes = cols * (sizeof(float) + sizeof(int));
    signed_rank<<<rows, 64, bytes>>>(dx, dout, dp, cols);
    cudaMemcpy(out, dout, rows * cols * sizeof(float), cudaMemcpyDeviceToHost);
    cudaMemcpy(positives, dp, rows * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dout);
    cudaFree(dp);
}
