// The tree of sums lacks its barrier: a thread may read what its neighbour has not added yet.
__global__ void sum_blocks(const float* x, float* sums, int n) {
    __shared__ float part[128];
    int t = threadIdx.x;
    int i = blockIdx.x * blockDim.x + t;
    part[t] = i < n ? x[i] : 0.0f;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (t < s) part[t] += part[t + s];
    }
    if (t == 0) sums[blockIdx.x] = part[0];
}

extern "C" void sum_blocks_host(const float* x, float* sums, int n) {
    int blocks = (n + 127) / 128;
    float *dx, *ds;
    cudaMalloc(&dx, n * sizeof(float));
    cudaMalloc(&ds, blocks * sizeof(float));
    cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
    sum_blocks<<<blocks, 128>>>(dx, ds, n);
    cudaMemcpy(sums, ds, blocks * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(ds);
}
