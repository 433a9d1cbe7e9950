// A product of matrices, then a bias and a rectifier on it; grids of two dimensions from run-time sizes.
#include <hip/hip_runtime.h>
#include <vector>
#include <iostream>

#define HIP_CHECK(expr)                                        \
  {                                                            \
    hipError_t err = (expr);                                   \
    if (err != hipSuccess) {                                   \
      std::cerr << #expr << ": " << hipGetErrorString(err);    \
      abort();                                                 \
    }                                                          \
  }

constexpr int TILE = 16;

static int div_up(int a, int b) { return (a + b - 1) / b; }

__global__ void gemm(const float* A, const float* B, float* C, int M, int N, int K) {
  int col = blockIdx.x * blockDim.x + threadIdx.x;
  int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= M || col >= N) return;
  float acc = 0.0f;
  for (int k = 0; k < K; ++k) acc += A[row * K + k] * B[k * N + col];
  C[row * N + col] = acc;
}

__global__ void bias_relu(float* C, const float* bias, int M, int N) {
  int col = blockIdx.x * blockDim.x + threadIdx.x;
  int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row < M && col < N) C[row * N + col] = fmaxf(C[row * N + col] + bias[col], 0.0f);
}

extern "C" void linear(const float* A, const float* B, const float* bias, float* C, int M, int N, int K) {
  float *dA, *dB, *dC, *db;
  hipMalloc(&dA, M * K * sizeof(float));
  hipMalloc(&dB, K * N * sizeof(float));
  hipMalloc(&dC, M * N * sizeof(float));
  hipMalloc(&db, N * sizeof(float));
  hipMemcpy(dA, A, M * K * sizeof(float), hipMemcpyHostToDevice);
  hipMemcpy(dB, B, K * N * sizeof(float), hipMemcpyHostToDevice);
  hipMemcpy(db, bias, N * sizeof(float), hipMemcpyHostToDevice);
  dim3 threads(TILE, TILE);
  dim3 blocks(div_up(N, TILE), div_up(M, TILE));
  hipLaunchKernelGGL(gemm, blocks, threads, 0, 0, dA, dB, dC, M, N, K);
  hipLaunchKernelGGL(bias_relu, blocks, threads, 0, 0, dC, db, M, N);
  hipMemcpy(C, dC, M * N * sizeof(float), hipMemcpyDeviceToHost);
  hipFree(dA);
  hipFree(dB);
  hipFree(dC);
  hipFree(db);
}

int main() {
  const int M = 100, N = 70, K = 33;
  std::vector<float> A(M * K, 1.0f), B(K * N, 0.5f), bias(N, -1.0f), C(M * N);
  linear(A.data(), B.data(), bias.data(), C.data(), M, N, K);
  std::cout << C[0] << std::endl;
  return 0;
}
