// Softmax over the rows of a matrix: one block per row, a tree reduction in shared memory.
#define THREADS 128

__global__ void row_softmax(const float* x, float* y, int cols) {
  __shared__ float partial[THREADS];
  const float* row = x + blockIdx.x * cols;

  float biggest = -INFINITY;
  for (int c = threadIdx.x; c < cols; c += THREADS) {
    biggest = fmaxf(biggest, row[c]);
  }
  partial[threadIdx.x] = biggest;
  __syncthreads();
  for (int step = THREADS / 2; step > 0; step /= 2) {
    if (threadIdx.x < step) {
      partial[threadIdx.x] = fmaxf(partial[threadIdx.x], partial[threadIdx.x + step]);
    }
    __syncthreads();
  }
  float top = partial[0];
  __syncthreads();

  float sum = 0.0f;
  for (int c = threadIdx.x; c < cols; c += THREADS) {
    sum += expf(row[c] - top);
  }
  partial[threadIdx.x] = sum;
  __syncthreads();
  for (int step = THREADS / 2; step > 0; step /= 2) {
    if (threadIdx.x < step) {
      partial[threadIdx.x] += partial[threadIdx.x + step];
    }
    __syncthreads();
  }

  for (int c = threadIdx.x; c < cols; c += THREADS) {
    y[blockIdx.x * cols + c] = expf(row[c] - top) / partial[0];
  }
}

extern "C" void softmax(const float* x, float* y, int rows, int cols) {
  float *d_x, *d_y;
  cudaMalloc(&d_x, rows * cols * sizeof(float));
  cudaMalloc(&d_y, rows * cols * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  row_softmax<<<rows, THREADS>>>(d_x, d_y, cols);
  cudaMemcpy(y, d_y, rows * cols * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
