// Softmax over the unmasked part of each row; a row without any is skipped by its whole block before the first barrier.
#define THREADS 64

__global__ void masked_softmax(const float* x, const int* lengths, float* y, int cols) {
    __shared__ float fold[THREADS];
    int row = blockIdx.x, t = threadIdx.x;
    int length = lengths[row];
    if (length <= 0) {
        for (int c = t; c < cols; c += THREADS) y[row * cols + c] = 0.0f;
        return;
    }
    if (length > cols) length = cols;
    float most = -1e30f;
    for (int c = t; c < length; c += THREADS) most = fmaxf(most, x[row * cols + c]);
    fold[t] = most;
    __syncthreads();
    for (int s = THREADS / 2; s > 0; s /= 2) {
        if (t < s) fold[t] = fmaxf(fold[t], fold[t + s]);
        __syncthreads();
    }
    most = fold[0];
    __syncthreads();
    float sum = 0.0f;
    for (int c = t; c < length; c += THREADS) sum += expf(x[row * cols + c] - most);
    fold[t] = sum;
    __syncthreads();
    for (int s = THREADS / 2; s > 0; s /= 2) {
        if (t < s) fold[t] += fold[t + s];
        __syncthreads();
    }
    float by = 1.0f / fold[0];
    for (int c = t; c < cols; c += THREADS) y[row * cols + c] = c < length ? expf(x[row * cols + c] - most) * by : 0.0f;
}

extern "C" void masked_softmax_host(const float* x, const int* lengths, float* y, int rows, int cols) {
    float *dx, *dy;
    int* dl;
    cudaMalloc(&dx, rows * cols * sizeof(float));
    cudaMalloc(&dl, rows * sizeof(int));
    cudaMalloc(&dy, rows * cols * sizeof(float));
    cudaMemcpy(dx, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(dl, lengths, rows * sizeof(int), cudaMemcpyHostToDevice);
    masked_softmax<<<rows, THREADS>>>(dx, dl, dy, cols);
    cudaMemcpy(y, dy, rows * cols * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dl);
    cudaFree(dy);
}
