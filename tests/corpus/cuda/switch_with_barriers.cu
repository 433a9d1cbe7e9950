// One kernel, several ways to rearrange a tile; all threads take the same case, barriers and all.
#define B 64

__global__ void rearrange(const int* x, int* y, int n, int mode) {
    __shared__ int s[B];
    int t = threadIdx.x, i = blockIdx.x * B + t;
    s[t] = i < n ? x[i] : 0;
    __syncthreads();
    switch (mode) {
        case 0:
            for (int d = 1; d < B; d *= 2) {
                int v = t >= d ? s[t - d] : 0;
                __syncthreads();
                s[t] += v;
                __syncthreads();
            }
            break;
        case 1: {
            int v = s[B - 1 - t];
            __syncthreads();
            s[t] = v;
            break;
        }
        default:
            break;
    }
    if (i < n) y[i] = s[t];
}

extern "C" void rearrange_host(const int* x, int* y, int n, int mode) {
    int *dx, *dy;
    cudaMalloc(&dx, n * sizeof(int));
    cudaMalloc(&dy, n * sizeof(int));
    cudaMemcpy(dx, x, n * sizeof(int), cudaMemcpyHostToDevice);
    rearrange<<<(n + B - 1) / B, B>>>(dx, dy, n, mode);
    cudaMemcpy(y, dy, n * sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dy);
}
