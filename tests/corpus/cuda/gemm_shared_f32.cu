// The textbook product: a tile of C per block, tiles of A and B through shared memory.
#define TILE 16

__global__ void gemm(const float* A, const float* B, float* C, int N, int K) {
  __shared__ float As[TILE][TILE];
  __shared__ float Bs[TILE][TILE];
  int row = blockIdx.y * TILE + threadIdx.y, col = blockIdx.x * TILE + threadIdx.x;
  float sum = 0.0f;
  for (int t = 0; t < K / TILE; t++) {
    As[threadIdx.y][threadIdx.x] = A[row * K + t * TILE + threadIdx.x];
    Bs[threadIdx.y][threadIdx.x] = B[(t * TILE + threadIdx.y) * N + col];
    __syncthreads();
    for (int k = 0; k < TILE; k++) sum += As[threadIdx.y][k] * Bs[k][threadIdx.x];
    __syncthreads();
  }
  C[row * N + col] = sum;
}

extern "C" void gemm_host(const float* A, const float* B, float* C) {
  float *d_A, *d_B, *d_C;
  cudaMalloc(&d_A, 32 * 48 * sizeof(float));
  cudaMalloc(&d_B, 48 * 64 * sizeof(float));
  cudaMalloc(&d_C, 32 * 64 * sizeof(float));
  cudaMemcpy(d_A, A, 32 * 48 * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(d_B, B, 48 * 64 * sizeof(float), cudaMemcpyHostToDevice);
  gemm<<<dim3(4, 2), dim3(TILE, TILE)>>>(d_A, d_B, d_C, 64, 48);
  cudaMemcpy(C, d_C, 32 * 64 * sizeof(float), cudaMemcpyDeviceToHost);
}
