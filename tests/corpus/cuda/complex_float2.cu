// Products of complex numbers; one operand conjugated.
__device__ inline float2 times(float2 a, float2 b) {
    return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

__global__ void correlate(const float2* __restrict__ a, const float2* __restrict__ b, float2* __restrict__ c, float scale, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float2 right = b[i];
    right.y = -right.y;
    float2 product = times(a[i], right);
    c[i].x = scale * product.x;
    c[i].y = scale * product.y;
}

extern "C" void correlate_host(const float* a, const float* b, float* c, float scale, int n) {
    float2 *da, *db, *dc;
    cudaMalloc((void**)&da, n * sizeof(float2));
    cudaMalloc((void**)&db, n * sizeof(float2));
    cudaMalloc((void**)&dc, n * sizeof(float2));
    cudaMemcpy(da, a, n * sizeof(float2), cudaMemcpyHostToDevice);
    cudaMemcpy(db, b, n * sizeof(float2), cudaMemcpyHostToDevice);
    correlate<<<(n + 127) / 128, 128>>>(da, db, dc, scale, n);
    cudaMemcpy(c, dc, n * sizeof(float2), cudaMemcpyDeviceToHost);
    cudaFree(da);
    cudaFree(db);
    cudaFree(dc);
}
