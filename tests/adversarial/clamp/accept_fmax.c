extern "C" void clamp(const float* x, float* y, int n) {
  for (int i = 0; i < n; i++) y[i] = fmaxf(x[i], 0.0f);
}
