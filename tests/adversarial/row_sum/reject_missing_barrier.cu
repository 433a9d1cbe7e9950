__global__ void row_sum(const float* A, float* out, int rows, int cols) {
  __shared__ float part[128];
  int t = threadIdx.x;
  float s = 0.0f;
  for (int c = t; c < cols; c += 128) s += A[blockIdx.x * cols + c];
  part[t] = s;
  if (t == 127) {
    float all = 0.0f;
    for (int k = 0; k < 128; k++) all += part[k];
    out[blockIdx.x] = all;
  }
}
// One block per row: strided partial sums, then a tree in shared memory.

extern "C" void row_sum_host(const float* A, float* out, int rows, int cols) {
  float *dA, *dout;
  cudaMalloc(&dA, rows * cols * sizeof(float));
  cudaMalloc(&dout, rows * sizeof(float));
  cudaMemcpy(dA, A, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  row_sum<<<rows, 128>>>(dA, dout, rows, cols);
  cudaMemcpy(out, dout, rows * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(dA);
  cudaFree(dout);
}
