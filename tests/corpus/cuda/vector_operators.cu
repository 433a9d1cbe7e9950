// Vectors of three with operators as every project writes them; a reflected ray per thread.

__device__ __forceinline__ float3 operator-(float3 a, float3 b) { return make_float3(a.x - b.x, a.y - b.y, a.z - b.z); }
__device__ __forceinline__ float3 operator*(float s, const float3& a) { return make_float3(s * a.x, s * a.y, s * a.z); }
__device__ __forceinline__ void operator*=(float3& a, float s) { a.x *= s; a.y *= s; a.z *= s; }
__device__ __forceinline__ float dot(float3 a, float3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

__global__ void reflect(const float3* ray, const float3* normal, float3* out, float keep, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float3 d = ray[i], m = normal[i];
    float3 r = d - (2.0f * dot(d, m)) * m;
    r *= keep;
    out[i] = r;
}

extern "C" void reflect_host(const float* ray, const float* normal, float* out, float keep, int n) {
    float3 *dr, *dn, *dout;
    cudaMalloc(&dr, n * sizeof(float3));
    cudaMalloc(&dn, n * sizeof(float3));
    cudaMalloc(&dout, n * sizeof(float3));
    cudaMemcpy(dr, ray, n * sizeof(float3), cudaMemcpyHostToDevice);
    cudaMemcpy(dn, normal, n * sizeof(float3), cudaMemcpyHostToDevice);
    reflect<<<(n + 63) / 64, 64>>>(dr, dn, dout, keep, n);
    cudaMemcpy(out, dout, n * sizeof(float3), cudaMemcpyDeviceToHost);
    cudaFree(dr);
    cudaFree(dn);
    cudaFree(dout);
}
