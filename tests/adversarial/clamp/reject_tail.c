extern "C" void clamp(const float* x, float* y, int n) {
  for (int b = 0; b + 16 <= n; b += 16)
    for (int i = b; i < b + 16; i++) y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}
