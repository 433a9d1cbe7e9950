// Bodies as float4: position and mass. The pull on each of them, by tiles of bodies in shared memory.
#define P 64

__device__ float3 pull(float4 a, float4 b, float3 sum) {
    float3 d = make_float3(b.x - a.x, b.y - a.y, b.z - a.z);
    float far = d.x * d.x + d.y * d.y + d.z * d.z + 0.01f;
    float inverse = 1.0f / sqrtf(far);
    float s = b.w * inverse * inverse * inverse;
    sum.x += d.x * s;
    sum.y += d.y * s;
    sum.z += d.z * s;
    return sum;
}

__global__ void gravity(const float4* body, float4* force, int n) {
    __shared__ float4 tile[P];
    int i = blockIdx.x * P + threadIdx.x;
    float4 me = i < n ? body[i] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    float3 sum = {0.0f, 0.0f, 0.0f};
    for (int base = 0; base < n; base += P) {
        int j = base + threadIdx.x;
        tile[threadIdx.x] = j < n ? body[j] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        __syncthreads();
        for (int k = 0; k < P; ++k) sum = pull(me, tile[k], sum);
        __syncthreads();
    }
    if (i < n) force[i] = make_float4(sum.x, sum.y, sum.z, 0.0f);
}

extern "C" void gravity_host(const float* body, float* force, int n) {
    float4 *db, *df;
    cudaMalloc(&db, n * sizeof(float4));
    cudaMalloc(&df, n * sizeof(float4));
    cudaMemcpy(db, body, n * sizeof(float4), cudaMemcpyHostToDevice);
    gravity<<<(n + P - 1) / P, P>>>(db, df, n);
    cudaMemcpy(force, df, n * sizeof(float4), cudaMemcpyDeviceToHost);
    cudaFree(db);
    cudaFree(df);
}
