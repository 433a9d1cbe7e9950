// Grey values of a picture of four bytes per point, and the picture with its channels swapped.
__global__ void grey(const uchar4* in, uchar4* swapped, unsigned char* out, int w, int h) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= w || y >= h) return;
    uchar4 p = in[y * w + x];
    out[y * w + x] = (unsigned char)((p.x * 77 + p.y * 150 + p.z * 29) >> 8);
    swapped[y * w + x] = make_uchar4(p.z, p.y, p.x, 255);
}

extern "C" void grey_host(const unsigned char* in, unsigned char* swapped, unsigned char* out, int w, int h) {
    uchar4 *din, *ds;
    unsigned char* dout;
    cudaMalloc(&din, w * h * sizeof(uchar4));
    cudaMalloc(&ds, w * h * sizeof(uchar4));
    cudaMalloc(&dout, w * h);
    cudaMemcpy(din, in, w * h * sizeof(uchar4), cudaMemcpyHostToDevice);
    dim3 block(16, 8);
    dim3 grid((w + block.x - 1) / block.x, (h + block.y - 1) / block.y);
    grey<<<grid, block>>>(din, ds, dout, w, h);
    cudaMemcpy(swapped, ds, w * h * sizeof(uchar4), cudaMemcpyDeviceToHost);
    cudaMemcpy(out, dout, w * h, cudaMemcpyDeviceToHost);
    cudaFree(din);
    cudaFree(ds);
    cudaFree(dout);
}
