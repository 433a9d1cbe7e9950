// Four waves share tiles in LDS; each adds a 32x32 product, scaled at the end.
using half4 = __attribute__((__vector_size__(8))) _Float16;
using sums = __attribute__((__vector_size__(16 * sizeof(float)))) float;

__global__ void gemm(const half* A, const half* B, float* C, float alpha) {
  __shared__ half As[64][32];
  __shared__ half Bs[32][64];
  int tid = threadIdx.x, lane = tid % 64, wave = tid / 64;
  int row = wave / 2 * 32, col = wave % 2 * 32;
  sums d = {};
  for (int k = 0; k < 64; k += 32) {
    for (int t = tid; t < 64 * 32; t += 256) {
      As[t / 32][t % 32] = A[(blockIdx.y * 64 + t / 32) * 64 + k + t % 32];
      Bs[t / 64][t % 64] = B[(k + t / 64) * 128 + blockIdx.x * 64 + t % 64];
    }
    __syncthreads();
    for (int kk = 0; kk < 32; kk += 8) {
      half4 a, b;
      for (int i = 0; i < 4; i++) {
        a[i] = As[row + lane % 32][kk + lane / 32 * 4 + i];
        b[i] = Bs[kk + lane / 32 * 4 + i][col + lane % 32];
      }
      d = __builtin_amdgcn_mfma_f32_32x32x8f16(a, b, d, 0, 0, 0);
    }
    __syncthreads();
  }
  d = d * alpha;
  for (int r = 0; r < 16; r++)
    C[(blockIdx.y * 64 + row + r / 4 * 8 + lane / 32 * 4 + r % 4) * 128 + blockIdx.x * 64 + col + lane % 32] = d[r];
}

extern "C" void gemm_host(half* A, half* B, float* C, float alpha) {
  half *d_A, *d_B;
  float* d_C;
  hipMalloc(&d_A, 64 * 64 * sizeof(half));
  hipMalloc(&d_B, 64 * 128 * sizeof(half));
  hipMalloc(&d_C, 64 * 128 * sizeof(float));
  hipMemcpy(d_A, A, 64 * 64 * sizeof(half), hipMemcpyHostToDevice);
  hipMemcpy(d_B, B, 64 * 128 * sizeof(half), hipMemcpyHostToDevice);
  gemm<<<dim3(2, 1), 256>>>(d_A, d_B, d_C, alpha);
  hipMemcpy(C, d_C, 64 * 128 * sizeof(float), hipMemcpyDeviceToHost);
}
