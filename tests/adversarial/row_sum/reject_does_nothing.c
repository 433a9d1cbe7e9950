extern "C" void row_sum(const float* A, float* out, int rows, int cols) {
}
