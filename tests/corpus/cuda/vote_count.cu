// How many elements of each block's part are above the limit: the barrier counts.
__global__ void count_above(const float* x, float limit, int* counts, int* flags, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int above = i < n && x[i] > limit;
    int total = __syncthreads_count(above);
    int all = __syncthreads_and(i >= n || x[i] > -2.0f);
    int any = __syncthreads_or(i < n && x[i] > 2.0f);
    if (threadIdx.x == 0) {
        counts[blockIdx.x] = total;
        flags[blockIdx.x] = (all != 0) * 2 + (any != 0);
    }
}

extern "C" void count_above_host(const float* x, float limit, int* counts, int* flags, int n) {
    int blocks = (n + 63) / 64;
    float* dx;
    int *dc, *df;
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&dc, blocks * sizeof(int));
    cudaMalloc(&df, blocks * sizeof(int));
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    count_above<<<blocks, 64>>>(dx, limit, dc, df, n);
    cudaMemcpy(counts, dc, blocks * sizeof(int), cudaMemcpyDeviceToHost);
    cudaMemcpy(flags, df, blocks * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dc);
    cudaFree(df);
}
