// Sum of an array: each block folds its part in shared memory, halving the number of active threads.
__global__ void block_sums(const float* x, float* sums, int n) {
    __shared__ float part[128];
    int tid = threadIdx.x;
    int i = blockIdx.x * blockDim.x + tid;
    part[tid] = i < n ? x[i] : 0.0f;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (tid < s) part[tid] += part[tid + s];
        __syncthreads();
    }
    if (tid == 0) sums[blockIdx.x] = part[0];
}

extern "C" void block_sums_host(const float* x, float* sums, int n) {
    int blocks = (n + 127) / 128;
    float *dx, *ds;
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&ds, blocks * sizeof(float));
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    block_sums<<<blocks, 128>>>(dx, ds, n);
    cudaMemcpy(sums, ds, blocks * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(ds);
}
