// Products of columns: two pointers walk down with different strides, and their distance counts the rows.
__global__ void column_dot(const float* a, const float* b, float* out, int rows, int cols, int pitch) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= cols) return;
    const float* last = a + rows * cols;
    float acc = 0.0f;
    for (const float *p = a + c, *q = b + c; p < last; p += cols, q += pitch) {
        acc += *p * *q;
    }
    out[c] = acc;
}

extern "C" void column_dot_host(const float* a, const float* b, float* out, int rows, int cols, int pitch) {
    float *da, *db, *dout;
    cudaMalloc(&da, rows * cols * sizeof(float));
    cudaMalloc(&db, rows * pitch * sizeof(float));
    cudaMalloc(&dout, cols * sizeof(float));
    cudaMemcpy(da, a, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(db, b, rows * pitch * sizeof(float), cudaMemcpyHostToDevice);
    column_dot<<<(cols + 31) / 32, 32>>>(da, db, dout, rows, cols, pitch);
    cudaMemcpy(out, dout, cols * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(da);
    cudaFree(db);
    cudaFree(dout);
}
