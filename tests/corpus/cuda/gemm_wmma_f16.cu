// A block of two warps; each keeps one tile of C in a fragment.
#include <mma.h>
using namespace nvcuda;

__global__ void gemm(const half* A, const half* B, float* C, int M, int N, int K) {
  int warp = threadIdx.x / 32;
  int row = blockIdx.y * 16, col = (blockIdx.x * 2 + warp) * 16;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> acc;
  wmma::fill_fragment(acc, 0.0f);
  for (int k = 0; k < K; k += 16) {
    wmma::load_matrix_sync(a, A + row * K + k, K);
    wmma::load_matrix_sync(b, B + k * N + col, N);
    wmma::mma_sync(acc, a, b, acc);
  }
  wmma::store_matrix_sync(C + row * N + col, acc, N, wmma::mem_row_major);
}

extern "C" void gemm_host(const half* A, const half* B, float* C) {
  half *d_A, *d_B;
  float* d_C;
  cudaMalloc(&d_A, 32 * 48 * sizeof(half));
  cudaMalloc(&d_B, 48 * 64 * sizeof(half));
  cudaMalloc(&d_C, 32 * 64 * sizeof(float));
  cudaMemcpy(d_A, A, 32 * 48 * sizeof(half), cudaMemcpyHostToDevice);
  cudaMemcpy(d_B, B, 48 * 64 * sizeof(half), cudaMemcpyHostToDevice);
  gemm<<<dim3(2, 2), 64>>>(d_A, d_B, d_C, 32, 64, 48);
  cudaMemcpy(C, d_C, 32 * 64 * sizeof(float), cudaMemcpyDeviceToHost);
}
