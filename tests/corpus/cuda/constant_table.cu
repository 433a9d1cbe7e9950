// Dequantisation by a table of sixteen levels, two values in a byte.
__constant__ float levels[16] = {-1.0f, -0.7f, -0.52f, -0.39f, -0.28f, -0.18f, -0.09f, 0.0f,
                                 0.08f, 0.16f, 0.25f, 0.34f, 0.44f, 0.56f, 0.72f, 1.0f};
__device__ const int block_size = 32;

__global__ void dequantise(const unsigned char* packed, const float* scale, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        unsigned char both = packed[i >> 1];
        int code = (i & 1) ? both >> 4 : both & 15;
        out[i] = levels[code] * scale[i / block_size];
    }
}

extern "C" void dequantise_host(const unsigned char* packed, const float* scale, float* out, int n) {
    unsigned char* dp;
    float *ds, *dout;
    cudaMalloc(&dp, (n + 1) / 2);
    cudaMalloc(&ds, (n + 31) / 32 * sizeof(float));
    cudaMalloc(&dout, n * sizeof(float));
    cudaMemcpy(dp, packed, (n + 1) / 2, cudaMemcpyHostToDevice);
    cudaMemcpy(ds, scale, (n + 31) / 32 * sizeof(float), cudaMemcpyHostToDevice);
    dequantise<<<(n + 127) / 128, 128>>>(dp, ds, dout, n);
    cudaMemcpy(out, dout, n * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(dp);
    cudaFree(ds);
    cudaFree(dout);
}
