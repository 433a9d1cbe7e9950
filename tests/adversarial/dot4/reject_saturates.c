extern "C" void weigh(const signed char* a, const signed char* b, int* out, int n) {
  for (int i = 0; i < n; i++) {
    int s = 0;
    for (int k = 0; k < 4; k++) s += a[i * 4 + k] * b[k];
    out[i] = s > 16383 ? 16383 : s;
  }
}
