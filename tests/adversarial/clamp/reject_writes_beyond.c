extern "C" void clamp(const float* x, float* y, int n) {
  for (int b = 0; b < n; b += 16)
    for (int i = b; i < b + 16; i++) y[i] = i < n && x[i] > 0.0f ? x[i] : 0.0f;
}
