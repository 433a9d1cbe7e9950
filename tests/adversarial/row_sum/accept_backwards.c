extern "C" void row_sum(const float* A, float* out, int rows, int cols) {
  for (int r = rows - 1; r >= 0; r--) {
    out[r] = 0.0f;
    for (int c = cols - 1; c >= 0; c--) out[r] += A[r * cols + c];
  }
}
