// Running sums of each block's part: two buffers change roles in every round.
#define N 128

__global__ void scan(const int* in, int* out, int n) {
    __shared__ int temp[2][N];
    int t = threadIdx.x, i = blockIdx.x * N + t;
    int pout = 0, pin = 1;
    temp[pout][t] = i < n ? in[i] : 0;
    __syncthreads();
    for (int offset = 1; offset < N; offset <<= 1) {
        pout = 1 - pout;
        pin = 1 - pout;
        if (t >= offset)
            temp[pout][t] = temp[pin][t] + temp[pin][t - offset];
        else
            temp[pout][t] = temp[pin][t];
        __syncthreads();
    }
    if (i < n) out[i] = temp[pout][t];
}

extern "C" void scan_host(const int* in, int* out, int n) {
    int *din, *dout;
    cudaMalloc(&din, n * sizeof(int));
    cudaMalloc(&dout, n * sizeof(int));
    cudaMemcpy(din, in, n * sizeof(int), cudaMemcpyHostToDevice);
    scan<<<(n + N - 1) / N, N>>>(din, dout, n);
    cudaMemcpy(out, dout, n * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(din);
    cudaFree(dout);
}
