// Sums of squares in double precision of integers that come four at a time.
__global__ void moments(const int4* x, double2* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int4 v = x[i];
    double2 r;
    r.x = (double)v.x + v.y + v.z + v.w;
    r.y = (double)v.x * v.x + (double)v.y * v.y + (double)v.z * v.z + (double)v.w * v.w;
    out[i] = r;
}

extern "C" void moments_host(const int* x, double* out, int n) {
    int4* dx;
    double2* dout;
    cudaMalloc(&dx, n * sizeof(int4));
    cudaMalloc(&dout, n * sizeof(double2));
    cudaMemcpy(dx, x, n * sizeof(int4), cudaMemcpyHostToDevice);
    moments<<<(n + 63) / 64, 64>>>(dx, dout, n);
    cudaMemcpy(out, dout, n * sizeof(double2), cudaMemcpyDeviceToHost);
    cudaFree(dx);
    cudaFree(dout);
}
