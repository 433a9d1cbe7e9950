// The first element of each row above the row's threshold, ignoring the masked ones; -1 when there is none.
__global__ void first_above(const float* x, const unsigned char* mask, const float* threshold, int* where, int rows, int cols) {
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r < rows) {
        int found = -1;
        for (int c = 0; c < cols; ++c) {
            if (mask[r * cols + c]) continue;
            if (x[r * cols + c] > threshold[r]) {
                found = c;
                break;
            }
        }
        where[r] = found;
    }
}

extern "C" void first_above_host(const float* x, const unsigned char* mask, const float* threshold, int* where, int rows,
                                 int cols) {
    float *dx, *dt;
    unsigned char* dm;
    int* dw;
    cudaMalloc(&dx, rows * cols * sizeof(float));
    cudaMalloc(&dm, rows * cols);
    cudaMalloc(&dt, rows * sizeof(float));
    cudaMalloc(&dw, rows * sizeof(int));
    cudaMemcpy(dx, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(dm, mask, rows * cols, cudaMemcpyHostToDevice);
    cudaMemcpy(dt, threshold, rows * sizeof(float), cudaMemcpyHostToDevice);
    first_above<<<(rows + 31) / 32, 32>>>(dx, dm, dt, dw, rows, cols);
    cudaMemcpy(where, dw, rows * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dm);
    cudaFree(dt);
    cudaFree(dw);
}
