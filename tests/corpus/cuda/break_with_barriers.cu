// Power iteration of a small matrix, one block: it stops early when the estimate has settled.
#define D 32

__global__ void power(const float* a, float* v, float* value, int* rounds, int most) {
    __shared__ float x[D];
    __shared__ float next[D];
    __shared__ float norm;
    int t = threadIdx.x;
    x[t] = v[t];
    float before = 0.0f;
    int done = 0;
    __syncthreads();
    for (int round = 0; round < most; ++round) {
        float acc = 0.0f;
        for (int k = 0; k < D; ++k) acc += a[t * D + k] * x[k];
        next[t] = acc;
        __syncthreads();
        if (t == 0) {
            float sum = 0.0f;
            for (int k = 0; k < D; ++k) sum += next[k] * next[k];
            norm = sqrtf(sum);
        }
        __syncthreads();
        x[t] = next[t] / norm;
        ++done;
        if (fabsf(norm - before) < 1e-3f * norm) break;
        before = norm;
        __syncthreads();
    }
    v[t] = x[t];
    if (t == 0) {
        *value = norm;
        *rounds = done;
    }
}

extern "C" void power_host(const float* a, float* v, float* value, int* rounds, int most) {
    float *da, *dv, *dn;
    int* dr;
    cudaMalloc(&da, D * D * sizeof(float));
    cudaMalloc(&dv, D * sizeof(float));
    cudaMalloc(&dn, sizeof(float));
    cudaMalloc(&dr, sizeof(int));
    cudaMemcpy(da, a, D * D * sizeof(float), cudaMemcpyHostToDevice);
    cudaMemcpy(dv, v, D * sizeof(float), cudaMemcpyHostToDevice);
    power<<<1, D>>>(da, dv, dn, dr, most);
    cudaMemcpy(v, dv, D * sizeof(float), cudaMemcpyDeviceToHost);
    cudaMemcpy(value, dn, sizeof(float), cudaMemcpyDeviceToHost);
    cudaMemcpy(rounds, dr, sizeof(int), cudaMemcpyDeviceToHost);
    cudaFree(da);
    cudaFree(dv);
    cudaFree(dn);
    cudaFree(dr);
}
