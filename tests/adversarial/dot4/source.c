extern "C" void weigh(const signed char* a, const signed char* b, int* out, int n) {
  for (int i = 0; i < n; i++) {
    out[i] = 0;
    for (int k = 0; k < 4; k++) out[i] += a[i * 4 + k] * b[k];
  }
}
