// A five-point stencil on a tile with a halo; threads at the tile's rim load the halo too.
#define T 16

__global__ void laplace(const float* in, float* out, int w, int h) {
    __shared__ float s[T + 2][T + 2];
    int gx = blockIdx.x * T + threadIdx.x, gy = blockIdx.y * T + threadIdx.y;
    int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    bool inside = gx < w && gy < h;
    s[ty][tx] = inside ? in[gy * w + gx] : 0.0f;
    if (threadIdx.x == 0) s[ty][0] = gx > 0 && gy < h ? in[gy * w + gx - 1] : 0.0f;
    if (threadIdx.x == T - 1) s[ty][T + 1] = gx + 1 < w && gy < h ? in[gy * w + gx + 1] : 0.0f;
    if (threadIdx.y == 0) s[0][tx] = gy > 0 && gx < w ? in[(gy - 1) * w + gx] : 0.0f;
    if (threadIdx.y == T - 1) s[T + 1][tx] = gy + 1 < h && gx < w ? in[(gy + 1) * w + gx] : 0.0f;
    __syncthreads();
    if (!inside) return;
    out[gy * w + gx] = s[ty][tx - 1] + s[ty][tx + 1] + s[ty - 1][tx] + s[ty + 1][tx] - 4.0f * s[ty][tx];
}

extern "C" void laplace_host(const float* in, float* out, int w, int h) {
    float *din, *dout;
    cudaMalloc(&din, w * h * sizeof(float));
    cudaMalloc(&dout, w * h * sizeof(float));
    cudaMemcpy(din, in, w * h * sizeof(float), cudaMemcpyHostToDevice);
    dim3 block(T, T), grid((w + T - 1) / T, (h + T - 1) / T);
    laplace<<<grid, block>>>(din, dout, w, h);
    cudaMemcpy(out, dout, w * h * sizeof(float), cudaMemcpyDeviceToHost);
    cudaFree(din);
    cudaFree(dout);
}
