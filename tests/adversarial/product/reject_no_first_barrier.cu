__global__ void tile(const float* A, const float* B, float* C) {
  __shared__ float a[8][8], b[8][8];
  int i = blockIdx.y * 8 + threadIdx.y, j = blockIdx.x * 8 + threadIdx.x;
  float s = 0.0f;
  for (int k = 0; k < 56; k += 8) {
    a[threadIdx.y][threadIdx.x] = A[i * 56 + k + threadIdx.x];
    b[threadIdx.y][threadIdx.x] = B[(k + threadIdx.y) * 40 + j];

    for (int l = 0; l < 8; l++) s += a[threadIdx.y][l] * b[l][threadIdx.x];
    __syncthreads();
  }
  C[i * 40 + j] = s;
}
extern "C" void product(const float* A, const float* B, float* C) {
  float *dA, *dB, *dC;
  cudaMalloc(&dA, 24 * 56 * 4);
  cudaMalloc(&dB, 56 * 40 * 4);
  cudaMalloc(&dC, 24 * 40 * 4);
  cudaMemcpy(dA, A, 24 * 56 * 4, cudaMemcpyHostToDevice);
  cudaMemcpy(dB, B, 56 * 40 * 4, cudaMemcpyHostToDevice);
  tile<<<dim3(5, 3), dim3(8, 8)>>>(dA, dB, dC);
  cudaMemcpy(C, dC, 24 * 40 * 4, cudaMemcpyDeviceToHost);
  cudaFree(dA);
  cudaFree(dB);
  cudaFree(dC);
}
