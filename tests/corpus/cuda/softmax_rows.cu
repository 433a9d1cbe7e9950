// A thread per row.
__global__ void softmax(const float* x, float* y, int rows, int n) {
  int r = blockIdx.x * blockDim.x + threadIdx.x;
  if (r >= rows) return;
  float m = -INFINITY;
  for (int i = 0; i < n; i++) m = fmaxf(m, x[r * n + i]);
  float s = 0.0f;
  for (int i = 0; i < n; i++) s += expf(x[r * n + i] - m);
  for (int i = 0; i < n; i++) y[r * n + i] = expf(x[r * n + i] - m) / s;
}

extern "C" void softmax_host(const float* x, float* y) {
  float *d_x, *d_y;
  cudaMalloc(&d_x, 40 * 24 * sizeof(float));
  cudaMalloc(&d_y, 40 * 24 * sizeof(float));
  cudaMemcpy(d_x, x, 40 * 24 * sizeof(float), cudaMemcpyHostToDevice);
  softmax<<<2, 32>>>(d_x, d_y, 40, 24);
  cudaMemcpy(y, d_y, 40 * 24 * sizeof(float), cudaMemcpyDeviceToHost);
}
