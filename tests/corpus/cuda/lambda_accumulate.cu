// Polynomials row by row: nested lambdas, captures by value and by reference, generic parameters.
__global__ void horner_rows(const float* coefficients, const float* points, float* out, int degree, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float x = points[i];
  float value = 0.0f, derivative = 0.0f;
  auto step = [&](float c) {
    derivative = derivative * x + value;
    value = value * x + c;
  };
  for (int k = degree; k >= 0; --k) step(coefficients[k]);
  auto limit = [](auto v, auto bound) { return v > bound ? bound : v < -bound ? -bound : v; };
  auto newton = [=](float at) { return at - limit(value, 100.0f) / (derivative == 0.0f ? 1.0f : derivative); };
  out[i] = newton(x);
}

extern "C" void horner_rows_host(const float* coefficients, const float* points, float* out, int degree, int n) {
  float *d_coefficients, *d_points, *d_out;
  cudaMalloc(&d_coefficients, (degree + 1) * sizeof(float));
  cudaMalloc(&d_points, n * sizeof(float));
  cudaMalloc(&d_out, n * sizeof(float));
  cudaMemcpy(d_coefficients, coefficients, (degree + 1) * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(d_points, points, n * sizeof(float), cudaMemcpyHostToDevice);
  horner_rows<<<(n + 127) / 128, 128>>>(d_coefficients, d_points, d_out, degree, n);
  cudaMemcpy(out, d_out, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_coefficients);
  cudaFree(d_points);
  cudaFree(d_out);
}
