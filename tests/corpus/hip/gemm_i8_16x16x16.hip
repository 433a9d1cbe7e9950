// Bytes, four in a register of each lane.
using int4v = __attribute__((__vector_size__(16))) int;

__global__ void gemm(const int8_t* A, const int8_t* B, int* C) {
  int lane = threadIdx.x, row = blockIdx.x * 16;
  int4v d = {0};
  for (int k = 0; k < 64; k += 16) {
    int a = 0, b = 0;
    for (int i = 0; i < 4; i++) {
      a |= (A[(row + lane % 16) * 64 + k + lane / 16 * 4 + i] & 255) << 8 * i;
      b |= (B[(k + lane / 16 * 4 + i) * 16 + lane % 16] & 255) << 8 * i;
    }
    d = __builtin_amdgcn_mfma_i32_16x16x16i8(a, b, d, 0, 0, 0);
  }
  for (int r = 0; r < 4; r++) C[(row + lane / 16 * 4 + r) * 16 + lane % 16] = d[r];
}

extern "C" void gemm_host(const int8_t* A, const int8_t* B, int* C) {
  int8_t *d_A, *d_B;
  int* d_C;
  hipMalloc(&d_A, 32 * 64);
  hipMalloc(&d_B, 64 * 16);
  hipMalloc(&d_C, 32 * 16 * sizeof(int));
  hipMemcpy(d_A, A, 32 * 64, hipMemcpyHostToDevice);
  hipMemcpy(d_B, B, 64 * 16, hipMemcpyHostToDevice);
  gemm<<<2, 64>>>(d_A, d_B, d_C);
  hipMemcpy(C, d_C, 32 * 16 * sizeof(int), hipMemcpyDeviceToHost);
}
