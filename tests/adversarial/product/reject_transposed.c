extern "C" void product(const float* A, const float* B, float* C) {
  for (int i = 0; i < 24; i++)
    for (int j = 0; j < 40; j++) {
      C[i * 40 + j] = 0.0f;
      for (int k = 0; k < 56; k++) C[i * 40 + j] += A[i * 56 + k] * B[j * 40 + k];
    }
}
