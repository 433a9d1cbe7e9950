extern "C" void clamp(const float* x, float* y, int n) {
  for (int i = 0; i < n; i++) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}
