// Two waves per block, each with a tile of its own; the edge of C is guarded.
typedef float v4f __attribute__((ext_vector_type(4)));

__global__ void gemm(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C, int M, int N, int K) {
  int lane = threadIdx.x % 64, wave = threadIdx.x / 64;
  int row = blockIdx.y * 16, col = (blockIdx.x * 2 + wave) * 16;
  v4f acc = {0.0f, 0.0f, 0.0f, 0.0f};
  for (int k = 0; k < K; k += 4) {
    float a = A[(row + lane % 16) * K + k + lane / 16];
    float b = B[(k + lane / 16) * N + col + lane % 16];
    acc = __builtin_amdgcn_mfma_f32_16x16x4f32(a, b, acc, 0, 0, 0);
  }
  for (int r = 0; r < 4; r++) {
    int i = row + lane / 16 * 4 + r, j = col + lane % 16;
    if (i < M && j < N) C[i * N + j] = acc[r];
  }
}

extern "C" void gemm_host(const float* A, const float* B, float* C) {
  float *d_A, *d_B, *d_C;
  hipMalloc(&d_A, 32 * 24 * sizeof(float));
  hipMalloc(&d_B, 24 * 64 * sizeof(float));
  hipMalloc(&d_C, 32 * 64 * sizeof(float));
  hipMemcpy(d_A, A, 32 * 24 * sizeof(float), hipMemcpyHostToDevice);
  hipMemcpy(d_B, B, 24 * 64 * sizeof(float), hipMemcpyHostToDevice);
  gemm<<<dim3(2, 2), 128>>>(d_A, d_B, d_C, 32, 64, 24);
  hipMemcpy(C, d_C, 32 * 64 * sizeof(float), hipMemcpyDeviceToHost);
}
