// Mean and variance of each row in one pass; partial results of threads are combined in shared memory.
struct Welford {
  float mean;
  float m2;
  int count;

  __device__ void add(float x) {
    count += 1;
    float delta = x - mean;
    mean += delta / count;
    m2 += delta * (x - mean);
  }

  __device__ float variance() const { return count > 1 ? m2 / (count - 1) : 0.0f; }
};

__device__ Welford merge(const Welford& a, const Welford& b) {
  if (a.count == 0) return b;
  if (b.count == 0) return a;
  Welford out;
  out.count = a.count + b.count;
  float delta = b.mean - a.mean;
  float part = (float)b.count / out.count;
  out.mean = a.mean + delta * part;
  out.m2 = a.m2 + b.m2 + delta * delta * a.count * part;
  return out;
}

__global__ void welford_rows(const float* x, float* mean, float* var, int cols) {
  __shared__ Welford part[64];
  Welford mine = {0.0f, 0.0f, 0};
  for (int c = threadIdx.x; c < cols; c += 64) mine.add(x[blockIdx.x * cols + c]);
  part[threadIdx.x] = mine;
  __syncthreads();
  for (int s = 32; s > 0; s /= 2) {
    if (threadIdx.x < s) part[threadIdx.x] = merge(part[threadIdx.x], part[threadIdx.x + s]);
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    Welford all = part[0];
    mean[blockIdx.x] = all.mean;
    var[blockIdx.x] = all.variance();
  }
}

extern "C" void welford_rows_host(const float* x, float* mean, float* var, int rows, int cols) {
  float *d_x, *d_mean, *d_var;
  cudaMalloc(&d_x, rows * cols * sizeof(float));
  cudaMalloc(&d_mean, rows * sizeof(float));
  cudaMalloc(&d_var, rows * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  welford_rows<<<rows, 64>>>(d_x, d_mean, d_var, cols);
  cudaMemcpy(mean, d_mean, rows * sizeof(float), cudaMemcpyDeviceToHost);
  cudaMemcpy(var, d_var, rows * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_mean);
  cudaFree(d_var);
}
