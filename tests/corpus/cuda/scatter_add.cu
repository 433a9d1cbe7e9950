// Adds rows of an embedding gradient to the rows that the indices name.
#include <cuda_runtime.h>

__global__ void scatter_add(const float* grad, const int* row, float* table, int count, int width, int rows) {
  int item = blockIdx.x * blockDim.x + threadIdx.x;
  if (item >= count * width) return;
  int r = row[item / width];
  if (r < 0 || r >= rows) return;
  atomicAdd(&table[r * width + item % width], grad[item]);
}

extern "C" void scatter_add_host(const float* grad, const int* row, float* table, int count, int width, int rows) {
  float* d_grad;
  cudaMalloc(&d_grad, count * width * sizeof(float));
  int* d_row;
  cudaMalloc(&d_row, count * sizeof(int));
  float* d_table;
  cudaMalloc(&d_table, rows * width * sizeof(float));
  cudaMemcpy(d_grad, grad, count * width * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(d_row, row, count * sizeof(int), cudaMemcpyHostToDevice);
  cudaMemcpy(d_table, table, rows * width * sizeof(float), cudaMemcpyHostToDevice);
  scatter_add<<<(count * width + 255) / 256, 256>>>(d_grad, d_row, d_table, count, width, rows);
  cudaMemcpy(table, d_table, rows * width * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_grad);
  cudaFree(d_row);
  cudaFree(d_table);
}
