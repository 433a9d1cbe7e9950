// As downloaded: headers of a project that is not here, a harness, timing, command line and main around one kernel.
#include <cassert>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>
#include <cuda_runtime.h>
#include "utils/timer.h"
#include "utils/cli.hpp"

using namespace utils;

#define CUDA_CHECK(call) check_status((call), #call, __FILE__, __LINE__)
#define DIV_UP(a, b) (((a) + (b) - 1) / (b))

typedef std::vector<float> HostArray;

static void check_status(cudaError_t status, const char* what, const char* file, int line) {
  if (status != cudaSuccess) {
    std::cerr << file << ":" << line << " " << what << ": " << cudaGetErrorString(status) << std::endl;
    std::exit(1);
  }
}

struct Options {
  std::string name;
  int repeats = 10;
};

__device__ __forceinline__ float gelu(float v) {
  const float c = 0.79788456f;
  return 0.5f * v * (1.0f + tanhf(c * (v + 0.044715f * v * v * v)));
}

__global__ void gelu_kernel(const float* __restrict__ in, float* __restrict__ out, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) out[i] = gelu(in[i]);
}

static void report(const HostArray& values, double ms) {
  std::cout << "first " << values[0] << ", " << ms << " ms" << std::endl;
}

int main(int argc, char** argv) {
  Options options;
  int count = 1 << 16;
  if (argc > 1) count = std::stoi(argv[1]);
  const size_t bytes = count * sizeof(float);
  HostArray in(count), out(count);
  for (auto& v : in) v = rand() / float(RAND_MAX) - 0.5f;

  float *d_in = nullptr, *d_out = nullptr;
  CUDA_CHECK(cudaMalloc(&d_in, bytes));
  CUDA_CHECK(cudaMalloc(&d_out, bytes));
  CUDA_CHECK(cudaMemcpy(d_in, in.data(), bytes, cudaMemcpyHostToDevice));

  const int block = 192;
  gelu_kernel<<<DIV_UP(count, block), block>>>(d_in, d_out, count);  // to warm up
  auto start = std::chrono::steady_clock::now();
  for (int r = 0; r < options.repeats; ++r) {
    gelu_kernel<<<DIV_UP(count, block), block>>>(d_in, d_out, count);
  }
  CUDA_CHECK(cudaDeviceSynchronize());
  auto stop = std::chrono::steady_clock::now();
  CUDA_CHECK(cudaMemcpy(out.data(), d_out, bytes, cudaMemcpyDeviceToHost));
  report(out, std::chrono::duration<double, std::milli>(stop - start).count() / options.repeats);
  CUDA_CHECK(cudaFree(d_in));
  CUDA_CHECK(cudaFree(d_out));
  return 0;
}
