// Double precision: a lane's registers are four rows apart.
typedef double v4d __attribute__((ext_vector_type(4)));

__global__ void gemm(const double* A, const double* B, double* C) {
  int g = threadIdx.y, p = threadIdx.x, col = blockIdx.x * 16;
  v4d d;
  for (int r = 0; r < 4; r++) d[r] = C[(4 * r + g) * 32 + col + p];
  for (int k = 0; k < 20; k += 4)
    d = __builtin_amdgcn_mfma_f64_16x16x4f64(A[p * 20 + k + g], B[(k + g) * 32 + col + p], d, 0, 0, 0);
  for (int r = 0; r < 4; r++) C[(4 * r + g) * 32 + col + p] = d[r];
}

extern "C" void gemm_host(const double* A, const double* B, double* C) {
  double *d_A, *d_B, *d_C;
  hipMalloc(&d_A, 16 * 20 * sizeof(double));
  hipMalloc(&d_B, 20 * 32 * sizeof(double));
  hipMalloc(&d_C, 16 * 32 * sizeof(double));
  hipMemcpy(d_A, A, 16 * 20 * sizeof(double), hipMemcpyHostToDevice);
  hipMemcpy(d_B, B, 20 * 32 * sizeof(double), hipMemcpyHostToDevice);
  hipMemcpy(d_C, C, 16 * 32 * sizeof(double), hipMemcpyHostToDevice);
  gemm<<<2, dim3(16, 4)>>>(d_A, d_B, d_C);
  hipMemcpy(C, d_C, 16 * 32 * sizeof(double), hipMemcpyDeviceToHost);
}
