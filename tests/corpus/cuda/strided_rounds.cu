// Each round of the loop folds one tile of the row: threads start at their own element, and meet in every round.
#define W 32

__global__ void tile_maxima(const float* x, float* maxima, float* total, int cols) {
    __shared__ float tile[W];
    int t = threadIdx.x;
    const float* row = x + blockIdx.x * cols;
    float sum = 0.0f;
    for (int c = t; c < cols; c += blockDim.x) {
        tile[t] = row[c];
        __syncthreads();
        float m = tile[0];
        for (int k = 1; k < W && c - t + k < cols; ++k) m = fmaxf(m, tile[k]);
        if (t == 0) maxima[blockIdx.x * ((cols + W - 1) / W) + c / W] = m;
        sum += m;
        __syncthreads();
    }
    if (t == 0) total[blockIdx.x] = sum;
}

extern "C" void tile_maxima_host(const float* x, float* maxima, float* total, int rows, int cols) {
    int tiles = (cols + W - 1) / W;
    float *dx, *dm, *dt;
    cudaMalloc(&dx, rows * cols * sizeof(float));
    cudaMalloc(&dm, rows * tiles * sizeof(float));
    cudaMalloc(&dt, rows * sizeof(float));
    cudaMemcpy(dx, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
    tile_maxima<<<rows, W>>>(dx, dm, dt, cols);
    cudaMemcpy(maxima, dm, rows * tiles * sizeof(float), cudaMemcpyDeviceToHost);
    cudaMemcpy(total, dt, rows * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dm);
    cudaFree(dt);
}
