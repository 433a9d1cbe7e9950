extern "C" void row_sum(float* A, float* out, int rows, int cols) {
  for (int r = 0; r < rows; r++) {
    for (int c = 1; c < cols; c++) A[r * cols] += A[r * cols + c];
    out[r] = A[r * cols];
  }
}
