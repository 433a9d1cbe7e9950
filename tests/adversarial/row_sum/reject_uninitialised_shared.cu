__global__ void row_sum(const float* A, float* out, int rows, int cols) {
  __shared__ float part[128];
  int t = threadIdx.x;
  if (t < cols) part[t] = 0.0f;
  for (int c = t; c < cols; c += 128) part[t] += A[blockIdx.x * cols + c];
  __syncthreads();
  if (t == 0) {
    float s = 0.0f;
    for (int k = 0; k < 128; k++) s += part[k];
    out[blockIdx.x] = s;
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
