// Rounds of smoothing between two halves of dynamic shared memory: two pointers trade places.
__global__ void smooth(float* data, int rounds) {
    extern __shared__ float pool[];
    float* now = pool;
    float* next = &pool[blockDim.x];
    int t = threadIdx.x, last = blockDim.x - 1;
    now[t] = data[blockIdx.x * blockDim.x + t];
    __syncthreads();
    for (int k = 0; k < rounds; k++) {
        float left = t > 0 ? now[t - 1] : now[t];
        float right = t < last ? now[t + 1] : now[t];
        next[t] = 0.25f * left + 0.5f * now[t] + 0.25f * right;
        __syncthreads();
        float* other = now;
        now = next;
        next = other;
    }
    data[blockIdx.x * blockDim.x + t] = now[t];
}

extern "C" void smooth_host(float* data, int blocks, int rounds) {
    float* d;
    cudaMalloc(&d, blocks * 64 * sizeof(float));
    cudaMemcpy(d, data, blocks * 64 * sizeof(float), cudaMemcpyHostToDevice);
    smooth<<<blocks, 64, 2 * 64 * sizeof(float)>>>(d, rounds);
    cudaMemcpy(data, d, blocks * 64 * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(d);
}
