// The largest element of each row and where it stands; neighbours meet first, then neighbours of neighbours.
#define THREADS 64

__global__ void row_argmax(const float* x, float* best, int* where, int rows, int cols) {
    __shared__ float value[THREADS];
    __shared__ int index[THREADS];
    int row = blockIdx.x;
    if (row >= rows) return;
    int t = threadIdx.x;
    float mine = -1e30f;
    int at = 0;
    for (int c = t; c < cols; c += THREADS) {
        float v = x[row * cols + c];
        if (v > mine) {
            mine = v;
            at = c;
        }
    }
    value[t] = mine;
    index[t] = at;
    __syncthreads();
    for (unsigned int stride = 1; stride < THREADS; stride *= 2) {
        if (t % (2 * stride) == 0) {
            if (value[t + stride] > value[t] || (value[t + stride] == value[t] && index[t + stride] < index[t])) {
                value[t] = value[t + stride];
                index[t] = index[t + stride];
            }
        }
        __syncthreads();
    }
    if (t == 0) {
        best[row] = value[0];
        where[row] = index[0];
    }
}

extern "C" void row_argmax_host(const float* x, float* best, int* where, int rows, int cols) {
    float *dx, *db;
    int* dw;
    cudaMalloc(&dx, rows * cols * sizeof(float));
    cudaMalloc(&db, rows * sizeof(float));
    cudaMalloc(&dw, rows * sizeof(int));
    cudaMemcpy(dx, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
    row_argmax<<<rows, THREADS>>>(dx, db, dw, rows, cols);
    cudaMemcpy(best, db, rows * sizeof(float), cudaMemcpyDeviceToHost);
    cudaMemcpy(where, dw, rows * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(db);
    cudaFree(dw);
}
