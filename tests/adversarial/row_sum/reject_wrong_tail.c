extern "C" void row_sum(const float* A, float* out, int rows, int cols) {
  for (int r = 0; r < rows; r++) {
    float s = 0.0f;
    for (int c = 0; c < cols / 4 * 4; c++) s += A[r * cols + c];
    out[r] = s;
  }
}
