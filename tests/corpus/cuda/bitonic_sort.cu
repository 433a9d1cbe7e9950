// Each block sorts its row in shared memory.
#define LENGTH 64

__global__ void sort_rows(float* x, int rows) {
    __shared__ float s[LENGTH];
    unsigned int t = threadIdx.x;
    float* row = x + blockIdx.x * LENGTH;
    s[t] = row[t];
    for (unsigned int k = 2; k <= LENGTH; k <<= 1) {
        for (unsigned int j = k >> 1; j > 0; j >>= 1) {
            __syncthreads();
            unsigned int other = t ^ j;
            if (other > t) {
                bool up = (t & k) == 0;
                float a = s[t], b = s[other];
                if ((a > b) == up) {
                    s[t] = b;
                    s[other] = a;
                }
            }
        }
    }
    __syncthreads();
    row[t] = s[t];
}

extern "C" void sort_rows_host(float* x, int rows) {
    float* dx;
    cudaMalloc(&dx, rows * LENGTH * sizeof(float));
    cudaMemcpy(dx, x, rows * LENGTH * sizeof(float), cudaMemcpyHostToDevice);
    sort_rows<<<rows, LENGTH>>>(dx, rows);
    cudaMemcpy(x, dx, rows * LENGTH * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dx);
}
