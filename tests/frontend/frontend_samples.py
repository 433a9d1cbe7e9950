"""Kernels of our own that use most of what the front end reads."""

TILED = """\
#define TILE 16
constexpr float SCALE = 0.5f;
// Multiplies square matrices.
__global__ void __launch_bounds__(TILE * TILE) tiled(const float* __restrict__ A, const float* B, float* C, int n) {
  __shared__ float a[TILE][TILE + 1];  // padded
  int row = blockIdx.y * blockDim.y + threadIdx.y, col = blockIdx.x * TILE + threadIdx.x;
  float acc = 0.f;
  // walk the tiles
  for (int t = 0; t < n; t += TILE) {
    a[threadIdx.y][threadIdx.x] = row < n && t + threadIdx.x < n ? A[row * n + t + threadIdx.x] : 0.f;
    __syncthreads();
    #pragma unroll
    for (int k = 0; k < TILE; ++k) acc += a[threadIdx.y][k] * B[(t + k) * n + col];
    __syncthreads();
  }
  if (row >= n || col >= n) return;
  C[row * n + col] = acc * SCALE;
}
"""

WRAPPED = """\
__device__ float act(float x) { return x > 0.f ? x : expf(x) - 1.f; }
__global__ void elu(float* out, const float* in, int count) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += blockDim.x * gridDim.x)
    out[i] = act(in[i]);
}
extern "C" void run(const float* x, float* y, int n, int blocks) {
  float *dx, *dy;
  size_t bytes = n * sizeof(float);
  cudaMalloc((void**)&dx, bytes);
  cudaMalloc(&dy, bytes);
  cudaMemcpy(dx, x, bytes, cudaMemcpyHostToDevice);
  const int threads = 128;
  dim3 block(threads), grid;
  grid.x = blocks;
  elu<<<grid, block>>>(dy, dx, n);
  cudaMemcpy(y, dy, bytes, cudaMemcpyDeviceToHost);
  cudaFree(dx);
  cudaFree(dy);
}
"""

PLAIN = """\
static float square(float x) { return x * x; }
void shift(float* row, int n, float by) { for (int i = 0; i < n; i++) row[i] += by; }
extern "C" void norms(float* A, float* out, int n) {
  float t[4][8] = {{1, 2}, {3}};
  const float* p = A + n;
  int k = 0, kept = 0;
  for (int i = n - 1; i >= 0; i--) {
    switch (i % 3) { case 0: k = 1; break; case 1: k = 2; break; default: k = 3; }
    if (p[i] < 0) continue;
    out[kept++] = sqrt(square(p[i])) + t[i & 3][k];
  }
  shift(out, kept, 0.5);
  do { k -= 1; out[k] *= 2; } while (k > 0);
  while (kept--) A[kept] = 0;
}
"""
