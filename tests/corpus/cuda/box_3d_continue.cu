// Sums over each point's neighbours within its tile of a volume; what lies outside is passed over.
#define T 4

__global__ void box(const float* in, float* out, int nx, int ny, int nz) {
    __shared__ float s[T][T][T + 1];
    int tx = threadIdx.x, ty = threadIdx.y, tz = threadIdx.z;
    int x = blockIdx.x * T + tx, y = blockIdx.y * T + ty, z = blockIdx.z * T + tz;
    bool inside = x < nx && y < ny && z < nz;
    s[tz][ty][tx] = inside ? in[(z * ny + y) * nx + x] : 0.0f;
    __syncthreads();
    if (!inside) return;
    float sum = 0.0f;
    for (int dz = -1; dz <= 1; dz++) {
        if (tz + dz < 0 || tz + dz >= T) continue;
        for (int dy = -1; dy <= 1; dy++) {
            if (ty + dy < 0 || ty + dy >= T) continue;
            for (int dx = -1; dx <= 1; dx++) {
                if (tx + dx < 0 || tx + dx >= T) continue;
                sum += s[tz + dz][ty + dy][tx + dx];
            }
        }
    }
    out[(z * ny + y) * nx + x] = sum;
}

extern "C" void box_host(const float* in, float* out, int nx, int ny, int nz) {
    float *din, *dout;
    cudaMalloc(&din, nx * ny * nz * sizeof(float));
    cudaMalloc(&dout, nx * ny * nz * sizeof(float));
    cudaMemcpy(din, in, nx * ny * nz * sizeof(float), cudaMemcpyHostToDevice);
    dim3 block(T, T, T), grid((nx + T - 1) / T, (ny + T - 1) / T, (nz + T - 1) / T);
    box<<<grid, block>>>(din, dout, nx, ny, nz);
    cudaMemcpy(out, dout, nx * ny * nz * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(din);
    cudaFree(dout);
}
