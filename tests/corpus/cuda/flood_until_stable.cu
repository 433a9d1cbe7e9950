// Labels spread to neighbours until no thread of the block changes any: the barrier tells whether someone did.
#define CELLS 96

__global__ void spread(const int* wall, int* label, int rows) {
    __shared__ int now[CELLS];
    __shared__ int blocked[CELLS];
    int t = threadIdx.x;
    now[t] = label[blockIdx.x * CELLS + t];
    blocked[t] = wall[blockIdx.x * CELLS + t] < 0;
    int changed = 1;
    __syncthreads();
    while (__syncthreads_or(changed)) {
        int best = now[t];
        if (!blocked[t]) {
            if (t > 0 && !blocked[t - 1]) best = max(best, now[t - 1]);
            if (t + 1 < CELLS && !blocked[t + 1]) best = max(best, now[t + 1]);
        }
        __syncthreads();
        changed = best != now[t];
        now[t] = best;
    }
    label[blockIdx.x * CELLS + t] = now[t];
}

extern "C" void spread_host(const int* wall, int* label, int rows) {
    int *dw, *dl;
    cudaMalloc(&dw, rows * CELLS * sizeof(int));
    cudaMalloc(&dl, rows * CELLS * sizeof(int));
    cudaMemcpy(dw, wall, rows * CELLS * sizeof(int), cudaMemcpyHostToDevice);
    cudaMemcpy(dl, label, rows * CELLS * sizeof(int), cudaMemcpyHostToDevice);
    spread<<<rows, CELLS>>>(dw, dl, rows);
    cudaMemcpy(label, dl, rows * CELLS * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(dw);
    cudaFree(dl);
}
