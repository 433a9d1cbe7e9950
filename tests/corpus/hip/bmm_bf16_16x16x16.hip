// A batch of products; the accumulators of two tiles stand in an array.
typedef short short4v __attribute__((ext_vector_type(4)));
typedef float float4v __attribute__((ext_vector_type(4)));

__global__ void bmm(const __hip_bfloat16* A, const __hip_bfloat16* B, float* C) {
  int lane = threadIdx.x, base = blockIdx.z * 32 * 32;
  float4v acc[2];
  for (int t = 0; t < 2; t++) acc[t] = (float4v){0.0f, 0.0f, 0.0f, 0.0f};
  for (int k = 0; k < 32; k += 16) {
    short4v b;
    for (int i = 0; i < 4; i++) b[i] = *(const short*)&B[base + (k + lane / 16 * 4 + i) * 32 + blockIdx.x * 16 + lane % 16];
    for (int t = 0; t < 2; t++) {
      short4v a;
      for (int i = 0; i < 4; i++) a[i] = *(const short*)&A[base + (t * 16 + lane % 16) * 32 + k + lane / 16 * 4 + i];
      acc[t] = __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(a, b, acc[t], 0, 0, 0);
    }
  }
  for (int t = 0; t < 2; t++)
    for (int r = 0; r < 4; r++) C[base + (t * 16 + lane / 16 * 4 + r) * 32 + blockIdx.x * 16 + lane % 16] = acc[t][r];
}

extern "C" void bmm_host(const __hip_bfloat16* A, const __hip_bfloat16* B, float* C) {
  __hip_bfloat16 *d_A, *d_B;
  float* d_C;
  hipMalloc(&d_A, 3 * 32 * 32 * sizeof(__hip_bfloat16));
  hipMalloc(&d_B, 3 * 32 * 32 * sizeof(__hip_bfloat16));
  hipMalloc(&d_C, 3 * 32 * 32 * sizeof(float));
  hipMemcpy(d_A, A, 3 * 32 * 32 * sizeof(__hip_bfloat16), hipMemcpyHostToDevice);
  hipMemcpy(d_B, B, 3 * 32 * 32 * sizeof(__hip_bfloat16), hipMemcpyHostToDevice);
  bmm<<<dim3(2, 1, 3), 64>>>(d_A, d_B, d_C);
  hipMemcpy(C, d_C, 3 * 32 * 32 * sizeof(float), hipMemcpyDeviceToHost);
}
