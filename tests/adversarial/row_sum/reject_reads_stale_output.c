extern "C" void row_sum(const float* A, float* out, int rows, int cols) {
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < cols; c++) out[r] += A[r * cols + c];
}
