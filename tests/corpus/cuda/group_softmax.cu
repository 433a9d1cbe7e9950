#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_runtime.h>

namespace cg = cooperative_groups;

__device__ float tile_max(const cg::thread_block_tile<32>& tile, float v) {
  for (int d = tile.size() / 2; d > 0; d /= 2) v = fmaxf(v, tile.shfl_xor(v, d));
  return v;
}

// A tile of 32 threads per row.
__global__ void group_softmax(const float* x, float* y, int rows, int cols) {
  cg::thread_block block = cg::this_thread_block();
  cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
  int row = blockIdx.x * warp.meta_group_size() + warp.meta_group_rank();
  if (row >= rows) return;
  const float* in = x + row * cols;
  float top = -INFINITY;
  for (int c = warp.thread_rank(); c < cols; c += warp.size()) top = fmaxf(top, in[c]);
  top = tile_max(warp, top);
  float sum = 0.0f;
  for (int c = warp.thread_rank(); c < cols; c += warp.size()) sum += expf(in[c] - top);
  sum = cg::reduce(warp, sum, cg::plus<float>{});
  for (int c = warp.thread_rank(); c < cols; c += warp.size()) y[row * cols + c] = expf(in[c] - top) / sum;
}

extern "C" void group_softmax_host(const float* x, float* y, int rows, int cols) {
  float *d_x, *d_y;
  cudaMalloc((void**)&d_x, rows * cols * sizeof(float));
  cudaMalloc((void**)&d_y, rows * cols * sizeof(float));
  cudaMemcpy(d_x, x, rows * cols * sizeof(float), cudaMemcpyHostToDevice);
  group_softmax<<<(rows + 3) / 4, 128>>>(d_x, d_y, rows, cols);
  cudaMemcpy(y, d_y, rows * cols * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_y);
}
