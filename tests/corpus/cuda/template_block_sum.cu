// Sums of rows: one block per row, block size and element type are template arguments.
template <typename T>
__device__ __forceinline__ T combine(T a, T b) {
  return a + b;
}

template <typename T, int BLOCK>
__global__ void row_sums(const T* __restrict__ x, T* __restrict__ out, int cols) {
  static_assert((BLOCK & (BLOCK - 1)) == 0, "BLOCK must be a power of two");
  __shared__ T part[BLOCK];
  const int row = blockIdx.x;
  T mine = T(0);
  for (int c = threadIdx.x; c < cols; c += BLOCK) {
    mine = combine(mine, x[row * cols + c]);
  }
  part[threadIdx.x] = mine;
  __syncthreads();
  for (int s = BLOCK / 2; s > 0; s >>= 1) {
    if (threadIdx.x < s) {
      part[threadIdx.x] = combine<T>(part[threadIdx.x], part[threadIdx.x + s]);
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) out[row] = part[0];
}

template <typename T, int BLOCK = 128>
void launch_row_sums(const T* x, T* out, int rows, int cols) {
  row_sums<T, BLOCK><<<rows, BLOCK>>>(x, out, cols);
}

extern "C" void row_sums_host(const float* x, float* out, int rows, int cols) {
  float *d_x, *d_out;
  cudaMalloc(&d_x, rows * cols * sizeof(float));
  cudaMalloc(&d_out, rows * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  launch_row_sums<float>(d_x, d_out, rows, cols);
  cudaMemcpy(out, d_out, rows * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_out);
}
